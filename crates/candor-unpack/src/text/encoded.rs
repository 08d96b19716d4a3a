//! Programs and scripts that stand in a text as base64: what `powershell -EncodedCommand` takes, and what
//! droppers carry in a string.
//!
//! Base64 is often broken over lines, as certificates are (`certutil -decode`) and as mails have it, and scripts put its
//! pieces together: runs of one length in lines that begin alike are one run, of which the last may be shorter.
//!
//! A long run of digits is decoded and given only when it is something: a program, an archive, a signed
//! message, or text, plain or in UTF-16. Keys and certificates, of which texts are full, are none of these. Streams of zlib are
//! something, too; those of deflate, which begin with nothing that tells them, where the text names what inflates. What other
//! archives, images of disks and programs are, whose marks stand further on, is asked of who tells types apart.
//!
//! Shorter runs are looked at where a decoder is named beside them: `base64 -d`, `FromBase64String`, `atob`, `b64decode`.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::io::Read as _;
use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, packed};
use candor_identify::{PREFIX, identify};
use candor_model::{FileType, Target};

use crate::cms;
use crate::codec::{self, Decoder};
use crate::reader::{Order, Reader};
use crate::transfer::{any, base64, is_base64_digit};
use crate::work::{Allowance, units};

/// Shortest run behind the option of a shell, and shortest one anywhere.
const COMMAND: usize = 16;
const BLOB: usize = 120;
/// Shortest run that others in the next lines may go on with, and what may stand behind one in its line, or before it.
const PIECE: usize = 32;
const AROUND: usize = 64;
/// Digits of a run that are looked at to see what it is: whole groups of four, of more bytes than are asked for.
const BEGIN: usize = 512;
/// The same where its type is asked for: as many as tell that of most files, and in long runs as many as tell images of disks.
const TYPED: usize = PREFIX.div_ceil(3) * 4;
const IMAGE: usize = 88_000;
/// Shortest run that is asked whether it is one: the mark of a CD stands behind as many.
const LONG: usize = 43_700;
/// How far before a run its option may begin.
const NEAR: usize = 40;

/// What it costs to come upon what may be the option of a shell, and upon one that is, in the units of
/// [`candor_model::Budget::pay_work`].
const BEGINNING: u64 = 32;
const OPTION: u64 = 256;
/// And what it costs to look for what goes on in the next line.
const LINE: u64 = 32;
/// What it costs to tell the type of a run, beside its digits.
const TYPE: u64 = 256;

/// What a run decodes to.
#[derive(Debug)]
pub(super) struct Run {
    /// Where it stands.
    pub(super) start: usize,
    pub(super) content: Vec<u8>,
    pub(super) packing: Packing,
}

/// How what a run decodes to is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Zlib,
    Deflate,
}

impl Packing {
    /// What is packed in this way.
    pub(super) fn decoder(self, content: &[u8]) -> Option<Decoder<'_>> {
        match self {
            Self::None => None,
            Self::Zlib => Some(codec::zlib(content)),
            Self::Deflate => Some(codec::deflate(content)),
        }
    }
}

