-- settle rate limits
-- Sets sliding windows right after the fact: what something cost beyond what was claimed, or less. Decides nothing.
--
-- KEYS       windows, as claim.lua keeps them
-- ARGV       per key: window in ms, difference
-- answer     1

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

for n, key in ipairs(KEYS) do
  local length, difference = tonumber(ARGV[2 * n - 1]), tonumber(ARGV[2 * n])
  local index = math.floor(now / length)
  local current, previous = 0, 0
  local stored = redis.call('GET', key)
  if stored then
    local i, c, p = string.match(stored, '^(%d+) (%d+) (%d+)$')
    i = tonumber(i)
    if i == index then current, previous = tonumber(c), tonumber(p)
    elseif i == index - 1 then previous = tonumber(c) end
  end
  redis.call('SET', key, string.format('%.0f %.0f %.0f', index, math.max(0, current + difference), previous), 'PX', 2 * length)
end

return 1
