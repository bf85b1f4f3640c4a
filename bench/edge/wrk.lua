-- What wrk measured, as one line of JSON. Environment: CLIENT, an address that all requests come
-- from (without it each comes from another one, so that no limit is met); DELAY_MS, how long each
-- connection waits between two requests.
local client, pause = os.getenv("CLIENT"), tonumber(os.getenv("DELAY_MS") or "0")
wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"
wrk.headers["Accept"] = "image/avif,image/webp,*/*"
wrk.headers["Referer"] = "https://dither.example/?image=0f8fad5b-d9cb-469f-a165-70867728950e"
function request()
  local from = client or string.format("10.%d.%d.%d", math.random(0, 255), math.random(0, 255), math.random(0, 255))
  wrk.headers["X-Forwarded-For"] = from
  return wrk.format()
end
if pause > 0 then
  function delay() return pause end
end
function done(summary, latency, requests)
  io.write(string.format('\n{"requests": %d, "per_second": %f, "p50_ms": %f, "p99_ms": %f, "refused": %d}\n',
    summary.requests, summary.requests / summary.duration * 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3, summary.errors.status))
end
