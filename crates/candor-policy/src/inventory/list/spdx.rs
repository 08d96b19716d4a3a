//! SPDX 2.0 to 2.3, as JSON, tag-value and RDF/XML's plain sibling (XML), and the packages of 3.0 in JSON-LD.
//!
//! Format: <https://spdx.github.io/spdx-spec/>. Of a package: name, version, supplier, originator, where it was
//! downloaded from, and references to a package URL or a CPE.

use serde_json::Value;

use super::stream::{self, Piece};
use super::{add_cpe, host};
use crate::inventory::bytes::lossy;
use crate::inventory::xml::{Event, Xml};
use crate::inventory::{Item, ItemKind, Items, Surface};

/// What a document says of one package, whatever its form.
#[derive(Default)]
struct Package {
    name: String,
    version: String,
    id: String,
    parties: Vec<String>,
    location: String,
    references: Vec<String>,
    sha256: String,
}

impl Package {
    /// One field, by its name in any of the forms.
    fn set(&mut self, key: &str, value: &str) {
        let value = value.trim();
        match key {
            "name" | "PackageName" => value.clone_into(&mut self.name),
            "versionInfo" | "PackageVersion" | "software_packageVersion" => {
                value.clone_into(&mut self.version)
            }
            "SPDXID" | "spdxId" => value.clone_into(&mut self.id),
            "supplier" | "PackageSupplier" if self.parties.len() < 16 => self.parties.insert(0, party(value)),
            "originator" | "PackageOriginator" if self.parties.len() < 16 => self.parties.push(party(value)),

            "downloadLocation" | "PackageDownloadLocation" | "software_downloadLocation" => {
                value.clone_into(&mut self.location);
            }
            "referenceLocator" | "ExternalRef" | "software_packageUrl" => {
                // `ExternalRef: CATEGORY type locator`
                self.references.push(value.rsplit(' ').next().unwrap_or(value).to_owned());
            }
            "PackageChecksum" => {
                if let Some(digest) = value.strip_prefix("SHA256:") {
                    digest.trim().to_ascii_lowercase().clone_into(&mut self.sha256);
                }
            }
            _ => (),
        }
    }

    fn give(self, items: &mut Items<'_>) {
        if self.name.is_empty() {
            return;
        }
        let mut item = Item::new(ItemKind::Component, &self.name)
            .with_version(&self.version)
            .seen_in(&self.id)
            .with(Surface::Product, &self.name)
            .with(Surface::Sha256, &self.sha256);
        for party in &self.parties {
            item.add(Surface::Supplier, party);
        }
        for reference in self.references.iter().take(16) {
            if reference.starts_with("pkg:") {
                item.add(Surface::PackageUrl, reference);
            } else if reference.starts_with("cpe:") {
                add_cpe(&mut item, reference);
            }
        }
        if let Some(host) = host(&self.location) {
            item.add(Surface::Domain, host);
        }
        items.push(item);
    }
}

/// `Organization: Name (mail)`, as a name.
fn party(value: &str) -> String {
    let name = ["Organization:", "Person:", "Tool:"].iter().find_map(|kind| value.strip_prefix(kind));
    let name = name.unwrap_or(value).trim();
    let name = name.strip_suffix(')').and_then(|inner| inner.rsplit_once('(')).map_or(name, |(name, _)| name);
    if name == "NOASSERTION" { String::new() } else { name.trim().to_owned() }
}

/// Reads a document in JSON: `packages` of 2.x, or `@graph` of 3.0.
pub(in crate::inventory) fn json(bytes: &[u8], items: &mut Items<'_>) {
    let mut version = None;
    let mut is_graph = false;
    // What 3.0 names by reference: agents, and packages that wait for them.
    let mut agents = std::collections::BTreeMap::new();
    let mut waiting: Vec<(Package, Vec<String>)> = Vec::new();
    let mut take = |name: &str, piece: Piece| {
        match (name, piece) {
            ("spdxVersion", Piece::Member(value)) => version = value.as_str().map(str::to_owned),
            ("packages", Piece::Element(value)) => package(&value).give(items),
            (_, Piece::Element(value)) => {
                is_graph = true;
                let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
                let of = |key: &str| value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
                if matches!(kind, "Organization" | "Person" | "Agent") {
                    agents.insert(of("spdxId"), of("name"));
                } else if kind == "software_Package" && waiting.len() < 250_000 {
                    let by = [of("suppliedBy")].into_iter().chain(
                        value
                            .get("originatedBy")
                            .and_then(Value::as_array)
                            .into_iter()
                            .flatten()
                            .filter_map(|one| one.as_str().map(str::to_owned)),
                    );
                    waiting.push((package(&value), by.take(8).collect()));
                }
            }
            _ => (),
        }
        !items.is_full()
    };
    let read = stream::each(bytes, &["packages", "@graph"], &["spdxVersion"], &mut take);
    for (mut package, by) in waiting {
        package.parties.extend(by.iter().filter_map(|one| agents.get(one).cloned()));
        package.give(items);
    }
    if items.is_full() {
        items.partly("there are more packages than are read");
    }
    if let Err(error) = read {
        items.unread(&format!("it is no JSON from line {} on", error.line()));
    }
    if !is_graph {
        check_version(version.as_deref(), items);
    }
}

