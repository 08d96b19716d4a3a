//! Ignore lists: `ign`, `ign2`.
//!
//! `Name`, `Name:MD5` (of the signature's line, so that a later correction counts again), or the older
//! `file:line:Name`, of which only the name counts, as in ClamAV.

use std::collections::HashMap;

use md5::{Digest as _, Md5};

use super::hex;
use super::text::{Fault, Text};

/// Which signatures are to be left out.
#[derive(Debug, Default)]
pub(crate) struct IgnoreList {
    names: HashMap<Vec<u8>, Condition>,
}

/// When the signatures of one name are left out.
#[derive(Debug)]
enum Condition {
    Always,
    WhenLineIs(Vec<[u8; 16]>),
}

impl IgnoreList {
    /// Whether nothing is left out.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Takes one line of an ignore list.
    pub(crate) fn add(&mut self, text: Text<'_>) -> Result<(), Fault> {
        let fields: Vec<Text<'_>> = text.split(b':').take(4).collect();
        let (name, digest) = match fields.as_slice() {
            [name] => (*name, None),
            [name, digest] => (*name, Some(parse_digest(*digest)?)),
            [_, _, name] => (*name, None),
            _ => return Err(text.fault("more fields than there should be")),
        };
        if name.is_empty() {
            return Err(name.fault("the name is empty"));
        }
        let condition =
            self.names.entry(name.bytes().to_vec()).or_insert_with(|| Condition::WhenLineIs(Vec::new()));
        match (digest, condition) {
            (None, condition) => *condition = Condition::Always,
            (Some(digest), Condition::WhenLineIs(digests)) => digests.push(digest),
            (Some(_), Condition::Always) => {}
        }
        Ok(())
    }

    /// Whether the signature of this name, written as `line`, is left out.
    pub(crate) fn contains(&self, name: &[u8], line: &[u8]) -> bool {
        match self.names.get(name) {
            None => false,
            Some(Condition::Always) => true,
            Some(Condition::WhenLineIs(digests)) => {
                let digest: [u8; 16] = Md5::digest(line).into();
                digests.contains(&digest)
            }
        }
    }
}

fn parse_digest(text: Text<'_>) -> Result<[u8; 16], Fault> {
    let mut digest = [0; 16];
    hex::decode_into(text.bytes(), &mut digest)
        .ok_or_else(|| text.fault("an MD5 sum has 32 hexadecimal digits"))?;
    Ok(digest)
}
