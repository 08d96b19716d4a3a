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

/// Four letters again and again, packed with NRV2E.
fn repeated(word: &[u8; 4], length: usize) -> Vec<u8> {
    let mut out = Output::new(8);
    out.literals(word);
    out.bits(&[0, 1, 1]);
    out.bytes.push(3 << 1 | 1);
    out.bits(&[0]);
    let number = length - 4 - 4;
    let digits = number.ilog2();
    for place in (0..digits).rev() {
        out.bits(&[(number >> place & 1) as u32, u32::from(place == 0)]);
    }
    out.end(8);
    out.bytes
}

/// A block with bytes that a filter was applied to, as they are or packed.
fn block(plain: &[u8], filter: [u8; 2]) -> Vec<u8> {
    let packed =
        plain.first_chunk().filter(|word| plain.len() >= 64 && word.repeat(plain.len() / 4) == plain);
    let (method, bytes) = packed.map_or((0, plain.to_vec()), |word| (8, repeated(word, plain.len())));
    let sizes = [plain.len() as u32, bytes.len() as u32].map(u32::to_le_bytes).concat();
    [&sizes[..], &[method, filter[0], filter[1], 0], &bytes].concat()
}

/// A header of a 64-bit program with these program headers: kind, flags, place in the file and in memory, size.
fn elf_headers(segments: &[[u32; 5]]) -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(64, 0);
    (out[16], out[20], out[32], out[54], out[56]) = (2, 1, 64, 56, segments.len() as u8);
    for [kind, flags, offset, address, size] in segments {
        out.extend([kind.to_le_bytes(), flags.to_le_bytes()].concat());
        for number in [*offset, *address, 0, *size, *size, 0] {
            out.extend(u64::from(number).to_le_bytes());
        }
    }
    out
}

/// Code with a call of what stands 0x1234 bytes behind the place that says so, and a jump on a condition; and both as the filter
/// of x86 leaves them.
fn code(length: usize) -> [Vec<u8>; 2] {
    let mut plain = vec![0x90; length];
    plain[0x20..0x25].copy_from_slice(&[0xe8, 0x34, 0x12, 0, 0]);
    plain[0x30..0x36].copy_from_slice(&[0x0f, 0x84, 0x34, 0x12, 0, 0]);
    let mut filtered = plain.clone();
    filtered[0x21..0x25].copy_from_slice(&[5, 0, 0x12, 0x55]);
    filtered[0x32..0x36].copy_from_slice(&[5, 0, 0x12, 0x66]);
    [plain, filtered]
}

/// A program, and the same packed: two segments, something between them, and something behind them.
fn elf_pair() -> [Vec<u8>; 2] {
    let headers = elf_headers(&[[1, 4, 0, 0, 0x200], [1, 5, 0x300, 0x1300, 0x100]]);
    let [plain, filtered] = code(0x100);
    let (head, gap, tail) =
        (b"head".repeat((0x200 - headers.len()) / 4), b"gap.".repeat(0x40), b"tail".repeat(0x30));
    let whole = [&headers[..], &head, &gap, &plain, &tail].concat();
    let size = (whole.len() as u32).to_le_bytes();
    let blocks = [block(&headers, [0, 0]), block(&head, [0, 0]), block(&filtered, [0x49, 5])].concat();
    let mut end = 64 + 56 + 24 + blocks.len() + 10;
    let mut packed = elf_headers(&[[1, 5, 0, 0x5000, end as u32]]);
    packed.extend([&[0; 4][..], b"UPX!", &[0; 8], &size, &size, &blocks, &[0; 10]].concat());
    assert_eq!(packed.len(), end);
    end = end.next_multiple_of(4);
    packed.resize(end, 0xcc);
    packed.extend([block(&gap, [0, 0]), block(&tail, [0, 0])].concat());
    packed.extend([&[0; 4][..], b"UPX!", &[0; 36], &(64 + 56 + 12_u32).to_le_bytes()].concat());
    [whole, packed]
}

fn unpacked(file_type: FileType, bytes: &[u8]) -> Option<Vec<u8>> {
    let collected = Collected::of(file_type, bytes);
    let child = collected.children.into_iter().find(|child| child.member.name == "unpacked")?;
    assert!(collected.details.contains(&("packer", String::from("UPX"))));
    Some(child.bytes)
}