/// What the runs of a text decode to, of those that are something. Without an `allowance` for more options of shells, what
/// stands behind these is not found, nor are more lines joined.
pub(super) fn found(text: &[u8], allowance: &Allowance) -> impl Iterator<Item = Run> {
    let (mut blob, mut command) = (next_run(text, 0), next_command(text, 0, allowance));
    let (inflates, decodes) = (OnceCell::new(), OnceCell::new());
    let next = move || {
        let start = blob.into_iter().chain(command).min()?;
        let rest = text.get(start..).unwrap_or_default();
        let length = run_length(rest);
        let (digits, end) = joined(text, start, length, allowance);
        let is_long = digits.len() >= BLOB
            || command == Some(start)
            || (*decodes.get_or_init(|| names(&DECODING, text, allowance))
                && has_decoder(text, start, end, allowance));
        if blob.is_some_and(|blob| blob < end) {
            blob = next_run(text, end);
        }
        if command.is_some_and(|command| command < end) {
            command = next_command(text, end, allowance);
        }
        // The beginning tells whether it is something.
        let beginning = || base64(digits.get(..BEGIN).unwrap_or(&digits));
        let packing = is_long.then(beginning).and_then(|beginning| {
            if is_something(&beginning) || is_typed(&digits, allowance) {
                return Some(Packing::None);
            }
            packing(&beginning, || *inflates.get_or_init(|| names(&INFLATING, text, allowance)), allowance)
        });
        let mut content = packing.map(|_| base64(&digits)).unwrap_or_default();
        if packing == Some(Packing::Deflate) && !is_deflate(&content, allowance) {
            content = Vec::new();
        }
        Some(Run { start, content, packing: packing.unwrap_or(Packing::None) })
    };
    std::iter::from_fn(next).filter(|run| !run.content.is_empty())
}

/// How far from a run its decoder is named.
const BESIDE: usize = 64;
/// What looking there costs.
const LOOK: u64 = 128;

/// Names in any case.
type Names = LazyLock<Option<AhoCorasick>>;

/// What each decoder of base64 is called in part.
static DECODING: Names = Names::new(|| any_case(&["base64", "b64", "atob"]));
/// What a script calls that inflates: `DeflateStream`, `gzinflate`, `gzuncompress`, `zlib.decompress`, `pako.inflate`.
static INFLATING: Names =
    Names::new(|| any_case(&["deflate", "inflate", "gzuncompress", "zlib", "decompress"]));

fn any_case(names: &[&str]) -> Option<AhoCorasick> {
    AhoCorasick::builder().ascii_case_insensitive(true).build(names).ok()
}

/// Whether a text has one of some names. That is looked for once, and costs as much as a pass of the matcher.
fn names(names: &Names, text: &[u8], allowance: &Allowance) -> bool {
    allowance.pay(units(text.len()) / 4) && is_named(names, text)
}

fn is_named(names: &Names, text: &[u8]) -> bool {
    names.as_ref().is_some_and(|names| names.is_match(text))
}

/// Whether a decoder is named beside a run.
fn has_decoder(text: &[u8], start: usize, end: usize, allowance: &Allowance) -> bool {
    if !allowance.pay(LOOK) {
        return false;
    }
    let before = text.get(start.saturating_sub(BESIDE)..start).unwrap_or_default();
    let behind = text.get(end..).unwrap_or_default();
    let behind = behind.get(..BESIDE).unwrap_or(behind);
    [before, behind].into_iter().any(|near| is_named(&DECODING, near))
}

/// What trying to inflate costs, and the bytes that come out of what is not only by chance as it should be.
const TRIAL: u64 = 512;
const INFLATED: usize = 64;

/// How much of what comes out of deflate is looked at before it is believed, and what a byte of it costs that goes in.
const BELIEVED: u64 = 1 << 20;
const INFLATE: u64 = 8;

/// Whether bytes are a stream of deflate up to its end: much that is none begins as one.
fn is_deflate(content: &[u8], allowance: &Allowance) -> bool {
    allowance.pay(units(content.len()).saturating_mul(INFLATE))
        && std::io::copy(&mut codec::deflate(content).take(BELIEVED), &mut std::io::sink()).is_ok()
}

/// How bytes are packed of which this is the beginning, if they are.
fn packing(beginning: &[u8], inflates: impl FnOnce() -> bool, allowance: &Allowance) -> Option<Packing> {
    let packing = match beginning {
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => Packing::Zlib,
        _ if inflates() => Packing::Deflate,
        _ => return None,
    };
    if !allowance.pay(TRIAL) {
        return None;
    }
    let (mut content, mut decoder) = (Vec::new(), packing.decoder(beginning)?.take(256));
    let is_whole = decoder.read_to_end(&mut content).is_ok();
    let is_packed = content.len() >= INFLATED || is_something(&content) || (is_whole && !content.is_empty());
    is_packed.then_some(packing)
}

