//! Each quarantine whole, cut at every boundary, and with lengths that lie.

use candor_fixtures::quarantine;
use candor_model::{FileType, Reason};

use super::moment;
use crate::collected::{Collected, survives_damage};

const CONTENT: &[u8] = b"MZ what was set aside, and is here once more";
const PATH: &str = r"C:\Users\a b\invoice.exe";

fn detail<'a>(found: &'a Collected, key: &str) -> Vec<&'a str> {
    found.details.iter().filter(|detail| detail.0 == key).map(|detail| detail.1.as_str()).collect()
}

/// Good files of every kind, each with how many children it has.
fn files() -> Vec<(FileType, Vec<u8>)> {
    let (file, description) = quarantine::malwarebytes(PATH, "Trojan.X", "2024-09-28T07:05:03Z", CONTENT);
    vec![
        (FileType::KasperskyQuarantine, quarantine::klqb(PATH, CONTENT, 0)),
        (FileType::DefenderQuarantine, quarantine::defender(&[(1, "", CONTENT)])),
        (FileType::SymantecQuarantine, quarantine::symantec(PATH, "X", 1_727_507_103, CONTENT, 16)),
        (FileType::SymantecQuarantine, quarantine::symantec_located(PATH, "X", CONTENT)),
        (FileType::AviraQuarantine, quarantine::avira(PATH, "X", 1_727_507_103, CONTENT)),
        (FileType::GdataQuarantine, quarantine::gdata(PATH, "X", 1_727_507_103, CONTENT)),
        (FileType::MalwarebytesQuarantine, description),
        (FileType::NamedQuarantine, quarantine::named("malwarebytes", &file)),
        (FileType::MsOle2, quarantine::mcafee(PATH, "X", CONTENT)),
    ]
}

#[test]
fn what_was_set_aside_comes_back_under_its_name() {
    for (file_type, bytes) in files() {
        let found = Collected::of(file_type, &bytes);
        assert_eq!(found.incomplete, [], "{file_type}");
        if file_type != FileType::MalwarebytesQuarantine {
            let child = found.children.last().unwrap();
            assert_eq!(child.bytes, CONTENT, "{file_type}");
            let has_name = !matches!(file_type, FileType::DefenderQuarantine | FileType::NamedQuarantine);
            assert_eq!(child.member.name, if has_name { PATH } else { "" }, "{file_type}");
        }
    }
}

#[test]
fn what_the_product_wrote_down_is_told() {
    for (file_type, bytes) in files() {
        let found = Collected::of(file_type, &bytes);
        assert_eq!(detail(&found, "quarantine").len(), 1, "{file_type}");
        if matches!(file_type, FileType::DefenderQuarantine | FileType::NamedQuarantine) {
            continue;
        }
        assert_eq!(detail(&found, "original-path"), [PATH], "{file_type}");
        if file_type == FileType::KasperskyQuarantine {
            continue;
        }
        let threat = if file_type == FileType::MalwarebytesQuarantine { "Trojan.X" } else { "X" };
        assert_eq!(detail(&found, "threat"), [threat], "{file_type}");
        let at = detail(&found, "quarantined-at");
        match file_type {
            // Local time of a zone that only the machine knows.
            FileType::MsOle2 => assert_eq!(at, ["2024-09-28T07:05:03"]),
            FileType::SymantecQuarantine if at.is_empty() => (),
            _ => assert_eq!(at, ["2024-09-28T07:05:03Z"], "{file_type}"),
        }
    }
}

#[test]
fn what_is_not_opened_is_told() {
    for closed in [&b"-chest- \x01\0\0\0"[..], b"\xa9\xac\xbd\xa7\0\0\0\0"] {
        let found = Collected::of(FileType::ClosedQuarantine, closed);
        assert!(matches!(found.incomplete[..], [Reason::Unsupported(_)]), "{:?}", found.incomplete);
    }
}

#[test]
fn the_name_is_found_whichever_byte_of_the_key_comes_first() {
    for phase in 0..8 {
        let found = Collected::of(FileType::KasperskyQuarantine, &quarantine::klqb(PATH, CONTENT, phase));
        assert_eq!(detail(&found, "original-path"), [PATH], "{phase}");
    }
}

