-- What a file for `yeon lab --live FILE.lua` can say. The file is read once, before the lab begins: hosts and cables are noted, and what is done to
-- cables becomes a schedule of commands, the very ones of `yeon cable`. Nothing of Lua runs while the lab does.
local where = ... -- "FILE.lua:7: ", the line of the file that is being read
local plan = {hosts = {}, cables = {}, steps = {}}
local clock = 0 -- seconds after the lab's beginning, of what is being said
local STEPS_MAX, HOSTS_MAX, CABLES_MAX = 10000, 16, 16

local function fail(...) error(where() .. string.format(...), 0) end

local function class(name)
  local c = {}
  c.__index = function(_, k) return c[k] or fail("a %s has no '%s'", name, tostring(k)) end
  return c
end
local Host, Cable = class("host"), class("cable")

local units = {us = 1e-6, ms = 1e-3, s = 1, m = 60, min = 60, h = 3600}
local function seconds(v, what)
  if type(v) == "number" and v >= 0 and v < 1e9 then return v end
  local number, unit = tostring(v):match("^%s*([%d.]+)%s*(%a*)%s*$")
  number, unit = tonumber(number), unit and unit:lower()
  if number and (units[unit] or number == 0 and unit == "") then return number * (units[unit] or 0) end
  if number and unit == "" then fail("\"%s\" has no unit: %s wants seconds or a text as \"40ms\"", v, what) end
  fail("%s wants seconds or a text as \"40ms\", not %s", what, tostring(v))
end
-- "10s", "200ms", "1500us": as a person would write it.
local function span(s)
  local us = math.floor(s * 1e6 + 0.5)
  if us % 1000000 == 0 then return us // 1000000 .. "s" end
  return us % 1000 == 0 and us // 1000 .. "ms" or us .. "us"
end

---- hosts

local function new_host(name, options)
  if type(name) ~= "string" or not name:match("^%a[%w_-]*$") or #name > 31 then fail("a host's name is a word as \"client\", not %s", tostring(name)) end
  for _, h in ipairs(plan.hosts) do if h.name == name then fail("there is a host '%s' already", name) end end
  for k in pairs(options) do
    if k ~= "name" and k ~= "profile" and k ~= "address" and k ~= "address6" and k ~= "congestion" then fail("a host of a live lab has no option '%s'", tostring(k)) end
  end
  local n = #plan.hosts + 1
  if n > HOSTS_MAX then fail("at most %d hosts", HOSTS_MAX) end
  local h = {name = name, profile = options.profile, congestion = options.congestion, address = options.address or string.format("10.0.0.%d", n),
             address6 = options.address6 or string.format("fd00::%x", n)}
  plan.hosts[n] = h
  return setmetatable(h, Host)
end

function host(name, options) return new_host(name, options or {}) end
function hosts(...)
  local made = {}
  for i, item in ipairs {...} do
    if type(item) == "table" then made[i] = new_host(item.name, item) else made[i] = new_host(item, {}) end
  end
  return table.unpack(made)
end

---- cables

local kinds = {delay = "time", jitter = "time", reorder_by = "time", rate = "amount", queue = "amount", loss = "share", burst = "share",
               burst_enter = "share", burst_leave = "share", burst_loss = "share", reorder = "share", duplicate = "share", corrupt = "share",
               reorder_up_to = "time", bucket = "amount", mark = "amount", drop_above = "amount", codel = "target", codel_interval = "time", codel_marks = "switch",
               trace = "file"}

local verbs = {show = 1, cut = 1, join = 1, set = 1, rebind = 1, at = 1, tun = 1}

