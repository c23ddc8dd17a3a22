-- list live replicas
-- Returns the replicas whose heartbeat has not timed out.
--
-- KEYS  1    sorted set of the replicas; the score is the time in ms after which a replica counts as dead
-- result     the replicas

local time = redis.call('TIME')
return redis.call('ZRANGEBYSCORE', KEYS[1], time[1] * 1000 + math.floor(time[2] / 1000), '+inf')
