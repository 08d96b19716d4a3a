//! Compares a member with every signature on members.

use std::sync::OnceLock;

use candor_model::{FileType, Member};
use regex::bytes::Regex;

use super::expression;
use super::layout::Conditions;
use crate::image::SignatureId;
use crate::ir::Range;
use crate::records::records;

/// The signatures on members of an image, decoded.
#[derive(Debug)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug)]
struct Rule {
    id: SignatureId,
    conditions: Conditions,
    /// The expression on the name; `None` inside when it does not compile, which a damaged image can
    /// make happen.
    name: OnceLock<Option<Regex>>,
}

/// A member and what it is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Type of the container.
    pub(crate) container: FileType,
    /// Its size in bytes.
    pub(crate) container_size: u64,
    /// The member.
    pub(crate) member: &'a Member,
}

impl Rules {
    /// The list in this section.
    pub(crate) fn read(section: &[u8]) -> Self {
        let rule = |(id, mut reader)| {
            let conditions = Conditions::read(&mut reader)?;
            Some(Rule { id, conditions, name: OnceLock::new() })
        };
        Self(records(section).filter_map(rule).collect())
    }

    /// The signatures that fit, in the order of their numbers.
    pub(crate) fn find<'a>(&'a self, asked: Asked<'a>) -> impl Iterator<Item = SignatureId> + 'a {
        self.0.iter().filter(move |rule| rule.fits(asked)).map(|rule| rule.id)
    }
}

impl Rule {
    fn fits(&self, asked: Asked<'_>) -> bool {
        let Asked { container, container_size, member } = asked;
        let wanted = &self.conditions;
        wanted.container.is_none_or(|wanted| wanted == container)
            && within(wanted.container_size, Some(container_size))
            && within(wanted.compressed_size, member.compressed_size)
            && within(wanted.real_size, member.real_size)
            && within(wanted.position, Some(member.position))
            && wanted.encrypted.is_none_or(|wanted| wanted == member.encrypted)
            && wanted.crc32.is_none_or(|wanted| member.crc32 == Some(wanted))
            && wanted.method.is_none_or(|wanted| member.method == Some(wanted))
            && wanted.name.as_ref().is_none_or(|wanted| self.name_fits(wanted, &member.name))
    }

    fn name_fits(&self, wanted: &str, name: &str) -> bool {
        let compiled = self.name.get_or_init(|| expression::compile(wanted).ok());
        compiled.as_ref().is_some_and(|compiled| compiled.is_match(name.as_bytes()))
    }
}

/// Whether a value is in a range. What the container does not say is in none.
fn within(wanted: Option<Range>, value: Option<u64>) -> bool {
    wanted.is_none_or(|wanted| value.is_some_and(|value| wanted.contains(value)))
}
