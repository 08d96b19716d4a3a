//! Sources on the network, as `candor update` meets them: against servers of the test, with keys of the test in place of ClamAV's
//! (`examples/candor_for_tests.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use candor_fixtures::programs::{self, name_server};
use candor_fixtures::release::Release;
use candor_update::Provenance;
use candor_update::generation::{Disk, Store};
use ed25519_dalek::{Signer as _, SigningKey};

use crate::run::{Place, Said, eicar};

/// What the server does with one address.
#[derive(Clone)]
enum Reply {
    /// A file, and when it was changed.
    Bytes(Vec<u8>),
    /// A status and more lines of the head.
    Status(u16, &'static str),
    /// A head, and then a byte now and then.
    Drip,
}

type Replies = Arc<Mutex<BTreeMap<String, Reply>>>;

/// A server on this machine, and a store.
struct Net {
    place: Place,
    port: u16,
    replies: Replies,
    asked: Arc<Mutex<Vec<String>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Net {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let net = Self {
            place: Place::new(),
            port,
            replies: Replies::default(),
            asked: Arc::default(),
            heads: Arc::default(),
        };
        let (replies, asked, heads) =
            (Arc::clone(&net.replies), Arc::clone(&net.asked), Arc::clone(&net.heads));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (replies, asked, heads) = (Arc::clone(&replies), Arc::clone(&asked), Arc::clone(&heads));
                std::thread::spawn(move || serve(stream.unwrap(), &replies, &asked, &heads));
            }
        });
        assert_eq!(net.run(&["update", "init"]).code, 0);
        net
    }

    fn reply(&self, file: &str, reply: Reply) -> &Self {
        self.replies.lock().unwrap().insert(format!("/{file}"), reply);
        self
    }

    fn serve(&self, file: &str, bytes: impl Into<Vec<u8>>) -> &Self {
        self.reply(file, Reply::Bytes(bytes.into()))
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// The program with the keys of tests, about to run.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(programs::example(env!("CARGO_BIN_EXE_candor"), "candor_for_tests"));
        command
            .args(arguments)
            .args(["--state-dir", "state"])
            .current_dir(self.place.root())
            .env_clear()
            .env("HOME", self.place.root())
            .env("CANDOR_TEST_FETCHER", fetcher())
            .stdin(Stdio::null());
        command
    }

    fn run(&self, arguments: &[&str]) -> Said {
        Said::new(&self.command(arguments).output().unwrap())
    }

    /// Writes the list of sources, in which `PORT` is that of the server, and one try is enough.
    fn list(&self, list: &str) {
        let network = if list.contains("[network]") { "" } else { "\n[network]\nattempts = 1\n" };
        let list = format!("{list}{network}").replace("PORT", &self.port.to_string());
        self.place.file("sources.toml", list);
    }

    fn update(&self, list: &str) -> Said {
        self.list(list);
        let settings: &[&str] =
            if self.place.path("update.toml").exists() { &["--settings", "update.toml"] } else { &[] };
        self.run(&[&["update", "--sources", "sources.toml"], settings].concat())
    }

    fn store(&self) -> Store<Disk> {
        Store::view(Disk, &self.place.path("state")).unwrap()
    }

    /// Versions of the databases that are in force, and how they are believed.
    fn databases(&self) -> Vec<String> {
        let store = self.store();
        let record = store.record(store.active().unwrap()).unwrap();
        let content = record.content("clamav").unwrap();
        let Provenance::Container { databases } = &content.candidate.provenance else { panic!() };
        databases
            .iter()
            .map(|known| format!("{} {} {}", known.file, known.version, known.signature))
            .collect()
    }

    /// Whether something is found in a text.
    fn finds(&self, text: &str) -> bool {
        self.place.file("text", text);
        match self.run_plain(&["scan", "text"]) {
            0 => false,
            1 => true,
            other => panic!("{other}"),
        }
    }

    fn run_plain(&self, arguments: &[&str]) -> i32 {
        self.run(arguments).code
    }
}

