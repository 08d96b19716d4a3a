//! `freshclam` as a process, against a server of the test; beside ClamAV's own where that is installed.
//!
//! Databases are signed with keys of tests. Candor's program is given them as another program
//! (`examples/freshclam_for_tests.rs`); ClamAV's by a copy of its libraries in which the numbers of the keys are exchanged.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

use candor_fixtures::programs::{self, name_server};
use candor_fixtures::release::{HEADER_KEY, Key, LIST_KEY, PATCH_KEY, Release, trust};
use candor_update::clamav::Database;

/// What the server does with one address.
#[derive(Clone)]
enum Reply {
    Bytes(Vec<u8>),
    Status(u16, &'static str),
    /// Promises more than it sends.
    Cut(Vec<u8>),
}

type Replies = Arc<Mutex<BTreeMap<String, Reply>>>;

/// A server on this machine, and a folder of databases.
struct Place {
    folder: tempfile::TempDir,
    port: u16,
    replies: Replies,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let place = Self {
            folder: tempfile::tempdir().unwrap(),
            port: listener.local_addr().unwrap().port(),
            replies: Replies::default(),
            asked: Arc::default(),
        };
        let (replies, asked) = (Arc::clone(&place.replies), Arc::clone(&place.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (replies, asked) = (Arc::clone(&replies), Arc::clone(&asked));
                std::thread::spawn(move || serve(stream.unwrap(), &replies, &asked));
            }
        });
        fs::create_dir(place.path("db")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn reply(&self, file: &str, reply: Reply) -> &Self {
        self.replies.lock().unwrap().insert(format!("/{file}"), reply);
        self
    }

    fn serve(&self, file: &str, bytes: Vec<u8>) -> &Self {
        self.reply(file, Reply::Bytes(bytes))
    }

    /// Puts a file into the folder of databases.
    fn has(&self, file: &str, bytes: &[u8]) -> &Self {
        fs::write(self.path("db").join(file), bytes).unwrap();
        self
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Writes a configuration with the usual keys and these.
    fn configure(&self, more: &str) -> PathBuf {
        let text = format!(
            "DatabaseDirectory {}\nDatabaseOwner {}\n{}\n",
            self.path("db").display(),
            owner(),
            more.replace("PORT", &self.port.to_string())
        );
        fs::write(self.path("freshclam.conf"), text).unwrap();
        self.path("freshclam.conf")
    }

    /// Runs Candor's.
    fn run(&self, configuration: &str, arguments: &[&str]) -> Said {
        let configuration = self.configure(configuration);
        let mut command = Command::new(ours());
        command.env("CANDOR_TEST_FETCHER", fetcher()).arg("--candor-pause=0");
        command.arg("--config-file").arg(configuration).args(arguments);
        Said::of(&command.output().unwrap(), self)
    }

    /// Runs ClamAV's.
    fn run_theirs(&self, libraries: &Path, configuration: &str, arguments: &[&str]) -> Said {
        let configuration = self.configure(configuration);
        let mut command = Command::new("/usr/bin/freshclam");
        command.env("LD_LIBRARY_PATH", libraries).env("TZ", "UTC");
        command.arg("--config-file").arg(configuration).args(arguments);
        Said::of(&command.output().unwrap(), self)
    }

    /// What is in the folder: of each database its version and the texts of its members.
    fn state(&self) -> BTreeMap<String, String> {
        let mut state = BTreeMap::new();
        for entry in fs::read_dir(self.path("db")).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("candor-freshclam.") || name == "freshclam.dat" {
                continue;
            }
            assert!(path.is_file(), "{name} was left behind");
            let bytes = fs::read(&path).unwrap();
            let shown = if name.ends_with(".cvd") || name.ends_with(".cld") {
                let database = Database::open(&name, &bytes, &trust()).unwrap();
                let members: BTreeMap<String, String> = database
                    .members
                    .iter()
                    .map(|member| (member.name.clone(), String::from_utf8_lossy(&member.bytes).into_owned()))
                    .collect();
                format!("{} {members:?}", database.head.version)
            } else {
                String::from_utf8_lossy(&bytes).into_owned()
            };
            state.insert(name, shown);
        }
        state
    }

    fn versions(&self) -> Vec<String> {
        let state = self.state();
        let databases = state.iter().filter(|(name, _)| !name.ends_with(".sign"));
        databases.map(|(name, shown)| format!("{name} {}", shown.split(' ').next().unwrap())).collect()
    }
}

fn owner() -> &'static str {
    "root"
}

