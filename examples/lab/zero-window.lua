-- A receiver that does not read stops the sender: the window closes, probes keep asking, and reading opens it again.
local client, server = hosts("client", "server")
cable(client, server, {delay = "10ms"})

local accepted
local l = server:listen(80, {rcvbuf = "16KB"})
server:run("slow reader", function()
  local c = l:accept()
  accepted = c
  sleep(5)
  local length, sum = c:recv_all()
  expect_equal(length, 100000, "bytes, all of them, however slow the reader")
  expect_equal(sum, pattern_checksum(100000), "and the right ones")
  c:close()
end)

local c = client:connect("server:80", {sndbuf = "256KB"})
c:send_pattern(100000)
sleep(3)
local info = c:info()
expect_equal(info.snd_wnd, 0, "the window, 3 s later")
expect(info.snd_queued > 50000, "%d bytes wait at the sender: they are not lost, and not sent", info.snd_queued)
c:close()
