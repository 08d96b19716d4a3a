//! `sigtool` beside ClamAV's own.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use candor_fixtures::document;
use candor_fixtures::executable::{Executable, Kind, SectionRecipe};

use crate::place::{Place, Said};

const SIGTOOL: &str = "/usr/bin/sigtool";

/// Options that are tried, and what is on standard input. Each line is one run.
const CASES: &[&str] = &[
    "--md5 d/a.txt d/b.txt",
    "--sha1 d/a.txt d/big.bin",
    "--sha256 d/a.txt d/empty",
    "--md5 d/missing",
    "--md5 d/missing d/a.txt",
    "--md5 d/a.txt d/missing",
    "--md5",
    "--sha1",
    "--sha256",
    "--md5 --sha1 d/a.txt",
    "--hex-dump",
    "-V",
    "--bogus",
    "-x",
    "--info",
    "--info=d/missing",
    "--info=d/a.txt",
    "--info=d/short.cvd",
    "--info=signed.cvd",
    "--info=signed.cld",
    "--info=unsigned.cud",
    "-i unsigned.cud",
    "--quiet -i unsigned.cud",
    "--stdout -i d/missing",
    "--unpack=d/missing",
    "--unpack=d/a.txt",
    "--unpack=signed.cvd",
    "--unpack=signed.cld",
    "--unpack-current=nothing --datadir=.",
    "--unpack-current=../x --datadir=.",
    "-l./names/t.ndb",
    "--list-sigs=./names/t.ldb",
    "--list-sigs=./names/t.hdb",
    "--list-sigs=./names/t.mdb",
    "--list-sigs=./names/t.cdb",
    "--list-sigs=./names/t.hsb",
    "--list-sigs=./names/t.wdb",
    "-lnames",
    "-l --datadir=names",
    "-lnames/missing",
    "-lunsigned.cud",
    "--datadir=names -fTest",
    "--datadir=names --find-sigs Marker",
    "--datadir=names -fmarker",
    "--datadir=names -f^T.*51$",
    "--datadir=names -f(",
    "--datadir=missing -fx",
    "--datadir=only -fMarker",
    "-f",
    "--mdb",
    "--mdb d/missing",
    "--mdb d/a.txt",
    "--imp d/a.txt",
    "--mdb program.exe",
    "--imp program.exe program.exe",
    "--mdb program.exe d/missing program.exe",
    "--print-certs=d/missing",
    "--print-certs=d/a.txt",
    "--fuzzy-img",
    "--fuzzy-img d/missing image.png",
    "--fuzzy-img image.png",
    "--fuzzy-img d/a.txt image.png",
    "--ascii-normalise=d/missing",
    "--html-normalise=d/missing",
    "--utf16-decode=d/missing",
    "--vba=d/missing",
    "--vba=d/a.txt",
    "--vba-hex=d/a.txt",
    "--test-sigs=names/t.ndb",
    "--test-sigs=missing d/a.txt",
    "--test-sigs=trial/whole.ndb trial/text",
    "--test-sigs=trial/parts.ldb trial/text",
    "--test-sigs=names/t.cdb trial/text",
    "--test-sigs=names/t.hdb trial/text",
    "--compare=d/a.txt",
    "--diff=d/a.txt",
    "--build=t.cud",
    "--build=t.cud --unsigned",
    "--verify-cdiff=x",
];

