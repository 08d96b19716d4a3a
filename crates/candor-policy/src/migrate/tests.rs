//! Settings of each product to proposals: what is read, what it becomes, what it costs; and hostile files.

use candor_fixtures::registry::{Key, hive};
use candor_fixtures::sqlite::{Cell, Table, database};

use super::proposal::{Import, Proposal, Read, Risk, Target, propose};
use super::record::{self, Record};
use super::settings::{Format, Kind, Outcome, Setting, read};
use crate::matching::Matcher;
use crate::policy::Policy;

const INI: &str = "\
# exported
ScanArchived=No
SizeLimit=100
TimeLimit=60
UseExcludeMasks=Yes
ExcludeMasks.item_0000=*.iso
UseExcludeThreats=No
ExcludeThreats.item_0000=EICAR-Test-File
ScanByAccessType=SmartCheck
RuleType=Weekly
StartTime=\"02:30:00;Mon\"
UseProxy=Yes
ProxyServer=http://user:secret@proxy.example.com:3128
SourceType=KLServers
[ScanScope.item_0000]
AreaDesc=\"All local\"
UseScanArea=Yes
Path=/srv
AreaMask.item_0000=*
[ExcludedFromScanScope.item_0000]
AreaDesc=
UseScanArea=Yes
Path=/tmp/notchecked
AreaMask.item_0000=*
[ExcludedFromScanScope.item_0001]
UseScanArea=No
Path=/srv/db files
AreaMask.item_0000=*.mdf
AreaMask.item_0001=*.ldf
[ExcludedForProgram.item_0000]
UseExcludedForProgram=Yes
ProgramPath=/usr/bin/postgres
[CustomSources.item_0000]
URL=https://dnl-01.geo.kaspersky.com/
Enabled=Yes
";

const JSON: &str = r#"{
 "ScanArchived": false, "SizeLimit": 100, "TimeLimit": 60,
 "UseExcludeMasks": true, "ExcludeMasks": ["*.iso"],
 "UseExcludeThreats": "No", "ExcludeThreats": ["EICAR-Test-File"],
 "ScanScope": [{"AreaDesc": "All local", "UseScanArea": "Yes", "Path": "/srv", "AreaMask": ["*"]}],
 "ExcludedFromScanScope": {
   "item_0000": {"UseScanArea": true, "Path": "/tmp/notchecked", "AreaMask": ["*"]},
   "item_0001": {"UseScanArea": false, "Path": "/srv/db files", "AreaMask": ["*.mdf", "*.ldf"]}
 }
}"#;

const ESET: &str = r#"<?xml version="1.0"?><ESET><PRODUCT NAME="endpoint"><ITEM NAME="plugins"><ITEM NAME="01000600">
<ITEM NAME="settings"><ITEM NAME="ScannerExcludes"><ITEM NAME="1"><NODE NAME="FullPath" TYPE="string" VALUE="C:\Windows\Temp\*.*"/>
<NODE NAME="Infiltration" TYPE="string" VALUE="Win32/X"/><NODE NAME="Flags" VALUE="1"/></ITEM></ITEM></ITEM></ITEM>
<ITEM NAME="01000101"><ITEM NAME="settings"><ITEM NAME="ExcludedProcesses"><NODE NAME="1" VALUE="C:\app\a.exe"/>
<NODE NAME="2" VALUE="7"/></ITEM></ITEM></ITEM></ITEM></PRODUCT></ESET>"#;

const KASPERSKY: &str = r#"<?xml version="1.0"?><root><Exclusions><Exclusion Enabled="1"><ObjectMask>C:\Data\*.bak</ObjectMask>
<ThreatName>Trojan.Win32.X</ThreatName><Hash>0123456789abcdef0123456789abcdef</Hash></Exclusion></Exclusions>
<TrustedApplications><Path>%ProgramFiles%\App\app.exe</Path></TrustedApplications></root>"#;

