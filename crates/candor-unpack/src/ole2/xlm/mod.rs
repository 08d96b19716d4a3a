//! Excel 4 macros: formulas in sheets of their own, as text.
//!
//! Layout: MS-XLS 2.1.4 (records), 2.4.28 (`BoundSheet8`), 2.4.127 (`Formula`), 2.4.150 (`Lbl`). The older files of Excel 5 and 95
//! are those of `OpenOffice.org`'s documentation of the Excel file format: the same records (5.8 BIFF5), whose text has one byte
//! for each character and nothing before it (2.5.2), and shorter cells and longer names in formulas (3.4 to 3.8).
//!
//! ```text
//! records: number 2, length 2, content
//! globals: BOF, BOUNDSHEET for every sheet, LABEL for every name, EOF; then each sheet from BOF to EOF
//! ```
//!
//! The text has one line for every record, in the form that ClamAV writes, so that signatures for it hit;
//! under a formula stands what Excel shows. Hostile files hide the sheet, name the cell where Excel
//! starts in odd ways, put commands together from characters, and say in one place what is not so in
//! another: a sheet counts as one of macros when the list of sheets or the sheet itself says so.

mod formula;
mod functions;
#[cfg(test)]
mod tests;

use std::fmt::Write as _;

use crate::reader::{Reader, clipped};
use functions::Functions;

/// Longest text of one workbook.
const TEXT: usize = 16 << 20;
/// Bytes of a formula that are read; Excel writes no more than 1,800.
const FORMULA: u64 = 16 << 10;

const NAME: u16 = 0x18;
const SHEET: u16 = 0x85;
const FORMULA_RECORD: u16 = 0x06;
const STRING: u16 = 0x207;
const START: u16 = 0x809;

/// The version of a workbook, which says how long text and cells are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Biff {
    /// Excel 5 and 95.
    Five,
    /// Excel 97 and later.
    Eight,
}

impl Biff {
    /// That of the first beginning in the stream.
    fn of(workbook: &[u8]) -> Self {
        let start = records(workbook).find(|(kind, _)| *kind == START);
        match start {
            Some((_, [_, 5, ..])) => Self::Five,
            _ => Self::Eight,
        }
    }

    /// Text of `count` characters; since Excel 97 it stands behind the byte that says whether each has one byte or two.
    fn text(self, reader: &mut Reader<'_>, count: u64) -> Option<String> {
        if self == Self::Five || reader.u8()? & 1 == 0 {
            return Some(reader.take(count)?.iter().copied().map(char::from).collect());
        }
        let bytes = reader.take(count.checked_mul(2)?)?;
        let units = bytes.as_chunks::<2>().0.iter().map(|&unit| u16::from_le_bytes(unit));
        Some(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    }
}

/// The macros of a workbook.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Macros {
    /// Its records, and the formulas as Excel shows them.
    pub(super) text: String,
    /// The names of sheets that are not shown.
    pub(super) hidden: Vec<String>,
    /// The part that could not be written down or read, if any.
    pub(super) missing: Option<&'static str>,
}

/// The macros in the stream of a workbook; `None` when it has no sheet for them.
pub(super) fn read(workbook: &[u8]) -> Option<Macros> {
    if !has_macro_sheet(workbook) {
        return None;
    }
    let (biff, functions) = (Biff::of(workbook), Functions::new());
    let mut macros = Macros::default();
    for (kind, record) in records(workbook) {
        if macros.text.len() >= TEXT {
            macros.missing = Some("macros of Excel 4 beyond 16 MiB of text");
            break;
        }
        // Padding.
        if kind == 0 && record.is_empty() {
            continue;
        }
        let _ = write!(macros.text, "{kind:04x} {:6}   ", record.len());
        let whole = macros.record(kind, record, biff, &functions);
        macros.text.push('\n');
        if whole.is_none() {
            macros.missing = Some("a macro of Excel 4");
        }
    }
    Some(macros)
}

/// Whether the list of sheets or a sheet itself says that it is one of macros.
fn has_macro_sheet(workbook: &[u8]) -> bool {
    records(workbook).any(|(kind, record)| match kind {
        SHEET => record.get(5) == Some(&1),
        START => matches!(record.get(..4), Some([_, 5 | 6, 0x40, 0])),
        _ => false,
    })
}

