-- exchange circuit state
-- Stores the newest state of a circuit: the one with the later epoch, or with the later end of the cooldown in the same epoch. Counts the
-- rejections of our account in that epoch over all replicas.
--
-- KEYS  1    state of the circuit
--       2    rejections: epoch, of the key, whether one of them was of a configured model, for lack of credit
--       3    what opened the circuit: epoch, failures, last error
-- ARGV  1    epoch
--       2    end of the cooldown in Unix ms, 0 when closed
--       3    ttl of the keys in ms
--       4    channel that notifies the replicas
--       5    name of the provider, the message on the channel
--       6    reason why the provider is suspended, or empty
--       7    1: a call proved the key, so its rejections are counted anew
--       8    1: the same for the credit
--       9    rejections of the key since then
--       10   1: one of them was of a configured model
--       11   rejections for lack of credit since then
--       12   failures and last error that opened the circuit, or empty
-- result {epoch, end, reason that are stored now, rejections of the key, 1 if one of them was of a configured model, for lack of credit,
--         failures and last error that opened it, or empty}

local epoch, ends, reason = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[6]
local newest, changed = true, false
local stored = redis.call('GET', KEYS[1])
if stored then
  local e, u, why = string.match(stored, '^(%d+) (%d+) ?(%a*)$')
  e, u = tonumber(e), tonumber(u)
  if e > epoch or (e == epoch and u >= ends) then
    newest = e == epoch
    epoch, ends, reason = e, u, why
  else
    stored = nil
  end
end
if not stored and epoch > 0 then
  local why = reason == '' and '' or ' ' .. reason
  redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2] .. why, 'PX', ARGV[3])
  if ARGV[12] ~= '' then redis.call('SET', KEYS[3], ARGV[1] .. ' ' .. ARGV[12], 'PX', ARGV[3]) end
  changed = true
end

local key, configured, credit = 0, 0, 0
local counts = redis.call('GET', KEYS[2])
if counts then
  local e, k, c, q = string.match(counts, '^(%d+) (%d+) (%d) (%d+)$')
  if tonumber(e) == epoch then key, configured, credit = tonumber(k), tonumber(c), tonumber(q) end
end
if newest then
  local before = key .. ' ' .. configured .. ' ' .. credit
  if ARGV[7] == '1' then key, configured = 0, 0 end
  if ARGV[8] == '1' then credit = 0 end
  key, credit = key + tonumber(ARGV[9]), credit + tonumber(ARGV[11])
  if ARGV[10] == '1' then configured = 1 end
  if before ~= key .. ' ' .. configured .. ' ' .. credit then
    redis.call('SET', KEYS[2], string.format('%.0f %d %d %d', epoch, key, configured, credit), 'PX', ARGV[3])
    changed = true
  end
end

local opening = ''
local opened = redis.call('GET', KEYS[3])
if opened then
  local e, text = string.match(opened, '^(%d+) (.*)$')
  if tonumber(e) == epoch then opening = text end
end

if changed then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
return { string.format('%.0f', epoch), string.format('%.0f', ends), reason, tostring(key), tostring(configured), tostring(credit), opening }
