-- count leases
-- Counts the leases that have not expired.
--
-- KEYS  1    lease key
-- result     how many

local time = redis.call('TIME')
return redis.call('ZCOUNT', KEYS[1], '(' .. (time[1] * 1000 + math.floor(time[2] / 1000)), '+inf')
