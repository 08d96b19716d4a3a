//! Macros of Excel 4: what they say, where they hide, and damage.

use candor_fixtures::document::{self, Formula};
use candor_model::{Anomaly, FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn workbook() -> Vec<u8> {
    document::macro_workbook(
        1,
        &[
            // EXEC("calc.exe")
            Formula { row: 0, column: 0, tokens: b"\x17\x08\0calc.exe\x42\x01\x6e\0".to_vec() },
            // FORMULA(CHAR(65)&"needle",R1C2)
            Formula {
                row: 1,
                column: 0,
                tokens:
                    b"\x1e\x41\0\x41\x6f\0\x17\x06\x01n\0e\0e\0d\0l\0e\0\x08\x24\0\0\x01\0\x42\x02\x60\x80"
                        .to_vec(),
            },
            Formula { row: 2, column: 0, tokens: b"\x42\0\x36\0".to_vec() },
        ],
    )
}

fn text_of(workbook: Vec<u8>) -> (String, Collected) {
    let found = Collected::of(FileType::MsOle2, &document::compound("", &[("Workbook", workbook)]));
    let text = found.children.iter().find(|child| child.member.name == "Workbook.xlm");
    (text.map(|child| String::from_utf8(child.bytes.clone()).unwrap()).unwrap_or_default(), found)
}

#[test]
fn formulas_are_text_in_the_words_of_clamav_and_in_those_of_excel() {
    let (text, found) = text_of(workbook());
    assert_eq!(found.anomalies, [Anomaly::XlmMacros]);
    assert_eq!(found.incomplete, []);
    assert_eq!(found.details, [("macro-sheet", "hidden: Macro1".to_owned())]);
    // The first two lines and the first formula are those of ClamAV 1.4.6, but for the end of the text, which
    // it cuts off.
    for line in [
        "0085     14   BOUNDSHEET : Sheet Information - Excel 4.0 macro sheet, hidden\n",
        "0018     23   LABEL : Cell Value, String Constant - built-in-name 1 auto_open",
        "0006     37   FORMULA : Cell Formula - R1C1 len=15  ptgStr calc.exe ptgFuncVarV args 1 func EXEC (0x006e) \n",
        "R1C1 =EXEC(\"calc.exe\")\n",
        "R2C1 =FORMULA(CHAR(65)&\"needle\",R1C2)\n",
        "R3C1 =HALT()\n",
        "000a      0   EOF : End of File\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

#[test]
fn formulas_of_excel_5_are_read() {
    // EXEC("calc.exe"), and ALERT(name7&R2C3&R~1C~1:R2C2&sheet1!name8&sheet2!R1C1&#REF!).
    let tokens = [
        &b"\x43\x07\0"[..],
        &[0; 12],
        b"\x44\x01\0\x02\x08\x45\0\xc0\x01\0\0\x01\x08",
        b"\x59\x01\0\0\0\0\0\0\0\0\0\x08\0",
        &[0; 12],
        b"\x08\x5a\x02\0",
        &[0; 12],
        b"\0\0\0\x08\x4a\0\0\0\x08\x42\x01\x76\x80",
    ]
    .concat();
    let record =
        |kind: u16, body: &[u8]| [&kind.to_le_bytes()[..], &(body.len() as u16).to_le_bytes(), body].concat();
    let formula = |row: u8, tokens: &[u8]| {
        record(0x06, &[&[row, 0, 0, 0][..], &[0; 16], &(tokens.len() as u16).to_le_bytes(), tokens].concat())
    };
    let workbook = [
        record(0x809, &[0, 5, 5, 0, 0, 0, 0, 0]),
        record(0x85, b"\0\0\0\0\x01\x01\x06Macro1"),
        record(0x18, b"\x20\0\0\x01\0\0\0\0\0\0\0\0\0\0\x01"),
        record(0x18, b"\0\0\0\x04\0\0\0\0\0\0\0\0\0\0name"),
        record(0x0a, &[]),
        record(0x809, &[0, 5, 0x40, 0, 0, 0, 0, 0]),
        formula(0, b"\x17\x08calc.exe\x42\x01\x6e\0"),
        record(0x207, b"\x04\0text"),
        formula(1, &tokens),
        record(0x0a, &[]),
    ]
    .concat();
    let (text, found) = text_of(workbook);
    assert_eq!(found.incomplete, []);
    for line in [
        "Excel 4.0 macro sheet, hidden\nsheet \"Macro1\"\n",
        "String Constant - built-in-name 1 auto_open",
        "String Constant - name = \n",
        "String Value of a Formula - \"text\"\n",
        "ptgStr calc.exe ptgFuncVarV args 1 func EXEC (0x006e) \n",
        "R1C1 =EXEC(\"calc.exe\")\n",
        "R2C1 =ALERT(name7&R2C3&R~1C~1:R2C2&sheet1!name8&sheet2!R1C1&#REF!)\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

#[test]
fn a_sheet_counts_when_only_one_place_says_that_it_is_for_macros() {
    let honest = workbook();
    let listed = honest.windows(4).position(|window| window == [0x85, 0, 14, 0]).unwrap() + 4 + 5;
    let started = honest.windows(4).rposition(|window| window == [9, 8, 16, 0]).unwrap() + 4 + 2;
    let mut changed = honest.clone();
    changed[listed] = 0;
    assert_eq!(text_of(changed.clone()).1.anomalies, [Anomaly::XlmMacros]);
    changed[started] = 0x10;
    assert_eq!(text_of(changed).1.anomalies, []);
    let mut changed = honest;
    changed[started] = 0x10;
    assert_eq!(text_of(changed).1.anomalies, [Anomaly::XlmMacros]);
}

#[test]
fn what_cannot_be_read_is_told_and_the_rest_is_kept() {
    let formula = |tokens: &[u8]| {
        document::macro_workbook(0, &[Formula { row: 0, column: 0, tokens: tokens.to_vec() }])
    };
    for tokens in [&b"\x1e\x07\0\x18"[..], b"\x1e\x07\0\x17\xff\0x", b"\x1e\x07\0\x42\x01"] {
        let (text, found) = text_of(formula(tokens));
        assert_eq!(found.incomplete, [Reason::Malformed("a macro of Excel 4".to_owned())]);
        assert!(text.contains("R1C1 =7"), "{text}");
    }
    // More operators than operands.
    assert!(text_of(formula(&[3; 100])).0.contains("?+"));
}

#[test]
fn nesting_costs_no_more_than_its_length() {
    let operands: Vec<u8> = b"\x1e\x07\0".repeat(4000);
    let tokens = [operands, vec![8; 3999]].concat();
    let many: Vec<Formula> = (0..205).map(|row| Formula { row, column: 0, tokens: tokens.clone() }).collect();
    let macros = super::read(&document::macro_workbook(0, &many)).unwrap();
    assert!(macros.text.matches("7&7").count() > 100_000);
    assert!(macros.text.len() <= super::TEXT + (1 << 20));
    assert_eq!(macros.missing, Some("macros of Excel 4 beyond 16 MiB of text"));
}

#[test]
fn damaged_workbooks_are_survived() {
    survives_damage(FileType::MsOle2, &document::compound("", &[("Workbook", workbook())]));
}
