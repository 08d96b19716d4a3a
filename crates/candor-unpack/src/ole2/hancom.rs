//! Documents of Hancom's word processor (HWP 5): compound files whose streams are deflated.
//!
//! Layout: "HWP Document File Formats 5.0", 3.2.1 (`FileHeader`): a signature of 32 bytes, the version, bits.

use crate::reader::Reader;

const SIGNATURE: &[u8] = b"HWP Document File";
/// Where deflated streams stand, but for the one of the document's properties.
const STORAGES: [&str; 4] = ["BodyText", "ViewText", "BinData", "Scripts"];

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    is_compressed: bool,
    pub(super) is_encrypted: bool,
}

impl Header {
    pub(super) fn read(header: &[u8]) -> Option<Self> {
        let bits = Reader::little(header).at(36)?.u32()?;
        let is_encrypted = bits & 2 != 0;
        header.starts_with(SIGNATURE).then_some(Self { is_compressed: bits & 1 != 0, is_encrypted })
    }

    /// Whether the stream at this path is deflated.
    pub(super) fn is_deflated(self, path: &[String]) -> bool {
        let first = path.first().map_or("", String::as_str);
        self.is_compressed
            && !self.is_encrypted
            && (first == "DocInfo" || (path.len() > 1 && STORAGES.contains(&first)))
    }
}
