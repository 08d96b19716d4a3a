//! CycloneDX, versions 1.0 to 1.6, as JSON and XML.
//!
//! Format: <https://cyclonedx.org/specification/overview/>. Of a component: name, group, version, package URL,
//! CPE, who supplied, made and published it, digests, and where it refers to. Components within components are
//! read, too.

use serde_json::Value;

use super::stream::{self, Piece};
use super::{add_cpe, host};
use crate::inventory::bytes::lossy;
use crate::inventory::xml::{Event, Xml};
use crate::inventory::{Item, ItemKind, Items, Surface};

const DEPTH: u32 = 32;

/// Versions that are known; others are read as far as they are alike, and that is told.
const VERSIONS: [&str; 7] = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6"];

/// Reads a document in JSON.
pub(in crate::inventory) fn json(bytes: &[u8], items: &mut Items<'_>) {
    let mut version = None;
    let mut take = |name: &str, piece: Piece| {
        match (name, piece) {
            ("specVersion", Piece::Member(value)) => version = value.as_str().map(str::to_owned),
            ("metadata", Piece::Member(value)) => {
                if let Some(subject) = value.get("component") {
                    component(subject, DEPTH, items);
                }
            }
            (_, Piece::Element(value)) => component(&value, DEPTH, items),
            _ => (),
        }
        !items.is_full()
    };
    let arrays = ["components", "services"];
    let read = stream::each(bytes, &arrays, &["specVersion", "metadata"], &mut take);
    if items.is_full() {
        items.partly("there are more components than are read");
    }
    if let Err(error) = read {
        items.unread(&format!("it is no JSON from line {} on", error.line()));
    }
    check_version(version.as_deref(), items);
}

