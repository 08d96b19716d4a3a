//! Who signed a program.

use candor_model::ModuleValue;

use super::header::Header;
use crate::hash::hexadecimal;
use crate::module::fields::Fields;
use crate::pe::authenticode::told::{Signer, signers};
use crate::reader::{Reader, clipped};

/// Signatures that are told, as libyara does.
const SIGNATURES: usize = 16;
/// Entries of the table.
const ENTRIES: usize = 64;

/// Adds them.
pub(crate) fn tell(file: &Header<'_>, fields: Fields) -> Fields {
    // A table outside of the file says nothing, not even that nobody signed it.
    let Some(found) = read(file) else { return fields };
    let values: Vec<ModuleValue> = found.iter().map(value).collect();
    fields.count("number_of_signatures", values.len()).array("signatures", values)
}

/// Of entries `length 4 | revision 2 | kind 2 | signed data…`, each at a multiple of eight.
fn read<'a>(file: &Header<'a>) -> Option<Vec<Signer<'a>>> {
    let (offset, size) = file.directory(4);
    let (offset, size) = (u64::from(offset), u64::from(size));
    if offset == 0 {
        return Some(Vec::new());
    }
    if offset.checked_add(size)? > file.length() {
        return None;
    }
    let table = clipped(file.bytes, offset, size);
    let mut at: u64 = 0;
    let mut found = Vec::new();
    for _ in 0..ENTRIES {
        let Some(mut entry) = Reader::little(table).at(at) else { break };
        let head = (entry.u32(), entry.u16(), entry.u16());
        let (Some(length), Some(revision), Some(kind)) = head else { break };
        let Some(data) = u64::from(length).checked_sub(8).and_then(|length| entry.take(length)) else {
            break;
        };
        if data.is_empty() || !matches!(revision, 0x100 | 0x200) {
            break;
        }
        if revision == 0x200 && kind == 2 {
            signers(data, SIGNATURES, &mut found);
        }
        at = at.checked_add(u64::from(length))?;
        // Rounded up is the place in the file.
        at = offset.checked_add(at)?.checked_next_multiple_of(8)?.checked_sub(offset)?;
    }
    Some(found)
}

fn value(signer: &Signer<'_>) -> ModuleValue {
    let serial: Vec<String> = signer.serial.iter().map(|byte| format!("{byte:02x}")).collect();
    let algorithm = signer.algorithm_number();
    Fields::default()
        .text("thumbprint", hexadecimal(&signer.thumbprint))
        .text("issuer", signer.issuer.as_slice())
        .text("subject", signer.subject.as_slice())
        .integer("version", signer.version)
        .text("algorithm", signer.algorithm_name().map_or_else(|| algorithm.clone(), str::to_owned))
        .text("algorithm_oid", algorithm)
        .text_if("serial", (1..=20).contains(&serial.len()).then(|| serial.join(":")))
        .integer("not_before", signer.not_before)
        .integer("not_after", signer.not_after)
        .into()
}
