//! Formulas: from the tokens of a stack machine to the list of tokens, and to what Excel shows.
//!
//! Layout: MS-XLS 2.5.198 (`Rgce`); what differs in files of Excel 5 stands in 3.4 to 3.8 of `OpenOffice.org`'s documentation. What cannot be read ends a formula; what came before is kept. Both texts
//! are made in one pass over the tokens, whatever their order is.

use std::fmt::Write as _;

use super::Biff;
use super::functions::{Functions, command};
use crate::reader::{Reader, clipped};

/// A formula as text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Its tokens, in the words that tools for analysis use.
    pub(super) tokens: String,
    /// As Excel shows it, without `=`.
    pub(super) infix: String,
    /// Whether all of it could be read.
    pub(super) is_whole: bool,
}

/// What the tokens in `bytes` are.
pub(super) fn shown(bytes: &[u8], biff: Biff, functions: &Functions) -> Shown {
    let mut machine =
        Machine { biff, functions, tokens: String::new(), nodes: Vec::new(), stack: Vec::new() };
    let mut reader = Reader::little(bytes);
    let mut is_whole = true;
    while !reader.rest().is_empty() && is_whole {
        is_whole = machine.token(&mut reader).is_some();
    }
    let infix = machine.infix();
    Shown { tokens: machine.tokens, infix, is_whole }
}

/// A part of a formula; the parts that it is made of are numbers of earlier ones.
enum Node {
    Text(String),
    Binary(&'static str, usize, usize),
    Around(&'static str, usize, &'static str),
    Call(String, Vec<usize>),
}

/// What is yet to be printed.
enum Piece<'a> {
    Text(&'a str),
    Node(usize),
}

struct Machine<'a> {
    biff: Biff,
    functions: &'a Functions,
    tokens: String,
    nodes: Vec<Node>,
    stack: Vec<usize>,
}

const BINARY: [(&str, &str); 15] = [
    ("Add", "+"),
    ("Sub", "-"),
    ("Mul", "*"),
    ("Div", "/"),
    ("Power", "^"),
    ("Concat", "&"),
    ("LT", "<"),
    ("LE", "<="),
    ("EQ", "="),
    ("GE", ">="),
    ("GT", ">"),
    ("NE", "<>"),
    ("Isect", " "),
    ("Union", ","),
    ("Range", ":"),
];

