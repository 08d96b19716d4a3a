//! Lists that others made: SBOMs (CycloneDX, SPDX), results of osquery, tables (CSV), and what package managers
//! print.
//!
//! A list says what its maker saw. A million components are read one after the other, never all at once.

pub(super) mod csv;
pub(super) mod cyclonedx;
pub(super) mod osquery;
pub(super) mod spdx;
mod stream;
pub(super) mod text;

use super::{Item, Surface};

/// Adds what a CPE (2.2 or 2.3) says: its vendor.
fn add_cpe(item: &mut Item, cpe: &str) {
    let parts = cpe.strip_prefix("cpe:2.3:").or_else(|| cpe.strip_prefix("cpe:/"));
    let vendor = parts.and_then(|parts| parts.split(':').nth(1)).unwrap_or_default();
    if !matches!(vendor, "*" | "-") {
        // In version 2.3 a backslash stands before what is not a letter.
        item.add(Surface::CpeVendor, &vendor.replace('\\', ""));
    }
}

/// Adds a port, as `tcp/13111`. It may name its protocol itself (`53/udp`); a number alone, of which nobody says
/// which protocol it is of, is none.
fn add_port(item: &mut Item, protocol: &str, port: &str) {
    let (one, other) = port.split_once('/').unwrap_or((port, protocol));
    let (one, other) = (one.trim(), other.trim());
    let (number, own) = if one.parse::<u16>().is_ok() { (one, other) } else { (other, one) };
    let protocol = match own.to_ascii_lowercase().as_str() {
        // By number as osquery has it, or by what is spoken on it.
        "6" | "tcp" | "tcp4" | "tcp6" | "http" | "https" | "ssl" | "tls" => "tcp",
        "17" | "udp" | "udp4" | "udp6" | "quic" => "udp",
        _ => return,
    };
    if let Ok(number @ 1..) = number.parse::<u16>() {
        item.add(Surface::NetworkPort, &format!("{protocol}/{number}"));
    }
}

/// The host of a URL.
fn host(url: &str) -> Option<&str> {
    let behind = url.split_once("://")?.1;
    let host = behind.split(['/', '?', '#']).next()?.rsplit('@').next()?.split(':').next()?;
    super::network::is_host(host).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::ItemKind;

    #[test]
    fn vendors_of_cpe_ports_and_hosts_are_read() {
        for (cpe, vendor) in [
            ("cpe:2.3:a:kaspersky:total_security:21:*:*:*:*:*:*:*", Some("kaspersky")),
            ("cpe:/a:kaspersky_lab:x", Some("kaspersky_lab")),
            ("cpe:2.3:a:a\\.b:x:*:*:*:*:*:*:*:*", Some("a.b")),
            ("cpe:2.3:a:*:x", None),
            ("", None),
        ] {
            let mut item = Item::new(ItemKind::Component, "x");
            add_cpe(&mut item, cpe);
            assert_eq!(item.traits.first().map(|one| one.value.as_str()), vendor, "{cpe}");
        }
        for (protocol, port, told) in [
            ("tcp", "13111", Some("tcp/13111")),
            ("17", "15111", Some("udp/15111")),
            ("", "udp/53", Some("udp/53")),
            ("tcp", "53/udp", Some("udp/53")),
            ("", "53", None),
            ("tcp", "0", None),
            ("tcp", "70000", None),
            ("tcp", "", None),
        ] {
            let mut item = Item::new(ItemKind::Device, "x");
            add_port(&mut item, protocol, port);
            assert_eq!(item.traits.first().map(|one| one.value.as_str()), told, "{protocol} {port}");
        }
        assert_eq!(host("https://u@www.Example.com:1/x"), Some("www.Example.com"));
        assert_eq!(host("no url"), None);
    }
}
