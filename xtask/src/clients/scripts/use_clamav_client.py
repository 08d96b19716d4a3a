# PyPI `clamav-client`: by path and by stream, over both sockets.
import sys

from clamav_client import get_scanner

socket, port, clean, infected, name = sys.argv[1:6]
for address in (socket, "127.0.0.1:" + port):
    for stream in (False, True):
        scanner = get_scanner({"backend": "clamd", "address": address, "timeout": 300.0, "stream": stream})
        assert scanner.info().name == "ClamAV (clamd)", scanner.info()
        assert scanner.info().version.startswith("ClamAV "), scanner.info()
        result = scanner.scan(clean)
        assert result.passed is True and result.state == "OK", result
        result = scanner.scan(infected)
        assert result.passed is False and result.state == "FOUND" and result.details == name, result
print("version scan stream; unix tcp")
