-- replica heartbeat
-- Says that a replica lives, and names those that have gone silent.
--
-- KEYS  1    sorted set of the replicas, scored by when each counts as dead
--       2    hash of this replica's holders
-- ARGV  1    this replica
--       2    ms of silence after which a replica counts as dead
-- answer     the dead ones; none if this replica itself was silent for too long, since then it was Redis that was away, and the others must speak first

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local mine = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[2], 86400000)
if not mine or tonumber(mine) < now then return {} end
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. now)
