-- What a cable's queue and line can be set to, from a script: bytes arrive whole over all of it.
local client, server = hosts("client", "server")
local wire = cable(client, server, {delay = "5ms", rate = "20Mbit", queue = "60KB", mark = "20KB", codel = "3ms", codel_interval = "30ms", codel_marks = true})
server:listen(80, function(c) c:send_pattern("400KB") end)

local function download()
  local c, began = client:connect("server:80"), now()
  local length, sum = c:recv_all()
  expect_equal(sum, pattern_checksum("400KB"), "checksum")
  c:close()
  return now() - began
end

download()
wire:set({codel = false, mark = 0, bucket = "30KB"}, server)
download()
-- Two stamps in 10 ms: 2.4 Mbit/s and hardly more.
wire:set({trace = {3, 10}}, server)
local t = download()
local least = 400000 / (2 * 1504 * 100)
expect(t > least and t < least * 1.7, "%.3f s over the trace, at least %.3f", t, least)
wire:set({rate = "20Mbit", reorder = "3%", reorder_up_to = "2ms"}, server)
expect(download() < least / 2, "the rate holds again")
expect(wire:stats(server).reordered > 0, "some were late")
