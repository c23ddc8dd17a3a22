-- clear cache entries
-- Removes entries of a namespace, the ones that would go first, first.
-- KEYS 1 index. ARGV 1 how many at most.
-- Answers {removed, left}.
local entries = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
for i = 1, #entries, 2 do
  redis.call('UNLINK', entries[i])
end
return {#entries / 2, redis.call('ZCARD', KEYS[1])}
