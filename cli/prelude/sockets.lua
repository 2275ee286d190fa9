-- Second part of the prelude (base.lua begins it; they are one chunk): TCP and UDP sockets.
---- sockets -------------------------------------------------------------------------------------------------------------------

local Socket = class("connection")
local Listener = class("listener")
local Udp = class("UDP socket")

local function new_socket(kind, handle, host)
  local s = give_birth(setmetatable({host = host, _h = handle, _waiters = {}, _kept = "", _closed = false, owner = current or false}, kind))
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
  if type(port) == "number" then return "[::]:" .. whole(port, "port") end
  if type(port) ~= "string" then fail("a port is a number, or a text as \"10.0.0.2:80\"; not %s", tostring(port)) end
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

-- At most n bytes, from what recv_line has read too far first. "" at the end of the stream; nil, "timeout".
local function take(s, n, until_at)
  local kept = s._kept
  if kept == "" then return patient(s, "recv", until_at, y.tcp_recv, live(s, "recv"), n) end
  s._kept = kept:sub(n + 1)
  return kept:sub(1, n)
end

function Socket:recv(n, timeout)
  local data, why = take(self, n and whole(bytes_of(n, "size"), "size") or 65536, deadline(timeout))
  if data == nil then return nil, why end
  if data == "" then return nil, "end" end
  return data
end

function Socket:recv_exactly(n, timeout)
  local parts, left, until_at = {}, whole(bytes_of(n, "size"), "size"), deadline(timeout)
  while left > 0 do
    local data, why = take(self, left, until_at)
    if data == nil or data == "" then return nil, why or "end" end
    parts[#parts + 1] = data
    left = left - #data
  end
  return table.concat(parts)
end

-- Up to and without the next newline.
function Socket:recv_line(timeout)
  local line, until_at = "", deadline(timeout)
  while true do
    local data, why = take(self, 65536, until_at)
    if data == nil then
      self._kept = line
      return nil, why
    end
    if data == "" then
      if line == "" then return nil, "end" end
      return line
    end
    line = line .. data
    local at = line:find("\n", 1, true)
    if at then
      self._kept = line:sub(at + 1) .. self._kept
      return (line:sub(1, at - 1):gsub("\r$", ""))
    end
  end
end

-- Reads to the end of the stream and keeps nothing: how much it was, and its checksum.
function Socket:recv_all()
  local h, total, sum = live(self, "recv_all"), #self._kept, y.text_sum(self._kept)
  self._kept = ""
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
