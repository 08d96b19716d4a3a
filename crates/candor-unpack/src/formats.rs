//! The list of formats: what is opened, how, and how far. The reference of formats is made from it.

use candor_model::{FileType, Sink};

use crate::{elf, gzip, html, macho, mail, ole2, pdf, pe, rtf, stream, tar, text, zip};

/// One format that is opened.
#[derive(Clone, Copy, Debug)]
pub struct Format {
    /// Its name for people.
    pub name: &'static str,
    /// The types that are opened as it.
    pub types: &'static [FileType],
    /// What comes out.
    pub gives: &'static str,
    /// The library that reads it; `None` for our own reader.
    pub library: Option<&'static str>,
    /// How far it is read, beyond the limits of the scan.
    pub limits: &'static str,
    pub(crate) unpack: fn(&[u8], &mut dyn Sink),
}

/// Every format, in the order of the reference.
pub const FORMATS: &[Format] = &[
    Format {
        name: "Portable Executable (PE32, PE32+)",
        types: &[FileType::MsExe],
        gives: "entry point, sections, import digest, version strings, icons of 16, 24 and 32 pixels",
        library: None,
        limits: "65,536 imported functions, 16,384 resource entries, 1,024 version strings, 100 icons",
        unpack: pe::unpack,
    },
    Format {
        name: "ELF",
        types: &[FileType::Elf],
        gives: "entry point, sections",
        library: None,
        limits: "32,768 sections and program headers",
        unpack: elf::unpack,
    },
    Format {
        name: "Mach-O",
        types: &[FileType::MachO],
        gives: "entry point, sections",
        library: None,
        limits: "16,384 load commands, 65,536 sections",
        unpack: macho::unpack,
    },
    Format {
        name: "Mach-O universal binary",
        types: &[FileType::MachOUniversal],
        gives: "the slices",
        library: None,
        limits: "64 slices",
        unpack: macho::unpack_universal,
    },
    Format {
        name: "Text",
        types: &[
            FileType::TextAscii,
            FileType::TextUtf8,
            FileType::TextUtf16Le,
            FileType::TextUtf16Be,
            FileType::Script,
        ],
        gives: "a normalised copy",
        library: None,
        limits: "the size of text that is normalised",
        unpack: text::unpack,
    },
    Format {
        name: "HTML",
        types: &[FileType::Html, FileType::HtmlUtf16],
        gives: "normalised copies without comments and without tags, scripts, the content of data: addresses",
        library: None,
        limits: "the size of text that is normalised; 4,096 data: addresses",
        unpack: html::unpack,
    },
    Format {
        name: "ZIP",
        types: &[
            FileType::Zip,
            FileType::OoxmlWord,
            FileType::OoxmlPpt,
            FileType::OoxmlXl,
            FileType::OoxmlHwp,
        ],
        gives: "members of all methods but WavPack and PKWARE's own (shrink, reduce, implode, deflate, deflate64, bzip2, LZMA, Zstandard, xz, PPMd), listed in the central directory or not; encrypted ones (traditional, AES) with common passwords; Zip64",
        library: Some(
            "flate2 with zlib-rs, deflate64, bzip2, lzma-rust2, ruzstd, ppmd-rust; our own for the old methods",
        ),
        limits: "4,096 passwords tried in one archive",
        unpack: zip::unpack,
    },
    Format {
        name: "gzip",
        types: &[FileType::Gzip],
        gives: "the content of all members as one",
        library: Some("flate2 with zlib-rs (deflate)"),
        limits: "none of its own",
        unpack: gzip::unpack,
    },
    Format {
        name: "bzip2",
        types: &[FileType::Bzip2],
        gives: "the content of all streams as one",
        library: Some("bzip2 with libbz2-rs-sys"),
        limits: "none of its own",
        unpack: stream::bzip2,
    },
    Format {
        name: "xz",
        types: &[FileType::Xz],
        gives: "the content of all streams as one",
        library: Some("lzma-rust2"),
        limits: "dictionaries of 256 MiB",
        unpack: stream::xz,
    },
    Format {
        name: "LZMA (.lzma)",
        types: &[FileType::Lzma],
        gives: "the content",
        library: Some("lzma-rust2"),
        limits: "dictionaries of 256 MiB",
        unpack: stream::lzma,
    },
    Format {
        name: "lzip",
        types: &[FileType::Lzip],
        gives: "the content of all members as one",
        library: Some("lzma-rust2"),
        limits: "none of its own",
        unpack: stream::lzip,
    },
    Format {
        name: "Zstandard",
        types: &[FileType::Zstd],
        gives: "the content of all frames as one",
        library: Some("ruzstd"),
        limits: "windows of 256 MiB; frames that need a dictionary of their own",
        unpack: stream::zstd,
    },
    Format {
        name: "LZ4",
        types: &[FileType::Lz4],
        gives: "the content of all frames, also of the legacy format as one",
        library: None,
        limits: "none of its own",
        unpack: stream::lz4,
    },
    Format {
        name: "compress (.Z)",
        types: &[FileType::Compress],
        gives: "the content",
        library: None,
        limits: "none of its own",
        unpack: stream::compress,
    },
    Format {
        name: "OLE2 compound file (Office before 2007, MSI, MSG)",
        types: &[FileType::MsOle2],
        gives: "every stream, also those that the directory does not lead to; sources of VBA; packages; objects of presentations",
        library: None,
        limits: "65,536 directory entries, 16 MiB of source in a module; encrypted documents are reported as not looked at",
        unpack: ole2::unpack,
    },
    Format {
        name: "Mail, mailboxes, MHTML",
        types: &[FileType::Mail, FileType::Mhtml],
        gives: "parts with their encoding undone (base64, quoted-printable, uuencode), messages in messages; boundaries and encodings also where the header does not name them",
        library: None,
        limits: "8,192 parts, 64 open boundaries, 1,024 fields of a header, 256 uuencoded files in a part",
        unpack: mail::unpack,
    },
    Format {
        name: "uuencoded text",
        types: &[FileType::Uuencoded],
        gives: "the files",
        library: None,
        limits: "256 files",
        unpack: mail::unpack_uuencoded,
    },
    Format {
        name: "PDF",
        types: &[FileType::Pdf],
        gives: "every stream with its filters undone (Flate, LZW, ASCII85, ASCIIHex, RunLength, PNG predictors), also in chains; scripts, also in object streams",
        library: Some("flate2 with zlib-rs (Flate), weezl (LZW)"),
        limits: "16 filters in a chain; encrypted documents are reported as not looked at",
        unpack: pdf::unpack,
    },
    Format {
        name: "RTF",
        types: &[FileType::Rtf],
        gives: "embedded objects, and the files in packages",
        library: None,
        limits: "4,096 objects",
        unpack: rtf::unpack,
    },
    Format {
        name: "tar (V7, POSIX, GNU)",
        types: &[FileType::PosixTar, FileType::OldTar],
        gives: "files, also behind blocks of zeros",
        library: None,
        limits: "65,536 bytes of a name",
        unpack: tar::unpack,
    },
];