#[test]
fn what_was_cut_is_given_and_told() {
    for (file_type, bytes) in [
        (FileType::KasperskyQuarantine, quarantine::klqb(PATH, CONTENT, 0)),
        (FileType::SymantecQuarantine, quarantine::symantec(PATH, "X", 1, CONTENT, 16)),
        (FileType::MalwarebytesQuarantine, quarantine::malwarebytes(PATH, "X", "", CONTENT).1),
    ] {
        let found = Collected::of(file_type, &bytes[..bytes.len() - 20]);
        assert!(!found.incomplete.is_empty(), "{file_type}");
        assert_eq!(found.children.len(), 1, "{file_type}");
    }
    // Of Defender's, every boundary: head of the rights, rights, head of the file, file.
    let whole = quarantine::defender(&[(1, "", CONTENT)]);
    for length in [0, 7, 8, 19, 20, 27, 28, 47, 48, 49, whole.len() - 1] {
        let found = Collected::of(FileType::DefenderQuarantine, &whole[..length]);
        let given = found.children.first().map_or(0, |child| child.bytes.len());
        assert_eq!(given, length.saturating_sub(48), "{length}");
        assert_eq!(found.incomplete.len(), 1, "{length}");
    }
}

#[test]
fn lengths_that_lie_are_told_and_cost_nothing() {
    let whole = quarantine::klqb(PATH, CONTENT, 0);
    let length = CONTENT.len() as u32;
    for (place, value) in [
        (48, u32::MAX),
        (48, length + 1_000),
        (8, u32::MAX),
        (16, u32::MAX),
        (32, u32::MAX),
        (8, whole.len() as u32 + 1),
    ] {
        let mut bytes = whole.clone();
        bytes[place..place + 4].copy_from_slice(&value.to_le_bytes());
        let found = Collected::of(FileType::KasperskyQuarantine, &bytes);
        assert!(matches!(found.incomplete[..], [Reason::Malformed(_), ..]), "{place} {value}");
    }
    // Nothing was set aside: that is a file of no bytes, and no trouble.
    let found = Collected::of(FileType::KasperskyQuarantine, &quarantine::klqb(PATH, b"", 0));
    assert_eq!((found.incomplete.len(), found.children[0].bytes.len()), (0, 0));

    let mut bytes = quarantine::avira(PATH, "X", 1, CONTENT);
    for value in [0, 219, bytes.len() as u32 + 1, u32::MAX] {
        bytes[16..20].copy_from_slice(&value.to_le_bytes());
        let found = Collected::of(FileType::AviraQuarantine, &bytes);
        assert!(found.children.is_empty() && found.incomplete.len() == 1, "{value}");
    }

    let mut bytes = quarantine::gdata(PATH, "X", 1, CONTENT);
    for value in [u32::MAX, bytes.len() as u32] {
        bytes[4..8].copy_from_slice(&value.to_le_bytes());
        let found = Collected::of(FileType::GdataQuarantine, &bytes);
        assert!(found.children.is_empty() && found.incomplete.len() == 1, "{value}");
    }
}

#[test]
fn pieces_of_symantec_are_joined_however_long_they_are() {
    for piece in [1, 7, CONTENT.len() - 1, CONTENT.len(), CONTENT.len() + 1] {
        let found =
            Collected::of(FileType::SymantecQuarantine, &quarantine::symantec(PATH, "X", 1, CONTENT, piece));
        assert_eq!(found.children[0].bytes, CONTENT, "{piece}");
        assert_eq!(found.incomplete, []);
    }
    // The list of content is said to be longer than it is, and to begin behind the end.
    let whole = quarantine::symantec(PATH, "X", 1, CONTENT, 7);
    for (place, value) in [(24, u64::MAX), (32, u64::MAX), (32, 10_000)] {
        let mut bytes = whole.clone();
        let veiled: Vec<u8> = value.to_le_bytes().iter().map(|byte| byte ^ 0x5a).collect();
        bytes[0x1290 + place..0x1290 + place + 8].copy_from_slice(&veiled);
        let found = Collected::of(FileType::SymantecQuarantine, &bytes);
        assert_eq!(found.incomplete.len(), 1, "{place} {value}");
    }
    // What only describes other files has nothing in it.
    let description = [&whole[..0x1290], &[6, 1, 0, 0, 0, 0x0a, 1]].concat();
    let found = Collected::of(FileType::SymantecQuarantine, &description);
    assert_eq!((found.children.len(), found.incomplete.len()), (0, 0));
}

#[test]
fn alternate_streams_of_defender_are_given_behind_the_file() {
    let zone = b"[ZoneTransfer]\r\nZoneId=3\r\n";
    let bytes = quarantine::defender(&[(1, "", CONTENT), (4, ":Zone.Identifier:$DATA", zone)]);
    let found = Collected::of(FileType::DefenderQuarantine, &bytes);
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children[1].member.name, ":Zone.Identifier:$DATA");
    assert!(found.children[0].bytes == CONTENT && found.children[1].bytes == zone);
    // Zeros may stand behind the last stream.
    let padded = quarantine::defender(&[(1, "", CONTENT), (0, "", b"")]);
    assert_eq!(Collected::of(FileType::DefenderQuarantine, &padded).incomplete, []);
    let cut = &padded[..padded.len() - 3];
    assert_eq!(Collected::of(FileType::DefenderQuarantine, cut).incomplete, []);
    // 64 streams are enough.
    let many: Vec<(u32, &str, &[u8])> = (0..80).map(|_| (4, "a", &b"x"[..])).collect();
    let found = Collected::of(FileType::DefenderQuarantine, &quarantine::defender(&many));
    assert!(matches!(found.incomplete[..], [Reason::Malformed(_)]));
}

