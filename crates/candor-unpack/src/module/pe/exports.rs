//! What a library exports.

use std::collections::BTreeMap;

use candor_model::ModuleValue;

use super::header::Header;
use crate::module::fields::Fields;
use crate::reader::{Reader, until_nul};

/// Functions that are looked at, as libyara does, and the longest name.
const FUNCTIONS: u32 = 16_384;
const NAME: usize = 512;

/// Adds them.
pub(crate) fn tell(file: &Header<'_>, fields: Fields) -> Fields {
    match Table::read(file) {
        Some(table) => {
            let functions = table.functions(file);
            fields
                .integer("export_timestamp", table.timestamp)
                .text_if("dll_name", table.library)
                .count("number_of_exports", functions.len())
                .array("export_details", functions)
        }
        None => fields.integer("number_of_exports", 0).array("export_details", Vec::new()),
    }
}

#[derive(Debug)]
struct Table<'a> {
    /// Where it stands, and where it ends: an address in it is no function but the name of one elsewhere.
    range: std::ops::Range<u64>,
    timestamp: u32,
    library: Option<&'a [u8]>,
    base: u32,
    functions: u32,
    addresses: Option<Reader<'a>>,
    names: u32,
    name_addresses: Option<Reader<'a>>,
    name_numbers: Option<Reader<'a>>,
}

impl<'a> Table<'a> {
    fn read(file: &Header<'a>) -> Option<Self> {
        let (address, size) = file.directory(0);
        if address == 0 {
            return None;
        }
        let start = file.offset_of(address)?;
        let mut row = Reader::little(file.at(start)?.take(40)?);
        row.skip(4)?;
        let timestamp = row.u32()?;
        row.skip(4)?;
        let library = row.u32()?;
        let base = row.u32()?;
        let functions = row.u32()?;
        let names = row.u32()?;
        let addresses = row.u32()?;
        let name_addresses = row.u32()?;
        let name_numbers = row.u32()?;
        let library = file.offset_of(library).filter(|at| *at != 0).and_then(|at| file.at(at));
        let library = library.map(|at| short(at.rest())).filter(|name| !name.is_empty());
        Some(Self {
            range: start..start.saturating_add(u64::from(size)),
            timestamp,
            library,
            base,
            // What says that it has more has none.
            functions: if functions > FUNCTIONS { 0 } else { functions },
            addresses: file.reader_at(addresses),
            names: names.min(functions).min(FUNCTIONS),
            name_addresses: file.reader_at(name_addresses),
            name_numbers: file.reader_at(name_numbers),
        })
    }

    fn functions(&self, file: &Header<'a>) -> Vec<ModuleValue> {
        let mut names: BTreeMap<u32, &[u8]> = BTreeMap::new();
        if let (Some(mut addresses), Some(mut numbers)) = (self.name_addresses, self.name_numbers) {
            for _ in 0..self.names {
                let (Some(address), Some(number)) = (addresses.u32(), numbers.u16()) else { break };
                if let Some(at) = file.reader_at(address) {
                    names.entry(u32::from(number)).or_insert_with(|| short(at.rest()));
                }
            }
        }
        let Some(mut addresses) = self.addresses else { return Vec::new() };
        let rows = (0..self.functions).map_while(|number| Some((number, addresses.u32()?)));
        rows.map(|(number, address)| {
            let place = file.offset_of(address);
            let is_forward = place.is_some_and(|place| self.range.contains(&place));
            let forward = if is_forward { place.and_then(|place| file.at(place)) } else { None };
            Fields::default()
                .integer("ordinal", self.base.wrapping_add(number))
                .integer("rva", address)
                .text_if("forward_name", forward.map(|at| short(at.rest())))
                .integer_if("offset", if is_forward { None } else { Some(place.unwrap_or(u64::MAX)) })
                .text_if("name", names.get(&number).copied())
                .into()
        })
        .collect()
    }
}

fn short(bytes: &[u8]) -> &[u8] {
    until_nul(bytes.get(..NAME).unwrap_or(bytes))
}