/// The records of a stream, as far as their heads are there.
fn records(workbook: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut reader = Reader::little(workbook);
    std::iter::from_fn(move || {
        let kind = reader.u16()?;
        let length = reader.u16()?;
        let record = clipped(reader.rest(), 0, u64::from(length));
        reader.skip(u64::try_from(record.len()).ok()?)?;
        Some((kind, record))
    })
}

impl Macros {
    /// Writes what a record says; `None` when it could not be read as a whole.
    fn record(&mut self, kind: u16, record: &[u8], biff: Biff, functions: &Functions) -> Option<()> {
        match kind {
            START => self.text.push_str("BOF : Beginning of File"),
            0x0a => self.text.push_str("EOF : End of File"),
            SHEET => return self.sheet(record, biff),
            NAME => return self.name(record, biff, functions),
            FORMULA_RECORD => return self.formula(record, biff, functions),
            STRING => {
                let mut reader = Reader::little(record);
                let count = reader.u16()?;
                let value = biff.text(&mut reader, u64::from(count))?;
                let _ = write!(self.text, "STRING : String Value of a Formula - \"{value}\"");
            }
            _ => self.text.push_str("<other>"),
        }
        Some(())
    }

    fn sheet(&mut self, record: &[u8], biff: Biff) -> Option<()> {
        let mut reader = Reader::little(record).at(4)?;
        let (state, kind, count) = (reader.u8()?, reader.u8()?, reader.u8()?);
        let name = biff.text(&mut reader, u64::from(count)).unwrap_or_default();
        let kind_name = match kind {
            0 => "worksheet or dialog sheet",
            1 => "Excel 4.0 macro sheet",
            2 => "chart",
            6 => "Visual Basic module",
            _ => "unknown sheet",
        };
        let shown = match state & 3 {
            0 => "visible",
            1 => "hidden",
            _ => "very hidden",
        };
        let _ = write!(
            self.text,
            "BOUNDSHEET : Sheet Information - {kind_name}, {shown}\nsheet \"{}\"",
            line(&name)
        );
        if kind == 1 && state & 3 != 0 && self.hidden.len() < 64 {
            self.hidden.push(name);
        }
        Some(())
    }

    /// A name, which may be that of the cell where Excel starts.
    fn name(&mut self, record: &[u8], biff: Biff, functions: &Functions) -> Option<()> {
        let mut reader = Reader::little(record);
        let flags = reader.u16()?;
        reader.skip(1)?;
        let (count, length) = (reader.u8()?, reader.u16()?);
        let mut reader = reader.at(14)?;
        let name = biff.text(&mut reader, u64::from(count))?;
        self.text.push_str("LABEL : Cell Value, String Constant - ");
        match name.chars().next() {
            Some(number) if flags & 0x20 != 0 => {
                let number = u32::from(number);
                let _ = write!(self.text, "built-in-name {number} {}", built_in(number));
            }
            _ => self.text.push_str(&line(&name)),
        }
        let tokens = clipped(reader.rest(), 0, u64::from(length).min(FORMULA));
        let shown = formula::shown(tokens, biff, functions);
        let _ = write!(self.text, " = {}", line(&shown.infix));
        shown.is_whole.then_some(())
    }

    fn formula(&mut self, record: &[u8], biff: Biff, functions: &Functions) -> Option<()> {
        let mut reader = Reader::little(record);
        let cell = formula::place(reader.u16()?, reader.u16()?);
        let tokens = formula::tokens(record, 20, 22)?;
        let shown = formula::shown(clipped(tokens, 0, FORMULA), biff, functions);
        let _ = write!(
            self.text,
            "FORMULA : Cell Formula - {cell} len={}  {}\n{cell} ={}",
            tokens.len(),
            line(&shown.tokens),
            line(&shown.infix)
        );
        (shown.is_whole && tokens.len() as u64 <= FORMULA).then_some(())
    }
}

/// Text that stays within its line.
fn line(text: &str) -> String {
    text.replace(['\n', '\r', '\0'], " ")
}

/// Names that Excel knows by number.
const fn built_in(number: u32) -> &'static str {
    match number {
        0 => "consolidate_area",
        1 => "auto_open",
        2 => "auto_close",
        3 => "extract",
        4 => "database",
        5 => "criteria",
        6 => "print_area",
        7 => "print_titles",
        8 => "recorder",
        9 => "data_form",
        10 => "auto_activate",
        11 => "auto_deactivate",
        12 => "sheet_title",
        13 => "_filterdatabase",
        _ => "unknown",
    }
}
