scene {
  title = "1. Socket, port, process",
  shows = "A server opens a socket, is given the port it asked for, and listens. A client is given a port of its own, " ..
    "and needs only an address and a port to connect. Every socket belongs to a program, and a connection is the pair of " ..
    "both ends' addresses and ports: so two programs of one host reach the same port of the same server without mixing.",
}

local client, server = hosts("client", "server")
cable(client, server, {delay = "10ms"})

server:run_daemon("httpd", function()
  server:listen(80, function(c)
    c:send("you asked: " .. c:recv())
    c:recv()
  end)
end)
server:run_daemon("sshd", function() server:listen(22, function(c) c:recv() end) end)
server:run_daemon("named", function() server:udp(53) end)

local function ask(question)
  return function()
    local c = client:connect("server:80")
    c:send(question)
    local answer = c:recv()
    expect_equal(answer, "you asked: " .. question, "the answer is for this program")
    sleep(0.2)
    c:close()
  end
end
local browser = client:run("browser", ask "news")
local curl = client:run("curl", ask "weather")

sleep(0.15)
note("the sockets of both hosts, while the two connections stand:")
show_sockets(server, client)

local ports = {}
for _, s in ipairs(client:sockets()) do ports[s.local_address] = s.program end
local count = 0
for _ in pairs(ports) do count = count + 1 end
expect_equal(count, 2, "ports the client was given, one for each program")
local listening = {}
for _, s in ipairs(server:sockets()) do
  if s.state == "LISTEN" then listening[#listening + 1] = s.program end
end
expect_equal(table.concat(listening, " "), "httpd sshd", "programs that listen on the server")

browser:wait()
curl:wait()
sleep(1)
expect_error("REFUSED", function() client:connect("server:81") end)
seen("port 80 belongs to httpd and stays in LISTEN; each connection to it is a socket of its own. The two clients differ only in the " ..
  "port they were given. Port 81 belongs to nobody, and an RST says so.")
sleep(0.1)
stop()