fn serve(mut stream: TcpStream, replies: &Replies, asked: &Mutex<Vec<String>>, heads: &Mutex<Vec<String>>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let (mut line, mut is_head, mut since) = (String::new(), false, false);
    drop(reader.read_line(&mut line));
    let mut head = line.clone();
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or(0) == 0 || header == "\r\n" {
            break;
        }
        is_head |= header.to_ascii_lowercase().starts_with("range:");
        since |= header.to_ascii_lowercase().starts_with("if-modified-since:");
        head += &header;
    }
    heads.lock().unwrap().push(head);
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mark = match (is_head, since) {
        (true, _) => "?head",
        (false, true) => "?since",
        (false, false) => "",
    };
    asked.lock().unwrap().push(format!("{path}{mark}"));
    let reply = replies.lock().unwrap().get(&path).cloned();
    let answer = |status: u16, more: &str, bytes: &[u8]| {
        let length = bytes.len();
        let head =
            format!("HTTP/1.1 {status} X\r\nConnection: close\r\n{more}Content-Length: {length}\r\n\r\n");
        [head.as_bytes(), bytes].concat()
    };
    let changed = "Last-Modified: Tue, 14 Nov 2023 22:13:20 GMT\r\n";
    let bytes = match reply {
        Some(Reply::Bytes(bytes)) if is_head => answer(206, changed, &bytes[..bytes.len().min(512)]),
        Some(Reply::Bytes(bytes)) => answer(200, changed, &bytes),
        Some(Reply::Status(304, more)) => {
            format!("HTTP/1.1 304 X\r\nConnection: close\r\n{more}\r\n").into_bytes()
        }
        Some(Reply::Status(status, more)) => answer(status, more, b"no"),
        Some(Reply::Drip) => {
            drop(stream.write_all(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n"));
            while stream.write_all(b"x").is_ok() {
                std::thread::sleep(Duration::from_secs(1));
            }
            return;
        }
        None => answer(404, "", b"no"),
    };
    drop(stream.write_all(&bytes));
}

fn fetcher() -> &'static Path {
    programs::fetcher(env!("CARGO_BIN_EXE_candor"), env!("CARGO"))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn signature(name: &str, text: &str) -> String {
    format!("{name}:0:*:{}\n", hexadecimal(text.as_bytes()))
}

/// Of version 100 on, each version has a signature more: for `number 100 of them`, and so on.
fn daily(version: u64) -> Release {
    let mut text = format!("Eicar-Test:0:*:{}\n", hexadecimal(&eicar()));
    for number in 100..version {
        text += &signature(&format!("A.N{number}"), &format!("number {number} of them"));
    }
    Release::new("daily", version, &[("daily.ndb", &text)])
}

fn patch(version: u64) -> Vec<u8> {
    let added = version - 1;
    let line = signature(&format!("A.N{added}"), &format!("number {added} of them"));
    daily(version).patch(&daily(version - 1), &format!("OPEN daily.ndb\nADD {line}CLOSE\n"))
}

const CLAMAV: &str = "[[source]]\nname = 'clamav'\nkind = 'clamav'\nmirrors = ['http://127.0.0.1:PORT']\n\
                      databases = ['daily']\nrecord = ''\n";

#[test]
fn databases_come_whole_and_then_by_patches() {
    let net = Net::new();
    net.serve("daily.cvd", daily(100).container());
    let said = net.update(CLAMAV);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.starts_with("Generation 1 is active: 1 signature"), "{said:?}");
    assert!(said.stderr.contains("daily.cvd is signed by RSA over MD5 alone"), "{said:?}");
    assert_eq!(net.asked(), ["/daily.cvd?head", "/daily.cvd"]);
    assert_eq!(net.databases(), ["daily.cvd 100 md5-rsa"]);
    let said = net.run(&["trust"]);
    assert!(
        said.stdout.contains("ClamAV's signatures on daily.cvd 100 (md5-rsa) by tests, built "),
        "{said:?}"
    );
    // Nothing new: the header says so.
    let said = net.update(CLAMAV);
    assert!(said.code == 0 && said.stdout.starts_with("Nothing new"), "{said:?}");
    assert_eq!(net.asked(), ["/daily.cvd?head"]);
    // Three versions later, by three patches.
    net.serve("daily.cvd", daily(103).container());
    for version in 101..=103 {
        net.serve(&format!("daily-{version}.cdiff"), patch(version));
    }
    assert!(!net.finds("this is number 102 of them"));
    let said = net.update(CLAMAV);
    assert_eq!(said.code, 0, "{said:?}");
    let asked = ["/daily.cvd?head", "/daily-101.cdiff", "/daily-102.cdiff", "/daily-103.cdiff"];
    assert_eq!(net.asked(), asked);
    assert_eq!(net.databases(), ["daily.cld 103 sha256-rsa"]);
    assert!(net.finds("this is number 102 of them"));
    // A patch that somebody changed leads to the whole database, in the same run.
    let mut broken = patch(104);
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    net.serve("daily.cvd", daily(104).container()).serve("daily-104.cdiff", broken);
    let said = net.update(CLAMAV);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(net.databases(), ["daily.cvd 104 md5-rsa"]);
    assert!(net.finds("this is number 103 of them"));
    let folder = net.place.path("state/fetched/clamav");
    let names: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "the database, and where the next one is made: {names:?}");
}

