//! Signatures for the scanner: so that an installer, an update or an engine of a prohibited vendor is a finding in
//! every front that scans, named after the rule.
//!
//! They are text in ClamAV's languages, so nothing has to be built into a front, and other scanners can read them.
//! Programs are known by what their version resource says and by the registration number in the subject of
//! their signer; packages by the names of their members.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::{Kept, values};
use crate::inventory::Surface;
use crate::policy::hexadecimal;
use crate::vendor::{Class, Strength};

/// Texts of databases.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signatures {
    /// By what is in bytes: for a file that ends with `.ldb`.
    pub logical: String,
    /// By names of members of containers: for a file that ends with `.cdb`.
    pub members: String,
}

/// The shortest part of a path that may decide about a member.
const SHORTEST: usize = 8;

pub(super) fn signatures(kept: &[Kept<'_>]) -> Signatures {
    let mut signatures = Signatures::default();
    for kept in kept {
        let Some(regime) = kept.regimes.first() else { continue };
        let name = format!("Policy.{regime}.{}", kept.vendor.id);
        let companies: BTreeSet<&str> =
            values(kept.vendor, Surface::Supplier).filter(|name| name.is_ascii()).collect();
        for company in companies {
            // The key, its end, the padding to four bytes, and the whole value with its end: "Acme" is not "Acme Ltd".
            let mut bytes = wide("CompanyName\0\0");
            bytes.extend(wide(company));
            bytes.extend([0, 0]);
            // A string takes everything.
            let _ = writeln!(signatures.logical, "{name};Engine:51-255,Target:1;0;{}", hexadecimal(&bytes));
        }
        let numbers: BTreeSet<&str> = values(kept.vendor, Surface::AuthenticodeSubject)
            .flat_map(|subject| subject.split(", "))
            .filter_map(|part| part.strip_prefix("SERIALNUMBER="))
            .collect();
        for number in numbers {
            // The object identifier 2.5.4.5, then a string, printable or UTF-8, of that length.
            let Ok(length) = u8::try_from(number.len()) else { continue };
            let digits = hexadecimal(number.as_bytes());
            let _ = writeln!(
                signatures.logical,
                "{name};Engine:51-255,Target:1;0|1;060355040513{length:02x}{digits};06035504050c{length:02x}{digits}"
            );
        }
        members(kept, &name, &mut signatures.members);
    }
    signatures
}

/// Names of members: files of engines and updates whose names are surely of the vendor, and folders of products.
fn members(kept: &Kept<'_>, name: &str, text: &mut String) {
    let mut shapes = BTreeSet::new();
    for group in &kept.vendor.identifiers {
        let values = group.values.iter().map(|value| value.get_ref().as_str());
        match (group.surface, group.class) {
            (Surface::FileName, Some(Class::Engine)) if group.strength >= Strength::Strong => {
                shapes.extend(values.map(|value| format!("(^|/){}$", expression(value))));
            }
            (Surface::FileName, Some(Class::UpdatePackage)) => shapes.extend(
                values
                    .filter(|value| !value.starts_with('*'))
                    .map(|value| format!("(^|/){}$", expression(value))),
            ),
            (Surface::Path, _) => shapes.extend(
                values
                    .filter_map(|value| value.strip_suffix("/**"))
                    .map(|value| value.trim_start_matches(['/', '~']))
                    .filter(|value| value.len() >= SHORTEST)
                    .map(|value| format!("(^|/){}/", expression(value))),
            ),
            _ => {}
        }
    }
    for shape in shapes {
        let _ = writeln!(text, "{name}:*:*:{shape}:*:*:*:*:*:*");
    }
}

/// UTF-16, as resources of Windows have it.
fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// An identifier with shapes as a regular expression. A colon ends the field of a signature, and no name has one.
fn expression(value: &str) -> String {
    let mut expression = String::new();
    for character in value.chars() {
        match character {
            '*' => expression.push_str("[^/]*"),
            '?' | ':' => expression.push_str("[^/]"),
            '#' => expression.push_str("[0-9]+"),
            '.' | '+' | '(' | ')' | '[' | ']' | '{' | '}' | '|' | '^' | '$' | '\\' => {
                expression.push('\\');
                expression.push(character);
            }
            _ => expression.push(character),
        }
    }
    expression
}