impl Machine<'_> {
    fn say(&mut self, name: &str, what: &str) {
        let gap = if what.is_empty() { "" } else { " " };
        let _ = write!(self.tokens, "ptg{name}{gap}{what} ");
    }

    fn push(&mut self, node: Node) {
        self.stack.push(self.nodes.len());
        self.nodes.push(node);
    }

    /// The number of the operand on top; a made up one when there is none.
    fn pop(&mut self) -> usize {
        self.stack.pop().unwrap_or_else(|| {
            self.nodes.push(Node::Text("?".to_owned()));
            self.nodes.len().saturating_sub(1)
        })
    }

    fn operand(&mut self, name: &str, text: String) {
        self.say(name, &text);
        self.push(Node::Text(text));
    }

    /// Takes one token; `None` when it cannot be read.
    fn token(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let kind = reader.u8()?;
        if let 0x20..=0x7f = kind {
            return self.classified(kind, reader);
        }
        match kind {
            0x01 | 0x02 => {
                let (row, column) = (reader.u16()?, reader.u16()?);
                let name = if kind == 1 { "Exp" } else { "Tbl" };
                self.operand(name, place(row, column));
            }
            0x03..=0x11 => {
                let (name, sign) = *BINARY.get(usize::from(kind.saturating_sub(3)))?;
                self.say(name, "");
                let (right, left) = (self.pop(), self.pop());
                self.push(Node::Binary(sign, left, right));
            }
            0x12..=0x15 => {
                let (name, before, behind) = match kind {
                    0x12 => ("Uplus", "+", ""),
                    0x13 => ("Uminus", "-", ""),
                    0x14 => ("Percent", "", "%"),
                    _ => ("Paren", "(", ")"),
                };
                self.say(name, "");
                let inner = self.pop();
                self.push(Node::Around(before, inner, behind));
            }
            0x16 => self.operand("MissArg", String::new()),
            0x17 => {
                let count = reader.u8()?;
                let text = self.biff.text(reader, u64::from(count))?;
                self.say("Str", &text);
                self.push(Node::Text(format!("\"{}\"", text.replace('"', "\"\""))));
            }
            0x19 => self.attribute(reader)?,
            0x1c => {
                let code = reader.u8()?;
                self.operand("Err", error(code).to_owned());
            }
            0x1d => {
                let value = reader.u8()? != 0;
                self.operand("Bool", if value { "TRUE" } else { "FALSE" }.to_owned());
            }
            0x1e => {
                let value = reader.u16()?;
                self.operand("Int", value.to_string());
            }
            0x1f => {
                let value = f64::from_bits(reader.u64()?);
                self.operand("Num", value.to_string());
            }
            _ => {
                self.say(&format!("<unknown {kind:#04x}>"), "");
                return None;
            }
        }
        Some(())
    }

    /// What says how a formula is evaluated and how it looks.
    fn attribute(&mut self, reader: &mut Reader<'_>) -> Option<()> {
        let (kind, value) = (reader.u8()?, reader.u16()?);
        if kind & 0x04 != 0 {
            reader.skip(u64::from(value).checked_add(1)?.checked_mul(2)?)?;
        }
        self.say("Attr", "");
        if kind & 0x10 != 0 {
            let inner = self.pop();
            self.push(Node::Call("SUM".to_owned(), vec![inner]));
        }
        Some(())
    }

    /// A token that says what its value is used as: reference, value or array.
    fn classified(&mut self, kind: u8, reader: &mut Reader<'_>) -> Option<()> {
        let class = match kind & 0x60 {
            0x40 => "V",
            0x60 => "A",
            _ => "",
        };
        match (kind & 0x1f) | 0x20 {
            0x20 => {
                reader.skip(7)?;
                self.operand(&format!("Array{class}"), "{}".to_owned());
            }
            0x21 => {
                let number = reader.u16()?;
                let count = self.functions.function(number).and_then(|(_, count)| count).unwrap_or(0);
                self.call(&format!("Func{class}"), number, count, "");
            }
            0x22 => {
                let (count, number) = (reader.u8()? & 0x7f, reader.u16()?);
                self.call(&format!("FuncVar{class}"), number, usize::from(count), &format!("args {count} "));
            }
            0x23 => {
                let number = u32::from(reader.u16()?);
                let number = match self.biff {
                    Biff::Five => reader.skip(12).map(|()| number)?,
                    Biff::Eight => number | u32::from(reader.u16()?) << 16,
                };
                self.operand(&format!("Name{class}"), format!("name{number}"));
            }
            0x24 | 0x2c => {
                let cell = self.cell(reader)?;
                self.operand(&format!("Ref{class}"), cell);
            }
            0x25 | 0x2d => {
                let area = self.area(reader)?;
                self.operand(&format!("Area{class}"), area);
            }
            0x26..=0x28 => {
                reader.skip(6)?;
                self.say(&format!("Mem{class}"), "");
            }
            0x29 | 0x2e | 0x2f => {
                reader.skip(2)?;
                self.say(&format!("MemFunc{class}"), "");
            }
            0x2a | 0x2b => {
                // As long as what they were.
                if kind & 0x1f == 0x0a {
                    self.cell(reader)?
                } else {
                    self.area(reader)?
                };
                self.operand(&format!("RefErr{class}"), "#REF!".to_owned());
            }
            0x39 => {
                let sheet = self.sheet(reader, 8)?;
                let number = reader.u16()?;
                reader.skip(if self.biff == Biff::Five { 12 } else { 2 })?;
                self.operand(&format!("NameX{class}"), format!("{sheet}!name{number}"));
            }
            0x3a => {
                let (sheet, cell) = (self.sheet(reader, 12)?, self.cell(reader)?);
                self.operand(&format!("Ref3d{class}"), format!("{sheet}!{cell}"));
            }
            0x3b => {
                let (sheet, area) = (self.sheet(reader, 12)?, self.area(reader)?);
                self.operand(&format!("Area3d{class}"), format!("{sheet}!{area}"));
            }
            0x3c | 0x3d => {
                self.sheet(reader, 12)?;
                if kind & 0x1f == 0x1c {
                    self.cell(reader)?
                } else {
                    self.area(reader)?
                };
                self.operand(&format!("RefErr3d{class}"), "#REF!".to_owned());
            }
            _ => {
                self.say(&format!("<unknown {kind:#04x}>"), "");
                return None;
            }
        }
        Some(())
    }

    /// A sheet by number; in older files something of this length stands behind it.
    fn sheet(&self, reader: &mut Reader<'_>, behind: u64) -> Option<String> {
        let number = reader.u16()?;
        reader.skip(if self.biff == Biff::Five { behind } else { 0 })?;
        Some(format!("sheet{number}"))
    }

    /// A cell; the older form says with its row what is relative.
    fn cell(&self, reader: &mut Reader<'_>) -> Option<String> {
        let row = reader.u16()?;
        let column = self.column(reader)?;
        Some(self.place(row, column))
    }

    fn area(&self, reader: &mut Reader<'_>) -> Option<String> {
        let (first_row, last_row) = (reader.u16()?, reader.u16()?);
        let (first_column, last_column) = (self.column(reader)?, self.column(reader)?);
        Some(format!("{}:{}", self.place(first_row, first_column), self.place(last_row, last_column)))
    }

    fn column(&self, reader: &mut Reader<'_>) -> Option<u16> {
        if self.biff == Biff::Five { reader.u8().map(u16::from) } else { reader.u16() }
    }

    fn place(&self, row: u16, column: u16) -> String {
        match self.biff {
            Biff::Five => place(row & 0x3fff, column | row & 0xc000),
            Biff::Eight => place(row, column),
        }
    }

    fn call(&mut self, token: &str, number: u16, count: usize, arguments: &str) {
        let is_command = number & 0x8000 != 0;
        let known = match is_command {
            true => command(number & 0x7fff),
            false => self.functions.function(number).map(|(name, _)| name),
        };
        let mut count = count.min(self.stack.len());
        let mut name = known.map_or_else(|| format!("FUNCTION{number:04X}"), str::to_owned);
        if known.is_none() && number == 0xff {
            // A function of somebody else: its name is the first argument.
            let first = self.stack.len().checked_sub(count).and_then(|first| self.stack.get(first).copied());
            if let (true, Some(first)) = (count > 0, first)
                && let Some(Node::Text(text)) = self.nodes.get(first)
            {
                name.clone_from(text);
                let first = self.stack.len().saturating_sub(count);
                self.stack.remove(first);
                count = count.saturating_sub(1);
            }
        }
        self.say(token, &format!("{arguments}func {} ({number:#06x})", known.unwrap_or(&name)));
        let from = self.stack.len().saturating_sub(count);
        let arguments = self.stack.split_off(from);
        self.push(Node::Call(name, arguments));
    }

    /// What is on the stack in the end, as Excel shows it.
    fn infix(&self) -> String {
        let mut out = String::new();
        let mut open: Vec<Piece<'_>> = Vec::new();
        for (index, &node) in self.stack.iter().enumerate().rev() {
            open.push(Piece::Node(node));
            if index > 0 {
                open.push(Piece::Text(" ; "));
            }
        }
        while let Some(piece) = open.pop() {
            let node = match piece {
                Piece::Text(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::Node(number) => self.nodes.get(number),
            };
            match node {
                Some(Node::Text(text)) => out.push_str(text),
                Some(Node::Binary(sign, left, right)) => {
                    open.extend([Piece::Node(*right), Piece::Text(sign), Piece::Node(*left)]);
                }
                Some(Node::Around(before, inner, behind)) => {
                    open.extend([Piece::Text(behind), Piece::Node(*inner), Piece::Text(before)]);
                }
                Some(Node::Call(name, arguments)) => {
                    open.push(Piece::Text(")"));
                    for (index, &argument) in arguments.iter().enumerate().rev() {
                        open.push(Piece::Node(argument));
                        if index > 0 {
                            open.push(Piece::Text(","));
                        }
                    }
                    open.push(Piece::Text("("));
                    open.push(Piece::Text(name));
                }
                None => {}
            }
        }
        out
    }
}

/// A cell by row and column from 0; a relative one says so.
pub(super) fn place(row: u16, column: u16) -> String {
    let number = u32::from(row).saturating_add(1);
    let letter = u32::from(column & 0xff).saturating_add(1);
    let marks = (column & 0x8000 != 0, column & 0x4000 != 0);
    match marks {
        (false, false) => format!("R{number}C{letter}"),
        (is_row_relative, is_column_relative) => {
            let mark = |relative: bool| if relative { "~" } else { "" };
            format!("R{}{number}C{}{letter}", mark(is_row_relative), mark(is_column_relative))
        }
    }
}

const fn error(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        0x2a => "#N/A",
        _ => "#ERROR!",
    }
}

/// The tokens of a record whose formula has its length at `length_at` and stands at `at`.
pub(super) fn tokens(record: &[u8], length_at: u64, at: u64) -> Option<&[u8]> {
    let length = Reader::little(record).at(length_at)?.u16()?;
    Some(clipped(record, at, u64::from(length)))
}
