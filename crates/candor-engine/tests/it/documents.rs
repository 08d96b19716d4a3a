//! Documents and scripts, from the file to the finding.

use candor_engine::{Heuristics, Options, Scanner};
use candor_fixtures::document::{self, Formula};
use candor_model::{Interrupt, Report, Verdict};

use crate::{scan, signatures};

fn workbook() -> Vec<u8> {
    let tokens = b"\x17\x08\0calc.exe\x42\x01\x6e\0".to_vec();
    document::compound(
        "",
        &[("Workbook", document::macro_workbook(1, &[Formula { row: 0, column: 0, tokens }]))],
    )
}

fn names(report: &Report) -> Vec<&str> {
    let mut names: Vec<&str> = report.findings.iter().map(|finding| finding.signature.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[test]
fn macros_are_suspicious_when_somebody_asks() {
    let image = signatures(&[("a.ndb", "Nothing:0:*:6e6f7468696e67206c696b652074686973")]);
    let heuristics = Heuristics { macros: true, ..Heuristics::default() };
    let mut asking = Scanner::new(&image, Options { heuristics, ..Options::default() });
    let source = document::vba(b"Attribute VB_Name = \"A\"\r\nSub AutoOpen()\r\nEnd Sub\r\n");
    let stomped = [&b"\xb9\0\x08\0calc.exe"[..], &source].concat();
    let project = |module: Vec<u8>, offset: u32| {
        document::compound("VBA", &[("dir", document::vba_directory("A", offset)), ("A", module)])
    };
    for (file, expected) in [
        (workbook(), &["Heuristics.OLE2.ContainsMacros.XLM"][..]),
        (project(source, 0), &["Heuristics.OLE2.ContainsMacros.VBA"]),
        (project(stomped, 12), &["Heuristics.OLE2.ContainsMacros.VBA", "Heuristics.OLE2.StompedMacros"]),
    ] {
        let report = asking.scan(&file, "file", &Interrupt::new());
        assert_eq!((report.verdict, names(&report)), (Verdict::Suspicious, expected.to_vec()));
        assert_eq!(scan(&image, &file).verdict, Verdict::Clean);
    }
}

#[test]
fn signatures_find_formulas_in_the_words_of_clamav() {
    // `func EXEC (0x006e)`, as it stands and as normalised text.
    let image = signatures(&[(
        "a.ndb",
        "Test.Raw:0:*:66756e632045584543202830783030366529\nTest.Text:7:*:66756e632065786563202830783030366529\n",
    )]);
    let report = scan(&image, &workbook());
    assert_eq!(names(&report), ["Test.Raw", "Test.Text"]);
    assert_eq!(report.findings[0].path, ["Workbook.xlm"]);
}

#[test]
fn encoded_scripts_are_found_where_clamav_finds_them_and_where_it_does_not() {
    let encoded = b"#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@";
    // `msgbox"hello"` in HTML, `MsgBox "Hello"` anywhere.
    let image = signatures(&[(
        "a.ndb",
        "Test.Page:3:*:6d7367626f782268656c6c6f22\nTest.Plain:0:*:4d7367426f78202248656c6c6f22\n",
    )]);
    let page = [b"<html><script language=\"JScript.Encode\">", &encoded[..], b"</script></html>"].concat();
    let text = [b"first line\r\n", &encoded[..]].concat();
    assert_eq!(names(&scan(&image, encoded)), ["Test.Page", "Test.Plain"]);
    assert_eq!(names(&scan(&image, &page)), ["Test.Page"]);
    assert_eq!(names(&scan(&image, &text)), ["Test.Plain"]);
}
