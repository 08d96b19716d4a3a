//! `clamconf` and `clambc` beside ClamAV's own.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::place::{Place, Said};

const CLAMCONF: &str = "/usr/bin/clamconf";

/// Configurations that are read: of which program, and what stands in them.
const CASES: &[(&str, &str)] = &[
    ("clamd", ""),
    ("clamd", "LogFileMaxSize 0\nMaxThreads 0\nMaxScanTime 5\nMaxFileSize 0\n"),
    ("clamd", "MaxFileSize 10M\nMaxFileSize 20M\nMaxThreads 3\nMaxThreads 4\n"),
    ("clamd", "LogTime no\nLocalSocketMode 660\nTCPAddr a\nTCPAddr b\nLogFile \"/x y\"\n"),
    ("clamd", "VirusEvent /bin/x %v \"a b\"\nLogFile /a b\nUser   foo   \n\tLogVerbose\tyes\n"),
    ("clamd", "OnAccessExcludeUID 5\nOnAccessExcludeUID 6\nExcludePath ^/a\nStreamMaxLength 5G\n"),
    ("clamd", "AllowSupplementaryGroups yes\nScanOnAccess yes\nArchiveBlockMax yes\n"),
    (
        "clamd",
        "MaxThreads 10\nScanPE 0\nScanELF false\nDebug 1\nReadTimeout 0\nStructuredSSNFormatNormal no\n",
    ),
    ("clamd", "DevACOnly yes\nPreludeEnable yes\nPreludeAnalyzerName x\nCacheSize 5\nFailIfCvdOlderThan 3\n"),
    ("clamd", "logtime yes\n"),
    ("clamd", "Bogus yes\n"),
    ("clamd", "Bogus\n"),
    ("clamd", "LogFile\n"),
    ("clamd", "MaxThreads x\n"),
    ("clamd", "MaxThreads -1\n"),
    ("clamd", "MaxThreads 5 6\n"),
    ("clamd", "MaxFileSize 5X\n"),
    ("clamd", "LogTime maybe\n"),
    ("clamd", "BytecodeMode foo\n"),
    ("clamd", "BytecodeSecurity Paranoid\nBytecodeMode forceinterpreter\n"),
    ("clamd", "LocalSocket \"\"\n"),
    ("clamd", "LogFile '/x y'\n# c\n"),
    ("clamd", "Example\n"),
    ("clamd", "LogTime yes\nExample yes\n"),
    (
        "freshclam",
        "DatabaseMirror a\nDatabaseMirror b\nChecks 5\nHTTPProxyPort 80\nNotifyClamd no\nReceiveTimeout 0\n",
    ),
    ("freshclam", "SafeBrowsing yes\nTestDatabases off\n"),
    ("freshclam", "SafeBrowsing yes\nTestDatabases no\n"),
    (
        "clamav-milter",
        "MilterSocket x\nMilterSocket y\nClamdSocket unix:/a\nClamdSocket tcp:b:1\nOnInfected Reject\n",
    ),
    ("clamav-milter", "AddHeader replace\nOnFail accept\nLogClean basic\nLocalSocket /x\nTCPSocket 4\n"),
    ("clamav-milter", "AddHeader x\n"),
    ("clamav-milter", "OnFail Bogus\n"),
];

fn place() -> (Place, PathBuf, Option<PathBuf>) {
    let place = Place::new();
    let ours = place.path("bin/clamconf");
    symlink(env!("CARGO_BIN_EXE_candor-clamav"), &ours).unwrap();
    let peer = Path::new(CLAMCONF);
    assert!(peer.exists() || std::env::var_os("CI").is_none(), "{CLAMCONF} is missing: install clamav");
    (place, ours, peer.exists().then(|| peer.to_path_buf()))
}

/// What is said of configurations and databases: the rest is about the program itself.
fn comparable(said: &Said) -> (i32, Vec<String>, String) {
    let start = said.stdout.find("Software settings").unwrap_or(said.stdout.len());
    let databases = said.stdout.find("Database information");
    let end = said.stdout.find("Platform information").unwrap_or(said.stdout.len());
    let databases = databases.and_then(|start| said.stdout.get(start..end)).unwrap_or_default();
    let mut lines: Vec<String> = said.stdout[..start].lines().map(str::to_owned).collect();
    // Names are in no order there; a configuration that is not read is not another folder here.
    let mut databases: Vec<String> =
        databases.lines().filter(|line| !line.starts_with("WARNING: ")).map(str::to_owned).collect();
    databases.sort();
    lines.extend(databases);
    (said.code, lines, said.stderr.clone())
}

