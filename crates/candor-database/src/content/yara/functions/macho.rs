//! `macho`: parts of files for several processors.

use candor_model::ModuleValue;

use super::{Call, Value};

pub(super) fn call<'m>(call: &Call<'_, 'm, '_>) -> Option<Value<'m>> {
    let Value::Part(part) = *call.value else { return None };
    let Some(ModuleValue::Array(parts)) = part.field("fat_arch") else { return None };
    let wanted = call.arguments.first()?.integer()?;
    let subtype = match call.arguments.get(1) {
        None => None,
        Some(subtype) => Some(subtype.integer()?),
    };
    let number = |part: &ModuleValue, name: &str| match part.field(name) {
        Some(ModuleValue::Integer(number)) => Some(*number),
        _ => None,
    };
    let is_wanted = |part: &ModuleValue| {
        number(part, "cputype") == Some(wanted)
            && subtype.is_none_or(|subtype| number(part, "cpusubtype") == Some(subtype))
    };
    let place = parts.iter().position(is_wanted)?;
    match call.name {
        "file_index_for_arch" => i64::try_from(place).ok().map(Value::Integer),
        "entry_point_for_arch" => {
            let Some(ModuleValue::Array(files)) = part.field("file") else { return None };
            let entry = number(files.get(place)?, "entry_point")?;
            Some(Value::Integer(number(parts.get(place)?, "offset")?.wrapping_add(entry)))
        }
        _ => None,
    }
}