#[test]
fn the_name_system_tells_what_is_newest_and_nobody_is_told_apart() {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let net = Net::new();
    net.serve("daily.cvd", daily(100).container());
    let list = |record: &str| {
        let servers = name_server(record);
        let source = CLAMAV.replace("record = ''", "record = 'current.cvd.example'");
        format!("{source}\n[network]\nattempts = 1\nname-servers = ['{servers}']\n")
    };
    let newest = format!("1.4.6:62:100:{now}:1:90:1:334");
    assert_eq!(net.update(&list(&newest)).code, 0);
    assert_eq!(net.asked(), ["/daily.cvd"]);
    let said = net.update(&list(&newest));
    assert!(said.stdout.starts_with("Nothing new"), "{said:?}");
    assert_eq!(net.asked(), Vec::<String>::new(), "no server is asked for what the name system says");
    // A record that is old is not believed; the servers are asked.
    let said = net.update(&list(&format!("1.4.6:62:100:{}:1:90:1:334", now - 13 * 3600)));
    assert!(said.stderr.contains("DNS record is older than 12 hours"), "{said:?}");
    assert_eq!(net.asked(), ["/daily.cvd?head"]);
    let heads = std::mem::take(&mut *net.heads.lock().unwrap());
    let agents: BTreeSet<&str> = heads
        .iter()
        .flat_map(|head| head.lines())
        .filter(|line| line.to_ascii_lowercase().starts_with("user-agent:"))
        .collect();
    let agent = format!("candor/{} (antivirus updater)", env!("CARGO_PKG_VERSION"));
    assert_eq!(agents.len(), 1);
    assert!(agents.first().unwrap().to_ascii_lowercase().ends_with(&agent), "{agents:?}");
    let others = ["cookie", "authorization", "from:", "referer"];
    assert!(heads.iter().all(|head| !others.iter().any(|other| head.to_ascii_lowercase().contains(other))));
}

#[test]
fn a_server_that_wants_to_be_left_alone_is() {
    for (status, more, code, says) in
        [(403, "", 2, "Forbidden"), (429, "Retry-After: 3600\r\n", 0, "left alone until")]
    {
        let net = Net::new();
        net.reply("daily.cvd", Reply::Status(status, more));
        let said = net.update(CLAMAV);
        assert_eq!(said.code, code, "{said:?}");
        assert_eq!(net.asked().len(), 1);
        // Another process, a minute later: it is remembered.
        net.serve("daily.cvd", daily(100).container());
        let said = net.update(CLAMAV);
        assert!(said.stderr.contains("left alone until"), "{says}: {said:?}");
        assert_eq!(net.asked(), Vec::<String>::new());
        // One's own mirror is one's own business.
        let own = CLAMAV.replace("record = ''", "private = true");
        let said = net.update(&own);
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(net.store().active(), Some(1));
    }
}

