-- The cable is pulled for three seconds in the middle of a download, and nothing is lost.
local client, server = hosts("client", "server")
local wire = cable(client, server, {delay = "20ms", rate = "8Mbit"})

server:listen(80, function(c)
  c:recv_line()
  c:send_pattern("1MB")
end)

at(0.5, function() wire:cut() end)
at(3.5, function() wire:join() end)

local c = client:connect("server:80", {rcvbuf = "64KB"})
c:send("GET /file\n")
local length, sum = c:recv_all()
expect_equal(length, 1000000, "bytes downloaded")
expect_equal(sum, pattern_checksum("1MB"), "their checksum is the file's")
expect_within(3.5, 10, "and it was over")
c:close()
