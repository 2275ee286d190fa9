-- A cable with every impairment at once, chosen by the seed; a transfer each way, each half closed on its own; cuts.
local profiles = {"linux", "freebsd", "windows", "lecture", "yeon"}
local client = host("client", {profile = profiles[math.random(4)]})
local server = host("server", {profile = profiles[math.random(4)]})
local function r(a) return math.random() * a end
local wire = cable(client, server, {
  delay = r(0.05), jitter = r(0.01), rate = 1e6 + r(5e7), queue = 20000 + r(200000) // 1, loss = r(0.05),
  reorder = r(0.05), reorder_by = r(0.02), duplicate = r(0.02), corrupt = r(0.01), mtu = math.random(600, 2000),
})
local n1, n2 = math.random(0, 300000), math.random(0, 300000)
local got1, sum1
server:listen(80, {rcvbuf = math.random(4096, 200000), sndbuf = math.random(4096, 200000)}, function(c)
  local p = server:run("rx", function() got1, sum1 = c:recv_all() end)
  c:send_pattern(n2)
  c:shutdown("write")
  p:wait()
end)
for i = 1, math.random(0, 3) do
  local t = math.random() * 3
  at(t, function() wire:cut() end)
  at(t + math.random() * 4, function() wire:join() end)
end
local c = client:connect(server, 80, {rcvbuf = math.random(4096, 200000), sndbuf = math.random(4096, 200000)})
local p = client:run("tx", function() c:send_pattern(n1) c:shutdown("write") end)
local got2, sum2 = c:recv_all()
p:wait()
sleep(30)
expect_equal(got2, n2, "down")
expect_equal(sum2, pattern_checksum(n2))
expect_equal(got1, n1, "up")
expect_equal(sum1, pattern_checksum(n1))
c:close()
sleep(300)
expect_equal(client:usage().connections, 0, "left at client")
expect_equal(server:usage().connections, 0, "left at server")
