//! Members of containers by their metadata (`cdb`, `zmd`, `rmd`) and icons (`idb`).

#[cfg(test)]
mod tests;

use candor_database::ir::{ContainerMember, IconSignature, LegacyMember, Range, Signature};
use candor_model::FileType;

use crate::clamav::hex;
use crate::clamav::level;
use crate::clamav::logical::target::parse_type;
use crate::clamav::text::{Fault, Text};
use crate::clamav::{Line, Parsed};

/// `Name:Container:ContainerSize:NameRE:CompSize:RealSize:Encrypted:Position:Res1:Res2[:MinFL[:MaxFL]]`
pub(crate) fn parse_container_member(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b':');
    let name = fields.field(text, "the name")?;
    let container = fields.field(text, "the type of the container")?;
    let container_size = fields.field(text, "the size of the container")?;
    let file_name = fields.field(text, "the file name")?;
    let compressed_size = fields.field(text, "the compressed size")?;
    let real_size = fields.field(text, "the real size")?;
    let encrypted = fields.field(text, "the encryption flag")?;
    let position = fields.field(text, "the position")?;
    let first_reserved = fields.field(text, "the first reserved field")?;
    fields.field(text, "the second reserved field")?;
    if !level::parse(&mut fields)?.contains(line.level) {
        return Ok(Parsed::OtherLevel);
    }
    let container = unless_any(container, |container| {
        parse_type(container)
            .ok_or_else(|| container.fault(format!("unknown file type {}", container.quoted())))
    })?
    .filter(|container| *container != FileType::Any);
    if file_name.is_empty() {
        return Err(file_name.fault("the file name is empty"));
    }
    let has_checksum = matches!(container, Some(FileType::Zip | FileType::Rar));
    let member = ContainerMember {
        container,
        container_size: unless_any(container_size, parse_range)?,
        name: unless_any(file_name, parse_name)?,
        compressed_size: unless_any(compressed_size, parse_range)?,
        real_size: unless_any(real_size, parse_range)?,
        encrypted: unless_any(encrypted, |flag| match flag.bytes() {
            b"0" => Ok(false),
            b"1" => Ok(true),
            _ => Err(flag.fault("the encryption flag is 0, 1 or *")),
        })?,
        position: unless_any(position, parse_range)?,
        crc32: if has_checksum && !first_reserved.is_empty() {
            unless_any(first_reserved, parse_checksum)?
        } else {
            None
        },
    };
    Ok(Parsed::Signature { name, signature: Signature::ContainerMember(member) })
}

/// `Name:Encrypted:NameRE:RealSize:CompSize:CRC32:Method:Position:MaxDepth`
pub(crate) fn parse_legacy_member(line: Line<'_>, container: FileType) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b':');
    let name = fields.field(text, "the name")?;
    let encrypted = fields.field(text, "the encryption flag")?;
    let file_name = fields.field(text, "the file name")?;
    let real_size = fields.field(text, "the real size")?;
    let compressed_size = fields.field(text, "the compressed size")?;
    let crc32 = fields.field(text, "the checksum")?;
    let method = fields.field(text, "the method")?;
    let position = fields.field(text, "the position")?;
    let max_depth = fields.field(text, "the depth")?;
    if let Some(extra) = fields.next() {
        return Err(extra.fault("more fields than there should be"));
    }
    // `*` is read as ClamAV reads it, as the number 0.
    let encrypted = encrypted.bytes() != b"*" && encrypted.number("the encryption flag")? != 0;
    let member = LegacyMember {
        container,
        encrypted,
        name: unless_any(file_name, parse_name)?,
        real_size: unless_any(real_size, |text| text.number("the real size"))?,
        compressed_size: unless_any(compressed_size, |text| text.number("the compressed size"))?,
        crc32: unless_any(crc32, parse_checksum)?,
        method: unless_any(method, |text| {
            u16::try_from(text.number("the method")?).map_err(|_| text.fault("there is no such method"))
        })?,
        position: unless_any(position, |text| text.number("the position"))?,
        max_depth: unless_any(max_depth, |text| text.small_number("the depth"))?,
    };
    Ok(Parsed::Signature { name, signature: Signature::LegacyMember(member) })
}

/// `Name:Group1:Group2:Hash`
pub(crate) fn parse_icon(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b':');
    let name = fields.field(text, "the name")?;
    let group1 = fields.field(text, "the first group")?;
    let group2 = fields.field(text, "the second group")?;
    let digits = fields.field(text, "the hash")?;
    if let Some(extra) = fields.next() {
        return Err(extra.fault("more fields than there should be"));
    }
    let mut hash = [0_u8; 62];
    if digits.len() != hash.len().saturating_mul(2) {
        return Err(digits.fault(format!("an icon hash has 124 hexadecimal digits, not {}", digits.len())));
    }
    hex::decode_into(digits.bytes(), &mut hash).ok_or_else(|| {
        let odd = digits.bytes().iter().position(|byte| hex::digit(*byte).is_none()).unwrap_or_default();
        digits.fault_at(odd, "not a hexadecimal digit")
    })?;
    if !matches!(hash.first(), Some(16 | 24 | 32)) {
        return Err(digits.fault("an icon is 16 (10), 24 (18) or 32 (20) pixels wide"));
    }
    let icon =
        IconSignature { group1: group1.to_str().into_owned(), group2: group2.to_str().into_owned(), hash };
    Ok(Parsed::Signature { name, signature: Signature::Icon(icon) })
}

/// `None` for `*`, else what `parse` makes of it.
fn unless_any<'a, T>(
    text: Text<'a>,
    parse: impl FnOnce(Text<'a>) -> Result<T, Fault>,
) -> Result<Option<T>, Fault> {
    if text.bytes() == b"*" { Ok(None) } else { parse(text).map(Some) }
}

/// `n` or `n-m`.
fn parse_range(text: Text<'_>) -> Result<Range, Fault> {
    match text.split_once(b'-') {
        Some((min, max)) => {
            Ok(Range { min: min.number("the lowest value")?, max: max.number("the highest value")? })
        }
        None => {
            let only = text.number("the value")?;
            Ok(Range { min: only, max: only })
        }
    }
}

fn parse_name(text: Text<'_>) -> Result<String, Fault> {
    str::from_utf8(text.bytes())
        .map(str::to_owned)
        .map_err(|error| text.fault_at(error.valid_up_to(), "the file name is not UTF-8"))
}

fn parse_checksum(text: Text<'_>) -> Result<u32, Fault> {
    const DIGITS: usize = 8;
    let fault = || text.fault("a checksum has up to 8 hexadecimal digits");
    if text.is_empty() || text.len() > DIGITS {
        return Err(fault());
    }
    text.bytes()
        .iter()
        .try_fold(0_u32, |value, byte| Some(value << 4 | u32::from(hex::digit(*byte)?)))
        .ok_or_else(fault)
}
