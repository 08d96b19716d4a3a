//! Files go in, answers come out, whatever happens to the workers.
//!
//! The workers here are real ones in the real jail; what they do with a file stands in the file.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use candor_model::{FileType, Finding, LayerId, Origin, Reason, Report, Strength, Verdict};
use candor_sandbox::message::{Answer, Order, Packer, Word};
use candor_sandbox::worker::close;
use candor_sandbox::{Entry, FILES_A_WORKER, Jailed, Lane, Outcome, Sandbox, Setup, Task, guarded};
use rustix::process::{Pid, Signal};

fn report(found: bool) -> Report {
    let finding = Finding {
        signature: String::from("Evil"),
        origin: Origin { source: String::from("x.ndb"), line: 1 },
        official: false,
        strength: Strength::Strong,
        language: "ndb",
        layer: LayerId(0),
        file_type: FileType::BinaryData,
        path: Vec::new(),
        normalised: None,
        matches: Vec::new(),
    };
    Report {
        verdict: if found { Verdict::Infected } else { Verdict::Clean },
        file_type: FileType::BinaryData,
        findings: found.then_some(finding).into_iter().collect(),
        incomplete: Vec::new(),
        trusted: None,
        layers: Vec::new(),
        bytes: 1,
    }
}

/// A worker that does what is in the files.
fn obey(jailed: Jailed) -> std::io::Result<()> {
    let mut ready = std::mem::ManuallyDrop::new(jailed.ready()?);
    let mut descriptors: Vec<OwnedFd> = Vec::new();
    let mut served = 0;
    while let Some(Order::Files(given)) = ready.next(&mut descriptors)? {
        let mut packer = Packer::default();
        let mut files = std::mem::take(&mut descriptors).into_iter().map(std::mem::ManuallyDrop::new);
        while let Some(file) = files.next() {
            let mut buffer = [0; 4096];
            let read = rustix::io::read(&*file, &mut buffer)?;
            close(std::mem::ManuallyDrop::into_inner(file));
            served += 1;
            let answer = |found| Answer::Scanned { read: 1, partial: None, report: Box::new(report(found)) };
            let answer = match &buffer[..read] {
                b"" => Answer::Unreadable(String::from("there is nothing in it")),
                b"evil" => answer(true),
                b"defect" => Answer::Defect(String::from("something is wrong")),
                b"crash" => return Err(std::io::ErrorKind::Other.into()),
                // As the engine is run, and as nothing else is.
                b"panic" => Answer::Defect(guarded(|| panic!("as told")).unwrap_err()),
                b"fault" => panic!("as told"),
                // Ends every worker but a fresh one that has it alone.
                b"grudge" if given.len() == 1 && given[0].careful && served == 1 => answer(false),
                b"grudge" => return Err(std::io::ErrorKind::Other.into()),
                b"overflow" => answer(overflow(1) == 0),
                b"forbidden" => {
                    let _ = rustix::process::getpid();
                    drop(std::fs::File::open("/etc/passwd"));
                    answer(false)
                }
                b"hang" => loop {
                    std::hint::spin_loop();
                },
                // Nothing ever comes: it sleeps.
                b"sleep" => loop {
                    let mut others = Vec::new();
                    ready.next(&mut others)?;
                    std::mem::forget(others);
                },
                b"eat" => {
                    let mut eaten: Vec<Vec<u8>> = Vec::new();
                    loop {
                        eaten.push(vec![1; 16 << 20]);
                        std::hint::black_box(&eaten);
                    }
                }
                b"babble" => {
                    ready.say(&[1, 3, 99])?;
                    answer(false)
                }
                b"mutter" => loop {
                    ready.say(b"I have much to say, and will never come to an end.")?;
                },
                b"silence" => loop {
                    ready.say(&[1, 3])?;
                },
                b"nothing" => loop {
                    ready.say(&Word::Part { bytes: Vec::new(), last: false }.encode())?;
                },
                // Always something new, and never an answer.
                b"drip" => loop {
                    ready.say(&Word::Part { bytes: vec![0], last: false }.encode())?;
                    spin(Duration::from_millis(5));
                },
                b"twice" => {
                    packer.push(&answer(false), &mut |packet| ready.say(packet))?;
                    answer(false)
                }
                b"long" => {
                    let part = Word::Part { bytes: vec![0; 60_000], last: false }.encode();
                    loop {
                        ready.say(&part)?;
                    }
                }
                // Is found out, and goes on to spoil what the next worker gets.
                b"meddle" => {
                    packer.push(&answer(true), &mut |packet| ready.say(packet))?;
                    packer.flush(&mut |packet| ready.say(packet))?;
                    let others: Vec<_> = files.collect();
                    loop {
                        for file in &others {
                            rustix::fs::seek(&**file, rustix::fs::SeekFrom::End(0))?;
                        }
                    }
                }
                b"number" => Answer::TooLarge(Some(served)),
                b"slow" => {
                    spin(Duration::from_millis(2));
                    answer(false)
                }
                bytes if bytes.starts_with(b"large") => Answer::TooLarge(Some(given.len() as u64)),
                bytes if bytes.starts_with(b"say:") => {
                    ready.say(&bytes[4..])?;
                    answer(false)
                }
                _ => answer(false),
            };
            packer.push(&answer, &mut |packet| ready.say(packet))?;
            if !answer.is_harmless() {
                return packer.flush(&mut |packet| ready.say(packet));
            }
        }
        packer.flush(&mut |packet| ready.say(packet))?;
    }
    Ok(())
}

