//! Links in mails: what is told of which, with ClamAV 1.4.6's answer for the same mail where it differs.

use candor_database::{Builder, Image};
use candor_model::Interrupt;
use candor_signature::Input;
use candor_signature::clamav::{self, load};

use crate::{Heuristics, Options, Scanner};

const PROTECTED: &str = "H:bank.example.com\nH:goodbank.com\nR:.+\\.fake\\.org:.+\\.true\\.org\n";

fn image(allowed: &str) -> Image {
    let mut builder = Builder::new();
    let inputs = [
        Input { name: "t.pdb", bytes: PROTECTED.as_bytes() },
        Input { name: "t.wdb", bytes: allowed.as_bytes() },
    ];
    load(&inputs, clamav::Options::default(), &mut builder, &mut |diagnostic| panic!("{diagnostic}"));
    Image::from_vec(builder.finish().unwrap()).unwrap()
}

fn mail(body: &str) -> String {
    format!(
        "From: a@b.c\r\nTo: d@e.f\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n{body}\r\n"
    )
}

fn told(image: &Image, heuristics: &Heuristics, file: &str) -> Vec<String> {
    let options = Options { all_matches: true, heuristics: heuristics.clone(), ..Options::default() };
    let report = Scanner::new(image, options).scan(file.as_bytes(), "mail", &Interrupt::new());
    let name = |name: &str| name.trim_start_matches("Heuristics.Phishing.Email.").to_owned();
    report.findings.iter().map(|finding| name(&finding.signature)).collect()
}

fn link(image: &Image, heuristics: &Heuristics, target: &str, shown: &str) -> String {
    told(image, heuristics, &mail(&format!("<html><a href=\"{target}\">{shown}</a></html>"))).join(" ")
}

#[test]
fn a_protected_host_that_leads_elsewhere_is_told() {
    let (image, default) = (image(""), Heuristics::default());
    for (target, shown, expected) in [
        ("http://evil.net/x", "http://www.goodbank.com/login", "SpoofedDomain"),
        ("http://evil.net/x", "www.goodbank.com", "SpoofedDomain"),
        ("http://evil.net/x", "goodbank.com", "SpoofedDomain"),
        ("http://evil.net/x", "http://a.b.c.goodbank.com/", "SpoofedDomain"),
        ("http://evil.net/x", "click here www.goodbank.com/login please", "SpoofedDomain"),
        ("http://evil.net/x", "www.<b>good</b>bank.com", "SpoofedDomain"),
        ("http://evil.net/x", "WWW.GOODBANK.COM", "SpoofedDomain"),
        ("http://evil.net/x", "&lt;http://www.goodbank.com&gt;", "SpoofedDomain"),
        ("http://evil.net/x", "http://a@www.goodbank.com/", "SpoofedDomain"),
        ("http://evil.net/x", "http:\\\\www.goodbank.com", "SpoofedDomain"),
        ("http:///evil.net/x", "http://www.goodbank.com./", "SpoofedDomain"),
        ("http://evil.net:80/x", "http://www.goodbank.com:8080/", "SpoofedDomain"),
        ("evil.net/x", "www.goodbank.com", "SpoofedDomain"),
        ("ftp://evil.net/x", "www.goodbank.com", "SpoofedDomain"),
        ("https://evil.net/x", "https://www.goodbank.com", "SpoofedDomain"),
        ("http://goodbank.co.uk/x", "http://www.goodbank.com/", "SpoofedDomain"),
        ("http://1.2.3.4/x", "www.goodbank.com", "SpoofedDomain"),
        ("http://www.goodbank.com@evil.net/x", "www.goodbank.com", "SpoofedDomain"),
        ("http://evil.net/x", "https://www.goodbank.com", "SSL-Spoof"),
        ("http://www.goodbank.com/x", "https://www.goodbank.com", "SSL-Spoof"),
        ("http://www.goodbank.com%00@evil.net/x", "www.goodbank.com", "Cloaked.Null"),
        ("http://www.goodbank.com%01.evil.net/x", "www.goodbank.com", "Cloaked.Null"),
        ("http://a.fake.org/", "http://www.true.org/", "SpoofedDomain"),
        // ClamAV: clean. It reads none of these as an address.
        ("HTTP://EVIL.NET/x", "www.goodbank.com", "SpoofedDomain"),
        ("http://evil.net/x", "www.goodbank&#46;com", "SpoofedDomain"),
        ("http://evil.net/x", "www.goodbank.com:8080", "SpoofedDomain"),
        ("http://evil.net/x", "www.goodbank.com, please", "SpoofedDomain"),
        // Clean.
        ("http://goodbank.com/x", "www.goodbank.com", ""),
        ("http://a.b.goodbank.com/x", "www.goodbank.com", ""),
        ("http://login.example.com/", "http://www.bank.example.com/", ""),
        ("http://evil.net/x", "www.other.com", ""),
        ("http://evil.net/x", "http://notgoodbank.com/", ""),
        ("http://evil.net/x", "http://login.goodbank.com.evil.net/", ""),
        ("http://evil.net/x", "go to goodbank.com now", ""),
        ("http://evil.net/x", "info@goodbank.com", ""),
        ("http://evil.net/x", "goodbank..com", ""),
        ("mailto:x@evil.net", "www.goodbank.com", ""),
        ("javascript:x", "www.goodbank.com", ""),
        ("/x", "www.goodbank.com", ""),
        ("", "www.goodbank.com", ""),
        ("http://www.evil.net/x", "https://www.other.com", ""),
        ("http://www.bank.com%00@evil.net/x", "www.other.com", ""),
    ] {
        assert_eq!(link(&image, &default, target, shown), expected, "{target} shown as {shown}");
    }
}

