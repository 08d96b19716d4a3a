//! What a parser learned about a layer, besides its children. Offsets are file offsets in bytes,
//! and may lie outside of the layer: they are what the file claims.

use crate::Digest;

/// Everything known about one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Set for PE, ELF and Mach-O files whose headers could be read.
    pub executable: Option<Executable>,
    /// Icons of a PE file, in the order of its resource directory.
    pub icons: Vec<Icon>,
    /// Perceptual hash of an image file, when one was computed.
    pub image_hash: Option<PerceptualHash>,
    /// Links of a page, in its order: those that show something that could be an address.
    pub links: Vec<Link>,
    /// What else there is to say about it, in the order in which it was found.
    pub details: Vec<Detail>,
    /// What is unusual about it.
    pub anomalies: Vec<Anomaly>,
}

/// One thing to say about a layer, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Detail {
    /// What it is about, as in `signer`.
    pub key: &'static str,
    /// What there is to say.
    pub value: String,
}

/// A link: where it leads, and what it shows. Both as the page has them, without white space.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Link {
    /// Where it leads.
    pub target: String,
    /// What is shown for it: a text, or the address of an image.
    pub shown: String,
    /// Whether it is the text that stands in the page.
    pub is_text: bool,
}

/// Something about a layer that harmless files rarely have. It convicts nobody; whoever wants to know of
/// it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Anomaly {
    /// An executable whose headers contradict themselves or its length.
    BrokenExecutable,
    /// An image that is damaged; in the words of ClamAV, as in `GIF.TruncatedImageDescriptor`.
    BrokenMedia(&'static str),
    /// A document whose content is encrypted.
    EncryptedDocument,
    /// An image that is made to overflow a reader of its time; the bulletin, as in `W32.MS04-028`.
    ImageExploit(&'static str),
    /// A PDF that writes the names of actions in a way that is made not to be found.
    ObfuscatedPdfName,
    /// Members of a ZIP that lie over one another.
    OverlappingZip,
    /// Partitions that lie over one another, in a table of this kind (`APM`, `GPT`, `MBR`).
    PartitionIntersection(&'static str),
    /// VBA macros whose compiled code, which Office runs, is not what their source says.
    StompedMacros,
    /// Numbers of credit cards (`CreditCardNumber`) or of social security (`SSN`).
    StructuredData(&'static str),
    /// VBA macros.
    VbaMacros,
    /// Excel 4 macros.
    XlmMacros,
}

/// The structure of an executable that offsets, targets and section hashes refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// Which container format.
    pub format: ExecutableFormat,
    /// Whether it is a 64-bit format (PE32+, ELFCLASS64, MH_MAGIC_64).
    pub is_64_bit: bool,
    /// File offset of the entry point, when the file has one that lies in a section.
    pub entry_point: Option<u64>,
    /// Sections in table order (segments for Mach-O and for ELF without section headers).
    pub sections: Vec<Section>,
    /// Strings of the version resource (PE only).
    pub version_strings: Vec<VersionString>,
    /// Digest over the import table (PE only).
    pub imports: Option<ImportDigest>,
}

/// A container format of machine code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExecutableFormat {
    /// Microsoft Portable Executable.
    Pe,
    /// Executable and Linkable Format.
    Elf,
    /// Mach-O.
    MachO,
}

/// One section of an executable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// Name as stored, without trailing NULs.
    pub name: Vec<u8>,
    /// Offset of its bytes in the file.
    pub raw_offset: u64,
    /// Number of its bytes in the file, as far as the file reaches.
    pub raw_size: u64,
    /// Address relative to the image base (absolute for ELF and Mach-O).
    pub virtual_address: u64,
    /// Size in memory.
    pub virtual_size: u64,
}

/// Where one string of a version resource stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionString {
    /// File offset of the UTF-16LE key: what `VI` offsets are anchored to.
    pub offset: u64,
    /// The key, as in `CompanyName`.
    pub key: String,
    /// The value.
    pub value: String,
}

/// MD5 over the lower-cased, comma-separated `library.function` list, and the length of that list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportDigest {
    /// The digest.
    pub digest: Digest,
    /// Length of the list in bytes.
    pub length: u64,
}

/// A decoded icon: what icon signatures compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Icon {
    /// Width and height in pixels: 16, 24 or 32.
    pub size: u32,
    /// Pixels row by row from the top, as `0xAARRGGBB`, `size * size` of them.
    pub pixels: Vec<u32>,
}

/// A 64-bit perceptual hash of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PerceptualHash(pub [u8; 8]);
