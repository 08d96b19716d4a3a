//! The target description: `Engine:51-255,Target:1,FileSize:0-1024,…`.

use std::borrow::Cow;

use candor_database::ir::{Levels, Range, TargetDescription};
use candor_model::{FileType, Target};

use crate::clamav::text::{Fault, Text};

/// Engines below this level know only `Engine:` and `Target:`.
const ATTRIBUTE_LEVEL: u32 = 51;
/// The most types that `Intermediates:` may name.
const MOST_INTERMEDIATES: usize = 16;

/// What became of a description.
#[derive(Debug)]
pub(in crate::clamav) enum Outcome {
    /// It can be used.
    Description(TargetDescription),
    /// It is for other engines.
    OtherLevel,
    /// It asks for something that does not exist, so that no file can ever satisfy it; where, and
    /// what.
    Unused(usize, Cow<'static, str>),
}

/// Reads the description of a logical signature, for an engine of this level.
pub(in crate::clamav) fn parse(text: Text<'_>, level: u32) -> Result<Outcome, Fault> {
    let (outcome, has_target) = read(text, level)?;
    if matches!(outcome, Outcome::Description(_)) && !has_target {
        return Err(text.fault("'Target:' is missing"));
    }
    Ok(outcome)
}

/// Reads the description of a password, which need not name a target.
pub(in crate::clamav) fn parse_any(text: Text<'_>, level: u32) -> Result<Outcome, Fault> {
    read(text, level).map(|(outcome, _)| outcome)
}

/// Reads a description; also whether it names a target.
fn read(text: Text<'_>, level: u32) -> Result<(Outcome, bool), Fault> {
    let mut description = TargetDescription {
        target: Target::Any,
        levels: Levels::ANY,
        file_size: None,
        entry_point: None,
        sections: None,
        icon_group1: None,
        icon_group2: None,
        container: None,
        intermediates: Vec::new(),
        handler: None,
    };
    let mut has_engine = false;
    let mut has_target = false;
    let mut needs_executable = None;
    let mut needs_icons = None;
    for (index, attribute) in text.split(b',').enumerate() {
        let (key, value) = attribute
            .split_once(b':')
            .ok_or_else(|| attribute.fault(format!("not an attribute: {}", attribute.quoted())))?;
        let newer = !matches!(key.bytes(), b"Engine" | b"Target");
        match key.bytes() {
            b"Engine" if index > 0 => return Err(key.fault("Engine must be the first attribute")),
            b"Engine" => {
                has_engine = true;
                let (min, max) = split_range(value)?;
                description.levels = Levels {
                    min: min.small_number("the lowest level")?,
                    max: if max.is_empty() { 0 } else { max.small_number("the highest level")? },
                };
                if !description.levels.contains(level) {
                    return Ok((Outcome::OtherLevel, has_target));
                }
            }
            b"Target" => {
                has_target = true;
                let number = if value.is_empty() { 0 } else { value.small_number("the target")? };
                match Target::from_number(number) {
                    Some(target) => description.target = target,
                    None => return Ok((unused(value, format!("no files have target {number}")), has_target)),
                }
            }
            b"FileSize" => description.file_size = Some(parse_range(value)?),
            b"EntryPoint" => {
                description.entry_point = Some(parse_range(value)?);
                needs_executable = Some(key);
            }
            b"NumberOfSections" => {
                description.sections = Some(parse_range(value)?);
                needs_executable = Some(key);
            }
            b"IconGroup1" => {
                description.icon_group1 = Some(value.to_str().into_owned());
                needs_icons = Some(key);
            }
            b"IconGroup2" => {
                description.icon_group2 = Some(value.to_str().into_owned());
                needs_icons = Some(key);
            }
            b"Container" => match parse_type(value) {
                Some(file_type) => description.container = Some(file_type),
                None => return Ok((unknown_type(value), has_target)),
            },
            b"Intermediates" => {
                for name in value.split(b'>') {
                    match parse_type(name) {
                        Some(file_type) => description.intermediates.push(file_type),
                        None => return Ok((unknown_type(name), has_target)),
                    }
                }
                if description.intermediates.len() > MOST_INTERMEDIATES {
                    return Err(value.fault(format!("more than {MOST_INTERMEDIATES} intermediates")));
                }
            }
            b"HandlerType" => match parse_type(value) {
                Some(file_type) => description.handler = Some(file_type),
                None => return Ok((unknown_type(value), has_target)),
            },
            _ => return Ok((unused(key, format!("unknown attribute {}", key.quoted())), has_target)),
        }
        if newer && (!has_engine || description.levels.min < ATTRIBUTE_LEVEL) {
            return Err(key.fault(format!("this needs 'Engine:' with at least {ATTRIBUTE_LEVEL} in front")));
        }
    }
    if let Some(key) = needs_executable.filter(|_| !description.target.is_executable()) {
        return Err(key.fault("only executables have this (targets 1, 6 and 9)"));
    }
    if let Some(key) = needs_icons.filter(|_| description.target != Target::Pe) {
        return Err(key.fault("only PE files have icons (target 1)"));
    }
    Ok((Outcome::Description(description), has_target))
}

fn split_range(text: Text<'_>) -> Result<(Text<'_>, Text<'_>), Fault> {
    text.split_once(b'-').ok_or_else(|| text.fault("a range is written from-to"))
}

fn parse_range(text: Text<'_>) -> Result<Range, Fault> {
    let (min, max) = split_range(text)?;
    Ok(Range { min: min.number("the lowest value")?, max: max.number("the highest value")? })
}

/// The type that `text` names.
pub(in crate::clamav) fn parse_type(text: Text<'_>) -> Option<FileType> {
    str::from_utf8(text.bytes()).ok()?.parse().ok()
}

fn unknown_type(text: Text<'_>) -> Outcome {
    unused(text, format!("unknown file type {}", text.quoted()))
}

fn unused(text: Text<'_>, reason: String) -> Outcome {
    Outcome::Unused(text.at(), Cow::Owned(reason))
}
