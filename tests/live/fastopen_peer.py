"""Ends of connections with TCP Fast Open, for fastopen.py: `serve N` takes N connections and answers each with a digest of what came; the others are
clients. Every line says how many bytes, and whether the SYN brought some."""
import errno
import hashlib
import select
import socket
import sys

FASTOPEN, FASTOPEN_CONNECT, FASTOPEN_KEY, INFO, MSG_FASTOPEN, SYN_DATA = 23, 30, 33, 11, 0x20000000, 0x20
PORT = 7000
BYTES = bytes(range(251)) * 4


def early(s):
    return "early" if s.getsockopt(socket.IPPROTO_TCP, INFO, 200)[5] & SYN_DATA else "late"


def serve(n):
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.IPPROTO_TCP, FASTOPEN, 10)
    key = bytes(range(16))
    listener.setsockopt(socket.IPPROTO_TCP, FASTOPEN_KEY, key)
    assert listener.getsockopt(socket.IPPROTO_TCP, FASTOPEN_KEY, 32) == key
    listener.bind(("0.0.0.0", PORT))
    listener.listen(5)
    print("listens", flush=True)
    for _ in range(n):
        s, _ = listener.accept()
        got = b""
        while not (got.startswith(b"GET") and got.endswith(b"\r\n\r\n")):
            piece = s.recv(1 << 16)
            if not piece:
                break
            got += piece
        print("server", len(got), early(s), flush=True)
        digest = hashlib.sha256(got).hexdigest().encode()
        try:
            s.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + digest if got.startswith(b"GET") else digest)
        except OSError:
            pass  # it is gone, having said what it had to say
        s.close()


def finish(s, data):
    when = early(s)
    s.shutdown(socket.SHUT_WR)
    answer = b""
    while piece := s.recv(1000):
        answer += piece
    assert answer == hashlib.sha256(data).hexdigest().encode(), answer
    print("client", len(data), when, flush=True)
    s.close()


def option(data, wait=True):
    s = socket.socket()
    s.setblocking(wait)
    s.setsockopt(socket.IPPROTO_TCP, FASTOPEN_CONNECT, 1)
    assert s.getsockopt(socket.IPPROTO_TCP, FASTOPEN_CONNECT) == 1
    error = s.connect_ex(("10.0.0.2", PORT))
    if error not in (0, errno.EINPROGRESS):
        raise OSError(error, "connect")
    select.select([], [s], [], 10)
    assert s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0
    s.setblocking(True)
    s.sendall(data)
    select.select([s], [], [], 0.3)  # the handshake is over then
    return s


def message(data, call="sendto", flags=0):
    s = socket.socket()
    to = ("10.0.0.2", PORT)
    n = s.sendto(data, MSG_FASTOPEN | flags, to) if call == "sendto" else s.sendmsg([data[:10], data[10:]], [], MSG_FASTOPEN | flags, to)
    s.sendall(data[n:])
    select.select([s], [], [], 0.3)
    return s


def clients():
    finish(option(BYTES), BYTES)            # asks for a cookie
    finish(option(BYTES), BYTES)            # has it
    finish(option(BYTES, wait=False), BYTES)
    finish(message(BYTES), BYTES)
    finish(message(BYTES, "sendmsg"), BYTES)
    finish(option(BYTES * 1000), BYTES * 1000)
    finish(message(BYTES * 1000), BYTES * 1000)
    message(BYTES).close()                  # gone at once: the bytes are not
    empty = option(b"")
    finish(empty, b"")


def refused():
    """Nobody listens."""
    for call in (lambda: option(BYTES), lambda: message(BYTES)):
        try:
            call().recv(10)
            print("no error")
        except OSError as e:
            print(errno.errorcode[e.errno], flush=True)


def gone():
    """There is a cookie, but nobody listens any more: connect has said yes, so that the bytes are told."""
    finish(option(BYTES), BYTES)
    sys.stdin.readline()
    s = socket.socket()
    s.setsockopt(socket.IPPROTO_TCP, FASTOPEN_CONNECT, 1)
    print("connect", s.connect_ex(("10.0.0.2", PORT)), flush=True)
    s.sendall(BYTES)
    try:
        s.recv(10)
        print("no error")
    except OSError as e:
        print(errno.errorcode[e.errno], flush=True)


def fallback():
    """Where there is no client side of it: told, and connect goes on without."""
    s = socket.socket()
    for call in (lambda: s.setsockopt(socket.IPPROTO_TCP, FASTOPEN_CONNECT, 1), lambda: s.sendto(BYTES, MSG_FASTOPEN, ("10.0.0.2", PORT))):
        try:
            call()
            print("no error")
        except OSError as e:
            print(errno.errorcode[e.errno], flush=True)
    s.connect(("10.0.0.2", PORT))
    s.sendall(BYTES)
    finish(s, BYTES)


if sys.argv[1] == "serve":
    serve(int(sys.argv[2]))
else:
    {"clients": clients, "refused": refused, "gone": gone, "fallback": fallback}[sys.argv[1]]()
