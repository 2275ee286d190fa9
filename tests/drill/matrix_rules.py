"""What RFC 9293 3.10 has a host answer, in its own terms and its own order, written from its text: the expectations of matrix.py.

Numbers are those of a script: the host's count from its ISS, the peer's from its IRS, modulo 2^32. Where profile linux is to differ from the RFC, the
rule says so with a letter that DIFFERENCES explains.
"""
from dataclasses import dataclass, replace

WINDOW = 10000      # that the host offers, and the largest that the peer offered (MAX.SND.WND)
MODULUS = 1 << 32
NUMBERS = {"ESTABLISHED": "TCP_ESTABLISHED", "SYN-SENT": "TCP_SYN_SENT", "SYN-RECEIVED": "TCP_SYN_RECV", "FIN-WAIT-1": "TCP_FIN_WAIT1",
           "FIN-WAIT-2": "TCP_FIN_WAIT2", "TIME-WAIT": "TCP_TIME_WAIT", "CLOSED": "TCP_CLOSE", "CLOSE-WAIT": "TCP_CLOSE_WAIT",
           "LAST-ACK": "TCP_LAST_ACK", "LISTEN": "TCP_LISTEN", "CLOSING": "TCP_CLOSING"}

DIFFERENCES = {
    "a": "The text is ignored, for it lies beyond the peer's FIN; but the old part of it shows that an acknowledgment was lost, so there is one.",
    "b": "What comes again and ends at RCV.NXT is answered as the RFC says, but its acknowledgment field counts too, as in kernels: when both sides "
         "close it may be the only one that comes.",
    "c": "The SYN again, in SYN-RECEIVED: the SYN-ACK again, as in kernels, where the RFC's first check sends an ACK: the SYN-ACK was lost.",
    "d": "RFC 9293 3.5, figure 8: the SYN-ACK of a simultaneous open begins with the SYN that was taken already; the rest of it counts.",
    "e": "A second FIN, beyond the first, is no part of the stream: ignored as text is (seventh), where the eighth step, read to the letter, would "
         "move RCV.NXT on for ever.",
    "f": "Profile linux: a reset is an error for the application in CLOSING and LAST-ACK too (`late_reset_is_error`).",
    "g": "The RFC queues SEND and RECEIVE before a connection is open, has CLOSE end LISTEN and SYN-SENT, and has an error for the second CLOSE; "
         "a socket that does not block says EAGAIN or ENOTCONN, and a descriptor may always be closed.",
    "h": "A connection that was not accepted yet has no descriptor: the call is one on the listener, which takes it down when it is closed.",
    "i": "The FIN waits for the end of the handshake, as in Linux since 6.9; the RFC sends it at once if no SEND is queued.",
    "j": "Profile linux: a reset with the number of the peer's FIN counts, too (`reset_after_fin`): the peer's program may have died after it.",
}


@dataclass(frozen=True)
class Tcb:
    """A connection as the event finds it, or leaves it."""
    state: str
    una: int = 0
    nxt: int = 0
    rcv: int = 0            # RCV.NXT
    window: int = WINDOW    # RCV.WND
    fin: bool = False       # the last of una..nxt is our FIN
    passive: bool = True
    text: int = 0           # bytes for RECEIVE
    held: int = 0           # what was kept for later begins so far beyond RCV.NXT
    held_len: int = 0
    held_fin: bool = False
    ended: str = ""         # how a connection that is gone ended: "reset", "refused", "closed"


@dataclass(frozen=True)
class Segment:
    flags: str              # of S F R P, and . for ACK
    seq: int
    length: int             # of text
    ack: int

    def has(self, flag):
        return flag in self.flags

    def space(self):        # SEG.LEN
        return self.length + self.has("S") + self.has("F")

    def reset_to(self):     # group 1 of 3.5.2
        return ("R", self.ack, None) if self.has(".") else ("R.", 0, (self.seq + self.space()) % MODULUS)


@dataclass(frozen=True)
class Outcome:
    word: str               # for the table
    tcb: Tcb
    answer: tuple = None    # flags, SEQ, ACK
    note: str = ""          # letters of DIFFERENCES


def less(a, b):
    return 0 < (b - a) % MODULUS < MODULUS // 2


def not_more(a, b):
    return a == b or less(a, b)


def ack_of(t):
    return (".", t.nxt, t.rcv)


def same(word, t, answer=None, note=""):
    return Outcome(word, t, answer, note)


def gone(t, ended):
    return replace(t, state="CLOSED", ended=ended)


# 3.10.7.1
def closed(t, s):
    return same("-", t) if s.has("R") else same("rst", t, s.reset_to())


# 3.10.7.2
def listen(t, s):
    if s.has("R"):
        return same("-", t)
    if s.has("."):
        return same("rst", t, s.reset_to())
    if s.has("S"):
        return Outcome("syn-ack", replace(t, state="SYN-RECEIVED", una=0, nxt=1, rcv=1), ("S.", 0, s.seq + 1))
    return same("-", t)


# 3.10.7.3
def syn_sent(t, s):
    if s.has(".") and not (less(t.una, s.ack) and not_more(s.ack, t.nxt)):
        return same("-", t) if s.has("R") else same("rst", t, s.reset_to())
    if s.has("R"):
        return Outcome("refused", gone(t, "refused")) if s.has(".") else same("-", t)
    if not s.has("S"):
        return same("-", t)
    t = replace(t, rcv=1)
    if s.has("."):
        return Outcome("ack", replace(t, state="ESTABLISHED", una=s.ack), (".", t.nxt, t.rcv))
    return Outcome("syn-ack", replace(t, state="SYN-RECEIVED"), ("S.", 0, (s.seq + 1) % MODULUS))


