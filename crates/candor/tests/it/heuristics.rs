//! What `candor scan` tells without any signature, when it is asked to.

use candor_fixtures::zip::{self, Member};

use crate::run::{Place, eicar};

fn archive(encrypted: bool, name: &str, bytes: &[u8]) -> Vec<u8> {
    zip::build(&[Member { name: name.into(), bytes: bytes.to_vec(), deflate: false, encrypted }])
}

#[test]
fn encrypted_archives_are_suspicious_only_on_request() {
    let place = Place::new();
    place.file("a.zip", archive(true, "a.txt", b"as if it were encrypted, and long enough"));
    let said = place.run(&["scan", "--only-findings", "a.zip"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    for option in ["--alert-encrypted", "--alert-encrypted-archive"] {
        let said = place.run(&["scan", "--only-findings", option, "a.zip"]);
        assert_eq!(said.stdout, "a.zip: suspicious: Heuristics.Encrypted.Zip (in a.txt)\n");
        assert_eq!(said.code, 1);
    }
    let off = ["scan", "--only-findings", "--alert-encrypted", "--heuristic-alerts", "no", "a.zip"];
    assert_eq!(place.run(&off).stdout, "");
    assert_eq!(place.run(&["scan", "--only-findings", "--alert-encrypted-doc", "a.zip"]).stdout, "");
}

#[test]
fn numbers_of_cards_in_a_member() {
    let place = Place::new();
    let text = "cards: 4111111111111111, 5500-0000-0000-0004 and 378282246310005\n";
    place.file("a.zip", archive(false, "list.txt", text.as_bytes()));
    assert_eq!(place.run(&["scan", "--only-findings", "a.zip"]).code, 0);
    let said = place.run(&["scan", "--only-findings", "--detect-structured", "a.zip"]);
    assert_eq!(said.stdout, "a.zip: suspicious: Heuristics.Structured.CreditCardNumber (in list.txt)\n");
    let many = ["scan", "--only-findings", "--detect-structured", "--structured-cc-count", "4", "a.zip"];
    assert_eq!(place.run(&many).code, 0);
}

#[test]
fn limits_are_told_besides_what_was_not_looked_at() {
    let place = Place::new();
    place.file("a.zip", archive(false, "b.zip", &archive(false, "c.txt", b"deep")));
    let said = place.run(&["scan", "--json", "--alert-exceeds-max", "--max-depth", "2", "a.zip"]);
    let object = said.json_of("a.zip");
    assert_eq!(object["findings"][0]["signature"], "Heuristics.Limits.Exceeded.MaxRecursion");
    assert_eq!(object["verdict"], "suspicious");
    assert_eq!(object["reasons"][0]["code"], "limit-depth");
}

#[test]
fn a_file_over_the_limit_is_told_besides() {
    let place = Place::new();
    place.file("a", [b'a'; 5000]);
    let said = place.run(&["scan", "--json", "--max-file-size", "1K", "a"]);
    let object = said.json_of("a");
    assert_eq!((&object["verdict"], &object["file_type"]), (&"incomplete".into(), &"CL_TYPE_ANY".into()));
    for more in [&[][..], &["--no-sandbox"]] {
        let all =
            [&["scan", "--json", "--alert-exceeds-max", "--max-file-size", "1K", "a"][..], more].concat();
        let object = place.run(&all).json_of("a");
        assert_eq!(object["findings"][0]["signature"], "Heuristics.Limits.Exceeded.MaxFileSize");
        assert_eq!(object["verdict"], "suspicious");
        assert_eq!(object["reasons"][0]["code"], "limit-file-size");
    }
}

#[test]
fn a_heuristic_never_convicts_and_never_hides_what_does() {
    let place = Place::new();
    let mut cut = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    place.file("cut.png", &cut);
    let said = place.run(&["scan", "--only-findings", "--alert-broken-media", "cut.png"]);
    assert_eq!(said.stdout, "cut.png: suspicious: Heuristics.Broken.Media.PNG.EOFReadingChunk\n");
    cut.extend(archive(false, "eicar.com", &eicar()));
    place.file("both.png", &cut);
    let object = place.run(&["scan", "--json", "--alert-broken-media", "both.png"]).json_of("both.png");
    assert_eq!(object["verdict"], "infected", "{object}");
}

#[test]
fn a_program_that_is_cut_short_is_broken() {
    let place = Place::new();
    let mut program = vec![0_u8; 0x40];
    program[..2].copy_from_slice(b"MZ");
    program[0x3c] = 0x40;
    program.extend(b"PE\0\0\x4c\x01\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\xe0\0\x0f\x01");
    let mut optional = vec![0_u8; 0xe0];
    optional[..2].copy_from_slice(&[0x0b, 1]);
    // It begins with its section.
    optional[17] = 0x10;
    optional[33] = 0x10;
    optional[37] = 2;
    optional[61] = 2;
    optional[92] = 16;
    program.extend(optional);
    program
        .extend(b".text\0\0\0\0\x10\0\0\0\x10\0\0\0\x04\0\0\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x20\0\0\x60");
    program.resize(0x200, 0);
    place.file("cut.exe", &program);
    program.resize(0x600, 0x90);
    place.file("whole.exe", &program);
    let said = place.run(&["scan", "--only-findings", "--alert-broken", "cut.exe", "whole.exe"]);
    assert_eq!(said.stdout, "cut.exe: suspicious: Heuristics.Broken.Executable\n");
}