fn package(value: &Value) -> Package {
    let mut package = Package::default();
    for (key, value) in value.as_object().into_iter().flatten() {
        match value {
            Value::String(text) => package.set(key, text),
            Value::Array(entries) if key == "externalRefs" => {
                for entry in entries.iter().take(64) {
                    if let Some(locator) = entry.get("referenceLocator").and_then(Value::as_str) {
                        package.set("referenceLocator", locator);
                    }
                }
            }
            Value::Array(entries) if key == "checksums" => {
                for entry in entries.iter().take(16) {
                    if entry.get("algorithm").and_then(Value::as_str) == Some("SHA256")
                        && let Some(digest) = entry.get("checksumValue").and_then(Value::as_str)
                    {
                        package.set("PackageChecksum", &format!("SHA256:{digest}"));
                    }
                }
            }
            _ => (),
        }
    }
    package
}

fn check_version(version: Option<&str>, items: &mut Items<'_>) {
    match version {
        Some("SPDX-2.0" | "SPDX-2.1" | "SPDX-2.2" | "SPDX-2.3") => (),
        Some(version) => items.partly(&format!("it is of version {version}, which is not known")),
        None => items.partly("it does not say its version"),
    }
}

/// Reads tag-value text.
pub(in crate::inventory) fn tags(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut version = None;
    let mut package = Package::default();
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        match key.trim() {
            "SPDXVersion" => version = Some(value.trim().to_owned()),
            "PackageName" => {
                std::mem::take(&mut package).give(items);
                package.set("PackageName", value);
            }
            // What follows is about a file.
            "FileName" => std::mem::take(&mut package).give(items),
            key if !package.name.is_empty() => package.set(key, value),
            _ => (),
        }
        if items.is_full() {
            return items.partly("there are more packages than are read");
        }
    }
    package.give(items);
    check_version(version.as_deref(), items);
}

/// Reads a document in XML: elements as in JSON, `<packages>` for each package.
pub(in crate::inventory) fn xml(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut xml = Xml::new(&text);
    let mut version = None;
    let mut package: Option<Package> = None;
    while let Some(event) = xml.next() {
        match event {
            Event::Start { name: "spdxVersion" | "specVersion", .. } => {
                version = Some(xml.text_until("spdxVersion").trim().to_owned())
            }
            Event::Start { name: "packages" | "Package", .. } => package = Some(Package::default()),
            Event::Start { name: "externalRefs" | "externalRef" | "ExternalRef", .. } => (),
            Event::Start { name, .. } => {
                if let Some(package) = package.as_mut() {
                    let value = xml.text_until(name);
                    package.set(name, &value);
                }
            }
            Event::End { name: "packages" | "Package" } => {
                if let Some(package) = package.take() {
                    package.give(items);
                }
            }
            _ => (),
        }
        if items.is_full() {
            return items.partly("there are more packages than are read");
        }
    }
    if let Some(package) = package {
        package.give(items);
        items.partly("it ends within a package");
    }
    check_version(version.as_deref(), items);
}

#[cfg(test)]
mod tests {
    use crate::inventory::Reader;
    use crate::inventory::tests::{check, read};

    const LINE: &str = "Component lib 2 | SPDXRef-1 | Product=lib, Supplier=Example Lab, Supplier=A Person, PackageUrl=pkg:npm/lib@2, CpeVendor=example, Domain=example.com";

    #[test]
    fn all_forms_say_the_same() {
        let json = r#"{"spdxVersion":"SPDX-2.3","packages":[{"SPDXID":"SPDXRef-1","name":"lib","versionInfo":"2","supplier":"Organization: Example Lab (x@example.com)",
            "originator":"Person: A Person","downloadLocation":"https://example.com/a","externalRefs":[{"referenceLocator":"pkg:npm/lib@2"},{"referenceLocator":"cpe:2.3:a:example:lib:2"}]}]}"#;
        check(Reader::SpdxJson, json.as_bytes(), &[LINE]);
        let tags = "SPDXVersion: SPDX-2.2\nPackageName: lib\nSPDXID: SPDXRef-1\nPackageVersion: 2\nPackageSupplier: Organization: Example Lab (x@example.com)\nPackageOriginator: Person: A Person\nPackageDownloadLocation: https://example.com/a\nExternalRef: PACKAGE-MANAGER purl pkg:npm/lib@2\nExternalRef: SECURITY cpe23Type cpe:2.3:a:example:lib:2\nFileName: ./x\nPackageName2: no\n";
        check(Reader::SpdxTags, tags.as_bytes(), &[LINE]);
        let xml = "<Document><spdxVersion>SPDX-2.3</spdxVersion><packages><SPDXID>SPDXRef-1</SPDXID><name>lib</name><versionInfo>2</versionInfo><supplier>Organization: Example Lab</supplier><originator>Person: A Person</originator><downloadLocation>https://example.com/a</downloadLocation><externalRefs><referenceLocator>pkg:npm/lib@2</referenceLocator></externalRefs><externalRefs><referenceLocator>cpe:2.3:a:example:lib:2</referenceLocator></externalRefs></packages></Document>";
        check(Reader::SpdxXml, xml.as_bytes(), &[LINE]);
    }

    #[test]
    fn parties_of_version_3_are_found_by_their_reference() {
        let json = r#"{"@context":"x","@graph":[{"type":"software_Package","spdxId":"p","name":"lib","software_packageVersion":"2","suppliedBy":"o","software_packageUrl":"pkg:npm/lib@2"},{"type":"Organization","spdxId":"o","name":"Example Lab"}]}"#;
        check(
            Reader::SpdxJson,
            json.as_bytes(),
            &["Component lib 2 | p | Product=lib, Supplier=Example Lab, PackageUrl=pkg:npm/lib@2"],
        );
    }

    #[test]
    fn damage_never_panics() {
        for text in ["", "{", "PackageName", "<packages><name>", "{\"packages\":[{\"name\":1}]}"] {
            for reader in [Reader::SpdxJson, Reader::SpdxTags, Reader::SpdxXml] {
                read(reader, "x", text.as_bytes());
            }
        }
    }
}
