//! What a program imports, at once and when it is needed first.

use candor_model::ModuleValue;
use md5::{Digest as _, Md5};

use super::header::Header;
use crate::hash::hexadecimal;
use crate::module::fields::Fields;
use crate::pe::ordinals;
use crate::reader::{Reader, until_nul};

/// Libraries, and functions of all of them together; the first is libyara's, which knows the second only for each
/// library.
const LIBRARIES: usize = 16_384;
const FUNCTIONS: usize = 65_536;
/// Longest names.
const NAME: usize = 512;

/// The functions of one library.
#[derive(Debug)]
struct Library {
    name: Vec<u8>,
    functions: Vec<Function>,
}

/// The libraries of a table.
#[derive(Debug, Default)]
struct Table {
    /// Those that can be read.
    libraries: Vec<Library>,
    /// Rows that name a library.
    rows: usize,
    /// Functions, also those that have no name.
    functions: usize,
}

#[derive(Debug)]
struct Function {
    /// Its name, or one made up for its number.
    name: Vec<u8>,
    ordinal: Option<u16>,
    /// Where its address will stand.
    address: u64,
}

/// Adds them.
pub(crate) fn tell(file: &Header<'_>, fields: Fields) -> Fields {
    let mut left = FUNCTIONS;
    let table = read(file, &mut left);
    let delayed = read_delayed(file, &mut left);
    fields
        .count("number_of_imports", table.rows)
        .count("number_of_imported_functions", table.functions)
        .count("number_of_delayed_imports", delayed.rows)
        .count("number_of_delayed_imported_functions", delayed.functions)
        .text("imphash", digest(&table.libraries))
        .array("import_details", table.libraries.into_iter().map(Into::into).collect())
        .array("delayed_import_details", delayed.libraries.into_iter().map(Into::into).collect())
}

impl From<Library> for ModuleValue {
    fn from(library: Library) -> Self {
        let count = library.functions.len();
        let functions = library.functions.into_iter().map(|function| {
            let ordinal = function.ordinal.map(u64::from);
            Fields::default()
                .text("name", function.name)
                .integer_if("ordinal", ordinal)
                .wide("rva", function.address)
                .into()
        });
        let functions = functions.collect();
        Fields::default()
            .text("library_name", library.name)
            .count("number_of_functions", count)
            .array("functions", functions)
            .into()
    }
}

fn read(file: &Header<'_>, left: &mut usize) -> Table {
    let mut found = Table::default();
    let (address, _) = file.directory(1);
    let Some(mut table) = file.reader_at(address).filter(|_| address != 0) else { return found };
    while found.rows < LIBRARIES && *left > 0 {
        let mut row = || {
            let mut row = Reader::little(table.take(20)?);
            let names = row.u32()?;
            row.skip(8)?;
            Some((names, row.u32()?, row.u32()?))
        };
        let Some((names, name, addresses)) = row().filter(|(_, name, _)| *name != 0) else { break };
        if let Some(at) = file.offset_of(name).and_then(|at| file.at(at)) {
            let Some(name) = library_name(at.rest()) else { break };
            // Old linkers give addresses alone.
            let thunks = file.offset_of(names).filter(|at| *at != 0).or_else(|| file.offset_of(addresses));
            if let Some(thunks) = thunks.and_then(|at| file.at(at)) {
                let before = *left;
                let functions = read_functions(file, name, thunks, addresses, left);
                found.functions = found.functions.saturating_add(before.saturating_sub(*left));
                if !functions.is_empty() {
                    found.libraries.push(Library { name: name.to_vec(), functions });
                }
            }
        }
        found.rows = found.rows.saturating_add(1);
    }
    found
}

/// A name that a library can have, as far as characters say that no file may have.
fn library_name(bytes: &[u8]) -> Option<&[u8]> {
    let end = memchr::memchr(0, bytes.get(..NAME).unwrap_or(bytes)).filter(|end| *end > 0)?;
    let name = bytes.get(..end)?;
    name.iter().all(|byte| *byte >= b' ' && !b"\"*<>?|".contains(byte)).then_some(name)
}

