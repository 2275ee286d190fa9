scene {
  title = "4. The four-way close, and TIME-WAIT",
  shows = "Each direction is closed by its own FIN, and each FIN is acknowledged. Whoever closes first ends in TIME-WAIT and " ..
    "stays there for twice the life of a segment, so that nothing old can hurt a new connection with the same ports.",
}

local client = host("client", {tcp = {port_first = 50000, port_last = 50019, time_wait_reuse = false}})
local server = host("server")
local wire = cable(client, server, {delay = "10ms"})

-- Port 80: the client closes first, as it should be. Port 79: the server closes as soon as it has answered.
server:listen(80, function(c)
  while c:recv() do end
  sleep(0.02) -- it still has something to do before it closes too
end)
server:listen(79, function(c)
  c:send("bye")
  c:close()
end)

local c = client:connect("server:80")
sleep(0.1)
c:close()
sleep(0.1)
expect_equal(c:state(), "TIME-WAIT", "who closed first: the client, in")
expect_equal(server:time_wait(), 0, "sockets in TIME-WAIT on the server")
sleep(61)
expect_equal(c:state(), "CLOSED", "a minute later the client's socket is")

note("")
note("The same, but the server closes first:")
local k = client:connect("server:79")
expect_equal(k:recv(), "bye", "the answer")
k:recv()
k:close()
sleep(0.1)
expect_equal(server:time_wait(), 1, "sockets in TIME-WAIT on the server")
note("TIME-WAIT on a server is a fault of the application's protocol: the side that serves many should never be the one " ..
  "that closes first.")
sleep(61)

note("")
note("Both close at the same moment, and the FINs cross:")
local accepted
local l = server:listen(90)
server:run("server", function() accepted = l:accept() end)
local both = client:connect("server:90")
sleep(0.1)
both:close()
accepted:close()
sleep(0.03)
expect_equal(both:state(), "TIME-WAIT", "the client came through CLOSING to")
expect_equal(accepted:state(), "TIME-WAIT", "and the server too, to")
sleep(61)

-- How it runs out. The ladder would only repeat itself.
ladder(false)
say("")
say("How many sockets TIME-WAIT holds: 20 short connections, one every 100 ms; then the client's 20 ports are all used.")
local rows = {}
for _, case in ipairs {{79, "server"}, {80, "client"}} do
  local port, first = case[1], case[2]
  for _ = 1, 20 do
    local x = client:connect(server, port)
    if first == "server" then x:recv() x:recv() end
    x:close()
    sleep(0.1)
  end
  rows[#rows + 1] = {first, client:time_wait(), server:time_wait()}
  if first == "client" then
    local why = expect_error("NO_PORTS", function() client:connect(server, port) end)
    say("The 21st connection: %s", why and why.text or "?")
  end
  sleep(90)
end
show_table({"who closes first", "held on the client", "held on the server"}, rows)
expect(rows[1][3] == 20 and rows[1][2] == 0, "server first: all 20 held on the server")
expect(rows[2][2] == 20 and rows[2][3] == 0, "client first: all 20 held on the client")
local again = client:connect("server:80")
expect_equal(again:state(), "ESTABLISHED", "after the minute is over the ports can be used again")
again:close()
seen("FIN, ACK, FIN, ACK; three segments where the second end had closed before it answered, for its ACK and its FIN are one then. FIN-WAIT-1 and -2 on one side, CLOSE-WAIT and LAST-ACK on the other; CLOSING when the FINs cross. " ..
  "A socket in TIME-WAIT costs its holder a port for a minute: a client spreads that over its own few connections, " ..
  "a server that closes first collects everybody's.")
sleep(0.1)
stop()