#[test]
fn switches_are_for_hosts_that_nobody_protects() {
    let image = image("");
    let only = |addresses, cloaks, ssl| Heuristics {
        phishing_addresses: addresses,
        phishing_cloaks: cloaks,
        phishing_ssl: ssl,
        ..Heuristics::default()
    };
    for (target, shown, cloaks, ssl) in [
        ("http://www.evil.net/x", "https://www.other.com", "", "SSL-Spoof"),
        ("http://www.bank.com%00@evil.net/x", "www.other.com", "Cloaked.Null", ""),
        ("http://3232235777/x", "www.other.com", "Cloaked.NumericIP", ""),
        ("http://0x7f.0.0.1/x", "www.other.com", "Cloaked.NumericIP", ""),
        ("http://www.bank.com@evil.net/x", "www.other.com", "Cloaked.Username", ""),
        ("http://joe@evil.net/x", "www.other.com", "", ""),
        ("http://evil.net/@a.b", "www.other.com", "", ""),
        ("http://evil.net/x", "www.goodbank.com", "", ""),
    ] {
        assert_eq!(link(&image, &only(false, true, false), target, shown), cloaks, "{target}");
        assert_eq!(link(&image, &only(false, false, true), target, shown), ssl, "{target}");
        assert_eq!(link(&image, &only(false, false, false), target, shown), "", "{target}");
    }
    let off = Heuristics { enabled: false, ..Heuristics::default() };
    assert_eq!(link(&image, &off, "http://evil.net/x", "www.goodbank.com"), "");
}

