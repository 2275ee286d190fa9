-- A download over a line whose sender has a deep queue: what waits there delays everybody. CoDel keeps it short, and the line as busy as before.
local client, server = hosts("client", "server")
local wire = cable(client, server, {delay = "10ms", rate = "10Mbit", queue = "500KB"})

server:listen(80, function(c) c:send_pattern("5MB") end)

local function download()
  local began, busy, looks = now(), true, {}
  client:run("look", function()
    while busy do
      looks[#looks + 1] = wire:stats(server).waiting_bytes
      sleep("10ms")
    end
  end)
  local c = client:connect("server:80")
  local length, sum = c:recv_all()
  busy = false
  expect_equal(length, 5000000, "bytes")
  expect_equal(sum, pattern_checksum("5MB"), "checksum")
  c:close()
  table.sort(looks)
  return now() - began, looks[#looks // 2]
end

local slow_time, slow_waiting = download()
wire:set({codel = true}, server)
local time, waiting = download()
expect(waiting < slow_waiting / 4, "half of the time %d bytes waited with CoDel, %d without", waiting, slow_waiting)
expect(time < slow_time * 1.25, "the download took %.1f s with CoDel, %.1f without", time, slow_time)
expect(wire:stats(server).codel > 0, "CoDel dropped %d frames", wire:stats(server).codel)
