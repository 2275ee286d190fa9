"""asyncio, both ends: echo.py server PORT | client HOST PORT CONNECTIONS BYTES. Every connection sends its own bytes and has them echoed."""
import asyncio
import hashlib
import sys


async def serve(reader, writer):
    while piece := await reader.read(65536):
        writer.write(piece)
        await writer.drain()
    writer.close()


async def one(host, port, i, size):
    reader, writer = await asyncio.open_connection(host, port)
    data = hashlib.shake_128(b"%d" % i).digest(size)

    async def send():
        for at in range(0, size, 50000):
            writer.write(data[at:at + 50000])
            await writer.drain()
        writer.write_eof()
    sending = asyncio.create_task(send())
    back = hashlib.sha256()
    n = 0
    while piece := await reader.read(65536):
        back.update(piece)
        n += len(piece)
    await sending
    writer.close()
    return "%d %d %s" % (i, n, back.hexdigest()[:16])


async def main():
    if sys.argv[1] == "server":
        server = await asyncio.start_server(serve, "0.0.0.0", int(sys.argv[2]))
        print("ready", flush=True)
        await server.serve_forever()
    host, port, n, size = sys.argv[2], *map(int, sys.argv[3:6])
    for line in await asyncio.gather(*(one(host, port, i, size) for i in range(n))):
        print(line)


asyncio.run(main())
