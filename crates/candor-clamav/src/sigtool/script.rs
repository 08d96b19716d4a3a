//! Scripts of changes: runs one on the files of a database, or sees whether it fits one.
//!
//! A `cdiff` is signed, and its signature is looked at; a `script` is what is in one, and signed by nobody. Both are
//! parsed and run in the jail, on copies of all files of the database; this process writes those that have changed.

use std::fs;
use std::path::{Path, PathBuf};

use candor_sandbox::worker::Source;
use candor_signature::Input as Bytes;
use candor_signature::clamav::{Member, open_container};
use candor_update::clamav::{Trust, run_script, script_of_patch};
use sha2::{Digest as _, Sha256};

use super::digest::hexadecimal;
use super::{reason, work};
use crate::console::Console;
use crate::jailed::{self, Input, Said, Saying};

/// Files of a database.
const MOST_FILES: usize = 4096;

/// A script, by its name: `daily-27000.cdiff`.
struct Script {
    /// How it is told.
    told: String,
    database: String,
    version: u64,
    is_signed: bool,
}

impl Script {
    fn of(path: &Path) -> Result<Self, &'static str> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (stem, is_signed) = match (name.strip_suffix(".cdiff"), name.strip_suffix(".script")) {
            (Some(stem), _) => (stem, true),
            (None, Some(stem)) => (stem, false),
            (None, None) => return Err("Incorrect file name (no .cdiff/.script extension)"),
        };
        let (database, version) = stem.rsplit_once('-').ok_or("Invalid diff name")?;
        let version = version.parse().map_err(|_| "Invalid diff name")?;
        Ok(Self { told: path.display().to_string(), database: database.to_owned(), version, is_signed })
    }

    /// Runs it on the files of a database; says what is wrong.
    fn run(&self, bytes: &[u8], members: &mut Vec<Member>) -> Result<(), String> {
        let unpacked;
        let script = if self.is_signed {
            let opened = script_of_patch(bytes, self.version, &Trust::published().patches);
            unpacked = opened.map_err(|error| error.to_string())?;
            &unpacked
        } else {
            bytes
        };
        run_script(script, members).map_err(|error| error.to_string())
    }

    /// Whether the files are what the list of members says; says which is not.
    fn check(&self, members: &[Member]) -> Result<(), String> {
        let name = format!("{}.info", self.database);
        let find = |name: &str| members.iter().find(|member| member.name == name);
        let list = find(&name).ok_or_else(|| format!("verifydiff: Can't open {name}"))?;
        for line in list.bytes.split(|byte| *byte == b'\n') {
            if line.starts_with(b"ClamAV-VDB:") || line.starts_with(b"DSIG:") || line.is_empty() {
                continue;
            }
            let line = String::from_utf8_lossy(line);
            let mut fields = line.split(':');
            let (Some(name), Some(_), Some(digest)) = (fields.next(), fields.next(), fields.next()) else {
                return Err(format!("verifydiff: Incorrect format of {name}"));
            };
            match find(name) {
                Some(member) if hexadecimal(&Sha256::digest(&member.bytes)) == digest => (),
                Some(_) => return Err(format!("verifydiff: {name} has incorrect checksum")),
                None => return Err(format!("verifydiff: Can't open {name}")),
            }
        }
        Ok(())
    }
}

/// Runs a script on the files where the command runs.
pub(super) fn run(path: &Path, console: &mut Console) -> bool {
    let script = match Script::of(path) {
        Ok(script) => script,
        Err(why) => {
            console.error(&format!("rundiff: {why}"));
            return false;
        }
    };
    let Ok(input) = Input::open(path) else {
        console.error(&format!("rundiff: Can't open file {}", script.told));
        return false;
    };
    let mut inputs = vec![input];
    match files(path) {
        Ok(files) => inputs.extend(files),
        Err(why) => {
            console.error(&format!("rundiff: {why}"));
            return false;
        }
    }
    let mut changes: Vec<(String, Option<Vec<u8>>)> = Vec::new();
    let mut is_done = true;
    let worked = jailed::run(&inputs, |sources, say| changed(&script, sources, say), &mut |said| {
        match said {
            Said::File(name, bytes) => changes.push((name, Some(bytes))),
            Said::Out(name) => changes.push((String::from_utf8_lossy(&name).into_owned(), None)),
            Said::Error(text) => console.error(&text),
            Said::Note(_) => (),
            Said::Failed => is_done = false,
        }
        Ok(())
    });
    if let Err(error) = worked {
        console.error(&format!("rundiff: {error:#}"));
        return false;
    }
    for (name, bytes) in changes {
        if !jailed::is_plain(&name) {
            console.error(&format!("rundiff: a name that is refused: {name:?}"));
            return false;
        }
        let changed = match bytes {
            Some(bytes) => super::write(Path::new(&name), &bytes),
            None => fs::remove_file(&name),
        };
        if let Err(error) = changed {
            console.error(&format!("rundiff: {name}: {}", reason(&error)));
            return false;
        }
    }
    is_done
}

