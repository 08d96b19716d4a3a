//! A minute of everything that clients do, well or badly, with reloads meanwhile: no reply is missing or wrong, and what
//! the daemon holds does not grow. `CANDOR_SOAK_SECONDS` makes it longer.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::run::{Daemon, MARKER, chunk, fildes, open, signatures, stream};

/// Clients at the same time.
const CLIENTS: u64 = 12;

/// What the signatures are called in turn.
const NAMES: [&str; 2] = ["Test.Even", "Test.Odd"];

/// Megabytes that may come and go: workers are replaced, and pages are counted while they are.
const SLACK: f64 = 16.0;

#[test]
fn a_minute_of_everything_loses_no_reply_and_leaves_nothing_behind() {
    let seconds = std::env::var("CANDOR_SOAK_SECONDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let length = Duration::from_secs(seconds);
    let place = tempfile::tempdir().unwrap();
    let own = format!("stream-memory = 200000\nmetrics = ['{}']\n", place.path().join("metrics").display());
    let mut daemon = Daemon::start_with("CacheSize 500\nMaxQueue 8\n", &own, &mut |command| {
        command.env("TMPDIR", place.path());
    });
    daemon.file("files/clean", b"clean");
    daemon.file("files/bad", MARKER);
    // All that there is after a while of use is there.
    let soak = Soak { daemon: &daemon, streams: AtomicU64::new(0), made: AtomicU64::new(0) };
    (0..64).for_each(|number| soak.one(number * 7919));
    let before = descriptors(&daemon);
    let (over, began) = (AtomicBool::new(false), Instant::now());
    let mut most = [0.0_f64; 4];
    let mut reloads = 0;
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (over, soak) = (&over, &soak);
                scope.spawn(move || {
                    let mut random = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(client + 1);
                    while !over.load(Ordering::Relaxed) {
                        random ^= random << 13;
                        random ^= random >> 7;
                        random ^= random << 17;
                        soak.one(random);
                    }
                })
            })
            .collect();
        while began.elapsed() < length && clients.iter().all(|client| !client.is_finished()) {
            std::thread::sleep(Duration::from_millis(250));
            if began.elapsed() > Duration::from_secs(4) * (reloads + 1) {
                reloads += 1;
                let text = signatures(NAMES[reloads as usize % 2]);
                // A reload may read it at any time.
                fs::write(daemon.path("next"), text).unwrap();
                fs::rename(daemon.path("next"), daemon.path("db/test.ndb")).unwrap();
                assert_eq!(daemon.ask(b"zRELOAD\0"), "RELOADING\0");
            }
            let quarter = (began.elapsed().as_millis() * 4 / length.as_millis().max(1)).min(3);
            let quarter = usize::try_from(quarter).unwrap();
            most[quarter] = most[quarter].max(memory(&daemon));
        }
        over.store(true, Ordering::Relaxed);
    });
    let (streams, made) = (soak.streams.into_inner(), soak.made.into_inner());
    daemon.wait_until("all sessions are closed", |daemon| metric(daemon, "candor_sessions") <= 1);
    daemon.wait_until("no stream is held", |daemon| metric(daemon, "candor_streams_memory_bytes") == 0);
    daemon.wait_until("no file stays open", |daemon| descriptors(daemon) <= before + 8);
    daemon.wait_until("what was scanned is counted", |daemon| {
        let page = page(daemon);
        let lines = page.lines().filter(|line| line.starts_with("candor_answers_total{command=\"INSTREAM\""));
        lines.map(number).sum::<u64>() >= streams
    });
    assert!(metric(&daemon, "candor_cache_entries") <= 1000);
    assert!(metric(&daemon, "candor_cache_hits_total") > 0);
    println!(
        "{made} things in {seconds} s with {reloads} reloads, {streams} streams answered; megabytes at most in each quarter: {most:.1?}"
    );
    assert!(made > CLIENTS * 10 && reloads > 2, "{made}, {reloads}");
    assert!(most[3] <= most[1] * 1.2 + SLACK, "it grows: {most:.1?} MB");
    let at_rest = memory(&daemon);
    assert!(at_rest <= most[1] + SLACK, "{at_rest:.1} MB are left of {most:.1?}");
    assert!(!daemon.log().contains("Reload failed"), "{}", daemon.log());
    // What was hung up on left nothing in the folder for long streams.
    let left: Vec<_> = fs::read_dir(place.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["metrics"]);
}

/// What clients do.
struct Soak<'a> {
    daemon: &'a Daemon,
    /// Streams that were answered.
    streams: AtomicU64,
    made: AtomicU64,
}