/// What a run said, without what differs from run to run.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    code: i32,
    stdout: Vec<String>,
    stderr: Vec<String>,
}

impl Said {
    fn of(output: &Output, place: &Place) -> Self {
        let lines = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes)
                .replace(&place.path("db").display().to_string(), "DB")
                .replace(&place.port.to_string(), "PORT")
                .lines()
                // ClamAV's library finds these databases old, which Candor leaves to whoever scans.
                .filter(|line| !line.is_empty() && !line.starts_with("[LibClamAV]"))
                .map(|line| {
                    let cut = [
                        "ClamAV update process started at ",
                        "Testing database: '",
                        "cool-down until after: ",
                    ]
                    .iter()
                    .find_map(|start| line.find(start).map(|at| at + start.len()));
                    cut.map_or_else(|| line.to_owned(), |end| line[..end].to_owned())
                })
                .collect()
        };
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: lines(&output.stdout),
            stderr: lines(&output.stderr),
        }
    }

    fn has(&self, part: &str) -> bool {
        self.stdout.iter().chain(&self.stderr).any(|line| line.contains(part))
    }
}

fn serve(mut stream: std::net::TcpStream, replies: &Replies, asked: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut first, mut head) = (String::new(), false, String::new());
    drop(reader.read_line(&mut line));
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) == 0 || header == "\r\n" {
            break;
        }
        first |= header.to_ascii_lowercase().starts_with("range:");
        head += &header;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    asked.lock().unwrap().push(if first { format!("{path}?head") } else { path.clone() });
    let reply = replies.lock().unwrap().get(&path).cloned();
    let answer = |status: u16, more: &str, length: usize, bytes: &[u8]| {
        let head =
            format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{more}Content-Length: {length}\r\n\r\n");
        [head.as_bytes(), bytes].concat()
    };
    let bytes = match reply {
        Some(Reply::Bytes(bytes)) if first => {
            let bytes = &bytes[..bytes.len().min(512)];
            answer(206, "", bytes.len(), bytes)
        }
        Some(Reply::Bytes(bytes)) => answer(200, "", bytes.len(), &bytes),
        Some(Reply::Status(304, more)) => {
            format!("HTTP/1.1 304 X\r\nConnection: close\r\n{more}\r\n").into_bytes()
        }
        Some(Reply::Status(status, more)) => answer(status, more, 2, b"no"),
        Some(Reply::Cut(bytes)) => answer(if first { 206 } else { 200 }, "", bytes.len() + 100, &bytes),
        None => answer(404, "", 2, b"no"),
    };
    drop(stream.write_all(&bytes));
}

/// Candor's program with the keys of tests.
fn ours() -> PathBuf {
    programs::example(env!("CARGO_BIN_EXE_candor-clamav"), "freshclam_for_tests")
}

fn fetcher() -> &'static Path {
    programs::fetcher(env!("CARGO_BIN_EXE_candor-clamav"), env!("CARGO"))
}

/// Copies of ClamAV's libraries with the keys of tests in them; `None` where there is no ClamAV 1.4.
fn libraries() -> Option<tempfile::TempDir> {
    let folder = tempfile::tempdir().unwrap();
    let starts: [(&Key, &[u8]); 3] = [
        (&HEADER_KEY, b"118640995551645342603070001658453189751527774412027743746599405743"),
        (&LIST_KEY, b"11088894983048545473659556106627194923928941791795047620591658697"),
        (&PATCH_KEY, b"147839058740774670902622285165579175702545996383762035320319892141"),
    ];
    let mut changed = 0;
    for library in ["libclamav.so.12", "libfreshclam.so.3"] {
        let mut bytes = fs::read(Path::new("/usr/lib/x86_64-linux-gnu").join(library)).ok()?;
        for (key, start) in starts {
            if let Some(at) = bytes.windows(start.len()).position(|window| window == start) {
                bytes[at..at + key.modulus.len()].copy_from_slice(key.modulus);
                changed += 1;
            }
        }
        fs::write(folder.path().join(library), bytes).unwrap();
    }
    (changed == 3 && Path::new("/usr/bin/freshclam").is_file()).then_some(folder)
}

const BASE: &str = "A.S0:0:*:aabbccddee00\nA.S1:0:*:aabbccddee01\n";

