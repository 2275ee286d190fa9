-- What a scenario sees: hosts, cables, and calls that read as if they waited.
--
-- A program is a coroutine. A call that cannot go on yields; the universe reports readiness to on_ready() or calls back at an instant, and the program
-- goes on. `y` holds the functions of lab_*.c, which never wait and give nil and an error code instead.
--
-- The prelude is four files that are one chunk: base.lua, sockets.lua, hosts.lua, api.lua.
-- Gives three functions to lab_run.c: start(chunk), finish(limit was reached), on_ready(object, events).
local y = ...

local AGAIN, IN_PROGRESS, TIMED_OUT = -1, -10, -14
local WRITABLE, ERROR = 0x02, 0x10

local current          -- the program that is running now
local programs = {}    -- all that have not ended, in the order they began
local busy = 0         -- of them, those the scenario waits for
local stopped = false  -- by the scenario itself
local script_error     -- what makes the status 2
local checked, failed = 0, 0 -- expectations
local hosts_by_name = {}
local all_hosts = {}

---- the same text in every run --------------------------------------------------------------------------------------------------

-- What Lua tells by its address in memory (tables, functions, coroutines) has a number here, in the order in which they were first asked for. Hosts, cables,
-- sockets and programs have another from their beginning, so that pairs can put them in an order.
local numbers, numbered = setmetatable({}, {__mode = "k"}), 0
local births, born = setmetatable({}, {__mode = "k"}), 0
local function give_birth(object)
  born = born + 1
  births[object] = born
  return object
end
local function number_of(v)
  if not numbers[v] then
    numbered = numbered + 1
    numbers[v] = numbered
  end
  return numbers[v]
end

local next, raw_tostring, raw_format = next, tostring, string.format -- Lua's own
local addressed = {table = 1, ["function"] = 1, thread = 1, userdata = 1}
local function tostring(...)
  if select("#", ...) == 0 then return raw_tostring() end
  local v = (...)
  local kind, mt = type(v), getmetatable(v)
  if not addressed[kind] or type(mt) == "table" and mt.__tostring then return raw_tostring(v) end
  local name = type(mt) == "table" and type(mt.__name) == "string" and mt.__name or kind
  return name .. ": " .. number_of(v)
end

function string.format(format, ...)
  local given = table.pack(...)
  for i = 1, given.n do
    if addressed[type(given[i])] then given[i] = tostring(given[i]) end
  end
  if type(format) == "string" and format:gsub("%%%%", ""):find("%%[-0-9.]*p") then error("%p is an address, which differs from run to run", 2) end
  return raw_format(format, table.unpack(given, 1, given.n))
end

local function count_check(held)
  checked = checked + 1
  if not held then failed = failed + 1 end
end

---- errors --------------------------------------------------------------------------------------------------------------------

-- A fault of the script: with the place it was made at.
local function fail(...) error(y.where() .. string.format(...), 0) end

-- What Lua or our C says of a wrong argument stands in our Lua and names our arguments; to whoever wrote the script only the rest is of use.
local function plain(text)
  text = tostring(text):gsub("^yeon:%d+: ", "")
  return text:match("^bad argument #%-?%d+ to '[^']*' %((.*)%)$") or text
end

-- A call on the network that did not succeed: an object, so that a scenario can expect it.
local NetError = {}
NetError.__index = NetError
NetError.__name = "network error"
function NetError:__tostring() return self.where .. self.call .. ": " .. self.text .. " (" .. self.name .. ")" end

local function net_error(call, code)
  local name = y.error_name(code):gsub("^YEON_ERR_", "")
  return setmetatable({name = name, code = code, text = y.error_text(code), call = call, where = y.where()}, NetError)
end
local function raise(call, code) error(net_error(call, code), 0) end

