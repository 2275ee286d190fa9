-- The cable is pulled and never joined again. Whoever has something to send is told; whoever only listens never is.
local client, server = hosts {
  {name = "client", profile = "lecture"},
  {name = "server", profile = "lecture"},
}
local wire = cable(client, server, {delay = "10ms"})

server:listen(80, function(c)
  while c:recv() do end
end)

local c = client:connect("server:80")
sleep(1)
wire:cut()
c:send("is anybody there?")
expect_error("TIMED_OUT", function() c:recv() end)
expect_within(64, 64.1, "the error came")
expect_equal(server:count("ESTABLISHED"), 1, "connections the server still believes in")
