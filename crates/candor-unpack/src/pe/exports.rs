//! What a program offers to others, told for people: the name that a library gives itself, and its functions.
//!
//! ```text
//! directory 0: 12 | name of the library 4 | 4 | functions 4 | names 4 | 4 | where the names are listed 4 | 4
//! ```

use candor_model::Sink;

use super::image::PortableExecutable;
use crate::name::decoded;
use crate::reader::until_nul;
use crate::work::Allowance;

/// Names that are told, and the longest one.
const NAMES: u32 = 16;
const NAME: usize = 128;
/// What one costs, in the units of [`Allowance`].
const EXPORT: u64 = 256;

/// Tells both.
pub(super) fn tell(file: &PortableExecutable<'_>, work: &Allowance, sink: &mut dyn Sink) {
    if let Some((library, functions)) = exports(file, work) {
        if !library.is_empty() {
            sink.detail("library", library);
        }
        sink.detail("exports", functions);
    }
}

fn exports(file: &PortableExecutable<'_>, work: &Allowance) -> Option<(String, String)> {
    let (address, _) = file.directory(0)?;
    let mut table = file.reader_at(address)?;
    table.skip(12)?;
    let library = table.u32()?;
    table.skip(4)?;
    let (functions, named) = (table.u32()?, table.u32()?);
    table.skip(4)?;
    let mut list = file.reader_at(table.u32()?);
    let name = |address| file.reader_at(address).map(|at| short(at.rest())).unwrap_or_default();
    let mut told = format!("{functions}, {named} of them by name");
    for number in 0..named.min(NAMES) {
        let Some(address) = list.as_mut().and_then(|list| list.u32()).filter(|_| work.pay(EXPORT)) else {
            break;
        };
        told.push_str(if number == 0 { ": " } else { ", " });
        told.push_str(&name(address));
    }
    if named > NAMES {
        told.push_str(", …");
    }
    Some((name(library), told))
}

fn short(bytes: &[u8]) -> String {
    decoded(until_nul(bytes.get(..NAME).unwrap_or(bytes)))
}
