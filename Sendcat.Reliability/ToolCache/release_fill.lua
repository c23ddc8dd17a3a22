-- release cache fill
-- Releases the right to fill an entry, if this process still owns it.
-- KEYS 1 lease of the fill. ARGV 1 owner.
-- Returns 1 when the owner matched and the lease was deleted, else 0.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
