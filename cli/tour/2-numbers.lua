scene {
  title = "2. A connection is sequence numbers",
  shows = "Both ends number every byte they send. The numbers begin somewhere unpredictable, on each side somewhere else, " ..
    "and an acknowledgment names the next byte that is expected: 5 bytes move it by 5, whatever they mean.",
}

local client, server = hosts("client", "server")
cable(client, server, {delay = "10ms"})

server:listen(7, function(c)
  while true do
    local text = c:recv()
    if not text then return end
    c:send(text)
  end
end)

local c = client:connect("server:7")
local before = c:info()
c:send("hello")
c:recv()
local after = c:info()
expect_equal(after.snd_una - before.snd_una, 5, "the client's numbers moved by the bytes in \"hello\"")
expect_equal(after.rcv_nxt - before.rcv_nxt, 5, "and the server's by the bytes in its echo")
sleep(0.1)
c:close()
sleep(0.1)

note("eight more connections between the same two hosts, one after another:")
ladder(false)
local rows, numbers = {}, {}
for i = 1, 8 do
  local k = client:connect("server:7")
  local info = k:info()
  rows[i] = {i, info.local_address, info.iss, info.irs}
  numbers[#numbers + 1] = info.iss
  numbers[#numbers + 1] = info.irs
  k:close()
  sleep(0.1)
end
show_table({"", "client's end", "client begins at", "server begins at"}, rows)

local different, near = {}, 0
for i, n in ipairs(numbers) do
  different[n] = true
  for j = 1, i - 1 do
    if math.abs(n - numbers[j]) < 65536 then near = near + 1 end
  end
end
local count = 0
for _ in pairs(different) do count = count + 1 end
expect_equal(count, #numbers, "different numbers")
expect_equal(near, 0, "pairs of them so near that one could be guessed from the other")
seen("bytes are counted, not messages; and nobody who does not see the segments can guess where a connection's numbers stand. " ..
  "(`yeon lab --absolute` draws them as they are on the wire.)")
sleep(0.1)
stop()
