//! LZFu, the form in which Outlook keeps the RTF of a mail, in compound files and in TNEF.
//!
//! Layout: MS-OXRTFCP 2.1. A header, then groups of a byte of flags and eight tokens, least significant bit first: a literal,
//! or a copy out of a window that begins with what every RTF has. The copy from where writing goes on ends it.
//!
//! ```text
//! 0    length of what follows, of the RTF, "LZFu" or "MELA" (not compressed), check of the tokens: four bytes each
//! ```

use std::io::{self, ErrorKind, Read};

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::crc;
use crate::reader::{Reader, clipped};

const WINDOW: usize = 4096;
/// What the window begins with (2.1.3.1.4).
const DICTIONARY: &[u8; 207] = b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}\
{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier\
{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Gives the RTF of a mail. What is compressed and damaged is given as far as it can be read.
pub(crate) fn give(packed: &[u8], name: String, position: u64, sink: &mut dyn Sink) -> Flow {
    let mut reader = Reader::little(packed);
    let mut header = || Some((reader.u32()?, reader.u32()?, reader.u32()?.to_le_bytes(), reader.u32()?));
    let Some((packed_size, real_size, magic, check)) = header() else {
        sink.incomplete(Reason::Malformed("the header of compressed RTF".to_owned()));
        return Flow::Continue;
    };
    let rest = reader.rest();
    let member = Member {
        name,
        position,
        compressed_size: u64::try_from(packed.len()).ok(),
        real_size: Some(u64::from(real_size)),
        ..Member::default()
    };
    match &magic {
        b"LZFu" => {
            let counted = clipped(rest, 0, u64::from(packed_size).saturating_sub(12));
            let is_sound = crc::IEEE.on(0, counted) == check;
            let mut decoder = Lzfu::new(rest, u64::from(real_size), is_sound);
            sink.child(ChildKind::Extracted, &member, Content::Stream(&mut decoder))
        }
        b"MELA" => sink.child(ChildKind::Extracted, &member, Content::Bytes(rest)),
        _ => {
            sink.incomplete(Reason::Malformed("the header of compressed RTF".to_owned()));
            Flow::Continue
        }
    }
}

/// Decodes what follows the header.
struct Lzfu<'a> {
    reader: Reader<'a>,
    window: [u8; WINDOW],
    /// Where writing goes on.
    at: usize,
    flags: u8,
    /// Tokens that the flags are still for.
    tokens: u32,
    /// The copy that is going on: from where, and how many bytes.
    copy: (usize, usize),
    made: u64,
    real_size: u64,
    is_sound: bool,
    /// Once nothing more comes: what is wrong, if anything.
    end: Option<Result<(), &'static str>>,
}

impl<'a> Lzfu<'a> {
    fn new(tokens: &'a [u8], real_size: u64, is_sound: bool) -> Self {
        let mut window = [0; WINDOW];
        for (slot, byte) in window.iter_mut().zip(DICTIONARY) {
            *slot = *byte;
        }
        Self {
            reader: Reader::little(tokens),
            window,
            at: DICTIONARY.len(),
            flags: 0,
            tokens: 0,
            copy: (0, 0),
            made: 0,
            real_size,
            is_sound,
            end: None,
        }
    }

    /// The next byte; `None` at the end.
    fn byte(&mut self) -> Option<u8> {
        if self.copy.1 == 0 {
            self.copy = self.token()?;
        }
        let (from, left) = self.copy;
        self.copy = (from.wrapping_add(1) % WINDOW, left.saturating_sub(1));
        let byte = self.window.get(from).copied().unwrap_or(0);
        self.put(byte);
        self.at = self.at.wrapping_add(1) % WINDOW;
        self.made = self.made.saturating_add(1);
        Some(byte)
    }

    /// From where the next token copies how many bytes; a literal, which is put there, from where writing goes on.
    fn token(&mut self) -> Option<(usize, usize)> {
        if self.tokens == 0 {
            self.flags = self.reader.u8()?;
            self.tokens = 8;
        }
        self.tokens = self.tokens.saturating_sub(1);
        let is_copy = self.flags & 1 == 1;
        self.flags >>= 1;
        if !is_copy {
            let literal = self.reader.u8()?;
            self.put(literal);
            return Some((self.at, 1));
        }
        let (high, low) = (self.reader.u8()?, self.reader.u8()?);
        let from = usize::from(high) << 4 | usize::from(low >> 4);
        if from == self.at {
            self.end = Some(if self.is_sound { Ok(()) } else { Err("the check of compressed RTF") });
            return None;
        }
        Some((from, usize::from(low & 15).saturating_add(2)))
    }

    fn put(&mut self, byte: u8) {
        if let Some(slot) = self.window.get_mut(self.at) {
            *slot = byte;
        }
    }

    /// What is wrong, when nothing more comes. What ends without the copy that ends it is whole when it is as long as it says.
    fn end(&mut self) -> Result<(), &'static str> {
        let is_whole = self.made >= self.real_size;
        let missing = if is_whole { Ok(()) } else { Err("compressed RTF is cut short") };
        *self.end.get_or_insert(missing)
    }
}

