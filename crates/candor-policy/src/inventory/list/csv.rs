//! Tables: CSV with a line of headings, as exports of asset inventories are.
//!
//! Format: RFC 4180; the separator is a comma, a semicolon or a tab, whichever the headings have most of. What a
//! column holds follows from its heading, in the words that such exports use.

use std::collections::BTreeMap;

use crate::inventory::bytes::lossy;
use crate::inventory::{Item, ItemKind, Items, Moment, Surface, log};

use super::{add_cpe, add_port};

const COLUMNS: usize = 512;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Cpe,
    Device,
    Installed,
    Name,
    Of(Surface),
    Port,
    Protocol,
    Version,
}

/// Headings, without anything but letters and digits.
const HEADINGS: [(&str, Column); 53] = [
    ("name", Column::Name),
    ("product", Column::Name),
    ("productname", Column::Name),
    ("software", Column::Name),
    ("softwarename", Column::Name),
    ("displayname", Column::Name),
    ("application", Column::Name),
    ("title", Column::Name),
    ("component", Column::Name),
    ("package", Column::Name),
    ("version", Column::Version),
    ("productversion", Column::Version),
    ("displayversion", Column::Version),
    ("softwareversion", Column::Version),
    ("vendor", Column::Of(Surface::Supplier)),
    ("publisher", Column::Of(Surface::Supplier)),
    ("manufacturer", Column::Of(Surface::Supplier)),
    ("supplier", Column::Of(Surface::Supplier)),
    ("maker", Column::Of(Surface::Supplier)),
    ("brand", Column::Of(Surface::Supplier)),
    ("company", Column::Of(Surface::Supplier)),
    ("signer", Column::Of(Surface::AuthenticodeSubject)),
    ("path", Column::Of(Surface::Path)),
    ("filepath", Column::Of(Surface::Path)),
    ("installlocation", Column::Of(Surface::Path)),
    ("purl", Column::Of(Surface::PackageUrl)),
    ("packageurl", Column::Of(Surface::PackageUrl)),
    ("sha256", Column::Of(Surface::Sha256)),
    ("hash", Column::Of(Surface::Sha256)),
    ("bundleid", Column::Of(Surface::AppleBundle)),
    ("bundleidentifier", Column::Of(Surface::AppleBundle)),
    ("packagename", Column::Of(Surface::AndroidPackage)),
    ("mac", Column::Of(Surface::MacPrefix)),
    ("macaddress", Column::Of(Surface::MacPrefix)),
    ("domain", Column::Of(Surface::Domain)),
    ("service", Column::Of(Surface::WindowsService)),
    ("banner", Column::Of(Surface::ServiceBanner)),
    ("servicebanner", Column::Of(Surface::ServiceBanner)),
    ("httpserver", Column::Of(Surface::ServiceBanner)),
    ("serverheader", Column::Of(Surface::ServiceBanner)),
    ("sysdescr", Column::Of(Surface::ServiceBanner)),
    ("port", Column::Port),
    ("localport", Column::Port),
    ("protocol", Column::Protocol),
    ("transport", Column::Protocol),
    ("wingetid", Column::Of(Surface::WingetPackage)),
    ("productcode", Column::Of(Surface::MsiCode)),
    ("host", Column::Device),
    ("hostname", Column::Device),
    ("computer", Column::Device),
    ("device", Column::Device),
    ("cpe", Column::Cpe),
    ("installdate", Column::Installed),
];

/// Reads a table.
pub(in crate::inventory) fn read(bytes: &[u8], items: &mut Items<'_>) {
    let text = lossy(bytes);
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: char| first.matches(separator).count();
    let separator = [',', ';', '\t'].into_iter().max_by_key(|one| count(*one)).unwrap_or(',');
    let mut records = Records { rest: &text, separator, line: 1 };
    let Some((_, headings)) = records.next() else { return items.unread("it is empty") };
    let known: BTreeMap<&str, Column> = HEADINGS.into_iter().collect();
    let columns: Vec<Option<Column>> = headings
        .iter()
        .map(|heading| {
            let word: String = heading.chars().filter(char::is_ascii_alphanumeric).collect();
            known.get(word.to_ascii_lowercase().as_str()).copied()
        })
        .collect();
    let useful = columns.iter().flatten().any(|column| {
        !matches!(column, Column::Device | Column::Installed | Column::Protocol | Column::Version)
    });
    if !useful {
        return items
            .unread("none of its columns has a heading that is known (name, vendor, version, purl, …)");
    }
    for (line, fields) in records {
        if let Some(item) = row(&columns, &fields) {
            items.push(item.seen_in(&format!("line {line}")));
        }
        if items.is_full() {
            return items.partly("there are more rows than are read");
        }
    }
}

