//! What has changed from one file or database to the next, as a script of ClamAV's: `OPEN`, `ADD`, `DEL`, `XCHG`,
//! `UNLINK`, `CLOSE`.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use candor_signature::Input as Bytes;
use candor_signature::clamav::{Header, open_container};

use super::{reason, script, work, write};
use crate::console::Console;
use crate::jailed::{self, Input, Said};

/// Bytes of an old line that are told, so that it is seen whether the script fits.
const TOLD: usize = 16;

/// Prints the script that makes the file at `new` of that at `old`.
pub(super) fn files(old: &Path, new: Option<&Path>, console: &mut Console) -> bool {
    let Some(new) = new else {
        console.error("makediff: --compare requires two arguments");
        return false;
    };
    let mut inputs = Vec::new();
    for path in [old, new] {
        match Input::open(path) {
            Ok(input) => inputs.push(input),
            Err(_) => {
                console.error(&format!("compare: Can't get MD5 checksum of {}", path.display()));
                return false;
            }
        }
    }
    let name = new.display().to_string();
    work(&inputs, console, |sources, say| {
        let [old, new] = sources else { return say.failed() };
        let mut script = Vec::new();
        changes(&name, &old.bytes, &new.bytes, &mut script);
        say.out(&script);
    })
}

/// Writes the script that makes the container at `new` of that at `old` beside the new one.
pub(super) fn containers(old: &Path, new: Option<&Path>, console: &mut Console) -> bool {
    let Some(new) = new else {
        console.error("makediff: --diff requires two arguments");
        return false;
    };
    let mut inputs = Vec::new();
    for path in [old, new] {
        match Input::open(path) {
            Ok(input) => inputs.push(input),
            Err(error) => {
                console.error(&format!("makediff: Can't read CVD header from {}", path.display()));
                console.error(&format!("{}: {}", path.display(), reason(&error)));
                return false;
            }
        }
    }
    let names = [old, new].map(|path| path.file_name().unwrap_or_default().to_string_lossy().into_owned());
    let told = [old, new].map(|path| path.display().to_string());
    let mut made: Option<(String, Vec<u8>)> = None;
    let mut is_done = true;
    let worked = jailed::run(
        &inputs,
        |sources, say| {
            let mut opened = Vec::new();
            let mut versions = Vec::new();
            for ((source, name), told) in sources.iter().zip(&names).zip(&told) {
                let Ok(header) = Header::parse(&source.bytes) else {
                    say.error(&format!("makediff: Can't read CVD header from {told}"));
                    return say.failed();
                };
                versions.push(header.version);
                match open_container(&Bytes { name, bytes: &source.bytes }) {
                    Ok(container) => opened.push(container),
                    Err(error) => {
                        say.error(&format!("makediff: Can't unpack CVD file {told}: {error}"));
                        return say.failed();
                    }
                }
            }
            let ([old, new], [before, after]) = (opened.as_slice(), versions.as_slice()) else {
                return say.failed();
            };
            if before.checked_add(1) != Some(*after) {
                say.error(&format!("makediff: The old CVD must be {}", after.saturating_sub(1)));
                return say.failed();
            }
            let members = |opened: &candor_signature::clamav::Opened| {
                let members = opened.members.iter().map(|member| (member.name.clone(), member.bytes.clone()));
                members.collect::<BTreeMap<String, Vec<u8>>>()
            };
            say.file(&format!("{after}.script"), &between(&members(old), &members(new)));
        },
        &mut |said| {
            match said {
                Said::Error(text) => console.error(&text),
                Said::File(name, bytes) => made = Some((name, bytes)),
                Said::Failed => is_done = false,
                Said::Out(_) | Said::Note(_) => (),
            }
            Ok(())
        },
    );
    if let Err(error) = worked {
        console.error(&format!("makediff: {error:#}"));
        return false;
    }
    let Some((number, bytes)) = made.filter(|(name, _)| is_done && jailed::is_plain(name)) else {
        return false;
    };
    let stem = new.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let path: PathBuf = new.with_file_name(format!("{stem}-{number}"));
    if let Err(error) = write(&path, &bytes) {
        console.error(&format!("makediff: Can't create {}: {}", path.display(), reason(&error)));
        return false;
    }
    console.show(format!("Generated diff file {}", path.display()).as_bytes());
    script::verify(&path, Some(old), console)
}

