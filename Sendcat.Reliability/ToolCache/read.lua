-- read tool cache
-- KEYS 1 entry. Returns its value, or nil.
return redis.call('GET', KEYS[1])
