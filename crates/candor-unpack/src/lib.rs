//! Typed bytes to children and facts, one folder a format.
//!
//! A parser here is handed bytes and a [`Sink`], gives children and facts to the sink and returns; it never
//! calls another parser and never recurses into what it gave. It keeps what it can read of a damaged file.
//! Every byte that it makes is made in the sink's reach: members of archives are handed over as streams
//! that the sink reads as far as the budget of the scan goes.
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::indexing_slicing,
        clippy::string_slice,
        clippy::arithmetic_side_effects,
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic
    )
)]
#![cfg_attr(
    test,
    expect(clippy::cast_possible_truncation, reason = "the tests write small numbers into narrow fields")
)]

mod active_mime;
mod adler;
mod alz;
mod apfs;
mod ar;
mod arc;
mod arj;
mod autoit;
mod behind;
mod binhex;
mod bits;
mod brotli;
mod btrfs;
mod cab;
mod chm;
mod cipher;
mod cms;
mod codec;
mod cpio;
mod crc;
mod cryptff;
mod decmpfs;
mod dex;
mod disk;
mod dmg;
mod egg;
mod elf;
mod embedded;
mod encoded_script;
mod ends;
mod explode;
mod ext;
mod extents;
mod fat;
mod flat_xml;
mod formats;
mod gzip;
mod hash;
mod hfs;
mod html;
mod huffman;
mod hwp3;
mod image_hash;
mod inflate;
mod installshield;
mod iso;
mod java;
mod lha;
mod lnk;
mod lvm;
mod lz4;
mod lzfse;
mod lzfu;
mod lzma;
mod lzo;
mod lzw;
mod macho;
mod mail;
mod media;
mod medium;
mod module;
mod mutf8;
mod name;
mod nsis;
mod ntfs;
mod nuitka;
mod ole2;
mod onenote;
mod pace;
mod package;
mod packed;
mod password;
mod pdf;
mod pe;
mod pieces;
mod ppmd;
mod ps;
mod pyinstaller;
mod quarantine;
mod rar;
mod reader;
mod recognised;
mod rpm;
mod rtf;
mod seven_zip;
mod sis;
mod squashfs;
mod stream;
mod swf;
mod szdd;
mod tar;
mod text;
mod tnef;
mod transfer;
mod troubles;
mod udf;
mod virtual_disk;
pub mod volume;
mod wim;
mod work;
mod xar;
mod xfs;
mod zip;
mod zisofs;
mod zoo;
mod zstd;

#[cfg(test)]
mod collected;
#[cfg(test)]
mod properties;

use candor_model::{CertificateRule, FileType, Module, ModuleValue, PerceptualHash, Reason, Sink};

pub use formats::{FORMATS, Format, parser};
pub use recognised::is_only_recognised;

/// Gives the children and facts of a layer to `sink`. Does nothing for types whose bytes say all; what
/// hides its content and cannot be opened is told to the sink, so that it never counts as looked at.
pub fn unpack(file_type: FileType, bytes: &[u8], sink: &mut dyn Sink) {
    let format = FORMATS.iter().find(|format| format.types.contains(&file_type));
    match format {
        Some(format) => (format.unpack)(bytes, sink),
        None if file_type.hides_content() => {
            sink.incomplete(Reason::Unsupported(format!("the content of {}", file_type.description())));
        }
        None => {}
    }
    if ps::applies(file_type, bytes) {
        ps::unpack(bytes, sink);
    }
    if cms::applies(file_type, bytes) {
        cms::unpack(bytes, sink);
    }
    if zip::is_last_part(file_type, bytes) {
        zip::unpack_last_part(bytes, sink);
    }
    let may_have_yenc = !file_type.hides_content() || matches!(file_type, FileType::Rtf | FileType::Pdf);
    if may_have_yenc && mail::begins_with_yenc(bytes) {
        mail::search_yenc(bytes, sink);
    }
    if embedded::payload::applies(file_type, bytes) {
        embedded::payload::search(bytes, sink);
    }
    recognised::tell(file_type, sink);
    if embedded::applies(file_type) {
        embedded::search(bytes, sink);
    } else {
        behind::give(file_type, bytes, sink);
    }
}

/// How much of a file is read as a page that is something else as well.
const PAGE: usize = 1 << 20;

/// Gives the copies of a page in the beginning of something that is no text. What else stands there is given by whoever reads
/// it as what it is.
pub fn page_in_front(bytes: &[u8], sink: &mut dyn Sink) {
    html::unpack(bytes.get(..PAGE).unwrap_or(bytes), sink);
}

/// Where an archive may be cut whose members stand in it one after another, so that each part is an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// So many bytes at its start are members that are all there.
    pub whole: usize,
    /// Where the member behind them ends, when that is not among the bytes.
    pub next: Option<u64>,
}

/// Where an archive can be cut of which `bytes` are the beginning; `None` for types that have to be there as a
/// whole. By this, archives are taken apart while they are unpacked that are larger than memory.
#[must_use]
pub fn cut(file_type: FileType, bytes: &[u8]) -> Option<Cut> {
    match file_type {
        FileType::PosixTar | FileType::OldTar => Some(tar::cut(bytes)),
        FileType::CpioOld | FileType::CpioOdc | FileType::CpioNewc | FileType::CpioCrc => {
            Some(cpio::cut(bytes))
        }
        _ => None,
    }
}

/// Who made a Windows program, as far as it says: version strings as facts, who signed it as details. Unlike
/// [`unpack`], it looks at nothing else; it says nothing of what is no such program.
pub fn program_identity(bytes: &[u8], sink: &mut dyn Sink) {
    pe::identity(bytes, sink);
}

/// The digests of programs that a catalogue (`.cat`) vouches for, when its signature is valid and `rules` trust
/// who signed it; none when not.
#[must_use]
pub fn catalogue(bytes: &[u8], rules: &[CertificateRule]) -> Vec<Vec<u8>> {
    pe::authenticode::catalogue::digests(bytes, rules, pe::authenticode::trust::now())
}

/// The perceptual hash of an image file, when `bytes` can be decoded as one. It costs as much as showing
/// the image, so it is for those who have a signature to compare it with.
#[must_use]
pub fn image_hash(bytes: &[u8], file_type: FileType) -> Option<PerceptualHash> {
    image_hash::hash(bytes, file_type)
}

/// What a module of YARA offers for some bytes, whatever their type. It costs as much as reading the headers and tables
/// of a program, and the checksum of all of its bytes, so it is for those who have a rule that asks.
#[must_use]
pub fn module(module: Module, bytes: &[u8]) -> ModuleValue {
    module::value(module, bytes)
}

/// What the text of a mail says that a password is, likeliest first; perhaps nothing.
#[must_use]
pub fn mentioned_passwords(text: &[u8]) -> Vec<Vec<u8>> {
    password::mentioned(text)
}
