//! Which ZIP archives are documents: decided by the names of their members.

use candor_model::FileType;

/// Members whose names are looked at, in the local headers and in the central directory each.
const MEMBERS: usize = 64;
/// Bytes of the end of the file in which the end of the central directory is looked for.
const TAIL: usize = 4096;

/// The document type of an archive, or [`FileType::Zip`].
pub(crate) fn refine(bytes: &[u8]) -> FileType {
    let Some(first) = local_name(bytes) else { return FileType::Zip };
    // What writers of documents put first. Any other archive is decided here, without a walk.
    let may_be_document = first == b"[Content_Types].xml"
        || first == b"mimetype"
        || [&b"_rels/"[..], b"docProps/", b"word/", b"xl/", b"ppt/", b"customXml/"]
            .iter()
            .any(|prefix| first.starts_with(prefix));
    if !may_be_document {
        return FileType::Zip;
    }
    if first == b"mimetype" {
        let content = bytes.get(38..).unwrap_or_default();
        return if content.starts_with(b"application/hwp+zip") { FileType::OoxmlHwp } else { FileType::Zip };
    }
    central(bytes).or_else(|| locals(bytes)).unwrap_or(FileType::Zip)
}

/// Whether bytes that begin like nothing are the last part of an archive in several: the end record is there, and
/// says so.
pub(crate) fn is_last_part(bytes: &[u8]) -> bool {
    let record = bytes.last_chunk::<22>();
    record.is_some_and(|record| {
        matches!(record, [b'P', b'K', 5, 6, low, high, .., 0, 0] if !matches!((low, high), (0, 0) | (0xff, 0xff)))
    })
}

/// What the name of one member says.
fn of_name(name: &[u8]) -> Option<FileType> {
    if name.starts_with(b"word/") {
        Some(FileType::OoxmlWord)
    } else if name.starts_with(b"xl/") {
        Some(FileType::OoxmlXl)
    } else if name.starts_with(b"ppt/") {
        Some(FileType::OoxmlPpt)
    } else {
        None
    }
}

fn local_name(header: &[u8]) -> Option<&[u8]> {
    if !header.starts_with(b"PK\x03\x04") {
        return None;
    }
    header.get(30..)?.get(..usize::from(u16_at(header, 26)?))
}

/// Walks the local headers; stops at the first one that does not say how long its data is.
fn locals(bytes: &[u8]) -> Option<FileType> {
    let mut rest = bytes;
    for _ in 0..MEMBERS {
        let name = local_name(rest)?;
        if let Some(found) = of_name(name) {
            return Some(found);
        }
        let extra = usize::from(u16_at(rest, 28)?);
        let data = usize::try_from(u32_at(rest, 18)?).ok()?;
        rest = rest.get(name.len().checked_add(30)?.checked_add(extra)?.checked_add(data)?..)?;
    }
    None
}

/// Walks the central directory.
fn central(bytes: &[u8]) -> Option<FileType> {
    let tail = bytes.get(bytes.len().saturating_sub(TAIL)..)?;
    let end = memchr::memmem::rfind(tail, b"PK\x05\x06")?;
    let start = usize::try_from(u32_at(tail.get(end..)?, 16)?).ok()?;
    let mut rest = bytes.get(start..)?;
    for _ in 0..MEMBERS {
        if !rest.starts_with(b"PK\x01\x02") {
            return None;
        }
        let length = usize::from(u16_at(rest, 28)?);
        if let Some(found) = of_name(rest.get(46..)?.get(..length)?) {
            return Some(found);
        }
        let skip = usize::from(u16_at(rest, 30)?).checked_add(usize::from(u16_at(rest, 32)?))?;
        rest = rest.get(length.checked_add(46)?.checked_add(skip)?..)?;
    }
    None
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().copied().map(u16::from_le_bytes)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().copied().map(u32::from_le_bytes)
}