#[test]
fn configurations_are_told_as_clamav_does() {
    let (place, ours, Some(peer)) = place() else { return };
    let mut wrong = Vec::new();
    let mut compare = |arguments: &[&str], about: &str| {
        let theirs = comparable(&place.run(&peer, arguments, b""));
        let ours = comparable(&place.run(&ours, arguments, b""));
        if theirs != ours {
            let only = |one: &[String], other: &[String]| {
                one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>()
            };
            let (missing, more) = (only(&theirs.1, &ours.1), only(&ours.1, &theirs.1));
            let said = (theirs.0, ours.0, theirs.2, ours.2);
            wrong.push(format!("{about}\n  ClamAV: {missing:?}\n  Candor: {more:?}\n  {said:?}"));
        }
    };
    for name in ["clamd.conf", "freshclam.conf", "clamav-milter.conf"] {
        place.file(&format!("conf/{name}"), b"# nothing\n");
    }
    for (name, text) in CASES {
        place.file(&format!("conf/{name}.conf"), text.as_bytes());
        compare(&["-c", "conf"], &format!("{name}: {text}"));
        compare(&["-n", "-c", "conf"], &format!("{name}, what is given: {text}"));
        place.file(&format!("conf/{name}.conf"), b"# nothing\n");
    }
    compare(&["--config-dir=nowhere"], "nowhere");
    compare(&["-g", "bogus"], "bogus");
    place.file("data/t.ndb", b"# c\nA:0:*:4d41524b\nB:0:*:4d41524b\n");
    let folder = format!("DatabaseDirectory {}\n", place.path("data").display());
    place.file("conf/clamd.conf", folder.as_bytes());
    place.file("conf/freshclam.conf", folder.as_bytes());
    compare(&["-c", "conf"], "databases");
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn what_is_generated_has_the_keys_and_defaults_of_clamav() {
    let (place, ours, Some(peer)) = place() else { return };
    for name in ["clamd.conf", "freshclam.conf", "clamav-milter.conf"] {
        let keys = |program: &Path| {
            let said = place.run(program, &["-g", name], b"");
            assert_eq!(said.code, 0);
            let mut keys = Vec::new();
            let mut default = String::new();
            for line in said.stdout.lines() {
                if let Some(text) = line.strip_prefix("# Default: ") {
                    text.clone_into(&mut default);
                } else if let Some(text) = line.strip_prefix('#').filter(|text| !text.starts_with([' ', '#']))
                {
                    keys.push((text.split(' ').next().unwrap().to_owned(), default.clone()));
                }
            }
            keys
        };
        let theirs = keys(&peer);
        assert!(theirs.len() > 30);
        assert_eq!(theirs, keys(&ours), "{name}");
    }
}

#[test]
fn a_password_is_not_told() {
    let (place, ours, _) = place();
    place.file("conf/freshclam.conf", b"HTTPProxyPassword secret\n");
    let said = place.run(&ours, &["-c", "conf"], b"");
    assert!(said.stdout.contains("HTTPProxyPassword = \"(not told)\"") && !said.stdout.contains("secret"));
}

/// A bytecode that says of itself what the others do, and does nothing.
const BYTECODE: &str = "ClamBCaghkn`efife|aecfafnfoef``c``abdc``|afcfofmf`gihdgbbabaap`clamcoincidencejb:4096\n\
                        T.One;Engine:52-255,Target:0;0;616263\nTeddaaa\nEaeacabbbe|aebgefafdf``adbce|aecgefefkf``\nG\n";

#[test]
fn a_bytecode_says_what_it_is_and_is_not_run() {
    let place = Place::new();
    let ours = place.path("bin/clambc");
    symlink(env!("CARGO_BIN_EXE_candor-clamav"), &ours).unwrap();
    place.file("one.cbc", BYTECODE.as_bytes());
    let said = place.run(&ours, &["--info", "one.cbc"], b"");
    assert_eq!(said.code, 0, "{said:?}");
    for line in [
        "Bytecode format functionality level: 7\nBytecode metadata:\n",
        "\tcompiled on: (1452691691) Wed Jan 13 13:28:11 2016\n",
        "\tbytecode type: logical only\n\tbytecode functionality level: 52 - 0\n",
        "\tbytecode logical signature: T.One;Engine:52-255,Target:0;0;616263\n",
        "\tbytecode APIs used:\n\t read, seek\n",
    ] {
        assert!(said.stdout.contains(line), "{line:?} is not in {said:?}");
    }
    assert_eq!(place.run(&ours, &["-i", "d/a.txt"], b"").code, 4);
    assert_eq!(place.run(&ours, &["-i", "d/missing"], b"").code, 2);
    for arguments in [&["one.cbc"][..], &["-c", "one.cbc"], &["-p", "one.cbc"]] {
        let said = place.run(&ours, arguments, b"");
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{said:?}");
    }
    // Genuine bytecode is not part of this repository; `CANDOR_CBC` may name a folder of it.
    let Some(folder) = std::env::var_os("CANDOR_CBC") else { return };
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let path = path.to_str().unwrap();
        let lines = |program: &Path| {
            let said = place.run(program, &["--info", path], b"");
            let told = |line: &&str| {
                !["virusname prefix", "virusnames", "number of global", "number of debug", "Unknown"]
                    .iter()
                    .any(|not| line.contains(not))
                    && !line.contains("of kind")
                    && !line.contains("triggered on: something")
            };
            (said.code, said.stdout.lines().filter(told).map(str::to_owned).collect::<Vec<_>>())
        };
        let theirs = lines(Path::new("/usr/bin/clambc"));
        // It says nothing of what is for other levels.
        if !theirs.1.is_empty() {
            assert_eq!(theirs, lines(&ours), "{path}");
        }
    }
}