const CLAMD: &str = "# daemon\nLocalSocket /run/clamd\nExcludePath ^/var/tmp/\nExcludePath \\.exe$\nMaxFileSize 0\nScanArchive no\n\
    OnAccessIncludePath /home\nVirusEvent /bin/tell %v\n";

fn settings(bytes: &[u8]) -> (Outcome, Vec<Setting>) {
    let mut all = Vec::new();
    let outcome = read(bytes, &[], &mut |setting| all.push(setting));
    assert_eq!(outcome.settings, all.len() as u64);
    (outcome, all)
}

fn of(all: &[Setting], kind: Kind) -> Vec<(&str, Option<&str>, bool)> {
    let is_it = |setting: &&Setting| setting.kind == kind;
    all.iter().filter(is_it).map(|one| (one.value.as_str(), one.with.as_deref(), one.enabled)).collect()
}

fn defender() -> Vec<u8> {
    let root = Key::new("ROOT")
        .at(
            r"Microsoft\Windows Defender\Exclusions",
            Key::new("Paths").number(r"C:\Users", 0).number(r"D:\Backup\sql", 0),
        )
        .at(r"Microsoft\Windows Defender\Exclusions", Key::new("Extensions").number("ps1", 0))
        .at(
            r"Policies\Microsoft\Windows Defender\Exclusions",
            Key::new("Processes").number("sqlservr.exe", 0),
        )
        .at(
            r"Microsoft\Windows Defender",
            Key::new("Real-Time Protection").number("DisableRealtimeMonitoring", 1),
        );
    hive(&root)
}

fn proposals(name: &str, bytes: &[u8], map: &[(String, String)]) -> Vec<Proposal> {
    let policy = Policy::built_in().unwrap();
    let matcher = Matcher::new(&policy);
    let (outcome, all) = settings(bytes);
    all.into_iter().map(|one| propose(name, outcome.format.unwrap(), one, map, &matcher)).collect()
}

#[test]
fn ini_of_kaspersky_is_read_with_its_lines() {
    let (outcome, all) = settings(INI.as_bytes());
    assert_eq!((outcome.format, outcome.trouble), (Some(Format::KeslIni), None));
    assert_eq!(
        of(&all, Kind::ExcludePath),
        [
            ("/tmp/notchecked", None, true),
            ("/srv/db files", Some("*.mdf"), false),
            ("/srv/db files", Some("*.ldf"), false),
        ]
    );
    assert_eq!(of(&all, Kind::ExcludeName), [("*.iso", None, true)]);
    assert_eq!(of(&all, Kind::ExcludeThreat), [("EICAR-Test-File", None, false)]);
    assert_eq!(of(&all, Kind::ExcludeProcess), [("/usr/bin/postgres", None, true)]);
    assert_eq!(of(&all, Kind::MaxSize), [("104857600", None, true)]);
    assert_eq!(of(&all, Kind::Schedule), [("Weekly", Some("02:30:00;Mon"), true)]);
    assert_eq!(of(&all, Kind::UpdateSource).len(), 2);
    let path = all.iter().find(|one| one.kind == Kind::ExcludePath).unwrap();
    assert_eq!(
        (path.place.as_str(), path.key.as_str()),
        ("line 23", "[ExcludedFromScanScope.item_0000] Path")
    );
}

#[test]
fn json_of_kaspersky_says_the_same() {
    let (outcome, all) = settings(JSON.as_bytes());
    assert_eq!((outcome.format, outcome.trouble), (Some(Format::KeslJson), None));
    let (_, ini) = settings(INI.as_bytes());
    for kind in [
        Kind::ExcludePath,
        Kind::ExcludeName,
        Kind::ExcludeThreat,
        Kind::ScanScope,
        Kind::MaxSize,
        Kind::MaxTime,
    ] {
        assert_eq!(of(&all, kind), of(&ini, kind), "{kind:?}");
    }
    let path = all.iter().find(|one| one.kind == Kind::ExcludePath).unwrap();
    assert_eq!(path.place, "/ExcludedFromScanScope/item_0000/Path");
}

