scene {
  title = "5. Headers",
  shows = "Every field of the TCP and UDP headers, read from the very bytes that cross the cable: where it stands, its bytes, " ..
    "its value, what it means.",
}

local client, server = hosts("client", "server")
cable(client, server, {delay = "10ms"})
server:listen(80, function(c)
  c:recv()
  c:send("world")
  c:recv()
end)
server:run_daemon("echo", function()
  local u = server:udp(7)
  while true do
    local text, from = u:recv()
    u:send(text, from)
  end
end)

show_headers(client, "SYN seq")
show_headers(server, "SYN+ACK")
show_headers(client, "PSH+ACK")
show_headers(client, "UDP")

local c = client:connect("server:80")
c:send("hello")
expect_equal(c:recv(), "world", "over TCP")
c:close()
sleep(0.1)

local u = client:udp()
u:send("hello", "server:7")
expect_equal(u:recv(1), "hello", "over UDP")
seen("20 bytes of TCP header, with options up to 60, and 8 bytes of UDP header. TCP's numbers, flags and window are what makes " ..
  "a connection; UDP has ports, a length and a checksum, and nothing to remember.")
sleep(0.1)
stop()
