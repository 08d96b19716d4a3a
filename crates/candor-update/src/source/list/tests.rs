//! What a list says, and where it is wrong.

use super::*;

const GOOD: &str = r#"
[[source]]
name = "clamav"
kind = "clamav"
operator = "Cisco Talos"
mirrors = ["https://database.clamav.net", "http://Mirror.example:8080/x/"]
databases = ["main", "daily"]
accept-md5 = false

[[source]]
name = "rules"
kind = "url"
url = "https://rules.example/all.hsb"
sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

[[source]]
name = "signed"
kind = "url"
url = "https://rules.example/x.ndb"
key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3"

[[source]]
name = "freshclam"
kind = "directory"
path = "/var/lib/clamav"

[[source]]
name = "own"
kind = "feed"
url = "/media/stick/feed"
policy = "/etc/candor/candor.policy"
root = "/etc/candor/root.json"

[[source.cosigner]]
name = "security-team"
url = "https://team.example"
root = "/etc/candor/team.json"

[network]
proxy = "http://proxy.example:3128"
name-servers = ["192.0.2.1", "[2001:db8::1]:5353"]
stall-seconds = 5
"#;

fn good() -> List {
    read(GOOD, "sources.toml").unwrap()
}

#[test]
fn a_list_says_where_signatures_come_from() {
    let List { sources, network } = good();
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    assert_eq!(names, ["clamav", "rules", "signed", "freshclam", "own"]);
    assert_eq!(sources[0].operator.as_deref(), Some("Cisco Talos"));
    let hosts: Vec<String> = sources[0].hosts().into_iter().collect();
    assert_eq!(hosts, ["database.clamav.net", "mirror.example"]);
    let SourceKind::Clamav(clamav) = &sources[0].kind else { panic!() };
    assert_eq!(clamav.mirrors[1], "http://Mirror.example:8080/x");
    assert_eq!((clamav.private, clamav.databases.len(), clamav.accept_md5), (false, 2, false));
    assert_eq!(clamav.record.as_deref(), Some("current.cvd.clamav.net"));
    assert!(
        matches!(&sources[1].kind, SourceKind::Url { vouched: Vouched::Digest(_), file, .. } if file == "all.hsb")
    );
    assert!(matches!(&sources[2].kind, SourceKind::Url { vouched: Vouched::Key(_), .. }));
    assert!(sources[3].hosts().is_empty());
    let SourceKind::Feed(feed) = &sources[4].kind else { panic!() };
    assert_eq!(feed.cosigners[0].name, "security-team");
    assert_eq!(sources[4].hosts().into_iter().collect::<Vec<_>>(), ["team.example"]);
    assert_eq!(network.proxy.unwrap().url, "http://proxy.example:3128");
    assert_eq!(
        network.name_servers,
        ["192.0.2.1:53".parse().unwrap(), "[2001:db8::1]:5353".parse().unwrap()]
    );
    assert_eq!(network.times, Times { stall: 5, ..Times::default() });
    assert_eq!(read("", "x"), Ok(List::default()));
}

#[test]
fn what_clamav_says_may_be_left_out() {
    let plain = "[[source]]\nname = 'c'\nkind = 'clamav'\nmirrors = ['https://m.example']\n";
    let kind = |more: &str| match read(&format!("{plain}{more}"), "x").unwrap().sources.remove(0).kind {
        SourceKind::Clamav(clamav) => clamav,
        other => panic!("{other:?}"),
    };
    let usual = kind("");
    assert_eq!(usual.databases, ["daily", "main", "bytecode"]);
    assert!(usual.accept_md5 && usual.record.is_some());
    // Whoever runs a mirror of their own is not to be told of by the name system.
    assert_eq!(kind("private = true\n").record, None);
    assert_eq!(kind("record = ''\n").record, None);
}

