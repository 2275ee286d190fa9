-- The smallest scenario: one connection from beginning to end.
local client, server = hosts("client", "server")
cable(client, server, {delay = "10ms"})

server:listen(80, function(c)
  local question = c:recv()
  c:send("hello, " .. question)
end)

local c = client:connect("server:80")
c:send("world")
expect_equal(c:recv(), "hello, world", "the answer")
expect_within(0.04, 0.06, "it came")
c:close()