/// What a script changes: files, and as lines the names of those that go.
fn changed(script: &Script, sources: &[Source], say: &mut Saying) {
    let Some((own, files)) = sources.split_first() else { return say.failed() };
    let members = || files.iter().map(|file| Member { name: file.name.clone(), bytes: file.bytes.to_vec() });
    let mut after: Vec<Member> = members().collect();
    if let Err(why) = script.run(&own.bytes, &mut after) {
        say.error(&format!("rundiff: Can't apply {}: {why}", script.told));
        return say.failed();
    }
    for member in &after {
        if !files.iter().any(|file| file.name == member.name && *file.bytes == *member.bytes) {
            say.file(&member.name, &member.bytes);
        }
    }
    for file in files.iter().filter(|file| !after.iter().any(|member| member.name == file.name)) {
        say.out(file.name.as_bytes());
    }
    // As in ClamAV, what was changed stays.
    if let Err(why) = script.check(&after) {
        say.error(&why);
        say.failed();
    }
}

/// The files where the command runs but the script itself.
fn files(script: &Path) -> Result<Vec<Input>, String> {
    let entries = fs::read_dir(".").map_err(|error| reason(&error))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| PathBuf::from(entry.file_name())).collect();
    let own = script.canonicalize().ok();
    paths.retain(|path| {
        let is_plain = path.to_str().is_some_and(jailed::is_plain);
        let status = fs::symlink_metadata(path);
        is_plain && status.is_ok_and(|status| status.is_file()) && path.canonicalize().ok() != own
    });
    paths.sort();
    if paths.len() > MOST_FILES {
        return Err(format!("there are more than {MOST_FILES} files here"));
    }
    let open =
        |path: &PathBuf| Input::open(path).map_err(|error| format!("{}: {}", path.display(), reason(&error)));
    paths.iter().map(open).collect()
}

/// Sees whether a script fits a container.
pub(super) fn verify(path: &Path, container: Option<&Path>, console: &mut Console) -> bool {
    let Some(container) = container else {
        console.error("--verify-cdiff requires two arguments");
        return false;
    };
    if !container.exists() {
        console.show(format!("--verify-cdiff: Can't get status of {}", container.display()).as_bytes());
        return false;
    }
    let script = match Script::of(path) {
        Ok(script) => script,
        Err(why) => {
            console.error(&format!("verifydiff: {why}"));
            return false;
        }
    };
    let Ok(input) = Input::open(path) else {
        console.error(&format!("verifydiff: Can't open diff file {}", script.told));
        return false;
    };
    let of = match Input::open(container) {
        Ok(of) => of,
        Err(error) => {
            console.error(&format!("verifydiff: Can't open {}: {}", container.display(), reason(&error)));
            return false;
        }
    };
    let told = container.display().to_string();
    let name = container.file_name().unwrap_or_default().to_string_lossy().into_owned();
    work(&[input, of], console, |sources, say| {
        let [own, of] = sources else { return say.failed() };
        let mut members = match open_container(&Bytes { name: &name, bytes: &of.bytes }) {
            Ok(opened) => opened.members,
            Err(error) => {
                say.error(&format!("verifydiff: Can't unpack CVD/CLD file {told}: {error}"));
                return say.failed();
            }
        };
        let fits = script
            .run(&own.bytes, &mut members)
            .map_err(|why| format!("verifydiff: Can't apply {}: {why}", script.told))
            .and_then(|()| script.check(&members));
        match fits {
            Ok(()) => say.line(format!("Verification: {} correctly applies to {told}", script.told)),
            Err(why) => {
                say.error(&why);
                say.failed();
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_what_a_script_is_for() {
        let of = |name: &str| {
            Script::of(Path::new(name)).map(|script| (script.database, script.version, script.is_signed))
        };
        assert_eq!(of("x/daily-27000.cdiff"), Ok((String::from("daily"), 27_000, true)));
        assert_eq!(of("a-b-7.script"), Ok((String::from("a-b"), 7, false)));
        assert_eq!(of("daily.script"), Err("Invalid diff name"));
        assert_eq!(of("daily-x.script"), Err("Invalid diff name"));
        assert!(of("daily-7").is_err());
    }
}
