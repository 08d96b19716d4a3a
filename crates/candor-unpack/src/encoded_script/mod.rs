//! Scripts that were encoded by Microsoft's Script Encoder (`JScript.Encode`, `VBScript.Encode`): as files
//! (`.jse`, `.vbe`), in pages, and in any other text.
//!
//! ```text
//! #@~^ | length, base64 of four bytes | characters | checksum, base64 | ==^#~@
//! ```
//!
//! Each character is exchanged by one of three alphabets, which take turns by a pattern of 64; what HTML would
//! stumble over is written as a pair that begins with `@`. Hostile files have wrong lengths and checksums, or no
//! end: the length decides where an end follows it, else the end, else what there is.
//!
//! A file is given twice, as ClamAV has it in a page and as it is: signatures for scripts are written for both.

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, FileType, Flow, Member, Reason, Sink};
use memchr::memmem;

use crate::reader::clipped;
use crate::transfer::base64;
use crate::work::{Allowance, Work, units};

const START: &[u8] = b"#@~^";
const END: &[u8] = b"==^#~@";
/// Length of what describes a script before and behind it.
const LENGTH: usize = 8;
const CHECKSUM: usize = 6;
/// Scripts of one text that are given.
const SCRIPTS: u64 = 256;

/// What a script costs, beside one for each of its characters, in the units of [`candor_model::Budget::pay_work`].
const SCRIPT: usize = 256;

/// The three alphabets, from the blank to the last character of ASCII.
const ALPHABETS: [&[u8; 96]; 3] = [
    b".GzVBj/&IA42[vrC89pEhqO\tbD#uJ~J^@wJa]\"KoN;LPg*}tT+-,0nkf5%!dMRc?{x)(sY3\x7fmUS|:_eFX1ilZH'\\=$y7`Q 6",
    b"-uR`q^I\\b})6 |z\x7fkc3+hQfv1dTCL:L~LE,*t'7DyY/o&rj9{?8wgSG4x]0#Z[lHUpi.L!$NP\tVs5aKX;W\"mM%(FJ2A=_OBe",
    b"20!)[83=X:5e9\\VsfNEkbYx^}JmqA`AS@B'Hru17MR\"TjGd- \x7f.L]~loytC&v%$+(#A4\t*D?w;UiacPgQIOFh|6pnz/_KZ,W",
];
/// What stands for a tabulator in each.
const TABULATOR: [u8; 3] = [0x57, 0x6e, 0x7b];
/// Whose turn it is.
const TURNS: &[u8; 64] = b"0120121221210212021200122102122100212120200120210212001220012021";

/// Gives the script of an encoded file.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let mut position = 0_u64;
    let mut work = Work::of(bytes);
    for (count, script) in (1_u64..).zip(scripts(bytes)) {
        if !work.pay(script.price(), sink) {
            return;
        }
        if count > SCRIPTS {
            sink.incomplete(Reason::Children);
            return;
        }
        position = position.saturating_add(1);
        let name = format!("script {position}");
        let content = script.content();
        if give(sink, &name, position, None, &content) == Flow::Stop {
            return;
        }
        position = position.saturating_add(1);
        let page = [b"<script>", &content[..], b"</script>"].concat();
        if give(sink, &name, position, Some(FileType::Html), &page) == Flow::Stop {
            return;
        }
    }
}

/// Gives the encoded scripts in a text.
pub(crate) fn search(text: &[u8], sink: &mut dyn Sink) -> Flow {
    let mut work = Work::of(text);
    for (position, script) in (1_u64..).zip(scripts(text)) {
        if !work.pay(script.price(), sink) {
            break;
        }
        if position > SCRIPTS {
            sink.incomplete(Reason::Children);
            break;
        }
        let flow = give(sink, &format!("script {position}"), position, None, &script.content());
        if flow == Flow::Stop {
            return flow;
        }
    }
    Flow::Continue
}

/// A text with its encoded scripts in the clear, as far as that can be paid for; `None` when it has none.
pub(crate) fn resolved(text: &[u8], allowance: &Allowance) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut at = 0_usize;
    for script in scripts(text).take_while(|script| allowance.pay(units(script.price()))) {
        out.extend_from_slice(text.get(at..script.start).unwrap_or_default());
        out.extend_from_slice(&script.content());
        at = script.end;
    }
    if at == 0 {
        return None;
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    Some(out)
}

