-- list cache namespaces
-- KEYS 1 list. Answers the names of all namespaces.
return redis.call('SMEMBERS', KEYS[1])
