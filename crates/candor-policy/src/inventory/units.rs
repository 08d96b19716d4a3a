//! Units of systemd, and what is started the old way: names, and the programs that they start.

use super::bytes::lossy;
use super::{Item, ItemKind, Items, Surface};

/// Reads a unit. Its name is the name of its file.
pub(super) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let name = items.path().rsplit('/').next().unwrap_or_default().to_owned();
    let mut item = Item::new(ItemKind::Service, &name)
        .with(Surface::SystemdUnit, &name)
        .with(Surface::Path, items.path());
    let text = lossy(bytes);
    for line in text.lines().take(10_000) {
        let Some((key, value)) = line.split_once('=') else { continue };
        if matches!(key.trim(), "ExecStart" | "ExecStartPre" | "ExecStop") {
            // Marks before the path say how it is started: systemd.service(5).
            let program = value.trim().trim_start_matches(['-', '@', ':', '+', '!', '|']);
            let program = program.split_whitespace().next().unwrap_or_default().trim_matches('"');
            item.add(Surface::Path, program.trim_start_matches('/'));
        }
    }
    items.push(item);
}

#[cfg(test)]
mod tests {
    use crate::inventory::Reader;
    use crate::inventory::tests::check_at;

    #[test]
    fn a_unit_says_what_it_starts() {
        check_at(
            Reader::Unit,
            "usr/lib/systemd/system/kesl.service",
            b"[Unit]\nDescription=x\n[Service]\nExecStart=-/opt/example/kesl/libexec/launcher --x\n",
            &[
                "Service kesl.service - | - | SystemdUnit=kesl.service, Path=usr/lib/systemd/system/kesl.service, Path=opt/example/kesl/libexec/launcher",
            ],
        );
    }
}
