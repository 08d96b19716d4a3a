# A mail server that speaks the milter protocol: hands a clean and an infected mail to the milter at a socket or a port, and
# prints what becomes of each: the answer, and headers that are added.
import socket
import struct
import sys

path, infected = sys.argv[1:3]
body = open(infected, "rb").read()

CHANGES = b"+-hmibq"


class Milter:
    def __init__(self):
        if path.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(path)
        else:
            self.socket = socket.create_connection(("127.0.0.1", int(path)))
        self.socket.settimeout(300)
        self.send(b"O", struct.pack(">III", 6, 0x1FF, 0x1FFFFF))
        command, data = self.receive()
        assert command == b"O", command
        self.version, self.actions, self.protocol = struct.unpack(">III", data[:12])

    def send(self, command, data=b""):
        self.socket.sendall(struct.pack(">I", len(data) + 1) + command + data)

    def receive(self):
        def exactly(length):
            data = b""
            while len(data) < length:
                part = self.socket.recv(length - len(data))
                assert part, "it hangs up"
                data += part
            return data

        (length,) = struct.unpack(">I", exactly(4))
        data = exactly(length)
        return data[:1], data[1:]

    def step(self, command, data, unwanted, silent):
        # A step that the milter does not want, or does not answer.
        if self.protocol & unwanted:
            return b"c"
        self.send(command, data)
        if self.protocol & silent:
            return b"c"
        answer, _ = self.receive()
        return answer

    def mail(self, text):
        steps = [
            (b"C", b"client.example.org\0" + b"4" + struct.pack(">H", 4711) + b"192.0.2.7\0", 0x1, 0x1000),
            (b"H", b"client.example.org\0", 0x2, 0x2000),
            (b"M", b"<from@example.org>\0", 0x4, 0x4000),
            (b"R", b"<to@example.org>\0", 0x8, 0x8000),
            (b"T", b"", 0x200, 0x10000),
            (b"L", b"Subject\0a mail\0", 0x20, 0x80),
            (b"N", b"", 0x40, 0x40000),
            (b"B", text, 0x10, 0x80000),
        ]
        for command, data, unwanted, silent in steps:
            answer = self.step(command, data, unwanted, silent)
            if answer == b"s":
                continue
            if answer != b"c":
                return answer.decode(), []
        self.send(b"E")
        added = []
        while True:
            answer, data = self.receive()
            if answer not in CHANGES:
                return answer.decode(), added
            if answer in b"hmi":
                fields = (data[4:] if answer in b"mi" else data).split(b"\0")
                added.append(fields[0].decode() + ": " + fields[1].decode())
            elif answer == b"q":
                added.append("quarantined: " + data.rstrip(b"\0").decode())


for name, text in (("clean", b"hello\r\n"), ("infected", body + b"\r\n")):
    milter = Milter()
    answer, added = milter.mail(text)
    milter.send(b"Q")
    status = [header for header in added if header.startswith(("X-Virus-Status", "quarantined"))]
    print(name, answer, *sorted(status), sep="|")
