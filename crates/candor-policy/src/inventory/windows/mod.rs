//! Windows from the outside: hives of its registry, programs, installers.

pub(super) mod hive;
pub(super) mod installer;
mod log;
pub(super) mod program;
mod regf;

pub(crate) use log::recover;
pub(crate) use regf::{Hive, Key};

/// A path as services and uninstall keys write it, as one below the root: no quotes, no arguments, no drive.
pub(super) fn below_root(text: &str) -> String {
    let text = text.trim();
    let text = match text.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next().unwrap_or_default(),
        None => without_arguments(text),
    };
    let mut path = text.replace('\\', "/");
    for (prefix, instead) in [
        ("/??/", ""),
        ("//?/", ""),
        ("/systemroot/", "Windows/"),
        ("%systemroot%/", "Windows/"),
        ("%windir%/", "Windows/"),
        ("system32/", "Windows/System32/"),
        ("%programfiles%/", "Program Files/"),
        ("%programdata%/", "ProgramData/"),
    ] {
        if path.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix)) {
            path = format!("{instead}{}", path.get(prefix.len()..).unwrap_or_default());
        }
    }
    let is_drive =
        path.as_bytes().first().is_some_and(u8::is_ascii_alphabetic) && path.get(1..3) == Some(":/");
    let path = if is_drive { path.get(3..).unwrap_or_default() } else { &path };
    path.trim_matches('/').to_owned()
}

/// Without quotes, a path ends with the first word that has the ending of a program.
fn without_arguments(text: &str) -> &str {
    let lower = text.to_ascii_lowercase();
    let ends = [".exe ", ".sys ", ".dll "].into_iter().filter_map(|end| lower.find(end));
    ends.min().and_then(|at| text.get(..at.checked_add(4)?)).unwrap_or(text)
}

/// A GUID in braces, upper case; `None` for other texts.
pub(super) fn guid(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let parts: Vec<&str> = inner.split('-').collect();
    let is_guid = parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(|byte| byte.is_ascii_hexdigit()));
    is_guid.then(|| format!("{{{}}}", inner.to_ascii_uppercase()))
}

/// A GUID as the installer of Windows packs it into names of keys: every group backwards.
fn packed_guid(text: &str) -> Option<String> {
    if text.len() != 32 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let backwards =
        |from: usize, to: usize| -> Option<String> { Some(text.get(from..to)?.chars().rev().collect()) };
    let pairs = |from: usize, to: usize| -> Option<String> {
        let part = text.get(from..to)?.as_bytes().as_chunks::<2>().0;
        Some(part.iter().flat_map(|[low, high]| [char::from(*high), char::from(*low)]).collect())
    };
    guid(&format!(
        "{{{}-{}-{}-{}-{}}}",
        backwards(0, 8)?,
        backwards(8, 12)?,
        backwards(12, 16)?,
        pairs(16, 20)?,
        pairs(20, 32)?
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_services_become_paths_below_the_root() {
        for (text, path) in [
            (r"\SystemRoot\System32\drivers\klif.sys", "Windows/System32/drivers/klif.sys"),
            (r"system32\DRIVERS\a.sys", "Windows/System32/DRIVERS/a.sys"),
            (r#""C:\Program Files (x86)\A b\avp.exe" -r"#, "Program Files (x86)/A b/avp.exe"),
            (r"C:\Program Files\A b\a.exe -k x", "Program Files/A b/a.exe"),
            (r"\??\C:\x\y.sys", "x/y.sys"),
            (r"%SystemRoot%\system32\svchost.exe -k netsvcs", "Windows/system32/svchost.exe"),
            ("\"", ""),
            ("é:", "é:"),
        ] {
            assert_eq!(below_root(text), path, "{text}");
        }
    }

    #[test]
    fn packed_codes_are_the_codes_of_installers() {
        assert_eq!(
            packed_guid("78563412BC9AF0DE1234567890ABCDEF").as_deref(),
            Some("{21436587-A9CB-ED0F-2143-658709BADCFE}")
        );
        assert_eq!(guid("{x}"), None);
        assert_eq!(packed_guid("é"), None);
    }
}
