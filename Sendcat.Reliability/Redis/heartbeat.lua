-- replica heartbeat
-- Renews the heartbeat of a replica, and returns the replicas whose heartbeat timed out.
--
-- KEYS  1    sorted set of the replicas; the score is the time in ms after which a replica counts as dead
--       2    hash of this replica's holders
--       3    era of the data: a random value that is lost together with the data
-- ARGV  1    this replica
--       2    timeout in ms: a replica without a heartbeat for this time counts as dead
--       3    the era to set if there is none
-- result     the era, then the dead replicas. None is listed if the heartbeat of this replica itself had timed out: then Redis was probably
--            unavailable for all replicas, and the others must get the chance to send their heartbeats first.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('SET', KEYS[3], ARGV[3], 'NX')
local era = redis.call('GET', KEYS[3])
local mine = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], 86400000)
if not mine or tonumber(mine) < now then return { era } end
return { era, unpack(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)) }
