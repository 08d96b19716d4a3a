//! Parsers keep to their budget and to what the sink tells them.

use std::io::Read;

use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Reason, Sink,
};

/// Calls of a sink that one parser may make after it was told to stop.
const CALLS_AFTER_STOP: u32 = 1;

/// Parsers that a layer meets one after another: that of its type, that of programs in PostScript, and the search for
/// objects. Each asks for itself.
const IN_A_ROW: u32 = 3;

/// What takes a layer of one type apart.
pub(crate) type Parser = fn(&[u8], &mut dyn Sink);

/// Room for all that a small file holds; hardly any; and room, with a sink that has enough after one child.
const ROOMS: [(u64, u32); 3] = [(512 << 10, u32::MAX), (3_000, u32::MAX), (512 << 10, 1)];

/// The largest file that a folded one stands for.
const UNFOLDED: usize = 8 << 20;

/// Zeros that are left out of a folded file, at least.
const RUN: usize = 16;

/// The parser of `file_type`.
pub(crate) const fn parser(file_type: FileType) -> Parser {
    match candor_unpack::parser(file_type) {
        Some(parser) => parser,
        None => panic!("nothing opens this type"),
    }
}

/// Hands `bytes` to each of `parsers`. Under libFuzzer an execution is one of [`ROOMS`], chosen by the bytes;
/// everywhere else it is all of them.
pub(crate) fn unpack(parsers: &[Parser], bytes: &[u8]) {
    in_rooms(parsers, bytes, CALLS_AFTER_STOP);
}

fn in_rooms(parsers: &[Parser], bytes: &[u8], calls_after_stop: u32) {
    let drawn = bytes.len().wrapping_add(usize::from(bytes.last().copied().unwrap_or(0))) % 4;
    for (number, room) in ROOMS.into_iter().enumerate() {
        if cfg!(feature = "libfuzzer") && number != drawn.saturating_sub(1) {
            continue;
        }
        for parser in parsers {
            give(*parser, bytes, room, calls_after_stop);
        }
    }
}

/// Looks for objects in what is not taken apart.
pub(crate) fn embedded(bytes: &[u8]) {
    let parsers: [Parser; 3] = [
        |bytes, sink| candor_unpack::unpack(FileType::BinaryData, bytes, sink),
        |bytes, sink| candor_unpack::unpack(FileType::TextAscii, bytes, sink),
        |bytes, sink| candor_unpack::unpack(FileType::Gif, bytes, sink),
    ];
    in_rooms(&parsers, bytes, IN_A_ROW * CALLS_AFTER_STOP);
}

/// Takes what may be a signed or an encrypted message for one.
pub(crate) fn cms(bytes: &[u8]) {
    let parsers: [Parser; 1] = [|bytes, sink| candor_unpack::unpack(FileType::BinaryData, bytes, sink)];
    in_rooms(&parsers, bytes, IN_A_ROW * CALLS_AFTER_STOP);
}

fn give(parser: Parser, bytes: &[u8], (max_scan_size, stop_after): (u64, u32), calls_after_stop: u32) {
    let limits = Limits { max_scan_size, max_file_size: 128 << 10, ..Limits::default() };
    let mut sink = Strict {
        budget: Budget::new(limits, Interrupt::new(), bytes.len() as u64),
        length: bytes.len() as u64,
        children: 0,
        stop_after,
        after_stop: 0,
        calls_after_stop,
    };
    parser(bytes, &mut sink);
    assert!(sink.budget.bytes() <= max_scan_size, "over its budget");
}

/// The bytes as they are.
pub(crate) fn plain(bytes: &[u8]) -> &[u8] {
    bytes
}

/// A file with long runs of zeros left out: how many zeros come next, the number of bytes that follow, and the
/// bytes, again and again. Images of disks are mostly zeros, and what is changed at random should be the rest.
pub(crate) fn folded(file: &[u8]) -> Vec<u8> {
    let mut folded = Vec::new();
    let mut rest = file;
    while !rest.is_empty() {
        let zeros = rest.iter().take_while(|byte| **byte == 0).count();
        let (_, after) = rest.split_at(zeros);
        let is_zeros = |window: &[u8]| window.iter().all(|byte| *byte == 0);
        let length = after.windows(RUN).position(is_zeros).unwrap_or(after.len()).min(usize::from(u16::MAX));
        let (bytes, after) = after.split_at(length);
        folded.extend_from_slice(&u32::try_from(zeros).unwrap_or(u32::MAX).to_le_bytes());
        folded.extend_from_slice(&u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes());
        folded.extend_from_slice(bytes);
        rest = after;
    }
    folded
}

