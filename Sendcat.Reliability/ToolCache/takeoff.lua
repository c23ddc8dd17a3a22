-- claim cache fill
-- Becomes the one replica that fills an entry.
-- KEYS 1 flight. ARGV 1 who, 2 for how long at most (ms).
-- Answers 1, or 0 when somebody else does.
return redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) and 1 or 0
