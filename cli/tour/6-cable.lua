scene {
  title = "6. The cable",
  shows = "Pulled for a while, the connection lives, for a connection is only what both ends remember. Pulled for long, it dies: " ..
    "what is not acknowledged is sent again, each time after twice the wait, and when the retries are spent the program is " ..
    "told. An idle connection notices nothing at all unless it asks (keepalive).",
}

-- Pulled for a while, in the middle of a download.
local client, server = hosts("client", "server")
local wire = cable(client, server, {delay = "10ms", rate = "10Mbit"})
server:listen(80, function(c) c:send_pattern("2MB") end)

at(0.8, function() wire:cut() end)
at(5.8, function() wire:join() end)
local download = client:connect("server:80", {rcvbuf = "64KB"})
local got, sum = download:recv_all()
download:close()
expect_equal(got, 2000000, "bytes downloaded, the cable out for 5 s in the middle")
expect_equal(sum, pattern_checksum(2000000), "their checksum is the file's")
expect(now() > 5.8, "it took %.1f s instead of 1.7", now())
sleep(2)

-- Pulled for long. Profile lecture draws the ladder; the others meet the same cut beside it.
note("")
note("Pulled for good. Profile lecture: 1 s to begin with, 5 retries.")
local ends, waits, sent_again = {}, {}, {}
local began = now()
local pairs_of_hosts = {}
for i, profile in ipairs {"lecture", "linux", "freebsd", "windows"} do
  local a = host("client-" .. profile, {profile = profile})
  local b = host("server-" .. profile, {profile = profile})
  pairs_of_hosts[i] = {profile = profile, a = a, b = b, wire = cable(a, b, {delay = "10ms"})}
  b:listen(80, function(c) while c:recv() do end end)
end
ladder {left = pairs_of_hosts[1].a, right = pairs_of_hosts[1].b}
local cut_at = began + 1
for _, p in ipairs(pairs_of_hosts) do
  at(cut_at, function() p.wire:cut() end)
  p.program = p.a:run(function()
    local c = p.a:connect(p.b, 80)
    c:send("before")
    sleep(cut_at + 0.5 - now())
    c:send("after")
    p.sent_at = now()
    local before = p.a:counters().tcp_rexmit_rto
    local ok, why = pcall(function() c:recv() end)
    p.error = ok and "nothing" or why.name
    p.waited = now() - p.sent_at
    p.again = p.a:counters().tcp_rexmit_rto - before
  end)
end
pairs_of_hosts[1].program:wait()
expect_equal(pairs_of_hosts[1].error, "TIMED_OUT", "the program is told")
expect_near(pairs_of_hosts[1].waited, 63, 0.001, "seconds until the error, profile lecture: 1+2+4+8+16+32")
expect_equal(pairs_of_hosts[1].again, 5, "times the swallowed segment was sent again")
ladder(false)
local rows = {}
for i, p in ipairs(pairs_of_hosts) do
  p.program:wait()
  expect_equal(p.error, "TIMED_OUT", p.profile .. ", the program is told")
  rows[i] = {p.profile, p.again, string.format("%.1f s", p.waited), p.error}
end
say("")
say("How long each profile takes to notice the same cut:")
show_table({"profile", "sent again", "noticed after", "what the program is told"}, rows)

-- An idle connection.
say("An idle connection whose cable is pulled. The watcher asks after 10 s of silence, then every 2 s, three times (keepalive); " ..
  "the sleeper does not.")
say("")
local watcher, sleeper = hosts("watcher", "sleeper")
local other = cable(watcher, sleeper, {delay = "10ms"})
ladder {left = watcher, right = sleeper}
local heard_nothing = true
local l = sleeper:listen(80)
local idle
local accepting = sleeper:run(function() idle = l:accept() end)
local c = watcher:connect("sleeper:80", {keepalive = {idle = 10, interval = 2, count = 3}})
accepting:wait()
local from = now()
sleep(1)
other:cut()
local why = expect_error("TIMED_OUT", function() c:recv() end)
expect_near(now() - from, 16, 0.1, "seconds until keepalive gave up")
sleep(600)
expect_equal(idle:state(), "ESTABLISHED", "ten minutes later the sleeper, who never asked, still believes")
seen("the download was whole in spite of five seconds without a cable. For good, the swallowed segment was sent again 1, 3, 7, 15 and 31 s " ..
  "later, and 63 s after it the program got its error. Without traffic and without keepalive nobody ever knows.")
sleep(0.1)
stop()
