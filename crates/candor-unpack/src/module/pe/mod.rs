//! `pe`: Windows programs.

mod exports;
mod header;
mod imports;
mod origin;
mod resources;
mod signatures;

use candor_model::ModuleValue;

use super::fields::Fields;
pub(crate) use header::Header;

/// What the module offers. Of what is no such program it says that alone.
pub(crate) fn value(bytes: &[u8]) -> ModuleValue {
    let Some(file) = Header::read(bytes) else { return Fields::default().integer("is_pe", 0).into() };
    let fields = file.tell(Fields::default().integer("is_pe", 1));
    let fields = origin::tell_tools(&file, fields);
    let fields = origin::tell_symbols(&file, fields);
    let fields = resources::tell(&file, fields);
    let fields = imports::tell(&file, fields);
    let fields = exports::tell(&file, fields);
    let fields = signatures::tell(&file, fields);
    fields
        .integer("calculate_checksum", origin::checksum(&file))
        .integer("is_32bit", i64::from(!file.is_wide))
        .integer("is_64bit", i64::from(file.is_wide))
        .integer("is_dll", i64::from(file.is_library()))
        .into()
}
