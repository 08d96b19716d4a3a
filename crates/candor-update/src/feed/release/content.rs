//! Whether a member is data: text, and not the beginning of anything that a system would run.
//!
//! All languages that a release may hold are text, and every program in machine code has bytes in it that
//! text has not. Scripts are text, and are known by their first bytes.

use std::fmt;

/// What a member turned out to be instead of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Foreign {
    /// A program of Linux and its relatives.
    Elf,
    /// A program of Windows or DOS.
    Pe,
    /// A program of macOS.
    MachO,
    /// A WebAssembly module.
    Wasm,
    /// A compiled class of Java, or a universal program of macOS.
    Class,
    /// A program of Android.
    Dex,
    /// A script that names its interpreter.
    Script,
    /// Something else that is not text.
    Binary,
}

impl fmt::Display for Foreign {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Elf => "an ELF program",
            Self::Pe => "a Windows program",
            Self::MachO => "a macOS program",
            Self::Wasm => "a WebAssembly module",
            Self::Class => "a Java class or a universal macOS program",
            Self::Dex => "an Android program",
            Self::Script => "a script",
            Self::Binary => "not text",
        })
    }
}

const MAGICS: &[(&[u8], Foreign)] = &[
    (b"\x7fELF", Foreign::Elf),
    (b"\xfe\xed\xfa\xce", Foreign::MachO),
    (b"\xfe\xed\xfa\xcf", Foreign::MachO),
    (b"\xce\xfa\xed\xfe", Foreign::MachO),
    (b"\xcf\xfa\xed\xfe", Foreign::MachO),
    (b"\xca\xfe\xba\xbe", Foreign::Class),
    (b"\0asm", Foreign::Wasm),
    (b"dex\n", Foreign::Dex),
    (b"#!", Foreign::Script),
    (b"\xef\xbb\xbf#!", Foreign::Script),
    (b"@echo", Foreign::Script),
    (b"<?php", Foreign::Script),
];

/// Looks at a member piece by piece.
#[derive(Debug, Default)]
pub(super) struct Inspector {
    begun: bool,
}

impl Inspector {
    /// Looks at the next piece; the first one must hold the first bytes.
    pub(super) fn look(&mut self, piece: &[u8]) -> Result<(), Foreign> {
        let first = !std::mem::replace(&mut self.begun, true);
        if first && let Some((_, foreign)) = MAGICS.iter().find(|(magic, _)| piece.starts_with(magic)) {
            return Err(*foreign);
        }
        let text = |byte: &u8| *byte >= 0x20 && *byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r');
        if piece.iter().all(text) {
            return Ok(());
        }
        // A name may begin like that, a text with such bytes may not.
        Err(if first && piece.starts_with(b"MZ") { Foreign::Pe } else { Foreign::Binary })
    }
}
