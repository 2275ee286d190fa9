scene {
  title = "3. The three-way handshake",
  shows = "Three segments without payload exchange the numbers and the policy: above all how large a segment each end will " ..
    "take (MSS). The smaller one wins. The two ends believe in the connection at different moments, and nothing can change that.",
}

local client = host("client")
local server = host("server", {tcp = {mss_max = 1000}})
cable(client, server, {delay = "10ms"})

server:listen(80, function(c)
  c:recv_line()
  c:send_pattern(2500)
end)

sleep(0.1)
local c = client:connect("server:80")
note("at this moment:")
show_sockets(client, server)
expect_equal(c:state(), "ESTABLISHED", "the client believes")
expect_equal(server:count("ESTABLISHED"), 0, "connections the server believes in")
sleep(0.05)
c:send("GET\n")
expect_equal(#c:recv_exactly(2500), 2500, "bytes received")
expect(c:info().snd_mss <= 1000, "the client, which could take 1460 bytes, sends at most %d: the smaller MSS won", c:info().snd_mss)
sleep(0.1)
seen("SYN, SYN and ACK, ACK. The client was in ESTABLISHED one flight before the server: 10 ms here, in which only one of them " ..
  "held the connection for real. After that nobody sends more than 1000 bytes in a segment.")
sleep(0.1)
stop()
