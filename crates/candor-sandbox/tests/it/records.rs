//! Files go in, records come out: a worker that fails costs one file, and can say neither too much nor too long.
//!
//! The workers here are real ones in the real jail; what they do with a file stands in the file.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::time::Duration;

use candor_sandbox::records::{Beside, FILES, Records, Source, serve, serve_beside};
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
        .map(|((file, name), content)| Source {
            name,
            file: file.as_fd(),
            length: content.len() as u64,
            beside: &[],
        })
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

#[test]
fn what_stands_beside_a_file_is_there_when_it_is_read_and_not_for_the_next() {
    let listing = |jailed: Jailed| {
        serve_beside(jailed, |handed, _| {
            let mut words = vec![handed.name.to_owned(), handed.bytes.len().to_string()];
            words.extend(handed.beside.iter().map(|(name, bytes)| format!("{name}={}", bytes.len())));
            words.join(" ").into_bytes()
        })
    };
    let setup = Setup { memory: 256 << 20, max_time: Some(TIME), ..Setup::new(Task::Scan) };
    let sandbox = Sandbox::start(setup, listing).unwrap();
    let file = |length: usize| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'x'; length]).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        file
    };
    // More than one packet takes, one of them so large that it is mapped.
    let lengths: Vec<usize> =
        (0..150).map(|number| if number == 77 { 1 << 20 } else { number + 1 }).collect();
    let files: Vec<(String, std::fs::File)> =
        lengths.iter().map(|length| (format!("blobs/{length}"), file(*length))).collect();
    let beside: Vec<Beside<'_>> = files
        .iter()
        .zip(&lengths)
        .map(|((name, file), length)| Beside { name, file: file.as_fd(), length: *length as u64 })
        .collect();
    let others = [file(1), file(2)];
    let few = [("a", &others[0], 1), ("b", &others[1], 2)].map(|(name, file, length)| Beside {
        name,
        file: file.as_fd(),
        length,
    });
    let mains = [file(5), file(5), file(5)];
    let source =
        |number: usize, name, beside| Source { name, file: mains[number].as_fd(), length: 5, beside };
    let sources = [source(0, "many", &beside[..]), source(1, "few", &few), source(2, "alone", &[])];
    let done = Records::new(&sandbox).read(&sources, &mut |_, _| ());
    let all: Vec<String> = lengths.iter().map(|length| format!("blobs/{length}={length}")).collect();
    let said: Vec<String> = done.into_iter().map(|last| String::from_utf8(last.unwrap()).unwrap()).collect();
    assert_eq!(said, [format!("many 5 {}", all.join(" ")), "few 5 a=1 b=2".into(), "alone 5".into()]);
}
