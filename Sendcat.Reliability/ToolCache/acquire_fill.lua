-- claim cache fill
-- Acquires the right to fill an entry.
-- KEYS 1 lease of the fill. ARGV 1 owner, 2 duration of the lease (ms).
-- Returns 1 when it was acquired, 0 when another owner has it.
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
