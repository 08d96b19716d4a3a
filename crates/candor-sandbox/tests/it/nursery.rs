//! Templates that are made while the program has threads.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use candor_sandbox::message::{Answer, Order, Packer};
use candor_sandbox::worker::close;
use candor_sandbox::{Entry, Jailed, Lane, Nursery, Outcome, Sandbox, Setup, Task};
use rustix::process::Pid;

/// A worker that says what its template was given, whatever the file.
fn tell(jailed: Jailed, word: &str) -> std::io::Result<()> {
    let mut ready = std::mem::ManuallyDrop::new(jailed.ready()?);
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    while let Some(Order::Files(_)) = ready.next(&mut descriptors)? {
        let mut packer = Packer::default();
        for file in std::mem::take(&mut descriptors) {
            close(file);
            packer.push(&Answer::Unreadable(word.to_owned()), &mut |packet| ready.say(packet))?;
        }
        packer.flush(&mut |packet| ready.say(packet))?;
    }
    Ok(())
}

fn nursery() -> Nursery {
    let open = |descriptor: Option<OwnedFd>| {
        let Some(descriptor) = descriptor else { return Ok(String::from("nothing")) };
        let mut word = String::new();
        File::from(descriptor).read_to_string(&mut word)?;
        if word == "bad" { Err(std::io::ErrorKind::InvalidData.into()) } else { Ok(word) }
    };
    let work = |jailed: Jailed, word: &String| drop(tell(jailed, word));
    Nursery::start(Setup::new(Task::Scan), open, work).unwrap()
}

fn file(content: &str) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content.as_bytes()).unwrap();
    std::io::Seek::rewind(&mut file).unwrap();
    file
}

fn said(sandbox: &Sandbox) -> String {
    let mut lane = Lane::new(sandbox, 1);
    let name = String::from("x");
    lane.push(Entry { file: file("x").into(), identity: None, length: 1, name, token: () });
    match lane.next(Duration::from_secs(60)) {
        Some(((), Outcome::Answer(Answer::Unreadable(word)))) => word,
        other => panic!("{other:?}"),
    }
}

fn is_there(process: i32) -> bool {
    rustix::process::test_kill_process(Pid::from_raw(process).unwrap()).is_ok()
}

#[test]
fn templates_are_made_one_beside_the_other_while_there_are_threads() {
    let nursery = nursery();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let nursery = &nursery;
            scope.spawn(move || {
                let word = format!("image {thread}");
                let first = nursery.sandbox(Some(file(&word).as_fd())).unwrap();
                let second = nursery.sandbox(None).unwrap();
                assert_eq!(said(&first), word);
                assert_eq!(said(&second), "nothing");
                let process = first.process();
                drop(first);
                assert!(!is_there(process), "the template outlives its sandbox");
                assert_eq!(said(&second), "nothing");
            });
        }
    });
}

#[test]
fn what_cannot_be_opened_is_no_sandbox_and_does_no_harm() {
    let nursery = nursery();
    assert!(nursery.sandbox(Some(file("bad").as_fd())).is_err());
    assert_eq!(said(&nursery.sandbox(Some(file("good").as_fd())).unwrap()), "good");
}

#[test]
fn what_the_program_opens_later_is_in_no_template() {
    let nursery = nursery();
    let (mut reader, writer) = std::io::pipe().unwrap();
    let sandbox = nursery.sandbox(None).unwrap();
    drop(writer);
    // It ends only when nobody has the other end.
    let began = Instant::now();
    assert_eq!(reader.read(&mut [0; 1]).unwrap(), 0);
    assert!(began.elapsed() < Duration::from_secs(60));
    assert_eq!(said(&sandbox), "nothing");
}
