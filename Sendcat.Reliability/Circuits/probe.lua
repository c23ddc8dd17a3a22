-- claim circuit probe
-- Chooses the one replica that probes a half-open circuit.
--
-- KEYS  1    key that records which replica probes the provider
-- ARGV  1    this replica
--       2    epoch of the circuit; a probe of an older epoch no longer blocks
--       3    timeout in ms of a probe that never reports its result
-- result     1 if this replica may probe (also if it already probes), else 0

local mine = ARGV[2] .. ' ' .. ARGV[1]
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= mine then
  local epoch = tonumber(string.match(holder, '^(%d+) '))
  if epoch and epoch >= tonumber(ARGV[2]) then return 0 end
end
redis.call('SET', KEYS[1], mine, 'PX', ARGV[3])
return 1
