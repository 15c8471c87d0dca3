#!/usr/bin/python3
"""A proxy of TCP that is as far away as it is told: for measurements where the kernel has no netem.

	delay-proxy.py PORT MS

listens on a free port of 127.0.0.1, prints the port, and passes everything on to PORT and back. A byte takes
MS / 2 milliseconds in each direction; a new connection takes MS more, as the handshake of TCP does. What is on
its way does not hold up what comes after it.
"""
import asyncio
import sys

port = int(sys.argv[1])
delay = int(sys.argv[2]) / 1000


async def deliver(queue, writer):
    while True:
        due, data = await queue.get()
        await asyncio.sleep(due - asyncio.get_running_loop().time())
        if not data:
            break
        writer.write(data)
        await writer.drain()
    writer.close()


async def receive(queue, reader):
    data = b"-"
    while data:
        try:
            data = await reader.read(1 << 16)
        except ConnectionError:
            data = b""
        await queue.put((asyncio.get_running_loop().time() + delay / 2, data))


async def connected(reader, writer):
    await asyncio.sleep(delay)
    there = await asyncio.open_connection("127.0.0.1", port)
    out, back = asyncio.Queue(), asyncio.Queue()
    await asyncio.gather(receive(out, reader), deliver(out, there[1]), receive(back, there[0]), deliver(back, writer),
                         return_exceptions=True)


async def main():
    server = await asyncio.start_server(connected, "127.0.0.1", 0, backlog=200)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