#[test]
fn an_elf_file_comes_out_as_it_was_whatever_was_written_over() {
    let [whole, packed] = elf_pair();
    let sizes = 64 + 56 + 12;
    for (name, range) in [
        ("nothing", 0..0),
        ("letters", sizes - 8..sizes - 4),
        ("sizes", sizes..sizes + 12),
        ("all", sizes - 12..sizes + 12),
    ] {
        let mut packed = packed.clone();
        packed[range].fill(0);
        assert_eq!(unpacked(FileType::Elf, &packed).unwrap(), whole, "{name}");
        packed.truncate(packed.len() - 8);
        assert_eq!(unpacked(FileType::Elf, &packed).unwrap(), whole, "{name}, without its end");
        packed.extend([0x55; 100]);
        assert_eq!(unpacked(FileType::Elf, &packed).unwrap(), whole, "{name}, with something behind it");
    }
}

#[test]
fn a_library_comes_out_as_it_was() {
    // The start as it is, code, and what is written to, which is not packed: in it the table for the linker.
    let segments = |place: u32, size: u32| {
        [[1, 5, 0, 0, size], [1, 6, place, 0x2000, 0x40], [2, 6, place, 0x2000, 0x20]]
    };
    let inner = [
        [1, 4, 0, 0, 0x180],
        [1, 5, 0x200, 0x1000, 0x100],
        [1, 6, 0x300, 0x2000, 0x40],
        [2, 6, 0x300, 0x2000, 0x20],
    ];
    let headers = elf_headers(&inner);
    let [plain, filtered] = code(0x100);
    let written = |start: u64| [12, start, 0, 0, 7, 7, 7, 7].map(u64::to_le_bytes).concat();
    let names = vec![b'n'; 0x180 - headers.len()];
    let gap = b"gap.".repeat(0x20);
    let whole = [&headers[..], &names, &gap, &plain, &written(0x1010)].concat();
    let blocks = [block(&headers, [0, 0]), block(&filtered, [0x49, 5])].concat();
    let mark = (0x180 + 24 + blocks.len()).next_multiple_of(4);
    let end = mark + 0x20;
    let mut packed = elf_headers(&segments(0x800, end as u32));
    packed.extend(vec![b'n'; 0x180 - packed.len()]);
    packed.extend([&[0; 4][..], b"UPX!", &[0; 16], &blocks].concat());
    packed.resize(mark, 0);
    packed.extend([mark as u32, 0x1010].map(u32::to_le_bytes).concat());
    packed.resize(end, 0xcc);
    packed.extend(block(&gap, [0, 0]));
    packed.resize(0x800, 0);
    packed.extend(written(mark as u64 + 8));
    packed.extend([&[0; 40][..], &(0x180 + 12_u32).to_le_bytes()].concat());
    assert_eq!(unpacked(FileType::Elf, &packed).unwrap(), whole);
    packed.truncate(packed.len() - 4);
    assert_eq!(unpacked(FileType::Elf, &packed).unwrap(), whole, "found by its letters");
}

#[test]
fn filters_of_arm_count_in_instructions() {
    for (filter, calls) in [(0x50, [0x0b00_1234_u32, 0xeb00_1234]), (0x52, [0x9400_1234, 0x1400_1234])] {
        let mut code = [0x1200_0000, calls[0] + 1, calls[1] + 2].map(u32::to_le_bytes).concat();
        super::filter::undo(filter, 0, &mut code);
        assert_eq!(code, [0x1200_0000, calls[0], calls[1]].map(u32::to_le_bytes).concat(), "{filter:x}");
    }
}