-- An object of ours: an unknown field is a typing error.
local function class(name, nearest_from)
  local c = {}
  c.__name = name
  c.__index = function(_, key)
    local method = c[key]
    if method ~= nil or type(key) ~= "string" or key:sub(1, 1) == "_" then return method end
    local names = {}
    for k in next, c do if type(k) == "string" and k:sub(1, 1) ~= "_" then names[#names + 1] = k end end
    for _, k in ipairs(nearest_from or {}) do names[#names + 1] = k end
    table.sort(names)
    local near = y.nearest(key, names)
    fail("a %s has no '%s'%s", name, key, near and ". Did you mean '" .. near .. "'?" or "")
  end
  c.__tostring = function(self) return name .. " " .. tostring(rawget(self, "name") or rawget(self, "_text") or "") end
  return c
end

---- numbers with units --------------------------------------------------------------------------------------------------------

-- A number is what it is; a text has a unit, in capitals or not, unless it says 0.
local function unit_reader(what, units, example)
  return function(value, name)
    if type(value) == "number" then return value end
    local number, unit
    if type(value) == "string" then
      number, unit = value:match("^%s*([%d.]+)%s*([%a%%]*)%s*$")
      number, unit = tonumber(number), unit and unit:lower()
      if number and (units[unit] or number == 0 and unit == "") then return number * (units[unit] or 0) end
    end
    if number and unit == "" then fail('"%s" has no unit: %s is %s, as %s', value, name or "this", what, example) end
    fail("%s is %s, as %s; not %s", name or "this", what, example, tostring(value))
  end
end
local seconds = unit_reader("a time in seconds", {us = 1e-6, ms = 1e-3, s = 1, m = 60, min = 60, h = 3600}, '0.01 or "10ms"')
local bytes_of = unit_reader("a size in bytes", {b = 1, kb = 1e3, mb = 1e6, gb = 1e9, kib = 1024, mib = 1048576, gib = 1073741824}, '65536 or "64KiB"')
local rate_of = unit_reader("a rate in bits a second", {bit = 1, kbit = 1e3, mbit = 1e6, gbit = 1e9}, '10e6 or "10Mbit"')
local share_of = unit_reader("a share", {["%"] = 0.01, ppm = 1e-6}, '0.01 or "1%"')

local function whole(value, name)
  local n = math.tointeger(value)
  if not n and type(value) == "number" then n = math.tointeger(math.floor(value + 0.5)) end
  return n or fail("%s is a whole number, not %s", name, tostring(value))
end

local function check_keys(given, known, what)
  for key in next, given do
    if type(key) == "string" and known[key] == nil then
      local names = {}
      for k in next, known do names[#names + 1] = k end
      table.sort(names)
      local near = y.nearest(key, names)
      fail("%s has no '%s'. %s", what, key, near and "Did you mean '" .. near .. "'?" or "There are: " .. table.concat(names, ", "))
    end
  end
end

---- programs ------------------------------------------------------------------------------------------------------------------

local Program = class("program")

local function program_ended(p, ok, ...)
  p.done, p.ok = true, ok
  p.results = table.pack(...)
  for i = #programs, 1, -1 do if programs[i] == p then table.remove(programs, i) break end end
  if p._foreground then
    busy = busy - 1
    if busy == 0 then y.busy(false) end
  end
end

local function program_failed(p, why)
  program_ended(p, false, why)
  if getmetatable(why) == NetError then
    if p._foreground then
      count_check(false)
      y.note("✗ " .. tostring(why) .. '. If that is what should happen: expect_error("' .. why.name .. '", ...)', "bad")
    else
      y.note(p.name .. " gave up: " .. tostring(why), "warn")
    end
  elseif not script_error then
    script_error = tostring(why)
    if script_error:find("^yeon:%d+: ") then script_error = y.where_of(p._co) .. ": " .. plain(script_error) end
    y.stop()
  end
end

local step
local function wake_list(list)
  for _, w in ipairs(list) do
    if w.program._token == w.token and not w.program.done then step(w.program, "ready") end
  end
end

step = function(p, ...)
  local before = current
  current = p
  p._token = p._token + 1
  local results = table.pack(coroutine.resume(p._co, ...))
  current = before
  if coroutine.status(p._co) ~= "dead" then return end
  if results[1] then
    program_ended(p, true, table.unpack(results, 2, results.n))
  else
    program_failed(p, results[2])
  end
  local joiners = p._joiners
  p._joiners = {}
  wake_list(joiners)
end

-- The running program waits: for a report about obj (may be nil), or until the instant (may be nil). "ready" or "timeout".
local function wait_on(obj, what, until_at)
  local p = current
  if not p or coroutine.running() ~= p._co then
    fail("%s waits, and only a program can wait: not a coroutine of your own. spawn(function() ... end) makes a program", what)
  end
  local token = p._token
  p._waits = what
  if obj then
    local list = obj._waiters
    list[#list + 1] = {program = p, token = token}
  end
  if until_at then
    y.after(math.max(0, until_at - y.now()), function()
      if p._token == token and not p.done then step(p, "timeout") end
    end)
  end
  local why = coroutine.yield()
  p._waits = nil
  return why
end

local function on_ready(obj)
  local list = obj._waiters
  obj._waiters = {}
  wake_list(list)
end

local function new_program(fn, name, host, foreground)
  if type(fn) ~= "function" then fail("a program is a function, not a %s", type(fn)) end
  local p = give_birth(setmetatable({name = name, host = host or false, owner = false, pid = 0, done = false, _token = 0, _joiners = {}, _foreground = foreground}, Program))
  p._co = coroutine.create(fn)
  programs[#programs + 1] = p
  if foreground then
    busy = busy + 1
    if busy == 1 then y.busy(true) end
  end
  return p
end

-- Waits until the program has ended; what it returned. A failed one raises its error here.
function Program:wait()
  while not self.done do
    self._waiters = self._joiners
    wait_on(self, "wait")
    self._joiners = self._waiters or {}
  end
  if not self.ok then error(self.results[1], 0) end
  return table.unpack(self.results, 1, self.results.n)
end
