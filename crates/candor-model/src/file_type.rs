//! What a run of bytes is, in ClamAV's vocabulary: signatures name types by it.

use std::fmt;
use std::str::FromStr;

macro_rules! file_types {
    ($($variant:ident = $name:literal, $target:ident, $text:literal;)*) => {
        /// The type of a layer. Names and their meaning are ClamAV's (`CL_TYPE_…`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum FileType {
            $(#[doc = $text] $variant,)*
        }

        impl FileType {
            /// Every type, in the order of its number.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in signatures, as in `CL_TYPE_ZIP`.
            #[must_use]
            pub const fn clamav_name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The name for people.
            #[must_use]
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            /// Which class of signatures applies to it, besides those for any file.
            #[must_use]
            pub const fn target(self) -> Target {
                match self { $(Self::$variant => Target::$target,)* }
            }
        }
    };
}

file_types! {
    TextAscii = "CL_TYPE_TEXT_ASCII", Text, "ASCII text";
    TextUtf8 = "CL_TYPE_TEXT_UTF8", Text, "UTF-8 text";
    TextUtf16Le = "CL_TYPE_TEXT_UTF16LE", Text, "UTF-16LE text";
    TextUtf16Be = "CL_TYPE_TEXT_UTF16BE", Text, "UTF-16BE text";
    BinaryData = "CL_TYPE_BINARY_DATA", Other, "data";
    Any = "CL_TYPE_ANY", Any, "anything";
    Error = "CL_TYPE_ERROR", Other, "unreadable";
    Apm = "CL_TYPE_APM", Other, "Apple partition map";
    Gpt = "CL_TYPE_GPT", Other, "GUID partition table";
    Mbr = "CL_TYPE_MBR", Other, "master boot record";
    MsExe = "CL_TYPE_MSEXE", Pe, "PE executable";
    Elf = "CL_TYPE_ELF", Elf, "ELF";
    MachO = "CL_TYPE_MACHO", MachO, "Mach-O";
    MachOUniversal = "CL_TYPE_MACHO_UNIBIN", MachO, "Mach-O universal binary";
    PosixTar = "CL_TYPE_POSIX_TAR", Other, "tar archive";
    OldTar = "CL_TYPE_OLD_TAR", Other, "old tar archive";
    CpioOld = "CL_TYPE_CPIO_OLD", Other, "old cpio archive";
    CpioOdc = "CL_TYPE_CPIO_ODC", Other, "odc cpio archive";
    CpioNewc = "CL_TYPE_CPIO_NEWC", Other, "newc cpio archive";
    CpioCrc = "CL_TYPE_CPIO_CRC", Other, "crc cpio archive";
    Gzip = "CL_TYPE_GZ", Other, "gzip";
    Zip = "CL_TYPE_ZIP", Other, "ZIP archive";
    Bzip2 = "CL_TYPE_BZ", Other, "bzip2";
    Rar = "CL_TYPE_RAR", Other, "RAR archive";
    Arj = "CL_TYPE_ARJ", Other, "ARJ archive";
    MsSzdd = "CL_TYPE_MSSZDD", Other, "SZDD";
    MsOle2 = "CL_TYPE_MSOLE2", Ole2, "OLE2 document";
    MsCab = "CL_TYPE_MSCAB", Other, "cabinet";
    MsChm = "CL_TYPE_MSCHM", Other, "CHM";
    Sis = "CL_TYPE_SIS", Other, "Symbian package";
    ScrEnc = "CL_TYPE_SCRENC", Other, "encoded script";
    Graphics = "CL_TYPE_GRAPHICS", Graphics, "image";
    Gif = "CL_TYPE_GIF", Graphics, "GIF";
    Png = "CL_TYPE_PNG", Graphics, "PNG";
    Jpeg = "CL_TYPE_JPEG", Graphics, "JPEG";
    Tiff = "CL_TYPE_TIFF", Graphics, "TIFF";
    Riff = "CL_TYPE_RIFF", Other, "RIFF";
    BinHex = "CL_TYPE_BINHEX", Other, "BinHex";
    Tnef = "CL_TYPE_TNEF", Other, "TNEF";
    CryptFf = "CL_TYPE_CRYPTFF", Other, "CryptFF";
    Pdf = "CL_TYPE_PDF", Pdf, "PDF";
    Uuencoded = "CL_TYPE_UUENCODED", Other, "uuencoded";
    HtmlUtf16 = "CL_TYPE_HTML_UTF16", Other, "UTF-16 HTML";
    Script = "CL_TYPE_SCRIPT", Text, "script";
    Rtf = "CL_TYPE_RTF", Other, "RTF";
    Html = "CL_TYPE_HTML", Html, "HTML";
    Mail = "CL_TYPE_MAIL", Mail, "mail";
    SevenZip = "CL_TYPE_7Z", Other, "7-Zip archive";
    SevenZipSfx = "CL_TYPE_7ZSFX", Other, "embedded 7-Zip archive";
    Xz = "CL_TYPE_XZ", Other, "xz";
    Swf = "CL_TYPE_SWF", Swf, "Flash";
    Java = "CL_TYPE_JAVA", Java, "Java class";
    Xar = "CL_TYPE_XAR", Other, "XAR archive";
    PartAny = "CL_TYPE_PART_ANY", Other, "partition";
    PartHfsPlus = "CL_TYPE_PART_HFSPLUS", Other, "HFS+ volume";
    Xdp = "CL_TYPE_XDP", Other, "XDP";
    Mhtml = "CL_TYPE_MHTML", Other, "MHTML";
    Lnk = "CL_TYPE_LNK", Other, "Windows shortcut";
    Dmg = "CL_TYPE_DMG", Other, "Apple disk image";
    Iso9660 = "CL_TYPE_ISO9660", Other, "ISO 9660 image";
    Udf = "CL_TYPE_UDF", Other, "UDF image";
    Egg = "CL_TYPE_EGG", Other, "EGG archive";
    EggSfx = "CL_TYPE_EGGSFX", Other, "embedded EGG archive";
    Alz = "CL_TYPE_ALZ", Other, "ALZ archive";
    LhaLzh = "CL_TYPE_LHA_LZH", Other, "LHA archive";
    OoxmlWord = "CL_TYPE_OOXML_WORD", Other, "Office Open XML document";
    OoxmlPpt = "CL_TYPE_OOXML_PPT", Other, "Office Open XML presentation";
    OoxmlXl = "CL_TYPE_OOXML_XL", Other, "Office Open XML workbook";
    OoxmlHwp = "CL_TYPE_OOXML_HWP", Other, "OOXML Hancom document";
    XmlWord = "CL_TYPE_XML_WORD", Other, "Word XML";
    XmlXl = "CL_TYPE_XML_XL", Other, "Excel XML";
    XmlHwp = "CL_TYPE_XML_HWP", Other, "Hancom XML";
    HwpOle2 = "CL_TYPE_HWPOLE2", Other, "Hancom OLE2 document";
    Hwp3 = "CL_TYPE_HWP3", Other, "Hancom 3 document";
    OneNote = "CL_TYPE_ONENOTE", Other, "OneNote";
    Ps = "CL_TYPE_PS", Other, "PostScript";
    PythonCompiled = "CL_TYPE_PYTHON_COMPILED", Other, "compiled Python";
    AiModel = "CL_TYPE_AI_MODEL", Other, "AI model";
    ZipSfx = "CL_TYPE_ZIPSFX", Other, "embedded ZIP archive";
    RarSfx = "CL_TYPE_RARSFX", Other, "embedded RAR archive";
    CabSfx = "CL_TYPE_CABSFX", Other, "embedded cabinet";
    ArjSfx = "CL_TYPE_ARJSFX", Other, "embedded ARJ archive";
    Nulsft = "CL_TYPE_NULSFT", Other, "NSIS installer";
    AutoIt = "CL_TYPE_AUTOIT", Other, "AutoIt script";
    IshieldMsi = "CL_TYPE_ISHIELD_MSI", Other, "InstallShield installer";
    Ignored = "CL_TYPE_IGNORED", Other, "ignored";
    Internal = "CL_TYPE_INTERNAL", Internal, "internal";
    Other = "CL_TYPE_OTHER", Other, "other";
    // ClamAV has no name for the types from here on, so signatures cannot ask for them. At the end, because
    // images store the numbers.
    Ace = "CANDOR_TYPE_ACE", Other, "ACE archive";
    Ar = "CANDOR_TYPE_AR", Other, "ar archive";
    Arc = "CANDOR_TYPE_ARC", Other, "ARC archive";
    Compress = "CANDOR_TYPE_COMPRESS", Other, "compress (.Z)";
    Lz4 = "CANDOR_TYPE_LZ4", Other, "LZ4";
    Lzip = "CANDOR_TYPE_LZIP", Other, "lzip";
    Lzma = "CANDOR_TYPE_LZMA", Other, "LZMA";
    Rpm = "CANDOR_TYPE_RPM", Other, "RPM package";
    SquashFs = "CANDOR_TYPE_SQUASHFS", Other, "SquashFS";
    Zoo = "CANDOR_TYPE_ZOO", Other, "Zoo archive";
    Zstd = "CANDOR_TYPE_ZSTD", Other, "Zstandard";
    IshieldCab = "CANDOR_TYPE_ISHIELD_CAB", Other, "InstallShield cabinet";
    Wim = "CANDOR_TYPE_WIM", Other, "Windows image (WIM)";
    Vhd = "CANDOR_TYPE_VHD", Other, "virtual disk (VHD)";
    Vhdx = "CANDOR_TYPE_VHDX", Other, "virtual disk (VHDX)";
    Vmdk = "CANDOR_TYPE_VMDK", Other, "virtual disk (VMDK)";
    Qcow2 = "CANDOR_TYPE_QCOW2", Other, "virtual disk (QCOW2)";
    Fat = "CANDOR_TYPE_FAT", Other, "FAT volume";
    Ntfs = "CANDOR_TYPE_NTFS", Other, "NTFS volume";
    Ext = "CANDOR_TYPE_EXT", Other, "ext volume";
    Dex = "CANDOR_TYPE_DEX", Other, "Dalvik executable";
    Wasm = "CANDOR_TYPE_WASM", Other, "WebAssembly module";
    Pst = "CANDOR_TYPE_PST", Other, "Outlook mailbox (PST)";
    KasperskyQuarantine = "CANDOR_TYPE_QUARANTINE_KASPERSKY", Other, "quarantined file (Kaspersky)";
    DefenderQuarantine = "CANDOR_TYPE_QUARANTINE_DEFENDER", Other, "quarantined file (Defender)";
    SymantecQuarantine = "CANDOR_TYPE_QUARANTINE_SYMANTEC", Other, "quarantined file (Symantec)";
    AviraQuarantine = "CANDOR_TYPE_QUARANTINE_AVIRA", Other, "quarantined file (Avira)";
    GdataQuarantine = "CANDOR_TYPE_QUARANTINE_GDATA", Other, "quarantined file (G Data)";
    MalwarebytesQuarantine = "CANDOR_TYPE_QUARANTINE_MALWAREBYTES", Other, "description of a quarantined file (Malwarebytes)";
    NamedQuarantine = "CANDOR_TYPE_QUARANTINE_NAMED", Other, "quarantined file (known by its name)";
    ClosedQuarantine = "CANDOR_TYPE_QUARANTINE_CLOSED", Other, "quarantined file (Avast, AVG, Trend Micro)";
    Lvm = "CANDOR_TYPE_LVM", Other, "physical volume (LVM)";
    Xfs = "CANDOR_TYPE_XFS", Other, "XFS volume";
    Btrfs = "CANDOR_TYPE_BTRFS", Other, "btrfs volume";
    Apfs = "CANDOR_TYPE_APFS", Other, "APFS container";
    ActiveMime = "CANDOR_TYPE_ACTIVEMIME", Other, "ActiveMime (macros of Word)";
    Zisofs = "CANDOR_TYPE_ZISOFS", Other, "zisofs";
}

