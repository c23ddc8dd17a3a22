-- release cache fill
-- KEYS 1 flight. ARGV 1 who. Answers 1 when it was his.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
