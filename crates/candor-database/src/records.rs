//! Sections that are short lists: records one after another, each behind its length.
//!
//! Each starts with the number of its signature. One that cannot be decoded is passed over, so damage to
//! one costs that one.

use crate::bytes::{Reader, put_run, put_varint};
use crate::image::SignatureId;

/// Appends the record that `write` makes.
pub(crate) fn put_record(section: &mut Vec<u8>, id: SignatureId, write: impl FnOnce(&mut Vec<u8>)) {
    let mut record = Vec::new();
    put_varint(&mut record, id.0.into());
    write(&mut record);
    put_run(section, &record);
}

/// The records of a section.
pub(crate) fn records(section: &[u8]) -> impl Iterator<Item = (SignatureId, Reader<'_>)> {
    let mut rest = Reader::new(section);
    std::iter::from_fn(move || rest.run()).filter_map(|record| {
        let mut reader = Reader::new(record);
        let id = u32::try_from(reader.varint()?).ok()?;
        Some((SignatureId(id), reader))
    })
}
