//! What stands behind the end of a layer whose format says where that is. Readers of such a format do not look there, and
//! readers of others find theirs: an archive of Java behind an installer, a document behind an archive.

use candor_model::{ChildKind, Content, Member, Sink};

use crate::work::units;
use crate::{cab, ole2, seven_zip, zip};

/// Gives what is behind the end, if it is more than filling.
pub(crate) fn give(bytes: &[u8], sink: &mut dyn Sink) {
    let end = match bytes {
        [b'P', b'K', ..] => zip::end(bytes),
        [b'7', b'z', 0xbc, ..] => seven_zip::end(bytes),
        [b'M', b'S', b'C', b'F', ..] => cab::end(bytes),
        [0xd0, 0xcf, 0x11, 0xe0, ..] => ole2::end(bytes),
        _ => None,
    };
    if let Some(end) = end.and_then(|end| usize::try_from(end).ok()).filter(|end| *end > 0) {
        give_from(bytes, end, sink);
    }
}

/// Gives what begins at `end`, if it is more than filling.
pub(crate) fn give_from(bytes: &[u8], end: usize, sink: &mut dyn Sink) {
    let rest = bytes.get(end..).unwrap_or_default();
    if rest.iter().all(|byte| matches!(byte, 0 | 0xff | b' ' | b'\t' | b'\r' | b'\n' | 0x1a)) {
        return;
    }
    // There is nothing after this child, so whether to go on makes no difference.
    let _ = sink.child(ChildKind::Embedded { offset: units(end) }, &Member::default(), Content::Bytes(rest));
}

#[cfg(test)]
mod tests {
    use candor_fixtures::archive::{self, Cab, SevenZip};
    use candor_fixtures::{document, stream, zip_methods};
    use candor_model::{ChildKind, FileType};

    use crate::collected::Collected;

    #[test]
    fn what_is_behind_the_end_is_given() {
        let zip = zip_methods::archive(&[zip_methods::pack("a", b"content", 8)]);
        let compound = document::compound("", &[("a", b"content".repeat(1000))]);
        let files = [
            (FileType::Zip, zip.clone()),
            (FileType::SevenZip, archive::seven_zip(SevenZip::Lzma2, None, &[("a", b"content")])),
            (FileType::MsCab, archive::cab(Cab::Stored, &[("a", b"content")])),
            (FileType::MsOle2, compound),
            (FileType::Gzip, stream::gzip(b"content")),
            (FileType::Bzip2, stream::bzip2(b"content")),
            (FileType::Xz, stream::xz(b"content")),
            (FileType::Zstd, stream::zstd(b"content")),
        ];
        for (file_type, bytes) in files {
            let offset = bytes.len() as u64;
            let is_behind = |found: Collected, content: &[u8]| {
                let mut children = found.children.iter();
                children.any(|child| child.kind == ChildKind::Embedded { offset } && child.bytes == content)
            };
            for behind in [&b"<html><script>"[..], b"%PDF-1.7", &zip, b"junk"] {
                if file_type != FileType::Zip || behind != zip {
                    let found = Collected::of(file_type, &[&bytes, behind].concat());
                    assert!(is_behind(found, behind), "{file_type:?} {:?}", &behind[..4]);
                }
            }
            for filling in [&b""[..], &[0; 1000], b"\r\n"] {
                let found = Collected::of(file_type, &[&bytes, filling].concat());
                assert!(!is_behind(found, filling), "{file_type:?}");
            }
        }
    }
}
