//! `candor migrate import`: settings of the product that goes to proposals. Files are read in the jail; what was
//! accepted is written to a new file, and nothing else is.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::AsFd as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use candor_policy::inventory::{self, Beside};
use candor_policy::matching::Matcher;
use candor_policy::migrate::proposal::{Import, Proposal, Read, Risk, Target, propose};
use candor_policy::migrate::record::{self, Record};
use candor_policy::migrate::settings::{LARGEST, Outcome, Setting};
use candor_policy::migrate::{markdown, text};
use candor_sandbox::input::{Buffer, Reading};
use candor_sandbox::records::{self, Records, Source};
use candor_sandbox::{Jailed, Sandbox, Setup, Task, guarded};
use sha2::{Digest as _, Sha256};

use crate::commands::audit::load;
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::inventory::{Near, logs_of, read_near};
use crate::printer::Printer;
use crate::settings::SafetyOptions;
use crate::units::hexadecimal;

/// What is said when there is no jail.
const NO_JAIL: &str = "files cannot be read in a jail here (`candor doctor` says what is missing, --no-sandbox \
                       reads them without one)";

/// What `candor migrate import` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// Files of settings: what they are shows in them.
    ///
    /// Exports of Kaspersky for Linux (INI, JSON), lists of Kaspersky for Windows (XML), settings of ESET (XML),
    /// a hive SOFTWARE of Windows (Defender), clamd.conf.
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,

    /// Where a folder of the old system is here: `--map 'D:\=/srv/d'`; can be given several times.
    #[arg(long, value_name = "FROM=TO")]
    map: Vec<String>,

    /// Write what was accepted into this new file, and into files beside it that begin like it.
    #[arg(long, value_name = "FILE", help_heading = "Taking over")]
    write: Option<PathBuf>,

    /// Accept these proposals, by their ids.
    #[arg(
        long,
        value_name = "ID,...",
        value_delimiter = ',',
        requires = "write",
        help_heading = "Taking over"
    )]
    accept: Vec<String>,

    /// Accept all proposals whose risk is low.
    #[arg(long, requires = "write", help_heading = "Taking over")]
    accept_low_risk: bool,

    /// A folder of own vendors, whose places and hosts are known then.
    #[arg(long, value_name = "DIR")]
    policy: Option<PathBuf>,

    /// The form of the proposals.
    #[arg(long, short, value_enum, value_name = "FORM", default_value_t, help_heading = "Display")]
    format: Shape,

    #[command(flatten)]
    safety: SafetyOptions,
}

/// A form of what is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Shape {
    /// For people, on a terminal.
    #[default]
    Text,
    /// Everything, for programs.
    Json,
    /// To be filed.
    Markdown,
}

const AFTER_LONG_HELP: &str = "\
Every setting that was read is told, with where it stood, what it becomes or why it becomes nothing, and what it
costs. Nothing is taken over that was not accepted; what was not stays in the list.

Exit status: 0 all was read, 2 some file was not or not as a whole, or the command failed.";

/// Runs `candor migrate import`.
pub(super) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    if args.write.is_some() && args.accept.is_empty() && !args.accept_low_risk {
        bail!("--write writes what was accepted: say --accept ID,... or --accept-low-risk");
    }
    let map: Vec<(String, String)> = args
        .map
        .iter()
        .map(|one| one.split_once('=').map(|(from, to)| (from.to_owned(), to.to_owned())))
        .collect::<Option<_>>()
        .context("--map takes FROM=TO")?;
    let policy = load(args.policy.as_deref())?;
    let matcher = Matcher::new(&policy);
    let reader = Reader::start(!args.safety.no_sandbox, Subject::Settings)?;
    let mut files = Vec::new();
    let mut proposals = Vec::new();
    let mut is_whole = true;
    for path in &args.files {
        let name = Escaped::os(path.as_os_str()).to_string();
        let file = File::open(path).with_context(|| format!("{name} cannot be opened"))?;
        if !file.metadata().with_context(|| name.clone())?.is_file() {
            bail!("{name} is no file");
        }
        let sha256 = digest(&file).with_context(|| format!("{name} cannot be read"))?;
        let mut settings: Vec<Setting> = Vec::new();
        let read = reader.read(path, &file, &mut |record| {
            if let Record::Setting(setting) = record {
                settings.push(setting);
            }
        });
        let outcome = read.unwrap_or_else(|why| Outcome { format: None, settings: 0, trouble: Some(why) });
        is_whole &= outcome.trouble.is_none();
        if let Some(format) = outcome.format {
            proposals
                .extend(settings.into_iter().map(|setting| propose(&name, format, setting, &map, &matcher)));
        }
        files.push(Read { name, sha256, outcome });
    }
    let import = Import::new(files, proposals);
    for id in &args.accept {
        if !import.proposals.iter().any(|proposal| proposal.id == *id) {
            bail!("there is no proposal {id}");
        }
    }
    let rendered = match args.format {
        Shape::Json => serde_json::to_string_pretty(&import)?,
        Shape::Markdown => markdown(&import),
        Shape::Text => text(&import),
    };
    printer.line(rendered.trim_end());
    if let Some(path) = &args.write {
        write(path, &import, args, printer)?;
    }
    Ok(if is_whole { Exit::Clean } else { Exit::Failed })
}