fn row(columns: &[Option<Column>], fields: &[String]) -> Option<Item> {
    let pairs = || columns.iter().zip(fields).filter_map(|(column, field)| Some(((*column)?, field.trim())));
    let of = |wanted: Column| {
        pairs().find(|(column, field)| *column == wanted && !field.is_empty()).map(|(_, field)| field)
    };
    let is_device = pairs().any(|(column, _)| {
        matches!(column, Column::Of(Surface::MacPrefix | Surface::ServiceBanner) | Column::Port)
    });
    let name = of(Column::Name).or(of(Column::Device)).unwrap_or_default();
    let kind = if is_device && of(Column::Name).is_none() { ItemKind::Device } else { ItemKind::Program };
    let mut item = Item::new(kind, name)
        .with_version(of(Column::Version).unwrap_or_default())
        .with_moment(Moment::Installed, of(Column::Installed).and_then(log::moment_of));
    for (column, field) in pairs() {
        match column {
            Column::Name => item.add(Surface::Product, field),
            Column::Cpe => add_cpe(&mut item, field),
            Column::Port => add_port(&mut item, of(Column::Protocol).unwrap_or_default(), field),
            Column::Of(Surface::MacPrefix) => {
                let digits: String = field.chars().filter(char::is_ascii_hexdigit).take(6).collect();
                if digits.len() == 6 {
                    item.add(Surface::MacPrefix, &digits.to_ascii_uppercase());
                }
            }
            Column::Of(Surface::Path) => item = item.at_path(&super::super::windows::below_root(field)),
            Column::Of(surface) => item.add(surface, field),
            _ => (),
        }
    }
    (!item.traits.is_empty()).then_some(item)
}

/// Records of a table, and the line that each begins in.
struct Records<'t> {
    rest: &'t str,
    separator: char,
    line: usize,
}

impl Iterator for Records<'_> {
    type Item = (usize, Vec<String>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let began = self.line;
        let mut fields = Vec::new();
        let mut field = String::new();
        let mut is_quoted = false;
        let mut characters = self.rest.char_indices().peekable();
        let mut end = self.rest.len();
        while let Some((at, character)) = characters.next() {
            match character {
                '"' if is_quoted => {
                    if characters.next_if(|(_, next)| *next == '"').is_some() {
                        field.push('"');
                    } else {
                        is_quoted = false;
                    }
                }
                '"' if field.is_empty() => is_quoted = true,
                '\n' => {
                    self.line = self.line.saturating_add(1);
                    if !is_quoted {
                        end = at.saturating_add(1);
                        break;
                    }
                    field.push(' ');
                }
                '\r' => (),
                other if other == self.separator && !is_quoted => {
                    let field = std::mem::take(&mut field);
                    fields.extend((fields.len() < COLUMNS).then_some(field));
                }
                other if field.len() < 4096 => field.push(other),
                _ => (),
            }
        }
        fields.push(field);
        self.rest = self.rest.get(end..).unwrap_or_default();
        Some((began, fields))
    }
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{check, read};
    use crate::inventory::{CoverageState, Reader};

    #[test]
    fn columns_are_known_by_their_headings() {
        let text = "Host Name;Display Name;Version;Publisher;Path\r\npc1;\"Example; \"\"AV\"\"\nfor Windows\";21.3;Example Lab;C:\\Program Files\\E\\avp.exe\r\npc2;;;;\r\n";
        check(
            Reader::Csv,
            text.as_bytes(),
            &[
                "Program Example; \"AV\" for Windows 21.3 | line 2 | Product=Example; \"AV\" for Windows, Supplier=Example Lab, Path=Program Files/E/avp.exe, FileName=avp.exe",
            ],
        );
        check(
            Reader::Csv,
            b"hostname,mac\nswitch,00:1e:10-aa:bb:cc\n",
            &["Device switch - | line 2 | MacPrefix=001E10"],
        );
        check(
            Reader::Csv,
            b"ip,hostname,port,protocol,banner\n10.0.0.1,camera,80,tcp,Server: Some-Webs\n10.0.0.2,server,53/udp,,\n10.0.0.3,x,x,,\n",
            &[
                "Device camera - | line 2 | NetworkPort=tcp/80, ServiceBanner=Server: Some-Webs",
                "Device server - | line 3 | NetworkPort=udp/53",
            ],
        );
    }

    #[test]
    fn a_table_that_says_nothing_is_not_read() {
        let (_, coverage) = read(Reader::Csv, "x.csv", b"a,b\n1,2\n");
        assert!(matches!(coverage.state, CoverageState::NotRead(_)));
    }
}
