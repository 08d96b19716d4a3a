//! `clambc --info`: what a bytecode of ClamAV's says of itself. Nothing of it is run, and its code is not looked at.
//!
//! [`header`] reads it, in the jail.

mod header;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use candor::clamav::clock::Moment;

use crate::console::{Console, complain, shown};
use crate::jailed::{self, Input, Said, Saying};
use crate::options;
use crate::options::clambc::OPTIONS;
use header::Header;

/// The file cannot be read.
const UNREADABLE: u8 = 2;
/// It is no bytecode.
const MALFORMED: u8 = 4;

/// Columns of a list of names.
const WIDTH: usize = 78;

/// Runs `clambc`.
pub(crate) fn run(program: &str, arguments: Vec<OsString>) -> ExitCode {
    let given = match options::read(program, OPTIONS, arguments) {
        Ok(given) => given,
        Err(lines) => {
            lines.iter().for_each(|line| complain(line));
            return ExitCode::FAILURE;
        }
    };
    let mut console = Console::new();
    let code = match given.paths.first() {
        _ if given.is_on("version") => {
            console.show(format!("Clam AntiVirus Bytecode Testing Tool {}", crate::CLAMAV).as_bytes());
            0
        }
        Some(path) if given.is_on("info") => info(Path::new(path), &mut console),
        Some(_) if !given.is_on("help") => {
            console.error("bytecode is neither run nor printed here; --info says what it says of itself");
            1
        }
        _ => {
            console.show(format!("\n            Candor as ClamAV's clambc {}\n", crate::CLAMAV).as_bytes());
            console.show(b"    clambc --info <file>\n");
            options::help(OPTIONS).iter().for_each(|line| console.show(line.as_bytes()));
            console.show(b"");
            0
        }
    };
    console.flush();
    ExitCode::from(code)
}

fn info(path: &Path, console: &mut Console) -> u8 {
    let Ok(input) = Input::open(path) else {
        console.stderr(b"Unable to load bytecode: it cannot be read");
        return UNREADABLE;
    };
    let mut is_done = true;
    let worked = jailed::run(
        &[input],
        |sources, say| {
            let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
            match Header::parse(bytes) {
                Some(header) => tell(&header, say),
                None => {
                    say.note("Unable to load bytecode: Malformed database");
                    say.failed();
                }
            }
        },
        &mut |said| {
            match said {
                Said::Out(bytes) => console.raw(&bytes),
                Said::Note(text) | Said::Error(text) => console.stderr(text.as_bytes()),
                Said::Failed => is_done = false,
                Said::File(..) => anyhow::bail!("a file that was not asked for"),
            }
            Ok(())
        },
    );
    if let Err(error) = worked {
        console.error(&format!("{error:#}"));
        return UNREADABLE;
    }
    if is_done { 0 } else { MALFORMED }
}

fn tell(header: &Header<'_>, say: &mut Saying) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(&shown(bytes)).into_owned();
    let has_trigger = !header.trigger.is_empty();
    say.line(format!("Bytecode format functionality level: {}", header.format));
    say.line("Bytecode metadata:");
    let when = Moment::of(header.seconds).long();
    let mut lines = vec![
        format!("compiler version: {}", text(&header.compiler)),
        format!("compiled on: ({}) {when}", header.seconds),
        format!("compiled by: {}", text(&header.maker)),
        format!("target exclude: {}", header.excluded),
        format!("bytecode type: {}", kind(header.kind)),
        format!("bytecode functionality level: {} - {}", header.levels.0, header.levels.1),
    ];
    if has_trigger {
        lines.push(format!("bytecode logical signature: {}", text(header.trigger)));
    }
    lines.push(format!("bytecode triggered on: {}", trigger(header.kind)));
    lines.push(format!("number of functions: {}", header.functions));
    lines.push(format!("number of types: {}", header.types));
    lines.iter().for_each(|line| say.line(format!("\t{line}")));
    say.out(b"\tbytecode APIs used:\n\t");
    let mut column = 0;
    for (number, name) in header.interfaces.iter().enumerate() {
        let name = text(name);
        let comma = if number == 0 { "" } else { "," };
        if column + name.len() + 2 > WIDTH {
            say.out(format!("{comma}\n\t {name}").as_bytes());
            column = name.len() + 1;
        } else {
            say.out(format!("{comma} {name}").as_bytes());
            column += name.len() + 2;
        }
    }
    say.line("");
}

/// What starts a bytecode of this kind.
fn kind(number: u64) -> String {
    match number {
        0 => String::from("generic, not bound a specific hook"),
        256 => String::from("logical only"),
        257 => String::from("PE unpacker hook"),
        258 => String::from("PDF hook"),
        259 => String::from("all PE hook"),
        other => format!("of kind {other}"),
    }
}

fn trigger(number: u64) -> &'static str {
    match number {
        256 => "files matching logical signature",
        257 => "PE files matching logical signature (unpacked)",
        258 => "PDF files",
        259 => "PE files matching logical signature",
        _ => "something that is not known here",
    }
}
