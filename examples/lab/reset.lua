-- Three ways to meet an RST: nobody listens, the peer aborts, the peer closes with bytes it has not read.
local client, server = hosts("client", "server")
cable(client, server, {delay = "10ms"})

expect_error("REFUSED", function() client:connect("server:80") end)

server:listen(81, function(c)
  c:recv()
  c:abort()
end)
local a = client:connect("server:81")
a:send("hello")
expect_error("RESET", function() a:recv() end)

server:listen(82, function(c)
  sleep(0.1)
  c:close() -- what has arrived was never read: the sender must know
end)
local b = client:connect("server:82")
b:send("did you read this?")
expect_error("RESET", function() b:recv() end)