#[test]
fn xml_of_eset_and_of_kaspersky_is_read_by_its_names() {
    let (outcome, all) = settings(ESET.as_bytes());
    assert_eq!((outcome.format, outcome.trouble), (Some(Format::EsetXml), None));
    assert_eq!(of(&all, Kind::ExcludePath), [(r"C:\Windows\Temp\*.*", None, true)]);
    assert_eq!(of(&all, Kind::ExcludeThreat), [("Win32/X", None, true)]);
    assert_eq!(of(&all, Kind::ExcludeProcess), [(r"C:\app\a.exe", None, true)]);
    assert!(all[0].place.ends_with("01000600/settings/ScannerExcludes/1/FullPath"), "{}", all[0].place);

    let (outcome, all) = settings(KASPERSKY.as_bytes());
    assert_eq!(outcome.format, Some(Format::KasperskyXml));
    assert_eq!(of(&all, Kind::ExcludePath), [(r"C:\Data\*.bak", None, true)]);
    assert_eq!(of(&all, Kind::ExcludeThreat), [("Trojan.Win32.X", None, true)]);
    assert_eq!(of(&all, Kind::ExcludeHash), [("0123456789abcdef0123456789abcdef", None, true)]);
    assert_eq!(of(&all, Kind::ExcludeProcess), [(r"%ProgramFiles%\App\app.exe", None, true)]);
    // What has no name that tells something is not passed over in silence.
    assert_eq!(outcome.trouble.as_deref(), Some("1 values have names that tell nothing"));
}

#[test]
fn exclusions_of_defender_are_read_from_a_hive() {
    let (outcome, all) = settings(&defender());
    assert_eq!((outcome.format, outcome.trouble), (Some(Format::DefenderHive), None));
    let mut paths = of(&all, Kind::ExcludePath);
    paths.sort();
    assert_eq!(paths, [(r"C:\Users", None, true), (r"D:\Backup\sql", None, true)]);
    assert_eq!(of(&all, Kind::ExcludeExtension), [("ps1", None, true)]);
    assert_eq!(of(&all, Kind::ExcludeProcess), [("sqlservr.exe", None, true)]);
    assert_eq!(of(&all, Kind::OnAccess), [("1", None, true)]);
    assert_eq!(all[0].place, r"HKLM\SOFTWARE\Microsoft\Windows Defender\Exclusions\Paths");
}

#[test]
fn keys_of_clamd_go_over_as_they_are() {
    let all = proposals("clamd.conf", CLAMD.as_bytes(), &[]);
    let text = |proposal: &Proposal| proposal.becomes.as_ref().map(|becomes| becomes.text.clone());
    assert_eq!(text(&all[0]).as_deref(), Some("LocalSocket /run/clamd"));
    assert_eq!((text(&all[1]).as_deref(), all[1].risk), (Some("ExcludePath ^/var/tmp/"), Risk::High));
    assert_eq!((text(&all[2]).as_deref(), all[2].risk), (Some(r"ExcludePath \.exe$"), Risk::High));
    assert_eq!(all[3].risk, Risk::Medium);
    assert_eq!((text(&all[5]), all[5].setting.kind), (None, Kind::OnAccess));
    assert_eq!(all[6].risk, Risk::Medium);
    assert_eq!(all[1].setting.place, "line 3");
}

#[test]
fn every_proposal_says_what_it_becomes_or_why_nothing() {
    let files: [(&str, Vec<u8>); 6] = [
        ("a.ini", INI.into()),
        ("a.json", JSON.into()),
        ("eset.xml", ESET.into()),
        ("list.xml", KASPERSKY.into()),
        ("SOFTWARE", defender()),
        ("clamd.conf", CLAMD.into()),
    ];
    let mut ids = std::collections::BTreeSet::new();
    for (name, bytes) in files {
        for proposal in proposals(name, &bytes, &[]) {
            assert_ne!(proposal.becomes.is_some(), proposal.nothing.is_some(), "{proposal:?}");
            assert!(ids.insert(proposal.id.clone()), "{}", proposal.id);
            if proposal.risk > Risk::Low {
                assert!(!proposal.notes.is_empty(), "{proposal:?}");
            }
        }
    }
}