/// Lines that are decoded. Each is one run.
const LINES: &[&str] = &[
    "Test.Marker-1:0:*:4d41524b4552",
    "PUA.Test.Other:0:0:505541??544553",
    "Win.Test.Ep-2:1:EP+0,20:aabb{4-5}cc(dd|ee)*ff",
    "Test.Sec:1:S0+4:aabbccdd:51:255",
    "Test.Old=4d41524b",
    "junk",
    "# comment",
    "Test.Alt:0:*:4d41(41|42|43)4d{2}4e{-5}4f{3-}50!(51|52)5?(L)(B)(W)6f",
    "T:0:*:(B)61(B)",
    "T:0:*:(L)61(L)",
    "T:0:*:(W)61!(W)",
    "T:0:*:61(62|63",
    "T:0:*:61)",
    "T:0:*:61[",
    "T:0:*:*61",
    "T:0:*:61*",
    "T:0:*:",
    "T:0:*:6",
    "T:0:*:6?(63|64)",
    "T:0:*:61(6?|63)65",
    "T:0:*:((62|63)|64)",
    "T:0:*:61{}62{-}63",
    "T:0:*:6?62?4????",
    "T:2:*:61",
    "T:3:*:61",
    "T:4:*:61",
    "T:5:*:61",
    "T:6:*:61",
    "T:7:*:61",
    "T:8:*:61",
    "T:9:*:61",
    "T:10:*:61",
    "T:11:*:61",
    "T:12:*:61",
    "T:13:*:61",
    "T:x:*:61",
    "T:0:*:61:50",
    "T:0:*:61:50:60:70",
    "a:b:c",
    "0:0:aabb:Name:CL_TYPE_ANY:CL_TYPE_ZIP:50",
    "1:*:616263:N:A:B:50:60",
    "0:0:61:N:A:B",
    "Test.Cdb-1:CL_TYPE_ZIP:10-20:foo:1:2-:1:3:abcd1234:55:66",
    "Test.Cdb-1:*:*:*:*:*:0:*:*:*",
    "Test.Cdb-1:CL_TYPE_RAR:10:foo:-1:2-:*:3-4:ab:55:66",
    "C:CL_TYPE_ZIP:1:a:*:*:x:*:*:*",
    "Test.Logic-1;Engine:51-255,Target:0;(0&1)|(2>1,3);4d41524b::i;55*66;0/foo.*bar/i",
    "Test.Few;Target:0;(0&1)|2;61;62",
    "T;Target:0;0;aabbccdd[2-3]ee",
    "T;Target:0;0&1&2&3;616263::a;616263::w;616263::iwf;EP+0:616263::f",
    "T;Target:0;0;61::x",
    "T;Target:0;0;61::",
    "T;Target:0;1;616263;0/ab\\/c;d:e/gsmixd",
    "T;Target:0;1;616263;EOF-5:0&0/x/",
    "T;Target:0;0;/a/",
    "T;Target:0;0;0/a",
    "T;Target:0;0;fuzzy_img#abcdabcdabcdabcd#0",
    "T;Target:0;0&1;61;${6-7}12$",
    "T;Target:0;0&1;61;0(>>5#hb2#=10)",
    "T;Target:0;((0&1)>2,1)|(2=0);61;62;63",
    "A;B;0",
    "A;Target:0;0;",
];

/// A place with ours in it, and what is looked at; `None` for the peer where it is not installed. Where tests run
/// unattended it must be.
fn place() -> (Place, PathBuf, Option<PathBuf>) {
    let place = Place::new();
    let ours = place.path("bin/sigtool");
    symlink(env!("CARGO_BIN_EXE_candor-clamav"), &ours).unwrap();
    let peer = Path::new(SIGTOOL);
    assert!(peer.exists() || std::env::var_os("CI").is_none(), "{SIGTOOL} is missing: install clamav");
    let lines: [(&str, &str); 11] = [
        (
            "names/t.ndb",
            "Test.Marker-1:0:*:4d41524b4552\nPUA.Test.Other:0:0:505541??544553\r\nT:1:S0+4:aabbccdd:51\n",
        ),
        ("names/t.ldb", "Test.Logic-1;Engine:51-255,Target:0;0;4d41524b::i\n"),
        ("names/t.hdb", "d41d8cd98f00b204e9800998ecf8427e:10:Test.Hash-1\n"),
        (
            "names/t.hsb",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad:*:Test.Hash-2:73\n",
        ),
        ("names/t.mdb", "10:d41d8cd98f00b204e9800998ecf8427e:Test.Section-1\n"),
        ("names/t.cdb", "Test.Cdb-1:CL_TYPE_ZIP:*:foo\\.exe:*:*:*:*:*:*\n"),
        ("names/t.wdb", "R:.+:x\\.com:17-\n"),
        ("only/t.ndb", "Test.Marker-1:0:*:4d41524b4552\n"),
        ("trial/text", "hello MARKER there MARKER x PUATES"),
        (
            "trial/whole.ndb",
            "A:0:*:4d41524b4552\nB:1:*:68656c6c\nC:0:EOF-6:505541\nD:0:6:4d41\nE:7:*:68656c6c6f206d61\n",
        ),
        ("trial/parts.ldb", "A;Target:0;0&1&2;4d41524b4552;6865::i;787878\nB;Target:0;0;EP+0:4d41524b\n"),
    ];
    lines.iter().for_each(|(name, text)| place.file(name, text.as_bytes()));
    place.file(
        "d/short.cvd",
        b"ClamAV-VDB:08 Mar 2021 10-21 -0500:333:92:63:d82da5df59cd2fc80f01f7895a5a88fd:ab",
    );
    // Nobody has signed them.
    let container = container(&[("t.ndb", "Test.In-1:0:*:4d41524b4552\n")]);
    ["signed.cvd", "signed.cld", "unsigned.cud"].iter().for_each(|name| place.file(name, &container));
    place.file("image.png", &image());
    place.file("program.exe", &program());
    let peer = peer.exists().then(|| peer.to_path_buf());
    (place, ours, peer)
}

