-- Third part of the prelude: hosts, tables of their sockets, cables.
---- hosts ---------------------------------------------------------------------------------------------------------------------

local Host = class("host", {"name", "address", "address6"})

local host_options = {profile = 1, tcp = 1, address = 1, address6 = 1, max_connections = 1, max_time_wait = 1, max_half_open = 1, name = 1}

local function new_host(name, options)
  options = options or {}
  if type(name) ~= "string" or not name:match("^%a[%w_-]*$") then fail("a host's name is a word as \"client\", not %s", (tostring(name):gsub("%c", "?"))) end
  if hosts_by_name[name] then fail("there is a host '%s' already", name) end
  check_keys(options, host_options, "a host")
  for field, family in next, {address = 4, address6 = 6} do
    local given = options[field]
    if given and y.address_family(given) ~= family then
      fail("%s of host %s is an IPv%d address that a host can have, as \"%s\"; not %s", field, name, family, family == 4 and "10.0.0.1" or "fd00::1", tostring(given))
    end
  end
  local profile
  if options.profile then
    profile = y.profile_number(options.profile)
    if not profile then fail("there is no profile '%s': linux, freebsd, windows, lecture or yeon", tostring(options.profile)) end
  end
  local ok, node, code = pcall(y.host, name, profile, options.tcp, options)
  if not ok then fail("%s", plain(node)) end
  if not node then raise("host " .. name, code) end
  local n = node + 1
  local h = give_birth(setmetatable({name = name, _n = node, _pids = 1000 * n, _links = 0, _peers = {}, _udp = {}}, Host))
  h.address = options.address or string.format("10.0.%d.%d", n // 250, n % 250)
  h.address6 = options.address6 or string.format("fd00::%x", n)
  for _, other in ipairs(all_hosts) do
    local twice = other.address == h.address and h.address or other.address6 == h.address6 and h.address6
    if twice then fail("%s and %s both have the address %s", other.name, name, twice) end
  end
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

-- A socket whose first call is refused is gone.
local function must_or_close(s, call, ok, code)
  if ok ~= nil then return end
  s._closed = true
  y.tcp_close(s._h)
  raise(call, code)
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
  must_or_close(s, "connect", y.tcp_connect(h, address(where, port)))
  return s
end

function Host:listen(port, options, handler)
  if type(options) == "function" then options, handler = nil, options end
  local h = open_tcp(self, options)
  local l = new_socket(Listener, h, self)
  must_or_close(l, "bind port " .. tostring(port), y.tcp_bind(h, local_address(port)))
  must_or_close(l, "listen", y.tcp_listen(h, options and options.backlog or 128))
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
-- Every retransmission so far: {at = seconds, bytes = n, why = text}.
function Host:retransmissions() return y.again(self._n) end
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

local shares = {loss = 1, burst = 1, burst_enter = 1, burst_leave = 1, burst_loss = 1, reorder = 1, duplicate = 1, corrupt = 1}
local spans = {delay = 1, jitter = 1, reorder_by = 1, reorder_up_to = 1, codel_interval = 1}
local sizes = {queue = 1, bucket = 1, mark = 1, drop_above = 1}
local way_keys = {rate = 1, codel = 1, codel_marks = 1, trace = 1}
for k in next, sizes do way_keys[k] = 1 end
for k in next, shares do way_keys[k] = 1 end
for k in next, spans do way_keys[k] = 1 end

local CODEL_TARGET = 0.005 -- seconds, when codel is just true
local BURST_LEAVE = 0.1    -- a burst of ten frames on average, when nothing else is said

-- A file's name, or a table of milliseconds; false: none any more.
local function trace_of(v)
  if v == false then return nil end
  local ok, trace = pcall(y.trace, v)
  if not ok then fail("%s", plain(trace)) end
  return trace
end

local function way_of(options, base)
  local way = {}
  for k, v in next, base or {} do way[k] = v end
  if options.rate and options.trace then fail("a cable has a rate or a trace, not both") end
  if options.rate then way.trace = nil end
  for k, v in next, options do
    if k == "burst" then way.burst_enter = share_of(v, k)
    elseif shares[k] then way[k] = share_of(v, k)
    elseif spans[k] then way[k] = seconds(v, k)
    elseif k == "codel" and type(v) == "boolean" then way[k] = v and CODEL_TARGET or 0
    elseif k == "codel" then way[k] = seconds(v, k)
    elseif k == "codel_marks" then
      if type(v) ~= "boolean" then fail("codel_marks of a cable is true or false") end
      way[k] = v and 1 or 0
    elseif k == "trace" then way.trace, way.rate = trace_of(v), nil
    elseif k == "rate" then way[k] = rate_of(v, k)
    elseif sizes[k] then way[k] = bytes_of(v, k) end
  end
  if (way.burst_enter or 0) > 0 and not way.burst_leave then way.burst_leave = BURST_LEAVE end
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
  if not ok then fail("%s", plain(number_)) end
  if not number_ then raise("cable", la) end
  local c = give_birth(setmetatable({_c = number_, a = a, b = b, _ways = {there, back}, _done = {0, 0}, _text = a.name .. "–" .. b.name}, Cable))
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

-- Something is done to these directions: what was to be done by itself later is not any more.
local function supersede(c, mask)
  for i = 1, 2 do if mask & i ~= 0 then c._done[i] = c._done[i] + 1 end end
end

-- cut(), cut("5s"), cut(client), cut(client, "5s")
function Cable:cut(from, length)
  if length == nil and (type(from) == "string" or type(from) == "number") then from, length = nil, from end
  local mask = mask_of(self, from)
  length = length ~= nil and seconds(length, "the length of a cut") or nil
  y.cable_cut(self._c, mask)
  supersede(self, mask)
  if not length then return end
  local done = {self._done[1], self._done[2]}
  y.after(length, function()
    local due = 0
    for i = 1, 2 do if mask & i ~= 0 and self._done[i] == done[i] then due = due | i end end
    if due ~= 0 then y.cable_join(self._c, due) end
  end)
end
function Cable:join(from)
  local mask = mask_of(self, from)
  y.cable_join(self._c, mask)
  supersede(self, mask)
end
function Cable:set(options, from)
  local perfect = options == "perfect"
  if not perfect and type(options) ~= "table" then fail("settings are a table: {loss = \"20%%\"}, or \"perfect\"") end
  if not perfect then check_keys(options, way_keys, "a cable's direction") end
  local mask = mask_of(self, from)
  local same, ways = true, {self._ways[1], self._ways[2]}
  for i = 1, 2 do if mask & i ~= 0 then ways[i] = perfect and {} or way_of(options, ways[i]) end end
  for k in next, way_keys do
    same = same and ways[1][k] == ways[2][k]
  end
  if mask == 3 and same then
    must("set", y.cable_set(self._c, 3, ways[1]))
  else
    for i = 1, 2 do if mask & i ~= 0 then must("set", y.cable_set(self._c, i, ways[i])) end end
  end
  self._ways = ways
end
function Cable:stats(from) return y.cable_stats(self._c, (from == nil or from == self.a) and 0 or mask_of(self, from) - 1) end
