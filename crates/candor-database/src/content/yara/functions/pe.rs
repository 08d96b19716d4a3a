//! `pe`: what is exported and imported, and other questions about what the module says.

use candor_model::ModuleValue;

use super::{Call, Steps, TextRegexes, Undecided, Value};
use crate::ir::RuleRegex;

/// `IMPORT_STANDARD` and `IMPORT_DELAYED`.
const STANDARD: i64 = 1;
const DELAYED: i64 = 2;

pub(super) fn call<'m>(
    call: &Call<'_, 'm, '_>,
    regexes: &mut TextRegexes,
    steps: &mut Steps,
) -> Result<Option<Value<'m>>, Undecided> {
    let Value::Part(part) = *call.value else { return Ok(None) };
    let first = call.arguments.first();
    Ok(match call.name {
        "calculate_checksum" | "imphash" | "is_32bit" | "is_64bit" | "is_dll" => {
            part.field(call.name).map(Value::from)
        }
        "exports" | "exports_index" => {
            let place = exported(part, call, regexes, steps)?;
            match (call.name, place) {
                ("exports", Some(place)) => Some(Value::Integer(i64::from(place.is_some()))),
                (_, Some(Some(place))) => i64::try_from(place).ok().map(Value::Integer),
                _ => None,
            }
        }
        "imports" => imports(part, call, regexes, steps)?,
        "import_rva" | "delayed_import_rva" => {
            let list = if call.name == "import_rva" { "import_details" } else { "delayed_import_details" };
            match call.arguments {
                [library, function] => address(part, list, library, function, steps)?,
                _ => None,
            }
        }
        "section_index" => first.and_then(|wanted| section_index(part, wanted)),
        "rva_to_offset" => first.and_then(Value::integer).and_then(|rva| offset(part, rva)),
        "locale" => has_language(part, first, 0xffff),
        "language" => has_language(part, first, 0xff),
        "valid_on" => {
            match (integer(part, "not_before"), first.and_then(Value::integer), integer(part, "not_after")) {
                (Some(before), Some(time), Some(after)) => {
                    Some(Value::Integer(i64::from(before <= time && time <= after)))
                }
                _ => None,
            }
        }
        "version" | "toolid" => rich(part, call, steps)?,
        _ => None,
    })
}

fn integer(part: &ModuleValue, name: &str) -> Option<i64> {
    match part.field(name) {
        Some(ModuleValue::Integer(number)) => Some(*number),
        _ => None,
    }
}

fn text<'p>(part: &'p ModuleValue, name: &str) -> Option<&'p [u8]> {
    match part.field(name) {
        Some(ModuleValue::Text(text)) => Some(text),
        _ => None,
    }
}

fn array<'p>(part: &'p ModuleValue, name: &str) -> Option<&'p [ModuleValue]> {
    match part.field(name) {
        Some(ModuleValue::Array(items)) => Some(items),
        _ => None,
    }
}

/// The place of an export among all of them; nothing at all where the layer is no program.
#[expect(clippy::option_option, reason = "undefined is not the same as not there")]
fn exported(
    part: &ModuleValue,
    call: &Call<'_, '_, '_>,
    regexes: &mut TextRegexes,
    steps: &mut Steps,
) -> Result<Option<Option<usize>>, Undecided> {
    if integer(part, "is_pe") != Some(1) {
        return Ok(None);
    }
    let details = array(part, "export_details").unwrap_or_default();
    let first = call.arguments.first();
    steps.spend(details.len().saturating_mul(8))?;
    for (place, export) in details.iter().enumerate() {
        let is_meant = match (call.regexes.first(), first) {
            (Some(regex), _) => text(export, "name").is_some_and(|name| regexes.matches(regex, name)),
            (None, Some(Value::Text(name))) => {
                text(export, "name").is_some_and(|known| known.eq_ignore_ascii_case(name))
            }
            (None, Some(wanted)) => {
                wanted.integer().is_some() && integer(export, "ordinal") == wanted.integer()
            }
            (None, None) => false,
        };
        if is_meant {
            return Ok(Some(Some(place)));
        }
    }
    Ok(Some(None))
}

