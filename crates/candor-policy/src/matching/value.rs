//! Values of each surface, taken into parts that can be compared.
//!
//! The same function takes identifiers and what an inventory has, so both are spelled alike: paths with `/` and
//! without drives, domains from the back, package URLs without versions, product names in words.

use std::borrow::Cow;

use super::glob::is_glob;
use super::subject::Subject;
use crate::inventory::Surface;
use crate::party::normal;

/// The most parts that are compared; nothing that is known has more than a dozen.
const MOST_PARTS: usize = 64;

/// The longest value that is looked at.
const LONGEST: usize = 8192;

/// Everything below, or every version of it.
const REST: &str = "**";

/// An identifier in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pattern {
    /// Lower-case.
    pub(super) parts: Vec<String>,
    /// As written, for surfaces on which case matters.
    pub(super) written: Vec<String>,
    /// Whether more parts may follow.
    pub(super) rest: bool,
}

/// A value in parts: lower-case, and as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parts {
    pub(super) lower: Vec<String>,
    pub(super) written: Vec<String>,
}

/// Whether an identifier can be compared with anything.
///
/// # Errors
/// It cannot, and why.
pub(crate) fn check(surface: Surface, value: &str) -> Result<(), String> {
    if value.trim() != value || value.is_empty() || value.len() > 512 {
        return Err(format!("\"{value}\" is empty, padded or too long"));
    }
    let is_digits = |length: &[usize]| {
        length.contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    let is_right = match surface {
        Surface::AuthenticodeSubject | Surface::RootSubject => Subject::parse(value).key().is_some(),
        Surface::Sha256 => is_digits(&[64]),
        Surface::PackageKey => is_digits(&[16, 40, 64]),
        Surface::MacPrefix => is_digits(&[6]),
        Surface::MinifilterAltitude => value.parse::<f64>().is_ok(),
        Surface::AppleTeam => value.len() == 10,
        Surface::NetworkPort => is_port(value),
        _ => {
            let pattern = pattern(surface, value);
            // A shape in the first part of a path would have to be tried everywhere.
            !pattern.parts.is_empty() && pattern.parts.len() <= MOST_PARTS
        }
    };
    if is_right { Ok(()) } else { Err(format!("\"{value}\" cannot be a value of its surface")) }
}

/// An identifier in parts.
pub(super) fn pattern(surface: Surface, value: &str) -> Pattern {
    // Versions of products differ, and an identifier is of all of them.
    let mut parts = parts(surface, value);
    let ends_open = |parts: &Parts| parts.lower.last().is_some_and(|last| last == REST);
    let rest = ends_open(&parts);
    if rest {
        parts.lower.pop();
        parts.written.pop();
    }
    Pattern { parts: parts.lower, written: parts.written, rest }
}

/// A value in parts; none when it is of no use.
pub(super) fn parts(surface: Surface, value: &str) -> Parts {
    if value.len() > LONGEST {
        return Parts::default();
    }
    let written: Vec<String> = match surface {
        Surface::Path => path(value),
        Surface::RegistryKey => split(value, &['\\']),
        Surface::Domain => domain(value),
        Surface::AppleBundle | Surface::AndroidPackage | Surface::WingetPackage => split(value, &['.']),
        Surface::PackageUrl => package_url(value),
        Surface::Product => words(value),
        Surface::Supplier => vec![normal(value.split('<').next().unwrap_or_default()).join(" ")],
        Surface::PackageKey => vec![value.chars().filter(char::is_ascii_alphanumeric).collect()],
        Surface::MacPrefix => vec![value.chars().filter(char::is_ascii_hexdigit).take(6).collect()],
        Surface::ServiceBanner => vec![banner(value).to_owned()],
        Surface::FileName => vec![value.rsplit(['/', '\\']).next().unwrap_or_default().to_owned()],
        _ => vec![value.trim().to_owned()],
    };
    if written.len() > MOST_PARTS || written.iter().all(String::is_empty) {
        return Parts::default();
    }
    let lower = written.iter().map(|part| part.to_lowercase()).collect();
    Parts { lower, written }
}

/// What a service says, without the name of the header that it stands in.
fn banner(value: &str) -> &str {
    let value = value.trim();
    let header = value.split_once(':').filter(|(name, _)| name.trim().eq_ignore_ascii_case("server"));
    header.map_or(value, |(_, said)| said.trim())
}

/// Whether it is written as a port: `tcp/13111`.
fn is_port(value: &str) -> bool {
    let number = value.strip_prefix("tcp/").or_else(|| value.strip_prefix("udp/"));
    number.is_some_and(|number| !number.starts_with(['0', '+']) && number.parse::<u16>().is_ok())
}

fn split(value: &str, separators: &[char]) -> Vec<String> {
    value.trim().split(separators).filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// Parts of a path, from the root: drives, quotes, prefixes of Windows and its variables are taken off.
fn path(value: &str) -> Vec<String> {
    let value = value.trim();
    // A command line in quotes begins with the path of the program.
    let value = value.strip_prefix('"').map_or(value, |rest| rest.split('"').next().unwrap_or_default());
    let value = value.replace('\\', "/");
    let mut rest = value.as_str();
    for prefix in ["//?/", "/??/", "//./"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    if let Some((drive, after)) = rest.split_once(':')
        && drive.len() == 1
        && drive.bytes().all(|byte| byte.is_ascii_alphabetic())
    {
        rest = after;
    }
    let mut parts: Vec<String> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            _ => parts.push(part.to_owned()),
        }
    }
    let first = parts.first().map(|part| part.to_lowercase()).unwrap_or_default();
    let known: Option<Cow<'static, str>> = match first.as_str() {
        "systemroot" | "%systemroot%" | "%windir%" => Some("Windows".into()),
        "%programfiles%" => Some("Program Files".into()),
        "%programfiles(x86)%" => Some("Program Files (x86)".into()),
        "%programdata%" | "%allusersprofile%" => Some("ProgramData".into()),
        _ => None,
    };
    if let (Some(known), Some(part)) = (known, parts.first_mut()) {
        *part = known.into_owned();
    } else if first == "system32" {
        parts.insert(0, String::from("Windows"));
    }
    parts
}