/// Whether a text is one run, perhaps broken over lines, that is something.
pub(super) fn is_run(text: &[u8], allowance: &Allowance) -> bool {
    let text = text.trim_ascii();
    let (digits, end) = joined(text, 0, run_length(text), allowance);
    let beginning = digits.get(..BEGIN).unwrap_or(&digits);
    let is_something = || is_something(&base64(beginning)) || is_typed(&digits, allowance);
    end == text.len() && digits.len() >= BLOB && is_something()
}

/// Whether digits are those of a file of a type that hides content or is a program, as far as its beginning tells.
fn is_typed(digits: &[u8], allowance: &Allowance) -> bool {
    let near = (TYPED, true);
    let far = (IMAGE, digits.len() >= LONG);
    [near, far].into_iter().filter(|(_, is_asked)| *is_asked).any(|(most, _)| {
        let digits = digits.get(..most).unwrap_or(digits);
        allowance.pay(units(digits.len()).saturating_add(TYPE)) && is_file(&base64(digits))
    })
}

/// Whether this is the beginning of such a file.
fn is_file(beginning: &[u8]) -> bool {
    let found = identify(beginning);
    match found {
        // Two bytes are what keys and pictures begin with, too.
        FileType::Gzip => false,
        FileType::CpioOld => is_old_cpio(beginning),
        _ => found.hides_content() || matches!(found.target(), Target::Pe | Target::Elf | Target::MachO),
    }
}

/// Whether a member of an old cpio archive begins here: its name ends where its length says.
fn is_old_cpio(beginning: &[u8]) -> bool {
    let order = if beginning.starts_with(b"\xc7") { Order::Little } else { Order::Big };
    let length =
        Reader::new(beginning, order).at(20).and_then(|mut reader| reader.u16()).map_or(0, usize::from);
    // Behind the fixed part of a header, and more than the NUL behind it.
    let end = length.checked_sub(1).and_then(|last| beginning.get(last.checked_add(26)?));
    length > 1 && end == Some(&0)
}

/// The digits of the run of this `length` at `start` and of those in the next lines that go on with it, and where they end.
fn joined<'t>(text: &'t [u8], start: usize, length: usize, allowance: &Allowance) -> (Cow<'t, [u8]>, usize) {
    let mut end = start.saturating_add(length);
    let mut digits = Cow::Borrowed(text.get(start..end).unwrap_or_default());
    let mut before: Option<&[u8]> = None;
    // Padding is the end of what is broken over lines.
    while length >= PIECE && digits.last() != Some(&b'=') {
        if !allowance.pay(LINE) {
            break;
        }
        let Some(piece) = next_piece(text, end, length, before) else { break };
        digits.to_mut().extend_from_slice(piece.digits);
        end = piece.end;
        before = Some(piece.before);
        if piece.digits.len() < length {
            break;
        }
    }
    (digits, end)
}

/// A run that goes on with one in the line before.
struct Piece<'t> {
    /// What stands before it in its line.
    before: &'t [u8],
    digits: &'t [u8],
    end: usize,
}

