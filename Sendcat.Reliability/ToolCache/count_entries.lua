-- count cache entries
-- KEYS 1 index of the namespace.
-- Returns the number of entries that have not expired.
local time = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', time[1] * 1000 + math.floor(time[2] / 1000))
return redis.call('ZCARD', KEYS[1])
