-- clear cache entries
-- Deletes entries of a namespace, those that expire first.
-- KEYS 1 index of the namespace. ARGV 1 maximum number of entries.
-- Returns {number of deleted entries, number of remaining entries}.
local entries = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
for i = 1, #entries, 2 do
  redis.call('UNLINK', entries[i])
end
return {#entries / 2, redis.call('ZCARD', KEYS[1])}
