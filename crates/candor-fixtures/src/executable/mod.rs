//! Minimal valid executables with the sections, entry point and resources that a test asks for.
//!
//! Building one also says which [`Facts`] a parser should find in it, so that a search can be tested without
//! one, and a parser against it.

mod elf;
mod macho;
mod pe;
mod resource;

#[cfg(test)]
mod tests;

use candor_model::{ExecutableFormat, Facts, FileType, Icon, Section};

/// What an executable should look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executable {
    /// Which format.
    pub kind: Kind,
    /// Its sections, in order.
    pub sections: Vec<SectionRecipe>,
    /// Which section the entry point is in, and how far from its start.
    pub entry: (usize, u32),
    /// Strings of a version resource (PE only).
    pub version: Vec<(String, String)>,
    /// Icons, one after the other in one group (PE only).
    pub icons: Vec<Icon>,
    /// Libraries and the functions that are imported from them (PE only).
    pub imports: Vec<(String, Vec<String>)>,
}

/// One section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionRecipe {
    /// Its name.
    pub name: String,
    /// Its bytes; in PE files they are filled up to a multiple of 512.
    pub bytes: Vec<u8>,
}

/// A format of executables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 32-bit ELF.
    Elf32,
    /// 64-bit ELF.
    Elf64,
    /// 64-bit Mach-O.
    MachO64,
    /// PE32.
    Pe32,
    /// PE32+.
    Pe32Plus,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Elf32, Self::Elf64, Self::MachO64, Self::Pe32, Self::Pe32Plus];

    /// The type of such files.
    #[must_use]
    pub const fn file_type(self) -> FileType {
        match self {
            Self::Elf32 | Self::Elf64 => FileType::Elf,
            Self::MachO64 => FileType::MachO,
            Self::Pe32 | Self::Pe32Plus => FileType::MsExe,
        }
    }

    const fn format(self) -> ExecutableFormat {
        match self {
            Self::Elf32 | Self::Elf64 => ExecutableFormat::Elf,
            Self::MachO64 => ExecutableFormat::MachO,
            Self::Pe32 | Self::Pe32Plus => ExecutableFormat::Pe,
        }
    }

    const fn is_64_bit(self) -> bool {
        matches!(self, Self::Elf64 | Self::MachO64 | Self::Pe32Plus)
    }
}

impl Executable {
    /// An executable with these sections and nothing else; it starts at the first byte of the first.
    #[must_use]
    pub fn new(kind: Kind, sections: Vec<SectionRecipe>) -> Self {
        Self { kind, sections, entry: (0, 0), version: Vec::new(), icons: Vec::new(), imports: Vec::new() }
    }

    /// A program for Windows with a version resource that names a company.
    #[must_use]
    pub fn of_company(company: &str) -> Vec<u8> {
        let section = SectionRecipe { name: ".text".into(), bytes: vec![0x90; 512] };
        let mut recipe = Self::new(Kind::Pe32Plus, vec![section]);
        recipe.version = vec![("CompanyName".into(), company.into()), ("Comments".into(), "x".into())];
        recipe.build().0
    }

    /// The file, and what is to be known about it.
    #[must_use]
    pub fn build(&self) -> (Vec<u8>, Facts) {
        match self.kind {
            Kind::Elf32 | Kind::Elf64 => elf::build(self),
            Kind::MachO64 => macho::build(self),
            Kind::Pe32 | Kind::Pe32Plus => pe::build(self),
        }
    }

    fn facts(&self, sections: Vec<Section>) -> candor_model::Executable {
        let (index, distance) = self.entry;
        let entry_point =
            sections.get(index).and_then(|section| section.raw_offset.checked_add(u64::from(distance)));
        candor_model::Executable {
            format: self.kind.format(),
            is_64_bit: self.kind.is_64_bit(),
            entry_point,
            sections,
            version_strings: Vec::new(),
            imports: None,
        }
    }
}

/// Bytes being laid out; numbers are little-endian.
#[derive(Debug, Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_le_bytes())
    }

    /// An address: four or eight bytes.
    fn address(&mut self, value: u32, wide: bool) -> &mut Self {
        if wide { self.u64(u64::from(value)) } else { self.u32(value) }
    }

    fn zeros(&mut self, count: usize) -> &mut Self {
        self.0.resize(self.0.len() + count, 0);
        self
    }

    /// `text`, cut or filled with zeros to `width`.
    fn name(&mut self, text: &str, width: usize) -> &mut Self {
        let mut field = text.as_bytes().to_vec();
        field.resize(width, 0);
        self.bytes(&field)
    }

    fn align(&mut self, to: usize) -> &mut Self {
        let length = self.0.len().next_multiple_of(to);
        self.0.resize(length, 0);
        self
    }

    fn position(&self) -> u32 {
        number(self.0.len())
    }
}

/// A length as the formats store it. Fixtures are far below four gigabytes.
fn number(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