fn spin(time: Duration) {
    let began = Instant::now();
    while began.elapsed() < time {
        std::hint::spin_loop();
    }
}

/// Takes stack until there is none.
fn overflow(depth: u64) -> u64 {
    let here = std::hint::black_box([depth; 512]);
    if depth == 0 { 0 } else { overflow(here[7] + 1) + here[8] }
}

fn sandbox(max_time: Option<Duration>) -> Sandbox {
    let patience = Duration::from_secs(4);
    let setup = Setup { max_time, patience, memory: 256 << 20, ..Setup::new(Task::Scan) };
    Sandbox::start(setup, |jailed| drop(obey(jailed))).unwrap()
}

fn entry(number: usize, content: &str) -> Entry<usize> {
    entry_of_bytes(number, content.as_bytes())
}

fn entry_of_bytes(number: usize, content: &[u8]) -> Entry<usize> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content).unwrap();
    rustix::fs::seek(&file, rustix::fs::SeekFrom::Start(0)).unwrap();
    Entry {
        file: file.into(),
        identity: None,
        length: content.len() as u64,
        name: number.to_string(),
        token: number,
    }
}

/// What became of each file, which comes out exactly once.
fn run(sandbox: &Sandbox, contents: &[&str]) -> BTreeMap<usize, String> {
    run_bytes(sandbox, &contents.iter().map(|content| content.as_bytes()).collect::<Vec<_>>())
}

fn run_bytes(sandbox: &Sandbox, contents: &[&[u8]]) -> BTreeMap<usize, String> {
    run_counted(sandbox, contents, &AtomicUsize::new(0))
}

/// As [`run_bytes`]; counts the files that have come out.
fn run_counted(sandbox: &Sandbox, contents: &[&[u8]], out: &AtomicUsize) -> BTreeMap<usize, String> {
    let mut lane = Lane::new(sandbox, 64);
    let mut came = BTreeMap::new();
    let mut take = |lane: &mut Lane<'_, usize>, time| {
        while let Some((token, outcome)) = lane.next(time) {
            assert_eq!(came.insert(token, text(outcome)), None, "{token} came twice");
            out.fetch_add(1, Ordering::Relaxed);
        }
    };
    for (number, content) in contents.iter().enumerate() {
        lane.push(entry_of_bytes(number, content));
        while !lane.has_room() {
            take(&mut lane, Duration::from_millis(50));
        }
    }
    let began = Instant::now();
    while !lane.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(300), "it never ends");
        take(&mut lane, Duration::from_millis(50));
    }
    assert_eq!(came.len(), contents.len());
    came
}

