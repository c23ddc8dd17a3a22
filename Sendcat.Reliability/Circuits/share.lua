-- exchange circuit state
-- Stores the newest state of a circuit: the one with the later epoch, or with the later end of the cooldown in the same epoch.
--
-- KEYS  1    state of the circuit
-- ARGV  1    epoch
--       2    end of the cooldown in Unix ms, 0 when closed
--       3    ttl of the key in ms
--       4    channel that notifies the replicas
--       5    name of the provider, the message on the channel
--       6    reason why the provider is suspended, or empty
-- result {epoch, end, reason} that is stored now

local epoch, ends = tonumber(ARGV[1]), tonumber(ARGV[2])
local stored = redis.call('GET', KEYS[1])
if stored then
  local e, u, why = string.match(stored, '^(%d+) (%d+) ?(%a*)$')
  e, u = tonumber(e), tonumber(u)
  if e > epoch or (e == epoch and u >= ends) then return { tostring(e), string.format('%.0f', u), why } end
end
if epoch > 0 then
  local why = ARGV[6] == '' and '' or ' ' .. ARGV[6]
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2] .. why, 'PX', ARGV[3])
  redis.call('PUBLISH', ARGV[4], ARGV[5])
end
return { ARGV[1], ARGV[2], ARGV[6] }
