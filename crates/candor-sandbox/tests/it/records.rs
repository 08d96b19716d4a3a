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

fn sandbox() -> Sandbox {
    let setup = Setup { memory: 256 << 20, max_time: Some(Duration::from_secs(2)), ..Setup::new(Task::Scan) };
    Sandbox::start(setup, obey).unwrap()
}

type Said = Vec<(usize, Vec<u8>)>;

fn read(contents: &[&[u8]]) -> (Said, Vec<Result<String, String>>) {
    let sandbox = sandbox();
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
    let (said, done) = read(&[b"one", &large[..4], b""]);
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
    for (bad, words) in [
        (&b"crash"[..], "must not"),
        // How it ends depends on whether anything in this process has unwound before.
        (b"panic", ""),
        (b"open", "must not"),
        (b"hang", "too long"),
        (b"babble", "too many"),
    ] {
        let (said, done) = read(&[b"before", bad, b"after"]);
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
    let (said, done) = read(&[b"long"]);
    assert_eq!(done, [Ok("done".to_owned())]);
    assert!(said[0].1.len() < 64 << 10);
    let many = vec![&b"x"[..]; FILES + 5];
    assert_eq!(read(&many).1.len(), FILES);
}
