-- replica heartbeat
-- Renews the heartbeat of a replica, and returns the replicas whose heartbeat timed out.
--
-- KEYS  1    sorted set of the replicas; the score is the time in ms after which a replica counts as dead
--       2    hash of this replica's holders
-- ARGV  1    this replica
--       2    timeout in ms: a replica without a heartbeat for this time counts as dead
-- result     the dead replicas. Empty if the heartbeat of this replica itself had timed out: then Redis was probably unavailable for all
--            replicas, and the others must get the chance to send their heartbeats first.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mine = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], 86400000)
if not mine or tonumber(mine) < now then return {} end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
