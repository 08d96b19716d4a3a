//! Makes a container of the databases where the command runs, one that nobody signed: `cud`; with a signature [beside it](super::sign)
//! by whoever has a key.
//!
//! Its header, its list of members and its members are made in the jail, which also sees whether every line can be
//! used: a container that would not load is not made.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use candor::clamav::clock::{Moment, seconds};
use candor_database::Builder;
use candor_sandbox::worker::Source;
use candor_signature::Input as Bytes;
use candor_signature::Severity;
use candor_signature::clamav::{self, Header};
use flate2::Compression;
use flate2::write::GzEncoder;
use md5::{Digest as _, Md5};
use sha2::Sha256;

use super::digest::hexadecimal;
use super::sign::Signer;
use super::{databases, reason};
use crate::console::Console;
use crate::jailed::{self, Input, Said, Saying};
use crate::options::Given;

/// The level that ClamAV 1.4 gives to what it makes.
const LEVEL: u32 = 216;

/// Lines that cannot be used and are told.
const TOLD: usize = 20;

/// Members of a database, in the order in which ClamAV puts them. `.info` stands for the list of the others.
const MEMBERS: [&str; 37] = [
    "info", "cfg", "ign", "ign2", "ftm", "db", "hdb", "hdu", "hsb", "hsu", "mdb", "mdu", "msb", "msu", "ndb",
    "ndu", "ldb", "ldu", "sdb", "zmd", "rmd", "idb", "fp", "sfp", "gdb", "pdb", "wdb", "crb", "cdb", "imp",
    "cbc", "cat", "ioc", "yar", "yara", "pwdb", "rul",
];

/// What the header will say.
struct Plan {
    /// The name of the database, without what kind it is.
    stem: String,
    /// When.
    seconds: u64,
    version: u64,
    level: u32,
    builder: String,
    /// Whether bytecode of any name belongs to it.
    hybrid: bool,
    /// Signatures that may be more or fewer than those of its own files.
    most_apart: u64,
}

/// Makes the container `path`.
pub(super) fn run(path: &Path, old: Option<&Path>, given: &Given, console: &mut Console) -> bool {
    match made(path, old, given, console) {
        Ok(()) => true,
        Err(why) => {
            console.error(&why);
            false
        }
    }
}

fn made(path: &Path, old: Option<&Path>, given: &Given, console: &mut Console) -> Result<(), String> {
    let signer = Signer::new(given)?;
    if signer.is_none() && !given.is_on("unsigned") {
        return Err(match given.text("server") {
            None => String::from("build: --server is required for --build"),
            Some(_) => String::from(
                "build: signing services are not spoken to; --key and --cert sign beside the container, --unsigned makes one without",
            ),
        });
    }
    if !Path::new("COPYING").is_file() {
        return Err(String::from("build: COPYING file not found in current working directory."));
    }
    let name = path.to_string_lossy().into_owned();
    let stem = name.split('.').next().unwrap_or_default().to_owned();
    if !jailed::is_plain(&name) {
        return Err(format!("build: {name} is no plain name: containers are made where the command runs"));
    }
    let before = old.map(Path::to_path_buf).or_else(|| newest(&databases(given).join(&stem)));
    let before = before.and_then(|path| header(&path));
    let version = match (&before, given.number("cvd-version")) {
        (Some((version, _)), _) => version.saturating_add(1),
        (None, Some(version)) => u64::from(version),
        (None, None) => asked("Version number: ", console)
            .and_then(|answer| answer.parse().ok())
            .ok_or_else(|| String::from("build: there is no version number"))?,
    };
    let mut plan = Plan {
        stem,
        seconds: seconds(),
        version,
        level: given.number("flevel").unwrap_or(LEVEL),
        builder: String::new(),
        hybrid: given.is_on("hybrid"),
        most_apart: u64::from(given.number("max-bad-sigs").unwrap_or(3000)),
    };
    let inputs = sources(&name)?;
    let mut total = None;
    jailed::run(&inputs, |sources, say| checked(&plan, sources, say), &mut |said| {
        match said {
            Said::Out(number) => {
                total = std::str::from_utf8(&number).ok().and_then(|total| total.parse().ok())
            }
            Said::Error(text) => console.error(&text),
            Said::Note(text) => console.warn(&text),
            Said::Failed | Said::File(..) => (),
        }
        Ok(())
    })
    .map_err(|error| format!("build: {error:#}"))?;
    let total: u64 = total.ok_or_else(|| format!("build: {name} is not made"))?;
    let before = before.map_or(0, |(_, signatures)| signatures);
    console.show(format!("Total sigs: {total}").as_bytes());
    console.show(format!("New sigs: {}", total.saturating_sub(before)).as_bytes());
    plan.builder = builder(console)?;
    let mut made = Vec::new();
    jailed::run(&inputs, |sources, say| container(&plan, &name, total, sources, say), &mut |said| {
        match said {
            Said::File(file, bytes) if file == name || file == format!("{}.info", plan.stem) => {
                made.push((file, bytes));
            }
            Said::Error(text) => console.error(&text),
            _ => (),
        }
        Ok(())
    })
    .map_err(|error| format!("build: {error:#}"))?;
    if made.len() != 2 {
        return Err(format!("build: {name} is not made"));
    }
    for (file, bytes) in made {
        super::write(Path::new(&file), &bytes)
            .map_err(|error| format!("build: {file}: {}", reason(&error)))?;
    }
    console.show(format!("Created {name}").as_bytes());
    if let Some(signer) = signer {
        let beside = signer.sign(Path::new(&name))?;
        console.show(format!("Created {}", beside.display()).as_bytes());
    }
    Ok(())
}

