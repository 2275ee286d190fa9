-- Last part of the prelude: what a scenario calls, and the begin and end of a run.
---- what a scenario calls -----------------------------------------------------------------------------------------------------

local function text_of(text, ...)
  if select("#", ...) == 0 then return tostring(text) end
  local ok, formatted = pcall(string.format, text, ...)
  return ok and formatted or fail("%s", formatted)
end

local function wrap(text, width)
  local lines, line = {}, ""
  for word in text:gmatch("%S+") do
    if line ~= "" and utf8.len(line) + 1 + utf8.len(word) > width then
      lines[#lines + 1] = line
      line = word
    else
      line = line == "" and word or line .. " " .. word
    end
  end
  lines[#lines + 1] = line
  return lines
end

local api = {}

function api.host(name, options) return new_host(name, options) end
function api.hosts(...)
  return each_given("hosts", function(item)
    if type(item) == "table" then return new_host(item.name or item[1], (function() local o = {} for k, v in next, item do if type(k) == "string" and k ~= "name" then o[k] = v end end return o end)()) end
    return new_host(item)
  end, ...)
end
function api.cable(a, b, options) return new_cable(a, b, options) end
function api.cables(list)
  local made = {}
  for i, item in ipairs(list) do
    local options = {}
    for k, v in next, item do if type(k) == "string" then options[k] = v end end
    made[i] = new_cable(item[1], item[2], options)
  end
  return table.unpack(made)
end

function api.now() return y.now() end
function api.sleep(span_)
  local span = seconds(span_, "the time to sleep")
  if not (span >= 0) then fail("the time to sleep is at least 0 seconds, not %s", tostring(span_)) end
  wait_on(nil, "sleep", y.now() + span)
end
function api.at(instant, fn)
  local delay = seconds(instant, "an instant") - y.now()
  if delay < 0 then fail("at(%s): it is %.3f already", tostring(instant), y.now()) end
  return api.after(delay, fn)
end
-- After t, 2t and so on, count times in all.
function api.every(period_, count, fn)
  local period = seconds(period_, "every")
  if math.type(count) ~= "integer" or count < 1 then fail("every(\"10s\", 6, fn): how often is a whole number from 1, not %s", tostring(count)) end
  if type(fn) ~= "function" then fail("every calls a function: every(\"10s\", 6, fn)") end
  local function again(i)
    api.after(period, function()
      if i < count then again(i + 1) end
      fn()
    end)
  end
  again(1)
end
function api.after(delay, fn)
  if type(fn) ~= "function" then fail("after and at call a function") end
  local host = current and current.host
  local p = new_program(fn, "at", host, true)
  if host then p.name, p.pid = current.name, current.pid end
  y.after(seconds(delay, "a delay"), function() step(p) end)
  return p
end
function api.spawn(fn)
  local p = new_program(fn, "spawned", current and current.host, true)
  step(p)
  return p
end
function api.stop()
  stopped = true
  y.stop()
  coroutine.yield()
end
function api.limit(most, linger) y.limits(most and seconds(most, "limit"), linger and seconds(linger, "linger")) end

function api.note(text, ...) y.note(text_of(text, ...), "plain") end
function api.show_table(headings, rows) show_table(headings, rows) end
function api.show_sockets(...) show_sockets(...) end
function api.show_headers(host, text) y.want(host._n, text or "TCP") end

function api.print(...)
  local parts = table.pack(...)
  for i = 1, parts.n do parts[i] = tostring(parts[i]) end
  local text = table.concat(parts, " ")
  if current and current.host then y.side(current.host._n, text) else y.note(text, "plain") end
end

function api.scene(t)
  check_keys(t, {title = 1, shows = 1}, "a scene")
  y.raw("")
  y.raw("━━ " .. t.title .. " " .. string.rep("━", math.max(2, 76 - (utf8.len(t.title) or #t.title))))
  for _, line in ipairs(wrap(t.shows or "", 76)) do if line ~= "" then y.raw("  " .. line) end end
  y.raw("")
end
function api.seen(text, ...)
  y.raw("")
  for i, line in ipairs(wrap("Seen: " .. text_of(text, ...), 70)) do y.raw((i == 1 and "  " or "        ") .. line) end
end
function api.say(text, ...)
  for _, line in ipairs(wrap(text_of(text, ...), 76)) do y.raw("  " .. line) end
end

function api.ladder(choice)
  if choice == false then return y.ladder_off() end
  if type(choice) ~= "table" then fail("ladder(false), or ladder{left = client, right = server, port = 80, decimals = 6}") end
  check_keys(choice, {left = 1, right = 1, port = 1, decimals = 1}, "a ladder")
  local left, right = choice.left or all_hosts[1], choice.right or all_hosts[2]
  if getmetatable(left) ~= Host or getmetatable(right) ~= Host then fail("a ladder stands between two hosts") end
  y.ladder(left._n, right._n, choice.port or 0, choice.decimals or 0)
end

local function check(held, text)
  count_check(held)
  if held then y.note("✓ " .. text, "good") else y.note("✗ " .. y.where() .. text, "bad") end
  return held
end
function api.expect(cond, text, ...)
  check(cond and true or false, text and text_of(text, ...) or "expectation")
  return cond
end
function api.expect_equal(got, want, text)
  local name = text and text .. ": " or ""
  if got == want then return check(true, name .. tostring(got)) end
  return check(false, name .. "expected " .. tostring(want) .. ", got " .. tostring(got))
end
function api.expect_near(got, want, by, text)
  local name = text and text .. ": " or ""
  local held = type(got) == "number" and math.abs(got - want) <= by
  return check(held, held and name .. string.format("%g", got) or name .. string.format("expected %g ± %g, got %s", want, by, tostring(got)))
end
function api.expect_within(from, to, text)
  local t = y.now()
  local held = t >= seconds(from) - 1e-9 and t <= seconds(to) + 1e-9
  return check(held, string.format(held and "%sat %.3f s" or "%sexpected between %g and %g s, it is %.3f", text and text .. " " or "", held and t or seconds(from), seconds(to), t))
end
function api.expect_error(name, fn, ...)
  if type(name) ~= "string" or type(fn) ~= "function" then fail('expect_error("TIMED_OUT", function() ... end)') end
  name = name:gsub("^YEON_ERR_", "")
  local ok, why = pcall(fn, ...)
  if ok then
    check(false, "expected the error " .. name .. ", and there was none")
    return nil
  end
  if getmetatable(why) ~= NetError then error(why, 0) end
  check(why.name == name, why.name == name and why.call .. ": " .. name or "expected the error " .. name .. ", got " .. tostring(why))
  return why
end

function api.checksum(text) return string.format("%016x", y.text_sum(text)) end
function api.pattern_checksum(n) return string.format("%016x", y.pattern_sum(whole(bytes_of(n, "size"), "size"))) end
api.seconds, api.bytes = seconds, bytes_of

---- a Lua that gives the same every time ------------------------------------------------------------------------------------

math.randomseed(y.random(), y.random())
math.randomseed = nil

-- Keys in order: numbers first, then texts, then hosts, sockets and whatever else was numbered (base.lua) as it came to be. The order of Lua's own pairs
-- depends on addresses, which differ from run to run.
local function ordered_keys(t)
  local keys, strange = {}, 0
  local rank = {number = 1, string = 2, boolean = 3}
  for k in next, t do
    keys[#keys + 1] = k
    if not rank[type(k)] and not births[k] and not numbers[k] then strange = strange + 1 end
  end
  if strange > 1 then fail("two keys of this table are tables or functions, which have no order that is the same in every run: use numbers or texts") end
  table.sort(keys, function(a, b)
    local ra, rb = rank[type(a)] or 4, rank[type(b)] or 4
    if ra ~= rb then return ra < rb end
    if ra <= 2 then return a < b end
    if ra == 3 then return not a and b end
    if (births[a] ~= nil) ~= (births[b] ~= nil) then return births[a] ~= nil end
    return (births[a] or number_of(a)) < (births[b] or number_of(b))
  end)
  return keys
end

function api.pairs(t)
  local mt = getmetatable(t)
  if type(mt) == "table" and mt.__pairs then return mt.__pairs(t) end
  if type(t) ~= "table" then fail("pairs wants a table, not %s", tostring(t)) end
  local keys = ordered_keys(t)
  local i = 0
  return function()
    i = i + 1
    if keys[i] ~= nil then return keys[i], t[keys[i]] end
  end
end

-- In the same order. The keys of a walk that has begun are kept until it is over.
local walks = setmetatable({}, {__mode = "k"})
function api.next(t, key)
  if type(t) ~= "table" then fail("next wants a table, not %s", tostring(t)) end
  local walk = walks[t]
  if key == nil or not walk or walk.keys[walk.at] ~= key then
    walk = {keys = ordered_keys(t), at = 0}
    walks[t] = walk
    while key ~= nil and walk.keys[walk.at] ~= key do
      walk.at = walk.at + 1
      if walk.at > #walk.keys then fail("next: %s is no key of this table", tostring(key)) end
    end
  end
  repeat walk.at = walk.at + 1 until walk.keys[walk.at] == nil or rawget(t, walk.keys[walk.at]) ~= nil
  local found = walk.keys[walk.at]
  if found == nil then
    walks[t] = nil
    return nil
  end
  return found, rawget(t, found)
end

api.tostring = tostring

for name, value in next, api do _G[name] = value end

setmetatable(_G, {__index = function(_, key)
  local names = {}
  for k in next, _G do if type(k) == "string" then names[#names + 1] = k end end
  table.sort(names)
  local near = type(key) == "string" and y.nearest(key, names)
  fail("there is no '%s'%s", tostring(key), near and ". Did you mean '" .. near .. "'?" or "")
end})

---- begin and end -------------------------------------------------------------------------------------------------------------

local function start(chunk)
  step(new_program(chunk, "the scenario", nil, true))
  if script_error then error(script_error, 0) end
  return 0
end

local function finish(limit_reached)
  if script_error then error(script_error, 0) end
  for _, p in ipairs(stopped and {} or programs) do
    local place = p._waits and string.format("waits in %s (%s)", p._waits, y.where_of(p._co)) or "has not begun"
    if p._foreground and limit_reached then
      count_check(false)
      y.note("✗ the time limit is reached, and " .. p.name .. " still " .. place, "bad")
    elseif p._foreground then
      count_check(false)
      y.note("✗ nothing will ever happen again, and " .. p.name .. " still " .. place, "bad")
    elseif p._waits and p._handler then
      y.note(p.name .. " still " .. place .. ": nobody has told it anything", "warn")
    end
  end
  local counted = checked == 0 and "nothing was expected" or
                  failed == 0 and string.format("✓ %d expectation%s held", checked, checked == 1 and "" or "s") or
                  string.format("✗ %d of %d expectation%s failed", failed, checked, checked == 1 and "" or "s")
  y.raw("")
  y.raw(string.format("%s · %.3f s of virtual time", counted, y.now()))
  for _, line in ipairs(wrap(y.tally(), 76)) do y.raw("  " .. line) end
  return failed == 0 and 0 or 1
end

return start, finish, on_ready
