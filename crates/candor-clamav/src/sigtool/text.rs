//! Normalised copies of pages and text, as signatures for them are compared with, and decoded UTF-16.

use std::path::Path;

use candor_model::{FileType, Normalisation};

use super::collect::Collected;
use super::{reason, work, write};
use crate::console::Console;
use crate::jailed::{self, Input, Said};

/// Writes the copies of a page to where the command runs.
pub(super) fn html(path: &Path, console: &mut Console) -> bool {
    let Some(input) = opened(path, "htmlnorm", console) else { return false };
    work(&[input], console, |sources, say| {
        let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
        let page = Collected::of(FileType::Html, bytes);
        for (kind, name) in [
            (Normalisation::HtmlNoComments, "nocomment.html"),
            (Normalisation::HtmlNoTags, "notags.html"),
            (Normalisation::Script, "javascript"),
        ] {
            if let Some(copy) = page.copy(kind) {
                say.file(name, copy);
            }
        }
    })
}

/// Writes the copy of a text to where the command runs.
pub(super) fn ascii(path: &Path, console: &mut Console) -> bool {
    let Some(input) = opened(path, "asciinorm", console) else { return false };
    work(&[input], console, |sources, say| {
        let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
        let text = Collected::of(FileType::TextAscii, bytes);
        say.file("normalised_text", text.copy(Normalisation::Text).unwrap_or_default());
    })
}

/// Writes a text in UTF-16 as UTF-8, beside it.
pub(super) fn utf16(path: &Path, console: &mut Console) -> bool {
    let Some(input) = opened(path, "utf16decode", console) else { return false };
    let mut name = path.as_os_str().to_os_string();
    name.push(".ascii");
    let mut decoded = None;
    let worked = jailed::run(
        &[input],
        |sources, say| {
            let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
            say.out(plain(bytes).as_bytes());
        },
        &mut |said| {
            if let Said::Out(bytes) = said {
                decoded = Some(bytes);
            }
            Ok(())
        },
    );
    let written = worked.and_then(|()| Ok(write(Path::new(&name), &decoded.unwrap_or_default())?));
    if let Err(error) = &written {
        console.error(&format!("utf16decode: {}: {error:#}", Path::new(&name).display()));
    }
    written.is_ok()
}

fn opened(path: &Path, what: &str, console: &mut Console) -> Option<Input> {
    match Input::open(path) {
        Ok(input) => Some(input),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            console.error(&format!("{what}: Can't open file {}", path.display()));
            None
        }
        Err(error) => {
            console.error(&format!("{what}: Can't open file {}: {}", path.display(), reason(&error)));
            None
        }
    }
}

/// UTF-16 in the order of its mark, else little-endian. What is no character becomes U+FFFD.
fn plain(bytes: &[u8]) -> String {
    let (bytes, order): (_, fn([u8; 2]) -> u16) = match bytes {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        _ => (bytes, u16::from_le_bytes),
    };
    let units = bytes.chunks_exact(2).map(|pair| <[u8; 2]>::try_from(pair).map_or(0, order));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn the_mark_says_the_order() {
        assert_eq!(plain(b"h\0i\0"), "hi");
        assert_eq!(plain(b"\xff\xfeh\0\xe9\0"), "h\u{e9}");
        assert_eq!(plain(b"\xfe\xff\0h\0i"), "hi");
        assert_eq!(plain(b"\x3d\xd8\x00\xde\x00\xd8x"), "\u{1f600}\u{fffd}");
    }
}
