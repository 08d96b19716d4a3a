//! `VirusEvent`: a program that is run when something is found. It is run without a shell: a name that somebody
//! chose for a file, or a signature, is an argument or a variable and never a command.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use crate::log::{Log, Weight};

/// Events that wait; more are told in the log and dropped.
const WAITING: usize = 1024;

/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the program is looked for, and what it is started with.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What takes events.
#[derive(Debug)]
pub struct Events(Option<SyncSender<Found>>);

/// Something was found.
#[derive(Debug)]
pub struct Found {
    subject: Vec<u8>,
    signature: String,
    /// What is put behind the words of the command line.
    arguments: Vec<Vec<u8>>,
}

/// The other end of it.
#[derive(Debug)]
pub struct Runner {
    words: Vec<String>,
    found: Receiver<Found>,
}

impl Events {
    /// For this command line, if there is one.
    ///
    /// # Errors
    /// A quotation mark is never closed, or there is no program.
    pub fn new(line: Option<&str>) -> anyhow::Result<(Self, Option<Runner>)> {
        let Some(line) = line else { return Ok((Self(None), None)) };
        let words = words(line)?;
        let (sender, found) = sync_channel(WAITING);
        Ok((Self(Some(sender)), Some(Runner { words, found })))
    }

    /// Says that something was found. Never waits.
    pub fn found(&self, subject: &[u8], signature: &str) {
        self.found_with(subject, signature, Vec::new());
    }

    /// The same, with arguments for the program. Never waits.
    pub fn found_with(&self, subject: &[u8], signature: &str, arguments: Vec<Vec<u8>>) {
        if let Some(sender) = &self.0 {
            let (subject, signature) = (subject.to_vec(), signature.to_owned());
            drop(sender.try_send(Found { subject, signature, arguments }));
        }
    }
}

impl Runner {
    /// Runs the program for one event after the other.
    pub fn run(&self, log: &Log) {
        while let Ok(found) = self.found.recv() {
            if let Err(error) = self.once(&found) {
                log.say(Weight::Error, &format!("VirusEvent: {error:#}"));
            }
        }
    }

    fn once(&self, found: &Found) -> anyhow::Result<()> {
        let mut words = self.words.iter().map(|word| word.replace("%v", &found.signature));
        let program = words.next().unwrap_or_default();
        let subject: &OsStr = OsStr::from_bytes(&found.subject);
        let mut child = Command::new(program)
            .args(words.map(OsString::from))
            .args(found.arguments.iter().map(|argument| OsStr::from_bytes(argument)))
            .env_clear()
            .env("PATH", PATH)
            .env("CLAM_VIRUSEVENT_FILENAME", subject)
            .env("CLAM_VIRUSEVENT_VIRUSNAME", &found.signature)
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                anyhow::ensure!(status.success(), "the program ended with {status}");
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                child.kill()?;
                child.wait()?;
                anyhow::bail!("the program did not end within {} s", PATIENCE.as_secs());
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// The words of a command line: blanks part them, unless they stand between quotation marks.
fn words(line: &str) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in line.chars() {
        match quote {
            Some(mark) if mark == letter => quote = None,
            Some(_) => word.get_or_insert_default().push(letter),
            None if letter == '"' || letter == '\'' => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            None if letter.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(letter),
        }
    }
    anyhow::ensure!(quote.is_none(), "VirusEvent: a quotation mark is never closed");
    words.extend(word);
    anyhow::ensure!(!words.is_empty(), "VirusEvent: no program");
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_parted_by_blanks_outside_of_quotation_marks() {
        assert_eq!(words("/bin/a  'b c' \"d'e\" f\"\"g ''").unwrap(), ["/bin/a", "b c", "d'e", "fg", ""]);
        assert!(words("a 'b").is_err());
        assert!(words("  ").is_err());
    }

    #[test]
    fn a_name_is_an_argument_and_never_a_command() {
        let folder = tempfile::tempdir().unwrap();
        let (mark, told) = (folder.path().join("mark"), folder.path().join("told"));
        let line = format!(
            "/bin/sh -c 'printf %%s:%%s \"$1\" \"$CLAM_VIRUSEVENT_FILENAME\" > {}' x %v",
            told.display()
        )
        .replace("%%", "%");
        let (_, runner) = Events::new(Some(&line)).unwrap();
        let name = format!("$(touch {0});`touch {0}`", mark.display());
        let found =
            Found { subject: name.clone().into_bytes(), signature: name.clone(), arguments: Vec::new() };
        runner.unwrap().once(&found).unwrap();
        assert_eq!(std::fs::read_to_string(told).unwrap(), format!("{name}:{name}"));
        assert!(!mark.exists());
    }
}
