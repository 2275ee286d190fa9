/* The texts of the error codes, and what Linux calls the same event. */
#include <errno.h>

#include <yeon/base.h>

struct entry {
  const char *name;
  int linux_errno;
  const char *text;
};

/* clang-format off */
static const struct entry entries[] = {
  [-YEON_OK] = {"YEON_OK", 0, "no error"},
  [-YEON_ERR_AGAIN] = {"YEON_ERR_AGAIN", EAGAIN,
    "nothing to read, or no room to write, right now; wait for the next readable or writable event"},
  [-YEON_ERR_INVALID] = {"YEON_ERR_INVALID", EINVAL,
    "an argument is out of range, or the call makes no sense in this state; see the call's description in its header"},
  [-YEON_ERR_ADDRESS] = {"YEON_ERR_ADDRESS", EADDRNOTAVAIL,
    "not an address, or not one of this host's; check its spelling, or add it to a link first"},
  [-YEON_ERR_IN_USE] = {"YEON_ERR_IN_USE", EADDRINUSE,
    "address and port are taken; close the socket that holds them, or choose another port (0 lets the host choose)"},
  [-YEON_ERR_NO_PORTS] = {"YEON_ERR_NO_PORTS", EADDRNOTAVAIL,
    "every local port towards that peer is taken, many perhaps in TIME-WAIT; let the peer close first, or add an address"},
  [-YEON_ERR_NO_MEMORY] = {"YEON_ERR_NO_MEMORY", ENOMEM,
    "the allocator or a limit on buffers refused memory; close what is idle, or raise max_buffer_bytes"},
  [-YEON_ERR_LIMIT] = {"YEON_ERR_LIMIT", ENOBUFS,
    "a table of the host is full; close what is not needed, or raise its limit in the host's configuration"},
  [-YEON_ERR_NOT_CONNECTED] = {"YEON_ERR_NOT_CONNECTED", ENOTCONN,
    "there is no connection; connect first, or name the destination in the call"},
  [-YEON_ERR_IS_CONNECTED] = {"YEON_ERR_IS_CONNECTED", EISCONN,
    "already connected; use the connection there is, or open another socket"},
  [-YEON_ERR_IN_PROGRESS] = {"YEON_ERR_IN_PROGRESS", EINPROGRESS,
    "the connection is being made; wait for the connected or the error event"},
  [-YEON_ERR_REFUSED] = {"YEON_ERR_REFUSED", ECONNREFUSED,
    "the peer's host answers but nobody listens on that port; check the port, or start the server"},
  [-YEON_ERR_RESET] = {"YEON_ERR_RESET", ECONNRESET,
    "the peer reset the connection; connect anew, and do not assume that what was sent last has been read"},
  [-YEON_ERR_ABORTED] = {"YEON_ERR_ABORTED", ECONNABORTED,
    "this end reset the connection; connect anew if it is still wanted"},
  [-YEON_ERR_TIMED_OUT] = {"YEON_ERR_TIMED_OUT", ETIMEDOUT,
    "the peer stayed silent until retransmissions, keepalive probes or the user timeout were spent; check the path, then connect anew"},
  [-YEON_ERR_PIPE] = {"YEON_ERR_PIPE", EPIPE,
    "the sending side of this end is shut; send before shutting it down, or open a new connection"},
  [-YEON_ERR_NO_ROUTE] = {"YEON_ERR_NO_ROUTE", ENETUNREACH,
    "this host has no route to that network; add a route or an address on its subnet"},
  [-YEON_ERR_HOST_UNREACHABLE] = {"YEON_ERR_HOST_UNREACHABLE", EHOSTUNREACH,
    "the destination host does not answer on its network, or a router says so; check that it is up and its address is right"},
  [-YEON_ERR_NET_UNREACHABLE] = {"YEON_ERR_NET_UNREACHABLE", ENETUNREACH,
    "a router on the way knows no route to that network; check the address and the routes on the path"},
  [-YEON_ERR_PROTO_UNREACHABLE] = {"YEON_ERR_PROTO_UNREACHABLE", ENOPROTOOPT,
    "the destination host does not speak this transport protocol; use one that it does"},
  [-YEON_ERR_MESSAGE_SIZE] = {"YEON_ERR_MESSAGE_SIZE", EMSGSIZE,
    "the datagram is larger than the protocol or the path allows; send smaller ones"},
  [-YEON_ERR_UNSUPPORTED] = {"YEON_ERR_UNSUPPORTED", EOPNOTSUPP,
    "this is not supported here; see the call's description for what is"},
  [-YEON_ERR_PERMISSION] = {"YEON_ERR_PERMISSION", EACCES,
    "permission was denied; ask for the needed right, or choose something that needs none"},
  [-YEON_ERR_IO] = {"YEON_ERR_IO", EIO,
    "the operating system refused; errno has the cause"},
  [-YEON_ERR_CLOSED] = {"YEON_ERR_CLOSED", EBADF,
    "the endpoint is closed; open a new one"},
};
/* clang-format on */
_Static_assert(sizeof(entries) / sizeof(entries[0]) == -YEON_ERR_LAST + 1, "one entry a code");

static const struct entry *find(int error) { return error <= 0 && error >= YEON_ERR_LAST ? &entries[-error] : NULL; }

const char *yeon_error_text(int error)
{
  const struct entry *e = find(error);
  return e != NULL ? e->text : "unknown error code; it did not come from yeon, or from a newer version of it";
}

const char *yeon_error_name(int error)
{
  const struct entry *e = find(error);
  return e != NULL ? e->name : "?";
}

int yeon_error_errno(int error)
{
  const struct entry *e = find(error);
  return e != NULL ? e->linux_errno : EIO;
}
