//! Strings as virtual machines for Java keep them ("modified UTF-8", JVMS 4.4.7), gathered into one text with a
//! line for each.
//!
//! Where they stand, a zero is two bytes and what lies beyond the first 65,536 characters is two surrogates of three
//! bytes; and each string has a length in front of it. In the text they are what they say. Bytes that are nothing of
//! it stay as they are.

use std::borrow::Cow;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};

/// Longest text of all strings together.
const TEXT: usize = 16 << 20;
/// Longest name for people.
const NAME: usize = 256;

/// A text that grows line by line.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    text: Vec<u8>,
    is_cut: bool,
}

impl Lines {
    /// Adds a string; `false` when there is no room for more.
    pub(crate) fn push(&mut self, string: &[u8]) -> bool {
        let string = plain(string);
        if self.text.len().saturating_add(string.len()) >= TEXT {
            self.is_cut = true;
            return false;
        }
        if !string.is_empty() {
            self.text.extend_from_slice(&string);
            self.text.push(b'\n');
        }
        true
    }

    /// Gives the text, if there is any.
    pub(crate) fn give(self, sink: &mut dyn Sink) -> Flow {
        if self.is_cut {
            sink.incomplete(Reason::Unsupported(format!("strings behind the first {} MiB", TEXT >> 20)));
        }
        if self.text.is_empty() {
            return Flow::Continue;
        }
        let member = Member {
            name: "strings".to_owned(),
            real_size: u64::try_from(self.text.len()).ok(),
            // One string that is no text must not hide the others from signatures for text.
            file_type: Some(FileType::TextUtf8),
            ..Member::default()
        };
        sink.child(ChildKind::Extracted, &member, Content::Bytes(&self.text))
    }
}

/// A string in UTF-8.
pub(crate) fn plain(string: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(0xc0, 0xed, string).is_none() {
        return Cow::Borrowed(string);
    }
    let mut out = Vec::with_capacity(string.len());
    let mut rest = string;
    while let [first, behind @ ..] = rest {
        rest = match *rest {
            [0xc0, 0x80, ref behind @ ..] => {
                out.push(0);
                behind
            }
            [
                0xed,
                a @ 0xa0..=0xaf,
                b @ 0x80..=0xbf,
                0xed,
                c @ 0xb0..=0xbf,
                d @ 0x80..=0xbf,
                ref behind @ ..,
            ] => {
                let bits = |byte: u8, mask: u8| u32::from(byte & mask);
                let high = bits(a, 0x0f) << 6 | bits(b, 0x3f);
                let low = bits(c, 0x0f) << 6 | bits(d, 0x3f);
                let character = char::from_u32((high << 10 | low).wrapping_add(0x1_0000));
                let character = character.unwrap_or(char::REPLACEMENT_CHARACTER);
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                behind
            }
            _ => {
                out.push(*first);
                behind
            }
        };
    }
    Cow::Owned(out)
}

/// The name of a class for people: `java.lang.Object` for `java/lang/Object` and for `Ljava/lang/Object;`.
pub(crate) fn class_name(name: &[u8]) -> String {
    let name = name.get(..NAME).unwrap_or(name);
    let name = match name {
        [b'L', inner @ .., b';'] => inner,
        _ => name,
    };
    String::from_utf8_lossy(&plain(name)).replace('/', ".")
}

#[cfg(test)]
mod tests {
    use super::{class_name, plain};

    #[test]
    fn strings_become_what_they_say() {
        assert_eq!(&*plain(b"a plain one"), b"a plain one");
        assert_eq!(&*plain(b"a\xc0\x80b"), b"a\0b");
        assert_eq!(&*plain("ä\u{d55c}".as_bytes()), "ä\u{d55c}".as_bytes());
        assert_eq!(&*plain(b"\xed\xa0\xbd\xed\xb8\x80!"), "\u{1f600}!".as_bytes());
        assert_eq!(&*plain(b"\xed\xaf\xbf\xed\xbf\xbf"), "\u{10ffff}".as_bytes());
    }

    #[test]
    fn what_is_no_string_stays() {
        for bytes in
            [&b"\xed"[..], b"\xc0", b"\xed\xa0\xbd", b"\xed\xb8\x80\xed\xa0\xbd", b"\xff\xfe\xc0\x81"]
        {
            assert_eq!(&*plain(bytes), bytes);
        }
    }

    #[test]
    fn names_are_written_as_in_a_program() {
        assert_eq!(class_name(b"Lcom/example/A$B;"), "com.example.A$B");
        assert_eq!(class_name(b"com/example/A"), "com.example.A");
        assert_eq!(class_name(b"L;"), "");
        assert_eq!(class_name(&[b'x'; 1000]).len(), 256);
    }
}