#[test]
fn what_nobody_signed_is_not_taken() {
    let good = daily(100).container();
    for at in [10, 40, 100, 600, good.len() - 1] {
        let net = Net::new();
        let mut bad = good.clone();
        bad[at] ^= 1;
        net.serve("daily.cvd", bad);
        let said = net.update(CLAMAV);
        assert_eq!(said.code, 2, "{at}: {said:?}");
        assert!(said.stderr.contains("clamav: daily: "), "{at}: {said:?}");
        assert_eq!(net.store().active(), None);
    }
    // The old signature alone is enough only while the customer says so.
    let net = Net::new();
    net.serve("daily.cvd", good);
    let said = net.update(&CLAMAV.replace("record = ''", "record = ''\naccept-md5 = false"));
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("signed by RSA over MD5 alone, which is not accepted here"), "{said:?}");
    assert_eq!(net.store().active(), None);
}

#[test]
fn what_was_refused_is_tried_again_without_being_fetched_again() {
    let net = Net::new();
    net.serve("daily.cvd", daily(100).container());
    assert_eq!(net.update(CLAMAV).code, 0);
    let golden = net.place.file("golden/tool", "a tool with number 100 of them in it");
    net.place.file("update.toml", format!("golden = ['{}']\n", golden.display()));
    net.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", patch(101));
    net.asked();
    for asked in [&["/daily.cvd?head", "/daily-101.cdiff"][..], &["/daily.cvd?head"]] {
        let said = net.update(CLAMAV);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("golden/tool: A.N100 was found in a clean file"), "{said:?}");
        assert_eq!(net.asked(), asked);
        assert_eq!(net.databases(), ["daily.cvd 100 md5-rsa"]);
    }
    // The operator sees that the file is what the signature says.
    std::fs::remove_file(&golden).unwrap();
    let said = net.update(CLAMAV);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(
        (net.asked(), net.databases()),
        (vec!["/daily.cvd?head".into()], vec!["daily.cld 101 sha256-rsa".into()])
    );
    // What was taken back does not come back, and is not fetched again either.
    assert_eq!(net.run(&["update", "rollback", "--reason", "no"]).code, 0);
    let said = net.update(CLAMAV);
    assert!(said.code == 2 && said.stderr.contains("is held: no"), "{said:?}");
    assert_eq!(net.asked(), ["/daily.cvd?head"]);
}

#[test]
fn a_database_that_is_missing_does_not_keep_the_others_back_and_is_told() {
    let net = Net::new();
    net.serve("daily.cvd", daily(100).container());
    let both = CLAMAV.replace("['daily']", "['daily', 'main']");
    let said = net.update(&both);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("clamav: main: "), "{said:?}");
    assert_eq!(net.databases(), ["daily.cvd 100 md5-rsa"]);
    net.serve(
        "main.cvd",
        Release::new("main", 62, &[("main.ndb", &signature("Main.One", "in the main"))]).container(),
    );
    let said = net.update(&both);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(net.databases(), ["daily.cvd 100 md5-rsa", "main.cvd 62 md5-rsa"]);
}

fn url(name: &str, vouched: &str) -> String {
    format!("[[source]]\nname = 'rules'\nkind = 'url'\nurl = 'http://127.0.0.1:PORT/{name}'\n{vouched}\n")
}

fn for_all(signatures: &str) -> String {
    format!("Eicar-Test:0:*:{}\n{signatures}", hexadecimal(&eicar()))
}

