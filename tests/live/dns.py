"""A small DNS server over UDP: n.lab has the address 192.0.2.n, a text of n times a letter, and nothing else exists."""
import socket
import struct
import sys

A, TXT = 1, 16


def name_at(message, at):
    labels = []
    while message[at]:
        labels.append(message[at + 1:at + 1 + message[at]].decode())
        at += 1 + message[at]
    return labels, at + 1


def answer(message):
    number, flags = struct.unpack_from("!HH", message)
    labels, at = name_at(message, 12)
    kind, _ = struct.unpack_from("!HH", message, at)
    question = message[12:at + 4]
    known = len(labels) == 2 and labels[1] == "lab" and labels[0].isdigit()
    data = b""
    if known and kind == A:
        data = bytes([192, 0, 2, int(labels[0]) % 256])
    if known and kind == TXT:
        data = b"".join(bytes([200]) + b"%c" % (97 + i) * 200 for i in range(int(labels[0])))
    head = struct.pack("!HHHHHH", number, 0x8400 | (flags & 0x0100) | (0 if known else 3), 1, 1 if data else 0, 0, 0)
    record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(data)) + data if data else b""
    return head + question + record


def main():
    s = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], int(sys.argv[2])))
    print("ready", flush=True)
    while True:
        message, peer = s.recvfrom(4096)
        if len(message) > 16:
            s.sendto(answer(message), peer)


main()