/// A program for Windows, and the same packed, with the place of the header of UPX.
fn pe_pair(is_64_bit: bool, is_library: bool) -> ([Vec<u8>; 2], usize) {
    let width = if is_64_bit { 8 } else { 4 };
    let directories = 24 + if is_64_bit { 112 } else { 96 };
    let headers = |entry: u32, imports: u32, sections: &[[u32; 4]]| {
        let mut out = vec![0; directories + 128];
        let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, b"PE\0\0\x4c\x01");
        put(6, &[sections.len() as u8]);
        put(20, &[(directories + 128 - 24) as u8, 0, 2, if is_library { 0x20 } else { 0 }]);
        put(24, if is_64_bit { b"\x0b\x02" } else { b"\x0b\x01" });
        let base = if is_64_bit { 48 } else { 52 };
        let numbers = [
            (28, 0x200),
            (40, entry),
            (44, 0x1000),
            (base, 0x40_0000),
            (56, 0x1000),
            (60, 0x200),
            (80, 0x8000),
        ];
        for (at, number) in
            numbers.into_iter().chain([(84, 0x400), (directories - 4, 16), (directories + 8, imports)])
        {
            put(at, &u32::to_le_bytes(number));
        }
        put(directories + 40, &0x3000_u32.to_le_bytes());
        for section in sections {
            out.extend([0; 8]);
            out.extend(section.map(u32::to_le_bytes).concat());
            out.extend([0, 0, 0, 0xe000_0020_u32].map(u32::to_le_bytes).concat());
        }
        out
    };
    let dos = |headers: &[u8]| {
        let mut out = b"MZ".to_vec();
        out.resize(0x3c, 0);
        out.extend([&[0x40, 0, 0, 0][..], headers].concat());
        out.resize(0x400, 0);
        out
    };
    let inner = headers(0x1010, 0x2000, &[[0x200, 0x1000, 0x200, 0x400], [0x200, 0x2000, 0x200, 0x600]]);
    let [mut plain, mut filtered] = code(0x200);
    if !is_64_bit {
        // Its filter knows no conditions.
        filtered[0x30..0x36].copy_from_slice(&plain[0x30..0x36]);
    }
    plain[0x40..0x44].copy_from_slice(&0x40_2000_u32.to_le_bytes());
    plain[0x44..0x48].fill(0);
    filtered[0x40..0x48].fill(0);
    filtered[0x40 + width - 2] = 0x10;
    if !is_64_bit {
        filtered[0x44..0x48].fill(0);
    }
    let mut names = vec![0; 0x200];
    for (at, number) in [(12, 0x2080_u32), (0x60, 0x2090)] {
        names[at..at + 4].copy_from_slice(&number.to_le_bytes());
    }
    let taken = names.clone();
    names[16..20].copy_from_slice(&0x2060_u32.to_le_bytes());
    names[0x80..0x86].copy_from_slice(b"ab.dll");
    names[0x92..0x96].copy_from_slice(b"Call");
    let whole = [dos(&inner), plain, names].concat();
    let mut image = filtered;
    image.resize(0x1000, 0);
    image.extend(taken);
    let lists = image.len() as u32;
    image.extend([0x40_u32, 0x1060].map(u32::to_le_bytes).concat());
    image.extend([&b"\x01Call\0\0\0\0\0\0"[..], &[0x44, 0]].concat());
    let place = image.len() as u32;
    image.extend(inner);
    image.extend(
        [&lists.to_le_bytes()[..], &[0; 4], &(lists + 19).to_le_bytes(), &[0], &place.to_le_bytes()].concat(),
    );
    let mut output = Output::new(8);
    output.literals(&image);
    output.end(8);
    let mut body =
        [&b"4.22\0UPX!\x0d\x24\x08\x0a"[..], &[0; 4], &crate::adler::adler(&output.bytes).to_le_bytes()]
            .concat();
    body.extend([image.len() as u32, output.bytes.len() as u32, 0].map(u32::to_le_bytes).concat());
    body.extend([if is_64_bit { 0x49 } else { 0x26 }, 5, 0, 0]);
    let source = 0x5000 + body.len() as u32;
    body.extend(output.bytes);
    let entry = 0x5000 + body.len() as u32;
    if is_library {
        body.extend(b"\x80\x7c\x24\x08\x01\x0f\x85\0\0\0\0");
    }
    let next = 0x5000 + body.len() as u32;
    if is_64_bit {
        body.extend(
            [
                &b"\x53\x56\x57\x55\x48\x8d\x35"[..],
                &source.wrapping_sub(next + 11).to_le_bytes(),
                b"\x48\x8d\xbe",
            ]
            .concat(),
        );
    } else {
        body.extend([&b"\x60\xbe"[..], &(0x40_0000 + source).to_le_bytes(), b"\x8d\xbe"].concat());
    }
    body.extend(0x1000_u32.wrapping_sub(source).to_le_bytes());
    body.extend(b"\x57\xc3");
    body.resize(body.len().next_multiple_of(0x200), 0);
    let size = body.len() as u32;
    let sections =
        [[0x4000, 0x1000, 0, 0x400], [0x2000, 0x5000, size, 0x400], [0x1000, 0x7000, 0x200, 0x400 + size]];
    let mut packed = [dos(&headers(entry, 0x7000, &sections)), body].concat();
    packed.resize(packed.len() + 0x40, 0);
    packed.extend(b"ab.dll");
    packed.resize(packed.len().next_multiple_of(0x200), 0);
    ([whole, packed], 0x405)
}

