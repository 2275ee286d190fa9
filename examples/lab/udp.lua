-- UDP: datagrams, a port nobody has, and a cable that loses one in five: nobody sends anything again.
local client, server = hosts("client", "server")
local wire = cable(client, server, {delay = "10ms"})

server:run_daemon("echo", function()
  local u = server:udp(7)
  while true do
    local text, from = u:recv()
    u:send(text, from)
  end
end)

local u = client:udp()
u:send("hello", "server:7")
local text, from = u:recv(1)
expect_equal(text, "hello", "the echo")
expect_equal(from, "10.0.0.2:7", "from")

-- Connected to a port that nobody has: ICMP tells.
local nobody = client:udp()
nobody:connect("server:9")
nobody:send("anybody?")
sleep(0.1)
expect_error("REFUSED", function() nobody:recv(1) end)

wire:set {loss = "20%"}
for i = 1, 50 do u:send("datagram " .. i, "server:7") end
local came = 0
while u:recv(0.5) do came = came + 1 end
expect(came < 50, "%d of 50 came back", came)
expect(came > 10, "but not none")
