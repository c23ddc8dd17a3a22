-- reap replica leases
-- Releases the leases of about 500 holders of a dead replica.
--
-- KEYS  1    sorted set of the replicas
--       2    hash of the dead replica's holders
-- ARGV  1    the dead replica
-- result     how many holders are left; 0 also if the replica sent a heartbeat again

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) >= now then return 0 end

local fields = redis.call('HSCAN', KEYS[2], 0, 'COUNT', 500)[2]
for n = 1, #fields, 2 do
  for key in string.gmatch(fields[n + 1], '[^\n]+') do redis.call('ZREM', key, fields[n]) end
  redis.call('HDEL', KEYS[2], fields[n])
end

local left = redis.call('HLEN', KEYS[2])
if left == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) end
return left
