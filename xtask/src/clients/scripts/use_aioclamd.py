# PyPI `aioclamd`: twenty at a time over TCP.
import asyncio
import io
import sys

from aioclamd import ClamdAsyncClient

socket, port, clean, infected, name = sys.argv[1:6]
body = open(infected, "rb").read()


async def main():
    client = ClamdAsyncClient("127.0.0.1", int(port))
    assert await client.ping() == "PONG"
    assert (await client.version()).startswith("ClamAV ")
    assert await client.scan(clean) == {clean: ("OK", None)}
    assert await client.multiscan(infected) == {infected: ("FOUND", name)}
    bodies = [body if number % 2 else b"clean" for number in range(20)]
    said = await asyncio.gather(*(client.instream(io.BytesIO(each)) for each in bodies))
    for each, answer in zip(bodies, said):
        assert answer == {"stream": ("FOUND", name) if each == body else ("OK", None)}, answer


asyncio.run(main())
print("ping version scan multiscan stream; tcp, 20 at a time")
