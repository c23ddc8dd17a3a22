-- claim circuit probe
-- Chooses the one replica that probes a half-open circuit.
--
-- KEYS  1    mark of the provider's probe
-- ARGV  1    this replica
--       2    epoch of the circuit: the probe of an older one is over
--       3    ms after which a probe that never reported is given up
-- answer     1 if this replica may probe (again, if it is the one already), else 0

local mine = ARGV[2] .. ' ' .. ARGV[1]
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= mine then
  local epoch = tonumber(string.match(holder, '^(%d+) '))
  if epoch and epoch >= tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], mine, 'PX', ARGV[3])
return 1