#[test]
fn what_an_exclusion_costs_depends_on_what_it_leaves_out() {
    let policy = Policy::built_in().unwrap();
    let matcher = Matcher::new(&policy);
    let risk = |kind, value: &str, with: Option<&str>| {
        let setting = Setting {
            kind,
            value: value.to_owned(),
            place: String::new(),
            key: String::new(),
            enabled: true,
            with: with.map(str::to_owned),
        };
        let proposal = propose("f", Format::KeslIni, setting, &[], &matcher);
        (proposal.risk, proposal.notes.join("; "))
    };
    use Kind::{
        ExcludeExtension, ExcludeHash, ExcludeName, ExcludePath, ExcludeProcess, MaxSize, Proxy, UpdateSource,
    };
    for (kind, value, with, expected) in [
        (ExcludePath, "/", None, Risk::High),
        (ExcludePath, r"C:\", None, Risk::High),
        (ExcludePath, r"D:\*", None, Risk::High),
        (ExcludePath, "**", None, Risk::High),
        (ExcludePath, "/tmp", None, Risk::High),
        (ExcludePath, "/tmp/notchecked", None, Risk::High),
        (ExcludePath, "/var/tmp/x", None, Risk::High),
        (ExcludePath, r"%TEMP%\x", None, Risk::High),
        (ExcludePath, r"C:\Windows\Temp\*.*", None, Risk::High),
        (ExcludePath, r"C:\Users\a\AppData\Local\Temp", None, Risk::High),
        (ExcludePath, "/home/a/Downloads", None, Risk::High),
        (ExcludePath, "/home", None, Risk::High),
        (ExcludePath, r"%ProgramFiles%", None, Risk::High),
        (ExcludePath, "/home/a/src", None, Risk::Medium),
        (ExcludePath, "/srv/*/cache", None, Risk::Medium),
        (ExcludePath, "/opt/kaspersky/kesl/bin", None, Risk::Medium),
        (ExcludePath, r"C:\Program Files (x86)\Kaspersky Lab\x", None, Risk::Medium),
        (ExcludePath, "/srv/database", None, Risk::Low),
        (ExcludePath, "/srv/tmp2/a", None, Risk::Low),
        (ExcludePath, "/", Some("*.mdf"), Risk::Low),
        (ExcludePath, "/srv/x", Some("*.sh"), Risk::High),
        (ExcludeName, "*.js", None, Risk::High),
        (ExcludeName, "*", None, Risk::High),
        (ExcludeName, "*doc", None, Risk::Medium),
        (ExcludeExtension, ".PS1", None, Risk::High),
        (ExcludeExtension, "zip", None, Risk::Medium),
        (ExcludeExtension, "mdf", None, Risk::Low),
        (ExcludeProcess, "/usr/bin/a", None, Risk::High),
        (ExcludeHash, &"a".repeat(64), None, Risk::Low),
        (ExcludeHash, &"a".repeat(32), None, Risk::Medium),
        (MaxSize, "0", None, Risk::Medium),
        (MaxSize, "1048576", None, Risk::Medium),
        (MaxSize, "104857600", None, Risk::Low),
        (UpdateSource, "https://dnl-01.geo.kaspersky.com/x", None, Risk::High),
        (UpdateSource, "KLServers", None, Risk::High),
        (UpdateSource, "https://mirror.example.com", None, Risk::Low),
        (Proxy, "http://a:b@proxy.example.com:1", None, Risk::Medium),
        (Proxy, "proxy.example.com:1", None, Risk::Low),
    ] {
        let (found, notes) = risk(kind, value, with);
        assert_eq!(found, expected, "{kind:?} {value} {with:?}: {notes}");
    }
}

#[test]
fn paths_of_windows_become_something_only_where_they_are() {
    let all = proposals("SOFTWARE", &defender(), &[(r"D:\".to_owned(), "/srv/d/".to_owned())]);
    let of = |value: &str| all.iter().find(|one| one.setting.value == value).unwrap();
    assert!(of(r"C:\Users").nothing.as_ref().unwrap().contains("--map"));
    let becomes = of(r"D:\Backup\sql").becomes.as_ref().unwrap();
    assert_eq!(becomes.text, "ExcludePath ^/srv/d/Backup/sql(/|$)");
    assert_eq!(becomes.option.as_deref(), Some("--exclude '{/srv/d/Backup/sql,/srv/d/Backup/sql/**}'"));
}

#[test]
fn only_what_was_accepted_becomes_a_line() {
    let proposals = proposals("a.ini", INI.as_bytes(), &[]);
    let import = Import::new(Vec::new(), proposals);
    assert_eq!(import.lines(Target::Clamd, &|_| false), None);
    let low = import.lines(Target::Clamd, &|proposal| proposal.risk == Risk::Low).unwrap();
    assert!(low.contains("MaxFileSize 104857600\n") && low.contains("MaxScanTime 60000\n"), "{low}");
    assert!(!low.contains("notchecked"), "{low}");
    let all = import.lines(Target::Clamd, &|_| true).unwrap();
    assert!(all.contains("ExcludePath ^/tmp/notchecked(/|$)\n"), "{all}");
    assert!(all.contains("ExcludePath ^/srv/db\\x20files/(.*/)?[^/]*\\.mdf$\n"), "{all}");
    let timer = import.lines(Target::Timer, &|_| true).unwrap();
    assert!(timer.contains("OnCalendar=Mon *-*-* 02:30:00\n"), "{timer}");
    let proxy = import.lines(Target::Freshclam, &|_| true).unwrap();
    assert!(proxy.contains("HTTPProxyServer proxy.example.com\nHTTPProxyPort 3128\n"), "{proxy}");
    // Of a password, nothing.
    assert!(!proxy.contains("secret"));
}

#[test]
fn what_is_printed_stays_as_it_is() {
    let proposals = proposals("clamd.conf", CLAMD.as_bytes(), &[]);
    let (outcome, _) = settings(CLAMD.as_bytes());
    let read = Read { name: "clamd.conf".to_owned(), sha256: "00".repeat(32), outcome };
    let import = Import::new(vec![read], proposals);
    let expected = include_str!("testdata/import.txt");
    assert_eq!(super::text(&import), expected.trim_end());
    let table = super::markdown(&import);
    assert!(
        table.contains("| `03956c83` | high | ExcludePath ^/var/tmp/ | clamd.conf, line 3: ExcludePath |"),
        "{table}"
    );
    assert_eq!(table.lines().filter(|line| line.starts_with("| `")).count(), 7);
    let json = serde_json::to_string(&import).unwrap();
    assert_eq!(serde_json::from_str::<Import>(&json).unwrap(), import);
}

#[test]
fn what_is_none_of_the_files_is_told() {
    for bytes in [&b""[..], b"\0\x01\x02", b"hello world\n", b"\x7fELF\x02\x01\x01\0"] {
        let (outcome, all) = settings(bytes);
        assert!(outcome.format.is_none() && outcome.trouble.is_some() && all.is_empty(), "{bytes:?}");
    }
    for bytes in [&b"{"[..], b"<a>", b"[a]\nb\n", b"regf", b"{}", b"<?xml version='1.0'?><a/>"] {
        let (outcome, _) = settings(bytes);
        assert!(outcome.trouble.is_some(), "{bytes:?}");
    }
}

#[test]
fn damage_costs_what_is_damaged() {
    for bytes in [INI.as_bytes(), JSON.as_bytes(), ESET.as_bytes(), KASPERSKY.as_bytes(), CLAMD.as_bytes()] {
        for length in 0..bytes.len() {
            let mut last = 0;
            let outcome = read(&bytes[..length], &[], &mut |_| last += 1);
            assert_eq!(outcome.settings, last);
        }
        let mut damaged = bytes.to_vec();
        for at in 0..bytes.len() {
            let honest = std::mem::replace(&mut damaged[at], b'<');
            read(&damaged, &[], &mut |_| ());
            damaged[at] = 0xff;
            read(&damaged, &[], &mut |_| ());
            damaged[at] = honest;
        }
    }
    let whole = defender();
    for length in (0..whole.len()).step_by(37) {
        read(&whole[..length], &[], &mut |_| ());
    }
}

#[test]
fn many_settings_and_deep_files_come_to_an_end() {
    let many = "[ExcludedFromScanScope.item_0000]\nPath=/a\n".repeat(60_000);
    let (outcome, _) = settings(many.as_bytes());
    assert!(outcome.trouble.is_some());
    let deep = "<ITEM NAME=\"ScannerExcludes\">".repeat(10_000);
    assert!(settings(format!("<ESET>{deep}").as_bytes()).0.trouble.is_some());
    let deep = format!("{{\"a\":{}", "[".repeat(100_000));
    assert!(settings(deep.as_bytes()).0.trouble.is_some());
    let long = format!("LocalSocket /a\nExcludePath {}\n", "x".repeat(1 << 20));
    let (_, all) = settings(long.as_bytes());
    assert!(all.iter().all(|one| one.value.len() <= 1024));
}

#[test]
fn records_are_taken_as_they_were_said_and_no_others() {
    let mut said = Vec::new();
    let last = record::settings(INI.as_bytes(), Some("cut"), &[], &mut |bytes| {
        said.push(Record::decode(bytes).unwrap())
    });
    let Some(Record::Outcome(outcome)) = Record::decode(&last) else { panic!() };
    assert_eq!((outcome.settings, outcome.trouble.as_deref()), (said.len() as u64, Some("cut")));
    let Record::Setting(setting) = &said[0] else { panic!() };
    for wrong in [
        Setting { value: "x".repeat(2000), ..setting.clone() },
        Setting { key: "\u{1b}[31m".to_owned(), ..setting.clone() },
        Setting { with: Some("a\nb".to_owned()), ..setting.clone() },
    ] {
        assert_eq!(Record::decode(&Record::Setting(wrong).encode()), None);
    }
    assert_eq!(Record::decode(b"{}"), None);
}

#[test]
fn a_database_of_a_quarantine_says_what_its_files_were() {
    let text = |text: &str| Cell::Text(text.to_owned());
    let row = vec![
        text("{0a1b2c3d-0000-1111-2222-333344445555}"),
        text(r"C:\Users\a"),
        text("invoice.exe"),
        text("Trojan.X"),
        Cell::Number(1),
        Cell::Number(2),
        Cell::Number(568_581_708_202_780_672),
        Cell::Number(44),
        Cell::Number(0),
        Cell::Number(0),
        text(r"HOST\a"),
    ];
    let bytes = database(&[Table {
        name: "objects".to_owned(),
        columns: "uuid text primary key,path text,name text,virname text,virtype int,level int,time int,size int,status int,sent int,user text".to_owned(),
        rows: vec![row],
    }]);
    let mut said = Vec::new();
    let last = record::quarantine(&bytes, None, &[], &mut |bytes| said.push(Record::decode(bytes).unwrap()));
    let Some(Record::Outcome(outcome)) = Record::decode(&last) else { panic!() };
    assert_eq!(outcome.trouble, None);
    let [Record::Noted(noted)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(noted.path.as_deref(), Some(r"C:\Users\a\invoice.exe"));
    assert_eq!(noted.threat.as_deref(), Some("Trojan.X"));
    assert_eq!(noted.at.as_deref(), Some("2020-02-13T23:54:40"));
    assert_eq!(noted.size, Some(44));
    for length in (0..bytes.len()).step_by(61) {
        super::quarantine::read(&bytes[..length], &[], &mut |_| ());
    }
}
