//! The bundled set of clean files: what every machine holds in some form, made here from text that can be read.
//!
//! It is small. It catches signatures that match nearly everything, such as a piece of a header or of a licence; what is peculiar to a
//! customer is what the golden directory is for.

use super::trial::{Expect, Probe};

/// Text that lies in a great many packages.
const LICENCES: [(&str, &str); 2] = [
    ("LICENSE-MIT", include_str!("../../../../LICENSE-MIT")),
    ("LICENSE-APACHE", include_str!("../../../../LICENSE-APACHE")),
];

const TEXTS: [(&str, &str); 14] = [
    ("notes.txt", "Meeting on Tuesday at ten. Please bring the figures of the last quarter.\n"),
    (
        "page.html",
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Welcome</title>\
         <script src=\"https://example.org/jquery.min.js\"></script></head>\n<body onload=\"init()\"><h1>Welcome</h1>\
         <p>See <a href=\"https://example.org/\">our page</a>.</p><iframe src=\"https://example.org/map\"></iframe></body></html>\n",
    ),
    (
        "data.json",
        "{\"name\":\"example\",\"version\":\"1.0.0\",\"dependencies\":{\"left-pad\":\"^1.3.0\"}}\n",
    ),
    (
        "start.sh",
        "#!/bin/sh\nset -e\ncd \"$(dirname \"$0\")\"\nif [ -f .env ]; then . ./.env; fi\ncurl -fsS https://example.org/health | grep -q ok\nexec ./server \"$@\"\n",
    ),
    (
        "tool.py",
        "#!/usr/bin/env python3\nimport base64, os, subprocess, sys\n\ndef main():\n    data = base64.b64decode(sys.stdin.read())\n    \
         subprocess.run(['sort'], input=data, check=True)\n    print(os.environ.get('HOME'))\n\nif __name__ == '__main__':\n    main()\n",
    ),
    (
        "site.js",
        "'use strict';\nvar s = document.createElement('script');\ns.async = true;\nfunction f(x) { return String.fromCharCode(x ^ 32); }\n\
         window.addEventListener('load', function () { eval('1+1'); setTimeout(f, 100, 65); });\n",
    ),
    (
        "setup.ps1",
        "param([string]$Path = 'C:\\Temp')\nInvoke-WebRequest -Uri 'https://example.org/a.zip' -OutFile \"$Path\\a.zip\"\nExpand-Archive \"$Path\\a.zip\"\n",
    ),
    (
        "run.bat",
        "@echo off\r\nset PATH=%PATH%;C:\\Program Files\\Example\r\nstart \"\" example.exe /silent\r\n",
    ),
    (
        "mail.eml",
        "From: Ann <ann@example.org>\r\nTo: Ben <ben@example.org>\r\nSubject: Invoice\r\nDate: Mon, 4 Mar 2024 09:00:00 +0000\r\n\
         MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nPlease find it attached.\r\n\
         --b\r\nContent-Type: application/octet-stream; name=\"invoice.txt\"\r\nContent-Transfer-Encoding: base64\r\n\r\nVG90YWw6IDEwMCBFVVIK\r\n--b--\r\n",
    ),
    ("table.csv", "name,amount,date\nAnn,100,2024-03-01\nBen,=SUM(B2:B3),2024-03-02\n"),
    (
        "drawing.svg",
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"10\" height=\"10\"><circle cx=\"5\" cy=\"5\" r=\"4\"/></svg>\n",
    ),
    (
        "letter.rtf",
        "{\\rtf1\\ansi{\\fonttbl\\f0\\fswiss Helvetica;}\\f0\\pard Dear Ann,\\par thank you.\\par}",
    ),
    (
        "page.pdf",
        "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction[3 0 R/Fit]>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n\
         3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]/Contents 4 0 R>>endobj\n4 0 obj<</Length 31>>stream\n\
         BT /F1 12 Tf 20 100 Td (Hi) Tj ET\nendstream endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    ),
    (
        "unit.service",
        "[Unit]\nDescription=Example\n\n[Service]\nExecStart=/usr/bin/example --config /etc/example.toml\nUser=example\n\n[Install]\nWantedBy=multi-user.target\n",
    ),
];

/// The files, as probes in which nothing may be found.
#[must_use]
pub fn set() -> Vec<Probe> {
    let mut probes: Vec<Probe> =
        LICENCES.iter().chain(&TEXTS).map(|(name, text)| probe(name, text.as_bytes().to_vec())).collect();
    let texts: Vec<(&str, &[u8])> = TEXTS.iter().map(|(name, text)| (*name, text.as_bytes())).collect();
    probes.push(probe("texts.tar", tar(&texts)));
    probes.push(probe("texts.zip", zip(&texts)));
    probes.push(probe("program.elf", elf()));
    probes.push(probe("program.exe", pe()));
    probes.push(probe("zeros", vec![0; 1 << 16]));
    probes.push(probe("every byte", (0..=255_u8).cycle().take(1 << 14).collect()));
    probes.push(probe("every pair", every_pair()));
    probes.push(probe("empty", Vec::new()));
    probes
}

fn probe(name: &str, bytes: Vec<u8>) -> Probe {
    Probe { name: format!("bundled {name}"), expect: Expect::Silence, bytes }
}

/// Every pair of bytes beside each other at least once.
fn every_pair() -> Vec<u8> {
    (0..=255_u8).flat_map(|first| (0..=255_u8).flat_map(move |second| [first, second])).collect()
}

fn padded(text: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = text.to_vec();
    bytes.resize(length, 0);
    bytes
}

/// A tar archive, as `tar --format=ustar` makes it.
fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = Vec::new();
    for (name, content) in files {
        let field = |text: String, length| padded(text.as_bytes(), length);
        let mut header = padded(name.as_bytes(), 100);
        for text in ["0000644", "0001750", "0001750"] {
            header.extend(padded(text.as_bytes(), 8));
        }
        header.extend(field(format!("{:011o}", content.len()), 12));
        header.extend(padded(b"14571230000", 12));
        let rest = [b"        0".to_vec(), vec![0; 100], b"ustar\x0000".to_vec()].concat();
        header.extend(rest);
        header.resize(512, 0);
        let sum = header.iter().fold(0_u32, |sum, byte| sum.saturating_add(u32::from(*byte)));
        for (place, byte) in header.iter_mut().skip(148).zip(format!("{sum:06o}\0 ").bytes()) {
            *place = byte;
        }
        archive.extend(header);
        archive.extend_from_slice(content);
        archive.resize(archive.len().next_multiple_of(512), 0);
    }
    archive.resize(archive.len().saturating_add(1024), 0);
    archive
}

