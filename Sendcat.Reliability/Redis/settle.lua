-- settle rate limits
-- Sets sliding windows right after the fact: what something cost beyond what was claimed, or less. Decides nothing.
--
-- KEYS       windows, as claim.lua keeps them
-- ARGV       per key: window in ms, difference, ms since the claim
-- answer     1
--
-- More was spent just now and keeps the window for another length. Less is taken back from the fixed window that it was claimed in, and prolongs nothing.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

for n, key in ipairs(KEYS) do
  local length, difference, age = tonumber(ARGV[3 * n - 2]), tonumber(ARGV[3 * n - 1]), tonumber(ARGV[3 * n])
  local index, claimed = math.floor(now / length), math.floor((now - age) / length)
  local current, previous = 0, 0
  local stored = redis.call('GET', key)
  if stored then
    local i, c, p = string.match(stored, '^(%d+) (%d+) (%d+)$')
    i = tonumber(i)
    if i == index then current, previous = tonumber(c), tonumber(p)
    elseif i == index - 1 then previous = tonumber(c) end
  end
  if difference > 0 then
    redis.call('SET', key, string.format('%.0f %.0f %.0f', index, current + difference, previous), 'PX', length)
  elseif stored then
    if claimed >= index then current = math.max(0, current + difference)
    elseif claimed == index - 1 then previous = math.max(0, previous + difference) end
    redis.call('SET', key, string.format('%.0f %.0f %.0f', index, current, previous), 'KEEPTTL')
  end
end

return 1