/// Labels of a host, from the back.
fn domain(value: &str) -> Vec<String> {
    let value = value.trim();
    let value = value.split_once("://").map_or(value, |(_, rest)| rest);
    let value = value.split(['/', ':']).next().unwrap_or_default();
    // Everything below a domain, as lists of hosts write it. Of an identifier `**` stays.
    let value = value.strip_prefix("*.").unwrap_or(value);
    let mut labels: Vec<String> =
        value.split('.').filter(|label| !label.is_empty()).map(str::to_owned).collect();
    labels.reverse();
    labels
}

/// `type/namespace/name`, without version, qualifiers and path; with the case that the type has.
fn package_url(value: &str) -> Vec<String> {
    let value = value.trim();
    let value = value.strip_prefix("pkg:").unwrap_or(value).trim_start_matches('/');
    let value = value.split(['?', '#']).next().unwrap_or_default();
    let value = percent_decoded(value);
    let (folder, name) = value.rsplit_once('/').unwrap_or(("", &value));
    // The `@` of a scope begins its part, the one of a version does not.
    let name = match name.char_indices().skip(1).find(|(_, character)| *character == '@') {
        Some((at, _)) => name.get(..at).unwrap_or(name),
        None => name,
    };
    let mut parts = split(folder, &['/']);
    parts.push(name.to_owned());
    if parts.first().is_some_and(|kind| kind.eq_ignore_ascii_case("pypi"))
        && let Some(name) = parts.last_mut()
    {
        *name = name.replace(['_', '.'], "-");
    }
    parts
}

