//! Brotli (RFC 7932): one stream, and streams in frames, as relatives of 7-Zip write them.
//!
//! ```text
//! 0   50 2a 4d 18, 8, packed length, "BR", a hint at the real length; the stream
//! ```

use std::io::{self, Cursor, ErrorKind, Read};

use brotli_decompressor::Decompressor;

use crate::codec::{Decoder, failed};
use crate::pace::{Doubted, Pace, Paced};
use crate::reader::{Reader, clipped};

/// Bytes that are read ahead.
const AHEAD: usize = 4096;
/// Widest window, in bits. Those of the RFC have 24 at most; of its extension, what Zstandard is allowed, too.
const WINDOW: u8 = 27;
/// The beginning of a frame.
const FRAME: &[u8] = b"\x50\x2a\x4d\x18\x08\0\0\0";

/// One stream, whose blocks cost what may be paid for. What stands behind its end is not looked at.
pub(crate) fn stream<'a>(source: impl Read + 'a, pace: &Pace) -> Decoder<'a> {
    let mut source = Doubted::new(source, pace.clone());
    let mut start = Vec::new();
    if let Err(error) = source.by_ref().take(2).read_to_end(&mut start) {
        return failed(error.kind(), error.to_string());
    }
    // The window is made before a byte comes out, however little does.
    if let [first, second] = *start
        && first & 0x7f == 0x11
        && second & 0x3f > WINDOW
    {
        return failed(ErrorKind::Unsupported, "a window of this size");
    }
    let decoder = Decompressor::new(Cursor::new(start).chain(source), AHEAD);
    Box::new(Paced::doubted(decoder, pace.clone()))
}

/// The content of all frames as one, or of a stream that is in none.
pub(crate) fn frames<'a>(bytes: &'a [u8], pace: &Pace) -> Decoder<'a> {
    if bytes.starts_with(FRAME) {
        Box::new(Frames { rest: bytes, current: None, pace: pace.clone() })
    } else {
        stream(bytes, pace)
    }
}

struct Frames<'a> {
    rest: &'a [u8],
    current: Option<Decoder<'a>>,
    pace: Pace,
}

impl<'a> Frames<'a> {
    fn open(&mut self) -> Option<Decoder<'a>> {
        let mut reader = Reader::little(self.rest.strip_prefix(FRAME)?);
        let packed = u64::from(reader.u32()?);
        if reader.take(2)? != b"BR" {
            return None;
        }
        reader.skip(2)?;
        let data = clipped(reader.rest(), 0, packed);
        self.rest = reader.rest().get(data.len()..)?;
        Some(stream(data, &self.pace))
    }
}

impl Read for Frames<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            if let Some(current) = &mut self.current {
                let read = current.read(buffer)?;
                if read > 0 {
                    return Ok(read);
                }
            }
            if self.rest.is_empty() {
                return Ok(0);
            }
            self.current = self.open();
            if self.current.is_none() {
                self.rest = &[];
                return Err(io::Error::new(ErrorKind::InvalidData, "a frame of Brotli is damaged"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{ErrorKind, Read};

    use candor_model::{Budget, Interrupt, Limits};

    use super::{frames, stream};
    use crate::pace::Pace;

    /// What `brotli.compress` of Python makes of [`text`]: words of its dictionary, changed and not, and copies.
    const PACKED: &str = "1b070ee01d07764cf88d1f072b446b10aab4b9ed534677a7c2d02017078ebb9b4098f82f4b2831cb\
        43862dea77dcaafe5f9d47d9bb2b534161c8e4fd450a00c0640a430c2479e442eb2e8a3ba56f0d";

    fn text() -> Vec<u8> {
        let line =
            b"The information in this document was received from the government of the United States. ";
        [
            line.repeat(40),
            b"Different development, according to the President: </script><a href=\"#\">".to_vec(),
        ]
        .concat()
    }

    fn bytes(digits: &str) -> Vec<u8> {
        let pairs = digits.as_bytes().as_chunks::<2>().0;
        pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    fn all(mut source: impl Read) -> (Vec<u8>, Option<ErrorKind>) {
        let mut out = Vec::new();
        let outcome = source.read_to_end(&mut out);
        (out, outcome.err().map(|error| error.kind()))
    }

    fn pace() -> Pace {
        Pace::on(&Budget::new(Limits::default(), Interrupt::new(), 0))
    }

    fn frame(packed: &[u8]) -> Vec<u8> {
        let length = (packed.len() as u32).to_le_bytes();
        [b"\x50\x2a\x4d\x18\x08\0\0\0", &length[..], b"BR\x01\0", packed].concat()
    }

    #[test]
    fn streams_are_read_alone_and_in_frames() {
        let packed = bytes(PACKED);
        assert!(packed.len() < text().len() / 10);
        assert_eq!(all(stream(packed.as_slice(), &pace())), (text(), None));
        assert_eq!(all(frames(&packed, &pace())), (text(), None));
        let two = [frame(&packed), frame(&packed)].concat();
        assert_eq!(all(frames(&two, &pace())), ([text(), text()].concat(), None));
        assert_eq!(all(stream(&[6][..], &pace())), (Vec::new(), None));
    }

    #[test]
    fn what_came_before_the_damage_is_kept() {
        let packed = bytes(PACKED);
        let (start, error) = all(stream(&packed[..packed.len() - 20], &pace()));
        assert!(
            text().starts_with(&start) && start.len() > 60 && error.is_some(),
            "{} {error:?}",
            start.len()
        );
        let two = [frame(&packed), frame(&packed)].concat();
        let (start, error) = all(frames(&two[..two.len() - packed.len() - 3], &pace()));
        assert!(start == text() && error == Some(ErrorKind::InvalidData));
        assert!(all(stream(&[][..], &pace())).1.is_some());
    }

    #[test]
    fn windows_that_nobody_needs_are_refused() {
        // Large windows of 27 and of 28 bits, and an end at once.
        assert_eq!(all(stream(&[0x11, 27 | 0xc0][..], &pace())), (Vec::new(), None));
        assert_eq!(all(stream(&[0x11, 28 | 0xc0][..], &pace())), (Vec::new(), Some(ErrorKind::Unsupported)));
    }
}
