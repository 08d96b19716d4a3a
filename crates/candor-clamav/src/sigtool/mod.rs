//! `sigtool`: makes and takes apart databases and signatures.
//!
//! Files that others wrote are read in a [jail](crate::jailed); this process opens them, prints and writes what
//! comes out.
//!
//! * [`digest`]: digests. [`program`]: digests of sections and imports, certificates, images.
//! * [`container`]: what a container says of itself, and what is in it. [`build`]: makes one. [`sign`]: signatures beside it.
//! * [`names`]: lists and finds signatures. [`decode`]: says what they mean. [`trial`]: tries them on a file.
//! * [`text`]: normalised copies and decoded text. [`macros`]: what is in documents.
//! * [`compare`]: what has changed from one database to the next, as a script. [`script`]: runs scripts.

mod build;
mod collect;
mod compare;
mod container;
mod decode;
mod digest;
mod macros;
mod names;
mod program;
mod script;
mod sign;
mod text;
mod trial;

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use candor_sandbox::worker::Source;

use crate::console::{Console, complain};
use crate::jailed::{self, Input, Said, Saying};
use crate::options::sigtool::OPTIONS;
use crate::options::{self, Given};
use digest::Kind;
pub(crate) use digest::hexadecimal;

/// Where ClamAV's databases are when nothing is said.
const DATABASES: &str = "/var/lib/clamav";

/// Runs `sigtool`.
pub(crate) fn run(program: &str, arguments: Vec<OsString>) -> ExitCode {
    let given = match options::read(program, OPTIONS, arguments) {
        Ok(given) => given,
        Err(lines) => {
            lines.iter().for_each(|line| complain(line));
            return ExitCode::FAILURE;
        }
    };
    let mut console = Console::new();
    console.quiet = given.is_on("quiet");
    console.all_to_stdout = given.is_on("stdout");
    given.warnings.iter().for_each(|warning| console.warn(warning));
    let is_done = command(&given, &mut console);
    console.flush();
    if is_done { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Does what is asked for: the first of all that there is to do.
fn command(given: &Given, console: &mut Console) -> bool {
    let path = |name: &str| given.text(name).map(Path::new);
    let second = given.paths.first().map(Path::new);
    if given.is_on("help") {
        help(console);
        return true;
    }
    if given.is_on("version") {
        console.show(format!("ClamAV {}", crate::CLAMAV).as_bytes());
        return true;
    }
    if given.is_on("hex-dump") {
        return digest::hex_dump(console);
    }
    for (name, kind) in
        [("md5", Kind::Md5), ("sha1", Kind::Sha1), ("sha256", Kind::Sha256), ("sha2-256", Kind::Sha256)]
    {
        if given.is_on(name) {
            return match given.paths.as_slice() {
                [] => kind.stdin(console),
                paths => paths.iter().all(|path| kind.file(Path::new(path), console)),
            };
        }
    }
    for (name, work) in [("mdb", program::sections as program::Work), ("imp", program::imports)] {
        if given.is_on(name) {
            return program::each(&given.paths, work, console);
        }
    }
    if given.is_on("fuzzy-img") {
        return program::images(&given.paths, console);
    }
    if let Some(path) = path("html-normalise") {
        return text::html(path, console);
    }
    if let Some(path) = path("ascii-normalise") {
        return text::ascii(path, console);
    }
    if let Some(path) = path("utf16-decode") {
        return text::utf16(path, console);
    }
    if let Some(path) = path("info") {
        return container::info(path, console);
    }
    if let Some(path) = path("build") {
        return build::run(path, second, given, console);
    }
    if let Some(path) = path("sign") {
        return sign::run(path, given, console);
    }
    if let Some(path) = path("verify") {
        return sign::verify(path, given, console);
    }
    if let Some(path) = path("unpack") {
        return container::unpack(path, console);
    }
    if let Some(name) = given.text("unpack-current") {
        return container::unpack_current(name, databases(given), console);
    }
    if let Some(old) = path("diff") {
        return compare::containers(old, second, console);
    }
    if let Some(old) = path("compare") {
        return compare::files(old, second, console);
    }
    if let Some(path) = path("print-certs") {
        return program::certificates(path, console);
    }
    if let Some(path) = path("list-sigs") {
        let path = if path.as_os_str().is_empty() { databases(given) } else { path };
        return names::list(path, console);
    }
    if let Some(expression) = given.text("find-sigs") {
        return names::find(&expression.to_string_lossy(), databases(given), console);
    }
    if given.is_on("decode-sigs") {
        return decode::stdin(console);
    }
    if let Some(path) = path("test-sigs") {
        return trial::run(path, second, console);
    }
    if let Some(path) = path("vba") {
        return macros::show(path, console);
    }
    if let Some(path) = path("vba-hex") {
        return macros::show(path, console);
    }
    if let Some(path) = path("run-cdiff") {
        return script::run(path, console);
    }
    if let Some(path) = path("verify-cdiff") {
        return script::verify(path, second, console);
    }
    help(console);
    false
}

fn help(console: &mut Console) {
    console.show(b"");
    console.show(format!("            Candor as ClamAV's sigtool {}", crate::CLAMAV).as_bytes());
    console.show(b"\n    sigtool [options] [files]\n");
    options::help(OPTIONS).iter().for_each(|line| console.show(line.as_bytes()));
    console.show(b"");
}

/// The folder of databases that is named, else ClamAV's.
fn databases(given: &Given) -> &Path {
    Path::new(given.text("datadir").unwrap_or(OsStr::new(DATABASES)))
}

/// Does `work` on files in a jail, prints what it says, and writes the files that it makes to where the command
/// runs. Whether it was done without a failure.
fn work(inputs: &[Input], console: &mut Console, work: impl Fn(&[Source], &mut Saying)) -> bool {
    let mut is_done = true;
    let worked = jailed::run(inputs, work, &mut |said| {
        match said {
            Said::Out(bytes) if console.quiet => drop(bytes),
            Said::Out(bytes) => console.raw(&bytes),
            Said::Error(text) => console.error(&text),
            Said::Note(text) => console.stderr(format!("LibClamAV debug: {text}").as_bytes()),
            Said::Failed => is_done = false,
            Said::File(name, bytes) => {
                anyhow::ensure!(jailed::is_plain(&name), "a file with a name that is refused: {name:?}");
                write(Path::new(&name), &bytes).with_context(|| name.clone())?;
            }
        }
        Ok(())
    });
    if let Err(error) = worked {
        console.error(&format!("{error:#}"));
        return false;
    }
    is_done
}

/// Writes a file, in place of one that has its name. No link is followed.
fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let flags = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o644).custom_flags(flags);
    options.open(path)?.write_all(bytes)
}

/// What the system says, without the number of the error.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}
