//! Lines that other parts of the product use: module switches (`cfg`), the contents of a container
//! (`info`), passwords (`pwdb`), certificates of programs (`crb`), lists of hosts and URLs (`wdb`, `pdb`, `gdb`).

#[cfg(test)]
mod tests;

use candor_database::ir::{Password, Signature, TextList, UrlList};
use candor_model::{CertificateRule, FileType};

use crate::clamav::hex;
use crate::clamav::level;
use crate::clamav::logical::target::{self, Outcome};
use crate::clamav::text::{Fault, Text};
use crate::clamav::{Line, Parsed};

/// `Module:0xFlags[:MinFL[:MaxFL]]`
pub(crate) fn parse_config(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b':');
    let module = fields.field(text, "the module")?;
    let flags = fields.field(text, "the number of the flags")?;
    if !level::parse(&mut fields)?.contains(line.level) {
        return Ok(Parsed::OtherLevel);
    }
    const MODULES: [&[u8]; 11] = [
        b"PE",
        b"ELF",
        b"MACHO",
        b"ARCHIVE",
        b"DOCUMENT",
        b"MAIL",
        b"OTHER",
        b"PHISHING",
        b"BYTECODE",
        b"STATS",
        b"PCRE",
    ];
    if !MODULES.contains(&module.bytes()) {
        return Ok(Parsed::unused(module, format!("unknown module {}", module.quoted())));
    }
    let digits = flags.strip_prefix(b"0x").ok_or_else(|| flags.fault("flags are written as 0x…"))?;
    if digits.is_empty() || digits.len() > 8 || digits.bytes().iter().any(|byte| hex::digit(*byte).is_none())
    {
        return Err(digits.fault("flags are up to 8 hexadecimal digits"));
    }
    Ok(text_list(module, text))
}

/// A line of `info`: kept as it is. Whoever unpacks a container has checked it by then.
pub(crate) fn parse_info(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    Ok(text_list(line.text.to(line.text.find(b':').unwrap_or(line.text.len())), line.text))
}

fn text_list<'a>(name: Text<'a>, line: Text<'a>) -> Parsed<'a> {
    Parsed::Signature { name, signature: Signature::Text(TextList { line: line.to_str().into_owned() }) }
}

/// `Name;TargetDescription;Storage;Password`
pub(crate) fn parse_password(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b';');
    let name = fields.field(text, "the name")?;
    let description = fields.field(text, "the target description")?;
    let storage = fields.field(text, "how the password is stored")?;
    let password = fields.remainder().ok_or_else(|| text.fault_at(text.len(), "the password is missing"))?;
    let target = match target::parse_any(description, line.level)? {
        Outcome::Description(target) => target,
        Outcome::OtherLevel => return Ok(Parsed::OtherLevel),
        Outcome::Unused(at, reason) => return Ok(Parsed::Unused { at, reason }),
    };
    let may_hold =
        [None, Some(FileType::Any), Some(FileType::Zip), Some(FileType::Rar), Some(FileType::SevenZip)];
    if !may_hold.contains(&target.container) {
        return Err(description.fault("passwords are for archives"));
    }
    let password = match storage.bytes() {
        b"0" => password.bytes().to_vec(),
        b"1" => hex::decode(password)?,
        _ => return Ok(Parsed::unused(storage, "no such way to store a password")),
    };
    Ok(Parsed::Signature { name, signature: Signature::Password(Password { target, password }) })
}

/// `Name;Trusted;SubjectSHA1;SerialSHA1;Modulus;Exponent;CodeSign;TimeSign;CertSign;NotBefore;Comment[;MinFL[;MaxFL]]`
pub(crate) fn parse_certificate(line: Line<'_>) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b';');
    let name = fields.field(text, "the name")?;
    let trusted = switch(fields.field(text, "whether it is trusted")?)?;
    let subject = sha1(fields.field(text, "the digest of the subject")?)?;
    let serial = fields.field(text, "the digest of the serial number")?;
    let serial = if serial.is_empty() { None } else { Some(sha1(serial)?) };
    let modulus = fields.field(text, "the modulus of the key")?;
    let digits = hex::decode(modulus)?;
    let zeros = digits.iter().take_while(|&&byte| byte == 0).count();
    let number = digits.get(zeros..).unwrap_or_default().to_vec();
    if !(32..=1024).contains(&number.len()) {
        return Err(modulus.fault("a modulus has 256 to 8192 bits"));
    }
    fields.field(text, "the exponent of the key")?;
    let signs_code = switch(fields.field(text, "whether it signs programs")?)?;
    let signs_times = switch(fields.field(text, "whether it signs times")?)?;
    let signs_certificates = switch(fields.field(text, "whether it signs certificates")?)?;
    fields.field(text, "the time from which it counts")?;
    fields.field(text, "the comment")?;
    if !level::parse(&mut fields)?.contains(line.level) {
        return Ok(Parsed::OtherLevel);
    }
    let modulus = number;
    let rule =
        CertificateRule { trusted, subject, serial, modulus, signs_code, signs_times, signs_certificates };
    Ok(Parsed::Signature { name, signature: Signature::Certificate(rule) })
}

