//! What is seen on a terminal, and only there.

use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::process::Stdio;

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::run::{Place, eicar};

/// Both ends of a terminal: what is shown, and where programs write.
fn terminal() -> (File, OwnedFd) {
    let shown = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
    grantpt(&shown).unwrap();
    unlockpt(&shown).unwrap();
    let name = ptsname(&shown, Vec::new()).unwrap();
    let written =
        rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    (File::from(shown), written)
}

/// Everything that is shown until the last writer is gone, which a terminal tells as an error.
fn shown(mut terminal: File) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(got @ 1..) = terminal.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..got]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Files that take a moment.
fn fill(place: &Place) {
    let text: Vec<u8> =
        (0..1_u32 << 18).flat_map(|number| number.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    for number in 0..24_u8 {
        place.file(format!("many/{number}"), [&[number][..], &text].concat());
    }
    place.file("many/eicar.com", eicar());
}

#[test]
fn progress_with_rate_and_remaining_time() {
    let place = Place::new();
    fill(&place);
    let (reader, writer) = terminal();
    let mut command = place.command(&["scan", "--jobs", "1", "many"]);
    command.env("TERM", "xterm").stdout(Stdio::piped()).stderr(writer);
    let child = command.spawn().unwrap();
    // It holds an end of the terminal as well.
    drop(command);
    let watcher = std::thread::spawn(move || shown(reader));
    let output = child.wait_with_output().unwrap();
    let text = watcher.join().unwrap();
    for part in [" of 25 files", ", 1 found, ", "% ", "iB/s, ", " left"] {
        assert!(text.contains(part), "{part}: {text:?}");
    }
    // The line is cleared in the end; results are on standard output alone.
    let last = text.rfind(" left").unwrap();
    assert!(text[last..].contains("\u{1b}[2K"), "{text:?}");
    let results = String::from_utf8(output.stdout).unwrap();
    assert!(results.starts_with("many/eicar.com: infected: Test.EICAR\n"), "{results:?}");
    assert!(results.contains("\nScanned     25 files,"), "{results:?}");
}

#[test]
fn nothing_moves_when_unwanted() {
    let place = Place::new();
    fill(&place);
    for option in ["--quiet", "--no-progress"] {
        let (reader, writer) = terminal();
        let mut command = place.command(&["scan", option, "many"]);
        command.env("TERM", "xterm").stdout(Stdio::null()).stderr(writer);
        let mut child = command.spawn().unwrap();
        drop(command);
        let watcher = std::thread::spawn(move || shown(reader));
        assert_eq!(child.wait().unwrap().code(), Some(1), "{option}");
        assert_eq!(watcher.join().unwrap(), "", "{option}");
    }
}

#[test]
fn colours_on_a_terminal_unless_unwanted() {
    let place = Place::new();
    place.file("eicar.com", eicar());
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let (reader, writer) = terminal();
        let mut command = place.command(&[&["scan"], arguments, &["eicar.com"]].concat());
        command.env("TERM", "xterm").envs(variables.iter().copied()).stdout(writer).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        drop(command);
        assert_eq!(child.wait().unwrap().code(), Some(1));
        shown(reader)
    };
    assert!(run(&[], &[]).contains("\u{1b}[31minfected"));
    assert!(!run(&[("NO_COLOR", "1")], &[]).contains("[31m"));
    assert!(!run(&[("TERM", "dumb")], &[]).contains("[31m"));
    assert!(!run(&[], &["--color", "never"]).contains("[31m"));
}
