-- What a scenario sees: hosts, cables, and calls that read as if they waited.
--
-- A program is a coroutine. A call that cannot go on yields; the universe reports readiness to on_ready() or calls back at an instant, and the program
-- goes on. `y` holds the functions of lab_*.c, which never wait and give nil and an error code instead.
--
-- Gives three functions to lab_run.c: start(chunk), finish(limit was reached), on_ready(object, events).
local y = ...

local AGAIN, IN_PROGRESS, TIMED_OUT = -1, -10, -14
local WRITABLE, ERROR = 0x02, 0x10

local current          -- the program that is running now
local programs = {}    -- all that have not ended, in the order they began
local busy = 0         -- of them, those the scenario waits for
local stopped = false  -- by the scenario itself
local script_error     -- what makes the status 2
local hosts_by_name = {}
local all_hosts = {}

---- errors --------------------------------------------------------------------------------------------------------------------

-- A fault of the script: with the place it was made at.
local function fail(...) error(y.where() .. string.format(...), 0) end

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

local function unit_reader(what, units, example)
  return function(value, name)
    if type(value) == "number" then return value end
    if type(value) == "string" then
      local number, unit = value:match("^%s*([%d.]+)%s*(%a*)%s*$")
      number = tonumber(number)
      if number and (unit == "" or units[unit]) then return number * (units[unit] or 1) end
    end
    fail("%s is %s, as %s; not %s", name or "this", what, example, tostring(value))
  end
end
local seconds = unit_reader("a time in seconds", {us = 1e-6, ms = 1e-3, s = 1, min = 60, h = 3600}, '0.01 or "10ms"')
local bytes_of = unit_reader("a size in bytes", {B = 1, KB = 1e3, MB = 1e6, GB = 1e9, KiB = 1024, MiB = 1048576, GiB = 1073741824}, '65536 or "64KiB"')
local rate_of = unit_reader("a rate in bits a second", {bit = 1, kbit = 1e3, Mbit = 1e6, Gbit = 1e9}, '10e6 or "10Mbit"')

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
      y.check(false)
      y.note("✗ " .. tostring(why) .. '. If that is what should happen: expect_error("' .. why.name .. '", ...)', "bad")
    else
      y.note(p.name .. " gave up: " .. tostring(why), "warn")
    end
  elseif not script_error then
    script_error = tostring(why)
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
  local p = setmetatable({name = name, host = host or false, owner = false, pid = 0, done = false, _token = 0, _joiners = {}, _foreground = foreground}, Program)
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

---- sockets -------------------------------------------------------------------------------------------------------------------

local Socket = class("connection")
local Listener = class("listener")
local Udp = class("UDP socket")

local function new_socket(kind, handle, host)
  local s = setmetatable({host = host, _h = handle, _waiters = {}, _closed = false, owner = current or false}, kind)
  y.attach(handle, s)
  return s
end

local function live(s, call)
  if s._closed then fail("%s on a socket that this program has closed", call) end
  return s._h
end

-- Options of a connection or listener: name -> how to set it.
local function flag(name) return function(h, v) return y.tcp_set(h, name, v and true or false) end end
local function number(name) return function(h, v) return y.tcp_set(h, name, whole(v, name)) end end
local function size(name) return function(h, v) return y.tcp_set(h, name, whole(bytes_of(v, name), name)) end end
local function span(name) return function(h, v) return y.tcp_set(h, name, whole(seconds(v, name) * 1000, name)) end end
local socket_options = {
  nodelay = flag "nodelay", cork = flag "cork", quickack = flag "quickack", reuseaddr = flag "reuseaddr", reuseport = flag "reuseport",
  v6only = flag "v6only", oobinline = flag "oobinline",
  sndbuf = size "sndbuf", rcvbuf = size "rcvbuf", window_clamp = size "window_clamp", mss = number "maxseg",
  hop_limit = number "hop_limit", traffic_class = number "traffic_class", retries_syn = number "retries_syn",
  user_timeout = span "user_timeout_ms",
  linger = function(h, v) return y.tcp_set(h, "linger_ms", v == false and -1 or whole(seconds(v, "linger") * 1000, "linger")) end,
  keepalive = function(h, v)
    if type(v) == "table" then
      check_keys(v, {idle = 1, interval = 1, count = 1}, "keepalive")
      local ok, code = true, nil
      if v.idle then ok, code = y.tcp_set(h, "keepidle_ms", whole(seconds(v.idle, "idle") * 1000, "idle")) end
      if ok and v.interval then ok, code = y.tcp_set(h, "keepintvl_ms", whole(seconds(v.interval, "interval") * 1000, "interval")) end
      if ok and v.count then ok, code = y.tcp_set(h, "keepcnt", whole(v.count, "count")) end
      if not ok then return nil, code end
    end
    return y.tcp_set(h, "keepalive", v and true or false)
  end,
}

