-- settle rate limits
-- Corrects the counts of sliding windows after the claim by actual cost minus claimed cost. Refuses nothing.
--
-- KEYS       windows, in the format of claim.lua
-- ARGV       per key: window in ms, difference, ms since the claim
-- result     1
--
-- A positive difference counts as spent now and extends the expiry of the window. A negative difference is subtracted from the fixed window
-- in which the cost was claimed, and does not extend the expiry.

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
