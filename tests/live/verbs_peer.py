"""Small ends for the tests of verbs. verbs_peer.py serve HOW | HOW HOST, one connection at a time:

sink: the server never reads; the client sends until it would have to wait, tells how much, and stays.
hello: the client sends a line each second part until it fails or is told "enough".
pour: the server sends 8 MB and closes; the client tells its checksum.
close, leave: the server sends; the client, whom nobody answers at the address named, goes to 10.0.0.2, reads a little and leaves.
"""
import hashlib
import socket
import sys
import time

PORT, POUR = 7000, 8_000_000
DATA = hashlib.shake_128(b"verbs").digest(POUR)


def serve(how):
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("0.0.0.0", PORT))
    s.listen(5)
    print("ready", flush=True)
    kept = []
    while True:
        c, _ = s.accept()
        kept.append(c)
        print("accepted", flush=True)
        if how == "pour":
            c.sendall(DATA)
            c.close()
        if how == "close":
            c.sendall(b"x" * 100000)
        if how == "hello":
            while piece := c.recv(100):
                c.sendall(piece)


def sink(c):
    c.setblocking(False)
    sent, quiet = 0, 0
    while quiet < 5:
        try:
            sent += c.send(b"x" * 65536)
            quiet = 0
        except BlockingIOError:
            quiet += 1
            time.sleep(0.1)
    print("full after %d" % sent, flush=True)
    time.sleep(60)


def hello(c):
    c.settimeout(1)
    for i in range(1000):
        try:
            c.sendall(b"hello %d" % i)
            c.recv(100)
            print("heard %d" % i, flush=True)
        except TimeoutError:
            print("silence", flush=True)
        time.sleep(0.05)


def pour(c):
    total = hashlib.sha256()
    while piece := c.recv(65536):
        total.update(piece)
    print("same" if total.digest() == hashlib.sha256(DATA).digest() else "other", flush=True)


def leave(host):
    try:
        socket.create_connection((host, PORT))
    except ConnectionRefusedError:
        c = socket.create_connection(("10.0.0.2", PORT))
        c.recv(10)
        time.sleep(0.3)
        c.close()


if sys.argv[1] == "serve":
    serve(sys.argv[2])
elif sys.argv[1] == "leave":
    leave(sys.argv[2])
else:
    peer = socket.create_connection((sys.argv[2], PORT))
    print("from %s" % peer.getsockname()[0], flush=True)
    {"sink": sink, "hello": hello, "pour": pour}[sys.argv[1]](peer)