/// Who makes it: as the environment says, else whoever is asked.
fn builder(console: &mut Console) -> Result<String, String> {
    let builder = match std::env::var("SIGNDUSER") {
        Ok(builder) => builder,
        Err(_) => {
            asked("Builder name: ", console).ok_or_else(|| String::from("build: Can't get builder name"))?
        }
    };
    let fits = |byte: u8| byte.is_ascii_graphic() && byte != b':';
    if builder.is_empty() || builder.len() > 32 || !builder.bytes().all(fits) {
        return Err(String::from("build: the name of the builder is no word without colons"));
    }
    Ok(builder)
}

/// What standard input has to say.
fn asked(question: &str, console: &mut Console) -> Option<String> {
    console.raw(question.as_bytes());
    console.flush();
    drop(io::stdout().flush());
    let mut answer = String::new();
    let read = io::stdin().read_line(&mut answer).ok()?;
    (read > 0).then(|| answer.trim().to_owned())
}

/// The newest container of a database.
fn newest(stem: &Path) -> Option<PathBuf> {
    let candidates = ["cvd", "cld", "cud"].map(|kind| stem.with_extension(kind));
    candidates.into_iter().filter(|path| path.is_file()).max_by_key(|path| crate::database::version_of(path))
}

/// Version and number of signatures of a container, as its header has them.
fn header(path: &Path) -> Option<(u64, u64)> {
    let input = Input::open(path).ok()?;
    let mut told = None;
    let read = |sources: &[Source], say: &mut Saying| {
        if let Some(Ok(header)) = sources.first().map(|source| Header::parse(&source.bytes)) {
            say.line(format!("{} {}", header.version, header.signatures.unwrap_or(0)));
        }
    };
    jailed::run(&[input], read, &mut |said| {
        if let Said::Out(bytes) = said {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let mut numbers = text.split_whitespace().map(str::parse);
            told = numbers.next().and_then(Result::ok).zip(numbers.next().and_then(Result::ok));
        }
        Ok(())
    })
    .ok()?;
    told
}

/// All databases where the command runs but what is being made, and the licence.
fn sources(made: &str) -> Result<Vec<Input>, String> {
    let entries = fs::read_dir(".").map_err(|error| format!("build: {}", reason(&error)))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| PathBuf::from(entry.file_name())).collect();
    paths.retain(|path| {
        let is_info = path.extension().is_some_and(|extension| extension == "info");
        let counts = path.as_os_str() == "COPYING" || (candor::store::is_database(path) && !is_info);
        counts && path.as_os_str() != made && path.is_file()
    });
    paths.sort();
    let open = |path: &PathBuf| {
        Input::open(path).map_err(|error| format!("build: {}: {}", path.display(), reason(&error)))
    };
    paths.iter().map(open).collect()
}

