//! PyPI: `requirements.txt`, and `METADATA` or `PKG-INFO` of what is installed.

use super::component;
use crate::inventory::bytes::lossy;
use crate::inventory::{Items, Surface};

/// Reads `requirements.txt`: what is wanted, in a fixed version or not.
pub(in crate::inventory) fn requirements(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() || line.starts_with(['-', '.', '/']) || line.contains("://") && !line.contains('@')
        {
            continue;
        }
        let is_name =
            |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_' | '.');
        let end = line.find(|character| !is_name(character)).unwrap_or(line.len());
        let name = line.get(..end).unwrap_or_default();
        if name.is_empty() {
            continue;
        }
        let version = line.split_once("==").map(|(_, version)| version.trim_start_matches('='));
        let version = version.unwrap_or_default().split([';', ',', ' ', '\\']).next().unwrap_or_default();
        items.push(component("pypi", "", &normal(name), version));
        if items.is_full() {
            return items.partly("there are too many packages");
        }
    }
}

/// Reads the metadata of one package: headers as of a mail, up to the first empty line.
pub(in crate::inventory) fn metadata(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let of = |name: &str| {
        let mut fields =
            text.lines().take_while(|line| !line.is_empty()).filter_map(|line| line.split_once(':'));
        fields
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .unwrap_or_default()
    };
    if of("Name").is_empty() {
        return items.unread("it names no package");
    }
    items.push(
        component("pypi", "", &normal(of("Name")), of("Version"))
            .with(Surface::Supplier, of("Author"))
            .with(Surface::Supplier, of("Maintainer")),
    );
}

/// PEP 503: runs of `-`, `_` and `.` are one `-`.
pub(super) fn normal(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    lower.split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{check, read, values};
    use crate::inventory::{Reader, Surface};

    #[test]
    fn names_are_written_as_the_index_does() {
        let text = "# x\n-r other.txt\nFlask_Login==0.6.3 ; python_version > '3'\nrequests>=2\nhttps://example.org/a.whl\nname @ https://example.org/b.whl\n";
        let (items, _) = read(Reader::Requirements, "requirements.txt", text.as_bytes());
        assert_eq!(
            values(&items, Surface::PackageUrl),
            ["pkg:pypi/flask-login@0.6.3", "pkg:pypi/requests", "pkg:pypi/name"]
        );
        check(
            Reader::PythonMetadata,
            b"Metadata-Version: 2.1\nName: Example.Tip\nVersion: 1.0\nAuthor: Example Lab\n\nName: other\n",
            &["Component example-tip 1.0 | - | PackageUrl=pkg:pypi/example-tip@1.0, Supplier=Example Lab"],
        );
    }
}
