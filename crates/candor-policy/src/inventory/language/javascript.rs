//! npm: `package-lock.json` (versions 1 to 3), `yarn.lock` (1 and 2), `pnpm-lock.yaml`, and `package.json` of
//! what is installed.

use serde_json::Value;

use super::component;
use crate::inventory::bytes::lossy;
use crate::inventory::{Items, Surface};

const DEPTH: u32 = 64;

fn npm(name: &str, version: &str, items: &mut Items<'_>) {
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    if !name.is_empty() && name.len() < 256 {
        items.push(component("npm", namespace, name, version));
    }
}

/// Reads `package-lock.json` or `npm-shrinkwrap.json`.
pub(in crate::inventory) fn package_lock(bytes: &[u8], items: &mut Items<'_>) {
    let Ok(lock) = serde_json::from_slice::<Value>(bytes) else { return items.unread("it is no JSON") };
    if let Some(packages) = lock.get("packages").and_then(Value::as_object) {
        for (place, package) in packages {
            // `node_modules/a/node_modules/@b/c`; others are parts of the project itself.
            let Some((_, name)) = place.rsplit_once("node_modules/") else { continue };
            // One that is installed under another name says its own.
            let name = package.get("name").and_then(Value::as_str).unwrap_or(name);
            npm(name, package.get("version").and_then(Value::as_str).unwrap_or_default(), items);
        }
    } else if let Some(dependencies) = lock.get("dependencies") {
        nested(dependencies, DEPTH, items);
    } else {
        items.unread("it names no packages");
    }
}

fn nested(dependencies: &Value, depth: u32, items: &mut Items<'_>) {
    for (name, package) in dependencies.as_object().into_iter().flatten() {
        npm(name, package.get("version").and_then(Value::as_str).unwrap_or_default(), items);
        if let (Some(inner), Some(depth)) = (package.get("dependencies"), depth.checked_sub(1)) {
            nested(inner, depth, items);
        }
    }
}

/// Reads `yarn.lock`: `"@a/b@^1", c@2:` and, below, `version "1.2.3"` or `version: 1.2.3`.
pub(in crate::inventory) fn yarn_lock(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut name = String::new();
    for line in text.lines() {
        if line.starts_with('#') || line.starts_with("__metadata") {
            continue;
        }
        if !line.starts_with([' ', '\t']) {
            let first =
                line.trim_end_matches(':').split(',').next().unwrap_or_default().trim().trim_matches('"');
            // The first character may be the `@` of a namespace.
            let end = first.char_indices().skip(1).find(|(_, character)| *character == '@');
            first.get(..end.map_or(0, |(at, _)| at)).unwrap_or_default().clone_into(&mut name);
        } else if let Some(version) = line.trim().strip_prefix("version")
            && !name.is_empty()
        {
            npm(&name, version.trim_start_matches(':').trim().trim_matches('"'), items);
            name.clear();
        }
        if items.is_full() {
            return items.partly("there are too many packages");
        }
    }
}

/// Reads `pnpm-lock.yaml`: keys below `packages:` are `/@a/b/1.2.3` (5), `/@a/b@1.2.3(peer)` (6), `@a/b@1.2.3` (9).
pub(in crate::inventory) fn pnpm_lock(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut is_inside = false;
    for line in text.lines() {
        if !line.starts_with(' ') && !line.trim().is_empty() {
            is_inside = line.trim_end() == "packages:";
            continue;
        }
        let Some(key) = line.strip_prefix("  ").filter(|key| is_inside && !key.starts_with(' ')) else {
            continue;
        };
        let Some(key) = key.trim_end().strip_suffix(':') else { continue };
        let key = key.trim_matches(['\'', '"']).trim_start_matches('/');
        let key = key.split('(').next().unwrap_or_default();
        let at = key.rfind('@').filter(|at| *at > 0);
        let parts = at.and_then(|at| Some((key.get(..at)?, key.get(at..)?.trim_start_matches('@'))));
        if let Some((name, version)) = parts.or_else(|| key.rsplit_once('/')) {
            npm(name, version, items);
        }
        if items.is_full() {
            return items.partly("there are too many packages");
        }
    }
}

/// Reads `package.json` of a package that is installed.
pub(in crate::inventory) fn package_json(bytes: &[u8], items: &mut Items<'_>) {
    let Ok(package) = serde_json::from_slice::<Value>(bytes) else { return items.unread("it is no JSON") };
    let of = |key: &str| package.get(key).and_then(Value::as_str).unwrap_or_default();
    let (namespace, name) = of("name").split_once('/').unwrap_or(("", of("name")));
    if name.is_empty() {
        return;
    }
    let author = match package.get("author") {
        Some(Value::String(author)) => author.split('<').next().unwrap_or_default(),
        Some(author) => author.get("name").and_then(Value::as_str).unwrap_or_default(),
        None => "",
    };
    items.push(component("npm", namespace, name, of("version")).with(Surface::Supplier, author));
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{read, values};
    use crate::inventory::{Reader, Surface};

    #[track_caller]
    fn check(reader: Reader, text: &str, expected: &[&str]) {
        let (items, _) = read(reader, "srv/app/lock", text.as_bytes());
        assert_eq!(values(&items, Surface::PackageUrl), expected);
    }

    #[test]
    fn all_locks_of_npm_give_coordinates() {
        let two = r#"{"lockfileVersion":3,"packages":{"":{"name":"app"},"node_modules/@a/b":{"version":"1.0.0"},"node_modules/c/node_modules/d":{"name":"e","version":"2.0.0"}}}"#;
        check(Reader::PackageLock, two, &["pkg:npm/%40a/b@1.0.0", "pkg:npm/e@2.0.0"]);
        let one = r#"{"dependencies":{"c":{"version":"1.0.0","dependencies":{"d":{"version":"2.0.0"}}}}}"#;
        check(Reader::PackageLock, one, &["pkg:npm/c@1.0.0", "pkg:npm/d@2.0.0"]);
        check(
            Reader::YarnLock,
            "# yarn\n\n\"@a/b@^1.0.0\", \"@a/b@~1\":\n  version \"1.2.3\"\n  dependencies:\n    x \"1\"\n\nc@2:\n  version: 2.0.0\n",
            &["pkg:npm/%40a/b@1.2.3", "pkg:npm/c@2.0.0"],
        );
        check(
            Reader::PnpmLock,
            "lockfileVersion: 5\nimporters:\n  x:\n    y: 1\npackages:\n\n  /@a/b/1.2.3:\n    resolution: {}\n  /c@2.0.0(d@1.0.0):\n    x: y\n  '@e/f@3.0.0':\n    x: y\nsnapshots:\n  g@1.0.0:\n",
            &["pkg:npm/%40a/b@1.2.3", "pkg:npm/c@2.0.0", "pkg:npm/%40e/f@3.0.0"],
        );
        check(Reader::PackageJson, r#"{"name":"@a/b","version":"1.0.0"}"#, &["pkg:npm/%40a/b@1.0.0"]);
    }
}
