-- list replicas
-- The replicas that hold leases, or may still hold some.
--
-- KEYS  1    sorted set of the replicas; the score is the time in ms after which a replica counts as dead
-- ARGV  1    prefix of the hashes of their holders
-- result     for each replica its id, 1 if it lives or 0, and how many holders it has

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local replicas = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
local result = {}
for n = 1, #replicas, 2 do
  result[#result + 1] = replicas[n]
  result[#result + 1] = tonumber(replicas[n + 1]) >= now and '1' or '0'
  result[#result + 1] = tostring(redis.call('HLEN', ARGV[1] .. replicas[n]))
end
return result
