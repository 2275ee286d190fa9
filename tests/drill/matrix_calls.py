"""What RFC 9293 3.10.2 to 3.10.5 has a host do when the application calls: expectations of matrix.py, one cell each.

SEND is write() of 1000 bytes, RECEIVE read(), CLOSE of the sending side shutdown(SHUT_WR), CLOSE of all close(), ABORT close() with SO_LINGER 0.
The sockets do not block. Where the RFC queues a call or has one error for all, a socket has its own: letter g of the table.
"""
from matrix_rules import NUMBERS, WINDOW

CALLS = ("send", "recv", "shutdown", "close", "abort")
PIPE, NOT_CONNECTED, AGAIN = "EPIPE (Broken pipe)", "ENOTCONN (not connected)", "EAGAIN (try again)"
SOCKET = ["0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3"]

# What the call returns: an error, or a number. Then what is sent at once, and the state after it if it is another one.
EXPECTED = {
    "closed": {"send": (PIPE,), "recv": (NOT_CONNECTED,), "shutdown": (NOT_CONNECTED,), "close": (0,), "abort": (0,)},
    "listen": {"send": (PIPE,), "recv": (NOT_CONNECTED,), "shutdown": (NOT_CONNECTED,), "close": (0, None, "CLOSED"), "abort": (0, None, "CLOSED")},
    "sent": {"send": (AGAIN,), "recv": (AGAIN,), "shutdown": (NOT_CONNECTED,), "close": (0, None, "CLOSED"), "abort": (0, None, "CLOSED")},
    "rcvd": {"send": (PIPE,), "recv": (NOT_CONNECTED,), "shutdown": (NOT_CONNECTED,), "close": (0, None, "CLOSED"), "abort": (0, None, "CLOSED")},
    "both": {"send": (AGAIN,), "recv": (AGAIN,), "shutdown": (0, None, "FIN-WAIT-1"), "close": (0, None, "FIN-WAIT-1"), "abort": (0, "rst", "CLOSED")},
    "est": {"send": (1000, "text"), "recv": (AGAIN,), "shutdown": (0, "fin", "FIN-WAIT-1"), "close": (0, "fin", "FIN-WAIT-1"),
            "abort": (0, "rst", "CLOSED")},
    "fw1": {"send": (PIPE,), "recv": (AGAIN,), "shutdown": (0,), "close": (0,), "abort": (0, "rst", "CLOSED")},
    "fw2": {"send": (PIPE,), "recv": (AGAIN,), "shutdown": (0,), "close": (0,), "abort": (0, "rst", "CLOSED")},
    "cw": {"send": (1000, "text"), "recv": (0,), "shutdown": (0, "fin", "LAST-ACK"), "close": (0, "fin", "LAST-ACK"), "abort": (0, "rst", "CLOSED")},
    "closing": {"send": (PIPE,), "recv": (0,), "shutdown": (0,), "close": (0,), "abort": (0, None, "CLOSED")},
    "last": {"send": (PIPE,), "recv": (0,), "shutdown": (0,), "close": (0,), "abort": (0, None, "CLOSED")},
    "tw": {"send": (PIPE,), "recv": (0,), "shutdown": (0,), "close": (0,), "abort": (0, None, "CLOSED")},
}
# Letters of matrix_rules.DIFFERENCES: the RFC queues SENDs and RECEIVEs before the connection is open, has CLOSE end LISTEN and SYN-SENT whichever
# way it is called, and has an error for the second CLOSE of a connection; and it sends a FIN in SYN-RECEIVED at once.
NOTES = {("listen", "recv"): "g", ("sent", "send"): "g", ("both", "send"): "g", ("listen", "shutdown"): "g", ("sent", "shutdown"): "g",
         ("rcvd", "send"): "h", ("rcvd", "recv"): "h", ("rcvd", "shutdown"): "h", ("rcvd", "close"): "h", ("rcvd", "abort"): "h",
         ("closing", "shutdown"): "g", ("closing", "close"): "g", ("last", "shutdown"): "g", ("last", "close"): "g", ("tw", "shutdown"): "g",
         ("tw", "close"): "g", ("both", "shutdown"): "i", ("both", "close"): "i"}
TEXT = {"send": "write({0}, ..., 1000)", "recv": "read({0}, ..., 1000)", "shutdown": "shutdown({0}, SHUT_WR)", "close": "close({0})"}


def sent_line(what, t):
    if what == "text":
        return f"+0 > P. {t.nxt}:{t.nxt + 1000}(1000) ack {t.rcv}"
    return f"+0 > {'F' if what == 'fin' else 'R'}. {t.nxt}:{t.nxt}(0) ack {t.rcv}"


def proof(key, what, after, t, sent, fd):
    """By the answer to a segment: its numbers, or a reset where nothing is; and by name, while there is a descriptor."""
    peer = f"win {WINDOW}"
    named = [] if what in ("close", "abort") else [f"+0 %{{ assert tcpi_state == {NUMBERS[after]}, tcpi_state }}%"]
    if key == "closed":
        return ["+.01 < . 1:1(0) ack 5 win 1000", "+0 > R 5:5(0)"]
    if key == "listen" and after == "LISTEN":
        return [f"+.01 < S 0:0(0) {peer}", "+0 > S. 0:0(0) ack 1 <...>", f"+.01 < . 1:1(0) ack 1 {peer}", "+0 accept(3, ..., ...) = 4"]
    if key == "rcvd":
        return [f"+.01 < . 1:1(0) ack 1 {peer}", "+0 > R 1:1(0)" if after == "CLOSED" else "+0 accept(3, ..., ...) = 4"]
    if key == "both" and after == "FIN-WAIT-1":
        return [f"+.01 < . 1:1(0) ack 1 {peer}", "+0 > F. 1:1(0) ack 1"] + named + [f"+.01 < . 1:1(0) ack 2 {peer}", f"+.01 < F. 1:1(0) ack 2 {peer}",
                                                                                     "+0 > . 2:2(0) ack 2"]
    if after == "SYN-SENT":
        return named + [f"+.01 < S. 0:0(0) ack 1 {peer}", "+0 > . 1:1(0) ack 1"]
    base = (t.rcv - 900) % (1 << 32)
    nxt = t.nxt + {"text": 1000, "fin": 1}.get(sent, 0)
    answer = f"+0 > R {t.una}:{t.una}(0)" if after == "CLOSED" else f"+0 > . {nxt}:{nxt}(0) ack {t.rcv}"
    return named + [f"+.01 < P. {base}:{(base + 10) % (1 << 32)}(10) ack {t.una} {peer}", answer]


def call(what, key, t, before):
    """The script of a cell, and what the table says of it."""
    result, sent, after = (EXPECTED[key][what] + (None, None))[:3]
    fd = 4 if t.passive and key not in ("closed", "listen", "rcvd") else 3
    lines = list(before or SOCKET)
    if what == "abort":
        lines.append(f"+0 setsockopt({fd}, SOL_SOCKET, SO_LINGER, {{onoff=1, linger=0}}, 8) = 0")
    text = TEXT["close" if what == "abort" else what].format(fd)
    lines.append(f"+0 {text} = {result if isinstance(result, int) else '-1 ' + result}")
    if sent:
        lines.append(sent_line(sent, t))
    lines += proof(key, what, after or t.state, t, sent, fd)
    word = (str(result) if isinstance(result, int) else result.split()[0]) + (f", {sent}" if sent else "") + (f" → {after}" if after else "")
    note = NOTES.get((key, what))
    return lines, word + (f" ({note})" if note else "")