/// The script from the files of one database to those of the next. The list of members comes first.
fn between(old: &BTreeMap<String, Vec<u8>>, new: &BTreeMap<String, Vec<u8>>) -> Vec<u8> {
    let mut script = Vec::new();
    let names: BTreeSet<&String> = new.keys().collect();
    let (lists, others): (Vec<&String>, Vec<&String>) =
        names.into_iter().partition(|name| name.to_ascii_lowercase().ends_with(".info"));
    for name in lists.into_iter().chain(others) {
        let before = old.get(name).map(Vec::as_slice).unwrap_or_default();
        let after = new.get(name).map(Vec::as_slice).unwrap_or_default();
        changes(name, before, after, &mut script);
    }
    for name in old.keys().filter(|name| !new.contains_key(*name)) {
        script.extend_from_slice(format!("UNLINK {name}\n").as_bytes());
    }
    script
}

/// Appends the script from one state of a file to the next; nothing when they are alike.
///
/// Lines are taken in pairs. Where they differ, and the new line stands further down in the old file, what stands
/// before it there is deleted; otherwise the old line is exchanged.
fn changes(name: &str, old: &[u8], new: &[u8], script: &mut Vec<u8>) {
    if old == new {
        return;
    }
    let (old, new) = (lines(old), lines(new));
    let mut further: HashMap<&[u8], Vec<usize>> = HashMap::new();
    for (number, line) in old.iter().enumerate().rev() {
        further.entry(line).or_default().push(number);
    }
    script.extend_from_slice(format!("OPEN {name}\n").as_bytes());
    let mut at = 0;
    let delete = |at: &mut usize, to: usize, script: &mut Vec<u8>| {
        while *at < to {
            let line = old.get(*at).copied().unwrap_or_default();
            *at = at.saturating_add(1);
            script.extend_from_slice(format!("DEL {at} ").as_bytes());
            script.extend_from_slice(told(line));
            script.push(b'\n');
        }
    };
    for line in new {
        let next = further.get_mut(line).and_then(|places| {
            while places.last().is_some_and(|place| *place < at) {
                places.pop();
            }
            places.last().copied()
        });
        match (next, old.get(at)) {
            (Some(place), _) => {
                delete(&mut at, place, script);
                at = at.saturating_add(1);
            }
            (None, Some(before)) => {
                at = at.saturating_add(1);
                script.extend_from_slice(format!("XCHG {at} ").as_bytes());
                script.extend_from_slice(told(before));
                script.push(b' ');
                script.extend_from_slice(line);
                script.push(b'\n');
            }
            (None, None) => {
                script.extend_from_slice(b"ADD ");
                script.extend_from_slice(line);
                script.push(b'\n');
            }
        }
    }
    let end = old.len();
    delete(&mut at, end, script);
    script.extend_from_slice(b"CLOSE\n");
}

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    if bytes.is_empty() { Vec::new() } else { bytes.split(|byte| *byte == b'\n').collect() }
}

/// The beginning of a line, without blanks: they part what stands in a script.
fn told(line: &[u8]) -> &[u8] {
    let line = line.get(..TOLD).unwrap_or(line);
    line.split(|byte| *byte == b' ').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script(old: &str, new: &str) -> String {
        let lines = |text: &str| text.split(' ').map(|line| format!("{line}\n")).collect::<String>();
        let mut script = Vec::new();
        let (old, new) = (lines(old), lines(new));
        changes("x", old.as_bytes(), new.as_bytes(), &mut script);
        String::from_utf8(script).unwrap().trim_end().replace('\n', ", ")
    }

    #[test]
    fn a_script_says_what_changed() {
        assert_eq!(script("a b c d", "a b c d"), "");
        assert_eq!(script("a b c d", "a c d"), "OPEN x, DEL 2 b, CLOSE");
        assert_eq!(
            script("a b c d", "a x b c d"),
            "OPEN x, XCHG 2 b x, XCHG 3 c b, XCHG 4 d c, ADD d, CLOSE"
        );
        assert_eq!(script("a b c d", "c d e"), "OPEN x, DEL 1 a, DEL 2 b, ADD e, CLOSE");
        assert_eq!(script("a b b c", "a b c"), "OPEN x, DEL 3 b, CLOSE");
        assert_eq!(script("a b", "a"), "OPEN x, DEL 2 b, CLOSE");
    }

    #[test]
    fn files_come_and_go() {
        let files = |list: &[(&str, &str)]| {
            list.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
        };
        let old = files(&[("a.ndb", "1\n"), ("x.info", "i\n")]);
        let new = files(&[("b.ndb", "2\n"), ("x.info", "j\n")]);
        let script = String::from_utf8(between(&old, &new)).unwrap();
        assert_eq!(script, "OPEN x.info\nXCHG 1 i j\nCLOSE\nOPEN b.ndb\nADD 2\nCLOSE\nUNLINK a.ndb\n");
    }
}
