-- read tool cache
-- KEYS 1 entry. Answers its value or nothing.
return redis.call('GET', KEYS[1])