fn switch(text: Text<'_>) -> Result<bool, Fault> {
    match text.bytes() {
        b"0" => Ok(false),
        b"1" => Ok(true),
        _ => Err(text.fault("0 or 1")),
    }
}

fn sha1(text: Text<'_>) -> Result<[u8; 20], Fault> {
    hex::decode(text)?.try_into().map_err(|_| text.fault("a digest has 40 hexadecimal digits"))
}

/// The list that a line of [`parse_url`] is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlKind {
    /// `wdb`: URLs that are what they look like.
    Allowed,
    /// `pdb`: hosts that are often imitated.
    Protected,
    /// `gdb`: hashes of URLs.
    Hashed,
}

/// `X:RealURL:DisplayedURL[:FL]`, `Y:RealURL[:FL]`, `M:RealHost:DisplayedHost[:FL]`;
/// `R:DisplayedURL[:FL]`, `H:DisplayedHost[:FL]`; `S[n]:P|F|W:Hash`.
pub(crate) fn parse_url(line: Line<'_>, list: UrlKind) -> Result<Parsed<'_>, Fault> {
    let text = line.text;
    let mut fields = text.split(b':');
    let kind = fields.field(text, "the kind of line")?;
    let rest =
        fields.remainder().ok_or_else(|| text.fault_at(text.len(), "the rest of the line is missing"))?;
    let (letter, wanted) = match (list, kind.bytes()) {
        (UrlKind::Allowed, b"X") => ('X', 2),
        (UrlKind::Allowed, b"M") => ('M', 1),
        (UrlKind::Allowed, b"Y") => ('Y', 1),
        (UrlKind::Protected, b"R") => ('R', 1),
        (UrlKind::Protected, b"H") => ('H', 1),
        (UrlKind::Hashed, [b'S', digits @ ..]) if digits.iter().all(u8::is_ascii_digit) => ('S', 2),
        _ => return Err(kind.fault(format!("no such kind of line in this list: {}", kind.quoted()))),
    };
    let mut parts: Vec<Text<'_>> = rest.split(b':').collect();
    if let Some((min, max)) = parts.last().filter(|_| parts.len() > wanted).and_then(|last| levels(*last)) {
        if line.level < min || line.level > max {
            return Ok(Parsed::OtherLevel);
        }
        parts.pop();
    }
    if parts.len() < wanted || parts.first().is_none_or(|first| first.is_empty()) {
        return Err(rest.fault("the line is too short"));
    }
    if list == UrlKind::Hashed {
        check_hash(&parts, rest)?;
    }
    let mut kept: Vec<String> = parts.iter().map(|part| part.to_str().into_owned()).collect();
    if kind.len() > 1 {
        kept.insert(0, kind.to_str().into_owned());
    }
    Ok(Parsed::Signature {
        name: text.to(0),
        signature: Signature::Url(UrlList { kind: letter, fields: kept }),
    })
}

/// `MinFL-MaxFL`, either of which may be left out.
fn levels(text: Text<'_>) -> Option<(u32, u32)> {
    let (min, max) = text.split_once(b'-')?;
    let min = if min.is_empty() { 0 } else { min.small_number("").ok()? };
    let max = if max.is_empty() { u32::MAX } else { max.small_number("").ok()? };
    Some((min, max))
}

fn check_hash(parts: &[Text<'_>], rest: Text<'_>) -> Result<(), Fault> {
    match parts {
        [kind, hash] => match kind.bytes() {
            b"P" | b"F" | b"W" if !hash.is_empty() => hex::decode(*hash).map(|_| ()),
            _ => Err(kind.fault("a hash is of kind P, F or W")),
        },
        _ => Err(rest.fault("a line of hashes has three fields")),
    }
}
