//! Hosts that are let through: `hosts` files, proxies (squid), firewalls (nftables), and settings of
//! programs that fetch. A line that forbids a host is no evidence that it is used, and is told as nothing.

use super::bytes::lossy;
use super::{Item, ItemKind, Items, Surface};

const LINES: usize = 2_000_000;

/// Which syntax a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// hosts(5).
    Hosts,
    /// nft(8).
    Nftables,
    /// Variables and settings of proxies: all hosts in them are used.
    Proxy,
    /// squid.conf.
    Squid,
}

/// Reads a file.
pub(super) fn read(bytes: &[u8], syntax: Syntax, items: &mut Items<'_>) {
    let text = lossy(bytes);
    let mut squid = Squid::default();
    if syntax == Syntax::Squid {
        squid.learn(&text);
    }
    for (number, line) in (1_usize..).zip(text.lines()) {
        if number > LINES || items.is_full() {
            return items.partly("it has more lines than are read");
        }
        let code = line.split('#').next().unwrap_or_default().trim();
        if code.is_empty() {
            continue;
        }
        let hosts: Vec<&str> = match syntax {
            Syntax::Hosts => hosts(code),
            Syntax::Nftables if code.contains("drop") || code.contains("reject") => Vec::new(),
            Syntax::Nftables => code.split(is_between).filter(|word| is_host(word)).collect(),
            // What comes behind the scheme of a URL, and behind the name of a user.
            Syntax::Proxy => code
                .split("://")
                .skip(1)
                .filter_map(|rest| {
                    rest.split(['/', '"', ' ', ';']).next()?.rsplit('@').next()?.split(':').next()
                })
                .filter(|word| is_host(word))
                .collect(),
            Syntax::Squid => squid.hosts(code),
        };
        for host in hosts {
            let host = host.trim_start_matches(['.', '*']).trim_end_matches('.').to_ascii_lowercase();
            items.push(
                Item::new(ItemKind::Host, &host)
                    .seen_in(&format!("line {number}"))
                    .with(Surface::Domain, &host),
            );
        }
    }
}

/// Names that a hosts file gives an address; those that lead to nowhere are forbidden.
fn hosts(code: &str) -> Vec<&str> {
    let mut words = code.split_whitespace();
    let address = words.next().unwrap_or_default();
    let leads_nowhere =
        address.starts_with("0.") || address.starts_with("127.") || matches!(address, "::" | "::1" | "0");
    if leads_nowhere || !address.contains(['.', ':']) {
        return Vec::new();
    }
    words.filter(|word| is_host(word)).collect()
}

/// Names of lists (`acl`) that some line allows.
#[derive(Default)]
struct Squid {
    allowed: std::collections::BTreeSet<String>,
}

impl Squid {
    fn learn(&mut self, text: &str) {
        for line in text.lines().take(LINES) {
            let mut words = line.split_whitespace();
            let rule = words.next().unwrap_or_default();
            if (rule.ends_with("_access") || matches!(rule, "always_direct" | "never_direct" | "cache"))
                && words.next() == Some("allow")
            {
                // A `!` says that what is on the list is not meant.
                self.allowed.extend(words.filter(|word| !word.starts_with('!')).map(str::to_owned));
            }
        }
    }

    fn hosts<'t>(&self, code: &'t str) -> Vec<&'t str> {
        let mut words = code.split_whitespace();
        if words.next() != Some("acl") || !words.next().is_some_and(|name| self.allowed.contains(name)) {
            return Vec::new();
        }
        let kind = words.next().unwrap_or_default();
        if !matches!(kind, "dstdomain" | "ssl::server_name") {
            return Vec::new();
        }
        words.filter(|word| is_host(word)).collect()
    }
}

const fn is_between(character: char) -> bool {
    !(character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | '*'))
}

/// Whether a word has the form of a name of a host with a domain, not of a number or of a file.
pub(super) fn is_host(word: &str) -> bool {
    let name = word.trim_start_matches(['.', '*']).trim_end_matches('.');
    let labels = || name.split('.');
    let last = labels().next_back().unwrap_or_default();
    name.len() <= 253
        && labels().count() >= 2
        && labels().all(|label| {
            !label.is_empty()
                && label.len() <= 63
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        })
        && last.len() >= 2
        && last.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !matches!(last, "conf" | "exe" | "dll" | "txt" | "service" | "sock" | "log" | "pid" | "sh" | "so")
}

#[cfg(test)]
mod tests {
    use crate::inventory::tests::{read, values};
    use crate::inventory::{Reader, Surface};

    #[track_caller]
    fn check(reader: Reader, text: &str, expected: &[&str]) {
        let (items, _) = read(reader, "etc/file", text.as_bytes());
        assert_eq!(values(&items, Surface::Domain), expected);
    }

    #[test]
    fn only_hosts_that_lead_somewhere_count() {
        let text = "127.0.0.1 localhost blocked.example.com\n0.0.0.0 ads.example.com\n::1 x.example.com\n# 1.2.3.4 comment.example.com\n1.2.3.4 Update.Example.com u # y.example.com\n";
        check(Reader::Hosts, text, &["update.example.com"]);
    }

    #[test]
    fn lists_of_squid_count_when_a_line_allows_them() {
        let text = "acl updates dstdomain .example.com dnl-01.geo.example.org\nacl bad dstdomain .bad.example\nhttp_access allow updates\nhttp_access deny bad\nhttp_access allow !bad\n";
        check(Reader::Squid, text, &["example.com", "dnl-01.geo.example.org"]);
    }

    #[test]
    fn firewalls_that_drop_are_no_evidence() {
        let text = "ip daddr { a.example.com, 10.0.0.1 } accept\nip daddr b.example.com drop\n";
        check(Reader::Nftables, text, &["a.example.com"]);
        check(
            Reader::Proxy,
            "http_proxy=http://proxy.example.com:8080/\nx=/etc/a.conf",
            &["proxy.example.com"],
        );
    }
}