fn read_functions(
    file: &Header<'_>,
    library: &[u8],
    mut thunks: Reader<'_>,
    addresses: u32,
    left: &mut usize,
) -> Vec<Function> {
    let mut functions = Vec::new();
    let width: u64 = if file.is_wide { 8 } else { 4 };
    let by_number = if file.is_wide { 1 << 63 } else { 1 << 31 };
    let mut address = u64::from(addresses);
    let lower = library.to_ascii_lowercase();
    while *left > 0 {
        let Some(thunk) = thunks.word(file.is_wide).filter(|thunk| *thunk != 0) else { break };
        *left = left.saturating_sub(1);
        if let Some(function) = function(file, &lower, thunk, thunk & by_number != 0, address) {
            functions.push(function);
        }
        address = address.saturating_add(width);
    }
    functions
}

fn function(
    file: &Header<'_>,
    library: &[u8],
    thunk: u64,
    by_number: bool,
    address: u64,
) -> Option<Function> {
    if by_number {
        let number = u16::try_from(thunk & 0xffff).ok()?;
        let name = ordinals::name(library, number)
            .map_or_else(|| format!("ord{number}").into_bytes(), |name| name.as_bytes().to_vec());
        return Some(Function { name, ordinal: Some(number), address });
    }
    // Two bytes of hint come before the name.
    let mut place = file.reader_at(u32::try_from(thunk).ok()?)?;
    place.skip(2)?;
    let rest = place.rest();
    let name = until_nul(rest.get(..NAME).unwrap_or(rest));
    Some(Function { name: name.to_vec(), ordinal: None, address })
}

/// Libraries that are loaded when a function of theirs is called first.
fn read_delayed(file: &Header<'_>, left: &mut usize) -> Table {
    let mut found = Table::default();
    let (address, size) = file.directory(13);
    let Some(mut table) = file.reader_at(address).filter(|_| address != 0 && size != 0) else {
        return found;
    };
    while found.rows < LIBRARIES && *left > 0 {
        let mut row = || {
            let mut row = Reader::little(table.take(32)?);
            let attributes = row.u32()?;
            let name = row.u32()?;
            row.skip(4)?;
            Some((attributes, name, row.u32()?, row.u32()?))
        };
        let Some((attributes, name, addresses, names)) = row().filter(|row| row.1 != 0 && row.3 != 0) else {
            break;
        };
        // In old tables addresses are not relative to the base.
        let relative =
            |address: u32| if attributes & 1 == 0 { file.relative(address) } else { Some(address) };
        let before = *left;
        let mut library = || {
            let name = file.reader_at(relative(name)?).and_then(|at| library_name(at.rest()))?;
            let thunks = file.reader_at(relative(names)?)?;
            let functions = read_functions(file, name, thunks, relative(addresses)?, left);
            Some(Library { name: name.to_vec(), functions })
        };
        let Some(library) = library() else { break };
        found.rows = found.rows.saturating_add(1);
        found.functions = found.functions.saturating_add(before.saturating_sub(*left));
        if !library.functions.is_empty() {
            found.libraries.push(library);
        }
    }
    found
}

/// MD5 over `library.function,library.function` in lower case, without the extension of libraries.
fn digest(libraries: &[Library]) -> String {
    let mut hash = Md5::new();
    let mut first = true;
    for library in libraries {
        let name = library.name.to_ascii_lowercase();
        let dot = memchr::memchr(b'.', &name).unwrap_or(name.len());
        let stem = match name.split_at_checked(dot) {
            Some((stem, extension))
                if [b".ocx", b".sys", b".dll"].iter().any(|known| extension.starts_with(*known)) =>
            {
                stem
            }
            _ => &name,
        };
        for function in &library.functions {
            if !first {
                hash.update(b",");
            }
            first = false;
            hash.update(stem);
            hash.update(b".");
            hash.update(function.name.to_ascii_lowercase());
        }
    }
    hexadecimal(&hash.finalize())
}
