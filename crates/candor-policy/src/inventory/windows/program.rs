//! Windows programs: who signed them, and what they say of themselves in their version resource.
//!
//! A signature is verified as far as the file itself allows; one that does not verify identifies nobody, and
//! is told without the name that it claims.

use candor_model::{Budget, ChildKind, Content, Facts, Flow, Interrupt, Limits, Member, Reason, Sink};
use sha2::{Digest as _, Sha256};

use crate::inventory::{Item, ItemKind, Items, Moment, Surface, bytes, time};

/// Reads a program.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    // Other files have such names, too; nothing of a program is in them.
    if !bytes.starts_with(b"MZ") {
        return;
    }
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

#[cfg(test)]
mod tests {
    use candor_fixtures::signed_program::program;

    use crate::inventory::tests::{read, values};
    use crate::inventory::{CoverageState, Reader, Surface};

    const SUBJECT: &[(&str, &str)] = &[("C", "RU"), ("O", "Example Lab"), ("CN", "Example Lab")];

    #[test]
    fn a_program_says_who_signed_it_and_what_it_is() {
        let bytes = program(
            &[("CompanyName", "Example"), ("ProductName", "Agent"), ("FileVersion", "1.2.3")],
            SUBJECT,
        );
        let (items, coverage) = read(Reader::Program, "Program Files/E/a.exe", &bytes);
        assert_eq!(values(&items, Surface::AuthenticodeSubject), ["CN=Example Lab, O=Example Lab, C=RU"]);
        assert_eq!(values(&items, Surface::Product), ["Agent"]);
        assert_eq!(values(&items, Surface::Supplier), ["Example"]);
        assert_eq!(items[0].version.as_deref(), Some("1.2.3"));
        assert_eq!(values(&items, Surface::Sha256)[0].len(), 64);
        assert_eq!(coverage.state, CoverageState::Read);
    }

    #[test]
    fn a_signature_that_does_not_hold_names_nobody() {
        let mut bytes = program(&[], SUBJECT);
        bytes[0x400] ^= 1;
        let (items, _) = read(Reader::Program, "a.exe", &bytes);
        assert!(values(&items, Surface::AuthenticodeSubject).is_empty());
        assert_eq!(
            items[0].place.inside.as_deref(),
            Some("signature invalid: the file is not what was signed")
        );
        let (items, _) = read(Reader::Program, "a.exe", &program(&[], &[]));
        assert_eq!((items.len(), items[0].place.inside.as_deref()), (1, None));
    }
}