# 3.10.7.4, first: table 6 (the window is never 0 here)
def acceptable(t, s):
    inside = [(s.seq - t.rcv) % MODULUS < t.window]
    if s.space() > 0:
        inside.append((s.seq + s.space() - 1 - t.rcv) % MODULUS < t.window)
    return any(inside)


def check_sequence(t, s):
    if acceptable(t, s):
        return None
    if s.has("R"):
        after_fin = (s.seq + 1) % MODULUS == t.rcv and t.state in ("CLOSE-WAIT", "CLOSING", "LAST-ACK")
        return Outcome("reset", gone(t, "reset"), note="j" if t.state == "CLOSE-WAIT" else "fj") if after_fin else same("-", t)
    if t.state == "SYN-RECEIVED" and s.has("S") and (s.seq + 1) % MODULUS == t.rcv:
        if not t.passive and s.has("."):
            after = check_ack(t, replace(s, flags=".", seq=t.rcv))
            return replace(after, answer=after.answer or ack_of(t), word=after.word if after.answer else "ack", note="d")
        if t.passive and not s.has("."):
            return same("syn-ack", t, ("S.", 0, t.rcv), "c")
    again = s.space() > 0 and (s.seq + s.space()) % MODULUS == t.rcv and s.has(".") and not s.has("S")
    if again and t.state != "TIME-WAIT" and not (t.state == "SYN-RECEIVED" and t.passive):
        after = check_ack(t, Segment(".", t.rcv, 0, s.ack))
        if after.word == "rst":
            return replace(after, note="b")
        if after.tcb != t:
            late = after.tcb.state == "CLOSED"  # deleted: nobody is left to acknowledge
            return replace(after, answer=None if late else ack_of(t), word="-" if late else "ack", note="b")
    return same("ack", t, ack_of(t))


# second
def check_reset(t, s):
    if not s.has("R"):
        return None
    if s.seq != t.rcv:
        return same("challenge", t, ack_of(t))
    if t.state == "SYN-RECEIVED" and t.passive:
        return Outcome("-", replace(t, state="LISTEN"))
    if t.state == "SYN-RECEIVED":
        return Outcome("refused", gone(t, "refused"))
    if t.state in ("CLOSING", "LAST-ACK"):
        return Outcome("reset", gone(t, "reset"), note="f")
    if t.state == "TIME-WAIT":
        return Outcome("-", gone(t, "closed"))
    return Outcome("reset", gone(t, "reset"))


# fourth
def check_syn(t, s):
    if not s.has("S"):
        return None
    if t.state == "SYN-RECEIVED" and t.passive:
        return Outcome("-", replace(t, state="LISTEN"))
    return same("challenge", t, ack_of(t))


# fifth
def check_ack(t, s):
    if not s.has("."):
        return same("-", t)
    if t.state == "SYN-RECEIVED":  # not synchronized yet, so 3.5.2, group 2, and not RFC 5961
        if not (less(t.una, s.ack) and not_more(s.ack, t.nxt)):
            return same("rst", t, s.reset_to())
        return check_text(replace(t, state="ESTABLISHED", una=s.ack), s)
    if less(t.nxt, s.ack) or less(s.ack, t.una - WINDOW):
        return same("challenge", t, ack_of(t))
    if less(t.una, s.ack):
        t = replace(t, una=s.ack)
        if t.fin and t.una == t.nxt:
            if t.state == "CLOSING":
                return Outcome("-", replace(t, state="TIME-WAIT"))
            if t.state == "LAST-ACK":
                return Outcome("-", gone(t, "closed"))
            if t.state == "FIN-WAIT-1":
                t = replace(t, state="FIN-WAIT-2")
    if t.state == "TIME-WAIT":
        return same("ack", t, ack_of(t)) if s.space() else same("-", t)
    return check_text(t, s)


# seventh and eighth; the sixth has nothing to do, as nothing is urgent here
def check_text(t, s):
    if s.space() == 0:
        return same("-", t)
    if t.state in ("CLOSE-WAIT", "CLOSING", "LAST-ACK"):
        return same("ack", t, ack_of(t), "a") if less(s.seq, t.rcv) else same("-", t, note="e" if s.has("F") else "")
    old = (t.rcv - s.seq) % MODULUS if less(s.seq, t.rcv) else 0
    if less(t.rcv, s.seq):
        fits = min(s.length, t.window - (s.seq - t.rcv))
        return same("hold, ack", replace(t, held=s.seq - t.rcv, held_len=fits, held_fin=s.has("F")), ack_of(t))
    t = replace(t, rcv=t.rcv + s.length - old + s.has("F"), text=s.length - old)
    if s.has("F"):
        after = {"ESTABLISHED": "CLOSE-WAIT", "FIN-WAIT-1": "CLOSING", "FIN-WAIT-2": "TIME-WAIT"}[t.state]
        t = replace(t, state=after)
    return Outcome("take, ack", t, ack_of(t))


def arrives(t, s):
    """3.10.7: SEGMENT ARRIVES."""
    first = {"CLOSED": closed, "LISTEN": listen, "SYN-SENT": syn_sent}.get(t.state)
    if first:
        return first(t, s)
    for check in (check_sequence, check_reset, check_syn, check_ack):
        outcome = check(t, s)
        if outcome:
            return outcome
    raise AssertionError("the fifth check always ends it")
