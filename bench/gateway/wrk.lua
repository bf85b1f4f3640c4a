-- What wrk measured, as one line of JSON. UPLOAD_BYTES in the environment: a POST of so many.
local size = tonumber(os.getenv("UPLOAD_BYTES") or "0")
if size > 0 then
  wrk.method = "POST"
  wrk.headers["content-type"] = "application/octet-stream"
  wrk.body = string.rep("x", size)
end
-- DELAY_MS: how long each connection waits before it asks (again).
local pause = tonumber(os.getenv("DELAY_MS") or "0")
if pause > 0 then
  function delay() return math.random(0, 2 * pause) end
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\n{"requests": %d, "seconds": %f, "p50_ms": %f, "p99_ms": %f, "errors": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    e.connect + e.read + e.write + e.status + e.timeout))
end
