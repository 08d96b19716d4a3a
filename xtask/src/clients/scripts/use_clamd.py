# PyPI `clamd`: over the Unix socket, and over TCP.
import io
import sys

import clamd

socket, port, clean, infected, name = sys.argv[1:6]
body = open(infected, "rb").read()
for client in (clamd.ClamdUnixSocket(socket), clamd.ClamdNetworkSocket("127.0.0.1", int(port))):
    assert client.ping() == "PONG"
    assert client.version().startswith("ClamAV ")
    assert client.scan(clean) == {clean: ("OK", None)}
    assert client.scan(infected) == {infected: ("FOUND", name)}
    assert client.multiscan(infected) == {infected: ("FOUND", name)}
    assert client.contscan(infected) == {infected: ("FOUND", name)}
    assert client.instream(io.BytesIO(b"clean")) == {"stream": ("OK", None)}
    assert client.instream(io.BytesIO(body)) == {"stream": ("FOUND", name)}
    assert "POOLS: 1" in client.stats()
assert clamd.ClamdUnixSocket(socket).reload() == "RELOADING"
print("ping version scan multiscan contscan stream stats reload; unix tcp")
