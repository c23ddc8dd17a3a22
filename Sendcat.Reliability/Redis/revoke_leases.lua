-- revoke leases
-- Revokes all leases of a holder, on whichever replica it runs. The mark stops its replica from acquiring them again.
--
-- KEYS  1    sorted set of the replicas
-- ARGV  1    holder
--       2    key prefix of the hashes that list a replica's holders
--       3    key of the mark
--       4    ttl of the mark in ms
--       5    channel that notifies the replicas
-- result     how many leases existed

local holder = ARGV[1]
local removed = 0
for _, replica in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
  local hash = ARGV[2] .. replica
  local held = redis.call('HGET', hash, holder)
  if held then
    for key in string.gmatch(held, '[^\n]+') do removed = removed + redis.call('ZREM', key, holder) end
    redis.call('HDEL', hash, holder)
  end
end
redis.call('SET', ARGV[3], '1', 'PX', ARGV[4])
redis.call('PUBLISH', ARGV[5], holder)
return removed