impl Soak<'_> {
    fn one(&self, random: u64) {
        let daemon = self.daemon;
        let mut body = vec![b'.'; usize::try_from(random >> 40).unwrap() % 20_000 + 64];
        body[..8].copy_from_slice(&random.to_le_bytes().map(|byte| b'a' + byte % 26));
        match random % 18 {
            0 => assert_eq!(daemon.ask(b"zPING\0"), "PONG\0"),
            1 => self.scan("clean", ": OK\0"),
            2 => self.scan("bad", " FOUND\0"),
            // Hangs up in the middle of a stream, or without reading the answer.
            3 => drop(daemon.local().write_all(&stream(&body, 5000)[..body.len() / 2])),
            4 => drop(daemon.local().write_all(&stream(&body, 5000))),
            5 => assert_eq!(daemon.ask(b"zNONSENSE\0"), "UNKNOWN COMMAND\0"),
            6 => {
                let said = daemon.ask(b"zINSTREAM\0\xff\xff\xff\xff");
                assert_eq!(said, "INSTREAM size limit exceeded. ERROR\0");
            }
            7 => assert!(daemon.ask(b"zSTATS\0").ends_with("END\0")),
            8 => {
                let folder = daemon.path("files");
                let said = daemon.ask(format!("zMULTISCAN {}\0", folder.display()).as_bytes());
                assert!(said.matches("FOUND\0").count() == 1 && !said.contains("ERROR"), "{said:?}");
            }
            9 => {
                let file = open(&daemon.path("files/bad"));
                let said = fildes(daemon, std::os::fd::AsFd::as_fd(&file));
                assert!(is_found(said.strip_prefix("fd[N]: ").unwrap_or_default()), "{said:?}");
            }
            // Longer than what is kept in memory.
            10 => {
                let long = body.repeat(400_000 / body.len());
                self.streamed(&daemon.ask(&stream(&long, 60_000)), false);
            }
            11 => self.streamed(&daemon.ask(&stream(&[&body, MARKER].concat(), 5000)), true),
            // What others sent, too.
            12 => self.streamed(&daemon.ask(&stream(b"the same as ever", 7)), false),
            13 => self.streamed(&daemon.ask(&stream(MARKER, 4096)), true),
            14 | 15 => self.session(&body, random),
            _ => self.streamed(&daemon.ask(&stream(&body, 5000)), false),
        }
        self.made.fetch_add(1, Ordering::Relaxed);
    }

    fn scan(&self, name: &str, end: &str) {
        let path = self.daemon.path("files").join(name);
        let said = self.daemon.ask(format!("zSCAN {}\0", path.display()).as_bytes());
        assert!(said.starts_with(&format!("{}: ", path.display())) && said.ends_with(end), "{said:?}");
    }

    fn streamed(&self, said: &str, is_bad: bool) {
        let text = said.strip_prefix("stream: ").unwrap_or_default();
        assert!(if is_bad { is_found(text) } else { text == "OK\0" }, "{said:?}");
        self.streams.fetch_add(1, Ordering::Relaxed);
    }

    /// Several in one session, answered in any order.
    fn session(&self, body: &[u8], random: u64) {
        let mut asked = b"zIDSESSION\0".to_vec();
        for number in 0..8 {
            asked.extend(b"zINSTREAM\0");
            asked.extend(chunk(if number % 2 == 0 { body } else { MARKER }));
            asked.extend([0; 4]);
            asked.extend(b"zPING\0");
        }
        // Some say so when they end, and some hang up in that direction.
        let mut socket = self.daemon.local();
        if random & (1 << 20) == 0 {
            asked.extend(b"zEND\0");
            socket.write_all(&asked).unwrap();
        } else {
            socket.write_all(&asked).unwrap();
            socket.shutdown(std::net::Shutdown::Write).unwrap();
        }
        let said = crate::run::read_all(socket);
        let mut numbers = Vec::new();
        for line in said.split_inclusive('\0') {
            let (number, text) = line.split_once(": ").unwrap_or_default();
            let number: u32 = number.parse().unwrap_or_default();
            numbers.push(number);
            match number % 4 {
                1 => self.streamed(text, false),
                3 => self.streamed(text, true),
                _ => assert_eq!(text, "PONG\0"),
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=16).collect::<Vec<u32>>(), "{said:?}");
    }
}

/// By one of the names that the signatures have had.
fn is_found(text: &str) -> bool {
    let names = NAMES.into_iter().chain(["Test.Marker"]);
    names.into_iter().any(|name| text == format!("{name}.UNOFFICIAL FOUND\0"))
}

/// The page for who watches the daemon.
fn page(daemon: &Daemon) -> String {
    let log = daemon.log();
    let (_, rest) = log.split_once("metrics: ").unwrap();
    let path = rest.split([',', '\n']).next().unwrap();
    let mut socket = UnixStream::connect(path).unwrap();
    socket.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut text = String::new();
    socket.read_to_string(&mut text).unwrap();
    text
}

fn metric(daemon: &Daemon, name: &str) -> u64 {
    let page = page(daemon);
    let line = page.lines().find(|line| line.starts_with(&format!("{name} ")));
    line.map(number).unwrap()
}

fn number(line: &str) -> u64 {
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

fn descriptors(daemon: &Daemon) -> usize {
    fs::read_dir(format!("/proc/{}/fd", daemon.process.id())).unwrap().count()
}

/// Megabytes of the daemon and all its processes, each page's share, so that what is shared counts once; where that is not
/// told of a process (to whom is not root), what it has resident.
fn memory(daemon: &Daemon) -> f64 {
    let kilobytes = |process: u32| {
        let read = |file: &str| fs::read_to_string(format!("/proc/{process}/{file}"));
        let text = read("smaps_rollup").or_else(|_| read("status")).ok()?;
        let line = text.lines().find(|line| line.starts_with("Pss:") || line.starts_with("RssAnon:"))?;
        line.split_whitespace().nth(1)?.parse::<f64>().ok()
    };
    crate::lifecycle::family(daemon).into_iter().filter_map(kilobytes).sum::<f64>() / 1024.0
}
