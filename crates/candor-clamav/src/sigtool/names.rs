//! Names of signatures: lists them, and finds lines by an expression.

use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use candor_signature::Input as Bytes;
use candor_signature::clamav::open_container;
use regex::bytes::Regex;

use super::{reason, work};
use crate::clamscan::expression::translate;
use crate::console::{Console, shown};
use crate::jailed::{Input, Saying};

/// Containers of databases.
const CONTAINERS: [&str; 3] = ["cvd", "cld", "cud"];

/// Lists the names of the signatures at `path`: a file, or a folder of them.
pub(super) fn list(path: &Path, console: &mut Console) -> bool {
    let Ok(status) = fs::metadata(path) else {
        console.show(format!("--list-sigs: Can't get status of {}", path.display()).as_bytes());
        return false;
    };
    if !status.is_dir() {
        return each(&[path.to_path_buf()], console, &|source, name, bytes, say| {
            names(source, name, bytes, say);
        });
    }
    let Some(paths) = databases(path, console) else { return false };
    each(&paths, console, &|source, name, bytes, say| names(source, name, bytes, say))
}

/// Prints the lines of all databases in `folder` that fit an expression.
pub(super) fn find(expression: &str, folder: &Path, console: &mut Console) -> bool {
    let Ok(expression) = Regex::new(&translate(expression)) else {
        console.show(b"--find-sigs: Can't compile regex");
        return false;
    };
    let Some(paths) = databases(folder, console) else { return false };
    each(&paths, console, &|_, name, bytes, say| {
        let kind = kind(name);
        if !matches!(place(&kind), Some(place) if place != Place::Nowhere) && kind != "cbc" {
            return;
        }
        for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let label = if kind == "cbc" { " BYTECODE" } else { "" };
            // What a bytecode is triggered by stands in its second line.
            let counts = kind != "cbc" || number == 1;
            if counts && expression.is_match(line) {
                let label = format!("[{name}{label}] ");
                say.line([label.as_bytes(), &shown(line)].concat());
            }
        }
    })
}

/// The databases in a folder, by their names.
fn databases(folder: &Path, console: &mut Console) -> Option<Vec<PathBuf>> {
    let Ok(entries) = fs::read_dir(folder) else {
        console.show(format!("ERROR: listdir: Can't open directory {}", folder.display()).as_bytes());
        return None;
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| candor::store::is_database(path) && path.is_file());
    paths.sort();
    Some(paths)
}

/// What is done with a file: the path of what it is in, its own name, its bytes.
type Look<'a> = dyn Fn(&str, &str, &[u8], &mut Saying) + 'a;

/// Looks at files, and at what is in containers, each in a jail of its own.
fn each(paths: &[PathBuf], console: &mut Console, look: &Look<'_>) -> bool {
    let mut is_done = true;
    for path in paths {
        let told = String::from_utf8_lossy(&shown(path.as_os_str().as_bytes())).into_owned();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let input = match Input::open(path) {
            Ok(input) => input,
            Err(error) => {
                console.error(&format!("listdb: Can't open file {told}: {}", reason(&error)));
                is_done = false;
                continue;
            }
        };
        is_done &= work(&[input], console, |sources, say| {
            let Some(source) = sources.first() else { return };
            if !CONTAINERS.contains(&kind(&name).as_str()) {
                return look(&told, &name, &source.bytes, say);
            }
            match open_container(&Bytes { name: &name, bytes: &source.bytes }) {
                Ok(opened) => {
                    for member in &opened.members {
                        look(&told, &member.name, &member.bytes, say);
                    }
                }
                Err(error) => {
                    say.error(&format!("listdb: Can't unpack {told}: {error}"));
                    say.failed();
                }
            }
        });
    }
    is_done
}

/// Where in a line its name stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// The field of this number, from 0, of those that this byte parts.
    Field(usize, u8),
    /// It is the whole line.
    Line,
    /// Lines have no names.
    Nowhere,
}

/// The extension of a file, in small letters.
fn kind(name: &str) -> String {
    name.rsplit('.').next().unwrap_or_default().to_ascii_lowercase()
}

fn place(kind: &str) -> Option<Place> {
    Some(match kind {
        "db" => Place::Field(0, b'='),
        "ndb" | "ndu" | "sdb" | "cdb" | "zmd" | "rmd" => Place::Field(0, b':'),
        "ldb" | "ldu" => Place::Field(0, b';'),
        "hdb" | "hdu" | "hsb" | "hsu" | "mdb" | "mdu" | "msb" | "msu" | "imp" => Place::Field(2, b':'),
        "crb" => Place::Line,
        _ if candor_signature::clamav::is_database_name(&format!("x.{kind}")) => Place::Nowhere,
        _ => return None,
    })
}

/// The names in one file.
fn names(source: &str, name: &str, bytes: &[u8], say: &mut Saying) {
    let kind = kind(name);
    let lines = || bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    if kind == "cbc" {
        // Those that are not triggered by a logical signature have no name.
        if let Some(line) = lines().nth(1).filter(|line| line.contains(&b';')) {
            say.line(shown(line.split(|byte| *byte == b';').next().unwrap_or_default()));
        }
        return;
    }
    let Some(place) = place(&kind) else { return };
    for (line, number) in lines().zip(1_u64..) {
        if line.is_empty() || line.starts_with(b"#") {
            continue;
        }
        let found = match place {
            Place::Nowhere => return,
            Place::Line => Some(line),
            Place::Field(field, by) => {
                let mut fields = line.split(|byte| *byte == by);
                let found = fields.nth(field);
                // There must be something behind a name that comes first.
                if field == 0 && fields.next().is_none() { None } else { found }
            }
        };
        match found {
            Some(found) => say.line(shown(found.strip_suffix(b" (Clam)").unwrap_or(found))),
            None => {
                say.error(&format!("listdb: Malformed pattern line {number} (file {source})"));
                say.failed();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_where_each_language_has_them() {
        let said = |name: &str, text: &str| {
            let mut say = Saying::default();
            names("x", name, text.as_bytes(), &mut say);
            let mut lines = Vec::new();
            for said in say.parts() {
                match said {
                    crate::jailed::Said::Out(bytes) => lines.push(String::from_utf8(bytes).unwrap()),
                    crate::jailed::Said::Error(text) => lines.push(text),
                    _ => (),
                }
            }
            lines.concat()
        };
        assert_eq!(said("a.ndb", "# no\nA:0:*:aa\r\n\nB (Clam):1:*:bb\n"), "A\nB\n");
        assert_eq!(said("a.ldb", "C;Target:0;0;aa\n"), "C\n");
        assert_eq!(said("a.hsb", "aa:1:D:73\n"), "D\n");
        assert_eq!(said("a.db", "E=aa\n"), "E\n");
        assert_eq!(said("a.cbc", "ClamBCaf\nF;Engine:1-2\nT\n"), "F\n");
        assert_eq!(said("a.fp", "aa:1:G\n"), "");
        // What would drive a terminal does not.
        assert_eq!(said("a.ndb", "\x1b[31m:0:*:aa\n"), "\\x1b[31m\n");
        assert_eq!(said("a.ndb", "A:0\nbad\nB:0\n"), "A\nlistdb: Malformed pattern line 2 (file x)B\n");
    }
}
