//! One small file of every format that is opened.

use candor_fixtures::executable::{Executable, Kind, SectionRecipe};
use candor_fixtures::zip::{Member, build};

const HTML: &[u8] = b"<html><!-- a comment --><p>A needle &amp; a &#84;OOL</p>\
    <script>var a = unescape('%61%62') + \"c\";</script><img src=\"data:text/plain;base64,bmVlZGxl\">";

pub(crate) fn files() -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = Kind::ALL.iter().map(|kind| executable(*kind)).collect();
    let text = b"Some TEXT with a needle\t in it\r\n".to_vec();
    let archive = zip(&[("a.txt", &text, true), ("b.html", HTML, false)]);
    files.push(tar("inner.zip", &archive));
    files.push(zip(&[("inner.zip", &archive, true)]));
    files.push(gzip(&text));
    files.push(archive);
    files.push(HTML.to_vec());
    files.push(text);
    files
}

fn executable(kind: Kind) -> Vec<u8> {
    let section =
        |name: &str| SectionRecipe { name: name.to_owned(), bytes: b"section with a needle".to_vec() };
    let mut recipe = Executable::new(kind, vec![section(".text"), section(".data")]);
    if matches!(kind, Kind::Pe32 | Kind::Pe32Plus) {
        recipe.version = vec![("CompanyName".to_owned(), "Example".to_owned())];
        recipe.imports = vec![("ws2_32.dll".to_owned(), vec!["send".to_owned(), "recv".to_owned()])];
    }
    recipe.build().0
}

fn zip(members: &[(&str, &[u8], bool)]) -> Vec<u8> {
    let member = |(name, bytes, deflate): &(&str, &[u8], bool)| Member {
        name: (*name).to_owned(),
        bytes: bytes.to_vec(),
        deflate: *deflate,
        encrypted: false,
    };
    build(&members.iter().map(member).collect::<Vec<_>>())
}

/// A gzip file around what deflate makes of `bytes`.
fn gzip(bytes: &[u8]) -> Vec<u8> {
    let member = Member { name: String::new(), bytes: bytes.to_vec(), deflate: true, encrypted: false };
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let head: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    [head, &member.packed(), &member.crc().to_le_bytes(), &length.to_le_bytes()].concat()
}

/// A tar archive of one file.
fn tar(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    header[148..156].fill(b' ');
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let padding = vec![0; bytes.len().next_multiple_of(512) - bytes.len() + 1024];
    [&header, bytes, &padding].concat()
}
