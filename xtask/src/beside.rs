//! Runs ClamAV beside: what of the same hidden things do both find?
//!
//! Two sets of files: a marker in every container that the fixtures can make, and the packed programs of
//! Debian's package `clamav-testfiles`, all of which hold one program.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use candor_database::{Builder, Image};
use candor_engine::{Options, Scanner};
use candor_fixtures::marker::{MARKER, combinations};
use candor_model::{Interrupt, Verdict};
use candor_signature::{Input, clamav};
use md5::{Digest as _, Md5};

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Where the package `clamav-testfiles` has its files.
    #[arg(long, default_value = "/usr/share/clamav-testfiles")]
    testfiles: PathBuf,
    /// Fail unless so many of the test files are found.
    #[arg(long, default_value_t = 0)]
    least: usize,
}

/// The part of the test program that every packed copy of it keeps: its code.
const CODE: std::ops::Range<usize> = 0x40..0x72;

/// Compares both sets, and prints what was found by whom.
///
/// # Errors
/// A program cannot be run, Candor misses a marker, or too few test files are found.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let folder = tempfile::tempdir()?;
    let digits: String = MARKER.iter().map(|byte| format!("{byte:02x}")).collect();
    let database = vec![(String::from("marker.ndb"), format!("Test.Marker:0:*:{digits}\n"))];
    let markers = combinations().into_iter().map(|combination| (combination.name, combination.bytes));
    let missed = compare("markers", &folder.path().join("markers"), &database, markers.collect())?;
    ensure!(missed.is_empty(), "Candor misses markers");

    let program = arguments.testfiles.join("clam.exe");
    let program = fs::read(&program)
        .with_context(|| format!("{}: is clamav-testfiles installed?", program.display()))?;
    let code = program.get(CODE).context("the test program is another one")?;
    let code: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    let digest: String = Md5::digest(&program).iter().map(|byte| format!("{byte:02x}")).collect();
    let database = vec![
        (String::from("test.hdb"), format!("{digest}:{}:Test.Program\n", program.len())),
        (String::from("test.ndb"), format!("Test.Code:0:*:{code}\n")),
    ];
    let mut files = Vec::new();
    for entry in fs::read_dir(&arguments.testfiles)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.push((name, fs::read(&path)?));
    }
    files.sort();
    let count = files.len();
    let missed = compare("test files", &folder.path().join("testfiles"), &database, files)?;
    let found = count.saturating_sub(missed.len());
    ensure!(
        found >= arguments.least,
        "{found} of {count} test files are found, fewer than {}",
        arguments.least
    );
    Ok(())
}

/// Prints what both find; gives what Candor misses.
fn compare(
    what: &str,
    folder: &Path,
    database: &[(String, String)],
    files: Vec<(String, Vec<u8>)>,
) -> anyhow::Result<Vec<String>> {
    let (data, signatures) = (folder.join("data"), folder.join("database"));
    fs::create_dir_all(&data)?;
    fs::create_dir_all(&signatures)?;
    for (name, text) in database {
        fs::write(signatures.join(name), text)?;
    }
    for (number, (_, bytes)) in files.iter().enumerate() {
        fs::write(data.join(number.to_string()), bytes)?;
    }
    let theirs = clamscan(&signatures, &data)?;
    let image = image(database)?;
    let mut scanner = Scanner::new(&image, Options::default());
    let (mut ours, mut missed, mut only_ours, mut only_theirs) = (0, Vec::new(), Vec::new(), Vec::new());
    for (number, (name, bytes)) in files.iter().enumerate() {
        let found = scanner.scan(bytes, name, &Interrupt::new()).verdict == Verdict::Infected;
        let known = theirs.contains(&number);
        match (found, known) {
            (true, false) => only_ours.push(name.as_str()),
            (false, true) => only_theirs.push(name.as_str()),
            _ => (),
        }
        if found {
            ours += 1;
        } else {
            missed.push(name.clone());
        }
    }
    println!("{what}: {} files; Candor finds {ours}, ClamAV {}", files.len(), theirs.len());
    println!("  only Candor ({}): {}", only_ours.len(), only_ours.join("; "));
    println!("  only ClamAV ({}): {}", only_theirs.len(), only_theirs.join("; "));
    println!("  Candor misses ({}): {}", missed.len(), missed.join("; "));
    Ok(missed)
}

fn clamscan(signatures: &Path, data: &Path) -> anyhow::Result<BTreeSet<usize>> {
    let output = Command::new("clamscan")
        .arg("--database")
        .arg(signatures)
        .args(["--recursive", "--no-summary", "--infected"])
        .arg(data)
        .output()
        .context("clamscan cannot be started: is the package clamav installed?")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let number = |line: &str| -> Option<usize> {
        line.strip_suffix(" FOUND")?.rsplit_once(": ")?.0.rsplit('/').next()?.parse().ok()
    };
    Ok(text.lines().filter_map(number).collect())
}

fn image(database: &[(String, String)]) -> anyhow::Result<Image> {
    let inputs: Vec<Input<'_>> =
        database.iter().map(|(name, text)| Input { name, bytes: text.as_bytes() }).collect();
    let mut builder = Builder::new();
    let mut said = Vec::new();
    clamav::load(&inputs, clamav::Options::default(), &mut builder, &mut |diagnostic| {
        said.push(diagnostic.to_string());
    });
    ensure!(said.is_empty(), "{}", said.join("; "));
    Ok(Image::from_vec(builder.finish()?)?)
}