local function set_options(h, options, extra)
  if not options then return end
  if type(options) ~= "table" then fail("options are a table: {nodelay = true}") end
  local known = {}
  for k in next, socket_options do known[k] = 1 end
  for k in next, extra or {} do known[k] = 1 end
  check_keys(options, known, "a TCP socket")
  local names = {}
  for k in next, options do if socket_options[k] then names[#names + 1] = k end end
  table.sort(names)
  for _, name in ipairs(names) do
    local ok, code = socket_options[name](h, options[name])
    if not ok then raise("option " .. name, code) end
  end
end

local function must(call, ok, code, ...)
  if ok == nil then raise(call, code) end
  return ok, code, ...
end

-- "server:80", "10.0.0.2:80", "[fd00::2]:80", or a host and a port.
local function address(where, port)
  if type(where) == "table" and where.address then
    if math.type(port) ~= "integer" then fail("a host and a port: connect(server, 80)") end
    return where.address .. ":" .. port
  end
  if type(where) ~= "string" then fail("an address is a text as \"server:80\", or a host and a port; not %s", tostring(where)) end
  local name, number_text = where:match("^([%a][%w_-]*):(%d+)$")
  if not name then return where end
  local host = hosts_by_name[name]
  if not host then
    local names = {}
    for _, h in ipairs(all_hosts) do names[#names + 1] = h.name end
    local near = y.nearest(name, names)
    fail("there is no host '%s'%s", name, near and ". Did you mean '" .. near .. "'?" or "; a scenario makes them with hosts(...)")
  end
  return host.address .. ":" .. number_text
end

local function local_address(port)
  if type(port) == "number" then return "0.0.0.0:" .. whole(port, "port") end
  return port
end

-- Repeats a call that may have to wait. Gives its results; at the deadline nil, "timeout".
local function patient(s, call, until_at, fn, ...)
  while true do
    local a, b, c = fn(...)
    if a ~= nil then return a, b, c end
    if b ~= AGAIN and b ~= IN_PROGRESS then raise(call, b) end
    if until_at and y.now() >= until_at then return nil, "timeout" end
    wait_on(s, call, until_at)
    if s._closed then fail("the socket was closed while %s waited", call) end
  end
end

local function deadline(timeout) return timeout and y.now() + seconds(timeout, "timeout") or nil end

function Socket:send(data)
  if type(data) ~= "string" then fail("send takes a text, not a %s", type(data)) end
  local h, at = live(self, "send"), 0
  while at < #data do at = at + patient(self, "send", nil, y.tcp_send, h, data, at) end
  return #data
end

function Socket:send_urgent(data)
  local h, at = live(self, "send_urgent"), 0
  while at < #data do at = at + patient(self, "send_urgent", nil, y.tcp_send, h, data, at, 1) end
  return #data
end

function Socket:send_pattern(n)
  n = whole(bytes_of(n, "size"), "size")
  local h, at = live(self, "send_pattern"), 0
  local from = self._pattern or 0
  while at < n do at = at + patient(self, "send", nil, y.tcp_send_pattern, h, from + at, n - at) end
  self._pattern = from + n
  return n
end

function Socket:recv(n, timeout)
  local h = live(self, "recv")
  local data, why = patient(self, "recv", deadline(timeout), y.tcp_recv, h, n and whole(bytes_of(n, "size"), "size") or 65536)
  if data == nil then return nil, why end
  if data == "" then return nil, "end" end
  return data
end

function Socket:recv_exactly(n, timeout)
  local parts, left, until_at = {}, whole(bytes_of(n, "size"), "size"), deadline(timeout)
  while left > 0 do
    local data, why = patient(self, "recv", until_at, y.tcp_recv, live(self, "recv"), left)
    if data == nil or data == "" then return nil, why or "end" end
    parts[#parts + 1] = data
    left = left - #data
  end
  return table.concat(parts)
end

-- Up to and without the next newline.
function Socket:recv_line(timeout)
  local parts, until_at = {}, deadline(timeout)
  while true do
    local c, why = patient(self, "recv", until_at, y.tcp_recv, live(self, "recv"), 1)
    if c == nil then return nil, why end
    if c == "" then return #parts > 0 and table.concat(parts) or nil, "end" end
    if c == "\n" then return (table.concat(parts):gsub("\r$", "")) end
    parts[#parts + 1] = c
  end
end

-- Reads to the end of the stream and keeps nothing: how much it was, and its checksum.
function Socket:recv_all()
  local h, total, sum = live(self, "recv_all"), 0, y.text_sum("")
  while true do
    local n, new = patient(self, "recv", nil, y.tcp_recv_sum, h, 65536, sum)
    if n == 0 then return total, string.format("%016x", sum) end
    total, sum = total + n, new
  end
end

function Socket:set(options) set_options(live(self, "set"), options) end
function Socket:get(name) return must("get", y.tcp_get(live(self, "get"), name == "mss" and "maxseg" or name)) end
function Socket:shutdown(how) must("shutdown", y.tcp_shutdown(live(self, "shutdown"), how or "write")) end

local function remember(s)
  local info = y.tcp_info(s._h)
  s._local, s._remote, s._id = info.local_address, info.remote_address, info.id
end

function Socket:close()
  local h = live(self, "close")
  remember(self)
  self._closed = true
  y.tcp_close(h)
  on_ready(self)
end

function Socket:abort()
  local h = live(self, "abort")
  remember(self)
  self._closed = true
  y.tcp_abort(h)
  on_ready(self)
end

-- The connection as its host knows it, even after close; nil when it is gone.
local function find_info(s)
  if not s._closed then return y.tcp_info(s._h) end
  for _, info in ipairs(y.tcp_sockets(s.host._n)) do
    if info.local_address == s._local and info.remote_address == s._remote then return info end
  end
end

function Socket:state()
  local info = find_info(self)
  return info and info.state or "CLOSED"
end
function Socket:info() return find_info(self) end
function Socket:local_address() return self._closed and self._local or y.tcp_info(self._h).local_address end
function Socket:remote_address() return self._closed and self._remote or y.tcp_info(self._h).remote_address end
-- The pending error by name, cleared; nil: none.
function Socket:take_error()
  local code = y.tcp_error(live(self, "take_error"))
  return code ~= 0 and (y.error_name(code):gsub("^YEON_ERR_", "")) or nil
end

function Listener:accept(timeout)
  local h, why = patient(self, "accept", deadline(timeout), y.tcp_accept, live(self, "accept"))
  if h == nil then return nil, why end
  return new_socket(Socket, h, self.host)
end
function Listener:info() return y.tcp_info(live(self, "info")) end
function Listener:set(options) set_options(live(self, "set"), options) end
function Listener:close()
  local h = live(self, "close")
  self._closed = true
  y.tcp_close(h)
end

function Udp:send(data, where, port)
  return (patient(self, "send", nil, y.udp_send, live(self, "send"), data, where and address(where, port) or nil))
end
function Udp:recv(timeout)
  local data, from = patient(self, "recv", deadline(timeout), y.udp_recv, live(self, "recv"))
  return data, from
end
function Udp:connect(where, port) must("connect", y.udp_connect(live(self, "connect"), where and address(where, port) or nil)) end
function Udp:set(options)
  local names = {}
  for k in next, options do names[#names + 1] = k end
  table.sort(names)
  for _, k in ipairs(names) do
    local v = options[k]
    must("option " .. k, y.udp_set(live(self, "set"), k, type(v) == "boolean" and v or whole(bytes_of(v, k), k)))
  end
end
function Udp:local_address() return y.udp_local(live(self, "local_address")) end
function Udp:close()
  local h = live(self, "close")
  self._closed = true
  for i, u in ipairs(self.host._udp) do if u == self then table.remove(self.host._udp, i) break end end
  y.udp_close(h)
end

---- hosts ---------------------------------------------------------------------------------------------------------------------

local Host = class("host", {"name", "address", "address6"})

local host_options = {profile = 1, tcp = 1, address = 1, address6 = 1, max_connections = 1, max_time_wait = 1, max_half_open = 1, name = 1}

local function new_host(name, options)
  options = options or {}
  if type(name) ~= "string" or not name:match("^%a[%w_-]*$") then fail("a host's name is a word as \"client\", not %s", tostring(name)) end
  if hosts_by_name[name] then fail("there is a host '%s' already", name) end
  check_keys(options, host_options, "a host")
  local profile
  if options.profile then
    profile = y.profile_number(options.profile)
    if not profile then fail("there is no profile '%s': linux, freebsd, windows or lecture", tostring(options.profile)) end
  end
  local ok, node, code = pcall(y.host, name, profile, options.tcp, options)
  if not ok then fail("%s", node) end
  if not node then raise("host " .. name, code) end
  local n = node + 1
  local h = setmetatable({name = name, _n = node, _pids = 1000 * n, _links = 0, _peers = {}, _udp = {}}, Host)
  h.address = options.address or string.format("10.0.%d.%d", n // 250, n % 250)
  h.address6 = options.address6 or string.format("fd00::%x", n)
  h._main = {name = "main", pid = h._pids}
  hosts_by_name[name] = h
  all_hosts[#all_hosts + 1] = h
  return h
end

local function each_given(what, make, ...)
  local given = select("#", ...) == 1 and type((...)) == "table" and getmetatable((...)) == nil and (...) or {...}
  local made = {}
  for i, item in ipairs(given) do made[i] = make(item) end
  if #made == 0 then fail("%s makes at least one", what) end
  return table.unpack(made)
end

-- Opens, binds if asked, and sets options.
local function open_tcp(host, options)
  local h = must("socket", y.tcp_open(host._n))
  local ok, err = pcall(function()
    set_options(h, options, {bind = 1, backlog = 1, timeout = 1})
    if options and options.bind then must("bind", y.tcp_bind(h, local_address(options.bind))) end
  end)
  if not ok then
    y.tcp_close(h)
    error(err, 0)
  end
  return h
end

function Host:connect(where, port, options)
  if type(port) == "table" then port, options = nil, port end
  local to = address(where, port)
  local h = open_tcp(self, options)
  local s = new_socket(Socket, h, self)
  local call = "connect " .. to
  local ok, code = y.tcp_connect(h, to)
  if not ok and code ~= IN_PROGRESS then
    s._closed = true
    y.tcp_close(h)
    raise(call, code)
  end
  local until_at = deadline(options and options.timeout)
  while true do
    local ready = y.tcp_ready(h)
    if ready & ERROR ~= 0 then
      code = y.tcp_error(h)
      s._closed = true
      y.tcp_close(h)
      raise(call, code ~= 0 and code or TIMED_OUT)
    end
    if ready & WRITABLE ~= 0 then return s end
    if until_at and y.now() >= until_at then
      s._closed = true
      y.tcp_abort(h)
      raise(call, TIMED_OUT)
    end
    wait_on(s, "connect", until_at)
  end
end

-- Begins to connect and does not wait: for scenarios in which both ends call at once.
function Host:connect_start(where, port, options)
  if type(port) == "table" then port, options = nil, port end
  local h = open_tcp(self, options)
  local s = new_socket(Socket, h, self)
  must("connect", y.tcp_connect(h, address(where, port)))
  return s
end

function Host:listen(port, options, handler)
  if type(options) == "function" then options, handler = nil, options end
  local h = open_tcp(self, options)
  must("bind port " .. tostring(port), y.tcp_bind(h, local_address(port)))
  must("listen", y.tcp_listen(h, options and options.backlog or 128))
  local l = new_socket(Listener, h, self)
  if not handler then return l end
  local owner = current
  step(new_program(function()
    while not l._closed do
      local c = l:accept()
      local p = new_program(function()
        handler(c)
        if not c._closed then c:close() end
      end, self.name .. "'s handler", self, false)
      p.owner = owner
      p._handler = true
      c.owner = owner
      step(p)
    end
  end, self.name .. "'s listener", self, false))
  return l
end

function Host:udp(port, options)
  local h = must("socket", y.udp_open(self._n))
  local u = new_socket(Udp, h, self)
  if options then u:set(options) end
  if port then must("bind port " .. tostring(port), y.udp_bind(h, local_address(port))) end
  self._udp[#self._udp + 1] = u
  return u
end

local function with_pid(p)
  p.host._pids = p.host._pids + 1
  p.pid = p.host._pids
  return p
end

-- A program of this host, which the scenario waits for.
function Host:run(name, fn)
  if type(name) == "function" then name, fn = self.name, name end
  local p = with_pid(new_program(fn, name, self, true))
  step(p)
  return p
end

-- A program that may go on for ever.
function Host:run_daemon(name, fn)
  if type(name) == "function" then name, fn = self.name, name end
  local p = with_pid(new_program(fn, name, self, false))
  step(p)
  return p
end

function Host:count(state) return y.tcp_count(self._n, state) end
function Host:time_wait() return y.usage(self._n).time_wait end
function Host:usage() return y.usage(self._n) end
function Host:counters() return y.counters(self._n) end
function Host:note(text, ...) y.side(self._n, select("#", ...) > 0 and string.format(text, ...) or tostring(text)) end

-- A row a socket: protocol, local and remote address, state, program and pid ("-" when no program holds it any more).
function Host:sockets()
  local rows = {}
  for _, info in ipairs(y.tcp_sockets(self._n)) do
    local owner = info.object and (info.object.owner or self._main)
    if owner and owner.host ~= self and owner ~= self._main then owner = self._main end
    local listening = info.state == "LISTEN"
    rows[#rows + 1] = {protocol = "TCP", local_address = info.local_address, remote_address = listening and "*" or info.remote_address,
                       state = info.state, program = owner and owner.name or "-", pid = owner and owner.pid or "-", id = info.id}
  end
  for _, u in ipairs(self._udp) do
    local owner = u.owner and u.owner.host == self and u.owner or self._main
    rows[#rows + 1] = {protocol = "UDP", local_address = u:local_address(), remote_address = "*", state = "", program = owner.name, pid = owner.pid, id = 0}
  end
  local function key(r) return r.protocol .. (r.state == "LISTEN" and "0" or "1") .. string.format("%12d", r.id) end
  table.sort(rows, function(a, b) return key(a) < key(b) end)
  return rows
end

---- tables --------------------------------------------------------------------------------------------------------------------

local function pad(text, width)
  text = tostring(text)
  local n = utf8.len(text) or #text
  return text .. string.rep(" ", math.max(0, width - n))
end

-- Rows of columns with a heading, as wide as they must be.
local function show_table(headings, rows)
  local widths = {}
  for i, heading in ipairs(headings) do widths[i] = utf8.len(heading) end
  for _, row in ipairs(rows) do
    for i = 1, #headings do widths[i] = math.max(widths[i], utf8.len(tostring(row[i] or "")) or 0) end
  end
  local function line(row)
    local cells = {}
    for i = 1, #headings do cells[i] = pad(row[i] == nil and "" or row[i], widths[i]) end
    y.raw("  " .. (table.concat(cells, "  "):gsub("%s+$", "")))
  end
  local rule = {}
  for i, w in ipairs(widths) do rule[i] = string.rep("─", w) end
  y.raw("")
  line(headings)
  line(rule)
  for _, row in ipairs(rows) do line(row) end
  y.raw("")
end

local function show_sockets(...)
  local rows = {}
  for _, host in ipairs({...}) do
    for _, s in ipairs(host:sockets()) do
      rows[#rows + 1] = {host.name, s.protocol, s.local_address, s.remote_address, s.state, s.program, s.pid}
    end
  end
  show_table({"host", "", "local", "remote", "state", "program", "pid"}, rows)
end
function Host:show_sockets() show_sockets(self) end

---- cables --------------------------------------------------------------------------------------------------------------------

local Cable = class("cable")

local shares = {loss = 1, burst_enter = 1, burst_leave = 1, burst_loss = 1, reorder = 1, duplicate = 1, corrupt = 1}
local spans = {delay = 1, jitter = 1, reorder_by = 1}
local way_keys = {rate = 1, queue = 1}
for k in next, shares do way_keys[k] = 1 end
for k in next, spans do way_keys[k] = 1 end

local function way_of(options, base)
  local way = {}
  for k, v in next, base or {} do way[k] = v end
  for k, v in next, options do
    if shares[k] then
      local percent = type(v) == "string" and v:match("^%s*([%d.]+)%s*%%%s*$")
      way[k] = percent and tonumber(percent) / 100 or tonumber(v) or fail("%s of a cable is a share as 0.01 or \"1%%\"", k)
    elseif spans[k] then way[k] = seconds(v, k)
    elseif k == "rate" then way[k] = rate_of(v, k)
    elseif k == "queue" then way[k] = bytes_of(v, k) end
  end
  return way
end

local function add_peer(host, link, peer, first)
  if first then
    must("address", y.add_address(host._n, link, host.address, 24))
    pcall(y.add_address, host._n, link, host.address6, 64)
  end
  for _, ip in ipairs {peer.address, peer.address6} do y.add_route(host._n, link, ip) end
end

local function new_cable(a, b, options)
  if getmetatable(a) ~= Host or getmetatable(b) ~= Host then fail("a cable joins two hosts: cable(client, server, {delay = \"10ms\"})") end
  if a == b then fail("a cable joins two different hosts") end
  options = options or {}
  local known = {mtu = 1, ethernet = 1, there = 1, back = 1}
  for k in next, way_keys do known[k] = 1 end
  check_keys(options, known, "a cable")
  check_keys(options.there or {}, way_keys, "a cable's direction")
  check_keys(options.back or {}, way_keys, "a cable's direction")
  local base = way_of(options)
  local there, back = way_of(options.there or {}, base), way_of(options.back or {}, base)
  local ok, number_, la, lb = pcall(y.cable, a._n, b._n, there, back, whole(options.mtu or 1500, "mtu"), options.ethernet)
  if not ok then fail("%s", number_) end
  if not number_ then raise("cable", la) end
  local c = setmetatable({_c = number_, a = a, b = b, _ways = {there, back}, _text = a.name .. "–" .. b.name}, Cable)
  add_peer(a, la, b, a._links == 0)
  add_peer(b, lb, a, b._links == 0)
  a._links, b._links = a._links + 1, b._links + 1
  return c
end

-- Both directions, or only what this host sends.
local function mask_of(c, from)
  if from == nil then return 3 end
  if from == c.a then return 1 end
  if from == c.b then return 2 end
  fail("that host is at neither end of this cable: name one of %s and %s, or none for both directions", c.a.name, c.b.name)
end

function Cable:cut(from) y.cable_cut(self._c, mask_of(self, from)) end
function Cable:join(from) y.cable_join(self._c, mask_of(self, from)) end
function Cable:set(options, from)
  check_keys(options, way_keys, "a cable's direction")
  local mask = mask_of(self, from)
  local same = true
  for i = 1, 2 do if mask & i ~= 0 then self._ways[i] = way_of(options, self._ways[i]) end end
  for _, k in ipairs {"delay", "jitter", "rate", "queue", "loss", "burst_enter", "burst_leave", "burst_loss", "reorder", "reorder_by", "duplicate", "corrupt"} do
    same = same and self._ways[1][k] == self._ways[2][k]
  end
  if mask == 3 and same then return must("set", y.cable_set(self._c, 3, self._ways[1])) end
  for i = 1, 2 do if mask & i ~= 0 then must("set", y.cable_set(self._c, i, self._ways[i])) end end
end
function Cable:stats(from) return y.cable_stats(self._c, (from == nil or from == self.a) and 0 or mask_of(self, from) - 1) end

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
function api.sleep(span_) wait_on(nil, "sleep", y.now() + seconds(span_, "the time to sleep")) end
function api.at(instant, fn)
  local delay = seconds(instant, "an instant") - y.now()
  if delay < 0 then fail("at(%s): it is %.3f already", tostring(instant), y.now()) end
  return api.after(delay, fn)
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
  y.check(held)
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

-- Keys in order: numbers first, then texts. The order of Lua's own pairs depends on addresses, which differ from run to run.
function api.pairs(t)
  local mt = getmetatable(t)
  if mt and mt.__pairs then return mt.__pairs(t) end
  local keys = {}
  for k in next, t do keys[#keys + 1] = k end
  local rank = {number = 1, string = 2, boolean = 3}
  table.sort(keys, function(a, b)
    local ra, rb = rank[type(a)] or 4, rank[type(b)] or 4
    if ra ~= rb then return ra < rb end
    if ra <= 2 then return a < b end
    return tostring(a) < tostring(b)
  end)
  local i = 0
  return function()
    i = i + 1
    if keys[i] ~= nil then return keys[i], t[keys[i]] end
  end
end

for name, value in next, api do _G[name] = value end

setmetatable(_G, {__index = function(_, key)
  local names = {}
  for k in next, _G do if type(k) == "string" then names[#names + 1] = k end end
  table.sort(names)
  local near = type(key) == "string" and y.nearest(key, names)
  fail("there is no '%s'%s", tostring(key), near and ". Did you mean '" .. near .. "'?" or "")
end})

---- begin and end -------------------------------------------------------------------------------------------------------------

local checked, failed = 0, 0
do
  local report = y.check
  y.check = function(held)
    checked = checked + 1
    if not held then failed = failed + 1 end
    report(held)
  end
end

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
      y.check(false)
      y.note("✗ the time limit is reached, and " .. p.name .. " still " .. place, "bad")
    elseif p._foreground then
      y.check(false)
      y.note("✗ nothing will ever happen again, and " .. p.name .. " still " .. place, "bad")
    elseif p._waits and p._handler then
      y.note(p.name .. " still " .. place .. ": nobody has told it anything", "warn")
    end
  end
  local counted = checked == 0 and "nothing was expected" or
                  failed == 0 and string.format("✓ %d expectation%s held", checked, checked == 1 and "" or "s") or
                  string.format("✗ %d of %d expectations failed", failed, checked)
  y.raw("")
  y.raw(string.format("%s · %.3f s of virtual time", counted, y.now()))
  y.raw("  " .. y.tally())
  return failed == 0 and 0 or 1
end

return start, finish, on_ready