#[test]
fn descriptions_of_defender_lead_to_their_files() {
    let id = [0x44, 0x33, 0x22, 0x11, 0x66, 0x55, 0x88, 0x77, 0x99, 0xaa, 1, 2, 3, 4, 5, 6];
    let name = "{11223344-5566-7788-99AA-010203040506}";
    let resource = [0xab; 20];
    let ticks = (1_727_507_103 + 11_644_473_600) * 10_000_000;
    let path = r"\\?\C:\Users\a b\invoice.exe";
    let entry = quarantine::defender_entry(id, "Trojan:Win32/X", ticks, path, resource);
    let found = Collected::of(FileType::DefenderQuarantine, &entry);
    assert_eq!(found.incomplete, []);
    assert_eq!(detail(&found, "entry"), [name]);
    assert_eq!(detail(&found, "threat"), ["Trojan:Win32/X"]);
    assert_eq!(detail(&found, "quarantined-at"), ["2024-09-28T07:05:03Z"]);
    assert_eq!(detail(&found, "original-path"), [PATH]);
    assert_eq!(detail(&found, "resource"), ["AB".repeat(20)]);
    let link = quarantine::defender_resource(id, resource);
    let found = Collected::of(FileType::DefenderQuarantine, &link);
    assert_eq!((detail(&found, "entry"), found.incomplete.len()), (vec![name], 0));
    for length in [16, 59, 60, 61, 112, entry.len() - 1] {
        let found = Collected::of(FileType::DefenderQuarantine, &entry[..length]);
        assert!(!found.incomplete.is_empty(), "{length}");
    }
    survives_damage(FileType::DefenderQuarantine, &entry);
    survives_damage(FileType::DefenderQuarantine, &link);
}

#[test]
fn a_line_in_front_tells_the_product() {
    for (product, file) in
        [("kaspersky-server", quarantine::kaspersky_server(CONTENT)), ("eset", quarantine::eset(CONTENT))]
    {
        let found = Collected::of(FileType::NamedQuarantine, &quarantine::named(product, &file));
        assert_eq!(found.children[0].bytes, CONTENT, "{product}");
    }
    let unknown = Collected::of(FileType::NamedQuarantine, &quarantine::named("sophos", CONTENT));
    assert!(matches!(unknown.incomplete[..], [Reason::Unsupported(_)]));
    for cut in ["CANDOR-QUARANTINE\n", "CANDOR-QUARANTINE\neset", "CANDOR"] {
        let found = Collected::of(FileType::NamedQuarantine, cut.as_bytes());
        assert!(matches!(found.incomplete[..], [Reason::Malformed(_)]), "{cut}");
    }
}

#[test]
fn streams_of_a_compound_file_are_no_quarantine_without_a_description() {
    let other =
        candor_fixtures::document::compound("", &[("Details", b"x".to_vec()), ("File_0", b"y".to_vec())]);
    let found = Collected::of(FileType::MsOle2, &other);
    assert_eq!(detail(&found, "quarantine"), [""; 0]);
    assert_eq!(found.children.len(), 2);
}

#[test]
fn moments_are_those_of_the_calendar() {
    for (seconds, expected) in [
        (1, "1970-01-01T00:00:01Z"),
        (951_782_400, "2000-02-29T00:00:00Z"),
        (1_727_582_400, "2024-09-29T04:00:00Z"),
        (4_107_542_400, "2100-03-01T00:00:00Z"),
        (253_402_300_799, "9999-12-31T23:59:59Z"),
    ] {
        assert_eq!(moment::from_unix(seconds).as_deref(), Some(expected));
    }
    assert_eq!((moment::from_unix(0), moment::from_unix(253_402_300_800)), (None, None));
    assert_eq!(moment::from_windows(u64::MAX), None);
    assert_eq!(moment::from_windows(0), None);
}

#[test]
fn damage_is_survived() {
    for (file_type, bytes) in files() {
        survives_damage(file_type, &bytes);
    }
}

#[test]
fn pieces_of_symantec_are_joined_however_many_they_are() {
    let content = vec![b'x'; (1 << 20) + 10];
    let bytes = quarantine::symantec(PATH, "X", 1, &content, 1);
    let found = Collected::of(FileType::SymantecQuarantine, &bytes);
    assert!(found.children[0].bytes == content);
    assert_eq!(found.incomplete, []);
}
