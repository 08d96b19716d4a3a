# `pyclamd`, of PyPI and of Debian's python3-pyclamd.
import sys

import pyclamd

socket, port, clean, infected, name = sys.argv[1:6]
body = open(infected, "rb").read()
for client in (pyclamd.ClamdUnixSocket(filename=socket), pyclamd.ClamdNetworkSocket("127.0.0.1", int(port))):
    assert client.ping() is True
    assert client.version().startswith("ClamAV ")
    assert client.scan_file(clean) is None
    assert client.scan_file(infected) == {infected: ("FOUND", name)}
    assert client.contscan_file(infected) == {infected: ("FOUND", name)}
    assert client.multiscan_file(infected) == {infected: ("FOUND", name)}
    assert client.scan_stream(b"clean") is None
    assert client.scan_stream(body) == {"stream": ("FOUND", name)}
    assert "POOLS" in client.stats()
assert pyclamd.ClamdUnixSocket(filename=socket).reload() == "RELOADING"
print("ping version scan contscan multiscan stream stats reload; unix tcp")
