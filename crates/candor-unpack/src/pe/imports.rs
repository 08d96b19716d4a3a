//! The digest over the import table.
//!
//! The list that is hashed is `library.function,library.function`, in lower case and in the order of the
//! table. The extensions `.dll`, `.ocx` and `.sys` are dropped; functions imported by number get their
//! names in three libraries, and `ordN` elsewhere.

use candor_model::{Digest, ImportDigest, Sink};
use md5::{Digest as _, Md5};

use super::image::PortableExecutable;
use super::ordinals;
use crate::name::decoded;
use crate::reader::until_nul;
use crate::work::{Allowance, units};

/// Libraries and functions that are looked at, and the longest name: tables of real programs stay far
/// below, and a hostile one must not cost more than the scan of its bytes.
const LIBRARIES: usize = 4096;
const FUNCTIONS: usize = 65_536;
const NAME: usize = 256;
/// What a library or a function costs beside its name, and a letter of that, in the units of [`Allowance`].
const IMPORT: u64 = 128;
const LETTER: u64 = 4;

/// Libraries that are told one by one; the others are counted.
const TOLD: usize = 48;
/// What it costs to count a function.
const COUNTED: u64 = 2;

/// Tells what libraries a program takes functions from, and how many from each.
pub(super) fn tell(file: &PortableExecutable<'_>, work: &Allowance, sink: &mut dyn Sink) {
    let Some(mut table) = file.directory(1).and_then(|(address, _)| file.reader_at(address)) else { return };
    let mut row = || {
        let lookup = table.u32()?;
        table.skip(8)?;
        let (name, addresses) = (table.u32()?, table.u32()?);
        let name = file.reader_at(name).filter(|_| name != 0)?;
        Some((short_name(name.rest()), if lookup == 0 { addresses } else { lookup }))
    };
    let (mut others, mut left) = (0_usize, FUNCTIONS);
    for number in 0..LIBRARIES {
        let Some((name, thunks)) = row() else { break };
        if !work.pay(IMPORT) {
            return;
        }
        if number >= TOLD {
            others = others.saturating_add(1);
            continue;
        }
        let mut count = 0_usize;
        let mut thunks = file.reader_at(thunks);
        while thunks.as_mut().and_then(|thunks| thunks.word(file.is_64_bit)).is_some_and(|thunk| thunk != 0) {
            let Some(rest) = left.checked_sub(1).filter(|_| work.pay(COUNTED)) else { return };
            left = rest;
            count = count.saturating_add(1);
        }
        let functions = if count == 1 { "function" } else { "functions" };
        sink.detail("imports", format!("{}: {count} {functions}", decoded(name)));
    }
    if others > 0 {
        sink.detail("imports", format!("{others} more libraries"));
    }
}

/// The digest, or `None` when nothing is imported or the table cannot be read to its end.
pub(crate) fn digest(file: &PortableExecutable<'_>, work: &Allowance) -> Option<ImportDigest> {
    let (address, _) = file.directory(1)?;
    let mut table = file.reader_at(address)?;
    let mut hash = Md5::new();
    let mut length = 0_u64;
    let mut functions = 0_usize;
    let mut add = |bytes: &[u8]| {
        hash.update(bytes.to_ascii_lowercase());
        length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    };
    for _ in 0..LIBRARIES {
        work.pay(IMPORT).then_some(())?;
        let lookup = table.u32()?;
        table.skip(8)?;
        let name = table.u32()?;
        let addresses = table.u32()?;
        if name == 0 {
            break;
        }
        let name = file.reader_at(name).map(|reader| short_name(reader.rest()))?.to_ascii_lowercase();
        let mut thunks = file.reader_at(if lookup == 0 { addresses } else { lookup })?;
        loop {
            let thunk = thunks.word(file.is_64_bit)?;
            if thunk == 0 {
                break;
            }
            functions = functions.saturating_add(1);
            let price = units(name.len()).saturating_mul(LETTER).saturating_add(IMPORT);
            if functions > FUNCTIONS || !work.pay(price) {
                return None;
            }
            if functions > 1 {
                add(b",");
            }
            add(without_extension(&name));
            add(b".");
            let by_number = if file.is_64_bit { 1 << 63 } else { 1 << 31 };
            if thunk & by_number != 0 {
                let number = u16::try_from(thunk & 0xffff).ok()?;
                match ordinals::name(&name, number) {
                    Some(known) => add(known.as_bytes()),
                    None => add(format!("ord{number}").as_bytes()),
                }
            } else {
                // Two bytes of hint come before the name.
                let address = u32::try_from(thunk & 0x7fff_ffff).ok()?.checked_add(2)?;
                let function = short_name(file.reader_at(address)?.rest());
                work.pay(units(function.len()).saturating_mul(LETTER)).then_some(())?;
                add(function);
            }
        }
    }
    let digest = Digest::new(&hash.finalize())?;
    (functions > 0).then_some(ImportDigest { digest, length })
}

fn short_name(bytes: &[u8]) -> &[u8] {
    until_nul(bytes.get(..NAME).unwrap_or(bytes))
}

/// `name` up to its first dot, if one of the three extensions follows there.
fn without_extension(name: &[u8]) -> &[u8] {
    let dot = memchr::memchr(b'.', name).unwrap_or(name.len());
    match name.split_at_checked(dot) {
        Some((stem, [b'.', extension @ ..]))
            if [b"dll", b"ocx", b"sys"].iter().any(|known| extension.starts_with(*known)) =>
        {
            stem
        }
        _ => name,
    }
}
