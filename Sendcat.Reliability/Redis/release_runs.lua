-- release leases of runs
-- Releases all leases of runs of one replica. A mark for each holder stops the replica from acquiring them again.
--
-- KEYS  1    hash of the replica that ran them: holder -> its lease keys, one per line
-- ARGV  1    key prefix of the marks
--       2    ttl of a mark in ms
--       3    channel that notifies the replica
--       4    separator: a holder is its run, the separator, and a unique part
--       5…   the runs
-- result     how many leases existed

local ended = {}
for n = 5, #ARGV do ended[ARGV[n]] = true end

local removed = 0
local held = redis.call('HGETALL', KEYS[1])
for n = 1, #held, 2 do
  local holder = held[n]
  local at = string.find(holder, ARGV[4], 1, true)
  if at and ended[string.sub(holder, 1, at - 1)] then
    for key in string.gmatch(held[n + 1], '[^\n]+') do removed = removed + redis.call('ZREM', key, holder) end
    redis.call('HDEL', KEYS[1], holder)
    redis.call('SET', ARGV[1] .. holder, '1', 'PX', ARGV[2])
    redis.call('PUBLISH', ARGV[3], holder)
  end
end
return removed