#[test]
fn a_file_at_an_address_is_what_was_written_down() {
    use sha2::Digest as _;
    let net = Net::new();
    let text = for_all(&signature("Found.Me", "please find me"));
    let digest = |text: &str| format!("sha256 = '{}'", hexadecimal(&sha2::Sha256::digest(text)));
    net.serve("a.ndb", text.clone());
    let said = net.update(&url("a.ndb", &digest(&text)));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(net.finds("oh please find me"));
    assert_eq!(net.asked(), ["/a.ndb"]);
    let said = net.run(&["trust"]);
    assert!(said.stdout.contains("digests that were written down"), "{said:?}");
    // It is what it is: nobody is asked again.
    assert!(net.update(&url("a.ndb", &digest(&text))).stdout.starts_with("Nothing new"));
    assert_eq!(net.asked(), Vec::<String>::new());
    // Another digest was written down: what is there is it, or is not taken.
    let more = text + &signature("More", "more of them all");
    let said = net.update(&url("a.ndb", &digest(&more)));
    assert!(said.code == 2 && said.stderr.contains("was written down"), "{said:?}");
    assert_eq!(net.store().active(), Some(1));
    net.serve("a.ndb", more.clone());
    let said = net.update(&url("a.ndb", &digest(&more)));
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(net.store().active(), Some(2));
}

/// A file and minisign's signature of it.
fn signed(text: &str, time: u64) -> String {
    use candor_update::log::base64;
    let key = SigningKey::from_bytes(&[5; 32]);
    let comment = format!("timestamp:{time}\tfile:a.ndb");
    let of_file = key.sign(text.as_bytes()).to_bytes();
    let of_comment = key.sign(&[&of_file[..], comment.as_bytes()].concat()).to_bytes();
    let first = base64::encode(&[&b"Ed"[..], &[1; 8], &of_file].concat());
    format!("untrusted comment: x\n{first}\ntrusted comment: {comment}\n{}\n", base64::encode(&of_comment))
}

#[test]
fn a_file_at_an_address_is_signed_by_a_key_that_was_written_down() {
    use candor_update::log::base64;
    let net = Net::new();
    let public = SigningKey::from_bytes(&[5; 32]).verifying_key();
    let key = base64::encode(&[&b"Ed"[..], &[1; 8], public.as_bytes()].concat());
    let list = url("a.ndb", &format!("key = '{key}'"));
    let (old, new) = (for_all(""), for_all(&signature("Found.Me", "please find me")));
    net.serve("a.ndb", new.clone());
    let said = net.update(&list);
    assert!(said.code == 2 && said.stderr.contains("there is no signature beside a.ndb"), "{said:?}");
    net.serve("a.ndb.minisig", signed("something else", 2000));
    let said = net.update(&list);
    assert!(said.code == 2 && said.stderr.contains("a.ndb: the signature does not fit"), "{said:?}");
    assert_eq!(net.store().active(), None);
    net.serve("a.ndb.minisig", signed(&new, 2000));
    let said = net.update(&list);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(net.run(&["trust"]).stdout.contains("Believed    key "));
    net.asked();
    // A server that has nothing newer says so.
    net.reply("a.ndb", Reply::Status(304, ""));
    assert!(net.update(&list).stdout.starts_with("Nothing new"));
    assert_eq!(net.asked()[0], "/a.ndb?since");
    // What was signed before what was seen is not taken, though the signature is good.
    net.serve("a.ndb", old.clone()).serve("a.ndb.minisig", signed(&old, 1999));
    let said = net.update(&list);
    assert!(said.code == 2 && said.stderr.contains("before what was seen last"), "{said:?}");
    assert_eq!(net.store().active(), Some(1));
    // Nor is it without its time: the 64 bytes stand in minisign's signature, and vouch for the same file.
    let bare = SigningKey::from_bytes(&[5; 32]).sign(old.as_bytes()).to_bytes();
    net.reply("a.ndb.minisig", Reply::Status(404, "")).serve("a.ndb.sig", bare);
    let said = net.update(&list);
    assert!(said.code == 2 && said.stderr.contains("its signature says no time"), "{said:?}");
    assert_eq!(net.store().active(), Some(1));
    net.serve("a.ndb.minisig", signed(&old, 2001));
    assert_eq!(net.update(&list).code, 0);
    assert_eq!(net.store().active(), Some(2));
    // 403 is remembered here as well.
    net.reply("a.ndb", Reply::Status(403, ""));
    let said = net.update(&list);
    assert!(said.code == 2 && said.stderr.contains("answers 403"), "{said:?}");
    net.asked();
    assert!(net.update(&list).stderr.contains("left alone until"));
    assert_eq!(net.asked(), Vec::<String>::new());
}