/// A container that says nothing of who made it.
fn container(members: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in [("COPYING", "free\n")].iter().chain(members) {
        let mut header = tar::Header::new_ustar();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        // As it is, wherever it leads.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, text.as_bytes()).unwrap();
    }
    let mut bytes = b"ClamAV-VDB:08 Mar 2021 10-21 -0500:7:1:90:X:X:me:1615216911".to_vec();
    bytes.resize(512, b' ');
    bytes.extend(archive.into_inner().unwrap());
    bytes
}

/// A program with two sections and imports.
fn program() -> Vec<u8> {
    let section = |name: &str, byte: u8| SectionRecipe { name: name.to_owned(), bytes: vec![byte; 600] };
    let mut program = Executable::new(Kind::Pe32, vec![section(".text", 0x90), section(".data", 7)]);
    program.imports =
        vec![(String::from("KERNEL32.dll"), vec![String::from("ExitProcess"), String::from("Sleep")])];
    program.build().0
}

/// A picture in grey of 64 by 64 pixels, as PNG.
fn image() -> Vec<u8> {
    let mut rows = Vec::new();
    for row in 0..64_u32 {
        rows.push(0);
        rows.extend((0..64_u32).map(|column| u8::try_from(column * 4 * (row % 7) % 256).unwrap()));
    }
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut packed, &rows).unwrap();
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [0, 0, 0, 64, 0, 0, 0, 64, 8, 0, 0, 0, 0];
    for (kind, body) in [(b"IHDR", &head[..]), (b"IDAT", &packed.finish().unwrap()), (b"IEND", b"")] {
        out.extend(u32::try_from(body.len()).unwrap().to_be_bytes());
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(body);
        out.extend(kind);
        out.extend(body);
        out.extend(sum.sum().to_be_bytes());
    }
    out
}

/// What is said, without what only one of the two says: reasons, and what ClamAV's library writes.
fn comparable(said: &Said) -> (i32, Vec<String>, Vec<String>) {
    let name = |line: &str| match line.split_once("sigtool: ") {
        Some((_, rest)) => format!("sigtool: {rest}"),
        None => line.to_owned(),
    };
    let keep = |line: &&str| {
        let library =
            line.starts_with("LibClamAV ") && !line.contains("Section{") && !line.contains("Imphash");
        // Candor says why.
        let reason = ["d/", "signed.c", "unsigned.c", "cvdinfo: "].iter().any(|start| {
            line.strip_prefix("ERROR: ")
                .is_some_and(|line| line.starts_with(start) && line.matches(": ").count() > 0)
        }) && !line.contains("image fuzzy hash")
            && !line.contains("Can't open file: ")
            && !line.contains("Can't read/parse")
            && !line.contains("integrity");
        let why = line.starts_with("ERROR: unpack: ")
            && !line.contains("valid CVD")
            && !line.contains("Couldn't find");
        !library && !reason && !why
    };
    let lines = |text: &str| text.lines().filter(keep).map(name).collect();
    (said.code, lines(&said.stdout), lines(&said.stderr))
}

