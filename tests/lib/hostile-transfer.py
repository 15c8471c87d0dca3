#!/usr/bin/python3
"""Stands in for dkms-remote-transfer, and says what that never says: see MODE below, which the test
replaces. cache/remote/frame.h describes the frames."""
import fcntl
import os
import socket
import struct
import sys
import time

MODE = "@MODE@"
URL, SECRET, BEGIN, GET, PUT, CANCEL, DONE, OFF, ALIVE = range(1, 10)
FOUND, MISSING, FAILED = range(3)
ALL_SEALS = 15

s = socket.socket(fileno=1)


def frame(kind, status=0, server=0, request=0, size=0, text=b"", zero=0):
    return struct.pack("=BBBBIQ", kind, status, server, zero, request, size) + text


def send(data, *fds):
    try:
        socket.send_fds(s, [data], fds)
    except OSError:
        os._exit(0)  # dkms has given us up


def file(data=b"12345", seals=ALL_SEALS):
    fd = os.memfd_create("object", os.MFD_ALLOW_SEALING)
    os.write(fd, data)
    if seals:
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, seals)
    return fd


def found(request, fd, size=5, server=0):
    send(frame(DONE, FOUND, server, request, size), fd)


def answer(kind, n):
    if MODE == "right":
        found(n, file())
    elif MODE == "unsealed":
        found(n, file(seals=0))
    elif MODE == "half sealed":
        found(n, file(seals=ALL_SEALS & ~fcntl.F_SEAL_WRITE))
    elif MODE == "too large":
        found(n, file(b"x" * 200), 200)
    elif MODE == "other size":
        found(n, file(), 4)
    elif MODE == "pipe":
        found(n, os.pipe()[0])
    elif MODE == "directory":
        found(n, os.open("/", os.O_RDONLY))
    elif MODE == "passwd":
        found(n, os.open("/etc/passwd", os.O_RDONLY))
    elif MODE == "no file":
        send(frame(DONE, FOUND, 0, n, 5))
    elif MODE == "two files":
        send(frame(DONE, FOUND, 0, n, 5), file(), file())
    elif MODE == "many files":
        send(frame(DONE, FOUND, 0, n, 5), *[file() for i in range(100)])
    elif MODE == "file for a miss":
        send(frame(DONE, MISSING, 0, n), file())
    elif MODE == "other server":
        found(n, file(), server=3)
    elif MODE == "no server":
        found(n, file(), server=255)
    elif MODE == "other request":
        found(n + 1000, file())
    elif MODE == "request 0":
        found(0, file())
    elif MODE == "twice":
        found(n, file())
        found(n, file())
    elif MODE == "other status":
        send(frame(DONE, 9, 0, n))
    elif MODE == "other type":
        send(frame(77, 0, 0, n))
    elif MODE == "what dkms says":
        send(frame(GET, 0, 0, n, 5, b"ac/" + b"0" * 64))
    elif MODE == "control characters":
        send(frame(DONE, FAILED, 255, n, 0, b"\x1b[31mred\n"))
    elif MODE == "short":
        send(b"\7")
    elif MODE == "long":
        send(frame(DONE, FAILED, 255, n, 0, b"x" * 5000))
    elif MODE == "filled":
        send(frame(DONE, FAILED, 255, n, zero=1))
    elif MODE == "off twice":
        send(frame(OFF, 1, 0, text=b"why"))
        send(frame(OFF, 1, 0, text=b"why"))
    elif MODE == "off for nothing":
        send(frame(OFF, 0, 0, text=b"why"))
    elif MODE == "end":
        os._exit(0)
    elif MODE == "flood":
        while True:
            send(frame(ALIVE))
    elif MODE == "silent":
        time.sleep(1000)
    elif MODE == "busy":
        while True:
            send(frame(ALIVE))
            time.sleep(0.5)
    elif MODE == "moved":
        fd = file()
        found(n, fd)
        while True:
            os.lseek(fd, 3, os.SEEK_SET)


if MODE == "deaf":
    time.sleep(1000)
if MODE == "ends at once":
    sys.exit(0)
while True:
    data = s.recv(4096)
    if not data:
        break
    kind, _, _, _, request, _ = struct.unpack("=BBBBIQ", data[:16])
    if kind in (GET, PUT):
        answer(kind, request)