/// The run in the next line behind `end` that goes on with those of this `length` that lines hold behind what stands `before`.
fn next_piece<'t>(text: &'t [u8], end: usize, length: usize, before: Option<&[u8]>) -> Option<Piece<'t>> {
    let behind = text.get(end..)?;
    let line_break = memchr::memchr(b'\n', behind.get(..AROUND).unwrap_or(behind))?;
    let from = end.checked_add(line_break)?.checked_add(1)?;
    let line = text.get(from..)?;
    let piece = |start: usize| {
        let digits = line.get(start..)?;
        // One that goes on is no piece.
        let count = run_length(digits.get(..length.saturating_add(1)).unwrap_or(digits));
        let digits = digits.get(..count).filter(|digits| (1..=length).contains(&digits.len()))?;
        let end = from.saturating_add(start).saturating_add(count);
        Some(Piece { before: line.get(..start)?, digits, end })
    };
    if let Some(before) = before {
        return line.starts_with(before).then(|| piece(before.len()))?;
    }
    let blanks = line.iter().take(AROUND).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    // What is before the second one is what is before those behind it. Words before it are none.
    let near = line.get(..AROUND).unwrap_or(line);
    let near = near.get(..memchr::memchr(b'\n', near).unwrap_or(near.len())).unwrap_or_default();
    let starts = near.iter().enumerate().filter(|(place, byte)| {
        let previous = place.checked_sub(1).and_then(|previous| line.get(previous));
        is_base64_digit(**byte) && !previous.is_some_and(|previous| is_base64_digit(*previous))
    });
    let mut starts = starts.map(|(start, _)| start);
    let whole = starts.find_map(|start| piece(start).filter(|piece| piece.digits.len() == length));
    whole.or_else(|| piece(blanks))
}

/// Where the first run starts that has at least [`PIECE`] digits, of those that start at `at` or behind.
fn next_run(text: &[u8], at: usize) -> Option<usize> {
    let mut start = at;
    loop {
        // The last byte that is no digit is where such a run can start behind; in most texts it is not far from the
        // end, so that of most bytes nobody asks what they are.
        let digits = text.get(start..start.checked_add(PIECE)?)?;
        match digits.iter().rposition(|byte| !is_base64_digit(*byte)) {
            Some(last) => start = start.saturating_add(last).saturating_add(1),
            None => return Some(start),
        }
    }
}

/// Where the first run starts that has at least [`COMMAND`] digits and stands behind the option of a shell, of those
/// that start at `at` or behind.
fn next_command(text: &[u8], at: usize, allowance: &Allowance) -> Option<usize> {
    let from = at.saturating_sub(NEAR);
    let mut affordable = options(text.get(from..)?, allowance).take_while(|_| allowance.pay(OPTION));
    affordable.find_map(|option| {
        let option = from.saturating_add(option);
        let first = option.saturating_add(1).max(at);
        let near = text.get(first..option.saturating_add(NEAR).saturating_add(1).min(text.len()))?;
        let starts = (first..).zip(near).filter(|(place, byte)| {
            let before = place.checked_sub(1).and_then(|before| text.get(before));
            is_base64_digit(**byte) && !before.is_some_and(|before| is_base64_digit(*before))
        });
        let mut starts = starts.map(|(place, _)| place);
        starts.find(|place| {
            let rest = text.get(*place..).unwrap_or_default();
            rest.iter().take(COMMAND).take_while(|byte| is_base64_digit(**byte)).count() == COMMAND
                && is_option(text.get(..*place).unwrap_or_default())
        })
    })
}

/// What an option for an encoded command begins with; looked for by vectors where the processor has them.
const BEGINNINGS: [&str; 6] = ["-e", "-E", "-^", "/e", "/E", "/^"];
static OPTIONS: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| packed::Searcher::new(BEGINNINGS));

/// Where something begins that may be such an option.
fn options(text: &[u8], allowance: &Allowance) -> impl Iterator<Item = usize> {
    let searcher = OPTIONS.as_ref();
    let by_vectors = searcher.map(|searcher| searcher.find_iter(text).map(|found| found.start()));
    let one_by_one = searcher.is_none().then(|| memchr::memchr2_iter(b'-', b'/', text));
    let places = by_vectors.into_iter().flatten().chain(one_by_one.into_iter().flatten());
    places.take_while(|_| allowance.pay(BEGINNING)).filter(|place| {
        let behind = text.get(place.saturating_add(1)..).unwrap_or_default();
        let length = behind.iter().take(NEAR).take_while(|byte| byte.is_ascii_alphabetic()).count();
        let (letters, behind) = behind.split_at_checked(length).unwrap_or_default();
        // What is behind `^` belongs to it, too; then this is only its beginning.
        letters.is_empty() && behind.first() == Some(&b'^') || is_name(letters)
    })
}