local function words_of(options)
  local names, words = {}, {}
  for k in pairs(options) do
    if not kinds[k] then fail("a cable has no setting '%s'", tostring(k)) end
    names[#names + 1] = k
  end
  table.sort(names)
  for _, k in ipairs(names) do
    local v = options[k]
    if type(v) == "boolean" and (kinds[k] == "target" or kinds[k] == "switch") then v = v and "on" or "off"
    elseif kinds[k] == "time" or kinds[k] == "target" then v = span(seconds(v, k))
    elseif kinds[k] == "switch" then fail("%s is true or false", k)
    elseif kinds[k] == "file" then
      if type(v) ~= "string" or v == "" or v:find("%s") then fail("%s of a live lab's cable is the name of a file without spaces", k) end
    elseif kinds[k] == "share" and type(v) == "number" then v = string.format("%.0fppm", v * 1e6)
    elseif type(v) == "number" then v = string.format(k == "rate" and "%.0fbit" or "%.0fB", v)
    else v = tostring(v):gsub("%s+", "") end
    words[#words + 1] = k .. " " .. v
  end
  return table.concat(words, " ")
end

local function step(...)
  if #plan.steps == STEPS_MAX then fail("a schedule has at most %d steps", STEPS_MAX) end
  plan.steps[#plan.steps + 1] = {after = clock, words = table.concat({...}, " ")}
end

local function from(c, h)
  if h == nil then return "both" end
  if h ~= c.a and h ~= c.b then fail("that host is at neither end of %s", c.name) end
  return "from " .. h.name
end

function cable(a, b, options)
  if getmetatable(a) ~= Host or getmetatable(b) ~= Host or a == b then fail("a cable joins two hosts: cable(client, server, {delay = \"10ms\"})") end
  local both, there, back, name = {}, nil, nil, nil
  for k, v in pairs(options or {}) do
    if k == "there" then there = v elseif k == "back" then back = v elseif k == "name" then name = v else both[k] = v end
  end
  name = name or (#plan.cables == 0 and "cable" or "cable" .. #plan.cables + 1)
  if type(name) ~= "string" or not name:match("^[%w_-]+$") or #name > 31 then fail("a cable's name is a word, not %s", tostring(name)) end
  if verbs[name] then fail("a cable can not be called '%s': that is what is done to one", name) end
  for _, c in ipairs(plan.cables) do if c.name == name then fail("there is a cable '%s' already", name) end end
  if #plan.cables == CABLES_MAX then fail("at most %d cables", CABLES_MAX) end
  local c = setmetatable({name = name, a = a, b = b}, Cable)
  plan.cables[#plan.cables + 1] = c
  if next(both) then step("cable", name, "set", words_of(both)) end
  if there then step("cable", name, "set", from(c, a), words_of(there)) end
  if back then step("cable", name, "set", from(c, b), words_of(back)) end
  return c
end

-- cut(), cut("5s"), cut(client), cut(client, "5s")
function Cable:cut(h, length)
  if getmetatable(h) ~= Host then h, length = nil, h end
  step("cable", self.name, "cut", from(self, h), length and span(seconds(length, "cut")) or "")
end
function Cable:join(h) step("cable", self.name, "join", from(self, h)) end
function Cable:set(options, h)
  if options == "perfect" then step("cable", self.name, "set", from(self, h), "perfect")
  else step("cable", self.name, "set", from(self, h), words_of(options)) end
end
function Cable:rebind(h, ...)
  from(self, h)
  step("cable", self.name, "rebind", (h or self.a).name, ...)
end

---- time

local function run_at(t, fn)
  local before = clock
  clock = t
  fn()
  clock = before
end
function at(t, fn) run_at(seconds(t, "at"), fn) end
function after(t, fn) run_at(clock + seconds(t, "after"), fn) end
function sleep(t) clock = clock + seconds(t, "sleep") end
function now() return clock end
-- After t, 2t and so on, count times in all.
function every(t, count, fn)
  local period = seconds(t, "every")
  if math.type(count) ~= "integer" or count < 1 then fail("every(\"10s\", 6, fn): how often is a whole number from 1, not %s", tostring(count)) end
  for i = 1, count do run_at(clock + i * period, fn) end
end

setmetatable(_G, {__index = function(_, k)
  fail("a file for a live lab has no '%s': hosts, host, cable, at, after, every, sleep, now", tostring(k))
end})
return plan