/// The file that a folded one stands for, cut where it grows too large.
pub(crate) fn unfolded(folded: &[u8]) -> Vec<u8> {
    let mut pieces = Vec::new();
    let (mut rest, mut end) = (folded, 0_usize);
    while let Some((head, after)) = rest.split_first_chunk::<6>() {
        let [zeros @ .., low, high] = head;
        let zeros = usize::try_from(u32::from_le_bytes(*zeros)).unwrap_or(usize::MAX);
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(after.len());
        let (bytes, after) = after.split_at(length);
        let start = end.saturating_add(zeros);
        if start.saturating_add(length) > UNFOLDED {
            break;
        }
        pieces.push((start, bytes));
        end = start + length;
        rest = after;
    }
    // All of it is zeros at first, which costs nothing until it is looked at.
    let mut file = vec![0; end];
    for (start, bytes) in pieces {
        file[start..start + bytes.len()].copy_from_slice(bytes);
    }
    file
}

/// A disk image of one sector that is packed as LZFSE says, which these bytes are.
pub(crate) fn lzfse(packed: &[u8]) -> Vec<u8> {
    candor_fixtures::container::dmg_of(&[(0x8000_0007, packed.to_vec())])
}

/// A 32-bit program whose code is `code`, and which may write to itself.
pub(crate) fn program(code: &[u8]) -> Vec<u8> {
    let mut file = vec![0_u8; 0x200];
    let mut put = |offset: usize, bytes: &[u8]| file[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &[0x40]);
    put(0x40, b"PE\0\0\x4c\x01\x01\0");
    put(0x54, &[0xe0, 0, 0x0f, 1]);
    let size = u32::try_from(code.len()).unwrap_or(0);
    let numbers =
        [(0, 0x10b), (16, 0x1000), (28, 0x40_0000), (32, 0x1000), (36, 0x200), (56, 0x8000), (60, 0x200)];
    for (offset, value) in numbers {
        put(0x58 + offset, &u32::to_le_bytes(value));
    }
    put(0x58 + 92, &[16]);
    put(0x138, b".packed\0");
    for (offset, value) in [(8, 0x4000), (12, 0x1000), (16, size), (20, 0x200), (36, 0xe000_0020)] {
        put(0x138 + offset, &u32::to_le_bytes(value));
    }
    file.extend_from_slice(code);
    file
}

/// Takes everything, reads streams as far as the budget goes, and counts.
struct Strict {
    budget: Budget,
    length: u64,
    children: u32,
    stop_after: u32,
    after_stop: u32,
    calls_after_stop: u32,
}

impl Sink for Strict {
    fn child(&mut self, kind: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        assert!(member.name.len() <= 1 << 20, "a name of {} bytes", member.name.len());
        if let ChildKind::Embedded { offset } = kind {
            assert!(offset <= self.length, "embedded at {offset} of {}", self.length);
        }
        if self.children >= self.stop_after || self.budget.remaining() == 0 {
            self.after_stop += 1;
            assert!(self.after_stop <= self.calls_after_stop, "goes on after it was told to stop");
            return Flow::Stop;
        }
        self.children += 1;
        match content {
            Content::Absent(reason) => assert_ne!(reason, Reason::Crashed),
            Content::Bytes(bytes) | Content::Part(bytes, _) => {
                drop(self.budget.spend((bytes.len() as u64).min(self.budget.remaining())))
            }
            Content::Stream(stream) => {
                let limit = self.budget.growth(self.length);
                let mut read = Vec::new();
                drop(stream.take(limit).read_to_end(&mut read));
                self.budget.spend(read.len() as u64).expect("no more than was allowed is read");
            }
        }
        if self.children >= self.stop_after || self.budget.remaining() == 0 {
            Flow::Stop
        } else {
            Flow::Continue
        }
    }

    fn facts(&mut self, facts: Facts) {
        for icon in &facts.icons {
            assert_eq!(u64::from(icon.size).pow(2), icon.pixels.len() as u64);
        }
    }

    fn incomplete(&mut self, reason: Reason) {
        assert_ne!(reason, Reason::Crashed, "parsers do not decide on that");
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

#[cfg(test)]
mod tests {
    use super::{folded, unfolded};

    #[test]
    fn a_folded_file_stands_for_itself() {
        for file in
            [&b""[..], b"a", &[0; 40], &[&b"ab"[..], &[0; 70_000], b"c\0\0d", &[0; 15], b"e"].concat()]
        {
            assert_eq!(unfolded(&folded(file)), file);
        }
        let image = crate::seed::files().into_iter().max_by_key(Vec::len).unwrap();
        let small = folded(&image);
        assert_eq!(unfolded(&small), image);
        assert!(small.len() < image.len() / 100, "{} bytes of {}", small.len(), image.len());
    }
}
