//! What is told, and what only when it was asked for.

use candor_model::{Anomaly, FileType, Reason};

use super::{Heuristics, Structured};

fn all() -> Heuristics {
    Heuristics {
        enabled: true,
        broken_executables: true,
        broken_media: true,
        encrypted_archives: true,
        encrypted_documents: true,
        exceeded_limits: true,
        macros: true,
        partition_intersections: true,
        phishing_addresses: true,
        phishing_cloaks: true,
        phishing_ssl: true,
        structured: Some(Structured::default()),
    }
}

const ANOMALIES: [(Anomaly, &str, bool); 12] = [
    (Anomaly::BrokenExecutable, "Heuristics.Broken.Executable", false),
    (Anomaly::BrokenMedia("PNG.InvalidChunkLength"), "Heuristics.Broken.Media.PNG.InvalidChunkLength", false),
    (Anomaly::ImageExploit("W32.MS04-028"), "Heuristics.Exploit.W32.MS04-028", true),
    (Anomaly::ObfuscatedPdfName, "Heuristics.PDF.ObfuscatedNameObject", true),
    (Anomaly::OverlappingZip, "Heuristics.Zip.OverlappingFiles", true),
    (Anomaly::PartitionIntersection("MBR"), "Heuristics.MBRPartitionnIntersect", false),
    (Anomaly::PartitionIntersection("GPT"), "Heuristics.GPTPartitionIntersection", false),
    (Anomaly::PartitionIntersection("APM"), "Heuristics.APMPartitionIntersection", false),
    (Anomaly::StompedMacros, "Heuristics.OLE2.StompedMacros", false),
    (Anomaly::StructuredData("SSN"), "Heuristics.Structured.SSN", false),
    (Anomaly::VbaMacros, "Heuristics.OLE2.ContainsMacros.VBA", false),
    (Anomaly::XlmMacros, "Heuristics.OLE2.ContainsMacros.XLM", false),
];

#[test]
fn names_and_defaults_are_those_of_clamav() {
    let off = Heuristics { enabled: false, ..all() };
    for (anomaly, name, by_default) in ANOMALIES {
        assert_eq!(all().of_anomaly(anomaly).as_deref(), Some(name));
        assert_eq!(Heuristics::default().of_anomaly(anomaly).is_some(), by_default, "{name}");
        assert_eq!(off.of_anomaly(anomaly), None);
    }
}

#[test]
fn what_could_not_be_opened() {
    let name = |reason: Reason, file_type| all().of_reason(&reason, file_type).unwrap();
    assert_eq!(name(Reason::Encrypted, FileType::Zip), "Heuristics.Encrypted.Zip");
    assert_eq!(name(Reason::Encrypted, FileType::Rar), "Heuristics.Encrypted.RAR");
    assert_eq!(name(Reason::Encrypted, FileType::SevenZip), "Heuristics.Encrypted.7Zip");
    assert_eq!(name(Reason::Encrypted, FileType::Pdf), "Heuristics.Encrypted.PDF");
    assert_eq!(name(Reason::Encrypted, FileType::MsOle2), "Heuristics.Encrypted.OLE2");
    assert_eq!(name(Reason::Depth, FileType::Zip), "Heuristics.Limits.Exceeded.MaxRecursion");
    assert_eq!(name(Reason::Children, FileType::Zip), "Heuristics.Limits.Exceeded.MaxFiles");
    assert_eq!(name(Reason::Timeout, FileType::Zip), "Heuristics.Limits.Exceeded.MaxScanTime");
    assert_eq!(all().of_reason(&Reason::Crashed, FileType::Zip), None);
    let documents = Heuristics { encrypted_archives: false, ..all() };
    assert_eq!(documents.of_reason(&Reason::Encrypted, FileType::Zip), None);
    assert_eq!(Heuristics::default().of_reason(&Reason::Encrypted, FileType::Zip), None);
}

fn found(text: &str, structured: Structured) -> Vec<Anomaly> {
    structured.search(text.as_bytes())
}

const CARDS: Anomaly = Anomaly::StructuredData("CreditCardNumber");
const NUMBERS: Anomaly = Anomaly::StructuredData("SSN");

#[test]
fn numbers_of_cards_have_a_check_digit_and_an_issuer() {
    let one = Structured { cards: 1, ..Structured::default() };
    // Numbers that card companies publish for tests.
    for card in [
        "4111111111111111",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "378282246310005",
        "30569309025904",
    ] {
        assert_eq!(found(card, one), [CARDS], "{card}");
        assert_eq!(found(&format!("x: {card}, y"), one), [CARDS], "{card}");
    }
    let others = [
        "4111111111111112",
        "41111111111111110",
        "x4111111111111111",
        "4111111111111111x",
        "0000000000000000",
        "1234567812345670",
        "4111  1111 1111 1111",
    ];
    for other in others {
        assert_eq!(found(other, one), [], "{other}");
    }
    let text = "4111111111111111\n4111111111111111\n";
    assert_eq!(found(text, Structured::default()), []);
    assert_eq!(found(&format!("{text}378282246310005"), Structured::default()), [CARDS]);
    let list = "17 4111111111111111 5500000000000004 378282246310005 99";
    assert_eq!(found(list, Structured::default()), [CARDS]);
    assert_eq!(found(list, Structured { cards: 4, ..Structured::default() }), []);
}

#[test]
fn numbers_of_social_security_have_parts_that_are_given_out() {
    let one = Structured { security_numbers: Some(1), ..Structured::default() };
    assert_eq!(found("is 123-45-6789.", one), [NUMBERS]);
    for other in [
        "000-45-6789",
        "666-45-6789",
        "923-45-6789",
        "123-00-6789",
        "123-45-0000",
        "123-45-67890",
        "1123-45-6789",
        "123456789",
    ] {
        assert_eq!(found(other, one), [], "{other}");
    }
    assert_eq!(found("123456789", Structured { plain: true, ..one }), [NUMBERS]);
    assert_eq!(found("123-45-6789", Structured { security_numbers: None, ..one }), []);
}

#[test]
fn any_bytes_take_linear_time() {
    let digits = vec![b'4'; 2 << 20];
    assert_eq!(Structured::default().search(&digits), []);
    let separated: Vec<u8> = b"4 ".repeat(1 << 20);
    assert_eq!(Structured::default().search(&separated), []);
}