fn daily(version: u64) -> Release {
    let more: String =
        (100..version).map(|number| format!("A.N{number}:0:*:aabbccdd{number:04}\n")).collect();
    Release::new("daily", version, &[("daily.ndb", &format!("{BASE}{more}")), ("daily.hdb", HASH)])
}

const HASH: &str = "d41d8cd98f00b204e9800998ecf84271:100:A.Hash\n";

fn patch(version: u64) -> Vec<u8> {
    let added = version - 1;
    let commands = format!("OPEN daily.ndb\nADD A.N{added}:0:*:aabbccdd{added:04}\nCLOSE\n");
    daily(version).patch(&daily(version - 1), &commands)
}

const MIRROR: &str =
    "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\nDNSDatabaseInfo no\n";
const PRIVATE: &str = "PrivateMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\n";

/// A case: what the server has, what is there, what is configured.
struct Case {
    name: &'static str,
    prepare: fn(&Place),
    configuration: &'static str,
    arguments: &'static [&'static str],
    /// Whether both programs say the same on standard output.
    same_words: bool,
}

fn with_100(place: &Place) {
    place.has("daily.cvd", &daily(100).container());
}

const CASES: &[Case] = &[
    Case {
        name: "nothing there",
        prepare: |place| {
            place.serve("daily.cvd", daily(100).container());
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "up to date",
        prepare: |place| {
            with_100(place);
            place.serve("daily.cvd", daily(100).container());
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "not modified",
        prepare: |place| {
            with_100(place);
            place.reply("daily.cvd", Reply::Status(304, ""));
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "a chain of patches",
        prepare: |place| {
            with_100(place);
            place.serve("daily.cvd", daily(103).container());
            (101..=103).for_each(|version| {
                place.serve(&format!("daily-{version}.cdiff"), patch(version));
            });
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "a chain that is not whole",
        prepare: |place| {
            with_100(place);
            place.serve("daily.cvd", daily(103).container()).serve("daily-101.cdiff", patch(101));
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "a broken patch",
        prepare: |place| {
            with_100(place);
            let mut patch = patch(101);
            patch[60] ^= 1;
            place.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", patch);
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "the latest patch is missing",
        prepare: |place| {
            with_100(place);
            place.serve("daily.cvd", daily(101).container());
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "an empty patch",
        prepare: |place| {
            with_100(place);
            place.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", Vec::new());
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "no patches wished",
        prepare: |place| {
            with_100(place);
            place.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", patch(101));
        },
        configuration: "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\nScriptedUpdates no\n",
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "an older server",
        prepare: |place| {
            with_100(place);
            place.serve("daily.cvd", daily(99).container());
        },
        configuration: MIRROR,
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "a private mirror with a patched database",
        prepare: |place| {
            with_100(place);
            place.serve("daily.cld", daily(101).patched_container());
        },
        configuration: PRIVATE,
        arguments: &[],
        same_words: true,
    },
    Case {
        name: "a private mirror without",
        prepare: |place| {
            place.serve("daily.cvd", daily(101).container());
        },
        configuration: PRIVATE,
        arguments: &[],
        same_words: true,
    },
    Case {
        name: "a custom database",
        prepare: |place| {
            place.serve("x.ndb", b"X.A:0:*:aabbccddee\nX.B:0:*:aabbccddef\n".to_vec());
        },
        configuration: "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\n\
                        ExcludeDatabase daily\nDatabaseCustomURL http://127.0.0.1:PORT/x.ndb\n",
        arguments: &[],
        same_words: true,
    },
    Case {
        name: "a custom database that does not load",
        prepare: |place| {
            place.has("x.ndb", b"X.A:0:*:aabbccddee\n").serve("x.ndb", b"nonsense\n".to_vec());
        },
        configuration: "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\n\
                        ExcludeDatabase daily\nDatabaseCustomURL http://127.0.0.1:PORT/x.ndb\n",
        arguments: &[],
        same_words: true,
    },
    Case {
        name: "an exit status that is wished",
        prepare: |place| {
            place.serve("daily.cvd", daily(100).container());
        },
        configuration: MIRROR,
        arguments: &["--no-dns", "--on-update-execute=EXIT_7", "--quiet"],
        same_words: true,
    },
    Case {
        name: "nothing asked for",
        prepare: |_| (),
        configuration: "DatabaseMirror x\nBytecode no\nExcludeDatabase main\nExcludeDatabase daily\n",
        arguments: &[],
        same_words: true,
    },
    Case {
        name: "a database that is not there",
        prepare: |_| (),
        configuration: MIRROR,
        arguments: &["--update-db=foo"],
        same_words: true,
    },
    Case {
        name: "no mirror",
        prepare: |_| (),
        configuration: "Checks 3\n",
        arguments: &[],
        same_words: true,
    },
    Case {
        name: "a key that is unknown",
        prepare: |_| (),
        configuration: "Foo bar\n",
        arguments: &[],
        same_words: true,
    },
    Case {
        name: "an option that is unknown",
        prepare: |_| (),
        configuration: MIRROR,
        arguments: &["--foo"],
        same_words: true,
    },
    Case {
        name: "the example",
        prepare: |_| (),
        configuration: "Example\n",
        arguments: &[],
        same_words: true,
    },
    Case {
        name: "a damaged container",
        prepare: |place| {
            let mut bytes = daily(101).container();
            let last = bytes.len() - 1;
            bytes[last] ^= 1;
            place.serve("daily.cvd", bytes);
        },
        configuration: "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\nMaxAttempts 1\n",
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "a server without the database",
        prepare: |_| (),
        configuration: "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\nMaxAttempts 1\n",
        arguments: &["--no-dns"],
        same_words: true,
    },
    Case {
        name: "a server that fails",
        prepare: |place| {
            place.reply("daily.cvd", Reply::Status(500, ""));
        },
        configuration: "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\nMaxAttempts 1\n",
        arguments: &["--no-dns"],
        same_words: true,
    },
];

#[test]
fn both_programs_come_to_the_same() {
    let Some(libraries) = libraries() else { return };
    if !Path::new("/proc/self").exists() || !is_root() {
        return;
    }
    let mut wrong = Vec::new();
    for case in CASES {
        let (ours, theirs) = (Place::new(), Place::new());
        (case.prepare)(&ours);
        (case.prepare)(&theirs);
        let said = ours.run(case.configuration, case.arguments);
        let their = theirs.run_theirs(libraries.path(), case.configuration, case.arguments);
        if said.code != their.code || ours.state() != theirs.state() {
            wrong.push(format!(
                "{}: {said:#?}\n{:?}\n{their:#?}\n{:?}",
                case.name,
                ours.state(),
                theirs.state()
            ));
        } else if case.same_words && said.stdout != their.stdout {
            wrong.push(format!("{}: {:#?}\n{:#?}", case.name, said, their));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    fs::metadata("/proc/self").is_ok_and(|state| state.uid() == 0)
}

#[test]
fn each_goes_on_from_where_the_other_left_off() {
    let Some(libraries) = libraries() else { return };
    if !is_root() {
        return;
    }
    let place = Place::new();
    with_100(&place);
    place.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", patch(101));
    assert_eq!(place.run(MIRROR, &["--no-dns"]).code, 0);
    assert_eq!(place.versions(), ["daily.cld 101"]);
    place.serve("daily.cvd", daily(102).container()).serve("daily-102.cdiff", patch(102));
    assert_eq!(place.run_theirs(libraries.path(), MIRROR, &["--no-dns"]).code, 0);
    assert_eq!(place.versions(), ["daily.cld 102"]);
    place.serve("daily.cvd", daily(103).container()).serve("daily-103.cdiff", patch(103));
    assert_eq!(place.run(MIRROR, &["--no-dns"]).code, 0);
    assert_eq!(place.versions(), ["daily.cld 103"]);
}

#[test]
fn a_chain_of_patches_is_carried_out() {
    let place = Place::new();
    with_100(&place);
    place.serve("daily.cvd", daily(102).container());
    place.serve("daily-101.cdiff", patch(101)).serve("daily-102.cdiff", patch(102));
    let said = place.run(MIRROR, &[]);
    assert_eq!((said.code, place.versions()), (0, vec![String::from("daily.cld 102")]), "{said:?}");
    assert_eq!(place.asked(), ["/daily.cvd?head", "/daily-101.cdiff", "/daily-102.cdiff"]);
}

#[test]
fn a_server_that_refuses_is_left_alone_across_runs() {
    for (reply, code) in [
        (Reply::Status(403, ""), 17),
        (Reply::Status(429, "Retry-After: 3600\r\n"), 0),
        (Reply::Status(429, ""), 0),
    ] {
        let place = Place::new();
        with_100(&place);
        place.reply("daily.cvd", reply);
        let said = place.run(MIRROR, &[]);
        assert_eq!((said.code, place.asked().len()), (code, 1), "{said:?}");
        place.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", patch(101));
        let said = place.run(MIRROR, &[]);
        assert!(said.code == 0 && said.has("You are still on cool-down until after: "), "{said:?}");
        assert_eq!((place.asked().len(), place.versions()), (0, vec![String::from("daily.cvd 100")]));
        // A mirror of one's own is nobody else's business.
        assert_eq!(place.run(PRIVATE, &[]).code, 0);
        assert_eq!(place.versions(), ["daily.cvd 101"]);
    }
}

#[test]
fn failures_leave_the_old_database_in_force() {
    let whole = daily(101).container();
    let mut damaged = whole.clone();
    damaged[700] ^= 1;
    for (reply, code) in [
        (Reply::Cut(whole[..700].to_vec()), 11),
        (Reply::Bytes(whole[..700].to_vec()), 7),
        (Reply::Bytes(damaged), 7),
        (Reply::Status(500, ""), 11),
        (Reply::Bytes(Vec::new()), 11),
    ] {
        let place = Place::new();
        with_100(&place);
        let before = place.state();
        place.reply("daily.cvd", reply);
        let said = place.run(&format!("{MIRROR}ScriptedUpdates no\n"), &[]);
        assert_eq!((said.code, place.state()), (code, before), "{said:?}");
        assert!(said.stderr.iter().any(|line| line.starts_with("ERROR: ")), "{said:?}");
    }
}

#[test]
fn a_database_that_cannot_be_used_is_not_installed() {
    let place = Place::new();
    with_100(&place);
    let useless = Release::new("daily", 101, &[("daily.ndb", "this is no signature\n")]);
    place.serve("daily.cvd", useless.container());
    let configuration = format!("{MIRROR}ScriptedUpdates no\n");
    let said = place.run(&configuration, &[]);
    assert_eq!((said.code, place.versions()), (8, vec![String::from("daily.cvd 100")]), "{said:?}");
    assert!(said.has("ERROR: Database test FAILED."));
    let said = place.run(&format!("{configuration}TestDatabases no\n"), &[]);
    assert_eq!((said.code, place.versions()), (0, vec![String::from("daily.cvd 101")]), "{said:?}");
}

#[test]
fn the_record_in_the_name_system_decides_and_grows_old() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let configuration = "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\n";
    for (record, asked, version, says) in [
        (format!("1.4.6:62:100:{now}:1:90:1:334"), &[][..], 100, ""),
        (format!("1.4.6:62:101:{now}:1:90:1:334"), &["/daily-101.cdiff"][..], 101, ""),
        (
            format!("1.4.6:62:100:{}:1:90:1:334", now - 13 * 3600),
            &["/daily.cvd?head", "/daily-101.cdiff"][..],
            101,
            "DNS record is older than 12 hours.",
        ),
        (
            String::from("nonsense"),
            &["/daily.cvd?head", "/daily-101.cdiff"][..],
            101,
            "Failed to find Record Time field in DNS Update Info.",
        ),
    ] {
        let place = Place::new();
        with_100(&place);
        place.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", patch(101));
        let server = format!("--candor-name-server={}", name_server(&record));
        let said = place.run(configuration, &[&server]);
        assert_eq!((said.code, place.asked().as_slice().len()), (0, asked.len()), "{record}: {said:?}");
        assert!(place.versions()[0].ends_with(&version.to_string()), "{record}");
        assert!(says.is_empty() || said.has(says), "{record}: {said:?}");
    }
    // Nobody who could be asked: the header is.
    let place = Place::new();
    place.serve("daily.cvd", daily(100).container());
    let said = place.run(configuration, &["--candor-name-server=127.0.0.1:9"]);
    assert!(said.code == 0 && said.has("Falling back to HTTP mode."), "{said:?}");
}

#[test]
fn two_updaters_do_not_work_at_once() {
    let place = Place::new();
    with_100(&place);
    let lock = fs::File::create(place.path("db").join("candor-freshclam.lock")).unwrap();
    lock.lock().unwrap();
    let said = place.run(MIRROR, &[]);
    assert_eq!((said.code, place.asked().len()), (19, 0));
    assert!(said.has("Another updater is at work in DB; nothing was changed."), "{said:?}");
}

/// Runs Candor's in a file system of its own over the folder of databases; `None` where one may not make any.
fn run_in(place: &Place, mount: &str) -> Option<Said> {
    let configuration = place.configure(&format!("{MIRROR}TestDatabases no\nScriptedUpdates no\n"));
    let script = format!(
        "cp {db}/* {keep}/ 2>/dev/null; {mount} {db} && cp {keep}/* {db}/ 2>/dev/null; {program} --config-file={conf} --candor-pause=0",
        db = place.path("db").display(),
        keep = place.path("keep").display(),
        program = ours().display(),
        conf = configuration.display(),
    );
    fs::create_dir_all(place.path("keep")).unwrap();
    let may = Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script]).env("CANDOR_TEST_FETCHER", fetcher());
    may.then(|| Said::of(&command.output().unwrap(), place))
}

#[test]
fn a_full_disk_is_told_and_the_old_database_stays() {
    let place = Place::new();
    with_100(&place);
    // Text that cannot be compressed much, so that the database is larger than the disk.
    let lines: String = (0..20_000_u64)
        .map(|number| {
            format!(
                "A.{number}:0:*:{:016x}{:016x}\n",
                number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                number ^ 0x5555
            )
        })
        .collect();
    place.serve("daily.cvd", Release::new("daily", 101, &[("daily.ndb", &lines)]).container());
    let Some(said) = run_in(&place, "mount -t tmpfs -o size=96k none") else { return };
    assert!(said.code != 0 && said.has("ERROR: "), "{said:?}");
    assert!(said.has("No space left on device"), "{said:?}");
}

#[test]
fn a_folder_that_cannot_be_written_is_told() {
    let place = Place::new();
    let Some(said) = run_in(&place, "mount -t tmpfs -o ro none") else { return };
    assert_eq!(said.code, 10, "{said:?}");
    assert!(said.has("Read-only file system") && said.has("ERROR: Update failed."), "{said:?}");
}

#[test]
fn no_folder_is_told() {
    let place = Place::new();
    fs::remove_dir(place.path("db")).unwrap();
    let said = place.run(MIRROR, &[]);
    assert_eq!(said.code, 10);
    assert!(said.has("ERROR: Database directory DB does not exist or is no directory."), "{said:?}");
}

#[test]
fn a_server_of_a_listed_party_is_not_asked() {
    let place = Place::new();
    place.serve("daily.cvd", daily(100).container());
    let refused =
        "ERROR: http://dnl-03.geo.kaspersky.com/a.ndb is not asked: its host dnl-03.geo.kaspersky.com is of ";
    for more in [
        "DatabaseCustomURL http://dnl-03.geo.kaspersky.com/a.ndb",
        "PrivateMirror http://dnl-03.geo.kaspersky.com/a.ndb",
    ] {
        let said = place.run(&format!("{MIRROR}{more}\n"), &[]);
        assert_eq!(said.code, 19, "{said:?}");
        assert!(said.has(refused) && said.has("15 CFR"), "{said:?}");
    }
    assert_eq!((place.asked(), place.versions()), (Vec::new(), Vec::new()));
    assert_eq!(place.run(MIRROR, &[]).code, 0);
}

#[test]
fn commands_run_without_a_shell() {
    let place = Place::new();
    place.serve("daily.cvd", daily(100).container());
    let made = place.path("made; touch x");
    let command = format!("--on-update-execute=/usr/bin/touch '{}'", made.display());
    assert_eq!(place.run(MIRROR, &[&command]).code, 0);
    assert!(made.is_file());
    // Nothing new, nothing run.
    fs::remove_file(&made).unwrap();
    assert_eq!(place.run(MIRROR, &[&command]).code, 0);
    assert!(!made.exists());
    let said = place.run(MIRROR, &["--on-update-execute=echo a | cat"]);
    assert!(said.code == 2 && said.has("there is no shell for `|`"), "{said:?}");
    let said = place.run(
        "DatabaseMirror http://127.0.0.1:1\nMaxAttempts 1\n",
        &["--no-dns", "--on-error-execute=EXIT_9"],
    );
    assert_eq!(said.code, 9, "{said:?}");
}

#[test]
fn a_daemon_is_told() {
    use std::os::unix::net::UnixListener;
    let place = Place::new();
    place.serve("daily.cvd", daily(100).container());
    let listener = UnixListener::bind(place.path("socket")).unwrap();
    fs::write(place.path("clamd.conf"), format!("LocalSocket {}\n", place.path("socket").display())).unwrap();
    let told = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut word = Vec::new();
        BufReader::new(stream.try_clone().unwrap()).read_until(0, &mut word).unwrap();
        stream.write_all(b"RELOADING\0").unwrap();
        String::from_utf8(word).unwrap()
    });
    let notify = format!("--daemon-notify={}", place.path("clamd.conf").display());
    let said = place.run(MIRROR, &[&notify]);
    assert!(said.code == 0 && said.has("Clamd successfully notified about the update."), "{said:?}");
    assert_eq!(told.join().unwrap(), "zRELOAD\0");
}

#[test]
fn the_log_has_what_was_said() {
    let place = Place::new();
    place.serve("daily.cvd", daily(100).container());
    let log = place.path("log");
    let configuration = format!("{MIRROR}UpdateLogFile {}\nLogTime yes\n", log.display());
    assert_eq!(place.run(&configuration, &["--quiet"]).stdout, [""; 0]);
    let text = fs::read_to_string(log).unwrap();
    assert!(text.starts_with("--------------------------------------\n"));
    assert!(
        text.contains(" -> daily.cvd updated (version: 100, sigs: 3, f-level: 90, builder: tests)\n"),
        "{text}"
    );
}

#[test]
fn containers_of_others_are_refused() {
    // The program that is installed believes ClamAV alone.
    let place = Place::new();
    place.serve("daily.cvd", daily(100).container());
    fs::create_dir(place.path("bin")).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_candor-clamav"), place.path("bin/freshclam")).unwrap();
    fetcher();
    let configuration = place.configure(&format!("{MIRROR}MaxAttempts 1\n"));
    let mut command = Command::new(place.path("bin/freshclam"));
    let said = Said::of(&command.arg("--config-file").arg(configuration).output().unwrap(), &place);
    assert_eq!((said.code, place.versions().len()), (7, 0), "{said:?}");
    assert!(said.has("the digital signature of the header is not valid"), "{said:?}");
}

/// Runs Candor's under `strace`; the calls that make or connect sockets of the internet, with what their process is.
/// `None` where `strace` is not installed or may not trace.
fn traced(place: &Place, configuration: &str, arguments: &[&str]) -> Option<(Said, Vec<(String, String)>)> {
    let configuration = place.configure(configuration);
    let log = place.path("trace");
    let mut command = Command::new("strace");
    command.args([
        "-f",
        "-qq",
        "-e",
        "trace=execve,clone,clone3,fork,vfork,socket,connect,bind,sendto",
        "-o",
    ]);
    command.arg(&log).arg(ours()).arg("--candor-pause=0").arg("--config-file").arg(configuration);
    command.env("CANDOR_TEST_FETCHER", fetcher()).args(arguments);
    let said = Said::of(&command.output().ok()?, place);
    let text = fs::read_to_string(&log).ok().filter(|text| text.contains("execve("))?;
    // A process is what it last became.
    let mut programs: BTreeMap<String, String> = BTreeMap::new();
    let mut calls = Vec::new();
    for line in text.lines() {
        let (process, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if let Some(rest) = call.strip_prefix("execve(\"") {
            programs.insert(process.to_owned(), rest.split('"').next().unwrap().to_owned());
        }
        if call.contains("AF_INET") {
            calls.push((programs.get(process).cloned().unwrap_or_default(), call.to_owned()));
        }
    }
    Some((said, calls))
}

#[test]
fn nothing_but_the_fetcher_opens_connections() {
    let place = Place::new();
    with_100(&place);
    place.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", patch(101));
    place.serve("x.ndb", b"X.A:0:*:aabbccddee\n".to_vec());
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let server = format!("--candor-name-server={}", name_server(&format!("1.4.6:62:101:{now}:1:90:1:334")));
    let configuration = "DatabaseMirror http://127.0.0.1:PORT\nBytecode no\nExcludeDatabase main\n\
                         DatabaseCustomURL http://127.0.0.1:PORT/x.ndb\n";
    let Some((said, calls)) = traced(&place, configuration, &[&server]) else { return };
    assert_eq!((said.code, place.versions()[0].as_str()), (0, "daily.cld 101"), "{said:?}");
    // A record, a patch and a custom database.
    assert!(calls.iter().filter(|(_, call)| call.starts_with("connect(")).count() >= 3, "{calls:?}");
    for (program, call) in calls {
        assert!(program.ends_with("/candor-fetch"), "{program}: {call}");
    }
}

/// Genuine databases are not part of the repository; `CANDOR_CVD` may name a folder of them.
#[test]
fn a_genuine_database_is_installed_by_both() {
    let Some(folder) = std::env::var_os("CANDOR_CVD") else { return };
    let bytes = fs::read(Path::new(&folder).join("bytecode-334.cvd")).unwrap();
    let configuration = "PrivateMirror http://127.0.0.1:PORT\nExcludeDatabase main\nExcludeDatabase daily\n";
    let (ours, theirs) = (Place::new(), Place::new());
    for place in [&ours, &theirs] {
        place.serve("bytecode.cvd", bytes.clone());
        fs::create_dir(place.path("bin")).unwrap();
    }
    let program = ours.path("bin/freshclam");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_candor-clamav"), &program).unwrap();
    fetcher();
    let run = |program: &Path, place: &Place| {
        let mut command = Command::new(program);
        Said::of(&command.arg("--config-file").arg(place.configure(configuration)).output().unwrap(), place)
    };
    let said = run(&program, &ours);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(fs::read(ours.path("db").join("bytecode.cvd")).unwrap(), bytes);
    assert!(
        said.has("bytecode.cvd updated (version: 334, sigs: 91, f-level: 90, builder: anvilleg)"),
        "{said:?}"
    );
    let their = Path::new("/usr/bin/freshclam");
    if their.is_file() && is_root() {
        let their = run(their, &theirs);
        assert_eq!((their.code, &their.stdout), (said.code, &said.stdout));
        assert_eq!(fs::read(theirs.path("db").join("bytecode.cvd")).unwrap(), bytes);
    }
}

#[test]
fn a_signature_by_certificates_is_needed_once_it_was_seen() {
    let place = Place::new();
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(place.path(""));
        command.output().is_ok_and(|output| output.status.success())
    };
    fs::create_dir(place.path("certs")).unwrap();
    let key = "req -x509 -newkey rsa:2048 -nodes -keyout key -out certs/root.crt -days 30 -subj /CN=root -addext \
               basicConstraints=critical,CA:TRUE";
    if !openssl(key) {
        return;
    }
    let sign = |version: u64| {
        fs::write(place.path("file"), daily(version).container()).unwrap();
        assert!(openssl(
            "cms -sign -binary -in file -signer certs/root.crt -inkey key -outform PEM -out sign -md sha256"
        ));
        let pem = fs::read_to_string(place.path("sign")).unwrap();
        let digits: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        format!("#clamsign-1.0\n::pkcs7-pem:{digits}\n").into_bytes()
    };
    let configuration = format!(
        "{MIRROR}ScriptedUpdates no\nMaxAttempts 1\nCVDCertsDirectory {}\n",
        place.path("certs").display()
    );
    // Before one was seen, the old signature is enough.
    place.serve("daily.cvd", daily(100).container());
    assert_eq!(place.run(&configuration, &[]).code, 0);
    place.serve("daily.cvd", daily(101).container()).serve("daily-101.cvd.sign", sign(101));
    let said = place.run(&configuration, &[]);
    assert!(said.code == 0 && !said.has("RSA over MD5 alone"), "{said:?}");
    // Whoever reads the database finds it beside.
    assert!(place.path("db/daily-101.cvd.sign").exists());
    // Now it is needed, also in another run, and also by whoever has lost the certificates.
    place.serve("daily.cvd", daily(102).container());
    for configuration in [configuration.clone(), format!("{MIRROR}ScriptedUpdates no\nMaxAttempts 1\n")] {
        let said = place.run(&configuration, &[]);
        assert_eq!((said.code, place.versions()), (7, vec![String::from("daily.cvd 101")]), "{said:?}");
        assert!(said.has("daily-102.cvd.sign is missing"), "{said:?}");
    }
    // A signature of something else does not do.
    place.serve("daily-102.cvd.sign", sign(101));
    assert_eq!(
        (place.run(&configuration, &[]).code, place.versions()),
        (7, vec![String::from("daily.cvd 101")])
    );
    place.serve("daily-102.cvd.sign", sign(102));
    assert_eq!(
        (place.run(&configuration, &[]).code, place.versions()),
        (0, vec![String::from("daily.cvd 102")])
    );
    assert!(place.path("db/daily-102.cvd.sign").exists() && !place.path("db/daily-101.cvd.sign").exists());
}
