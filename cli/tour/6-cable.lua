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
sleep(20 - now())
note("")
note("Pulled for good. Profile lecture: 1 s to begin with, 5 retries.")
local cases = {}
for i, profile in ipairs {"lecture", "linux", "freebsd", "windows"} do
  local a = host("client-" .. profile, {profile = profile})
  local b = host("server-" .. profile, {profile = profile})
  cases[i] = {profile = profile, a = a, b = b, wire = cable(a, b, {delay = "10ms"})}
  b:listen(80, function(c) while c:recv() do end end)
end
local lecture = cases[1]
ladder {left = lecture.a, right = lecture.b}
for _, case in ipairs(cases) do
  at(21, function() case.wire:cut() end)
  case.program = case.a:run(function()
    local c = case.a:connect(case.b, 80)
    c:send("before")
    sleep(22 - now())
    c:send("after")
    local _, why = pcall(c.recv, c)
    case.error, case.noticed = why and why.name, now() - 22
    case.again = {}
    for k, r in ipairs(case.a:retransmissions()) do case.again[k] = string.format("%.3g", r.at - 22) end
  end)
end
lecture.program:wait()
expect_equal(lecture.error, "TIMED_OUT", "the program is told")
expect_equal(table.concat(lecture.again, " "), "1 3 7 15 31", "sent again, seconds after the first time")
expect_near(lecture.noticed, 63, 0.001, "and given up, when the fifth went unanswered for 32 s more, after")
ladder(false)
local rows = {}
for i, case in ipairs(cases) do
  case.program:wait()
  rows[i] = {case.profile, #case.again, table.concat(case.again, " ", 1, math.min(5, #case.again)) .. (#case.again > 5 and " …" or ""),
             string.format("%.1f s", case.noticed), case.error}
end
say("")
say("The same cut, and how long each profile takes to notice it (seconds after the segment was first sent):")
show_table({"profile", "retries", "sent again at", "noticed after", "error"}, rows)
for _, case in ipairs(cases) do expect_equal(case.error, "TIMED_OUT", case.profile) end

-- An idle connection.
say("")
say("An idle connection whose cable is pulled. The watcher asks after 10 s of silence, then every 2 s, three times (keepalive); " ..
  "the sleeper does not.")
say("")
sleep(1000 - now())
local watcher, sleeper = hosts("watcher", "sleeper")
local other = cable(watcher, sleeper, {delay = "10ms"})
ladder {left = watcher, right = sleeper}
local heard_nothing = true
local l = sleeper:listen(80)
local idle
local accepting = sleeper:run(function() idle = l:accept() end)
local c = watcher:connect("sleeper:80", {keepalive = {idle = 10, interval = 2, count = 3}})
local from = now()
accepting:wait()
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