fn text(outcome: Outcome) -> String {
    match outcome {
        Outcome::Answer(Answer::Scanned { report, .. }) => report.verdict.name().to_owned(),
        Outcome::Answer(Answer::TooLarge(number)) => format!("number {}", number.unwrap_or_default()),
        Outcome::Answer(other) => format!("{other:?}"),
        Outcome::Deadly(reason, why) => format!("{}: {why}", reason.code()),
    }
}

/// The child processes of a process.
fn children(process: i32) -> Vec<Pid> {
    let text =
        std::fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    text.split_whitespace().filter_map(|number| Pid::from_raw(number.parse().ok()?)).collect()
}

#[test]
fn a_file_that_ends_workers_costs_nobody_else_anything() {
    let sandbox = sandbox(Some(Duration::from_millis(300)));
    for (content, expected) in [
        ("crash", "crashed: the worker ended with status 0"),
        (
            "fault",
            "crashed: the worker ended with status 1: it failed at crates/candor-sandbox/tests/it/lanes.rs",
        ),
        ("overflow", "crashed: the worker was ended by signal 11"),
        ("forbidden", "crashed: the worker asked the system for something that it must not"),
        ("hang", "timeout: the worker did not come back in time"),
        ("eat", "memory: memory allocation of 16777216 bytes failed"),
        ("panic", "Defect(\"the engine failed at crates/candor-sandbox/tests/it/lanes.rs"),
        ("babble", "crashed: the worker said something that is no message"),
        ("long", "crashed: the worker said something that is no message"),
        ("sleep", "timeout: the worker did not come back in time"),
        ("mutter", "crashed: the worker said something that is no message: a message has too many"),
        ("silence", "crashed: the worker said something that is no message"),
        ("nothing", "crashed: the worker said something that is no message"),
        ("drip", "timeout: the worker did not come back in time"),
    ] {
        let mut contents = vec!["x"; 20];
        contents[7] = content;
        contents[15] = "evil";
        let came = run(&sandbox, &contents);
        for (number, text) in &came {
            match number {
                7 => assert!(text.starts_with(expected), "{content}: {text}"),
                15 => assert_eq!(text, "infected", "{content}"),
                _ => assert_eq!(text, "clean", "{content}: {number}"),
            }
        }
    }
}

#[test]
fn large_files_wait_for_each_other_and_come_out_in_the_end() {
    let sandbox = sandbox(None);
    let mut large = b"large".to_vec();
    large.resize(1 << 20, 0);
    let contents: [&[u8]; 6] = [&large, b"clean", &large, b"clean", b"clean", &large];
    let came = run_bytes(&sandbox, &contents);
    for number in [0, 2, 5] {
        assert_eq!(came[&number], "number 3", "it was not handed over with the others");
    }
    for number in [1, 3, 4] {
        assert_eq!(came[&number], "clean");
    }
    // One alone does not wait for ever, and whoever asks for all gets all.
    assert_eq!(run_bytes(&sandbox, &[&large])[&0], "number 1");
    let mut lane = Lane::new(&sandbox, 64);
    lane.push(entry_of_bytes(0, &large));
    lane.push(entry_of_bytes(1, b"clean"));
    lane.flush();
    assert!(lane.next(Duration::from_secs(60)).is_some() && lane.next(Duration::from_secs(60)).is_some());
    assert!(lane.is_empty());
}

#[test]
fn a_file_is_tried_once_more_alone_in_a_fresh_worker() {
    let sandbox = sandbox(None);
    let mut contents = vec!["x"; 20];
    contents[7] = "grudge";
    assert!(run(&sandbox, &contents).values().all(|text| text == "clean"));
}

