//! Portable Executable: headers, sections, entry point, imports, version strings, icons.
//!
//! Layout: <https://learn.microsoft.com/windows/win32/debug/pe-format>
//!
//! ```text
//! 0      "MZ" ... u32 at 0x3c: where the PE header stands
//! +0     "PE\0\0", machine, number of sections, ..., size of the optional header, characteristics
//! +24    optional header: 0x10b (PE32) or 0x20b (PE32+), alignments, 16 data directories
//! then   40 bytes a section: name, virtual size and address, raw size and offset
//! ```
//!
//! Hostile files give sizes that reach past the end, sections that overlap, tables that are cut short and
//! resource trees that lead back to themselves. Whatever can still be read is kept: a loader is as lenient,
//! and a signature for a section must not be escaped by damage to another.
//!
//! The sections are those that ClamAV hashes and counts offsets from: raw offsets are rounded down and raw
//! sizes up to the file alignment.

pub(crate) mod authenticode;
mod broken;
pub(crate) mod dotnet;
mod exports;
mod icons;
mod image;
mod imports;
pub(crate) mod ordinals;
mod origin;
mod parts;
mod resources;
mod version;

#[cfg(test)]
mod tests;

use candor_model::{Anomaly, Executable, ExecutableFormat, Facts, Flow, Sink};

use crate::work::Allowance;
use crate::{nuitka, packed, pyinstaller};
pub(crate) use image::PortableExecutable;

/// Facts of a PE file; nothing for a DOS program. Children are what a
/// packed program unpacks to.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let file = PortableExecutable::parse(bytes);
    if broken::is_broken(bytes, |entry| file.as_ref()?.offset_of(entry)) {
        sink.anomaly(Anomaly::BrokenExecutable);
    }
    let Some(file) = file else { return };
    let work = Allowance::new(sink.budget().work());
    sink.facts(facts_of(&file, &work));
    exports::tell(&file, &work, sink);
    imports::tell(&file, &work, sink);
    work.settle(sink);
    authenticode::tell(&file, sink);
    origin::tell(&file, sink);
    if packed::unpack(&file, sink) == Flow::Continue
        && dotnet::give(&file, sink) == Flow::Continue
        && pyinstaller::unpack(bytes, file.end_of_sections().unwrap_or(0), sink) == Flow::Continue
        && nuitka::unpack(bytes, &[(0, u64::MAX)], sink) == Flow::Continue
    {
        let _ = parts::give(&file, sink);
    }
}

/// Who made a program, as far as it says: version strings as facts, who signed it as details. Nothing is
/// unpacked, and nothing is drawn.
pub(crate) fn identity(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(file) = PortableExecutable::parse(bytes) else { return };
    let work = Allowance::new(sink.budget().work());
    let version_strings = version::strings(&file, &resources::read(&file, &work), &work);
    work.settle(sink);
    let executable = Executable {
        format: ExecutableFormat::Pe,
        is_64_bit: file.is_64_bit,
        entry_point: file.offset_of(file.entry_point),
        version_strings,
        imports: None,
        sections: file.sections.clone(),
    };
    sink.facts(Facts { executable: Some(executable), ..Facts::default() });
    authenticode::tell(&file, sink);
}

#[cfg(test)]
fn facts(bytes: &[u8]) -> Option<Facts> {
    PortableExecutable::parse(bytes).map(|file| facts_of(&file, &Allowance::new(u64::MAX)))
}

fn facts_of(file: &PortableExecutable<'_>, work: &Allowance) -> Facts {
    let resources = resources::read(file, work);
    let executable = Executable {
        format: ExecutableFormat::Pe,
        is_64_bit: file.is_64_bit,
        entry_point: file.offset_of(file.entry_point),
        version_strings: version::strings(file, &resources, work),
        imports: imports::digest(file, work),
        sections: file.sections.clone(),
    };
    let icons = icons::decode(file.bytes, &resources, work);
    Facts { executable: Some(executable), icons, ..Facts::default() }
}
