//! What rules of YARA ask of programs: the values of its modules for the bytes of a layer.
//!
//! `candor_model::Module::description` says what there is. Values are those of libyara 4.2.3, found by asking it for
//! whole and for damaged programs (`cargo xtask yara --modules FOLDER` compares field by field): numbers as they stand
//! in the file, places as offsets in the file. That is why headers are read here as they stand there, and not as
//! `pe`, `elf` and `macho` read them, which see a program as its loader would and number things as ClamAV does.
//!
//! Hostile files say that they hold millions of functions, and have many tables lead to the same names: each list has
//! a limit, and so have all of a kind together, so that a value never costs more than looking through a few megabytes.

mod dotnet;
mod elf;
mod fields;
mod macho;
mod pe;

#[cfg(test)]
mod tests;

use candor_model::{Module, ModuleValue};

use fields::Fields;

/// The mean of bytes, when each is as likely as any other.
const MEAN_OF_BYTES: f64 = 127.5;

/// What a module offers for some bytes.
pub(crate) fn value(module: Module, bytes: &[u8]) -> ModuleValue {
    match module {
        Module::Dotnet => dotnet::value(bytes),
        Module::Elf => elf::value(bytes),
        Module::MachO => macho::value(bytes),
        Module::Math => Fields::default().with("MEAN_BYTES", ModuleValue::Float(MEAN_OF_BYTES)).into(),
        Module::Pe => pe::value(bytes),
        // Functions of the others need nothing but their arguments.
        _ => Fields::default().into(),
    }
}
