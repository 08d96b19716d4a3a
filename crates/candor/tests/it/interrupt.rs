//! Runs that end before they are done.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::run::{Place, eicar, wait_until_stuck};

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

/// Starts a scan that waits for more names on its standard input after the first one was scanned.
fn start(place: &Place, arguments: &[&str]) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut all = vec!["scan", "--show-clean", "--file-list", "-"];
    all.extend(arguments);
    let mut child = place
        .command(&all)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    (child, output)
}

fn end(mut child: Child, mut output: impl std::io::Read) -> (i32, String) {
    let mut text = String::new();
    output.read_to_string(&mut text).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), text)
}

/// Names enough for the first piece of the list; the scan of them is done before more are read.
fn feed(child: &mut Child, name: &str) {
    use std::io::Write as _;
    let names = format!("{name}\n").repeat(1024);
    child.stdin.as_mut().unwrap().write_all(names.as_bytes()).unwrap();
}

#[test]
fn ctrl_c_ends_at_once_with_a_truthful_summary() {
    let place = Place::new();
    place.file("clean", "clean");
    let (mut child, mut output) = start(&place, &[]);
    feed(&mut child, "clean");
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    assert_eq!(first, "clean: clean\n");
    let began = Instant::now();
    signal(&child, Signal::INT);
    let (code, text) = end(child, output);
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    assert_eq!(code, 130);
    assert!(text.contains("\nStopped     before all files were scanned"), "{text}");
    let shown = 1 + text.lines().filter(|line| *line == "clean: clean").count();
    let summary = text.lines().find(|line| line.starts_with("Scanned")).unwrap();
    let counted = summary.split_whitespace().nth(1).unwrap().replace(',', "").parse::<usize>().unwrap();
    assert!(counted >= shown, "{counted} {shown}");
}

#[test]
fn one_ctrl_c_that_arrives_twice_is_one() {
    let place = Place::new();
    place.file("clean", "clean");
    let (mut child, mut output) = start(&place, &[]);
    feed(&mut child, "clean");
    output.read_line(&mut String::new()).unwrap();
    signal(&child, Signal::INT);
    signal(&child, Signal::INT);
    let (code, text) = end(child, output);
    assert_eq!(code, 130);
    assert!(text.contains("\nStopped "), "{text}");
}

#[test]
fn what_was_found_before_ctrl_c_decides_the_exit_status() {
    let place = Place::new();
    place.file("eicar.com", eicar());
    let (mut child, mut output) = start(&place, &[]);
    feed(&mut child, "eicar.com");
    let mut first = String::new();
    output.read_line(&mut first).unwrap();
    assert_eq!(first, "eicar.com: infected: Test.EICAR\n");
    signal(&child, Signal::INT);
    assert_eq!(end(child, output).0, 1);
}

#[test]
fn a_polite_kill_ends_the_same_way() {
    let place = Place::new();
    place.file("clean", "clean");
    let (mut child, mut output) = start(&place, &["--jobs", "1"]);
    feed(&mut child, "clean");
    output.read_line(&mut String::new()).unwrap();
    signal(&child, Signal::TERM);
    let (code, text) = end(child, output);
    assert_eq!(code, 143);
    assert!(text.contains("\nStopped "), "{text}");
}

#[test]
fn a_second_ctrl_c_ends_what_hangs() {
    let place = Place::new();
    for file in 0..3000 {
        place.file(format!("many/{file}"), "x");
    }
    // Nobody reads the output, so that the first one cannot be obeyed.
    let mut child = place
        .command(&["scan", "--json", "many"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_until_stuck(&child);
    signal(&child, Signal::INT);
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(child.try_wait().unwrap(), None);
    // One that comes too soon after the first is taken for the same.
    let began = Instant::now();
    let status = loop {
        signal(&child, Signal::INT);
        std::thread::sleep(Duration::from_millis(200));
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it does not end");
    };
    assert_eq!(status.code(), Some(130));
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let place = Place::new();
    for file in 0..2000 {
        place.file(format!("many/{file}"), "x");
    }
    let mut child = place
        .command(&["scan", "--json", "many"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let mut errors = String::new();
    child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(141));
    assert_eq!(errors, "");
}

#[test]
fn a_file_that_takes_too_long_is_incomplete() {
    let place = Place::new();
    // A pattern that has to be tried at every byte, on a file of nothing but candidates.
    place.file("slow.ldb", format!("Slow;Engine:81-255,Target:0;0&1;6161;0/{}b/\n", "(a*)*".repeat(8)));
    place.file("a", vec![b'a'; 4 << 20]);
    let began = Instant::now();
    let said = place.run_cached(&["scan", "-d", "slow.ldb", "--max-time", "1", "a"]);
    assert!(began.elapsed() < Duration::from_secs(60), "{said:?}");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stdout.starts_with("a: incomplete: "), "{said:?}");
}
