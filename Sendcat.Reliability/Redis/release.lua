-- release leases
-- Releases leases of a holder.
--
-- KEYS  1    hash of the replica that holds them: holder -> its lease keys, one per line
--       2…   lease keys
-- ARGV  1    holder
-- result     how many leases still existed

local holder = ARGV[1]
local removed = 0
local held = redis.call('HGET', KEYS[1], holder)
local rest = held and ('\n' .. held .. '\n')

for n = 2, #KEYS do
  removed = removed + redis.call('ZREM', KEYS[n], holder)
  if rest then
    local from, to = string.find(rest, '\n' .. KEYS[n] .. '\n', 1, true)
    if from then rest = string.sub(rest, 1, from) .. string.sub(rest, to + 1) end
  end
end

if rest then
  rest = string.match(rest, '^\n(.-)\n?$')
  if rest == '' then redis.call('HDEL', KEYS[1], holder) else redis.call('HSET', KEYS[1], holder, rest) end
end
return removed