#[test]
fn rules_at_an_address_are_believed_by_digest_or_key_as_databases_are() {
    use candor_update::log::base64;
    use sha2::Digest as _;
    let net = Net::new();
    let eicar = hexadecimal(&eicar());
    let rules = |text: &str| {
        format!(
            "rule Eicar {{ strings: $a = {{ {eicar} }} condition: $a }}\n\
             rule Found {{ strings: $a = \"{text}\" condition: #a == 1 and filesize < 1KB }}\n"
        )
    };
    let list =
        |text: &str| url("a.yar", &format!("sha256 = '{}'", hexadecimal(&sha2::Sha256::digest(rules(text)))));
    net.serve("a.yar", rules("please find me"));
    let said = net.update(&list("please find me"));
    assert_eq!(said.code, 0, "{said:?}");
    assert!(net.finds("oh please find me"));
    assert!(!net.finds("please find me, please find me"));
    // Other rules than those that were written down are not taken.
    net.serve("a.yar", rules("something else"));
    let said = net.update(&list("one thing more"));
    assert!(said.code == 2 && said.stderr.contains("was written down"), "{said:?}");
    assert_eq!(net.store().active(), Some(1));
    // A key that was written down vouches for what it signed.
    let public = SigningKey::from_bytes(&[5; 32]).verifying_key();
    let key = base64::encode(&[&b"Ed"[..], &[1; 8], public.as_bytes()].concat());
    let list = url("a.yar", &format!("key = '{key}'"));
    net.serve("a.yar.minisig", signed(&rules("please find me"), 2000));
    let said = net.update(&list);
    assert!(said.code == 2 && said.stderr.contains("a.yar: the signature does not fit"), "{said:?}");
    net.serve("a.yar.minisig", signed(&rules("something else"), 2000));
    let said = net.update(&list);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(net.finds("something else") && !net.finds("oh please find me"));
}

#[test]
fn a_directory_that_is_signed_does_not_go_back() {
    use candor_update::log::base64;
    let net = Net::new();
    let public = SigningKey::from_bytes(&[5; 32]).verifying_key();
    let key = base64::encode(&[&b"Ed"[..], &[1; 8], public.as_bytes()].concat());
    let list = |more: &str| {
        let path = net.place.path("signed").display().to_string();
        format!("[[source]]\nname = 'own'\nkind = 'directory'\npath = '{path}'\n{more}\n")
    };
    let keyed = list(&format!("key = '{key}'"));
    let (old, new) = (for_all(""), for_all(&signature("Found.Me", "please find me")));
    let put = |text: &str, time| {
        net.place.file("signed/a.ndb", text);
        net.place.file("signed/a.ndb.minisig", signed(text, time));
    };
    put(&new, 2000);
    assert_eq!(net.update(&keyed).code, 0);
    put(&old, 1999);
    let said = net.update(&keyed);
    assert!(said.code == 2 && said.stderr.contains("before what was seen last"), "{said:?}");
    std::fs::remove_file(net.place.path("signed/a.ndb.minisig")).unwrap();
    net.place.file("signed/a.ndb.sig", SigningKey::from_bytes(&[5; 32]).sign(old.as_bytes()).to_bytes());
    let said = net.update(&keyed);
    assert!(said.code == 2 && said.stderr.contains("its signature says no time"), "{said:?}");
    assert_eq!(net.store().active(), Some(1));
    put(&old, 2001);
    assert_eq!(net.update(&keyed).code, 0);
    // Whoever takes the key out of the list has decided that the directory is enough.
    put(&new, 5);
    let said = net.update(&list(""));
    assert!(said.code == 0 && net.store().active() == Some(3), "{said:?}");
}

