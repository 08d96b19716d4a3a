//! Databases and platform.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use candor::clamav::clock::Moment;
use candor_signature::clamav::FUNCTIONALITY_LEVEL;

use crate::console::{Console, shown};
use crate::database::Header;

/// Where ClamAV's databases are when nothing is said.
const USUAL: &str = "/var/lib/clamav";

/// Tells what this is.
pub(super) fn software(console: &mut Console) {
    let lines = [
        String::from("Software settings\n-----------------"),
        format!("Version: {}", crate::CLAMAV),
        format!("Candor: {}", env!("CARGO_PKG_VERSION")),
        String::from("Optional features supported: AUTOIT_EA06 RAR\n"),
    ];
    lines.iter().for_each(|line| console.show(line.as_bytes()));
}

/// Tells which databases there are in the folders that the configurations name.
pub(super) fn databases(folders: &[String], console: &mut Console) {
    console.show(b"Database information\n--------------------");
    let folder = folders.last().map_or(USUAL, String::as_str);
    console.show(&[b"Database directory: ", shown(folder.as_bytes()).as_slice()].concat());
    if folders.iter().any(|other| other != folder) {
        console.show(b"WARNING: freshclam.conf and clamd.conf point to different database directories");
    }
    let mut paths: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| candor::store::is_database(path) && path.is_file());
    paths.sort();
    let mut total = 0_u64;
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let line = match Header::read(&path) {
            Some(header) => {
                total = total.saturating_add(header.signatures);
                let built = Moment::of(header.time).long();
                format!("{name}: version {}, sigs: {}, built on {built}", header.version, header.signatures)
            }
            None => {
                let lines = lines(&path);
                total = total.saturating_add(lines);
                format!("[3rd Party] {name}: {lines} sigs")
            }
        };
        console.show(&shown(line.as_bytes()));
    }
    console.show(format!("Total number of signatures: {total}\n").as_bytes());
}

/// Lines of a file that are no comments.
fn lines(path: &Path) -> u64 {
    let Ok(file) = File::open(path) else { return 0 };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    let mut number = 0_u64;
    loop {
        line.clear();
        match reader.read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return number,
            Ok(_) if line.starts_with(b"#") || line.trim_ascii().is_empty() => (),
            Ok(_) => number = number.saturating_add(1),
        }
    }
}

/// Tells where this runs.
pub(super) fn platform(console: &mut Console) {
    let kernel = |name: &str| {
        fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default().trim().to_owned()
    };
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let pretty = release.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    let processor = std::env::consts::ARCH;
    let lines = [
        String::from("Platform information\n--------------------"),
        format!("uname: {} {} {} {processor}", kernel("ostype"), kernel("osrelease"), kernel("version")),
        format!("OS: {}, ARCH: {processor}, CPU: {processor}", kernel("ostype")),
        format!("Full OS version: {}", pretty.unwrap_or("unknown").trim_matches('"')),
        String::from("\nBuild information\n-----------------"),
        format!("sizeof(void*) = {}", size_of::<usize>()),
        format!("Engine flevel: {FUNCTIONALITY_LEVEL}, dconf: {FUNCTIONALITY_LEVEL}"),
    ];
    lines.iter().for_each(|line| console.show(line.as_bytes()));
}
