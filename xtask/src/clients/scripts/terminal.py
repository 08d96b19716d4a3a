# A terminal of 80 by 24 for a program: waits until each of some texts was drawn, types a key, and waits until the program ends.
# What was drawn goes to the standard output, so that a failure shows it.
#   terminal.py KEY TEXT [TEXT ...] -- PROGRAM [ARGUMENT ...]
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

PATIENCE = 60.0

split = sys.argv.index("--")
key, texts, program = sys.argv[1], sys.argv[2:split], sys.argv[split + 1 :]

child, terminal = pty.fork()
if child == 0:
    os.environ["TERM"] = "xterm"
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    os.execvp(program[0], program)

drawn, typed, over = b"", False, False
until = time.monotonic() + PATIENCE
while not over and time.monotonic() < until:
    if select.select([terminal], [], [], 0.25)[0]:
        try:
            part = os.read(terminal, 65536)
        except OSError:
            # The program has ended and closed its side.
            part = b""
        over = not part
        drawn += part
    # Without what moves and colours.
    plain = re.sub(rb"\x1b[^a-zA-Z]*[a-zA-Z]", b"", drawn)
    if not typed and all(text.encode() in plain for text in texts):
        os.write(terminal, key.encode())
        typed = True
if not over:
    os.kill(child, signal.SIGKILL)
_, status = os.waitpid(child, 0)
sys.stdout.buffer.write(re.sub(rb"\x1b[^a-zA-Z]*[a-zA-Z]", b"", drawn))
sys.stdout.flush()
if not over or not typed:
    sys.exit(f"{'nothing ends it' if not over else 'it ended'}, {'the key was typed' if typed else 'a text is missing'}")
sys.exit(os.waitstatus_to_exitcode(status))
