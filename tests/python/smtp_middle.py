"""Somebody on the way to a mail server who adds answers behind the one to STARTTLS, unencrypted, for
whatever the client will say over TLS. Prints its port, then a line for each time. Ends when standard
input closes.
"""

import argparse
import asyncio
import os
import sys
import threading

arguments = argparse.ArgumentParser()
arguments.add_argument("--to", type=int, required=True)
options = arguments.parse_args()

# EHLO, MAIL, RCPT, DATA, the message: all of it is taken.
ADDED = b"250 added\r\n250 added\r\n250 added\r\n354 added\r\n250 added\r\n"


async def carry(source, sink):
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()


async def serve(reader, writer):
    upstream, downstream = await asyncio.open_connection("127.0.0.1", options.to)
    try:
        writer.write(await upstream.readline())
        while line := await reader.readline():
            downstream.write(line)
            last = answer = await upstream.readline()
            while last[3:4] == b"-":
                last = await upstream.readline()
                answer += last
            if line.strip().upper() == b"STARTTLS":
                writer.write(answer + ADDED)
                print("{}", flush=True)
                await asyncio.gather(carry(reader, downstream), carry(upstream, writer))
                return
            writer.write(answer)
    except ConnectionError:
        pass
    finally:
        writer.close()
        downstream.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def ends_with_the_test():
    sys.stdin.read()
    os._exit(0)


threading.Thread(target=ends_with_the_test, daemon=True).start()
asyncio.run(main())