impl FileType {
    /// The number that an image stores.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The type with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// Whether files of this type hold content that does not stand in their bytes as it is: compressed,
    /// encoded, or in pieces. Who cannot open such a file has not looked at what is in it.
    #[must_use]
    pub const fn hides_content(self) -> bool {
        matches!(
            self,
            Self::Ace
                | Self::ActiveMime
                | Self::Alz
                | Self::Apfs
                | Self::Apm
                | Self::Ar
                | Self::Arc
                | Self::Arj
                | Self::ArjSfx
                | Self::AutoIt
                | Self::AviraQuarantine
                | Self::BinHex
                | Self::Btrfs
                | Self::Bzip2
                | Self::CabSfx
                | Self::ClosedQuarantine
                | Self::Compress
                | Self::CpioCrc
                | Self::CpioNewc
                | Self::CpioOdc
                | Self::CpioOld
                | Self::CryptFf
                | Self::DefenderQuarantine
                | Self::Dmg
                | Self::Egg
                | Self::EggSfx
                | Self::Ext
                | Self::Fat
                | Self::GdataQuarantine
                | Self::Gpt
                | Self::Gzip
                | Self::Hwp3
                | Self::HwpOle2
                | Self::IshieldCab
                | Self::IshieldMsi
                | Self::Iso9660
                | Self::KasperskyQuarantine
                | Self::LhaLzh
                | Self::Lvm
                | Self::Lz4
                | Self::Lzip
                | Self::Lzma
                | Self::Mail
                | Self::MalwarebytesQuarantine
                | Self::Mbr
                | Self::Mhtml
                | Self::MsCab
                | Self::MsChm
                | Self::MsOle2
                | Self::MsSzdd
                | Self::NamedQuarantine
                | Self::Ntfs
                | Self::Nulsft
                | Self::OldTar
                | Self::OneNote
                | Self::OoxmlHwp
                | Self::OoxmlPpt
                | Self::OoxmlWord
                | Self::OoxmlXl
                | Self::PartAny
                | Self::PartHfsPlus
                | Self::Pdf
                | Self::PosixTar
                | Self::Pst
                | Self::Qcow2
                | Self::Rar
                | Self::RarSfx
                | Self::Rpm
                | Self::Rtf
                | Self::ScrEnc
                | Self::SevenZip
                | Self::SevenZipSfx
                | Self::Sis
                | Self::SquashFs
                | Self::Swf
                | Self::SymantecQuarantine
                | Self::Tnef
                | Self::Udf
                | Self::Uuencoded
                | Self::Vhd
                | Self::Vhdx
                | Self::Vmdk
                | Self::Wim
                | Self::Xar
                | Self::Xdp
                | Self::Xfs
                | Self::XmlHwp
                | Self::XmlWord
                | Self::XmlXl
                | Self::Xz
                | Self::Zip
                | Self::ZipSfx
                | Self::Zisofs
                | Self::Zoo
                | Self::Zstd
        )
    }

