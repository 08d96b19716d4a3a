//! A spool, a fetcher that fills it, and a server of a few lines.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use candor_update::source::fetch::{Answer, FileWish, Job, Times, VERSION, Wish};

pub(crate) struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Starts a fetcher in the spool, with this job.
    pub(crate) fn start(&self, job: &[u8]) -> std::process::Child {
        let mut child = Command::new(env!("CARGO_BIN_EXE_candor-fetch"))
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdin.take().unwrap().write_all(job));
        child
    }

    /// What a fetcher answers to a job, and what it says besides.
    pub(crate) fn run(&self, job: &Job) -> (Vec<Answer>, String) {
        let output = self.start(&job.write().unwrap()).wait_with_output().unwrap();
        let lines = output.stdout.split_inclusive(|byte| *byte == b'\n').enumerate();
        let answers = lines.map(|(number, line)| Answer::read(line, number).unwrap()).collect();
        (answers, String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// The one answer to one wish, and the bytes that came.
    pub(crate) fn fetch(&self, wish: FileWish, times: Times) -> (Answer, Vec<u8>) {
        let (mut answers, said) = self.run(&job(vec![Wish::File(wish)], times));
        assert_eq!(said, "");
        let answer = answers.pop().unwrap();
        let mut bytes = std::fs::read(self.path("0")).unwrap();
        bytes.truncate(usize::try_from(answer.length).unwrap());
        (answer, bytes)
    }
}

pub(crate) fn job(wishes: Vec<Wish>, times: Times) -> Job {
    Job {
        version: VERSION,
        agent: String::from("Candor/test"),
        times,
        redirects: 3,
        proxy: None,
        name_servers: Vec::new(),
        authorities: None,
        stop_at_failure: false,
        wishes,
    }
}

pub(crate) fn wish(url: &str) -> FileWish {
    FileWish { url: url.to_owned(), most: 1 << 20, first: None, since: None }
}

/// Times that a test can wait for.
pub(crate) fn short() -> Times {
    Times { connect: 2, stall: 1, total: 5, slowest: 64 }
}

/// A server that does the same for everybody; it keeps the heads of what it was asked.
pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn new(serve: impl Fn(&mut TcpStream, &str) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let heads = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&heads);
        let serve = Arc::new(serve);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (serve, kept) = (Arc::clone(&serve), Arc::clone(&kept));
                std::thread::spawn(move || {
                    let mut stream = stream.unwrap();
                    drop(stream.set_read_timeout(Some(Duration::from_secs(20))));
                    let mut head = String::new();
                    let mut reader = BufReader::new(stream.try_clone().unwrap());
                    while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap_or(0) > 0 {}
                    kept.lock().unwrap().push(head.clone());
                    serve(&mut stream, &head);
                    drop(stream.shutdown(std::net::Shutdown::Write));
                    let mut rest = [0; 1024];
                    while reader.read(&mut rest).unwrap_or(0) > 0 {}
                });
            }
        });
        Self { url, heads }
    }

    /// One that answers with these bytes.
    pub(crate) fn saying(text: &'static str) -> Self {
        Self::new(move |stream, _| drop(stream.write_all(text.as_bytes())))
    }
}
