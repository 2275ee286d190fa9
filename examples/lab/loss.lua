-- Two percent of all frames are lost, and still every byte arrives once and in order.
local client, server = hosts("client", "server")
local wire = cable(client, server, {delay = "15ms", rate = "20Mbit", queue = "128KB", loss = "2%"})

server:listen(80, function(c) c:send_pattern("500KB") end)

local c = client:connect("server:80")
local length, sum = c:recv_all()
expect_equal(length, 500000, "bytes")
expect_equal(sum, pattern_checksum("500KB"), "checksum")
expect(#server:retransmissions() > 0, "%d segments were sent again", #server:retransmissions())
c:close()
