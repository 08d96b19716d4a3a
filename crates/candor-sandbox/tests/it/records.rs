//! Files go in, records come out: a worker that fails costs one file, and can say neither too much nor too long.
//!
//! The workers here are real ones in the real jail; what they do with a file stands in the file.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::time::Duration;

use candor_sandbox::records::{FILES, Records, Source, serve};
use candor_sandbox::{Jailed, Sandbox, Setup, Task};

fn obey(jailed: Jailed) {
    serve(jailed, |name, bytes, partial, say| {
        match bytes {
            b"crash" => std::process::abort(),
            b"panic" => panic!("as told"),
            b"open" => drop(std::fs::File::open("/etc/passwd")),
            b"hang" => loop {
                std::hint::spin_loop();
            },
            b"babble" => {
                for _ in 0..400_000 {
                    say(b"x");
                }
            }
            b"long" => say(&vec![b'y'; 1 << 20]),
            _ => {
                say(name.as_bytes());
                say(bytes);
            }
        }
        partial.unwrap_or("done").as_bytes().to_vec()
    })
}

/// How long a file may take that is not made to take long.
const TIME: Duration = Duration::from_secs(60);

fn sandbox(max_time: Duration) -> Sandbox {
    let setup = Setup { memory: 256 << 20, max_time: Some(max_time), ..Setup::new(Task::Scan) };
    Sandbox::start(setup, obey).unwrap()
}

type Said = Vec<(usize, Vec<u8>)>;

fn read(contents: &[&[u8]], max_time: Duration) -> (Said, Vec<Result<String, String>>) {
    let sandbox = sandbox(max_time);
    let files: Vec<std::fs::File> = contents
        .iter()
        .map(|content| {
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(content).unwrap();
            std::io::Seek::rewind(&mut file).unwrap();
            file
        })
        .collect();
    let names: Vec<String> = (0..files.len()).map(|number| format!("file {number}")).collect();
    let sources: Vec<Source<'_>> = files
        .iter()
        .zip(&names)
        .zip(contents)
        .map(|((file, name), content)| Source { name, file: file.as_fd(), length: content.len() as u64 })
        .collect();
    let mut said = Vec::new();
    let mut records = Records::new(&sandbox);
    let done = records.read(&sources, &mut |number, bytes| said.push((number, bytes.to_vec())));
    (said, done.into_iter().map(|last| last.map(|last| String::from_utf8(last).unwrap())).collect())
}

#[test]
fn records_are_about_the_file_that_was_given() {
    let large = vec![b'z'; 3 << 20];
    let (said, done) = read(&[b"one", &large[..4], b""], TIME);
    let text = |text: &str| text.as_bytes().to_vec();
    assert_eq!(
        said,
        [
            (0, text("file 0")),
            (0, text("one")),
            (1, text("file 1")),
            (1, text("zzzz")),
            (2, text("file 2")),
            (2, Vec::new())
        ]
    );
    assert_eq!(done, vec![Ok("done".to_owned()); 3]);
}

#[test]
fn a_worker_that_fails_costs_the_file_that_it_had() {
    for (bad, words, time) in [
        (&b"crash"[..], "must not", TIME),
        (b"panic", "the engine failed at crates/candor-sandbox/tests/it/records.rs:", TIME),
        (b"open", "must not", TIME),
        (b"hang", "too long", Duration::from_secs(5)),
        (b"babble", "too many", TIME),
    ] {
        let (said, done) = read(&[b"before", bad, b"after"], time);
        assert_eq!(done.len(), 3);
        assert_eq!(done[0], Ok("done".to_owned()));
        let why = done[1].clone().unwrap_err();
        assert!(why.contains(words), "{}: {why}", String::from_utf8_lossy(bad));
        assert_eq!(done[2], Ok("done".to_owned()), "after {}", String::from_utf8_lossy(bad));
        assert!(said.iter().any(|(number, bytes)| *number == 2 && bytes == b"after"));
    }
}

#[test]
fn a_record_is_no_longer_than_a_packet_and_a_batch_no_larger_than_told() {
    let (said, done) = read(&[b"long"], TIME);
    assert_eq!(done, [Ok("done".to_owned())]);
    assert!(said[0].1.len() < 64 << 10);
    let many = vec![&b"x"[..]; FILES + 5];
    assert_eq!(read(&many, TIME).1.len(), FILES);
}
