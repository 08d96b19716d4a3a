//! Windows programs: who signed them, and what they say of themselves in their version resource.
//!
//! A signature is verified as far as the file itself allows; one that does not verify identifies nobody, and
//! is told without the name that it claims.

use candor_model::{Budget, ChildKind, Content, Facts, Flow, Interrupt, Limits, Member, Reason, Sink};
use sha2::{Digest as _, Sha256};

use crate::inventory::{Item, ItemKind, Items, Moment, Surface, bytes, time};

/// Reads a program.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let budget = Budget::new(Limits::default(), Interrupt::new(), length);
    let mut told = Told { facts: Facts::default(), details: Vec::new(), budget };
    candor_unpack::program_identity(bytes, &mut told);
    let Some(executable) = &told.facts.executable else {
        return items.unread("it is no program for Windows");
    };
    let text = |key: &str| {
        let found = executable.version_strings.iter().find(|string| string.key == key);
        found.map(|string| string.value.trim()).unwrap_or_default()
    };
    let name = items.path().rsplit('/').next().unwrap_or_default();
    let version = if text("FileVersion").is_empty() { text("ProductVersion") } else { text("FileVersion") };
    let mut item = Item::new(ItemKind::File, name)
        .with_version(version)
        .at_path(items.path())
        .with(Surface::Product, text("ProductName"))
        .with(Surface::Supplier, text("CompanyName"))
        .with(Surface::FileName, text("OriginalFilename"))
        .with(Surface::Sha256, &bytes::hexadecimal(&Sha256::digest(bytes)));
    let mut is_valid = false;
    for (key, value) in &told.details {
        match *key {
            "signature" => {
                is_valid = value.starts_with("valid");
                if !is_valid {
                    item = item.seen_in(&format!("signature {value}"));
                }
            }
            "signer" if is_valid => item.add(Surface::AuthenticodeSubject, value),
            "signature-time" if is_valid => item = item.with_moment(Moment::Signed, time::from_stamp(value)),
            _ => (),
        }
    }
    items.push(item);
}

/// Keeps what is said of the program itself.
struct Told {
    facts: Facts,
    details: Vec<(&'static str, String)>,
    budget: Budget,
}

impl Sink for Told {
    fn child(&mut self, _: ChildKind, _: &Member, _: Content<'_>) -> Flow {
        Flow::Stop
    }

    fn facts(&mut self, facts: Facts) {
        self.facts = facts;
    }

    fn detail(&mut self, key: &'static str, value: String) {
        if self.details.len() < 64 {
            self.details.push((key, value));
        }
    }

    fn incomplete(&mut self, _: Reason) {}

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}