#[test]
fn it_stays_and_looks_again() {
    let net = Net::new();
    let path = net.place.path("own").display().to_string();
    let list = format!("[[source]]\nname = 'own'\nkind = 'directory'\npath = '{path}'\n");
    net.place.file("own/a.ndb", for_all(""));
    net.list(&list);
    let mut command = net.command(&["update", "--every", "1", "--sources", "sources.toml"]);
    let mut stays = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let began = Instant::now();
    let wait_for = |stays: &mut Child, generation| {
        while net.store().active() != Some(generation) {
            assert_eq!(stays.try_wait().unwrap(), None, "it did not stay");
            assert!(began.elapsed() < Duration::from_secs(300), "generation {generation} never comes");
            std::thread::sleep(Duration::from_millis(50));
        }
    };
    wait_for(&mut stays, 1);
    net.place.file("own/a.ndb", for_all(&signature("Found.Me", "please find me")));
    wait_for(&mut stays, 2);
    // What is wrong for some time is told, and does not end it.
    net.place.file("sources.toml", "[[source]]\n");
    let (mut told, mut reader) = (String::new(), BufReader::new(stays.stderr.take().unwrap()));
    reader.read_line(&mut told).unwrap();
    assert!(told.contains("sources.toml:1"), "{told}");
    net.list(&list);
    net.place.file("own/a.ndb", for_all(&signature("Found.More", "please find more")));
    wait_for(&mut stays, 3);
    stays.kill().unwrap();
    stays.wait().unwrap();
}

#[test]
fn servers_that_are_slow_or_gone_are_told_of_and_change_nothing() {
    let net = Net::new();
    net.place.file("one/a.ndb", for_all(""));
    let one = format!(
        "[[source]]\nname = 'one'\nkind = 'directory'\npath = '{}'\n",
        net.place.path("one").display()
    );
    assert_eq!(net.update(&one).code, 0);
    let began = Instant::now();
    net.reply("daily.cvd", Reply::Drip);
    let said = net.update(&format!("{one}{CLAMAV}\n[network]\nattempts = 1\nstall-seconds = 3\n"));
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("clamav: daily: ") && said.stderr.contains("slow"), "{said:?}");
    // It would go on for a day.
    assert!(began.elapsed() < Duration::from_secs(600));
    assert_eq!(net.store().active(), Some(1));
    let gone = CLAMAV.replace("PORT", "1");
    let said = net.update(&(one.clone() + &gone));
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("clamav: daily: "), "{said:?}");
    // What works goes on beside what does not.
    net.place.file("one/a.ndb", for_all(&signature("More", "more of them")));
    let said = net.update(&(one + &gone));
    assert_eq!(said.code, 2, "{said:?}");
    assert_eq!(net.store().active(), Some(2));
}