fn give(sink: &mut dyn Sink, name: &str, position: u64, file_type: Option<FileType>, content: &[u8]) -> Flow {
    let real_size = u64::try_from(content.len()).ok();
    let member = Member { name: name.to_owned(), position, real_size, file_type, ..Member::default() };
    sink.child(ChildKind::Extracted, &member, Content::Bytes(content))
}

/// An encoded script of a text: where it stands, and what it says.
struct Script<'t> {
    start: usize,
    end: usize,
    characters: &'t [u8],
}

impl Script<'_> {
    /// What reading it costs.
    const fn price(&self) -> usize {
        self.characters.len().saturating_add(SCRIPT)
    }

    /// What it says.
    fn content(&self) -> Vec<u8> {
        decoded(self.characters)
    }
}

/// The encoded scripts of a text, none of which begins inside of another, so that all of them cost no more than the
/// text is long.
fn scripts(text: &[u8]) -> impl Iterator<Item = Script<'_>> {
    let mut at = 0_usize;
    let next = move || {
        let start = at.saturating_add(memmem::find(text.get(at..)?, START)?);
        let from = start.saturating_add(START.len()).saturating_add(LENGTH);
        let body = text.get(from..)?;
        let length = length(text.get(start.saturating_add(START.len())..from)?);
        let ends_at = |length: usize| {
            let behind = body.get(length.saturating_add(CHECKSUM)..).unwrap_or_default();
            behind.starts_with(END)
        };
        let tail = CHECKSUM.saturating_add(END.len());
        let (length, used) = match length {
            Some(length) if ends_at(length) => (length, length.saturating_add(tail)),
            _ => match memmem::find(body, END) {
                Some(end) => (end.saturating_sub(CHECKSUM), end.saturating_add(END.len())),
                None => (body.len(), body.len()),
            },
        };
        let characters = clipped(body, 0, u64::try_from(length).ok()?);
        at = from.saturating_add(used);
        Some(Script { start, end: at, characters })
    };
    std::iter::from_fn(next)
}

/// The length that stands before a script.
fn length(text: &[u8]) -> Option<usize> {
    let bytes = base64(text);
    usize::try_from(u32::from_le_bytes(*bytes.first_chunk()?)).ok()
}

/// The script that these characters stand for.
fn decoded(text: &[u8]) -> Vec<u8> {
    let mut out = vec![0; text.len()];
    let mut places = out.iter_mut();
    let mut turn = 0_usize;
    let mut rest = text;
    while let Some((&byte, behind)) = rest.split_first() {
        let Some(place) = places.next() else { break };
        let escaped = match (byte, behind.first()) {
            (b'@', Some(b'&')) => Some(b'\n'),
            (b'@', Some(b'#')) => Some(b'\r'),
            (b'@', Some(b'*')) => Some(b'>'),
            (b'@', Some(b'!')) => Some(b'<'),
            (b'@', Some(b'$')) => Some(b'@'),
            _ => None,
        };
        if let Some(escaped) = escaped {
            *place = escaped;
            rest = behind.get(1..).unwrap_or_default();
        } else {
            *place = exchanged(byte, turn);
            rest = behind;
        }
        turn = turn.saturating_add(usize::from(byte < 0x80));
    }
    let unused = places.len();
    out.truncate(out.len().saturating_sub(unused));
    out
}

/// What a character stands for when it is the turn of its alphabet.
#[inline]
fn exchanged(byte: u8, turn: usize) -> u8 {
    let alphabet = TURNS.get(turn % 64).map_or(0, |digit| usize::from(digit & 3));
    EXCHANGED.get(alphabet).and_then(|alphabet| alphabet.get(usize::from(byte))).copied().unwrap_or(byte)
}

/// The alphabets with what stands for a tabulator, and with what is not exchanged.
const EXCHANGED: [[u8; 256]; 3] = {
    let mut exchanged = [[0; 256]; 3];
    let mut alphabet = 0;
    #[expect(
        clippy::indexing_slicing,
        clippy::cast_possible_truncation,
        reason = "a constant: it would not compile"
    )]
    while alphabet < 3 {
        let mut byte = 0;
        while byte < 256 {
            exchanged[alphabet][byte] = match byte as u8 {
                b'\t' => TABULATOR[alphabet],
                b'<' | b'>' | b'@' => byte as u8,
                b' '..=0x7f => ALPHABETS[alphabet][byte - 32],
                other => other,
            };
            byte += 1;
        }
        alphabet += 1;
    }
    exchanged
};
