//! What is in archives, and in archives of archives.

use candor_engine::{DEEPEST, Options, Scanner};
use candor_fixtures::zip::{Member, build};
use candor_fixtures::zip_methods;
use candor_model::{FileType, Interrupt, Limits, Reason, Verdict};

use crate::{eicar, scan, signatures};

const DIGEST: &str = "44d88612fea8a8f36de82e1278abb02f:68:Test.EICAR\n";

fn zip(name: &str, bytes: &[u8], deflate: bool) -> Vec<u8> {
    build(&[Member { name: name.to_owned(), bytes: bytes.to_vec(), deflate, encrypted: false }])
}

#[test]
fn the_test_file_is_found_by_its_digest() {
    let image = signatures(&[("test.hdb", DIGEST)]);
    let report = scan(&image, &eicar());
    assert_eq!(report.verdict, Verdict::Infected);
    assert_eq!(report.findings[0].signature, "Test.EICAR");
    assert_eq!(scan(&image, &eicar()[1..]).verdict, Verdict::Clean);
}

#[test]
fn the_test_file_is_found_at_its_place_in_nested_archives() {
    let image = signatures(&[("test.hdb", DIGEST)]);
    let mut file = eicar();
    for (depth, deflate) in [(1, true), (2, false), (3, true)] {
        file = zip(&format!("level{depth}"), &file, deflate);
    }
    let report = scan(&image, &file);
    assert_eq!(report.verdict, Verdict::Infected);
    assert_eq!(report.file_type, FileType::Zip);
    let place: Vec<_> = report.findings.iter().map(|finding| finding.path.join("/")).collect();
    assert_eq!(place, ["level3/level2/level1"]);
}

#[test]
fn the_deepest_nesting_that_is_allowed_fits_on_the_stack_of_a_thread() {
    let image = signatures(&[("test.hdb", DIGEST)]);
    let mut file = eicar();
    for _ in 1..DEEPEST {
        file = zip("m", &file, true);
    }
    let options =
        |max_depth| Options { limits: Limits { max_depth, ..Limits::default() }, ..Options::default() };
    let report = Scanner::new(&image, options(DEEPEST)).scan(&file, "file", &Interrupt::new());
    assert_eq!(report.verdict, Verdict::Infected);
    assert_eq!(report.layers.len(), DEEPEST as usize);
    let report = Scanner::new(&image, options(DEEPEST - 1)).scan(&file, "file", &Interrupt::new());
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(report.incomplete[0].reason, Reason::Depth);
}

#[test]
fn a_member_that_expands_too_much_is_never_clean() {
    let image = signatures(&[("test.hdb", DIGEST)]);
    let bomb = zip("zeros", &vec![0; 3 << 20], true);
    assert_eq!(scan(&image, &bomb).verdict, Verdict::Clean);
    let cases = [
        (Limits { max_ratio: 2, ..Limits::default() }, Reason::Ratio),
        (Limits { max_file_size: 1 << 20, ..Limits::default() }, Reason::FileSize),
        (Limits { max_scan_size: 1 << 20, ..Limits::default() }, Reason::ScanSize),
    ];
    for (limits, reason) in cases {
        let options = Options { limits, ..Options::default() };
        let report = Scanner::new(&image, options).scan(&bomb, "file", &Interrupt::new());
        assert_eq!(report.verdict, Verdict::Incomplete);
        assert!(report.incomplete.iter().any(|missed| missed.reason == reason && missed.path == ["zeros"]));
        assert!(report.bytes <= limits.max_scan_size);
    }
}

#[test]
fn an_encrypted_member_is_never_clean() {
    let image = signatures(&[("test.hdb", DIGEST)]);
    let secret =
        zip_methods::pack("secret", &[1; 50], 0).with_traditional_encryption(b"no one knows this one");
    let report = scan(&image, &zip_methods::archive(&[secret]));
    assert_eq!(report.verdict, Verdict::Incomplete);
    assert_eq!(report.incomplete[0].reason, Reason::Encrypted);
    assert_eq!(report.incomplete[0].path, ["secret"]);
}

#[test]
fn members_are_found_by_what_the_archive_says_of_them() {
    let image = signatures(&[("test.cdb", "Test.Name:CL_TYPE_ZIP:*:invoice.*[.]exe:*:*:1:*:*:*\n")]);
    let member = |name: &str, encrypted| Member {
        name: name.to_owned(),
        bytes: vec![7; 9],
        deflate: false,
        encrypted,
    };
    let report = scan(&image, &build(&[member("readme", true), member("invoice-7.exe", true)]));
    assert_eq!(report.verdict, Verdict::Infected);
    assert_eq!(report.findings[0].path, ["invoice-7.exe"]);
    let report = scan(&image, &build(&[member("invoice-7.exe", false)]));
    assert_eq!(report.verdict, Verdict::Clean);
}

#[test]
fn passwords_come_from_options_from_the_database_and_from_the_mail() {
    let member = zip_methods::pack("a", &eicar(), 8).with_aes(b"unusual7");
    let archive = zip_methods::archive(&[member]);
    let without = signatures(&[("test.hdb", DIGEST)]);
    assert_eq!(scan(&without, &archive).verdict, Verdict::Incomplete);
    let listed = signatures(&[("test.hdb", DIGEST), ("test.pwdb", "A;Engine:81-255;0;unusual7\n")]);
    assert_eq!(scan(&listed, &archive).verdict, Verdict::Infected);
    let options = Options { passwords: vec![b"unusual7".to_vec()], ..Options::default() };
    let report = Scanner::new(&without, options).scan(&archive, "file", &Interrupt::new());
    assert_eq!(report.verdict, Verdict::Infected);
    let mail = |text: &str| {
        let head = "From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n";
        let part = "\r\n--x\r\nContent-Type: application/zip\r\n\r\n";
        // The kilobyte that is looked at to tell the type is text.
        let filling = "regards\r\n".repeat(150);
        [head.as_bytes(), text.as_bytes(), filling.as_bytes(), part.as_bytes(), &archive, b"\r\n--x--\r\n"]
            .concat()
    };
    assert_eq!(scan(&without, &mail("Your invoice. Password: unusual7\r\n")).verdict, Verdict::Infected);
    assert_eq!(scan(&without, &mail("Your invoice. unusual7")).verdict, Verdict::Incomplete);
}
