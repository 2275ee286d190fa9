-- Sixty connections that end in every way there is: closed, half closed, aborted, closed with bytes unread, refused by a small backlog, cut.
-- When all is over nothing may be left behind.
local profiles = {"linux", "freebsd", "windows", "lecture", "yeon"}
local client = host("client", {profile = profiles[math.random(4)]})
local server = host("server", {profile = profiles[math.random(4)]})
local wire = cable(client, server, {
  delay = math.random() * 0.03, rate = 2e6 + math.random() * 5e7, queue = 30000, loss = math.random() * 0.03,
  duplicate = 0.01, reorder = 0.02, reorder_by = 0.01,
})
server:listen(80, {backlog = math.random(1, 8)}, function(c)
  local mode = math.random(5)
  if mode == 1 then c:abort() return end
  if mode == 2 then sleep(math.random()) c:close() return end
  local ok = pcall(function()
    c:send_pattern(math.random(0, 50000))
    if mode == 3 then c:shutdown("write") while c:recv() do end end
    if mode == 4 then c:recv(10) end
  end)
end)
if math.random(2) == 1 then
  local t = math.random() * 3
  at(t, function() wire:cut() end)
  at(t + math.random() * 20, function() wire:join() end)
end
local ended = 0
for i = 1, 60 do
  client:run(function()
    sleep(math.random() * 5)
    pcall(function()
      local c = client:connect(server, 80, {timeout = 60, user_timeout = 100})
      pcall(function()
        c:send_pattern(math.random(0, 30000))
        local mode = math.random(4)
        if mode == 1 then c:abort() return end
        if mode == 2 then c:shutdown("write") end
        while c:recv(65536, 100) do end
      end)
      if not c._closed then c:close() end
    end)
    ended = ended + 1
  end)
end
sleep(1500)
expect_equal(ended, 60, "programs ended")
for _, h in ipairs {client, server} do
  local u = h:usage()
  expect_equal(u.half_open, 0, h.name .. " half open")
  expect_equal(u.time_wait, 0, h.name .. " time wait")
  expect_equal(u.buffer_bytes, 0, h.name .. " buffers")
  expect(u.connections <= 1, h.name .. " connections " .. u.connections)
  if u.connections > 1 then show_sockets(h) end
end
stop()