fn check_version(version: Option<&str>, items: &mut Items<'_>) {
    match version {
        Some(version) if VERSIONS.contains(&version) => (),
        Some(version) => items.partly(&format!("it is of version {version}, which is not known")),
        None => items.partly("it does not say its version"),
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn component(value: &Value, depth: u32, items: &mut Items<'_>) {
    let group = text(value, "group");
    let name = text(value, "name");
    let slash = if group.is_empty() { "" } else { "/" };
    let reference = text(value, "bom-ref");
    let purl = text(value, "purl");
    let mut item = Item::new(ItemKind::Component, &format!("{group}{slash}{name}"))
        .with_version(text(value, "version"))
        .seen_in(if reference.is_empty() { purl } else { reference })
        .with(Surface::PackageUrl, purl)
        .with(Surface::Product, name)
        .with(Surface::Supplier, text(value, "publisher"))
        .with(Surface::Supplier, text(value, "author"));
    for role in ["supplier", "manufacturer", "manufacture", "provider"] {
        if let Some(party) = value.get(role) {
            item.add(Surface::Supplier, text(party, "name"));
        }
    }
    add_cpe(&mut item, text(value, "cpe"));
    for hash in value.get("hashes").and_then(Value::as_array).into_iter().flatten().take(16) {
        if text(hash, "alg") == "SHA-256" {
            item.add(Surface::Sha256, &text(hash, "content").to_ascii_lowercase());
        }
    }
    // Where it comes from; what it mentions otherwise (issues, licences) says nothing of its maker.
    for reference in value.get("externalReferences").and_then(Value::as_array).into_iter().flatten().take(64)
    {
        if matches!(text(reference, "type"), "website" | "distribution" | "vcs")
            && let Some(host) = host(text(reference, "url"))
        {
            item.add(Surface::Domain, host);
        }
    }
    for endpoint in value.get("endpoints").and_then(Value::as_array).into_iter().flatten().take(64) {
        if let Some(host) = endpoint.as_str().and_then(host) {
            item.add(Surface::Domain, host);
        }
    }
    if !name.is_empty() || !purl.is_empty() {
        items.push(item);
    }
    let inside = ["components", "services"].into_iter().filter_map(|key| value.get(key)?.as_array());
    for inner in inside.flatten() {
        match depth.checked_sub(1) {
            Some(depth) => component(inner, depth, items),
            None => return items.partly("its components are too deep in one another"),
        }
    }
}

/// Reads a document in XML.
pub(in crate::inventory) fn xml(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut xml = Xml::new(&text);
    let mut open: Vec<Item> = Vec::new();
    // Elements within the component that is open, outermost first.
    let mut path: Vec<&str> = Vec::new();
    let mut marks: Vec<usize> = Vec::new();
    let mut algorithm = String::new();
    let mut version = None;
    while let Some(event) = xml.next() {
        match event {
            Event::Start { name: "bom", attributes } => {
                let space = attributes.split_once("http://cyclonedx.org/schema/bom/").map(|(_, rest)| rest);
                version = space.map(|rest| {
                    rest.chars().take_while(|one| *one == '.' || one.is_ascii_digit()).collect::<String>()
                });
            }
            Event::Start { name: name @ ("component" | "service"), attributes } => {
                if open.len() > usize::try_from(DEPTH).unwrap_or(0) {
                    items.partly("its components are too deep in one another");
                    xml.skip_element(name);
                    continue;
                }
                let reference = Xml::attribute(attributes, "bom-ref").unwrap_or_default();
                open.push(Item::new(ItemKind::Component, "").seen_in(&reference));
                marks.push(path.len());
                path.push(name);
            }
            Event::Start { name, attributes } => {
                path.push(name);
                if path.len() > 256 {
                    return items.partly("its elements are too deep in one another");
                }
                if name == "hash" {
                    algorithm = Xml::attribute(attributes, "alg").unwrap_or_default();
                }
            }
            Event::Text(value) => {
                let inside = marks.last().and_then(|mark| path.get(mark.saturating_add(1)..));
                if let (Some(item), Some(inside)) = (open.last_mut(), inside) {
                    part(item, inside, value.trim(), &algorithm);
                }
            }
            Event::End { .. } => {
                path.pop();
                if marks.last().is_some_and(|mark| path.len() <= *mark) {
                    marks.pop();
                    items.extend_with(open.pop());
                }
            }
        }
        if items.is_full() {
            return items.partly("there are more components than are read");
        }
    }
    if !open.is_empty() {
        items.partly("it ends within a component");
    }
    while let Some(item) = open.pop() {
        items.extend_with(Some(item));
    }
    check_version(version.as_deref(), items);
}

/// One piece of a component, by the elements that it stands in.
fn part(item: &mut Item, inside: &[&str], value: &str, algorithm: &str) {
    match inside {
        ["name"] => {
            item.name = match item.name.strip_suffix('/') {
                Some(group) => Item::new(item.kind, &format!("{group}/{value}")).name,
                None => Item::new(item.kind, value).name,
            };
            item.add(Surface::Product, value);
        }
        ["group"] if item.name.is_empty() => item.name = Item::new(item.kind, &format!("{value}/")).name,
        ["version"] => item.version = Item::new(item.kind, "").with_version(value).version,
        ["purl"] => item.add(Surface::PackageUrl, value),
        ["publisher" | "author"] | ["supplier" | "manufacturer" | "manufacture" | "provider", "name"] => {
            item.add(Surface::Supplier, value);
        }
        ["cpe"] => add_cpe(item, value),
        ["hashes", "hash"] if algorithm == "SHA-256" => {
            item.add(Surface::Sha256, &value.to_ascii_lowercase())
        }
        ["externalReferences", "reference", "url"] | ["endpoints", "endpoint"] => {
            if let Some(host) = host(value) {
                item.add(Surface::Domain, host);
            }
        }
        _ => (),
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{check, read, values};
    use crate::inventory::{CoverageState, Reader, Surface};

    const JSON: &str = r#"{"bomFormat":"CycloneDX","specVersion":"1.6","metadata":{"component":{"name":"app","version":"1"}},
        "components":[{"bom-ref":"r1","group":"com.example","name":"lib","version":"2","purl":"pkg:maven/com.example/lib@2",
        "supplier":{"name":"Example Lab"},"publisher":"Example Group","cpe":"cpe:2.3:a:example:lib:2:*:*:*:*:*:*:*",
        "hashes":[{"alg":"SHA-256","content":"AB"},{"alg":"MD5","content":"cd"}],
        "externalReferences":[{"type":"website","url":"https://www.example.com/x"},{"type":"issue-tracker","url":"https://other.example.org"}],
        "components":[{"name":"inner","manufacturer":{"name":"Maker"}}]}]}"#;

    const LIB: &str = "Component com.example/lib 2 | r1 | ";

    #[test]
    fn all_that_may_identify_a_component_is_read() {
        check(
            Reader::CycloneDxJson,
            JSON.as_bytes(),
            &[
                "Component app 1 | - | Product=app",
                &format!(
                    "{LIB}PackageUrl=pkg:maven/com.example/lib@2, Product=lib, Supplier=Example Group, Supplier=Example Lab, CpeVendor=example, Sha256=ab, Domain=www.example.com"
                ),
                "Component inner - | - | Product=inner, Supplier=Maker",
            ],
        );
    }

    #[test]
    fn the_xml_form_says_the_same() {
        let xml = r#"<?xml version="1.0"?><bom xmlns="http://cyclonedx.org/schema/bom/1.4"><metadata><component><name>app</name><version>1</version></component></metadata>
            <components><component bom-ref="r1"><supplier><name>Example Lab</name></supplier><publisher>Example Group</publisher><group>com.example</group><name>lib</name><version>2</version>
            <hashes><hash alg="MD5">cd</hash><hash alg="SHA-256">AB</hash></hashes><licenses><license><name>no</name></license></licenses><cpe>cpe:/a:example:lib</cpe><purl>pkg:maven/com.example/lib@2</purl>
            <components><component><manufacturer><name>Maker</name></manufacturer><name>inner</name></component></components></component></components></bom>"#;
        check(
            Reader::CycloneDxXml,
            xml.as_bytes(),
            &[
                "Component app 1 | - | Product=app",
                "Component inner - | - | Supplier=Maker, Product=inner",
                &format!(
                    "{LIB}Supplier=Example Lab, Supplier=Example Group, Product=lib, Sha256=ab, CpeVendor=example, PackageUrl=pkg:maven/com.example/lib@2"
                ),
            ],
        );
    }

    #[test]
    fn a_version_that_is_not_known_is_read_and_told() {
        let (items, coverage) =
            read(Reader::CycloneDxJson, "bom.json", JSON.replace("1.6", "9.0").as_bytes());
        assert_eq!(items.len(), 3);
        assert_eq!(
            coverage.state,
            CoverageState::Partly("it is of version 9.0, which is not known".to_owned())
        );
    }

    #[test]
    fn half_a_document_keeps_its_first_half() {
        let cut = JSON.find("\"components\":[{\"name\":\"inner\"").unwrap();
        let (items, coverage) = read(Reader::CycloneDxJson, "bom.json", &JSON.as_bytes()[..cut]);
        assert_eq!(values(&items, Surface::Product), ["app"]);
        assert!(matches!(coverage.state, CoverageState::Partly(_)), "{coverage:?}");
    }

    #[test]
    fn a_million_components_are_bounded() {
        let one = r#"{"name":"a"},"#;
        let text =
            format!(r#"{{"specVersion":"1.5","components":[{}{{"name":"last"}}]}}"#, one.repeat(1_000_000));
        let (items, coverage) = read(Reader::CycloneDxJson, "bom.json", text.as_bytes());
        assert_eq!(items.len(), 250_000);
        assert!(matches!(coverage.state, CoverageState::Partly(why) if why.contains("more")));
    }

    #[test]
    fn components_in_one_another_without_end_come_to_one() {
        let deep = format!(
            r#"{{"specVersion":"1.5","components":[{}"#,
            r#"{"name":"a","components":["#.repeat(100_000)
        );
        let (_, coverage) = read(Reader::CycloneDxJson, "bom.json", deep.as_bytes());
        assert!(matches!(coverage.state, CoverageState::NotRead(_)));
        let deep = format!(
            "<bom xmlns=\"http://cyclonedx.org/schema/bom/1.4\">{}",
            "<component><name>a</name>".repeat(100_000)
        );
        let (items, coverage) = read(Reader::CycloneDxXml, "bom.xml", deep.as_bytes());
        assert!(items.len() < 100);
        assert!(matches!(coverage.state, CoverageState::Partly(_)));
    }
}
