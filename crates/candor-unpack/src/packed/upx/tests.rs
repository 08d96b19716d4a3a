//! Streams and programs packed here, with an encoder that knows literals and one copy.

use candor_model::{FileType, Reason};

use super::nrv;
use crate::collected::Collected;

/// Writes bits in words of `width` bytes, each where its first bit is needed.
struct Output {
    bytes: Vec<u8>,
    width: usize,
    place: usize,
    left: u32,
}

impl Output {
    fn new(method: u8) -> Self {
        let width = match (method - 2) % 3 {
            0 => 4,
            1 => 1,
            _ => 2,
        };
        Self { bytes: Vec::new(), width, place: 0, left: 0 }
    }

    fn bit(&mut self, bit: u32) {
        if self.left == 0 {
            self.place = self.bytes.len();
            self.bytes.resize(self.place + self.width, 0);
            self.left = self.width as u32 * 8;
        }
        self.left -= 1;
        if bit == 1 {
            self.bytes[self.place + self.left as usize / 8] |= 1 << (self.left % 8);
        }
    }

    fn bits(&mut self, bits: &[u32]) {
        bits.iter().for_each(|bit| self.bit(*bit));
    }

    fn literals(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.bit(1);
            self.bytes.push(*byte);
        }
    }

    /// The end: an offset of all ones.
    fn end(&mut self, method: u8) {
        self.bit(0);
        // 0x0100_0002: the number whose upper part, less three, is 0xffffff.
        let digits: Vec<u32> = (0..24).rev().map(|place| 0x0100_0002_u32 >> place & 1).collect();
        if method < 5 {
            for (index, digit) in digits.iter().enumerate() {
                self.bits(&[*digit, u32::from(index == 23)]);
            }
        } else {
            let mut number = 0x0100_0002_u32;
            let mut steps = Vec::new();
            // Backwards: each step took a bit, and all but the last another one after one was taken off.
            loop {
                let bit = number & 1;
                let before = number >> 1;
                if before == 1 {
                    steps.push((None, bit));
                    break;
                }
                steps.push((Some(before & 1), bit));
                number = (before >> 1) + 1;
            }
            for (index, (_, bit)) in steps.iter().enumerate().rev() {
                self.bits(&[*bit, u32::from(index == 0)]);
                if index > 0 {
                    self.bit(steps[index - 1].0.unwrap());
                }
            }
        }
        self.bytes.push(0xff);
    }
}

/// `abcd` as literals, a copy of four bytes from offset four, then `Z`.
fn stream(method: u8) -> Vec<u8> {
    let mut out = Output::new(method);
    out.literals(b"abcd");
    out.bit(0);
    match (method - 2) / 3 {
        // Offset: number 3, byte 3; length 3 (and one).
        0 => {
            out.bits(&[1, 1]);
            out.bytes.push(3);
            out.bits(&[1, 1]);
        }
        // The lowest bit of the byte is the first of the length, inverted.
        1 => {
            out.bits(&[1, 1]);
            out.bytes.push(3 << 1);
            out.bit(1);
        }
        _ => {
            out.bits(&[1, 1]);
            out.bytes.push(3 << 1 | 1);
            out.bits(&[1, 0]);
        }
    }
    out.literals(b"Z");
    out.end(method);
    out.bytes
}

#[test]
fn every_method_gives_literals_and_copies() {
    for method in 2..=10 {
        let packed = stream(method);
        assert_eq!(nrv::unpack(method, &packed, 9).unwrap(), b"abcdabcdZ", "{method}");
        assert_eq!(nrv::unpack(method, &packed, 1000).unwrap(), b"abcdabcdZ", "{method} to its end");
        assert_eq!(nrv::unpack(method, &packed, 6).unwrap(), b"abcdab", "{method} in part");
        for end in 0..packed.len() {
            let _ = nrv::unpack(method, &packed[..end], 1 << 20);
        }
    }
    assert_eq!(nrv::unpack(2, &[0; 64], 1 << 20), None);
}

/// An ELF file packed with UPX, whose two blocks unpack to its header and to `content`.
fn packed_elf(content: &[u8], magic: &[u8; 4]) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(64, 0);
    header[16] = 2;
    header[20] = 1;
    header[32] = 64;
    header[54] = 56;
    header[56] = 1;
    let mut out = header.clone();
    out.resize(64 + 56, 0);
    out.extend([0; 4]);
    out.extend(magic);
    out.extend([0; 4]);
    let whole = (header.len() + content.len()) as u32;
    for value in [0, whole, whole] {
        out.extend(u32::to_le_bytes(value));
    }
    for part in [&header[..], content] {
        let mut packed = Output::new(8);
        packed.literals(part);
        packed.end(8);
        // What grows is stored.
        let (bytes, method) =
            if packed.bytes.len() < part.len() { (packed.bytes, 8) } else { (part.to_vec(), 8) };
        out.extend((part.len() as u32).to_le_bytes());
        out.extend((bytes.len() as u32).to_le_bytes());
        out.extend([method, 0, 0, 0]);
        out.extend(bytes);
    }
    out.extend([0; 12]);
    // The segment is all of the file.
    let length = (out.len() as u64).to_le_bytes();
    out[96..104].copy_from_slice(&length);
    out
}

#[test]
fn an_elf_file_comes_out_whatever_its_magic() {
    for magic in [b"UPX!", b"YTS\x99"] {
        let collected = Collected::of(FileType::Elf, &packed_elf(b"the code of the program", magic));
        let child = collected.children.iter().find(|child| child.member.name == "unpacked").unwrap();
        assert!(child.bytes.starts_with(b"\x7fELF") && child.bytes.ends_with(b"the code of the program"));
        assert_eq!(collected.details, [("packer", String::from("UPX"))]);
    }
}

#[test]
fn damage_is_told_and_nothing_is_made_up() {
    let whole = packed_elf(b"the code of the program", b"UPX!");
    for end in 0..whole.len() {
        let _ = Collected::of(FileType::Elf, &whole[..end]);
    }
    let mut wrong = whole.clone();
    // The second block says that it is packed.
    let place = whole.len() - 12 - 23 - 12;
    wrong[place] += 1;
    let collected = Collected::of(FileType::Elf, &wrong);
    assert!(
        collected.incomplete.contains(&Reason::Malformed(String::from("a block of UPX"))),
        "{collected:?}"
    );
    let plain = Collected::of(FileType::Elf, &whole[..200]);
    assert!(plain.children.iter().all(|child| child.member.name != "unpacked"));
}