#[test]
fn what_is_not_understood_is_told_with_its_line() {
    for (change, line, reason) in [
        (("name = \"rules\"", "name = \"clamav\""), 11, "there are two sources clamav"),
        (
            ("name = \"rules\"", "name = \"Rules\""),
            11,
            "\"Rules\" is no name: small letters, digits and hyphens",
        ),
        (
            ("kind = \"directory\"", "kind = \"folder\""),
            24,
            "\"folder\" is no kind of source: feed, clamav, url, directory",
        ),
        (("sha256 = \"ba", "sha256 = \"BA"), 14, "a sha256 has 64 digits of 0 to 9 and a to f"),
        (("sha256 = ", "key = "), 14, "a key is 32 bytes of Ed25519, or one of minisign, in base64"),
        (("all.hsb", "all.zip"), 13, "\"all.zip\" is no name of a file of signatures"),
        (("all.hsb", "a%2f.hsb"), 13, "\"a%2f.hsb\" is no name of a file of signatures"),
        (("path = \"/var/lib/clamav\"", "path = \"db\""), 25, "db is no absolute path"),
        (
            ("path = \"/var/lib/clamav\"", "path = \"/x\"\nurl = \"https://a\""),
            26,
            "url means nothing to a source of kind directory",
        ),
        (
            ("path = \"/var/lib/clamav\"", "path = \"/x\"\ncertificates = \"/y\""),
            26,
            "certificates means nothing to a source of kind directory",
        ),
        (("\"https://database.clamav.net\"", "\"ftp://x\""), 6, "\"ftp://x\" is no address of http or https"),
        (
            ("\"https://database.clamav.net\"", "\"https://u:p@x\""),
            6,
            "\"https://u:p@x\" is no address of http or https",
        ),
        (("[\"main\", \"daily\"]", "[\"../x\"]"), 7, "\"../x\" is no name of a database"),
        (("accept-md5 = false", "accept-md5 = 1"), 8, "invalid type: integer `1`, expected a boolean"),
        (
            ("accept-md5 = false", "private = true\nrecord = 'x'"),
            9,
            "the name system knows nothing of private mirrors",
        ),
        (("root = \"/etc/candor/r", "rot = \"/etc/candor/r"), 32, "unknown field `rot`"),
        (("root = \"/etc/candor/team", "root = \"team"), 37, "team.json is no absolute path"),
        (("\"192.0.2.1\"", "\"here\""), 41, "\"here\" is no address of a name server"),
        (("stall-seconds = 5", "stall-seconds = 0"), 42, "a wait has from 1 to 86400 seconds"),
    ] {
        let text = GOOD.replacen(change.0, change.1, 1);
        assert_ne!(text, GOOD, "{change:?}");
        let error = read(&text, "sources.toml").unwrap_err();
        assert_eq!((error.line, error.reason.split(", expected one of").next().unwrap()), (line, reason));
        assert!(error.to_string().starts_with(&format!("sources.toml:{line}: ")));
    }
}

#[test]
fn what_is_missing_is_told() {
    for (field, reason) in [
        (
            "mirrors = [\"https://database.clamav.net\", \"http://Mirror.example:8080/x/\"]\n",
            "mirrors is missing in source clamav",
        ),
        ("url = \"https://rules.example/all.hsb\"\n", "url is missing in source rules"),
        (
            "key = \"RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3\"\n",
            "sha256 or key is missing in source signed",
        ),
        ("path = \"/var/lib/clamav\"\n", "path is missing in source freshclam"),
        ("policy = \"/etc/candor/candor.policy\"\n", "policy is missing in source own"),
        ("root = \"/etc/candor/root.json\"\n", "root is missing in source own"),
    ] {
        let text = GOOD.replacen(field, "", 1);
        assert_ne!(text, GOOD);
        assert_eq!(read(&text, "x").unwrap_err().reason, reason);
    }
}

#[test]
fn a_list_is_bounded() {
    let many: String = (0..65)
        .map(|number| format!("[[source]]\nname=\"a{number}\"\nkind=\"directory\"\npath=\"/\"\n"))
        .collect();
    assert_eq!(read(&many, "x").unwrap_err().reason, "there are more than 64 sources");
    assert!(read(&" ".repeat(LONGEST_LIST + 1), "x").unwrap_err().reason.contains("longer than"));
}
