-- A line with a deep queue that marks instead of dropping: with ECN the sender hears of the queue while it is short, nothing is lost, and nothing has to
-- be sent again. Without, it goes on until the queue overflows.
local function download(ecn)
  local name = ecn and "ecn" or "plain"
  local client = host("client-" .. name, {profile = "yeon", tcp = {ecn = ecn and 3 or 0}})
  local server = host("server-" .. name, {profile = "yeon", tcp = {ecn = ecn and 3 or 0}})
  local wire = cable(client, server, {delay = "10ms", rate = "10Mbit", queue = "100KB", mark = "30KB"})
  server:listen(80, function(c) c:send_pattern("3MB") end)
  local began, busy, looks = now(), true, {}
  client:run("look", function()
    while busy do
      looks[#looks + 1] = wire:stats(server).waiting_bytes
      sleep("5ms")
    end
  end)
  local c = client:connect("server-" .. name .. ":80")
  local length, sum = c:recv_all()
  busy = false
  expect_equal(length, 3000000, "bytes")
  expect_equal(sum, pattern_checksum("3MB"), "checksum")
  local info, stats, time = c:info(), wire:stats(server), now() - began
  c:close()
  table.sort(looks)
  return {time = time, waiting = looks[#looks // 2], info = info, lost = stats.queue_full, marked = stats.marked, again = #server:retransmissions()}
end

local plain, ecn = download(false), download(true)
note("without: %d frames lost, %d segments sent again, half of the time more than %d bytes waited, %.2f s", plain.lost, plain.again, plain.waiting, plain.time)
note("with: %d frames marked, %d lost, %d sent again, half of the time more than %d bytes waited, %.2f s", ecn.marked, ecn.lost, ecn.again, ecn.waiting, ecn.time)
expect(plain.lost > 0 and not plain.info.ecn, "without ECN %d frames were lost", plain.lost)
expect(ecn.info.accecn and ecn.info.ecn_arrived_ce > 0, "%d segments came marked", ecn.info.ecn_arrived_ce)
expect_equal(ecn.info.ecn_arrived_ce, ecn.marked, "marks that were counted")
expect_equal(ecn.lost, 0, "frames lost with ECN")
expect_equal(ecn.again, 0, "segments sent again with ECN")
expect(ecn.waiting < plain.waiting / 2, "half of the time more than %d bytes waited, without ECN %d", ecn.waiting, plain.waiting)
expect(ecn.time < plain.time * 1.05, "and it took %.2f s, not %.2f", ecn.time, plain.time)
