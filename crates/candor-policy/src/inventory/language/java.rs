//! Maven: `pom.xml`, `pom.properties`, `gradle.lockfile`, and the properties inside of Java archives.

use candor_model::FileType;

use super::component;
use crate::inventory::bytes::lossy;
use crate::inventory::members::{self, Wish};
use crate::inventory::xml::{Event, Xml};
use crate::inventory::{Item, Items};

/// Reads `pom.xml`: the project itself, and what it names as dependencies.
pub(in crate::inventory) fn pom(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut xml = Xml::new(&text);
    // Coordinates of the element that is open: the project, or a dependency in it.
    let mut project = Coordinates::default();
    let mut dependency: Option<Coordinates> = None;
    let mut depth = 0_u32;
    let mut seen = false;
    while let Some(event) = xml.next() {
        match event {
            Event::Start { name: "dependency" | "plugin", .. } => {
                depth = depth.saturating_add(1);
                dependency = Some(Coordinates::default());
            }
            Event::Start { name: name @ ("parent" | "exclusions"), .. } => xml.skip_element(name),
            Event::Start { name: name @ ("groupId" | "artifactId" | "version"), .. } => {
                let value = xml.text_until(name).trim().to_owned();
                match dependency.as_mut() {
                    Some(open) => open.set(name, value),
                    None if depth == 1 => project.set(name, value),
                    None => (),
                }
            }
            Event::Start { .. } => depth = depth.saturating_add(1),
            Event::End { name: "dependency" | "plugin" } => {
                depth = depth.saturating_sub(1);
                seen |= dependency.take().is_some_and(|found| found.give(items));
            }
            Event::End { .. } => depth = depth.saturating_sub(1),
            Event::Text(_) => (),
        }
        if items.is_full() {
            return items.partly("there are too many packages");
        }
    }
    if !project.give(items) && !seen {
        items.unread("it names no project");
    }
}

#[derive(Default)]
struct Coordinates {
    group: String,
    artifact: String,
    version: String,
}

impl Coordinates {
    fn set(&mut self, name: &str, value: String) {
        // What is a variable says nothing by itself.
        let value = if value.contains("${") { String::new() } else { value };
        match name {
            "groupId" => self.group = value,
            "artifactId" => self.artifact = value,
            _ => self.version = value,
        }
    }

    fn give(&self, items: &mut Items<'_>) -> bool {
        let is_whole = !self.artifact.is_empty();
        if is_whole {
            items.push(component("maven", &self.group, &self.artifact, &self.version));
        }
        is_whole
    }
}

/// Reads `gradle.lockfile`: `group:artifact:version=configurations`.
pub(in crate::inventory) fn gradle(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut parts = line.split('=').next().unwrap_or_default().split(':');
        if let (Some(group), Some(artifact), Some(version)) = (parts.next(), parts.next(), parts.next()) {
            items.push(component("maven", group, artifact, version));
        }
        if items.is_full() {
            return items.partly("there are too many packages");
        }
    }
}

/// Reads `pom.properties`.
pub(in crate::inventory) fn properties(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let of = |name: &str| {
        let mut fields = text.lines().filter_map(|line| line.split_once('='));
        fields.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim()).unwrap_or_default()
    };
    if of("artifactId").is_empty() {
        return items.unread("it names no artifact");
    }
    items.push(component("maven", of("groupId"), of("artifactId"), of("version")));
}

/// Reads a Java archive: the properties that Maven leaves in it, one for each project that went into it.
pub(in crate::inventory) fn archive(bytes: &[u8], items: &mut Items<'_>) {
    let mut wants = |name: &str| {
        let is_it = name.starts_with("META-INF/maven/") && name.ends_with("/pom.properties");
        if is_it { Wish::Give(1 << 16) } else { Wish::Pass }
    };
    let trouble = members::each(FileType::Zip, bytes, &mut wants, &mut |name, content| {
        let path = items.path().to_owned();
        let mut take = |item: Item| items.push(item.seen_in(name));
        properties(content, &mut Items::new("pom-properties", &path, &mut take));
        !items.is_full()
    });
    if let Some(trouble) = trouble {
        items.partly(&trouble);
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{read, values};
    use crate::inventory::{Reader, Surface};

    #[track_caller]
    fn check(reader: Reader, bytes: &[u8], expected: &[&str]) {
        let (items, _) = read(reader, "x/file.jar", bytes);
        assert_eq!(values(&items, Surface::PackageUrl), expected);
    }

    #[test]
    fn projects_and_dependencies_are_told() {
        let pom = "<project><modelVersion>4</modelVersion><parent><groupId>p</groupId><artifactId>p</artifactId></parent>
            <groupId>com.example</groupId><artifactId>app</artifactId><version>1</version>
            <dependencies><dependency><groupId>com.other</groupId><artifactId>lib</artifactId><version>${v}</version>
            <exclusions><exclusion><artifactId>no</artifactId></exclusion></exclusions></dependency></dependencies></project>";
        check(Reader::Pom, pom.as_bytes(), &["pkg:maven/com.other/lib", "pkg:maven/com.example/app@1"]);
        check(Reader::GradleLock, b"# x\ncom.a:b:1.0=x,y\nempty=z\n", &["pkg:maven/com.a/b@1.0"]);
    }

    #[test]
    fn the_properties_in_an_archive_are_read() {
        let inside = b"#x\ngroupId=com.example\nartifactId=lib\nversion=2.0\n";
        let member = |name: &str| candor_fixtures::zip::Member {
            name: name.to_owned(),
            bytes: inside.to_vec(),
            deflate: true,
            encrypted: false,
        };
        let jar = candor_fixtures::zip::build(&[
            member("META-INF/maven/com.example/lib/pom.properties"),
            member("other/pom.properties"),
        ]);
        check(Reader::JavaArchive, &jar, &["pkg:maven/com.example/lib@2.0"]);
    }
}