#[test]
fn what_a_list_allows_is_not_told() {
    let (evil, good) = ("http://evil.net/x", "http://www.goodbank.com/y");
    for (list, target, shown, allowed) in [
        ("M:evil.net:www.goodbank.com", evil, good, true),
        ("M:evil.net:www.goodbank.com", "http://a.evil.net/x", good, true),
        ("M:evil.net:www.goodbank.com", "http://aevil.net/x", good, false),
        ("M:evil.net:goodbank.com", evil, good, false),
        ("M:www.evil.net:www.goodbank.com", evil, good, false),
        ("M:evil.net:www.goodbank.com", evil, "https://www.goodbank.com/", true),
        ("X:http://evil.net:http://www.goodbank.com", evil, good, true),
        ("X:evil\\.net:www\\.goodbank\\.com", evil, good, true),
        ("X:.+evil\\.net([/?].*)?:.+\\.goodbank\\.com([/?].*)?", evil, good, true),
        ("X:.+evil\\.net([/?].*)?:.+\\.goodbank\\.com([/?].*)?", "http://evil.net:80/a?b", good, true),
        ("X:.+evil\\.net([/?].*)?:www\\.goodbank\\.com([/?].*)?", evil, "www.goodbank.com", true),
        ("X:http://evil.net/x:http://www.goodbank.com/y", evil, good, false),
        ("X:.+evil\\.net([/?].*)?:.+\\.goodbank\\.co", evil, good, false),
        ("X:.+EVIL\\.net([/?].*)?:.+\\.goodbank\\.com([/?].*)?", evil, good, false),
        ("X:(((:.+", evil, good, false),
    ] {
        let told = link(&image(&format!("{list}\n")), &Heuristics::default(), target, shown);
        assert_eq!(told.is_empty(), allowed, "{list}: {target} shown as {shown}: {told}");
    }
}

#[test]
fn what_is_shown_may_be_more_than_text() {
    let (image, default) = (image(""), Heuristics::default());
    for page in [
        "<a href=\"http://evil.net/x\"><img src=\"http://www.goodbank.com/a.gif\"></a>",
        "<a href='http://evil.net/x'><iframe src='http://www.goodbank.com/a'></iframe></a>",
        "<a href=http://evil.net/x title=http://www.goodbank.com>click</a>",
        "<a href=\"http://evil.net/x\"><area href=\"http://www.goodbank.com/\"></a>",
        "<form action=\"http://evil.net/x\"><a href=\"http://www.goodbank.com\">x</a></form>",
        "<form action=\"http://evil.net/x\"><img src=\"http://www.goodbank.com/a.gif\"></form>",
        "<a href=\"http://evil.net/x\">www.goodbank.com",
        "<a href=\"http://evil.net/x\">text<a href=\"http://b.net\">www.goodbank.com</a></a>",
    ] {
        let page = format!("<html><body>{page}</body></html>");
        assert_eq!(told(&image, &default, &mail(&page)), ["SpoofedDomain"], "{page}");
        // A page that did not come with a mail is no mail.
        assert_eq!(told(&image, &default, &page), [""; 0], "{page}");
    }
    let form =
        "<html><form action=\"http://evil.net/x\">a</form><img src=\"http://www.goodbank.com/a.gif\"></html>";
    assert_eq!(told(&image, &default, &mail(form)), [""; 0]);
}

#[test]
fn a_page_of_links_that_fit_nothing_ends() {
    let list: String = (0..300).map(|n| format!("X:.*a{n}?.*[b-z]+.*:.*goodbank.*x{n}\n")).collect();
    let links =
        "<a href=\"http://evil.net/aaaaaaaaaaaaaaaaaaaaaaaa\">http://www.goodbank.com/</a>".repeat(5000);
    let found = told(&image(&list), &Heuristics::default(), &mail(&format!("<html>{links}</html>")));
    assert_eq!(found, ["SpoofedDomain"]);
}

#[test]
fn only_a_text_claims_to_be_secure() {
    let (image, default) = (image(""), Heuristics::default());
    let shown = "https://www.goodbank.com/x";
    for body in [
        format!("<a href=\"TARGET\"><img src=\"{shown}\"></a>"),
        format!("<a href=\"TARGET\" title=\"{shown}\">here</a>"),
        format!("<a href=\"TARGET\"><area href=\"{shown}\"></a>"),
        format!("<form action=\"TARGET\"><a href=\"{shown}\">here</a></form>"),
    ] {
        let told = |target| told(&image, &default, &mail(&body.replace("TARGET", target)));
        assert_eq!(told("http://evil.net/"), ["SpoofedDomain"], "{body}");
        assert!(told("http://www.goodbank.com/").is_empty(), "{body}");
    }
}
