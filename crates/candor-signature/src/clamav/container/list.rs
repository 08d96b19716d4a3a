//! The list of members, `*.info`: a header line, `name:length:SHA-256` lines, then `DSIG:signature`.

use std::collections::HashMap;

use super::unpack::Seen;
use super::{ContainerError, is_list};
use crate::clamav::hex;
use crate::clamav::text::{Lines, Text, decimal};

/// A list of members.
#[derive(Debug)]
pub(super) struct List<'a> {
    /// What the signature is over: everything before its line.
    pub(super) signed: &'a [u8],
    /// The signature, in ClamAV's digits.
    pub(super) signature: Option<&'a [u8]>,
    entries: HashMap<&'a [u8], Entry>,
}

#[derive(Debug)]
struct Entry {
    length: u64,
    sum: [u8; 32],
}

impl<'a> List<'a> {
    /// Reads a list.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, ContainerError> {
        let mut list = List { signed: bytes, signature: None, entries: HashMap::new() };
        let mut consumed = 0_usize;
        let mut rest = bytes;
        for (number, line) in Lines::new(bytes) {
            let number = usize::try_from(number).unwrap_or(usize::MAX);
            if let Some(signature) = line.strip_prefix(b"DSIG:") {
                list.signed = bytes.get(..consumed).unwrap_or_default();
                list.signature = Some(signature);
                break;
            }
            let length = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end.saturating_add(1));
            consumed = consumed.saturating_add(length);
            rest = rest.get(length..).unwrap_or_default();
            if line.is_empty() || line.starts_with(b"ClamAV-VDB:") {
                continue;
            }
            let fields: Vec<&[u8]> = Text::line(line).split(b':').map(Text::bytes).collect();
            let [name, length, digits] = fields.as_slice() else { return Err(ContainerError::List(number)) };
            let length = decimal(length).ok_or(ContainerError::List(number))?;
            let mut sum = [0; 32];
            hex::decode_into(digits, &mut sum).ok_or(ContainerError::List(number))?;
            list.entries.insert(*name, Entry { length, sum });
        }
        Ok(list)
    }

    /// Compares members with the list: every member is in it, fits it, and none is missing.
    pub(super) fn check(&self, members: &[Seen]) -> Result<(), ContainerError> {
        let mut seen = 0_usize;
        for member in members {
            if member.name == "COPYING" || is_list(&member.name) {
                continue;
            }
            let entry = self.entries.get(member.name.as_bytes());
            if !entry.is_some_and(|entry| member.length == entry.length && member.sum == entry.sum) {
                return Err(ContainerError::Member(member.name.clone()));
            }
            seen = seen.saturating_add(1);
        }
        if seen == self.entries.len() {
            return Ok(());
        }
        let mut missing: Vec<&&[u8]> = self
            .entries
            .keys()
            .filter(|name| !members.iter().any(|member| member.name.as_bytes() == **name))
            .collect();
        missing.sort_unstable();
        match missing.first() {
            Some(name) => Err(ContainerError::MemberMissing(String::from_utf8_lossy(name).into_owned())),
            // As many names as members, yet different counts: a member stands there twice.
            None => Err(ContainerError::Archive("a member stands in it twice".to_owned())),
        }
    }
}
