-- TCP is considerate, UDP is not: a receiver that does not read loses datagrams, and nobody tells the sender.
local client, server = hosts("client", "server")
cable(client, server, {delay = "10ms"})

local slow = server:udp(9000, {rcvbuf = 4096})
local u = client:udp()
for i = 1, 40 do u:send(("x"):rep(500), "server:9000") end
sleep(1)
local got = 0
while slow:recv(0.1) do got = got + 1 end
expect(got > 0 and got < 40, "%d of 40 datagrams found room", got)
expect_equal(server:counters().udp_no_room, 40 - got, "datagrams dropped by the receiver")
