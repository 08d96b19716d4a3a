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
    assert_eq!(wrong(&whole[..10]), broken("PNG.EOFReadingChunk"));
    assert_eq!(wrong(&whole[..14]), broken("PNG.EOFReadingChunkType"));
    assert_eq!(wrong(&whole[..19]), broken("PNG.EOFReadingChunkCRC"));
    whole[8] = 0x80;
    assert_eq!(wrong(&whole), broken("PNG.InvalidChunkLength"));
}

#[test]
fn jpeg_segments_and_the_comment_of_2004() {
    let start = b"\xff\xd8\xff\xe0\0\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0".to_vec();
    let whole = [&start[..], b"\xff\xda\0\x02data\xff\xd9"].concat();
    assert_eq!(wrong(&whole), None);
    assert_eq!(wrong(&start), broken("JPEG.NoImages"));
    assert_eq!(wrong(&start[..3]), broken("JPEG.CantReadMarker"));
    assert_eq!(wrong(&start[..5]), broken("JPEG.CantReadSegmentSize"));
    assert_eq!(wrong(&start[..12]), broken("JPEG.SegmentDataOutOfFile"));
    assert_eq!(wrong(&[&start[..], &start[2..]].concat()), broken("JPEG.JFIFdupAppMarker"));
    assert_eq!(wrong(&[&start[..], b"\xff\xe2\0\x01"].concat()), broken("JPEG.InvalidSegmentSize"));
    let exploit = [&start[..], b"\xff\xfe\0\x01xx"].concat();
    assert_eq!(wrong(&exploit), Some(Anomaly::ImageExploit("W32.MS04-028")));
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
    let mut back = whole.clone();
    back[22] = 8;
    assert_eq!(wrong(&back), broken("TIFF.OutOfOrderIFDOffset"));
    whole[4] = 0xff;
    assert_eq!(wrong(&whole), broken("TIFF.InvalidIFDOffset"));
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