/// Asserted from outside, by the kernel's own account: whoever asks for a socket to another machine is the fetcher.
#[test]
fn nobody_but_the_fetcher_opens_a_connection() {
    let net = Net::new();
    net.serve("daily.cvd", daily(100).container());
    let text = for_all(&signature("Found.Me", "please find me"));
    net.serve("b.ndb", text.clone());
    let digest = {
        use sha2::Digest as _;
        hexadecimal(&sha2::Sha256::digest(&text))
    };
    net.place.file("one/a.ndb", signature("One", "one of them all"));
    let one = format!(
        "[[source]]\nname = 'one'\nkind = 'directory'\npath = '{}'\n",
        net.place.path("one").display()
    );
    let servers = name_server("nonsense");
    let official = CLAMAV.replace("record = ''", "record = 'current.cvd.example'");
    let file = url("b.ndb", &format!("sha256 = '{digest}'"));
    net.list(&format!("{one}{official}{file}\n[network]\nattempts = 1\nname-servers = ['{servers}']\n"));
    let plain = net.command(&["update", "--sources", "sources.toml"]);
    let mut traced = Command::new("strace");
    traced.args([
        "-f",
        "-qq",
        "-o",
        "trace",
        "-e",
        "trace=execve,clone,clone3,socket,connect,sendto,bind,listen",
    ]);
    traced.arg(plain.get_program()).args(plain.get_args());
    traced.current_dir(net.place.root()).env("CANDOR_TEST_FETCHER", fetcher()).stdin(Stdio::null());
    // What is watched is what CI installs; a machine without it cannot say that the promise is kept.
    let output = traced.output().expect("strace, as .ci/run installs it");
    let said = Said::new(&output);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(net.store().record(1).unwrap().contents.len(), 3);
    let trace = std::fs::read_to_string(net.place.path("trace")).unwrap();
    let (mut fetchers, mut processes, mut sockets) = (BTreeSet::new(), BTreeSet::new(), 0);
    for line in trace.lines() {
        let Some((process, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        processes.insert(process.to_owned());
        if rest.starts_with("execve(") && rest.contains("candor-fetch\"") {
            fetchers.insert(process.to_owned());
        }
        // Its threads are its own.
        if fetchers.contains(process)
            && rest.contains("clone")
            && let Some((_, thread)) = rest.rsplit_once("= ")
        {
            fetchers.insert(thread.trim().to_owned());
        }
        let is_network = ["AF_INET", "AF_NETLINK", "AF_PACKET"].iter().any(|family| rest.contains(family));
        if is_network {
            sockets += 1;
            assert!(fetchers.contains(process), "{line}");
        }
    }
    // The name, the header, the database, the file: and there were others that could have asked.
    assert!(sockets >= 4 && !fetchers.is_empty() && processes.len() > fetchers.len(), "{trace}");
}

/// The library's own test ends it at each call of the file system; this one ends the program, at every second one that makes
/// something last.
#[test]
fn wherever_it_is_killed_a_whole_generation_is_active_and_the_next_run_goes_on() {
    let net = Net::new();
    net.serve("daily.cvd", daily(100).container());
    assert_eq!(net.update(CLAMAV).code, 0);
    net.serve("daily.cvd", daily(101).container()).serve("daily-101.cdiff", patch(101));
    let (state, before) = (net.place.path("state"), net.place.path("before"));
    std::fs::rename(&state, &before).unwrap();
    let mut killed = 0;
    for number in (1..400).step_by(2) {
        drop(std::fs::remove_dir_all(&state));
        let copied = Command::new("cp").arg("-a").args([&before, &state]).status().unwrap();
        assert!(copied.success());
        let plain = net.command(&["update", "--sources", "sources.toml"]);
        let mut traced = Command::new("strace");
        let calls = "rename,renameat,renameat2,fsync,fdatasync,link,linkat,symlink,symlinkat,unlink,unlinkat";
        traced.args(["-qq", "-o", "/dev/null", "-e", &format!("trace={calls}")]);
        traced.args(["-e", &format!("inject={calls}:signal=KILL:when={number}")]);
        traced.arg(plain.get_program()).args(plain.get_args());
        traced.current_dir(net.place.root()).env("CANDOR_TEST_FETCHER", fetcher()).stdin(Stdio::null());
        let output = traced.output().expect("strace, as .ci/run installs it");
        let is_killed = output.status.code() != Some(0);
        killed += usize::from(is_killed);
        let said = net.run(&["update", "verify"]);
        assert_eq!(said.code, 0, "{number}: {said:?}");
        let said = net.update(CLAMAV);
        assert_eq!(said.code, 0, "{number}: {said:?}");
        assert_eq!(net.databases(), ["daily.cld 101 sha256-rsa"], "{number}");
        assert_eq!(net.run(&["update", "verify"]).code, 0, "{number}");
        if !is_killed {
            break;
        }
    }
    assert!(killed > 5, "it was killed {killed} times");
}