/// Writes what was accepted: lines of `clamd.conf` into the file itself, others beside it.
fn write(path: &Path, import: &Import, args: &Args, printer: &mut Printer) -> anyhow::Result<()> {
    let is_accepted = |proposal: &Proposal| {
        args.accept.contains(&proposal.id) || (args.accept_low_risk && proposal.risk == Risk::Low)
    };
    let mut written = 0;
    for target in [Target::Clamd, Target::Freshclam, Target::Fp, Target::Sfp, Target::Timer] {
        let Some(lines) = import.lines(target, &is_accepted) else { continue };
        let own = if target == Target::Clamd {
            path.to_path_buf()
        } else {
            let mut name = path.as_os_str().to_owned();
            name.push(format!(".{}", target.file()));
            PathBuf::from(name)
        };
        super::write_new(&own, lines.as_bytes())?;
        printer.aside(&format!("{}: lines for {}", Escaped::os(own.as_os_str()), target.file()));
        written += 1;
    }
    let left = import.proposals.iter().filter(|proposal| !is_accepted(proposal)).count();
    if written == 0 {
        printer.note("nothing was written: no proposal that was accepted becomes a line");
    }
    printer.aside(&format!("{left} of {} proposals were not accepted", import.proposals.len()));
    Ok(())
}

fn digest(mut file: &File) -> std::io::Result<String> {
    let mut digest = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut left = LARGEST;
    while left > 0 {
        let length = file.read(&mut buffer)?;
        if length == 0 {
            break;
        }
        digest.update(&buffer[..length]);
        left = left.saturating_sub(length as u64);
    }
    std::io::Seek::rewind(&mut file)?;
    Ok(hexadecimal(digest.finalize()))
}

/// What files are read for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Subject {
    /// Settings.
    Settings,
    /// What a quarantine wrote down.
    Quarantine,
}

/// Reads files for what they say, in the jail or not.
pub(super) struct Reader {
    sandbox: Option<Sandbox>,
    subject: Subject,
}

impl Subject {
    fn read(
        self,
        bytes: &[u8],
        partial: Option<&str>,
        beside: &[(&str, &[u8])],
        say: &mut dyn FnMut(&[u8]),
    ) -> Vec<u8> {
        let beside: Vec<Beside<'_>> = beside.iter().map(|&(name, bytes)| Beside { name, bytes }).collect();
        match self {
            Self::Settings => record::settings(bytes, partial, &beside, say),
            Self::Quarantine => record::quarantine(bytes, partial, &beside, say),
        }
    }

    /// A reader of files that have such logs beside them as these.
    const fn like(self) -> inventory::Reader {
        match self {
            Self::Settings => inventory::Reader::Hive,
            Self::Quarantine => inventory::Reader::Rpm,
        }
    }
}

impl Reader {
    pub(super) fn start(jailed: bool, subject: Subject) -> anyhow::Result<Self> {
        if !jailed {
            return Ok(Self { sandbox: None, subject });
        }
        let setup = Setup { memory: 2 << 30, mapped: 1 << 30, ..Setup::new(Task::Scan) };
        let work = move |jailed: Jailed| {
            records::serve_beside(jailed, |handed, say| {
                subject.read(handed.bytes, handed.partial, handed.beside, say)
            })
        };
        Ok(Self { sandbox: Some(Sandbox::start(setup, work).context(NO_JAIL)?), subject })
    }

    /// Reads the file at `path`, with logs beside it that were not applied; gives records to `take`, and returns the last word
    /// or why there is none.
    pub(super) fn read(
        &self,
        path: &Path,
        file: &File,
        take: &mut dyn FnMut(Record),
    ) -> Result<Outcome, String> {
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        if length > LARGEST {
            return Err(format!("its {length} bytes are more than the {LARGEST} that are read"));
        }
        let mut unread = None;
        let logs = logs_of(path, self.subject.like(), &mut |why| unread = Some(why));
        let mut is_sound = true;
        let mut said = |bytes: &[u8]| match Record::decode(bytes) {
            Some(record) => take(record),
            None => is_sound = false,
        };
        let last = match &self.sandbox {
            Some(sandbox) => {
                let beside: Vec<_> = logs.iter().map(Near::handed).collect();
                let source = Source { name: "", file: file.as_fd(), length, beside: &beside };
                let mut results = Records::new(sandbox).read(&[source], &mut |_, bytes| said(bytes));
                results.pop().unwrap_or_else(|| Err(String::from("nothing came back")))
            }
            None => {
                let mut buffer = Buffer::default();
                let partial = match buffer.read(file, length, LARGEST) {
                    Reading::Complete => None,
                    Reading::Partial(why) | Reading::Failed(why) => Some(why),
                    Reading::TooLarge(_) => Some(String::from("it is too large")),
                    Reading::Special(kind) => Some(format!("it is {kind}, not a file")),
                };
                let read = read_near(&logs, LARGEST);
                let beside: Vec<(&str, &[u8])> =
                    read.iter().map(|(name, buffer)| (*name, buffer.bytes())).collect();
                guarded(|| self.subject.read(buffer.bytes(), partial.as_deref(), &beside, &mut said))
            }
        }?;
        match Record::decode(&last) {
            Some(Record::Outcome(mut outcome)) if is_sound => {
                outcome.trouble = outcome.trouble.or(unread);
                Ok(outcome)
            }
            _ => Err(String::from("its worker said what makes no sense")),
        }
    }
}