#[test]
fn a_worker_is_replaced_after_an_error() {
    let sandbox = sandbox(None);
    let came = run(&sandbox, &["x", "number", "defect", "number"]);
    assert_eq!((came[&1].as_str(), came[&3].as_str()), ("number 2", "number 1"));
    assert_eq!(came[&2], "Defect(\"something is wrong\")");
}

#[test]
fn a_worker_that_was_found_out_cannot_spoil_what_the_next_one_gets() {
    let sandbox = sandbox(None);
    let mut contents = vec!["meddle"];
    contents.extend(["x"; 63]);
    for _ in 0..100 {
        let came = run(&sandbox, &contents);
        assert_eq!(came[&0], "infected");
        assert!(came.values().skip(1).all(|text| text == "clean"), "{came:?}");
    }
}

#[test]
fn whatever_a_worker_says_every_file_is_answered_once() {
    let sandbox = sandbox(Some(Duration::from_millis(300)));
    // Xorshift: any numbers will do, as long as they are the same every time.
    let mut state = 88_172_645_463_325_252_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut bytes =
        |most: u64| -> Vec<u8> { (0..random() % most).map(|_| random().to_le_bytes()[3]).collect() };
    for round in 0..40_u8 {
        let mut contents: Vec<Vec<u8>> = vec![b"x".to_vec(); 20];
        for place in [3, 11] {
            // Most of it begins as a message would.
            let start = [&b"say:"[..], if round % 4 == 0 { &[] } else { &[1] }, &[round / 3 % 12]].concat();
            contents[place] = [start, bytes(200)].concat();
        }
        contents[15] = b"evil".to_vec();
        let contents: Vec<&[u8]> = contents.iter().map(Vec::as_slice).collect();
        let came = run_bytes(&sandbox, &contents);
        // It may have said that the files that it has are something else, and no more than that.
        assert!(came.values().filter(|text| *text == "clean").count() >= 10, "{came:?}");
    }
}

#[test]
fn a_worker_that_answers_twice_is_found_out() {
    let sandbox = sandbox(None);
    let came = run(&sandbox, &["x", "x", "twice"]);
    assert_eq!((came[&0].as_str(), came[&1].as_str()), ("clean", "clean"));
    assert_eq!(came.len(), 3);
}

#[test]
fn a_file_that_has_ended_workers_twice_is_not_tried_again() {
    let sandbox = sandbox(None);
    let deadly = Entry { identity: Some((1, 2, 3, 4)), ..entry(0, "crash") };
    let again = Entry {
        file: deadly.file.try_clone().unwrap(),
        identity: deadly.identity,
        length: deadly.length,
        name: String::from("again"),
        token: 1,
    };
    let mut lane = Lane::new(&sandbox, 64);
    lane.push(deadly);
    let mut came = Vec::new();
    while !lane.is_empty() {
        came.extend(lane.next(Duration::from_secs(1)).map(|(token, outcome)| (token, text(outcome))));
    }
    lane.push(again);
    assert_eq!(lane.next(Duration::ZERO).unwrap().0, 1);
    assert_eq!(came.len(), 1);
    assert!(came[0].1.starts_with("crashed: "), "{came:?}");
}

#[test]
fn workers_are_replaced_after_a_finding_and_after_so_many_files() {
    let sandbox = sandbox(None);
    let mut contents = vec!["x", "number", "evil", "number", "x"];
    contents.extend(vec!["number"; FILES_A_WORKER + 10]);
    let came = run(&sandbox, &contents);
    // The number says how many files the worker has seen.
    assert_eq!(came[&1], "number 2");
    assert_eq!(came[&3], "number 1");
    let most = came.values().filter_map(|text| text.strip_prefix("number ")?.parse::<usize>().ok()).max();
    assert_eq!(most, Some(FILES_A_WORKER));
    assert_eq!(came.values().filter(|text| *text == "number 1").count(), 2);
}

