-- What was written before a close that resets, or before an abort, arrives before the reset: in every profile.
for number, profile in ipairs {"linux", "freebsd", "windows", "lecture", "yeon"} do
  local client = host("client" .. number, {profile = profile})
  local server = host("server" .. number, {profile = profile})
  cable(client, server, {delay = "1ms"})

  server:listen(80, function(c) -- the question is there, unread
    sleep("5ms")
    c:send(("x"):rep(700))
    c:close()
  end)
  server:listen(81, function(c) -- more than one segment, and an abort
    c:recv()
    c:send(("y"):rep(2500))
    c:abort()
  end)

  local a = client:connect("server" .. number .. ":80")
  a:send("PING")
  sleep("20ms")
  expect_equal(a:recv(), ("x"):rep(700), profile .. ": written before the close")
  expect_error("RESET", function() a:recv() end)

  local b = client:connect("server" .. number .. ":81")
  b:send("PING")
  sleep("20ms")
  expect_equal(b:recv(), ("y"):rep(2500), profile .. ": written before the abort")
  expect_error("RESET", function() b:recv() end)
end
