//! Mails whose lines end with CR alone, which no standard allows and many readers take.

use std::io::{self, Read};

/// Whether the first line ends so.
pub(super) fn begins(bytes: &[u8]) -> bool {
    let end = memchr::memchr2(b'\r', b'\n', bytes).and_then(|end| bytes.get(end..));
    end.is_some_and(|end| end.starts_with(b"\r") && !end.starts_with(b"\r\n"))
}

/// The text with LF in the place of each CR that is alone.
pub(super) struct Mended<'a>(pub(super) &'a [u8]);

impl Read for Mended<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let length = self.0.read(into)?;
        let mended = into.get_mut(..length).unwrap_or_default();
        // The last one read may be of a pair.
        let mut next = self.0.first().copied();
        for byte in mended.iter_mut().rev() {
            let behind = next.replace(*byte);
            if *byte == b'\r' && behind != Some(b'\n') {
                *byte = b'\n';
            }
        }
        Ok(length)
    }
}
