//! `candor audit party`: is this supplier a listed party?

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_policy::party::{Listed, Match, Parties, Reason, THRESHOLD};
use candor_policy::policy::Policy;
use serde::Serialize;

use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};

/// What `candor audit party` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// Names of suppliers.
    #[arg(value_name = "NAME", required_unless_present = "file")]
    names: Vec<String>,

    /// A file with one name a line; `-` is standard input.
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,

    /// A list of parties beside those of the policy: one name a line, or a table with a column `name` and perhaps
    /// `aliases` (between semicolons), as published lists of parties have it.
    #[arg(long, value_name = "FILE")]
    list: Vec<PathBuf>,

    /// The least score that is told, from 0 to 1.
    #[arg(long, value_name = "SCORE", default_value_t = THRESHOLD, value_parser = score)]
    score: f64,

    /// Print one JSON object for each name.
    #[arg(long, help_heading = "Display")]
    json: bool,
}

const AFTER_LONG_HELP: &str = "\
A match says that a name may be of a listed party: a person looks at it, with its reasons. No match says that the
name is not like any in these lists.

Exit status: 0 no name matches, 1 some do, 2 the command failed.";

/// The longest line of a file of names.
const LONGEST: u64 = 1 << 16;

fn score(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(score) if (0.1..=1.0).contains(&score) => Ok(score),
        _ => Err(String::from("a number from 0.1 to 1")),
    }
}

/// One name, for programs.
#[derive(Serialize)]
struct Answer<'a> {
    name: &'a str,
    matches: &'a [Match],
}

pub(super) fn run(args: &Args, policy: &Policy, printer: &mut Printer) -> anyhow::Result<Exit> {
    let mut parties = Parties::of_policy(policy);
    for list in &args.list {
        read_list(list, &mut parties).with_context(|| format!("{}", list.display()))?;
    }
    let mut is_found = false;
    let mut answer = |name: &str, printer: &mut Printer| {
        let matches = parties.find(name, args.score);
        is_found |= !matches.is_empty();
        if args.json {
            let line = serde_json::to_string(&Answer { name, matches: &matches });
            printer.line(&line.unwrap_or_default());
        } else {
            tell(name, &matches, printer);
        }
    };
    args.names.iter().for_each(|name| answer(name, printer));
    if let Some(file) = &args.file {
        for name in lines(file).with_context(|| format!("{}", file.display()))? {
            let name = name.with_context(|| format!("{}", file.display()))?;
            if !name.trim().is_empty() {
                answer(name.trim(), printer);
            }
        }
    }
    if !args.json {
        printer.line("");
        printer.line(&format!("Compared with {} names, policy {}", parties.len(), policy.version.sha256));
        for open in candor_policy::evaluate::open_lists(policy, None) {
            printer.line(&format!("Not compared with: {open}"));
        }
    }
    Ok(if is_found { Exit::Found } else { Exit::Clean })
}

fn tell(name: &str, matches: &[Match], printer: &mut Printer) {
    let name = Escaped(name.as_bytes());
    if matches.is_empty() {
        printer.line(&format!("{name}: {}", printer.paint(Tone::Good, "no match")));
    }
    for found in matches {
        let word = printer.paint(Tone::Bad, &format!("{:.2}", found.score));
        let reasons: Vec<String> = found.reasons.iter().map(reason).collect();
        let note = found.listed.note.as_ref().map(|note| format!("; {note}")).unwrap_or_default();
        printer.line(&format!(
            "{name}: {word} {} ({}{})",
            Escaped(found.listed.name.as_bytes()),
            Escaped(found.listed.list.as_bytes()),
            Escaped(note.as_bytes())
        ));
        printer.line(&format!(
            "  nearest spelling: {}; {}",
            Escaped(found.spelling.as_bytes()),
            Escaped(reasons.join("; ").as_bytes())
        ));
    }
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Same => String::from("written the same"),
        Reason::SameWithoutForm => String::from("the same but for legal form, case or marks"),
        Reason::Transliterated => String::from("spelled in Latin letters first"),
        Reason::OtherOrder => String::from("the same words in another order"),
        Reason::OtherSpaces => String::from("the same letters with other spaces"),
        Reason::Alike(words) => {
            let pairs: Vec<String> =
                words.iter().map(|(one, other)| format!("{one} is like {other}")).collect();
            pairs.join(", ")
        }
        Reason::Lacks(words) => format!("lacks {}", words.join(", ")),
        Reason::Has(words) => format!("has {} beside it", words.join(", ")),
        Reason::Contains => String::from("contains the whole listed name, as an affiliate may"),
    }
}

type Lines = Box<dyn Iterator<Item = io::Result<String>>>;

fn lines(path: &Path) -> io::Result<Lines> {
    let mut reader: Box<dyn io::BufRead> = if path.as_os_str() == "-" {
        Box::new(BufReader::new(io::stdin()))
    } else {
        Box::new(BufReader::new(fs::File::open(path)?))
    };
    Ok(Box::new(std::iter::from_fn(move || {
        let mut line = Vec::new();
        match reader.by_ref().take(LONGEST).read_until(b'\n', &mut line) {
            Ok(0) => None,
            Ok(_) if line.len() as u64 == LONGEST => {
                Some(Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long")))
            }
            Ok(_) => Some(Ok(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']).to_owned())),
            Err(error) => Some(Err(error)),
        }
    })))
}

/// One name a line, or a table whose first line has a column `name`.
fn read_list(path: &Path, parties: &mut Parties) -> anyhow::Result<()> {
    let list = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut columns: Option<(usize, Option<usize>)> = None;
    for (number, line) in lines(path)?.enumerate() {
        let line = line?;
        let cells = cells(line.trim_start_matches('\u{feff}'));
        if number == 0
            && let Some(name) = cells.iter().position(|cell| cell.eq_ignore_ascii_case("name"))
        {
            columns = Some((name, cells.iter().position(|cell| cell.eq_ignore_ascii_case("aliases"))));
            continue;
        }
        let (name, aliases) = match columns {
            Some((name, aliases)) => (
                cells.get(name).cloned().unwrap_or_default(),
                aliases.and_then(|aliases| cells.get(aliases)).cloned().unwrap_or_default(),
            ),
            None => (line.trim().to_owned(), String::new()),
        };
        let listed = Listed { name: name.clone(), list: list.clone(), note: None };
        for spelling in std::iter::once(name.as_str()).chain(aliases.split(';').map(str::trim)) {
            if !spelling.is_empty() && parties.len() >= candor_policy::party::MOST {
                anyhow::bail!("there are more names than can be held");
            }
            parties.add(spelling, listed.clone());
        }
    }
    Ok(())
}

/// The cells of a line of a table.
fn cells(line: &str) -> Vec<String> {
    let mut cells = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, cells.last_mut()) {
            // Two quotes inside of quotes are one.
            ('"', Some(cell)) if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            ('"', _) => quoted = !quoted,
            (',', _) if !quoted => cells.push(String::new()),
            (_, Some(cell)) => cell.push(character),
            (_, None) => {}
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::cells;

    #[test]
    fn a_line_of_a_table_has_cells() {
        assert_eq!(cells("a,\"b, \"\"c\"\"\",,d"), ["a", "b, \"c\"", "", "d"]);
        assert_eq!(cells(""), [""]);
    }
}
