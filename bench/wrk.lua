-- Repeats the request in a file, with message ids and visitors of its own in every one:
-- wrk … -- FILE MARK REQUEST_MARK

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local text = file:read("*a")
  file:close()
  local marks = { args[2], args[3] }
  pieces, events, visitors = {}, {}, {}
  event, visit = 0, 0
  local from = 1
  while true do
    local start, places = text:find(marks[1], from, true), events
    local other = text:find(marks[2], from, true)
    if other and (not start or other < start) then start, places = other, visitors end
    if not start then break end
    pieces[#pieces + 1] = text:sub(from, start - 1)
    pieces[#pieces + 1] = ""
    places[#places + 1] = #pieces
    from = start + #marks[1]
  end
  pieces[#pieces + 1] = text:sub(from)
end

function request()
  for _, at in ipairs(events) do
    event = event + 1
    pieces[at] = string.format("%012x", event)
  end
  visit = visit + 1
  local visitor = string.format("%012x", visit)
  for _, at in ipairs(visitors) do pieces[at] = visitor end
  return table.concat(pieces)
end

function done(summary, latency, requests)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests": %d, "failed": %d, "seconds": %.6f, "p50_ms": %.3f, "p99_ms": %.3f}\n',
    summary.requests, failed, summary.duration / 1e6,
    latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