impl Read for Lzfu<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut written = 0_usize;
        for slot in buffer {
            let Some(byte) = (if self.end.is_none() { self.byte() } else { None }) else {
                // What came before is taken first.
                return match self.end() {
                    Err(what) if written == 0 => Err(io::Error::new(ErrorKind::InvalidData, what)),
                    _ => Ok(written),
                };
            };
            *slot = byte;
            written = written.saturating_add(1);
        }
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use candor_fixtures::document;
    use candor_model::{FileType, Reason};

    use crate::collected::{Child, Collected};

    /// What is given of compressed RTF in a mail.
    fn given(packed: &[u8]) -> Vec<Child> {
        let mail = document::compound("", &[("__substg1.0_10090102", packed.to_vec())]);
        Collected::of(FileType::MsOle2, &mail).children.split_off(1)
    }

    #[test]
    fn the_examples_of_the_specification_are_decoded() {
        // MS-OXRTFCP 3.2.1 and 3.2.2: copies out of what every RTF has, and one of what it makes itself.
        for (packed, text) in [
            (
                &b"\x2d\0\0\0\x2b\0\0\0LZFu\xf1\xc5\xc7\xa7\x03\0\x0a\0rcpg125B2\x0a\xf3 hel\x09\0 bw\x05\xb0ld}\x0a\x80\x0f\xa0"[..],
                &b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"[..],
            ),
            (
                b"\x1a\0\0\0\x1c\0\0\0LZFu\xe2\xd4KQA\0\x04 WXYZ\x0dn}\x01\x0e\xb0",
                b"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}",
            ),
            (b"\x0f\0\0\0\x03\0\0\0MELA\0\0\0\0abc", b"abc"),
        ] {
            let found = given(packed);
            assert_eq!((found.len(), &found[0].bytes[..], &found[0].absent), (1, text, &None));
            assert_eq!(found[0].member.name, "__substg1.0_10090102.rtf");
        }
    }

    #[test]
    fn what_is_damaged_is_kept_and_told() {
        let text = b"{\\rtf1 ".repeat(1000);
        let packed = document::compressed_rtf(&text);
        assert_eq!((&given(&packed)[0].bytes, &given(&packed)[0].absent), (&text, &None));
        let told = |what: &str| Some(Reason::Malformed(what.to_owned()));
        for end in [16, 17, 100, packed.len() - 10] {
            let found = given(&packed[..end]);
            assert!(text.starts_with(&found[0].bytes) && found[0].bytes.len() + 20 > (end - 16) * 8 / 9);
            assert_eq!(found[0].absent, told("compressed RTF is cut short"), "{end}");
        }
        let mut other = packed;
        other[12] ^= 1;
        assert_eq!(
            (&given(&other)[0].bytes, &given(&other)[0].absent),
            (&text, &told("the check of compressed RTF"))
        );
        other[8] = b'X';
        assert_eq!(given(&other), []);
    }
}