#[test]
fn no_file_is_lost_or_answered_twice_while_workers_are_killed_and_stopped() {
    let sandbox = sandbox(Some(Duration::from_millis(100)));
    let (over, out) = (AtomicBool::new(false), AtomicUsize::new(0));
    let contents: Vec<&str> = (0..3000)
        .map(|number| match number % 100 {
            50 => "evil",
            70 => "babble",
            0 | 20 | 40 => "slow",
            _ => "x",
        })
        .collect();
    let came = std::thread::scope(|scope| {
        let chaos = scope.spawn(|| {
            let mut hits = 0_u32;
            let mut seen = 0;
            while !over.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
                // However slow the machine is, some files come out between two hits.
                let now = out.load(Ordering::Relaxed);
                if now < seen + 20 {
                    continue;
                }
                seen = now;
                // It may have ended meanwhile.
                if let Some(worker) = children(sandbox.process()).first() {
                    hits += 1;
                    let signal = if hits.is_multiple_of(20) { Signal::STOP } else { Signal::KILL };
                    let _ = rustix::process::kill_process(*worker, signal);
                }
            }
            hits
        });
        let lanes: Vec<_> = contents
            .chunks(1500)
            .map(|contents| {
                let (sandbox, out) = (&sandbox, &out);
                let contents: Vec<&[u8]> = contents.iter().map(|content| content.as_bytes()).collect();
                scope.spawn(move || run_counted(sandbox, &contents, out))
            })
            .collect();
        let came: Vec<_> = lanes.into_iter().map(|lane| lane.join().unwrap()).collect();
        over.store(true, Ordering::Relaxed);
        assert!(chaos.join().unwrap() > 10);
        came
    });
    let mut unlucky = 0;
    for (lane, came) in came.iter().enumerate() {
        for (number, text) in came {
            let expected = match contents[lane * 1500 + number] {
                "evil" => "infected",
                "babble" => "crashed",
                _ => "clean",
            };
            // Both workers of a file may have been hit; then it is said that it was not looked at.
            if !text.starts_with(expected) {
                assert!(text.starts_with("crashed: ") || text.starts_with("timeout: "), "{number}: {text}");
                unlucky += 1;
            }
        }
    }
    assert!(unlucky < 300, "{unlucky}");
}

#[test]
fn nothing_is_left_behind() {
    let open = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    // What is opened once and stays.
    drop(sandbox(None));
    let before = open();
    for _ in 0..5 {
        let sandbox = sandbox(None);
        let template = sandbox.process();
        run(&sandbox, &["x", "crash", "evil", "x", "babble"]);
        // Those that were replaced are gone after a moment.
        let began = Instant::now();
        while children(template).len() > 1 {
            assert!(began.elapsed() < Duration::from_secs(60), "workers that nobody needs are kept");
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(sandbox);
        assert!(!std::path::Path::new(&format!("/proc/{template}")).exists());
    }
    // Tests beside this one open files, too.
    assert!(open() < before + 200);
}

#[test]
fn time_in_a_worker_ends_before_the_broker_has_to_end_it() {
    let setup = Setup { max_time: Some(Duration::from_millis(100)), ..Setup::new(Task::Scan) };
    let sandbox = Sandbox::start(setup, |jailed| {
        let Ok(ready) = jailed.ready() else { return };
        let mut ready = std::mem::ManuallyDrop::new(ready);
        let mut files = Vec::new();
        let Ok(Some(_)) = ready.next(&mut files) else { return };
        ready.begin(Some(Duration::from_millis(100)));
        while ready.interrupt().reason().is_none() {
            std::hint::spin_loop();
        }
        let timely = ready.interrupt().reason() == Some(Reason::Timeout);
        let answer = Answer::TooLarge(Some(u64::from(timely)));
        drop(ready.say(&Word::Answers(vec![answer]).encode()));
        std::mem::forget(files);
        drop(ready.next(&mut Vec::new()));
    })
    .unwrap();
    // Had the broker ended it, there would be no answer.
    assert_eq!(run(&sandbox, &["x"])[&0], "number 1");
}
