-- The story of `make run` in virtual time, for machines that refuse namespaces: a large download in each direction, over IPv4 and
-- IPv6, the cable pulled for five seconds in the middle of each.
scene {
  title = "Four downloads, and the cable pulled in the middle of each",
  shows = "Two hosts of yeon instead of yeon and the kernel, and a clock that jumps. The code between the two ends is the same.",
}

local SIZE = 128 << 20
local sum = pattern_checksum(SIZE)
local left, right = hosts("left", "right")
local wire = cable(left, right, {delay = "1ms", rate = "200Mbit"})

local function download(server, client, where)
  local begin, before = now(), #server:retransmissions()
  after(2, function() wire:cut() end)
  after(7, function() wire:join() end)
  local c = client:connect(where)
  local got, check = c:recv_all()
  c:close()
  expect_equal(got, SIZE, "bytes from " .. server.name .. " to " .. client.name .. ", " .. where)
  expect_equal(check, sum, "their checksum is the file's")
  note("it took %.1f s, 5 of them without a cable; sent again: %d segments", now() - begin, #server:retransmissions() - before)
  sleep(1)
end

for _, server in ipairs {left, right} do
  server:listen(80, function(c) c:send_pattern(SIZE) end)
end
download(right, left, "10.0.0.2:80")
download(right, left, "[fd00::2]:80")
download(left, right, "10.0.0.1:80")
download(left, right, "[fd00::1]:80")
stop()