/// Whether these letters are the name of the option or its beginning.
fn is_name(letters: &[u8]) -> bool {
    let name = b"encodedcommand".get(..letters.len());
    !letters.is_empty()
        && (name.is_some_and(|name| name.eq_ignore_ascii_case(letters))
            || letters.eq_ignore_ascii_case(b"ec"))
}

/// How many digits `text` begins with.
fn run_length(text: &[u8]) -> usize {
    let is_run = |block: &&[u8; BLOCK]| !any(*block, |byte| !is_base64_digit(byte));
    let whole = text.as_chunks::<BLOCK>().0.iter().take_while(is_run).count().saturating_mul(BLOCK);
    let rest = text.get(whole..).unwrap_or_default();
    whole.saturating_add(rest.iter().take_while(|byte| is_base64_digit(**byte)).count())
}

/// Digits that are looked at together, by instructions for vectors.
const BLOCK: usize = 32;

/// Whether text ends with the option that an encoded command follows, in any of its abbreviations.
fn is_option(before: &[u8]) -> bool {
    let before = before.get(before.len().saturating_sub(NEAR)..).unwrap_or_default();
    let is_between = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'^' | b':');
    let end = before.iter().rposition(|byte| !is_between(byte)).map_or(0, |last| last.saturating_add(1));
    let before = before.get(..end).unwrap_or_default();
    let start = before.iter().rposition(|byte| !byte.is_ascii_alphabetic() && *byte != b'^').unwrap_or(0);
    let word: Vec<u8> = before.get(start..).unwrap_or_default().to_ascii_lowercase();
    let Some((b'-' | b'/', name)) = word.split_first() else { return false };
    let name: Vec<u8> = name.iter().copied().filter(|byte| *byte != b'^').collect();
    is_name(&name)
}

fn is_something(content: &[u8]) -> bool {
    let starts: [&[u8]; 10] = [
        b"MZ",
        b"PK\x03\x04",
        b"\x7fELF",
        b"%PDF",
        b"Rar!",
        b"7z\xbc\xaf",
        b"\x1f\x8b\x08",
        b"\xd0\xcf\x11\xe0",
        b"MSCF",
        b"ActiveMime",
    ];
    let is_printable = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    let near = content.get(..256).unwrap_or(content);
    let is_wide =
        near.len() > 8 && near.as_chunks::<2>().0.iter().all(|[low, high]| *high == 0 && is_printable(low));
    let is_plain = near.len() > 8 && near.iter().all(is_printable);
    starts.iter().any(|start| content.starts_with(start)) || cms::begins(content) || is_wide || is_plain
}

#[cfg(test)]
mod tests {
    use candor_fixtures::container::base64;

    use proptest::prelude::*;

    use super::{BLOB, COMMAND, is_option, is_something};
    use crate::transfer::base64 as plain;
    use crate::work::Allowance;

    fn found(text: &[u8]) -> Vec<Vec<u8>> {
        super::found(text, &Allowance::new(u64::MAX)).map(|run| run.content).collect()
    }

    fn wide(text: &str) -> Vec<u8> {
        text.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }

    #[test]
    fn encoded_commands_are_decoded() {
        let command = base64(&wide("calc.exe"));
        for option in ["-EncodedCommand", "-enc", "-e", "/ec", "-e^nc", "-EnCo"] {
            assert_eq!(
                found(format!("powershell -nop {option} {command}\r\n").as_bytes()),
                [wide("calc.exe")]
            );
        }
        assert!(found(format!("something -x {command}").as_bytes()).is_empty());
    }

    #[test]
    fn runs_are_found_wherever_they_start_and_end() {
        let command = base64(&wide("calc.exe"));
        for before in 0..40 {
            for behind in ["", " ", " ab", "-0123456789abcde "] {
                let text =
                    format!("{} -e {command}{behind}", "x".repeat(before % 16) + &" ".repeat(before / 16));
                assert_eq!(found(text.as_bytes()), [wide("calc.exe")], "{text}");
            }
        }
    }

