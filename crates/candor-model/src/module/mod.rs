//! Modules of YARA: what rules can ask of a layer besides its bytes.
//!
//! A [`Kind`] describes what a module offers, so that a rule can be checked before it is run; a [`ModuleValue`] is what
//! it offers for one layer. What is said of each module stands in the file of its name.
//!
//! Functions of `console`, `hash`, `math`, `string` and `time` need no value. Those of `pe` and `macho` say what the
//! value of their module holds.

mod console;
mod dotnet;
mod elf;
mod hash;
mod macho;
mod math;
mod pe;
mod string;
mod time;

#[cfg(test)]
mod tests;

/// A module that rules can import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Module {
    /// `console`: writes messages; here it says nothing, and its functions are true.
    Console,
    /// `dotnet`: metadata of .NET programs.
    Dotnet,
    /// `elf`: headers of ELF programs.
    Elf,
    /// `hash`: digests and checksums of parts of a layer.
    Hash,
    /// `macho`: headers of Mach-O programs.
    MachO,
    /// `math`: statistics over parts of a layer.
    Math,
    /// `pe`: everything about Windows programs.
    Pe,
    /// `string`: numbers and lengths of texts.
    String,
    /// `time`: the clock.
    Time,
}

impl Module {
    /// Every module, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::Console,
        Self::Dotnet,
        Self::Elf,
        Self::Hash,
        Self::MachO,
        Self::Math,
        Self::Pe,
        Self::String,
        Self::Time,
    ];

    /// The name that rules import it by.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Console => "console",
            Self::Dotnet => "dotnet",
            Self::Elf => "elf",
            Self::Hash => "hash",
            Self::MachO => "macho",
            Self::Math => "math",
            Self::Pe => "pe",
            Self::String => "string",
            Self::Time => "time",
        }
    }

    /// The module with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|module| module.name() == name)
    }

    /// What it offers.
    #[must_use]
    pub const fn description(self) -> &'static [Field] {
        match self {
            Self::Console => console::FIELDS,
            Self::Dotnet => dotnet::FIELDS,
            Self::Elf => elf::FIELDS,
            Self::Hash => hash::FIELDS,
            Self::MachO => macho::FIELDS,
            Self::Math => math::FIELDS,
            Self::Pe => pe::FIELDS,
            Self::String => string::FIELDS,
            Self::Time => time::FIELDS,
        }
    }

    /// What it offers under a name.
    #[must_use]
    pub fn field(self, name: &str) -> Option<&'static Field> {
        self.description().iter().find(|field| field.name == name)
    }

    /// The number that it has in images. Numbers are never used again.
    #[must_use]
    pub fn number(self) -> u8 {
        Self::ALL.iter().position(|module| *module == self).and_then(|at| u8::try_from(at).ok()).unwrap_or(0)
    }

    /// The module with this number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// What a part of a module is: known when a rule is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Values of one kind, by number from 0.
    Array(&'static Self),
    /// True or false.
    Boolean,
    /// Values of one kind, by name.
    Dictionary(&'static Self),
    /// A floating-point number.
    Float,
    /// A function, by the forms that it can be called in.
    Function(&'static [Form]),
    /// An integer.
    Integer,
    /// A regular expression; only as an argument.
    Regex,
    /// Values with names.
    Structure(&'static [Field]),
    /// Bytes.
    Text,
}

/// A value with a name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// The name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its value where that is the same for every layer: a constant.
    pub constant: Option<i64>,
}

impl Field {
    const fn of(name: &'static str, kind: Kind) -> Self {
        Self { name, kind, constant: None }
    }

    const fn array(name: &'static str, of: &'static Kind) -> Self {
        Self::of(name, Kind::Array(of))
    }

    const fn constant(name: &'static str, value: i64) -> Self {
        Self { name, kind: Kind::Integer, constant: Some(value) }
    }

    const fn dictionary(name: &'static str, of: &'static Kind) -> Self {
        Self::of(name, Kind::Dictionary(of))
    }

    const fn function(name: &'static str, forms: &'static [Form]) -> Self {
        Self::of(name, Kind::Function(forms))
    }

    const fn integer(name: &'static str) -> Self {
        Self::of(name, Kind::Integer)
    }

    const fn structure(name: &'static str, fields: &'static [Self]) -> Self {
        Self::of(name, Kind::Structure(fields))
    }

    const fn text(name: &'static str) -> Self {
        Self::of(name, Kind::Text)
    }
}

/// One form in which a function can be called.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Form {
    /// What it takes.
    pub arguments: &'static [Kind],
    /// What it gives.
    pub result: Kind,
}

impl Form {
    const fn of(arguments: &'static [Kind], result: Kind) -> Self {
        Self { arguments, result }
    }
}

/// What a module, or a part of it, offers for one layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum ModuleValue {
    /// Values of one kind, by number from 0.
    Array(Vec<Self>),
    /// True or false.
    Boolean(bool),
    /// Values by name.
    Dictionary(Vec<(Vec<u8>, Self)>),
    /// A floating-point number.
    Float(f64),
    /// An integer.
    Integer(i64),
    /// Values with names. A name that is not here has no value.
    Structure(Vec<(&'static str, Self)>),
    /// Bytes.
    Text(Vec<u8>),
    /// Nothing: the layer does not have it.
    #[default]
    Undefined,
}

impl ModuleValue {
    /// The value of a structure with this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Self> {
        let Self::Structure(fields) = self else { return None };
        fields.iter().find_map(|(own, value)| (*own == name).then_some(value))
    }
}