fn percent_decoded(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0_usize;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes
            .get(at.saturating_add(1)..at.saturating_add(3))
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match (byte, digits) {
            (b'%', Some(decoded_byte)) => {
                decoded.push(decoded_byte);
                at = at.saturating_add(3);
            }
            _ => {
                decoded.push(*byte);
                at = at.saturating_add(1);
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Words of a product's name. A version and what stands in brackets at its end are no part of the name.
fn words(value: &str) -> Vec<String> {
    let value = value.replace(['®', '™', '©'], " ");
    let mut words: Vec<String> = value
        .split_whitespace()
        .map(str::to_owned)
        .filter(|word| !matches!(word.as_str(), "(R)" | "(TM)"))
        .collect();
    while words.len() > 1 && words.last().is_some_and(|word| !is_glob(word) && is_of_a_version(word)) {
        words.pop();
    }
    words
}

fn is_of_a_version(word: &str) -> bool {
    let bare = word.trim_matches(['(', ')', '[', ']', ',', '-']);
    let bare = bare.strip_prefix(['v', 'V']).unwrap_or(bare);
    bare.is_empty()
        || bare.starts_with(|character: char| character.is_ascii_digit())
        || ["x64", "x86", "64-bit", "32-bit", "version", "build", "beta"]
            .iter()
            .any(|known| bare.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::{parts, pattern};
    use crate::inventory::Surface;

    fn lower(surface: Surface, value: &str) -> String {
        parts(surface, value).lower.join("|")
    }

    #[test]
    fn paths_are_spelled_alike() {
        for (written, spelled) in [
            (r"C:\Program Files (x86)\Kaspersky Lab\avp.exe", "program files (x86)|kaspersky lab|avp.exe"),
            (r#""C:\Program Files\A\b.exe" -r"#, "program files|a|b.exe"),
            (r"\SystemRoot\System32\drivers\klif.sys", "windows|system32|drivers|klif.sys"),
            (r"system32\DRIVERS\klif.sys", "windows|system32|drivers|klif.sys"),
            (r"\??\C:\Windows\x.sys", "windows|x.sys"),
            ("%ProgramData%/Kaspersky Lab", "programdata|kaspersky lab"),
            ("/opt//kaspersky/./kesl/../kesl", "opt|kaspersky|kesl"),
            ("../../../etc", "etc"),
        ] {
            assert_eq!(lower(Surface::Path, written), spelled, "{written}");
        }
    }

    #[test]
    fn package_urls_lose_their_versions() {
        for (written, spelled) in [
            ("pkg:npm/%40kaspersky/hexa-ui@1.2.3", "npm|@kaspersky|hexa-ui"),
            ("npm/@kaspersky/hexa-ui", "npm|@kaspersky|hexa-ui"),
            (
                "pkg:maven/com.kaspersky.android-components/kaspresso@1.5?type=jar#x",
                "maven|com.kaspersky.android-components|kaspresso",
            ),
            ("pkg:pypi/KasperskyTIP@0.1", "pypi|kasperskytip"),
            ("pkg:pypi/some_name", "pypi|some-name"),
        ] {
            assert_eq!(lower(Surface::PackageUrl, written), spelled, "{written}");
        }
    }

    #[test]
    fn products_lose_their_versions() {
        for (written, spelled) in [
            (
                "Kaspersky Endpoint Security for Windows (12.1.0.506)",
                "kaspersky|endpoint|security|for|windows",
            ),
            ("Kaspersky® Anti-Virus  v21.3 (x64)", "kaspersky|anti-virus"),
            ("7-Zip", "7-zip"),
        ] {
            assert_eq!(lower(Surface::Product, written), spelled, "{written}");
        }
    }

    #[test]
    fn the_rest_is_no_part() {
        let domain = pattern(Surface::Domain, "**.kaspersky.com");
        assert_eq!((domain.parts, domain.rest), (vec!["com".into(), "kaspersky".into()], true));
        assert!(!pattern(Surface::Domain, "dnl-00.geo.kaspersky.com").rest);
        assert!(pattern(Surface::Path, "/opt/kaspersky/**").rest);
    }

    #[test]
    fn a_value_without_end_is_of_no_use() {
        assert!(parts(Surface::Path, &"a/".repeat(5000)).lower.is_empty());
        assert!(parts(Surface::Path, &"a/".repeat(100)).lower.is_empty());
    }
}
