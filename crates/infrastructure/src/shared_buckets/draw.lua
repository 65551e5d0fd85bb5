-- The generic cell rate algorithm, to the nanosecond as in an instance. What is kept of a bucket is when it will be full again by this
-- server's clock, as microseconds and nanoseconds: the clocks of those who ask have no say in it. It goes away by itself when it is full.
-- KEYS[1] the bucket; ARGV[1] the nanoseconds after which there is one more, ARGV[2] how many a full one holds.
-- Answers {left, 0}, or {-1, nanoseconds to wait}; a refusal is not written.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local window = interval * burst
-- How long it takes to be full. A clock that went back makes nobody wait for longer than an empty bucket does.
local micros, nanos = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+)%.(%d%d%d)$')
local missing = micros and (tonumber(micros) - now) * 1000 + tonumber(nanos) or 0
missing = math.min(math.max(missing, 0), window) + interval
if missing > window then
    return {-1, missing - window}
end
local full = string.format('%.0f.%03d', now + math.floor(missing / 1000), missing % 1000)
redis.call('SET', KEYS[1], full, 'PX', math.ceil(missing / 1000000))
return {math.floor((window - missing) / interval), 0}