#[test]
fn a_program_for_windows_comes_out_as_it_was_whatever_was_written_over() {
    for (is_64_bit, is_library) in [(false, false), (false, true), (true, false), (true, true)] {
        let ([whole, packed], header) = pe_pair(is_64_bit, is_library);
        let ranges =
            [("nothing", 0..0), ("letters", header..header + 4), ("a sum", header + 12..header + 16)];
        for (name, range) in ranges {
            let mut packed = packed.clone();
            packed[range].fill(0);
            let made = unpacked(FileType::MsExe, &packed);
            assert!(made.unwrap() == whole, "{is_64_bit} {is_library} {name}");
        }
        // Nothing says what filter it was, and there are not calls enough to see it.
        let mut packed = packed.clone();
        packed[header..header + 32 - 4].fill(0);
        let made = unpacked(FileType::MsExe, &packed).unwrap();
        assert!(
            made.len() == whole.len() && made[..0x400] == whole[..0x400] && made[0x440..] == whole[0x440..]
        );
    }
}

#[test]
fn what_is_tried_is_paid_for_and_what_is_too_large_is_told() {
    let ([_, mut packed], header) = pe_pair(true, false);
    let limits = candor_model::Limits { max_file_size: 0x1000, ..candor_model::Limits::default() };
    let collected = Collected::with_limits(FileType::MsExe, &packed, limits);
    assert_eq!((collected.children.len(), collected.incomplete), (0, vec![Reason::FileSize]));
    assert_eq!(Collected::without_work(FileType::MsExe, &packed).children.len(), 1, "nothing is tried");
    packed[header..header + 28].fill(0);
    assert!(Collected::work_of(FileType::MsExe, &packed) >= 0x6000);
    let collected = Collected::without_work(FileType::MsExe, &packed);
    assert!(collected.children.is_empty() && collected.incomplete.contains(&Reason::Work), "{collected:?}");
}

#[test]
fn the_mark_of_calls_is_seen_where_it_is_not_told() {
    let calls: Vec<u8> =
        (0..30_u8).flat_map(|call| [0xe8, if call < 20 { 7 } else { call }, 0, 1, call]).collect();
    assert_eq!(super::filter::likely_mark(&calls), Some(7));
    assert_eq!(super::filter::likely_mark(&calls[5 * 10..]), None);
}

#[test]
fn what_windows_looks_for_in_the_packed_program_is_kept() {
    let ([_, mut packed], _) = pe_pair(true, false);
    // Resources in the third section.
    let directory = 0x40 + 24 + 112 + 16;
    packed[directory..directory + 4].copy_from_slice(&0x7100_u32.to_le_bytes());
    let collected = Collected::of(FileType::MsExe, &packed);
    let made = &collected.children.iter().find(|child| child.member.name == "unpacked").unwrap().bytes;
    let file = crate::pe::PortableExecutable::parse(made).unwrap();
    assert_eq!((file.sections.len(), file.directory(2)), (3, Some((0x7100, 0))));
    assert!(crate::reader::clipped(made, file.offset_of(0x7040).unwrap(), 6) == b"ab.dll");
    assert!(Collected::of(FileType::MsExe, made).anomalies.is_empty());
}

#[test]
fn any_change_of_a_packed_program_ends_quietly() {
    let (pe, _) = pe_pair(true, false);
    for (file_type, [_, packed]) in [(FileType::Elf, elf_pair()), (FileType::MsExe, pe)] {
        for place in (0..packed.len()).step_by(3) {
            let mut packed = packed.clone();
            packed[place] = !packed[place];
            let _ = Collected::of(file_type, &packed);
        }
        for end in (0..packed.len()).step_by(7) {
            let _ = Collected::of(file_type, &packed[..end]);
        }
    }
}

#[test]
fn damage_is_told_and_the_rest_is_given() {
    let [whole, mut packed] = elf_pair();
    // The second block, whose bytes end too early.
    let place = 64 + 56 + 24 + 12 + 64 + 2 * 56;
    packed[place + 12..place + 16].fill(0);
    let collected = Collected::of(FileType::Elf, &packed);
    let told = Reason::Malformed(String::from("a block of UPX"));
    assert!(collected.incomplete.contains(&told), "{collected:?}");
    assert_eq!(collected.children[0].bytes[0x200..], whole[0x200..]);
}
