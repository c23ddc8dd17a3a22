-- exchange circuit state
-- Keeps the newest state of a circuit: of a later epoch, or of the same one with the later end.
--
-- KEYS  1    the circuit
-- ARGV  1    epoch
--       2    end of the cooldown in ms, 0 when closed
--       3    how long it is kept, in ms
--       4    channel that tells the replicas, and
--       5    the provider's name for it
--       6    why the provider is suspended, or empty
-- answer {epoch, end, why} as it is now

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
