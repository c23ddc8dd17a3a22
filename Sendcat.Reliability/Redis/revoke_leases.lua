-- revoke leases
-- Takes all leases of a holder away, whichever replica it runs on, for good: its replica must not bring them back.
--
-- KEYS  1    sorted set of the replicas
-- ARGV  1    holder
--       2    beginning of the hashes that list a replica's holders
--       3    key of the mark that says so
--       4    how long the mark stays, in ms
--       5    channel that tells the replicas
-- answer     how many leases were there

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
