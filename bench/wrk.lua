-- Repeats the request in a file, with message ids of its own in every one: wrk … -- FILE MARK

function init(args)
  local file = assert(io.open(args[1], "rb"))
  local text = file:read("*a")
  file:close()
  local mark = args[2]
  pieces = {}
  sequence = 0
  local from = 1
  while true do
    local start, stop = text:find(mark, from, true)
    if not start then break end
    pieces[#pieces + 1] = text:sub(from, start - 1)
    pieces[#pieces + 1] = mark
    from = stop + 1
  end
  pieces[#pieces + 1] = text:sub(from)
end

function request()
  for at = 2, #pieces, 2 do
    sequence = sequence + 1
    pieces[at] = string.format("%012x", sequence)
  end
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
