"""Datagrams, ICMP, and packets that nobody should send."""
import contextlib
import random
import socket
import struct

from bench import (FAMILY, OURS, PATIENCE, THEIRS, address, check, eventually, in_background, kernel_recv,
                   kernel_send, pair, pattern, test)


@test(4, 6)
def udp_echo(bench, v):
    """Datagrams both ways, small and so large that they travel in fragments."""
    peer = bench.start()
    s = peer.do("socket", "udp%d" % v)[0]
    peer.do("bind", s, address(OURS[v], 5353))
    with socket.socket(FAMILY[v], socket.SOCK_DGRAM) as k:
        k.settimeout(PATIENCE)
        k.bind((THEIRS[v], 0))
        for size in (0, 1, 100, 1400, 1472, 1473, 8000, 60000):
            k.sendto(pattern(0, size), (OURS[v], 5353))
            n, remote = peer.do("recvfrom", s)
            check(int(n) == size, "yeon got %s of %d" % (n, size))
            check(remote == address(THEIRS[v], k.getsockname()[1]), "from %s" % remote)
            peer.do("sendto", s, size, remote)
            got, sender = k.recvfrom(65536)
            check(got == pattern(0, size), "the kernel got %d of %d" % (len(got), size))
            check(sender[:2] == (OURS[v], 5353), "from %s" % (sender,))
    peer.do("close", s)


@test(4, 6)
def udp_port_unreachable(bench, v):
    peer = bench.start()
    with socket.socket(FAMILY[v], socket.SOCK_DGRAM) as k:
        k.settimeout(1)
        k.connect((OURS[v], 4444))

        def told():
            try:
                k.send(b"anybody?")
                k.recv(10)
            except ConnectionRefusedError:
                return True
            except TimeoutError:
                pass
            return False
        eventually(told, "the kernel was not told")
    s = peer.do("socket", "udp%d" % v)[0]
    peer.do("connect", s, address(THEIRS[v], 4444))
    peer.do("sendto", s, 10)
    peer.refused("YEON_ERR_REFUSED", "recvfrom", s)
    peer.do("close", s)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@test(4, 6)
def ping(bench, v):
    bench.start()
    protocol = socket.IPPROTO_ICMP if v == 4 else socket.IPPROTO_ICMPV6
    ask, answer = (8, 0) if v == 4 else (128, 129)
    with socket.socket(FAMILY[v], socket.SOCK_RAW, protocol) as k:
        k.settimeout(1)
        for number, size in enumerate((0, 56, 1400, 6000)):
            body = struct.pack("!HH", 77, number) + pattern(0, size)
            head = struct.pack("!BBH", ask, 0, checksum(struct.pack("!BBH", ask, 0, 0) + body) if v == 4 else 0)

            def answered(packet=head + body, want=body):
                with contextlib.suppress(TimeoutError):
                    k.sendto(packet, (OURS[v], 0))
                    while True:
                        got = k.recv(65536)
                        got = got[(got[0] & 15) * 4:] if v == 4 else got
                        if got[0] == answer and got[4:] == want:
                            return True
                return False
            eventually(answered, "no echo of %d bytes" % size)


@test(4, 6)
def garbage_does_no_harm(bench, v):
    """Broken packets of every protocol number beside a working connection."""
    peer = bench.start()
    k, s = pair(peer, v, False)
    luck = random.Random(5)
    for protocol in (1, 2, 6, 17, 47, 58, 132):
        with socket.socket(FAMILY[v], socket.SOCK_RAW, protocol) as raw:
            if v == 6 and protocol == 58:
                raw.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, 255)
            for size in (0, 1, 3, 7, 19, 20, 21, 40, 60, 100, 1000):
                for _ in range(20):
                    with contextlib.suppress(OSError):  # the kernel itself refuses some of it
                        raw.sendto(luck.randbytes(size), (OURS[v], 0))
    port = k.getsockname()[1]
    # At the very connection, with flags and offsets at random.
    with socket.socket(FAMILY[v], socket.SOCK_RAW, 6) as raw:
        for _ in range(500):
            flags = luck.getrandbits(8) & ~4  # a reset might even be right
            segment = struct.pack("!HHIIBBHHH", port, 7000, luck.getrandbits(32), luck.getrandbits(32),
                                  luck.getrandbits(8), flags, *(luck.getrandbits(16) for _ in range(3)))
            segment += luck.randbytes(luck.randrange(60))
            raw.sendto(segment, (OURS[v], 0))
    peer.do("send", s, 300000)
    peer.do("recv", s, 300000)
    with in_background(kernel_send, k, 300000):
        kernel_recv(k, 300000)
        peer.done(s)
    have = peer.counters()
    check(have["tcp_bad_checksum"] + have["tcp_bad_header"] > 0, "nothing of it was counted")
    k.close()
    peer.do("close", s)
