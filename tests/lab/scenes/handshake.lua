-- What golden/handshake.txt shows.
local client, server = host("client"), host("server", {tcp = {mss_max = 1000}})
cable(client, server, {delay = "10ms"})
local l = server:listen(80)

local c = client:connect("server:80")
sleep(0.1)
local s = l:accept()
c:send("hello")
expect_equal(s:recv(), "hello", "the server reads")
c:close()
sleep(0.1)
s:close()
