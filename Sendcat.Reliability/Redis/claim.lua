-- claim limits
-- Decides several claims together: checks all of them, then takes all or none.
--
-- KEYS  1        hash of the calling replica: holder -> its lease keys, one per line
--       2…       one key per claim: the deciding group first, then the shadow group
-- ARGV  1        holder
--       2        how many claims decide; the rest are the shadow group
--       3        1: take the claims even beyond the limits (leases of a turn that still runs, after Redis lost them)
--       then per claim three numbers:
--         lease    cap, ttl in ms, 0 if a breach is only reported, else 1
--         window   max, -(window in ms), cost * 2 + (0 if a breach is only reported, else 1)
--       last     optional: a holder that the caller ends when the claims are taken; its leases do not count
-- result {1 if taken else 0, first refusing claim or 0, ms until it may fit or -1, remaining of the first window or -1,
--         breach of each claim 0 or 1 …, holders or units of each claim before it was taken …}. Holders may include expired ones below the cap
--
-- A refusal writes nothing: it uses no units and extends no expiry. The shadow group is decided separately, and is taken only if all of it
-- fits and the deciding group is taken. So it holds exactly what it would hold if it decided.

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder = ARGV[1]
local deciding = tonumber(ARGV[2])
local forced = ARGV[3] == '1'
local claims = #KEYS - 1
local replaced = ARGV[3 * claims + 4]

-- Sliding window as a counter "index current previous" of two fixed windows: the previous count is weighted by the share of its window that
-- the sliding window still covers. The key expires one window after the last cost. Older costs then no longer count, whatever their weight,
-- so no caller waits for longer than one window.
local function window(key, length)
  local index = math.floor(now / length)
  local rest = (index + 1) * length - now
  local stored = redis.call('GET', key)
  local current, previous = 0, 0
  if stored then
    local i, c, p = string.match(stored, '^(%d+) (%d+) (%d+)$')
    i = tonumber(i)
    if i == index then current, previous = tonumber(c), tonumber(p)
    elseif i == index - 1 then previous = tonumber(c) end
  end
  return index, current, previous, rest
end

-- Milliseconds until the cost fits if no other cost is added.
local function untilFits(length, rest, current, previous, max, cost)
  if cost > max then return length end
  if current + cost <= max then
    return math.max(1, rest - math.floor((max - cost - current) * length / previous))
  end
  return math.max(1, rest + length - math.floor((max - cost) * length / current))
end

local breached = {}
local counters = {}
local used = {}
local stale = {}
local refusedBy, waitMs, remaining = 0, -1, -1
local shadowFits = true

for n = 1, claims do
  local key = KEYS[n + 1]
  local max, span, last = tonumber(ARGV[3 * n + 1]), tonumber(ARGV[3 * n + 2]), tonumber(ARGV[3 * n + 3])
  local breach, enforced, wait = false, last % 2 == 1, -1

  if span > 0 then
    used[n] = redis.call('ZCARD', key)
    if used[n] >= max then
      stale[n] = true
      local held = redis.call('ZCOUNT', key, '(' .. now, '+inf')
      local ending = replaced and redis.call('ZSCORE', key, replaced)
      if ending and tonumber(ending) > now then held = held - 1 end
      used[n] = held
      if held >= max then
        local mine = redis.call('ZSCORE', key, holder)
        breach = not (mine and tonumber(mine) > now)
      end
    end
  else
    local length, cost = -span, math.floor(last / 2)
    local index, current, previous, rest = window(key, length)
    counters[n] = { index, current, previous }
    used[n] = math.floor(current + previous * rest / length)
    breach = (current + cost - max) * length + previous * rest > 0
    if breach then
      wait = untilFits(length, rest, current, previous, max, cost)
      local left = redis.call('PTTL', key)
      if left >= 0 then wait = math.max(1, math.min(wait, left)) end
    elseif remaining < 0 and n <= deciding then remaining = math.floor(max - current - cost - previous * rest / length) end
  end

  breached[n] = breach and 1 or 0
  if breach and enforced and not forced then
    if n > deciding then shadowFits = false
    elseif refusedBy == 0 then refusedBy, waitMs = n, wait end
  end
end

if refusedBy == 0 then
  local leases = {}
  for n = 1, (shadowFits and claims or deciding) do
    local key, span = KEYS[n + 1], tonumber(ARGV[3 * n + 2])
    if span > 0 then
      -- Expired leases are removed only when the set has reached the cap. They never count as holders, and there are never more of them
      -- than the cap and the replaced holders.
      if stale[n] then redis.call('ZREMRANGEBYSCORE', key, '-inf', now) end
      redis.call('ZADD', key, now + span, holder)
      redis.call('PEXPIRE', key, 2 * span)
      leases[#leases + 1] = key
    else
      local counter, cost = counters[n], math.floor(tonumber(ARGV[3 * n + 3]) / 2)
      redis.call('SET', key, string.format('%.0f %.0f %.0f', counter[1], counter[2] + cost, counter[3]), 'PX', -span)
    end
  end

  if #leases > 0 then
    local list = table.concat(leases, '\n')
    if redis.call('HSETNX', KEYS[1], holder, list) == 0 then
      local held = redis.call('HGET', KEYS[1], holder)
      for _, key in ipairs(leases) do
        if not string.find('\n' .. held .. '\n', '\n' .. key .. '\n', 1, true) then held = held .. '\n' .. key end
      end
      redis.call('HSET', KEYS[1], holder, held)
    end
  end
end

local result = { refusedBy == 0 and 1 or 0, refusedBy, waitMs, remaining }
for n = 1, claims do
  result[4 + n], result[4 + claims + n] = breached[n], used[n]
end
return result
