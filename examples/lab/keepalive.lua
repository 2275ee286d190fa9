-- An idle connection over a cut cable: the end that asks notices, the other never does.
local client, server = hosts("client", "server")
local wire = cable(client, server, {delay = "10ms"})
local l = server:listen(80)

local c = client:connect(server, 80, {keepalive = {idle = "10s", interval = "2s", count = 3}})
local s = l:accept()
sleep(15)
expect_equal(c:state(), "ESTABLISHED", "probes are answered while the cable is whole")
wire:cut()
expect_error("TIMED_OUT", function() c:recv() end)
expect_equal(s:state(), "ESTABLISHED", "the other end, which never asked")
s:abort()