/// A ZIP archive of stored files.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX).to_le_bytes();
    let short = |value: usize| u16::try_from(value).unwrap_or(u16::MAX).to_le_bytes();
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let place = archive.len();
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 72, 0x61, 0x58];
        common.extend(crc32(content).to_le_bytes());
        common.extend([number(content.len()), number(content.len())].concat());
        common.extend([short(name.len()), [0, 0]].concat());
        archive.extend_from_slice(b"PK\x03\x04");
        archive.extend_from_slice(&common);
        archive.extend_from_slice(name.as_bytes());
        archive.extend_from_slice(content);
        directory.extend_from_slice(b"PK\x01\x02\x14\x00");
        directory.extend_from_slice(&common);
        directory.extend_from_slice(&[0; 10]);
        directory.extend(number(place));
        directory.extend_from_slice(name.as_bytes());
    }
    let (place, length, many) = (archive.len(), directory.len(), short(files.len()));
    archive.extend(directory);
    archive.extend_from_slice(b"PK\x05\x06\0\0\0\0");
    archive.extend([many, many].concat());
    archive.extend([number(length), number(place)].concat());
    archive.extend_from_slice(&[0, 0]);
    archive
}

fn crc32(bytes: &[u8]) -> u32 {
    let mut sum = flate2::Crc::new();
    sum.update(bytes);
    sum.sum()
}

/// A program for Linux that ends at once with status 0.
fn elf() -> Vec<u8> {
    const CODE: [u8; 9] = [0x31, 0xff, 0xb8, 0x3c, 0, 0, 0, 0x0f, 0x05];
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\x3e\0\x01\0\0\0".to_vec();
    file.extend(0x40_0078_u64.to_le_bytes());
    file.extend([64_u64.to_le_bytes(), 0_u64.to_le_bytes()].concat());
    file.extend_from_slice(&[0, 0, 0, 0, 64, 0, 56, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    file.extend_from_slice(&[1, 0, 0, 0, 5, 0, 0, 0]);
    for field in [0_u64, 0x40_0000, 0x40_0000, 129, 129, 4096] {
        file.extend(field.to_le_bytes());
    }
    file.extend_from_slice(&CODE);
    file
}

/// A program for Windows that returns at once, with the text that all of them begin with.
fn pe() -> Vec<u8> {
    let mut file = b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff\0\0\xb8\0\0\0\0\0\0\0\x40".to_vec();
    file.resize(0x3c, 0);
    file.extend(0x80_u32.to_le_bytes());
    file.extend_from_slice(b"\x0e\x1f\xba\x0e\0\xb4\x09\xcd\x21\xb8\x01\x4c\xcd\x21This program cannot be run in DOS mode.\r\r\n$");
    file.resize(0x80, 0);
    file.extend_from_slice(b"PE\0\0\x4c\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\xe0\0\x02\x01");
    let optional: [u32; 24] = [
        0x010b, 0x200, 0, 0, 0x1000, 0x1000, 0x2000, 0x40_0000, 0x1000, 0x200, 4, 0, 4, 0, 0x2000, 0x200, 0,
        3, 0x10_0000, 0x1000, 0x10_0000, 0x1000, 0, 16,
    ];
    for field in optional {
        file.extend(field.to_le_bytes());
    }
    file.resize(file.len().saturating_add(128), 0);
    file.extend_from_slice(b".text\0\0\0");
    for field in [1_u32, 0x1000, 0x200, 0x200, 0, 0, 0, 0x6000_0020] {
        file.extend(field.to_le_bytes());
    }
    file.resize(0x200, 0);
    file.push(0xc3);
    file.resize(0x400, 0);
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_set_has_its_kinds() {
        let set = set();
        assert!(set.len() > 20);
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        let bytes = |name: &str| &set.iter().find(|probe| probe.name.ends_with(name)).unwrap().bytes;
        assert_eq!(bytes("program.elf").len(), 129);
        assert_eq!(&bytes("texts.tar")[257..262], b"ustar");
        assert_eq!(bytes("program.exe").len(), 0x400);
        assert!(set.iter().all(|probe| probe.expect == Expect::Silence));
    }
}