    #[test]
    fn programs_in_strings_are_decoded_and_noise_is_not() {
        let program = [&b"MZ"[..], &[0x90; 200]].concat();
        assert_eq!(found(format!("var a = \"{}\";", base64(&program)).as_bytes()), [program]);
        let noise: Vec<u8> = (0..200_u8).map(|byte| byte.wrapping_mul(37) ^ 0xa5).collect();
        assert!(found(base64(&noise).as_bytes()).is_empty());
        assert_eq!(found(format!("{} ", base64(&[b'x'; 200])).repeat(100).as_bytes()).len(), 100);
    }

    #[test]
    fn archives_and_images_whose_marks_stand_further_on_are_decoded() {
        use candor_fixtures::archive::{Cpio, cpio, iso, tar};
        let files: &[(&str, &[u8])] = &[("name", &[7; 5_000])];
        let of = |kind| cpio(kind, files);
        let archives =
            [tar(files), of(Cpio::Newc), of(Cpio::Odc), of(Cpio::Binary), of(Cpio::BinaryBig), iso(files)];
        for archive in archives {
            for text in [base64(&archive), lines(&archive, 76, "", "\n")] {
                assert!(found(text.as_bytes()) == [&archive[..]], "{}", &text[..16]);
            }
            assert!(super::is_run(base64(&archive).as_bytes(), &Allowance::new(u64::MAX)));
        }
        // A mark of two bytes without a name behind it, and what may not be asked for.
        let noise = [&[0xc7, 0x71][..], &[0x93; 200]].concat();
        assert!(found(base64(&noise).as_bytes()).is_empty());
        let allowance = Allowance::new(super::TYPE);
        assert_eq!(super::found(base64(&tar(files)).as_bytes(), &allowance).count(), 0);
        assert!(allowance.is_over());
    }

    /// Base64 in lines of this `width`, each between these.
    fn lines(content: &[u8], width: usize, before: &str, behind: &str) -> String {
        let digits = base64(content);
        let lines = digits.as_bytes().chunks(width).map(|line| str::from_utf8(line).unwrap());
        lines.map(|line| format!("{before}{line}{behind}")).collect()
    }

    #[test]
    fn runs_that_are_broken_over_lines_are_joined() {
        let program = [&b"MZ"[..], &[0x90; 300], b"end"].concat();
        for width in [32, 57, 60, 64, 72, 76, 120, 200] {
            for (before, behind) in [
                ("", "\n"),
                ("", "\r\n"),
                ("    ", " \n"),
                ("", "\\\n"),
                ("echo ", ">> a.txt\r\n"),
                ("x = x & \"", "\"\r\n"),
                ("  + '", "'\n"),
                ("> ", "\n"),
            ] {
                let text = lines(&program, width, before, behind);
                assert_eq!(found(text.as_bytes()), [&program[..]], "{text}");
                // The first one may stand behind something else.
                let text = format!("<x>{}</x>", &text[before.len()..]);
                assert_eq!(found(text.as_bytes()), [&program[..]], "{text}");
            }
        }
        let text = |mark: &str| {
            let lines = lines(&program, 64, "", "\r\n");
            format!("rem\r\n-----BEGIN {mark}-----\r\n{lines}-----END {mark}-----\r\nrem\r\n").repeat(2)
        };
        assert_eq!(found(text("CERTIFICATE").as_bytes()), [&program[..], &program]);
        let two = "base64 -d <<E\n".to_owned() + &lines(&[b'x'; 96], 76, "", "\n") + "E\n";
        assert_eq!(found(two.as_bytes()), [[b'x'; 96]]);
    }

