//! Files of three and four gigabytes, filled with what stands below a folder of ordinary files: how long each takes, how much memory,
//! and what the answer is. Each is made, looked at and removed before the next one.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use candor_fixtures::container::base64;
use clap::Args;

use crate::bombs::{MEMORY, compiled, of, reasons, scan, verdict};
use crate::sample::{below, size_of};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Signatures: an image, or a folder of ClamAV databases. The built-in ones when it is left out.
    #[arg(long)]
    database: Option<PathBuf>,
    /// The `candor` binary, built for release.
    #[arg(long)]
    candor: PathBuf,
    /// What the files are filled with; on the file system of the folder for temporary files.
    #[arg(long, default_value = "/usr")]
    files: PathBuf,
    /// A folder with room for ten gigabytes.
    #[arg(long)]
    into: PathBuf,
    /// Run only those whose names have this in them.
    #[arg(long)]
    only: Option<String>,
}

/// Bytes of content: what stands around it makes up to 4 GB of it.
const CONTENT: u64 = 3_800_000_000;
/// Bytes of a mailbox.
const MAILBOX: u64 = 3_000_000_000;

/// A name, and what makes the file out of a folder.
type Case = (&'static str, fn(&Path, &Path) -> Result<()>);

const CASES: [Case; 8] = [
    ("a hole of 3.9 GB", |_, out| Ok(File::create(out)?.set_len(3_900_000_000)?)),
    ("tar", |folder, out| done(Command::new("tar").arg("-cf").arg(out).arg("-C").arg(folder).arg("."))),
    ("tar in gzip", |folder, out| {
        done(Command::new("tar").args(["-I", "gzip -1", "-cf"]).arg(out).arg("-C").arg(folder).arg("."))
    }),
    ("ISO 9660", |folder, out| {
        let mut command = Command::new("genisoimage");
        done(command.args(["-quiet", "-R", "-iso-level", "3", "-allow-multidot", "-o"]).arg(out).arg(folder))
    }),
    ("ext4", ext),
    ("ext4 in a VHD", |folder, out| {
        let raw = out.with_extension("raw");
        ext(folder, &raw)?;
        let mut command = Command::new("qemu-img");
        done(
            command.args(["convert", "-f", "raw", "-O", "vpc", "-o", "subformat=fixed"]).arg(&raw).arg(out),
        )?;
        Ok(fs::remove_file(&raw)?)
    }),
    ("mailbox", mailbox),
    ("7z", |folder, out| {
        let program = if Command::new("7zz").output().is_ok() { "7zz" } else { "7z" };
        // A name without an ending is given one.
        let archive = out.with_extension("7z");
        done(Command::new(program).args(["a", "-bd", "-mx=1", "-t7z"]).arg(&archive).arg(folder.join(".")))?;
        Ok(fs::rename(archive, out)?)
    }),
];

fn ext(folder: &Path, out: &Path) -> Result<()> {
    File::create(out)?.set_len(CONTENT / 100 * 115)?;
    done(Command::new("/sbin/mke2fs").args(["-q", "-F", "-t", "ext4", "-m", "0", "-d"]).arg(folder).arg(out))
}

/// Mails with a file each, until there are enough of them.
fn mailbox(folder: &Path, out: &Path) -> Result<()> {
    let mut file = BufWriter::new(File::create(out)?);
    let mut written = 0;
    for path in below(folder)? {
        let content = base64(&fs::read(&path)?);
        written += content.len() as u64;
        if written > MAILBOX {
            break;
        }
        write!(
            file,
            "From a@example.org Thu Nov 26 12:00:00 2026\nFrom: a@example.org\nSubject: {}\n",
            path.display()
        )?;
        write!(
            file,
            "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nA file.\n--b\n"
        )?;
        write!(file, "Content-Type: application/octet-stream\nContent-Transfer-Encoding: base64\n\n")?;
        for line in content.as_bytes().chunks(76) {
            file.write_all(line)?;
            file.write_all(b"\n")?;
        }
        write!(file, "--b--\n\n")?;
    }
    Ok(file.flush()?)
}

fn done(command: &mut Command) -> Result<()> {
    let output = command.stdout(Stdio::null()).output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

/// Links to so many bytes of the files below a folder.
fn linked(files: &Path, into: &Path) -> Result<()> {
    let mut taken = 0;
    for file in below(files)? {
        let length = size_of(std::slice::from_ref(&file));
        if length == 0 || taken + length > CONTENT {
            continue;
        }
        let place = into.join(file.strip_prefix(files)?);
        fs::create_dir_all(place.parent().unwrap_or(into))?;
        fs::hard_link(&file, &place).with_context(|| format!("a link to {}", file.display()))?;
        taken += length;
    }
    Ok(())
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let work = tempfile::tempdir_in(&arguments.into)?;
    let database = match &arguments.database {
        Some(database) if database.is_dir() => Some(compiled(&arguments.candor, database, work.path())?),
        other => other.clone(),
    };
    let links = tempfile::tempdir()?;
    let folder = links.path().join("files");
    fs::create_dir(&folder)?;
    linked(&arguments.files, &folder)?;
    println!("| file | length | seconds | private memory | answer |\n|---|---|---|---|---|");
    let mut missed = 0;
    for (name, make) in CASES {
        if arguments.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let path = work.path().join("large");
        if let Err(error) = make(&folder, &path) {
            println!("| {name} | | | | not made: {error:#} |");
            continue;
        }
        let said = work.path().join("said");
        let mut command = scan(&arguments.candor, database.as_deref(), &path);
        let start = Instant::now();
        let memory =
            crate::whole::peak_of(command.stdout(File::create(&said)?).stderr(Stdio::null()).spawn()?)?;
        let seconds = start.elapsed().as_secs_f64();
        let answer = fs::read_to_string(&said)?;
        let line = answer.lines().next().unwrap_or_default();
        missed += u32::from(memory > MEMORY);
        println!(
            "| {name} | {} | {seconds:.1} | {:.0} MB | {}{} |",
            of(fs::metadata(&path)?.len()),
            memory as f64 / 1e6,
            verdict(line),
            reasons(line)
        );
        fs::remove_file(&path)?;
    }
    ensure!(missed == 0, "{missed} files took more than 300 MiB");
    Ok(())
}
