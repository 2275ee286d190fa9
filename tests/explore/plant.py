#!/usr/bin/env python3
"""Plants a bug: writes a copy of one file of src/ with a few words changed. The explorer that is built with the copy must find it.

  plant.py --list          name and file of every bug
  plant.py NAME OUTPUT     the changed file; fails when the text to change is not there exactly once
"""
import pathlib
import sys

SOURCE = pathlib.Path(__file__).resolve().parents[2] / "src"

# name: (file, [(text, what stands there instead), ...], what is wrong then)
PLANTS = {
    "syn-received-any-ack": ("tcp/half_open.c", [("in->ack != h->iss + 1", "in->ack == h->iss")],
                             "SEG.ACK is not checked in SYN-RECEIVED"),
    "fin-counts-twice": ("tcp/text.c", [("  c->rcv_nxt++;\n", "  c->rcv_nxt += 2;\n")],
                         "the FIN takes two sequence numbers"),
    "right-edge-off-by-one": ("tcp/output.c", [("seq_lt(seq, edge) ? edge - seq : 0;", "seq_le(seq, edge) ? edge - seq + 1 : 0;")],
                              "one byte more than the window is sent"),
    "fin-not-again": ("tcp/output.c", [("  if (fin) --*len;\n", "  if (fin) --*len;\n  fin = false;\n"),
                                       ("seq_gt(seq, c->snd_fin)) return false;", "seq_ge(seq, c->snd_fin)) return false;")],
                      "a lost FIN is not sent again"),
    "text-after-fin": ("tcp/text.c", [("return c->state == YEON_TCP_ESTABLISHED ||",
                                       "return c->state == YEON_TCP_CLOSE_WAIT || c->state == YEON_TCP_ESTABLISHED ||")],
                       "bytes behind the FIN are accepted"),
    "time-wait-silent": ("tcp/time_wait.c", [("    acknowledge(in, w);\n    if (fin_again) restart(", "    if (fin_again) restart(")],
                         "TIME-WAIT does not acknowledge the FIN that comes again"),
    "rto-not-restarted": ("tcp/timers.c", [("  } else {\n    tcp_rexmit_start(c, now);\n  }\n",
                                            "  } else {\n    tcp_timer_stop(c, YEON_TIMER_REXMIT, now);\n  }\n")],
                          "the retransmission timer stops at a partial acknowledgment"),
    "syn-ack-is-new": ("tcp/input.c", [("  if (c->state == YEON_TCP_SYN_SENT)\n",
                                        "  if (c->state == YEON_TCP_SYN_SENT || (in->flags & (YEON_TCP_SYN | YEON_TCP_ACK)) == (YEON_TCP_SYN | YEON_TCP_ACK))\n")],
                       "a SYN-ACK that comes again opens the connection anew"),
    "rst-anywhere": ("tcp/input.c", [("in->seq != c->rcv_nxt) {", "in->seq == c->rcv_nxt - 9) {")],
                     "a RST anywhere in the window resets"),
    "wrong-offset": ("tcp/text.c", [("  uint32_t offset = ring_len(c->rcv) + (in->seq - c->rcv_nxt);",
                                     "  uint32_t offset = ring_len(c->rcv) + (in->seq - c->rcv_nxt) - 1;")],
                     "bytes out of order are put one place too low"),
    "gap-acknowledged": ("tcp/text.c", [("  in->verdict = YEON_VERDICT_OUT_OF_ORDER;\n",
                                         "  in->verdict = YEON_VERDICT_OUT_OF_ORDER;\n  c->rcv_nxt = in->seq;\n")],
                         "a gap counts as received"),
    "no-probes": ("tcp/persist.c", [("  else if (tcp_timer_at(c, YEON_TIMER_PERSIST) > at)", "  else if (at < 0)")],
                  "a closed window is not probed"),
    "window-not-told": ("tcp/window.c", [("  if (makes_a_difference(c)) tcp_ack_now(c);\n", "  (void)makes_a_difference(c);\n")],
                        "that a closed window is open again is not told"),
    "fin-acknowledged-early": ("tcp/ack.c", [("ack == c->snd_fin + 1)", "seq_ge(ack, c->snd_fin))")],
                               "the acknowledgment of the last byte counts for the FIN"),
    "ack-forgotten": ("tcp/delack.c", [("    tcp_timer_set(c, YEON_TIMER_DELACK,", "    if (c->acks_owed > 9) tcp_timer_set(c, YEON_TIMER_DELACK,")],
                      "a delayed acknowledgment is never sent"),
    "buffer-kept": ("tcp/instance.c", [("  if (receive_too) ring_release(", "  if (receive_too && c->error != 0) ring_release(")],
                    "an unread buffer stays behind"),
    "told-counts-as-lost": ("tcp/sent.c", [("    if ((flags & TCP_SENT_SACKED) != 0) continue;\n    if (copies)", "    if (copies)")],
                            "a time-out counts for lost what the peer has told of"),
    "told-of-too-much": ("tcp/sent.c", [("  uint32_t at = find(s, left);\n  if (at == s->n) return;\n", "  left = c->snd_una;\n  uint32_t at = find(s, left);\n  if (at == s->n) return;\n")],
                         "a block counts from the acknowledgment on"),
    "undo-without-window": ("tcp/undo.c", [("  cc_on_undo(&c->cc, now);\n", "")],
                            "a mistake is taken back, the window stays reduced"),
    "probe-not-armed": ("tcp/timers.c", [("    tcp_tlp_start(c, true, now);\n", "    tcp_rexmit_start(c, now);\n")],
                        "after an acknowledgment the time-out runs and no loss probe"),
    "pace-not-armed": ("tcp/pace.c", [("      tcp_timer_set(c, YEON_TIMER_PACE, b->pace_at, now);\n", "")],
                       "who waits for the time of a paced segment is not called"),
}


def plant(name, output):
    path, changes, _ = PLANTS[name]
    text = (SOURCE / path).read_text()
    for old, new in changes:
        if text.count(old) != 1:
            sys.exit(f"plant.py: {name}: {text.count(old)} places in src/{path} read {old!r}; one is expected. Change the plant along with the source.")
        text = text.replace(old, new)
    pathlib.Path(output).write_text(text)


def main():
    if sys.argv[1:] == ["--list"]:
        for name, (path, _, about) in PLANTS.items():
            print(f"{name} {path} {about}")
    elif len(sys.argv) == 3 and sys.argv[1] in PLANTS:
        plant(sys.argv[1], sys.argv[2])
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