#[test]
fn lines_and_exit_status_are_those_of_clamav() {
    let (place, ours, Some(peer)) = place() else { return };
    let mut wrong = Vec::new();
    for case in CASES {
        let arguments: Vec<&str> = case.split(' ').collect();
        let input = b"some input\0\xff";
        let theirs = comparable(&place.run(&peer, &arguments, input));
        let mut ours = comparable(&place.run(&ours, &arguments, input));
        let mut theirs = theirs;
        if case.contains("names") {
            // ClamAV looks at files as the system gives them.
            theirs.1.sort();
            ours.1.sort();
        }
        if theirs != ours {
            wrong.push(format!("sigtool {case}\n  ClamAV: {theirs:?}\n  Candor: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), CASES.len(), wrong.join("\n"));
}

#[test]
fn signatures_are_decoded_as_clamav_does() {
    let (place, ours, Some(peer)) = place() else { return };
    let mut wrong = Vec::new();
    for line in LINES {
        let input = format!("{line}\nNext:0:*:6e657874\n");
        let run = |program: &Path| {
            let (code, out, errors) = comparable(&place.run(program, &["--decode-sigs"], input.as_bytes()));
            // ClamAV's says besides how deep in the body it was.
            (
                code,
                out,
                errors.into_iter().filter(|line| !line.contains("Decoding failed")).collect::<Vec<_>>(),
            )
        };
        let (mut theirs, ours) = (run(&peer), run(&ours));
        if theirs.2.iter().any(|line| line.contains("decodehexspecial")) {
            theirs.2.retain(|line| line.contains("decodehexspecial"));
        }
        if theirs != ours {
            wrong.push(format!("{line}\n  ClamAV: {theirs:?}\n  Candor: {ours:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), LINES.len(), wrong.join("\n"));
}

#[test]
fn copies_and_decoded_text_are_those_of_clamav() {
    let (place, ours, Some(peer)) = place() else { return };
    place.file("page.html", b"<HTML><!-- no --><BODY class=Foo>Hello <b>World</b> &amp; all</BODY></HTML>");
    place.file("text.txt", b"Hello   World\n\n\tFOO bar \"A b\"\n");
    place.file("wide.txt", b"h\0e\0l\0l\0o\0\n\0");
    for (option, made) in [
        ("--html-normalise=page.html", &["nocomment.html", "notags.html"][..]),
        ("--ascii-normalise=text.txt", &["normalised_text"]),
        ("--utf16-decode=wide.txt", &["wide.txt.ascii"]),
    ] {
        let mut copies = Vec::new();
        for program in [&peer, &ours] {
            place.run(program, &[option], b"");
            let read =
                |name: &&str| fs::read(place.path(name)).unwrap_or_else(|_| panic!("{option}: {name}"));
            copies.push(made.iter().map(read).collect::<Vec<_>>());
            made.iter().for_each(|name| fs::remove_file(place.path(name)).unwrap());
        }
        assert_eq!(copies[0], copies[1], "{option}");
    }
}

#[test]
fn a_container_is_made_that_clamav_loads_and_both_take_apart() {
    let (place, ours, Some(peer)) = place() else { return };
    for (name, text) in [
        ("made/COPYING", "free\n"),
        ("made/t.ndb", "Test.Made-1:0:*:4d41524b4552\nTest.Made-2:0:*:505541544553\n"),
        ("made/t.hdb", "d41d8cd98f00b204e9800998ecf8427e:10:Test.Hash-1\n"),
    ] {
        place.file(name, text.as_bytes());
    }
    let folder = place.path("made");
    let run = |program: &Path, arguments: &[&str]| place.run_in(&folder, program, arguments, b"me\n");
    let mut headers = Vec::new();
    for program in [&peer, &ours] {
        let said = run(program, &["--build=t.cud", "--unsigned", "--cvd-version=7"]);
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(said.stdout, "Total sigs: 3\nNew sigs: 3\nBuilder name: Created t.cud\n", "{said:?}");
        // What both are asked of it.
        let list = run(&ours, &["-i", "t.cud"]);
        let lines: Vec<String> =
            list.stdout.lines().filter(|line| !line.starts_with("Build time")).map(str::to_owned).collect();
        headers.push(lines);
        let names = |program: &Path| {
            let said = run(program, &["-l./t.cud"]).stdout;
            said.lines().map(str::to_owned).collect::<BTreeSet<_>>()
        };
        assert_eq!(names(&peer), names(&ours));
        for unpacks in [&peer, &ours] {
            fs::create_dir_all(place.path("out")).unwrap();
            let said = place.run_in(&place.path("out"), unpacks, &["-u", "../made/t.cud"], b"");
            assert_eq!(said.code, 0, "{said:?}");
            for name in ["COPYING", "t.ndb", "t.hdb"] {
                assert_eq!(
                    fs::read(place.path("out").join(name)).unwrap(),
                    fs::read(folder.join(name)).unwrap()
                );
            }
            let info = fs::read_to_string(place.path("out/t.info")).unwrap();
            assert!(info.contains("t.ndb:58:") && info.contains(":7:3:216:X:X:me:"), "{info}");
            fs::remove_dir_all(place.path("out")).unwrap();
        }
        // ClamAV loads it.
        let scanned =
            place.run(Path::new("/usr/bin/clamscan"), &["--no-summary", "-d", "made/t.cud", "d/a.txt"], b"");
        assert_eq!(scanned.stdout, "d/a.txt: Test.Made-1.UNOFFICIAL FOUND\n", "{scanned:?}");
        fs::remove_file(folder.join("t.cud")).unwrap();
        fs::remove_file(folder.join("t.info")).unwrap();
    }
    assert_eq!(headers[0], headers[1]);
    // One line that nobody can use, and there is no container.
    place.file("made/bad.ndb", b"Bad:0\n");
    for program in [&peer, &ours] {
        let said = run(program, &["--build=t.cud", "--unsigned", "--cvd-version=7"]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stderr.contains("ERROR: build: Can't load database: Malformed database"), "{said:?}");
        assert!(!folder.join("t.cud").exists());
    }
}

#[test]
fn scripts_are_those_of_clamav() {
    let (place, ours, Some(peer)) = place() else { return };
    for (old, new) in [
        ("a b c d", "a c d"),
        ("a b c d", "a x b c d"),
        ("a b c d", "x y z w"),
        ("a b c d", "c d e"),
        ("a b c d", "a d c b"),
        ("a b c d e f g h", "a x c d y e f h"),
        ("a b b c", "a b c"),
        ("a-line-that-is-longer-than-sixteen b", "a-line-that-is-longer-still b"),
        ("a", "a b c"),
    ] {
        let lines = |text: &str| text.split(' ').map(|line| format!("{line}\n")).collect::<String>();
        place.file("old", lines(old).as_bytes());
        place.file("new", lines(new).as_bytes());
        let run = |program: &Path| {
            let said = place.run(program, &["--compare=old", "new"], b"");
            // ClamAV's has an empty line behind what it deletes.
            (
                said.code,
                said.stdout.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect::<Vec<_>>(),
            )
        };
        assert_eq!(run(&peer), run(&ours), "{old} to {new}");
    }
}

#[test]
fn a_container_writes_nowhere_else() {
    let (place, ours, _) = place();
    // A name that leads out of the folder loses its folders, and one that is hidden is refused.
    for (name, lands) in [("../../t.ndb", Some("t.ndb")), (".profile.ndb", None), ("a\u{1b}b.ndb", None)] {
        place.file("evil.cud", &container(&[(name, "T:0:*:4d41524b4552\n")]));
        fs::create_dir_all(place.path("in/side")).unwrap();
        let said = place.run_in(&place.path("in/side"), &ours, &["-u", "../../evil.cud"], b"");
        assert_eq!(said.code == 0, lands.is_some(), "{said:?}");
        assert_eq!(place.path("in/side/t.ndb").exists(), lands.is_some());
        assert!(!place.path("t.ndb").exists() && !place.path("in/t.ndb").exists());
        assert!(!place.path("in/side/.profile.ndb").exists());
        fs::remove_dir_all(place.path("in")).unwrap();
    }
    // A link that lies in wait is not written through.
    place.file("evil.cud", &container(&[("t.ndb", "T:0:*:4d41524b4552\n")]));
    fs::create_dir_all(place.path("in")).unwrap();
    place.file("precious", b"precious");
    symlink("../precious", place.path("in/t.ndb")).unwrap();
    let said = place.run_in(&place.path("in"), &ours, &["-u", "../evil.cud"], b"");
    assert_eq!(said.code, 1, "{said:?}");
    assert_eq!(fs::read(place.path("precious")).unwrap(), b"precious");
}

#[test]
fn a_script_changes_files_as_in_clamav() {
    let (place, ours, Some(peer)) = place() else { return };
    let digest = |text: &str| {
        place.file("digested", text.as_bytes());
        let said = place.run(&peer, &["--sha256", "digested"], b"");
        said.stdout.split(':').next().unwrap().to_owned()
    };
    let after = "A:0:*:61\nC:0:*:64\nD:0:*:65\n";
    let list = format!("ClamAV-VDB:x:7:3:216:X:X:me:1\nt.ndb:{}:{}\n", after.len(), digest(after));
    let run = |program: &Path, script: &str, name: &str, files: &[(&str, &str)]| {
        drop(fs::remove_dir_all(place.path("run")));
        files.iter().for_each(|(name, text)| place.file(&format!("run/{name}"), text.as_bytes()));
        place.file(&format!("scripts/{name}"), script.as_bytes());
        let said =
            place.run_in(&place.path("run"), program, &[&format!("--run-cdiff=../scripts/{name}")], b"");
        let mut left: Vec<(String, String)> = fs::read_dir(place.path("run"))
            .unwrap()
            .map(|entry| entry.unwrap())
            .map(|entry| {
                (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        left.sort();
        (said.code, left)
    };
    let files = [("t.ndb", "A:0:*:61\nB:0:*:62\nC:0:*:63\n"), ("t.hdb", "x\n"), ("t.info", list.as_str())];
    for (script, name) in [
        ("OPEN t.ndb\nADD D:0:*:65\nDEL 2 B\nXCHG 3 C:0 C:0:*:64\nCLOSE\nUNLINK t.hdb\n", "t-7.script"),
        // Not what the list says: done, and an error.
        ("OPEN t.ndb\nADD D:0:*:65\nCLOSE\n", "t-7.script"),
        ("OPEN t.ndb\nDEL 2 zzz\nCLOSE\n", "t-7.script"),
        ("OPEN ../t.ndb\nADD x\nCLOSE\n", "t-7.script"),
        ("BOGUS\n", "t-7.script"),
        ("OPEN t.ndb\nADD x\nCLOSE\n", "t-7.cdiff"),
        ("OPEN t.ndb\nADD x\nCLOSE\n", "t.txt"),
    ] {
        assert_eq!(run(&peer, script, name, &files), run(&ours, script, name, &files), "{name}: {script}");
    }
    assert_eq!(
        run(&ours, "OPEN t.ndb\nADD D:0:*:65\nDEL 2 B\nXCHG 3 C:0 C:0:*:64\nCLOSE\n", "t-7.script", &files).0,
        0
    );
}

#[test]
fn macros_are_shown() {
    let (place, ours, _) = place();
    let source = "Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\nMsgBox \"hello\"\r\nEnd Sub\r\n";
    let streams =
        [("dir", document::vba_directory("Module1", 0)), ("Module1", document::vba(source.as_bytes()))];
    let streams: Vec<(&str, Vec<u8>)> = streams.into_iter().collect();
    place.file("macros.doc", &document::compound("VBA", &streams));
    for option in ["--vba=macros.doc", "--vba-hex=macros.doc"] {
        let said = place.run(&ours, &[option], b"");
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.stdout.contains("Sub AutoOpen()\nMsgBox \"hello\"\nEnd Sub\n"), "{said:?}");
        assert_eq!(said.stdout.matches("MsgBox").count(), 1);
    }
}

/// Runs `openssl`; `None` where it is not installed.
fn openssl(place: &Place, arguments: &str) -> Option<bool> {
    let mut command = std::process::Command::new("openssl");
    command.args(arguments.split(' ')).current_dir(place.path(""));
    command.stdin(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.stdout(std::process::Stdio::null()).status().ok().map(|status| status.success())
}

#[test]
fn own_containers_are_signed_beside_and_verified() {
    let place = Place::new();
    let made = openssl(
        &place,
        "req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -days 30 -subj /CN=own -addext basicConstraints=critical,CA:TRUE",
    );
    let Some(true) = made else {
        assert!(std::env::var_os("CI").is_none(), "install openssl");
        return;
    };
    let other = openssl(
        &place,
        "req -x509 -newkey rsa:2048 -nodes -keyout other.key -out other.pem -days 30 -subj /CN=other",
    );
    assert_eq!(other, Some(true));
    for name in ["certs/own.pem", "others/other.pem"] {
        let from = name.rsplit('/').next().unwrap();
        place.file(name, &fs::read(place.path(from)).unwrap());
    }
    place.file("build/COPYING", b"free\n");
    place.file("build/own.ndb", b"Own.Marker:0:*:4d41524b4552\n");
    symlink(env!("CARGO_BIN_EXE_candor-clamav"), place.path("bin/sigtool")).unwrap();
    let run = |line: &str| {
        let arguments: Vec<&str> = line.split(' ').collect();
        place.run_in(&place.path("build"), &place.path("bin/sigtool"), &arguments, b"me\n")
    };
    let said = run("--build=own.cud --cvd-version=7 --datadir=nowhere --key=../own.key --cert=../own.pem");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.ends_with("Created own.cud\nCreated own-7.cud.sign\n"), "{said:?}");
    let text = fs::read_to_string(place.path("build/own-7.cud.sign")).unwrap();
    assert!(text.starts_with("#clamsign-1.0\n::pkcs7-pem:MII"), "{text}");
    // Somebody else's program has the same opinion of it.
    let digits = text.trim_end().rsplit(':').next().unwrap();
    place.file(
        "signed.pem",
        format!("-----BEGIN CMS-----\n{}\n-----END CMS-----\n", lines(digits)).as_bytes(),
    );
    let verify = "cms -verify -binary -inform PEM -in signed.pem -content build/own.cud -CAfile own.pem -purpose any -out /dev/null";
    assert_eq!(openssl(&place, verify), Some(true));
    let said = run("--verify=own.cud --cvdcertsdir=../certs");
    assert_eq!((said.code, said.stdout.as_str()), (0, "own.cud: verified by own-7.cud.sign\n"), "{said:?}");
    // By somebody who is not trusted.
    let said = run("--verify=own.cud --cvdcertsdir=../others");
    assert!(said.code == 1 && said.stderr.contains("by nobody who is trusted"), "{said:?}");
    // A second signature may stand beside the first, or takes its place.
    let said = run("--sign=own.cud --append --key=../other.key --cert=../other.pem");
    assert_eq!((said.code, said.stdout.as_str()), (0, "Created own-7.cud.sign\n"), "{said:?}");
    assert_eq!(run("--verify=own.cud --cvdcertsdir=../certs").code, 0);
    assert_eq!(run("--verify=own.cud --cvdcertsdir=../others").code, 0);
    assert_eq!(run("--sign=own.cud --key=../other.key --cert=../other.pem").code, 0);
    assert_eq!(run("--verify=own.cud --cvdcertsdir=../certs").code, 1);
    // A byte that is another one.
    assert_eq!(run("--sign=own.cud --key=../own.key --cert=../own.pem").code, 0);
    let mut bytes = fs::read(place.path("build/own.cud")).unwrap();
    let last = bytes.last_mut().unwrap();
    *last ^= 1;
    place.file("build/own.cud", &bytes);
    assert_eq!(run("--verify=own.cud --cvdcertsdir=../certs").code, 1);
    // What does not belong together.
    let said = run("--sign=own.cud --key=../own.key --cert=../other.pem");
    assert!(
        said.code == 1 && said.stderr.contains("none of the certificates is that of the key"),
        "{said:?}"
    );
    let said = run("--sign=own.cud");
    assert!(said.code == 1 && said.stderr.contains("--key is required"), "{said:?}");
}

/// Base 64 in the lines that PEM has.
fn lines(digits: &str) -> String {
    let lines: Vec<&str> =
        digits.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    lines.join("\n")
}
