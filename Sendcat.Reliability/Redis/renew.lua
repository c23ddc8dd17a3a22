-- renew leases
-- Renews leases that still exist. Never creates a missing one.
--
-- KEYS       lease keys, each once
-- ARGV       per key: ttl in ms, number of holders, then the holders
-- result     positions of the holders (numbered from 1 across all keys) whose lease is missing

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local gone = {}
local at, number = 1, 0

for _, key in ipairs(KEYS) do
  local ttl, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local add = {}
  for n = 1, count do
    add[2 * n - 1], add[2 * n] = now + ttl, ARGV[at + 1 + n]
  end
  if redis.call('ZADD', key, 'XX', 'CH', unpack(add)) < count then
    for n = 1, count do
      local score = redis.call('ZSCORE', key, ARGV[at + 1 + n])
      if not score then gone[#gone + 1] = number + n end
    end
  end
  redis.call('PEXPIRE', key, 2 * ttl)
  at, number = at + 2 + count, number + count
end

return gone
