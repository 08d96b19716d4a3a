//! What package managers print: `dpkg -l`, `dpkg-query -W`, `rpm -qa`.

use crate::inventory::bytes::lossy;
use crate::inventory::{Item, ItemKind, Items, Surface};

/// Reads a list of Debian packages: `ii  name:arch  version  arch  description`, or `name<tab>version`.
pub(in crate::inventory) fn dpkg(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().take(4).collect();
        let (name, version, is_residue) = match words[..] {
            // What is wanted and what is: `rc` has been removed but for its settings.
            [state, name, version, ..]
                if matches!(state.len(), 2 | 3)
                    && state.starts_with(['u', 'i', 'h', 'r', 'p'])
                    && state.get(1..2).is_some_and(|state| "icnuHWt".contains(state)) =>
            {
                if state.get(1..2) == Some("n") {
                    continue;
                }
                (name, version, state.get(1..2) == Some("c"))
            }
            [name, version] if line.contains('\t') => (name, version, false),
            _ => continue,
        };
        let name = name.split(':').next().unwrap_or(name);
        let kind = if is_residue { ItemKind::Setting } else { ItemKind::Package };
        items.push(Item::new(kind, name).with_version(version).with(Surface::LinuxPackage, name));
        if items.is_full() {
            return items.partly("there are too many packages");
        }
    }
}

/// Reads a list of rpm packages: `name-version-release.arch`.
pub(in crate::inventory) fn rpm(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    for line in text.lines() {
        let mut parts = line.trim().rsplitn(3, '-');
        let (Some(release), Some(version), Some(name)) = (parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let is_plain = |part: &str| !part.is_empty() && !part.contains(char::is_whitespace);
        if !is_plain(release) || !is_plain(version) || !is_plain(name) {
            continue;
        }
        let release = release.rsplit_once('.').map_or(release, |(release, _)| release);
        items.push(
            Item::new(ItemKind::Package, name)
                .with_version(&format!("{version}-{release}"))
                .with(Surface::LinuxPackage, name),
        );
        if items.is_full() {
            return items.partly("there are too many packages");
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::Reader;
    use crate::inventory::tests::check;

    #[test]
    fn printed_lists_are_read() {
        let text = "Desired=Unknown/Install/Remove/Purge/Hold\n||/ Name Version Architecture Description\n+++-====-====\nii  libc6:amd64  2.36-9  amd64  GNU C Library\nrc  kesl  12.0  amd64  x\npn  never  <none>  <none>  x\n";
        check(
            Reader::DpkgList,
            text.as_bytes(),
            &["Package libc6 2.36-9 | - | LinuxPackage=libc6", "Setting kesl 12.0 | - | LinuxPackage=kesl"],
        );
        check(Reader::DpkgList, b"libc6:amd64\t2.36-9\n", &["Package libc6 2.36-9 | - | LinuxPackage=libc6"]);
        check(
            Reader::RpmList,
            b"kesl-gui-12.0.0-100.x86_64\nnot a package\n",
            &["Package kesl-gui 12.0.0-100 | - | LinuxPackage=kesl-gui"],
        );
    }
}
