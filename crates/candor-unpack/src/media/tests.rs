//! Whole images have nothing wrong; each part cut or changed is told by its name.

use candor_model::Anomaly;

use crate::collected::Collected;

fn wrong(bytes: &[u8]) -> Option<Anomaly> {
    let mut collected = Collected::of(candor_model::FileType::Error, b"");
    super::unpack(bytes, &mut collected);
    collected.anomalies.first().copied()
}

const fn broken(what: &'static str) -> Option<Anomaly> {
    Some(Anomaly::BrokenMedia(what))
}

fn gif() -> Vec<u8> {
    let mut out = b"GIF89a\x01\0\x01\0\x80\0\0".to_vec();
    out.extend([0; 6]);
    out.extend(b"\x21\xf9\x04\0\0\0\0\0");
    out.extend(b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0\x3b");
    out
}

#[test]
fn gif_parts() {
    let whole = gif();
    assert_eq!(wrong(&whole), None);
    for (end, what) in [
        (10, "GIF.TruncatedScreenDescriptor"),
        (15, "GIF.TruncatedGlobalColorTable"),
        (19, "GIF.MissingImageData"),
        (20, "GIF.TruncatedExtension"),
        (24, "GIF.TruncatedExtensionSubBlock"),
        (30, "GIF.TruncatedImageDescriptor"),
        (40, "GIF.TruncatedImageDataBlock"),
    ] {
        assert_eq!(wrong(&whole[..end]), broken(what), "{end}");
    }
    let mut label = whole;
    label[19] = 0x22;
    assert_eq!(wrong(&label), broken("GIF.UnknownBlockLabel"));
}

#[test]
fn png_parts() {
    let mut whole = b"\x89PNG\r\n\x1a\n".to_vec();
    whole.extend(b"\0\0\0\x02IHDRab....");
    whole.extend(b"\0\0\0\0IEND....");
    assert_eq!(wrong(&whole), None);
    assert_eq!(wrong(&whole[..10]), None);
    assert_eq!(wrong(&whole[..14]), broken("PNG.EOFReadingChunkType"));
    assert_eq!(wrong(&whole[..17]), broken("PNG.EOFReadingChunk"));
    assert_eq!(wrong(&whole[..19]), broken("PNG.EOFReadingChunkCRC"));
    // Between two chunks.
    assert_eq!(wrong(&whole[..22]), None);
    assert_eq!(wrong(&whole[..24]), None);
    whole[8] = 0x80;
    assert_eq!(wrong(&whole), broken("PNG.InvalidChunkLength"));
}

/// Segments by letters: JFIF, Exif, SPIFF, a table (Q), a comment, Photoshop's, XMP, another of an application, DTI (I)
/// and DTT (T), JPG7 (F); and then an image.
fn jpeg(segments: &str) -> Vec<u8> {
    let mut file = b"\xff\xd8".to_vec();
    for letter in segments.chars() {
        let (marker, data): (u8, &[u8]) = match letter {
            'J' => (0xe0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
            'E' => (0xe1, b"Exif\0\0II*\0\x08\0\0\0\0\0"),
            'S' => (0xe8, b"SPIFF\0\x01\0\0\0\0\0\0\0\0"),
            'Q' => (0xdb, &[0; 65]),
            'C' => (0xfe, b"comment"),
            'P' => (0xed, b"Photoshop"),
            'X' => (0xe1, b"http://ns.adobe.com/xap/1.0/\0"),
            'I' => (0xf1, b"tile"),
            'T' => (0xf2, b"tile"),
            'F' => (0xf7, b"more"),
            _ => (0xe2, b"something"),
        };
        file.extend([0xff, marker, 0, data.len() as u8 + 2]);
        file.extend_from_slice(data);
    }
    [&file[..], b"\xff\xda\0\x08\x01\x01\0\0\x3f\0data\xff\xd9"].concat()
}

#[test]
fn jpeg_segments_and_the_comment_of_2004() {
    let start = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
    let whole = [&start[..], b"\xff\xda\0\x02data\xff\xd9"].concat();
    assert_eq!(wrong(&whole), None);
    // Ends, and what is between segments; each as clamscan says.
    for (rest, what) in [
        (&b""[..], "CantReadSegmentSize"),
        (b"\xff", "CantReadSegmentSize"),
        (b"\xff\xdb\0", "CantReadSegmentSize"),
        (b"\xff\xdb\0\xff1234", "SegmentDataOutOfFile"),
        (b"\xff\xd0\xff\xdb\0\x04ab", "SegmentDataOutOfFile"),
        (b"\xff\xda\0\x0c", "SegmentDataOutOfFile"),
        (b"\xff\xe2\0\x01", "InvalidSegmentSize"),
        (b"\xff\xd9\0\0", "InvalidSegmentSize"),
        (b"\xff\xd9\0\x06abcd", "NoImages"),
        (b"aaaaaaaaaaaaaaa", "CantReadSegmentSize"),
        (b"aaaaaaaaaaaaaaaa", "SpuriousBytesBeforeSegment"),
        (b"aaaaaaaaaaaaaaa\xff\xda\0\x02", "SpuriousBytesBeforeSegment"),
        (
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xda\0\x02",
            "SpuriousBytesBeforeSegment",
        ),
    ] {
        let found = wrong(&[&start[..], rest].concat());
        assert_eq!(
            found.map(|found| format!("{found:?}")),
            Some(format!("BrokenMedia(\"JPEG.{what}\")")),
            "{rest:?}"
        );
    }
    for rest in
        [&b"aaaaaaaaaaaaaa\xff\xda\0\x02"[..], b"\xff\xff\xff\xda\0\x02", b"\xff\x00\0\x02\xff\xda\0\x02"]
    {
        assert_eq!(wrong(&[&start[..], rest].concat()), None, "{rest:?}");
    }
    let exploit = [&start[..], b"\xff\xfe\0\x01xx"].concat();
    assert_eq!(wrong(&exploit), Some(Anomaly::ImageExploit("W32.MS04-028")));
}

#[test]
fn what_says_which_kind_of_jpeg_it_is_stands_at_the_start() {
    let whole =
        "J E S Q JE EJ CJ PJ XJ EXJ ECJ PEJ XEJ JQE QQQE AAAE JCQQQE JXQQE JQQCE XS CS AF CF FJ FAF IT";
    for order in whole.split(' ') {
        assert_eq!(wrong(&jpeg(order)), None, "{order}");
    }
    for (what, orders) in [
        ("JFIFdupAppMarker", "JJ JQJ JEJ JCJ"),
        ("JFIFmarkerBadPosition", "QJ AJ CCJ CPJ XCJ EQJ EAJ QEJ QCJ SJ ECCJ SCJ"),
        ("ExifDupAppMarker", "EE JEQE SE"),
        ("ExifHeaderBadPosition", "JQQE JAAE JQQQE"),
        ("SPIFFdupAppMarker", "SS JS ES"),
        ("SPIFFmarkerBadPosition", "QS AS CCS CPS QCS"),
        ("AppMarkerBeforeJPG7", "JF EF SF JFQE"),
        ("DTTMissingDTISegment", "T QT ITT IQT"),
    ] {
        for order in orders.split(' ') {
            let found = wrong(&jpeg(order)).map(|found| format!("{found:?}"));
            assert_eq!(found, Some(format!("BrokenMedia(\"JPEG.{what}\")")), "{order}");
        }
    }
    for (header, shortest, what) in [
        (&b"\xe0JFIF\0"[..], 9, "JPEG.JFIFheaderTooShort"),
        (b"\xe1Exif\0\0", 8, "JPEG.ExifHeaderTooShort"),
        (b"\xe8SPIFF\0", 8, "JPEG.SPIFFheaderTooShort"),
    ] {
        for length in 0..12 {
            let (marker, name) = header.split_first().unwrap();
            let size = (2 + name.len() + length) as u8;
            let file = [&[0xff, 0xd8, 0xff, *marker, 0, size][..], name, &vec![1; length], b"\xff\xda\0\x02"]
                .concat();
            assert_eq!(wrong(&file), if length < shortest { broken(what) } else { None }, "{length}");
        }
    }
}

#[test]
fn tiff_directories_and_their_order() {
    let mut whole = b"II\x2a\0\x08\0\0\0\x01\0".to_vec();
    whole.extend([0; 12]);
    whole.extend([0; 4]);
    assert_eq!(wrong(&whole), None);
    assert_eq!(wrong(&whole[..7]), broken("TIFF.EOFReadingFirstIFDOffset"));
    assert_eq!(wrong(&whole[..9]), broken("TIFF.EOFReadingNumIFDDirectoryEntries"));
    assert_eq!(wrong(&whole[..20]), broken("TIFF.EOFReadingIFDEntry"));
    assert_eq!(wrong(&whole[..24]), broken("TIFF.EOFReadingChunkCRC"));
    let changed = |at: usize, value: u8| {
        let mut changed = whole.clone();
        changed[at] = value;
        wrong(&changed)
    };
    assert_eq!(changed(22, 8), broken("TIFF.OutOfOrderIFDOffset"));
    assert_eq!(changed(22, 0xff), broken("TIFF.EOFReadingNumIFDDirectoryEntries"));
    assert_eq!(changed(4, 0), broken("TIFF.InvalidIFDOffset"));
    assert_eq!(changed(4, 0xff), broken("TIFF.EOFReadingNumIFDDirectoryEntries"));
}

#[test]
fn values_of_tiff_lie_in_the_file() {
    let with = |kind: u16, count: u32, offset: u32| {
        let mut file = b"II\x2a\0\x08\0\0\0\x01\0\0\x01".to_vec();
        file.extend(kind.to_le_bytes());
        file.extend(count.to_le_bytes());
        file.extend(offset.to_le_bytes());
        file.extend([0; 4]);
        wrong(&file)
    };
    for (kind, size) in (1..).zip([1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8]) {
        // As many as fit into the place of an offset; one more, far away; and so many that they end with the file.
        assert_eq!(with(kind, 4 / size, 0x7fff_ffff), None, "{kind}");
        assert_eq!(with(kind, 4 / size + 1, 0x7fff_ffff), broken("TIFF.OutOfBoundsAccess"), "{kind}");
        assert_eq!(with(kind, 26 / size, 26 % size), None, "{kind}");
        assert_eq!(with(kind, 26 / size, 26 % size + 1), broken("TIFF.OutOfBoundsAccess"), "{kind}");
        assert_eq!(with(kind, u32::MAX, u32::MAX), broken("TIFF.OutOfBoundsAccess"), "{kind}");
    }
    assert_eq!((with(0, 100, 100), with(13, 100, 100)), (None, None));
}

#[test]
fn the_cursor_of_2005() {
    let cursor = |length: u8| {
        let mut out = b"RIFF\0\0\0\0ACONanih".to_vec();
        out.extend([length, 0, 0, 0]);
        out.extend([0; 64]);
        out
    };
    assert_eq!(wrong(&cursor(36)), None);
    assert_eq!(wrong(&cursor(37)), Some(Anomaly::ImageExploit("W32.MS05-002")));
    let ends = |whole: Vec<u8>| {
        (0..whole.len()).for_each(|end| {
            wrong(&whole[..end]);
        })
    };
    ends(cursor(36));
    ends(gif());
}
