-- One frame in ten arrives with a bit flipped. The checksums catch it, and what was dropped is sent again.
local client, server = hosts("client", "server")
cable(client, server, {delay = "10ms", rate = "10Mbit", corrupt = "10%"})

server:listen(80, function(c) c:send_pattern("100KB") end)

local c = client:connect("server:80")
local length, sum = c:recv_all()
expect_equal(length, 100000, "bytes")
expect_equal(sum, pattern_checksum("100KB"), "checksum")
c:close()
sleep(10)
local bad = 0
for _, h in ipairs {client, server} do
  local n = h:counters()
  bad = bad + n.tcp_bad_checksum + n.drop_ip_checksum + n.drop_ip_version + n.drop_ip_header + n.drop_ip_short
end
expect(bad > 0, "%d frames were refused for their checksum or header", bad)