/// Sees whether every line can be used, and says how many signatures there are.
fn checked(plan: &Plan, sources: &[Source], say: &mut Saying) {
    let inputs: Vec<Bytes<'_>> = sources
        .iter()
        .filter(|source| source.name != "COPYING")
        .map(|source| Bytes { name: &source.name, bytes: &source.bytes })
        .collect();
    let mut builder = Builder::new();
    let mut faults = Vec::new();
    let summaries = clamav::load(&inputs, clamav::Options::default(), &mut builder, &mut |diagnostic| {
        if diagnostic.severity == Severity::Error && faults.len() < TOLD {
            faults.push(diagnostic.to_string());
        }
    });
    if !faults.is_empty() || summaries.iter().any(|summary| summary.refused > 0) {
        faults.iter().for_each(|fault| say.error(&format!("build: {fault}")));
        say.error("build: Can't load database: Malformed database");
        return say.failed();
    }
    let is_list = |name: &str| {
        matches!(extension(name), "ign" | "ign2" | "cfg" | "ftm" | "fp" | "sfp" | "wdb" | "pdb" | "gdb")
    };
    let count = |counts: &dyn Fn(&str) -> bool| {
        let files = summaries.iter().filter(|summary| !is_list(&summary.source) && counts(&summary.source));
        files.fold(0_u64, |sum, file| {
            sum.saturating_add(file.accepted).saturating_add(file.other_level).saturating_add(file.unused)
        })
    };
    let (total, own) = (count(&|_| true), count(&|name| plan.has(name)));
    if inputs.is_empty() || total == 0 {
        say.error("build: Can't load database: Can't open file or directory");
        return say.failed();
    }
    if total != own {
        say.note(&format!(
            "build: Signatures in {} db files: {own}, loaded by libclamav: {total}",
            plan.stem
        ));
    }
    if own == 0 || total.abs_diff(own) > plan.most_apart {
        say.error("Bad number of signatures in database files");
        return say.failed();
    }
    say.out(total.to_string().as_bytes());
}

/// Makes the container of the sources that belong to it.
fn container(plan: &Plan, name: &str, total: u64, sources: &[Source], say: &mut Saying) {
    let members = plan.members(sources);
    let list = plan.list(total, &members);
    match plan.packed(total, sources, &list, &members) {
        Ok(bytes) => {
            say.file(&format!("{}.info", plan.stem), list.as_bytes());
            say.file(name, &bytes);
        }
        Err(error) => {
            say.error(&format!("build: {error}"));
            say.failed();
        }
    }
}

fn extension(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or_default()
}

impl Plan {
    /// Whether a file belongs to the database.
    fn has(&self, name: &str) -> bool {
        let is_bytecode = extension(name) == "cbc" && (self.hybrid || self.stem == "bytecode");
        let kind = name.strip_prefix(&self.stem).and_then(|rest| rest.strip_prefix('.'));
        is_bytecode || kind.is_some_and(|kind| MEMBERS.contains(&kind))
    }

    /// The files that belong to it, in ClamAV's order.
    fn members<'a>(&self, sources: &'a [Source]) -> Vec<&'a Source> {
        let mut members: Vec<&Source> = sources.iter().filter(|source| self.has(&source.name)).collect();
        members.sort_by_key(|source| {
            let is_bytecode =
                extension(&source.name) == "cbc" && !source.name.starts_with(&format!("{}.", self.stem));
            let place = MEMBERS.iter().position(|kind| *kind == extension(&source.name));
            (!is_bytecode, place, source.name.clone())
        });
        members
    }

    /// A header, without what fills it up.
    fn header(&self, signatures: u64, sum: &str) -> String {
        let time = Moment::of(self.seconds).header();
        let Self { version, level, builder, seconds, .. } = self;
        format!("ClamAV-VDB:{time}:{version}:{signatures}:{level}:{sum}:X:{builder}:{seconds}")
    }

    /// The list of members.
    fn list(&self, signatures: u64, members: &[&Source]) -> String {
        let mut list = self.header(signatures, "X");
        list.push('\n');
        for member in members {
            let digest = hexadecimal(&Sha256::digest(&*member.bytes));
            list.push_str(&format!("{}:{}:{digest}\n", member.name, member.bytes.len()));
        }
        list
    }

    fn packed(
        &self,
        signatures: u64,
        sources: &[Source],
        list: &str,
        members: &[&Source],
    ) -> io::Result<Vec<u8>> {
        let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::best()));
        let mut add = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_ustar();
            header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            header.set_mode(0o644);
            archive.append_data(&mut header, name, bytes)
        };
        if let Some(licence) = sources.iter().find(|source| source.name == "COPYING") {
            add("COPYING", &licence.bytes)?;
        }
        add(&format!("{}.info", self.stem), list.as_bytes())?;
        for member in members {
            add(&member.name, &member.bytes)?;
        }
        let body = archive.into_inner()?.finish()?;
        let mut bytes = self.header(signatures, &hexadecimal(&Md5::digest(&body))).into_bytes();
        bytes.resize(512, b' ');
        bytes.extend_from_slice(&body);
        Ok(bytes)
    }
}
