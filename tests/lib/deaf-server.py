#!/usr/bin/python3
# A server that accepts no connection, because its queue is full. Prints numbers of ports of the loopback
# interface in one line: FREE of them on which nobody listens, and that of the server. Runs until it is killed.
#
#	deaf-server.py [FREE]
import socket
import sys
import time

free = [socket.socket() for i in range(int(sys.argv[1]) if len(sys.argv) > 1 else 0)]
deaf = socket.socket()
for s in free + [deaf]:
    s.bind(("127.0.0.1", 0))
deaf.listen(0)
fill = [socket.socket() for i in range(8)]
for s in fill:
    s.setblocking(False)
    s.connect_ex(deaf.getsockname())
ports = [s.getsockname()[1] for s in free + [deaf]]
for s in free:
    s.close()
print(*ports, flush=True)
time.sleep(100000)
