"""TCP: every way to open, to close, to move bytes and to be disturbed."""
import socket
import struct
import time

from bench import (ACTIVE, EACH, FAMILY, Failed, OURS, PASSIVE, PATIENCE, THEIRS, address, check, eventually,
                   in_background, kernel_connect, kernel_listener, kernel_recv, kernel_send, pair, pattern, run,
                   socket_table, test)


@test(*EACH)
def handshake(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    check(peer.table("info", s)["state"] == "ESTABLISHED", "not established")
    lines = [line for line in socket_table("state", "established").splitlines() if OURS[v] in line]
    check(len(lines) == 1, "the kernel's table shows %d connections" % len(lines))
    k.close()
    peer.do("close", s)


@test(*EACH)
def options(bench, v, who):
    """What was agreed, as the kernel sees it and as yeon does."""
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("send", s, 30000)
    kernel_recv(k, 30000)
    kernel_send(k, 30000)
    peer.do("recv", s, 30000)
    peer.done(s)
    line = [line for line in socket_table("state", "established").splitlines() if OURS[v] in line][0]
    words = line.split()
    mss = 1500 - (40 if v == 4 else 60) - 12
    check("ts" in words, "no timestamps: %s" % line)
    check("sack" in words, "no SACK: %s" % line)
    check(any(w.startswith("wscale:") for w in words), "no window scale: %s" % line)
    check("mss:%d" % mss in words, "the kernel sends segments that are not of %d bytes: %s" % (mss, line))
    check("rcvmss:%d" % mss in words, "the kernel was sent segments that are not of %d bytes: %s" % (mss, line))
    info = peer.table("info", s)
    check(info["ts"] == "1" and info["sack"] == "1" and info["wscale"] == "1", "yeon thinks otherwise: %s" % info)
    k.close()
    peer.do("close", s)


SIZE = 24 << 20


@test(*EACH)
def bulk_to_yeon(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("recv", s, -1)
    kernel_send(k, SIZE)
    k.shutdown(socket.SHUT_WR)
    check(peer.done(s) == [0, SIZE, 1], "not all arrived")
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0)


@test(*EACH)
def bulk_from_yeon(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("send", s, SIZE)
    kernel_recv(k, SIZE)
    peer.done(s)
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0)


@test(4, 6)
def bulk_both_ways_at_once(bench, v):
    peer = bench.start()
    k, s = pair(peer, v, True)
    peer.do("send", s, SIZE)
    peer.do("recv", s, SIZE)
    with in_background(kernel_send, k, SIZE):
        kernel_recv(k, SIZE)
        check(peer.done(s)[:2] == [SIZE, SIZE], "not all arrived")
    k.close()
    peer.do("close", s)


@test(4, 6)
def bulk_without_offloads(bench, v):
    peer = bench.start("--plain")
    k, s = pair(peer, v, False)
    peer.do("send", s, SIZE // 4)
    peer.do("recv", s, SIZE // 4)
    with in_background(kernel_send, k, SIZE // 4):
        kernel_recv(k, SIZE // 4)
        peer.done(s)
    k.close()
    peer.do("close", s)


@test(4, 6)
def thousand_small_from_kernel(bench, v):
    peer = bench.start()
    server = peer.listener(v, 7)
    for i in range(1000):
        with kernel_connect(v, 7) as k:
            size = 1 + i % 300
            k.sendall(pattern(0, size))
            s = peer.do("accept", server, 20000)[0]
            peer.do("recv", s, size)
            peer.done(s)
            peer.do("send", s, size)
            kernel_recv(k, size)
            k.shutdown(socket.SHUT_WR)
            peer.do("close", s)
    have = peer.settle(connections=0, half_open=0)
    check(have["tcp_opened_passive"] == 1000, "opened %d" % have["tcp_opened_passive"])


@test(4, 6)
def thousand_small_from_yeon(bench, v):
    peer = bench.start()
    with kernel_listener(v) as listener:
        port = listener.getsockname()[1]
        for i in range(1000):
            size = 1 + i % 300
            s = peer.connect(v, port)
            peer.do("send", s, size)
            peer.do("recv", s, -1)
            with listener.accept()[0] as k:
                kernel_recv(k, size)
                k.sendall(pattern(0, size))
            check(peer.done(s)[1:] == [size, 1], "not all arrived")
            peer.do("close", s)
    have = peer.settle(connections=0)
    check(have["tcp_opened_active"] == 1000, "opened %d" % have["tcp_opened_active"])


@test(*EACH)
def half_close_by_kernel(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    k.shutdown(socket.SHUT_WR)
    peer.do("recv", s, -1)
    check(peer.done(s) == [0, 0, 1], "no end of stream")
    check(peer.table("info", s)["state"] == "CLOSE-WAIT", "state")
    peer.do("send", s, 500000)
    kernel_recv(k, 500000)
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0, time_wait=0)


@test(*EACH)
def half_close_by_yeon(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("shut", s)
    check(k.recv(1) == b"", "no end of stream")
    time.sleep(0.2)
    check(peer.table("info", s)["state"] == "FIN-WAIT-2", "state")
    peer.do("recv", s, -1)
    kernel_send(k, 500000)
    k.close()
    check(peer.done(s) == [0, 500000, 1], "not all arrived")
    peer.do("close", s)
    peer.settle(connections=0, time_wait=1)


@test(4, 6)
def closed_port_of_yeon(bench, v):
    bench.start()
    for _ in range(3):
        try:
            kernel_connect(v, 4444)
        except ConnectionRefusedError:
            continue
        raise Failed("the kernel was not refused")


@test(4, 6)
def closed_port_of_kernel(bench, v):
    peer = bench.start()
    for _ in range(3):
        s = peer.do("socket", "tcp%d" % v)[0]
        peer.refused("YEON_ERR_REFUSED", "connect", s, address(THEIRS[v], 4444))
        peer.do("close", s)
    peer.settle(connections=0)


@test(*EACH)
def reset_by_kernel(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    k.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    k.close()
    peer.do("recv", s, -1)
    peer.refused("YEON_ERR_RESET", "done", s)
    peer.do("close", s)
    peer.settle(connections=0, time_wait=0)


@test(*EACH)
def reset_by_yeon(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("abort", s)
    try:
        k.recv(1)
    except ConnectionResetError:
        k.close()
        peer.settle(connections=0, time_wait=0)
        return
    raise Failed("the kernel's end was not reset")


@test(*EACH)
def unread_bytes_reset(bench, v, who):
    """Closing with bytes that nobody read must tell the peer that they are lost."""
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    k.sendall(b"x" * 1000)
    time.sleep(0.2)
    peer.do("close", s)
    try:
        k.recv(1)
    except ConnectionResetError:
        k.close()
        return
    raise Failed("the kernel's end was not reset")


@test(*EACH)
def kernel_closes_first(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    same = ("sport = :%d and dport = :%d" % (k.getsockname()[1], k.getpeername()[1]),)
    k.close()
    peer.do("recv", s, -1)
    peer.done(s)
    peer.do("close", s)
    peer.settle(connections=0, time_wait=0)
    eventually(lambda: run("ss", "-tanOH", "state", "time-wait", *same).strip(), "the kernel has no TIME-WAIT")


@test(*EACH)
def yeon_closes_first(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    same = ("sport = :%d and dport = :%d" % (k.getsockname()[1], k.getpeername()[1]),)
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0, time_wait=1)
    eventually(lambda: not run("ss", "-tanOH", *same).strip(), "the kernel still has the connection")


@test(4, 6)
def both_close_at_once(bench, v):
    peer = bench.start("--delay", "100")
    k, s = pair(peer, v, True)
    k.shutdown(socket.SHUT_WR)
    peer.do("close", s)
    check(k.recv(1) == b"", "no end of stream")
    k.close()
    peer.settle(connections=0, time_wait=1)


@test(4, 6)
def port_in_time_wait_is_used_again(bench, v):
    """The kernel connects again from the port whose connection yeon keeps in TIME-WAIT (RFC 6191)."""
    peer = bench.start()
    server = peer.listener(v, 7100)
    port = 0
    for _ in range(5):
        k = socket.socket(FAMILY[v], socket.SOCK_STREAM)
        k.settimeout(PATIENCE)
        k.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        k.bind((THEIRS[v], port))
        port = k.getsockname()[1]
        k.connect((OURS[v], 7100))
        s = peer.do("accept", server, 20000)[0]
        peer.do("send", s, 1000)
        kernel_recv(k, 1000)
        peer.do("close", s)
        check(k.recv(1) == b"", "no end of stream")
        k.close()
        peer.settle(connections=0)
    check(peer.counters()["tcp_time_wait_reused"] == 4, "reused %d times" % peer.counters()["tcp_time_wait_reused"])


@test(4, 6)
def kernel_keepalive_is_answered(bench, v):
    peer = bench.start()
    k, s = pair(peer, v, False)
    k.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    k.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
    k.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
    k.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
    before = peer.counters()["tcp_in"]
    time.sleep(4.5)
    check(peer.counters()["tcp_in"] >= before + 2, "no probes came")
    kernel_send(k, 1000)
    peer.do("recv", s, 1000)
    peer.done(s)
    k.close()
    peer.do("close", s)


@test(4, 6)
def yeon_keepalive(bench, v):
    """Probes are answered by a living kernel, and find out a dead cable."""
    peer = bench.start()
    k, s = pair(peer, v, True)
    for name, value in (("keepidle_ms", 1000), ("keepintvl_ms", 1000), ("keepcnt", 2), ("keepalive", 1)):
        peer.do("set", s, name, value)
    before = peer.counters()["tcp_out"]
    time.sleep(2.5)
    check(peer.counters()["tcp_out"] >= before + 1, "no probes went out")
    check(peer.table("info", s)["state"] == "ESTABLISHED", "given up in spite of answers")
    peer.do("cut")
    peer.do("recv", s, -1)
    peer.refused("YEON_ERR_TIMED_OUT", "done", s, 10000)
    peer.do("close", s)
    k.close()


@test(4, 6)
def kernel_reader_stalls(bench, v):
    """Zero window: the kernel's buffer fills up, yeon probes, and goes on when there is room."""
    peer = bench.start()
    with kernel_listener(v, rcvbuf=16384) as listener:
        s = peer.connect(v, listener.getsockname()[1])
        k = listener.accept()[0]
    k.settimeout(PATIENCE)
    peer.do("send", s, 3 << 20)
    time.sleep(3)
    check(int(peer.table("info", s)["snd_wnd"]) < 1500, "the window did not close: %s" % peer.table("info", s))
    kernel_recv(k, 3 << 20)
    peer.done(s)
    k.close()
    peer.do("close", s)


@test(4, 6)
def yeon_reader_stalls(bench, v):
    peer = bench.start()
    k, s = pair(peer, v, True)
    peer.do("set", s, "rcvbuf", 16384)
    with in_background(kernel_send, k, 3 << 20):
        time.sleep(3)
        check(int(peer.table("info", s)["rcv_wnd"]) < 1500, "the window did not close: %s" % peer.table("info", s))
        peer.do("recv", s, 3 << 20)
        peer.done(s)
    k.close()
    peer.do("close", s)


@test(*EACH)
def cable_pulled_and_put_back(bench, v, who):
    peer = bench.start()
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("send", s, SIZE)
    peer.do("recv", s, SIZE)

    def pull():
        time.sleep(0.01)
        peer.do("cut")
        time.sleep(1.5)
        peer.do("join")
    with in_background(kernel_send, k, SIZE):
        with in_background(kernel_recv, k, SIZE):
            pull()
        check(peer.done(s)[:2] == [SIZE, SIZE], "not all arrived")
    check(peer.counters()["swallowed"] > 0, "the cut came too late to matter")
    k.close()
    peer.do("close", s)


@test((ACTIVE,), (PASSIVE,))
def interface_down_and_up(bench, who):
    """The kernel takes the device away for a while: nothing breaks, and nobody spins."""
    peer = bench.start()
    k, s = pair(peer, 4, who == ACTIVE)
    peer.do("send", s, SIZE)
    kernel_recv(k, SIZE // 4)
    run("ip", "link", "set", bench.yeon_end(), "down")
    before = int(peer.do("cpu_ms")[0])
    time.sleep(1.5)
    spent = int(peer.do("cpu_ms")[0]) - before
    run("ip", "link", "set", bench.yeon_end(), "up")
    kernel_recv(k, SIZE - SIZE // 4, SIZE // 4)
    peer.done(s)
    check(spent < 500, "%d ms of work in 1500 ms without a device" % spent)
    k.close()
    peer.do("close", s)


@test(*EACH)
def two_percent_loss(bench, v, who):
    peer = bench.start("--loss", "2")
    k, s = pair(peer, v, who == ACTIVE)
    peer.do("send", s, 6 << 20)
    peer.do("recv", s, 6 << 20)
    with in_background(kernel_send, k, 6 << 20):
        kernel_recv(k, 6 << 20)
        check(peer.done(s)[:2] == [6 << 20, 6 << 20], "not all arrived")
    check(int(peer.table("info", s)["retrans"]) > 0, "nothing was lost?")
    k.close()
    peer.do("close", s)


@test(4, 6)
def user_timeout(bench, v):
    """A dead cable, bytes under way, and an application that will not wait for ever."""
    peer = bench.start()
    k, s = pair(peer, v, True)
    peer.do("set", s, "user_timeout_ms", 2000)
    peer.do("cut")
    peer.do("send", s, 1000)
    peer.do("recv", s, -1)
    begin = time.monotonic()
    peer.refused("YEON_ERR_TIMED_OUT", "done", s, 20000)
    check(1.5 < time.monotonic() - begin < 8, "after %.1f s" % (time.monotonic() - begin))
    peer.do("close", s)
    k.close()


@test(4, 6)
def urgent_byte(bench, v):
    """An urgent byte from the kernel does not disturb the stream around it."""
    peer = bench.start()
    k, s = pair(peer, v, False)
    k.sendall(pattern(0, 100))
    k.send(b"!", socket.MSG_OOB)
    k.sendall(pattern(100, 100))
    peer.do("recv", s, 200)
    check(peer.done(s)[1] == 200, "the stream without the urgent byte")
    k.close()
    peer.do("close", s)


@test(4, 6)
def many_at_once(bench, v):
    peer = bench.start()
    server = peer.listener(v, 7200, 400)
    kernel = [kernel_connect(v, 7200) for _ in range(300)]
    for i, k in enumerate(kernel):
        kernel_send(k, 1000 + i)
        k.shutdown(socket.SHUT_WR)
    ours = [peer.do("accept", server, 20000) for _ in kernel]
    by_port = {k.getsockname()[1]: k for k in kernel}
    for s, remote in ours:
        k = by_port[int(remote.rsplit(":", 1)[1])]
        size = 1000 + kernel.index(k)
        peer.do("recv", s, -1)
        check(peer.done(s) == [0, size, 1], "not all arrived")
        peer.do("send", s, 2000)
        kernel_recv(k, 2000)
        peer.do("close", s)
        k.close()
    peer.settle(connections=0)


@test(4, 6)
def backlog_is_bounded(bench, v):
    """More connections than the backlog holds: some wait, none of those accepted suffers."""
    peer = bench.start()
    server = peer.listener(v, 7300, 2)
    waiting = []
    for _ in range(12):
        k = socket.socket(FAMILY[v], socket.SOCK_STREAM)
        k.setblocking(False)
        k.connect_ex((OURS[v], 7300))
        waiting.append(k)
    time.sleep(0.5)
    for _ in range(2):
        s, remote = peer.do("accept", server, 20000)
        k = [k for k in waiting if k.getsockname()[1] == int(remote.rsplit(":", 1)[1])][0]
        k.settimeout(PATIENCE)
        peer.do("send", s, 5000)
        kernel_recv(k, 5000)
        peer.do("close", s)
    for k in waiting:
        k.close()
