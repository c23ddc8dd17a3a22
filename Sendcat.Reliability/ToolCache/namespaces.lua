-- list cache namespaces
-- KEYS 1 set of namespaces. Returns the names of all namespaces.
return redis.call('SMEMBERS', KEYS[1])
