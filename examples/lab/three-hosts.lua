-- Three hosts, each joined to the others; the ladder stands between two of them.
local a, b, c = hosts("anna", "berta", "carl")
cables {{a, b, delay = "10ms"}, {b, c, delay = "5ms"}, {a, c, delay = "1ms"}}
ladder {left = a, right = c}
for _, h in ipairs {b, c} do h:listen(80, function(s) s:send("I am " .. h.name) end) end
expect_equal(a:connect(b, 80):recv(), "I am berta")
expect_equal(a:connect(c, 80):recv(), "I am carl")
expect_equal(b:connect("carl:80"):recv(), "I am carl")
expect_equal(b:connect("[" .. c.address6 .. "]:80"):recv(), "I am carl")
show_sockets(a, b, c)