    /// Whether text rules apply: it is normalised before it is searched as [`Target::Text`].
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::TextAscii | Self::TextUtf8 | Self::TextUtf16Le | Self::TextUtf16Be | Self::Script
        )
    }
}

impl fmt::Display for FileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.description())
    }
}

impl FromStr for FileType {
    type Err = UnknownFileType;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.iter().copied().find(|known| known.clamav_name() == name).ok_or(UnknownFileType)
    }
}

/// A type name that nobody knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFileType;

impl fmt::Display for UnknownFileType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown file type")
    }
}

impl std::error::Error for UnknownFileType {}

/// A class of files that a body signature is written for. The numbers are ClamAV's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Target {
    /// Any file.
    Any = 0,
    /// Portable Executable.
    Pe = 1,
    /// OLE2 streams.
    Ole2 = 2,
    /// Normalised HTML.
    Html = 3,
    /// Mail.
    Mail = 4,
    /// Images.
    Graphics = 5,
    /// ELF.
    Elf = 6,
    /// Normalised text.
    Text = 7,
    /// Not used by ClamAV; signatures for it load and never match.
    Unused = 8,
    /// Mach-O.
    MachO = 9,
    /// PDF.
    Pdf = 10,
    /// Flash.
    Swf = 11,
    /// Java classes.
    Java = 12,
    /// ClamAV's internal data.
    Internal = 13,
    /// Everything that no other class is for.
    Other = 14,
}

impl Target {
    /// Every class, in the order of its number.
    pub const ALL: [Self; 15] = [
        Self::Any,
        Self::Pe,
        Self::Ole2,
        Self::Html,
        Self::Mail,
        Self::Graphics,
        Self::Elf,
        Self::Text,
        Self::Unused,
        Self::MachO,
        Self::Pdf,
        Self::Swf,
        Self::Java,
        Self::Internal,
        Self::Other,
    ];

    /// Its number in signatures.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The class with this number.
    #[must_use]
    pub fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// Whether offsets may refer to sections and an entry point.
    #[must_use]
    pub const fn is_executable(self) -> bool {
        matches!(self, Self::Pe | Self::Elf | Self::MachO)
    }
}
