//! Which language a file is written in, by its name.

use candor_database::ir::HashSubject;
use candor_model::FileType;

use super::lists::UrlKind;

/// A language, or a container of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    /// `db`
    OldBody,
    /// `ndb`, `ndu`; `sdb` when raw.
    Body {
        /// Whether it applies before extraction.
        raw: bool,
    },
    /// `ldb`, `ldu`
    Logical,
    /// `hdb`, `mdb`, `fp`, `imp` and their kin
    Hash(HashSubject),
    /// `cdb`
    ContainerMember,
    /// `zmd`, `rmd`
    LegacyMember(FileType),
    /// `idb`
    Icon,
    /// `ftm`
    Magic,
    /// `ign`, `ign2`
    Ignore,
    /// `cfg`
    Config,
    /// `info`
    Info,
    /// `pwdb`
    Password,
    /// `wdb`, `pdb`, `gdb`
    Url(UrlKind),
    /// `cat`
    Catalogue,
    /// `crb`
    Certificate,
    /// `yar`, `yara`
    Rules,
    /// Recognised, and not read yet: `cbc ioc`.
    Unused {
        /// Whether every line is an entry of its own.
        by_line: bool,
    },
    /// A container of files.
    Container(ContainerKind),
}

/// How a container vouches for what is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContainerKind {
    /// `cvd`: as published; header and contents are signed.
    Published,
    /// `cld`: updated in place; contents are signed, the header is not.
    Updated,
    /// `cud`: unsigned.
    Unsigned,
}

/// A file kind: its language, the name of that language, and whether its signatures only count when
/// the user asks for potentially unwanted applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    pub(crate) language: Language,
    pub(crate) name: &'static str,
    pub(crate) potentially_unwanted: bool,
}

const fn kind(language: Language, name: &'static str) -> Kind {
    Kind { language, name, potentially_unwanted: false }
}

const fn unwanted(language: Language, name: &'static str) -> Kind {
    Kind { language, name, potentially_unwanted: true }
}

const FILE: Language = Language::Hash(HashSubject::File);
const SECTION: Language = Language::Hash(HashSubject::Section);
const TRUSTED: Language = Language::Hash(HashSubject::Trusted);
const BODY: Language = Language::Body { raw: false };

/// In the order in which ClamAV looks for them in a file's name.
const KINDS: [(&str, Kind); 39] = [
    (".yar", kind(Language::Rules, "yara")),
    (".yara", kind(Language::Rules, "yara")),
    (".db", kind(Language::OldBody, "db")),
    (".cvd", kind(Language::Container(ContainerKind::Published), "cvd")),
    (".cld", kind(Language::Container(ContainerKind::Updated), "cld")),
    (".cud", kind(Language::Container(ContainerKind::Unsigned), "cud")),
    (".crb", kind(Language::Certificate, "crb")),
    (".hdb", kind(FILE, "hdb")),
    (".hsb", kind(FILE, "hsb")),
    (".hdu", unwanted(FILE, "hdb")),
    (".hsu", unwanted(FILE, "hsb")),
    (".fp", kind(TRUSTED, "fp")),
    (".sfp", kind(TRUSTED, "sfp")),
    (".mdb", kind(SECTION, "mdb")),
    (".msb", kind(SECTION, "msb")),
    (".imp", kind(Language::Hash(HashSubject::Imports), "imp")),
    (".mdu", unwanted(SECTION, "mdb")),
    (".msu", unwanted(SECTION, "msb")),
    (".ndb", kind(BODY, "ndb")),
    (".ndu", unwanted(BODY, "ndb")),
    (".ldb", kind(Language::Logical, "ldb")),
    (".ldu", unwanted(Language::Logical, "ldb")),
    (".cbc", kind(Language::Unused { by_line: false }, "cbc")),
    (".sdb", kind(Language::Body { raw: true }, "sdb")),
    (".zmd", kind(Language::LegacyMember(FileType::Zip), "zmd")),
    (".rmd", kind(Language::LegacyMember(FileType::Rar), "rmd")),
    (".cfg", kind(Language::Config, "cfg")),
    (".info", kind(Language::Info, "info")),
    (".wdb", kind(Language::Url(UrlKind::Allowed), "wdb")),
    (".pdb", kind(Language::Url(UrlKind::Protected), "pdb")),
    (".gdb", kind(Language::Url(UrlKind::Hashed), "gdb")),
    (".ftm", kind(Language::Magic, "ftm")),
    (".ign", kind(Language::Ignore, "ign")),
    (".ign2", kind(Language::Ignore, "ign")),
    (".idb", kind(Language::Icon, "idb")),
    (".cdb", kind(Language::ContainerMember, "cdb")),
    (".cat", kind(Language::Catalogue, "cat")),
    (".ioc", kind(Language::Unused { by_line: false }, "ioc")),
    (".pwdb", kind(Language::Password, "pwdb")),
];

/// The extensions of all files that ClamAV loads, without the dot.
pub fn extensions() -> impl Iterator<Item = &'static str> {
    KINDS.iter().filter_map(|(extension, _)| extension.strip_prefix('.'))
}

/// The kind of a file of this name: by its extension, or, as ClamAV does it, by the first extension
/// that occurs anywhere in it (`main.ndb.bak`). Letters count in either case.
pub(crate) fn of_name(name: &str) -> Option<Kind> {
    let base = name.rsplit(['/', '\\']).next().unwrap_or(name).to_ascii_lowercase();
    let found = KINDS.iter().find(|(extension, _)| base.ends_with(extension));
    found.or_else(|| KINDS.iter().find(|(extension, _)| base.contains(extension))).map(|(_, kind)| *kind)
}
