-- What wrk asks for: 64 paths, each with one of eight sets of header fields, of an API client's size and of a browser's.
-- All are written once, so that the generator stays cheap.
--
--   wrk ... -s requests.lua URL -- FOLDER METHOD HOSTS BODY_BYTES CLOSE
--
-- FOLDER goes before each path (`/` for none); HOSTS is the number of host names (0: the one of the URL);
-- CLOSE is 1 for a connection each. The result is one line of JSON.

local PATHS = 64
local requests = {}
local next_one = 0

local TOKEN = string.rep('eyJhbGciOiJSUzI1NiIsImtpZCI6IjE3In0', 9)

local function api(i)
  return {
    ['User-Agent'] = 'orders-client/4.' .. i .. ' (linux; x86_64)',
    ['Accept'] = 'application/json',
    ['Authorization'] = 'Bearer ' .. TOKEN .. i,
    ['X-Request-Id'] = string.format('7c9e6679-7425-40de-944b-e07fc1f9%04x', i * 2503 % 65536),
    ['Accept-Encoding'] = 'gzip',
  }
end

local function browser(i)
  return {
    ['User-Agent'] = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/14'
      .. i % 10 .. '.0.0.0 Safari/537.36',
    ['Accept'] = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8',
    ['Accept-Encoding'] = 'gzip, deflate, br, zstd',
    ['Accept-Language'] = 'en-GB,en;q=0.9,de;q=0.7',
    ['Cache-Control'] = 'max-age=0',
    ['Cookie'] = 'session=' .. string.rep('a1b2c3d4', 6) .. i .. '; theme=dark; _ga=GA1.2.1234567' .. i .. '.1763700000',
    ['Referer'] = 'https://shop.example.com/catalogue/list?page=' .. i .. '&sort=price',
    ['sec-ch-ua'] = '"Chromium";v="14' .. i % 10 .. '", "Not=A?Brand";v="24", "Google Chrome";v="14' .. i % 10 .. '"',
    ['sec-ch-ua-mobile'] = '?0',
    ['sec-ch-ua-platform'] = '"Windows"',
    ['Sec-Fetch-Dest'] = 'document',
    ['Sec-Fetch-Mode'] = 'navigate',
    ['Sec-Fetch-Site'] = 'same-origin',
    ['Sec-Fetch-User'] = '?1',
    ['Upgrade-Insecure-Requests'] = '1',
  }
end

local function path(folder, i)
  if folder ~= '/' then return folder .. '/' .. i end
  if i % 4 == 0 then return '/' end
  if i % 4 == 1 then return '/api/v1/orders/' .. i * 7919 .. '?fields=id,total,state&page=' .. i end
  if i % 4 == 2 then return '/assets/app.' .. i * 104729 .. '.js' end
  return '/catalogue/' .. i .. '/articles/' .. i * 31 .. '/reviews'
end

function init(args)
  local folder, method, hosts, size, close = args[1], args[2], tonumber(args[3]), tonumber(args[4]), args[5] == '1'
  local body = size > 0 and string.rep('x', size) or nil
  for i = 0, PATHS - 1 do
    local fields = i % 2 == 0 and api(i % 8) or browser(i % 8)
    if hosts > 0 then fields['Host'] = 'host' .. math.floor(i * (hosts - 1) / (PATHS - 1)) .. '.example.com' end
    if close then fields['Connection'] = 'close' end
    requests[i + 1] = wrk.format(method, path(folder, i), fields, body)
  end
end

function request()
  next_one = next_one % PATHS + 1
  return requests[next_one]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"done":%d,"seconds":%f,"p50":%d,"p99":%d,"p999":%d,"max":%d,"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration / 1e6,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9), latency.max,
    errors.connect, errors.read, errors.write, errors.status, errors.timeout))
end