    #[test]
    fn lines_that_do_not_go_on_are_not_joined() {
        let program = [&b"MZ"[..], &[0x90; 119]].concat();
        // Padding ends what is broken, and so does a line that is longer.
        let text = (base64(&program) + "\n").repeat(3);
        assert_eq!(found(text.as_bytes()), [&program[..], &program, &program]);
        let text = format!("{}\n{}\n", base64(&program[..60]), base64(&program[..90]));
        assert_eq!(found(text.as_bytes()), [&program[..90]]);
        // Digests of one length are nothing.
        assert!(found("d41d8cd98f00b204e9800998ecf8427e\n".repeat(100).as_bytes()).is_empty());
    }

    #[test]
    fn lines_that_are_joined_are_paid_for() {
        let text = lines(&[b'x'; 4_800], 64, "", "\n");
        let allowance = Allowance::new(10 * super::LINE);
        let content: Vec<_> =
            super::found(text.as_bytes(), &allowance).map(|run| run.content.len()).collect();
        assert_eq!(content, [11 * 48]);
        assert!(allowance.is_over());
        // So is looking where nothing goes on.
        let text = format!("{}\n{}\n", "A".repeat(40), "B".repeat(41)).repeat(20);
        let allowance = Allowance::new(10 * super::LINE);
        assert_eq!(super::found(text.as_bytes(), &allowance).count(), 0);
        assert!(allowance.is_over());
    }

    /// What is found by definition: one run after the other.
    fn one_by_one(text: &[u8]) -> Vec<Vec<u8>> {
        let is_digit = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/=".contains(byte);
        let (mut found, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let length = text[at..].iter().take_while(|byte| is_digit(byte)).count();
            if length >= BLOB || (length >= COMMAND && is_option(&text[..at])) {
                let content = plain(&text[at..at + length]);
                found.extend(Some(content).filter(|content| is_something(content)));
            }
            at += length.max(1);
        }
        found
    }

    #[test]
    fn every_byte_ends_a_run_or_does_not() {
        for byte in 0..=u8::MAX {
            // One that is no digit leaves a run that is too short.
            let text = [&b" "[..], &b"QUFB".repeat(15), &[byte], &b"QUFB".repeat(15)[1..], b" "].concat();
            assert_eq!(found(&text), one_by_one(&text), "{byte}");
            let is_digit = byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            let run = text[1..121].iter().filter(|other| **other == byte).count();
            assert!(is_digit || run == 1);
        }
    }

    #[test]
    fn runs_just_long_enough_are_found_and_shorter_ones_are_not() {
        for before in 0..130 {
            for (length, count) in [(BLOB - 1, 0), (BLOB, 1), (BLOB + 1, 1), (3 * BLOB, 1)] {
                let text = format!("{}.{}", "a b".repeat(before)[..before].to_owned(), "QUFB".repeat(BLOB));
                let text = &text.as_bytes()[..before + 1 + length];
                assert_eq!(found(text).len(), count, "{before} {length}");
                assert_eq!(found(&[text, b" "].concat()).len(), count, "{before} {length}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_is_found_one_by_one(
            pieces in prop::collection::vec(
                prop_oneof![
                    4 => (prop_oneof![3 => 0_usize..24, 1 => 100_usize..140], Just("QUFB")).prop_map(|(length, text)| {
                        text.repeat(length)[..length].to_owned()
                    }),
                    4 => prop::sample::select(vec![" ", "\"", "^", ":", "'", "-", "/", "\t", "=", ".", "x"]).prop_map(str::to_owned),
                    3 => prop::sample::select(vec![
                        " -e ", " -E^nc ", "/ec ", " -^e ", "-e^", "-enco", "-encodedcommand ", "-encodedcommando ", "/e", "-ec:",
                    ]).prop_map(str::to_owned),
                    1 => (0_usize..45).prop_map(|length| " ".repeat(length)),
                ],
                0..30,
            ),
        ) {
            let text = pieces.concat();
            prop_assert_eq!(found(text.as_bytes()), one_by_one(text.as_bytes()), "{}", text);
        }
    }
}
