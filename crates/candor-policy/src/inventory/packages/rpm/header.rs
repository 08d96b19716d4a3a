//! The header of one package: a table of tags, and the values that they lead to.
//!
//! ```text
//! 0   u32 number of entries, u32 bytes of data (big-endian, as everything here)
//! 8   16 bytes an entry: tag, type, offset of the value, count
//! +   data
//! ```

use crate::inventory::bytes::{be32, run, size};
use crate::inventory::{Item, ItemKind, Moment, Surface, bytes, time};

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const BUILD_TIME: u32 = 1006;
const INSTALL_TIME: u32 = 1008;
const VENDOR: u32 = 1011;
const PACKAGER: u32 = 1015;
/// Signatures: over header and payload, and over the header alone, with keys of several kinds.
const SIGNATURES: [u32; 4] = [267, 268, 259, 262];

/// Entries of one header.
const MOST_ENTRIES: usize = 65_536;

struct Header<'a> {
    entries: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    fn read(blob: &'a [u8]) -> Option<Self> {
        let count = size(be32(blob, 0)?);
        let length = size(be32(blob, 4)?);
        if count > MOST_ENTRIES {
            return None;
        }
        let entries = run(blob, 8, count.checked_mul(16)?)?;
        let data = run(blob, entries.len().checked_add(8)?, length)?;
        Some(Self { entries, data })
    }

    /// Type, count and the data from the value on.
    fn find(&self, tag: u32) -> Option<(u32, usize, &'a [u8])> {
        let entry = self.entries.as_chunks::<16>().0.iter().find(|entry| be32(&entry[..], 0) == Some(tag))?;
        let entry = &entry[..];
        Some((be32(entry, 4)?, size(be32(entry, 12)?), self.data.get(size(be32(entry, 8)?)..)?))
    }

    fn text(&self, tag: u32) -> String {
        match self.find(tag) {
            // A text, a list of texts, a text in several languages: the first one.
            Some((6 | 8 | 9, _, data)) => bytes::text(data),
            _ => String::new(),
        }
    }

    fn number(&self, tag: u32) -> Option<u32> {
        self.find(tag).filter(|(kind, ..)| *kind == 4).and_then(|(.., data)| be32(data, 0))
    }
}

/// The package that a header is about.
pub(super) fn package(blob: &[u8]) -> Option<Item> {
    let header = Header::read(blob)?;
    let name = header.text(NAME);
    if name.is_empty() {
        return None;
    }
    let release = header.text(RELEASE);
    let version = header.text(VERSION);
    let epoch = header.number(EPOCH).map_or_else(String::new, |epoch| format!("{epoch}:"));
    let version = if release.is_empty() { version } else { format!("{epoch}{version}-{release}") };
    let moment = |tag| header.number(tag).and_then(|seconds| time::from_unix(i64::from(seconds)));
    let mut item = Item::new(ItemKind::Package, &name)
        .with_version(&version)
        .seen_in(&name)
        .with(Surface::LinuxPackage, &name)
        .with(Surface::Supplier, &header.text(VENDOR))
        .with(Surface::Supplier, super::super::without_address(&header.text(PACKAGER)))
        .with_moment(Moment::Built, moment(BUILD_TIME))
        .with_moment(Moment::Installed, moment(INSTALL_TIME));
    for tag in SIGNATURES {
        if let Some((7, count, data)) = header.find(tag)
            && let Some(key) = data.get(..count).and_then(issuer)
        {
            item.add(Surface::PackageKey, &key);
        }
    }
    Some(item)
}

/// Who made a signature (RFC 9580, 5.2): the fingerprint of the key, or its number when that is all there is.
fn issuer(packet: &[u8]) -> Option<String> {
    let (tag, rest) = packet.split_first()?;
    // Old format with a length of one, two or four bytes; new format with one, two or five.
    let body = match (tag & 0x40 != 0, tag & 3) {
        (false, 0) => rest.get(1..)?,
        (false, 1) => rest.get(2..)?,
        (false, 2) => rest.get(4..)?,
        (false, _) => return None,
        (true, _) => match *rest.first()? {
            0..=191 => rest.get(1..)?,
            192..=223 => rest.get(2..)?,
            255 => rest.get(5..)?,
            _ => return None,
        },
    };
    match body.first()? {
        3 => run(body, 7, 8).map(upper),
        4 => {
            let hashed = size(bytes::be16(body, 4)?);
            let first = run(body, 6, hashed)?;
            let place = hashed.checked_add(6)?;
            let second =
                run(body, place.checked_add(2)?, size(bytes::be16(body, place)?)).unwrap_or_default();
            let of = |kind: u8| subpacket(first, kind).or_else(|| subpacket(second, kind));
            // The first byte of a fingerprint is the version of the key.
            of(33).and_then(|value| value.get(1..)).or_else(|| of(16)).map(upper)
        }
        _ => None,
    }
}

fn upper(bytes: &[u8]) -> String {
    bytes::hexadecimal(bytes).to_ascii_uppercase()
}

/// The value of the first subpacket of a kind.
fn subpacket(mut rest: &[u8], kind: u8) -> Option<&[u8]> {
    while let Some((&first, behind)) = rest.split_first() {
        let (length, body) = match first {
            0..=191 => (usize::from(first), behind),
            192..=254 => {
                let low = usize::from(*behind.first()?);
                let high = usize::from(first).checked_sub(192)?.checked_mul(256)?;
                (high.checked_add(low)?.checked_add(192)?, behind.get(1..)?)
            }
            255 => (size(be32(behind, 0)?), behind.get(4..)?),
        };
        let value = body.get(..length)?;
        if value.first().is_some_and(|found| found & 0x7f == kind) {
            return value.get(1..);
        }
        rest = body.get(length..)?;
        if length == 0 {
            return None;
        }
    }
    None
}
