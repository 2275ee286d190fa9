-- The same over IPv6, on an Ethernet cable: neighbour discovery comes first.
local client, server = hosts("client", "server")
cable(client, server, {delay = "5ms", ethernet = true})
server:listen(80, function(c) c:send("hello over IPv6") end)

sleep(2) -- duplicate address detection
local c = client:connect("[" .. server.address6 .. "]:80")
expect_equal(c:recv(), "hello over IPv6")
expect_equal(c:remote_address(), "[fd00::2]:80")
c:close()