/// Which functions are asked for.
enum Function<'c> {
    Any,
    Name(&'c [u8]),
    Ordinal(i64),
    Like(&'c RuleRegex),
}

fn imports<'m>(
    part: &ModuleValue,
    call: &Call<'_, 'm, '_>,
    regexes: &mut TextRegexes,
    steps: &mut Steps,
) -> Result<Option<Value<'m>>, Undecided> {
    if integer(part, "is_pe") != Some(1) {
        return Ok(None);
    }
    let (kinds, arguments) = match call.arguments {
        [Value::Integer(kinds), rest @ ..] => (*kinds, rest),
        rest => (STANDARD, rest),
    };
    let mut count = 0_i64;
    for (kind, list) in [(STANDARD, "import_details"), (DELAYED, "delayed_import_details")] {
        if kinds & kind == 0 {
            continue;
        }
        let (library, function) = match (arguments, call.regexes) {
            ([Value::Text(library)], []) => (Function::Name(library), Function::Any),
            ([Value::Text(library), Value::Text(name)], []) => {
                (Function::Name(library), Function::Name(name))
            }
            ([Value::Text(library), Value::Integer(ordinal)], []) => {
                (Function::Name(library), Function::Ordinal(*ordinal))
            }
            ([], [library, name]) => (Function::Like(library), Function::Like(name)),
            _ => return Ok(None),
        };
        for import in array(part, list).unwrap_or_default() {
            let name = text(import, "library_name").unwrap_or_default();
            let is_meant = match &library {
                Function::Name(wanted) => name.eq_ignore_ascii_case(wanted),
                Function::Like(regex) => {
                    steps.spend(name.len().saturating_add(8))?;
                    regexes.matches(regex, name)
                }
                Function::Any | Function::Ordinal(_) => true,
            };
            if !is_meant {
                continue;
            }
            let functions = array(import, "functions").unwrap_or_default();
            steps.spend(functions.len().saturating_mul(8))?;
            for known in functions {
                let is_meant = match &function {
                    Function::Any => true,
                    Function::Name(wanted) => {
                        text(known, "name").is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                    }
                    Function::Ordinal(wanted) => integer(known, "ordinal") == Some(*wanted),
                    Function::Like(regex) => {
                        text(known, "name").is_some_and(|name| regexes.matches(regex, name))
                    }
                };
                count = count.saturating_add(i64::from(is_meant));
            }
        }
    }
    // Of one function it says whether, of a library or of expressions how many.
    let is_one = arguments.len() == 2;
    Ok(Some(Value::Integer(if is_one { count.min(1) } else { count })))
}

fn address<'m>(
    part: &ModuleValue,
    list: &str,
    library: &Value<'_>,
    function: &Value<'_>,
    steps: &mut Steps,
) -> Result<Option<Value<'m>>, Undecided> {
    let Some(library) = library.bytes() else { return Ok(None) };
    for import in array(part, list).unwrap_or_default() {
        if !text(import, "library_name").is_some_and(|name| name.eq_ignore_ascii_case(library)) {
            continue;
        }
        let functions = array(import, "functions").unwrap_or_default();
        steps.spend(functions.len().saturating_mul(8))?;
        for known in functions {
            let is_meant = match function {
                Value::Text(wanted) => {
                    text(known, "name").is_some_and(|name| name.eq_ignore_ascii_case(wanted))
                }
                wanted => wanted.integer().is_some() && integer(known, "ordinal") == wanted.integer(),
            };
            if is_meant {
                return Ok(integer(known, "rva").map(Value::Integer));
            }
        }
    }
    Ok(None)
}

fn section_index<'m>(part: &ModuleValue, wanted: &Value<'_>) -> Option<Value<'m>> {
    let sections = array(part, "sections")?;
    let place = match wanted {
        Value::Text(name) => sections.iter().position(|section| text(section, "name") == Some(name)),
        wanted => {
            let place = wanted.integer()?;
            sections.iter().position(|section| {
                let range = integer(section, "raw_data_offset").zip(integer(section, "raw_data_size"));
                range.is_some_and(|(start, size)| start <= place && place < start.saturating_add(size))
            })
        }
    };
    i64::try_from(place?).ok().map(Value::Integer)
}

fn offset<'m>(part: &ModuleValue, rva: i64) -> Option<Value<'m>> {
    let sections = array(part, "sections")?;
    sections.iter().find_map(|section| {
        let start = integer(section, "virtual_address")?;
        let size = integer(section, "virtual_size")?.max(integer(section, "raw_data_size")?);
        let within = rva.checked_sub(start).filter(|within| (0..size).contains(within))?;
        Some(Value::Integer(integer(section, "raw_data_offset")?.checked_add(within)?))
    })
}

fn has_language<'m>(part: &ModuleValue, wanted: Option<&Value<'_>>, mask: i64) -> Option<Value<'m>> {
    if integer(part, "is_pe") != Some(1) {
        return None;
    }
    let wanted = wanted?.integer()?;
    let resources = array(part, "resources").unwrap_or_default();
    let is_there = |resource: &ModuleValue| {
        integer(resource, "language").is_some_and(|language| language & mask == wanted)
    };
    Some(Value::Integer(i64::from(resources.iter().any(is_there))))
}

/// How often objects were made by tools of a version or a number.
fn rich<'m>(
    part: &ModuleValue,
    call: &Call<'_, 'm, '_>,
    steps: &mut Steps,
) -> Result<Option<Value<'m>>, Undecided> {
    let Some(data) = text(part, "clear_data") else { return Ok(None) };
    steps.spend(data.len())?;
    let number = |number: usize| call.arguments.get(number).map(Value::integer);
    let (Some(Some(first)), second) = (number(0), number(1).flatten()) else { return Ok(None) };
    let (version, tool) = if call.name == "version" { (Some(first), second) } else { (second, Some(first)) };
    let mut count = 0_i64;
    // Behind the mark and three words of padding there are pairs: version and number of the tool, how often.
    for pair in data.get(16..).unwrap_or_default().chunks_exact(8) {
        let &[v0, v1, t0, t1, n0, n1, n2, n3] = pair else { continue };
        let (own_version, own_tool) =
            (i64::from(u16::from_le_bytes([v0, v1])), i64::from(u16::from_le_bytes([t0, t1])));
        if version.is_none_or(|wanted| wanted == own_version) && tool.is_none_or(|wanted| wanted == own_tool)
        {
            count = count.saturating_add(i64::from(u32::from_le_bytes([n0, n1, n2, n3])));
        }
    }
    Ok(Some(Value::Integer(count)))
}
