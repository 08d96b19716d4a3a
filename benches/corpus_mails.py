"""Mails for `corpus.sh`: text, the same as HTML, and what people attach, one by one and in mailboxes. The same files give the same mails."""

import base64
import html
import mimetypes
import pathlib
import sys

raw, into = map(pathlib.Path, sys.argv[1:])


def listed(name: str) -> list[pathlib.Path]:
    return [pathlib.Path(line) for line in (raw / name).read_text().splitlines()]


paragraphs = [
    " ".join(paragraph.split())
    for file in listed("text.list")
    for paragraph in file.read_text(errors="replace").split("\n\n")
    if len(paragraph) > 200
]
attached = {kind: listed(f"{kind}.mailed") for kind in ("office", "pdf", "picture")}
# What a mail brings: most have one attachment, one in five none, one in five a picture in its HTML.
orders = [["office"], ["picture", "pdf"], [], ["office", "office"], ["office"], ["office"], [], ["picture", "office"], ["office", "pdf"], ["office"]]


def encoded(data: bytes) -> str:
    return base64.encodebytes(data).decode()


def part(kind: str, file: pathlib.Path) -> str:
    guess = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    place = "inline" if kind == "picture" else "attachment"
    name = file.name.encode("ascii", "replace").decode().replace('"', "'")
    return (
        f'Content-Type: {guess}; name="{name}"\nContent-Transfer-Encoding: base64\nContent-ID: <{kind}>\n'
        f'Content-Disposition: {place}; filename="{name}"\n\n{encoded(file.read_bytes())}'
    )


def mail(number: int, files: list[tuple[str, pathlib.Path]]) -> str:
    said = [paragraphs[(number * 7 + step) % len(paragraphs)] for step in range(2 + number % 5)]
    plain = "\n\n".join(said)
    lines = "".join(f"<p>{html.escape(one)}</p>\n" for one in said)
    page = f'<html><body style="font-family: sans-serif">{lines}<a href="https://www.example.org/{number}">Read on</a><img src="cid:picture"></body></html>'
    bodies = [
        f"Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n{encoded(plain.encode())}",
        f"Content-Type: text/html; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{page}",
    ]
    inner = f"alternative-{number}"
    text = f'Content-Type: multipart/alternative; boundary="{inner}"\n\n' + "".join(f"--{inner}\n{one}\n" for one in bodies) + f"--{inner}--\n"
    outer = f"mixed-{number}"
    parts = [text, *(part(kind, file) for kind, file in files)]
    return (
        f"Received: from mail.example.org (mail.example.org [192.0.2.{number % 250}]) by mx.example.net with ESMTPS id {number:08x}; "
        f"Thu, 26 Nov 2026 {number % 24:02}:{number % 60:02}:00 +0000\n"
        f"From: Sender {number} <sender{number}@example.org>\nTo: reader@example.net\nSubject: {said[0][:60]}\n"
        f"Message-ID: <{number}@example.org>\nDate: Thu, 26 Nov 2026 {number % 24:02}:{number % 60:02}:00 +0000\nMIME-Version: 1.0\n"
        f'Content-Type: multipart/mixed; boundary="{outer}"\n\n' + "".join(f"--{outer}\n{one}\n" for one in parts) + f"--{outer}--\n"
    )


# Every fourth hundred is one mailbox; all other mails are files of their own.
number, box = 0, []
while any(attached[kind] for kind in ("office", "pdf")):
    files = [(kind, attached[kind].pop(0)) for kind in orders[number % len(orders)] if attached[kind]]
    written = mail(number, files)
    if number // 100 % 4 == 3:
        box.append("From sender@example.org Thu Nov 26 12:00:00 2026\n" + written.replace("\nFrom ", "\n>From ") + "\n")
    else:
        (into / f"{number:05}.eml").write_text(written.replace("\n", "\r\n"), newline="")
    if len(box) == 100:
        (into / f"{number:05}.mbox").write_text("".join(box), newline="")
        box = []
    number += 1
if box:
    (into / "rest.mbox").write_text("".join(box), newline="")
