//! Parsers keep to their budget and to what the sink tells them.

use std::io::Read;

use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Reason, Sink,
};

/// Calls of a sink that one parser may make after it was told to stop.
const CALLS_AFTER_STOP: u32 = 1;

/// Hands `bytes` to the parser of each of `types`, once with room and once with hardly any.
pub(crate) fn unpack(types: &[FileType], bytes: &[u8]) {
    for file_type in types {
        for (max_scan_size, stop_after) in [(4 << 20, u32::MAX), (3_000, u32::MAX), (1 << 20, 1)] {
            let limits = Limits { max_scan_size, max_file_size: 1 << 20, ..Limits::default() };
            let mut sink = Strict {
                budget: Budget::new(limits, Interrupt::new(), bytes.len() as u64),
                length: bytes.len() as u64,
                children: 0,
                stop_after,
                after_stop: 0,
            };
            candor_unpack::unpack(*file_type, bytes, &mut sink);
            assert!(sink.budget.bytes() <= max_scan_size, "over its budget");
        }
    }
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
}

impl Sink for Strict {
    fn child(&mut self, kind: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        assert!(member.name.len() <= 1 << 20, "a name of {} bytes", member.name.len());
        if let ChildKind::Embedded { offset } = kind {
            assert!(offset <= self.length, "embedded at {offset} of {}", self.length);
        }
        if self.children >= self.stop_after || self.budget.remaining() == 0 {
            self.after_stop += 1;
            assert!(self.after_stop <= CALLS_AFTER_STOP, "goes on after it was told to stop");
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
