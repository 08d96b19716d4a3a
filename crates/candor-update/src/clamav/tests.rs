//! Decisions against a world of values: no network, no files, and nothing that is not said.

use std::collections::{BTreeMap, VecDeque};

use candor_fixtures::release::{self, PATCH_KEY, Release, signed_patch};

use super::*;
use crate::source::fetch::{Answer, Failure, FailureKind, FileWish};

const BASE: &str = "A.S0:0:*:aabbccddee00\nA.S1:0:*:aabbccddee01\n";

fn trust() -> Trust {
    Trust {
        containers: release::keys(),
        patches: PATCH_KEY.public(),
        certificates: Vec::new(),
        old_signature: OldSignature::Warn,
    }
}

/// A database of a version: each has one signature more than the one before.
fn daily(version: u64) -> Release {
    let more: String =
        (100..version).map(|number| format!("A.N{number}:0:*:aabbccdd{number:04}\n")).collect();
    Release::new("daily", version, &[("daily.ndb", &format!("{BASE}{more}"))])
}

fn patch(version: u64) -> Vec<u8> {
    let added = version - 1;
    let commands = format!("OPEN daily.ndb\nADD A.N{added}:0:*:aabbccdd{added:04}\nCLOSE\n");
    daily(version).patch(&daily(version - 1), &commands)
}

/// What a server answers to one file.
#[derive(Clone)]
enum Reply {
    Status(u16),
    Bytes(Vec<u8>),
    Failed(FailureKind),
    Later(u64),
}

#[derive(Default)]
struct Fake {
    files: BTreeMap<String, VecDeque<Reply>>,
    there: BTreeMap<String, Vec<u8>>,
    asked: Vec<String>,
    said: Vec<(Level, String)>,
    installed: Vec<(String, Vec<u8>)>,
    beside: Vec<Option<Vec<u8>>>,
    fails_trial: bool,
    waited: u64,
    refusals: Vec<(u16, Option<u64>)>,
    signed: Vec<String>,
    clock: Option<u64>,
}

impl Fake {
    fn serve(mut self, file: &str, reply: Reply) -> Self {
        self.files.entry(file.to_owned()).or_default().push_back(reply);
        self
    }

    fn with(mut self, file: &str, bytes: Vec<u8>) -> Self {
        self.there.insert(file.to_owned(), bytes);
        self
    }

    fn has_said(&self, part: &str) -> bool {
        self.said.iter().any(|(_, text)| text.contains(part))
    }

    fn errors(&self) -> Vec<&str> {
        self.said.iter().filter(|(level, _)| *level == Level::Error).map(|(_, text)| text.as_str()).collect()
    }
}

impl World for Fake {
    fn say(&mut self, level: Level, text: &str) {
        self.said.push((level, text.to_owned()));
    }

    fn fetch(&mut self, wishes: &[FileWish], stops: bool) -> Vec<Tried> {
        let mut tried = Vec::new();
        for wish in wishes {
            let file = wish.url.strip_prefix("http://m/").unwrap_or(&wish.url).to_owned();
            let note = if wish.first.is_some() { format!("{file}?head") } else { file.clone() };
            self.asked.push(note);
            let replies = self.files.entry(file).or_default();
            // The last reply is given again and again.
            let reply = if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() };
            let mut answer = Answer::default();
            let mut bytes = Vec::new();
            match reply.unwrap_or(Reply::Status(404)) {
                Reply::Status(status) => answer.status = Some(status),
                Reply::Bytes(all) => {
                    answer.status = Some(if wish.first.is_some() { 206 } else { 200 });
                    let first = wish.first.map_or(all.len(), |first| usize::try_from(first).unwrap());
                    bytes = all[..first.min(all.len())].to_vec();
                }
                Reply::Failed(kind) => answer.failure = Some(Failure::new(kind, "it broke")),
                Reply::Later(seconds) => {
                    (answer.status, answer.retry_after) = (Some(429), Some(seconds));
                }
            }
            let good = answer.failure.is_none() && answer.status == Some(200);
            tried.push(Tried { answer, bytes });
            if stops && !good {
                break;
            }
        }
        tried
    }

    fn load(&mut self, file: &str) -> Option<Vec<u8>> {
        self.there.get(file).cloned()
    }

    fn pause(&mut self, seconds: u64) {
        self.waited += seconds;
    }

    fn install(&mut self, offer: Offer) -> Result<(), Trouble> {
        if self.fails_trial {
            return Err(Trouble::TestFailed);
        }
        self.installed.push((offer.file, offer.bytes));
        self.beside.push(offer.beside);
        Ok(())
    }

    fn refused(&mut self, status: u16, retry_after: Option<u64>) -> String {
        self.refusals.push((status, retry_after));
        String::from("tomorrow")
    }

    fn saw_signature(&mut self, database: &str) {
        self.signed.push(database.to_owned());
    }

    fn now(&mut self) -> u64 {
        self.clock.unwrap_or(1_700_000_000)
    }
}

fn order(advertised: Option<u64>) -> Order {
    Order {
        database: String::from("daily"),
        mirrors: vec![Mirror { url: String::from("http://m"), private: false }],
        attempts: 3,
        scripted: true,
        compress: false,
        advertised,
        needs_signature: false,
        needs_patch_signature: false,
    }
}

fn local(version: u64) -> (Local, Vec<u8>) {
    let bytes = daily(version).container();
    (Local { file: String::from("daily.cvd"), head: Head::read(&bytes).unwrap() }, bytes)
}

/// Runs an update of a machine that has version 100.
fn run(fake: Fake, order: &Order) -> (Fake, Result<Outcome, Trouble>) {
    let (local, bytes) = local(100);
    let mut fake = fake.with("daily.cvd", bytes);
    let result = update(&mut fake, order, Some(&local), &trust());
    (fake, result)
}

/// The only database that was installed: its file, version and number of lines.
fn installed(fake: &Fake) -> (String, u64, usize) {
    let [(file, bytes)] = fake.installed.as_slice() else { panic!("{:?}", fake.said) };
    let database = Database::open(file, bytes, &trust()).unwrap();
    let member = database.members.iter().find(|member| member.name == "daily.ndb").unwrap();
    (file.clone(), database.head.version, member.bytes.iter().filter(|byte| **byte == b'\n').count())
}

#[test]
fn what_is_newest_is_left_alone() {
    for advertised in [99, 100] {
        let (fake, result) = run(Fake::default(), &order(Some(advertised)));
        assert_eq!(result, Ok(Outcome::UpToDate));
        assert!(fake.asked.is_empty() && fake.installed.is_empty());
        let line = "daily.cvd database is up-to-date (version: 100, sigs: 2, f-level: 90, builder: tests)";
        assert_eq!(fake.said, [(Level::Info, String::from(line))]);
    }
    let (fake, result) = run(Fake::default().serve("daily.cvd", Reply::Status(304)), &order(None));
    assert_eq!((result, fake.asked), (Ok(Outcome::UpToDate), vec![String::from("daily.cvd?head")]));
}

#[test]
fn what_is_not_there_is_fetched_whole() {
    let mut fake = Fake::default().serve("daily.cvd", Reply::Bytes(daily(101).container()));
    assert_eq!(update(&mut fake, &order(Some(101)), None, &trust()), Ok(Outcome::Updated));
    assert_eq!(installed(&fake), (String::from("daily.cvd"), 101, 3));
    assert_eq!(fake.asked, ["daily.cvd"]);
}

#[test]
fn a_chain_of_patches_leads_to_the_newest() {
    let fake = (101..=103).fold(Fake::default(), |fake, version| {
        fake.serve(&format!("daily-{version}.cdiff"), Reply::Bytes(patch(version)))
    });
    let (fake, result) = run(fake, &order(Some(103)));
    assert_eq!(result, Ok(Outcome::Updated), "{:?}", fake.said);
    assert_eq!(installed(&fake), (String::from("daily.cld"), 103, 5));
    assert_eq!(fake.asked, ["daily-101.cdiff", "daily-102.cdiff", "daily-103.cdiff"]);
}

#[test]
fn a_compressed_patched_database_holds_the_same() {
    let fake = Fake::default().serve("daily-101.cdiff", Reply::Bytes(patch(101)));
    let (fake, result) = run(fake, &Order { compress: true, ..order(Some(101)) });
    assert_eq!(result, Ok(Outcome::Updated));
    assert_eq!(installed(&fake), (String::from("daily.cld"), 101, 3));
    assert_eq!(fake.installed[0].1[512..514], [0x1f, 0x8b]);
}

#[test]
fn without_patches_the_whole_is_fetched() {
    let fake = Fake::default().serve("daily.cvd", Reply::Bytes(daily(101).container()));
    let (fake, result) = run(fake, &Order { scripted: false, ..order(Some(101)) });
    assert_eq!((result, fake.asked.as_slice()), (Ok(Outcome::Updated), &[String::from("daily.cvd")][..]));
    assert_eq!(installed(&fake).1, 101);
}

#[test]
fn a_patch_that_is_no_good_is_replaced_by_the_whole() {
    let mut spoilt = patch(101);
    spoilt[60] ^= 1;
    let wrong_place = signed_patch(101, "OPEN daily.ndb\nDEL 2 nothere\nCLOSE\n");
    let unsigned_result = signed_patch(101, "OPEN daily.ndb\nADD A.X:0:*:aabbccddeeff\nCLOSE\n");
    let of_other = patch(102);
    let bomb = signed_patch(101, &"# nothing at all, many times\n".repeat(20 << 20));
    for (bytes, said) in [
        (spoilt, "the digital signature is not valid"),
        (wrong_place, "line 3: line 2 of daily.ndb does not begin as the script says"),
        (unsigned_result, "it leads to version 100, not 101"),
        (of_other, "it leads to version 102, not 101"),
        (bomb, "it unpacks to more than"),
        (Vec::new(), "Empty script daily-101.cdiff, need to download entire database"),
    ] {
        let fake = Fake::default()
            .serve("daily-101.cdiff", Reply::Bytes(bytes))
            .serve("daily.cvd", Reply::Bytes(daily(101).container()));
        let (fake, result) = run(fake, &order(Some(101)));
        assert_eq!(result, Ok(Outcome::Updated), "{said}");
        assert!(fake.has_said(said), "{said}: {:?}", fake.said);
        assert_eq!(installed(&fake), (String::from("daily.cvd"), 101, 3));
        assert_eq!(fake.asked, ["daily-101.cdiff", "daily.cvd"]);
    }
}

#[test]
fn a_patched_database_that_does_not_verify_is_replaced_by_the_whole() {
    // The list is that of 101, but a member has a line more.
    let commands = "OPEN daily.ndb\nADD A.N100:0:*:aabbccdd0100\nADD A.X:0:*:aabbccddeeff\nCLOSE\n";
    let fake = Fake::default()
        .serve("daily-101.cdiff", Reply::Bytes(daily(101).patch(&daily(100), commands)))
        .serve("daily.cvd", Reply::Bytes(daily(101).container()));
    let (fake, result) = run(fake, &order(Some(101)));
    assert_eq!(result, Ok(Outcome::Updated));
    assert!(fake.has_said("the patched daily database does not verify: member daily.ndb is not what"));
    assert_eq!(installed(&fake), (String::from("daily.cvd"), 101, 3));
}

#[test]
fn the_latest_patch_may_come_later() {
    let (fake, result) = run(Fake::default(), &order(Some(101)));
    assert_eq!(result, Ok(Outcome::UpToDate));
    assert!(fake.has_said("doesn't have the latest patch for the daily database (version 101)"));
    assert!(fake.installed.is_empty());
}

#[test]
fn half_a_chain_is_better_than_none() {
    let fake = Fake::default().serve("daily-101.cdiff", Reply::Bytes(patch(101)));
    let (fake, result) = run(fake, &order(Some(103)));
    assert_eq!(result, Ok(Outcome::Updated));
    assert_eq!(installed(&fake), (String::from("daily.cld"), 101, 3));
    assert!(fake.has_said("Downloaded 1 patches for daily, which is fewer than the 3 expected patches."));
}

#[test]
fn a_server_that_refuses_is_left_alone_at_once() {
    for (reply, trouble, refusal) in [
        (Reply::Status(403), Trouble::Forbidden, (403, None)),
        (Reply::Status(429), Trouble::RetryLater, (429, None)),
        (Reply::Later(100), Trouble::RetryLater, (429, Some(100))),
    ] {
        for (file, advertised) in [("daily.cvd", None), ("daily-101.cdiff", Some(101))] {
            let (fake, result) = run(Fake::default().serve(file, reply.clone()), &order(advertised));
            assert_eq!(result, Err(trouble));
            assert_eq!((fake.asked.len(), fake.refusals.as_slice()), (1, &[refusal][..]));
            assert!(fake.has_said("You are on cool-down until after: tomorrow"));
            assert!(fake.installed.is_empty() && fake.waited == 0);
        }
    }
}

#[test]
fn other_failures_are_tried_again_and_then_told() {
    for reply in [
        Reply::Status(404),
        Reply::Status(500),
        Reply::Failed(FailureKind::Cut),
        Reply::Failed(FailureKind::Slow),
        Reply::Bytes(b"short".to_vec()),
    ] {
        let (fake, result) = run(Fake::default().serve("daily.cvd", reply), &order(None));
        assert_eq!(result, Err(Trouble::FailedGet));
        assert_eq!((fake.asked.len(), fake.waited), (3, 10));
        assert_eq!(fake.errors().last(), Some(&"Update failed for database: daily"));
        assert!(fake.has_said("Giving up on http://m..."));
    }
    // A server that recovers is enough.
    let fake = Fake::default()
        .serve("daily.cvd", Reply::Failed(FailureKind::Connect))
        .serve("daily.cvd", Reply::Bytes(daily(101).container()));
    let (fake, result) = run(fake, &Order { scripted: false, ..order(None) });
    assert_eq!((result, installed(&fake).1), (Ok(Outcome::Updated), 101));
}

#[test]
fn the_next_server_is_asked() {
    let mut both = order(None);
    both.mirrors.insert(0, Mirror { url: String::from("http://dead"), private: false });
    let fake = Fake::default()
        .serve("http://dead/daily.cvd", Reply::Failed(FailureKind::Connect))
        .serve("daily.cvd", Reply::Bytes(daily(101).container()));
    let (fake, result) = run(fake, &Order { scripted: false, ..both });
    assert_eq!((result, installed(&fake).1), (Ok(Outcome::Updated), 101));
    assert!(fake.has_said("Giving up on http://dead..."));
}

#[test]
fn an_older_database_is_never_installed() {
    // The record promises 105; the server has what it had, or older.
    for version in [99, 100] {
        let fake = Fake::default().serve("daily.cvd", Reply::Bytes(daily(version).container()));
        let (fake, result) = run(fake, &Order { scripted: false, ..order(Some(105)) });
        assert_eq!(result, Err(Trouble::NotInSync));
        assert!(fake.installed.is_empty());
    }
    // Newer than what is there, older than promised.
    let fake = Fake::default().serve("daily.cvd", Reply::Bytes(daily(102).container()));
    let (fake, result) = run(fake, &Order { scripted: false, ..order(Some(105)) });
    assert_eq!((result, installed(&fake).1), (Ok(Outcome::Updated), 102));
    assert!(fake.has_said("Received an older daily CVD than was advertised."));
}

#[test]
fn an_old_database_cannot_be_dressed_up_as_a_new_one() {
    let mut bytes = daily(99).container();
    let header = String::from_utf8(bytes[..512].to_vec()).unwrap().replacen(":99:", ":105:", 1);
    bytes.splice(..512, header.bytes().take(512));
    let fake = Fake::default().serve("daily.cvd", Reply::Bytes(bytes));
    let (fake, result) = run(fake, &Order { scripted: false, ..order(Some(105)) });
    assert_eq!(result, Err(Trouble::BadDatabase));
    assert!(fake.has_said("daily.cvd: the header is not what the signed list of members says"));
    assert!(fake.installed.is_empty());
}

#[test]
fn a_private_server_is_asked_for_patched_databases_first() {
    let private =
        Order { mirrors: vec![Mirror { url: String::from("http://m"), private: true }], ..order(Some(999)) };
    let fake = Fake::default().serve("daily.cld", Reply::Bytes(daily(101).patched_container()));
    let (fake, result) = run(fake, &private);
    assert_eq!(result, Ok(Outcome::Updated));
    assert_eq!(fake.asked, ["daily.cld?head", "daily.cld"]);
    assert_eq!(installed(&fake), (String::from("daily.cld"), 101, 3));
    let fake = Fake::default().serve("daily.cvd", Reply::Bytes(daily(101).container()));
    let (fake, result) = run(fake, &private);
    assert_eq!(result, Ok(Outcome::Updated));
    assert_eq!(fake.asked, ["daily.cld?head", "daily.cvd?head", "daily.cvd"]);
    // What it refuses is nobody's business but its own.
    let (fake, result) = run(Fake::default().serve("daily.cld", Reply::Status(403)), &private);
    assert_eq!((result, fake.refusals.len()), (Err(Trouble::FailedGet), 0));
}

#[test]
fn a_failed_trial_ends_it() {
    let fake = Fake { fails_trial: true, ..Fake::default() }
        .serve("daily.cvd", Reply::Bytes(daily(101).container()));
    let (fake, result) = run(fake, &Order { scripted: false, ..order(Some(101)) });
    assert_eq!((result, fake.asked.len()), (Err(Trouble::TestFailed), 1));
    assert_eq!(fake.errors(), ["Unexpected error when attempting to update daily: Test failed"]);
}

#[test]
fn the_old_signature_alone_is_refused_when_so_wished() {
    let mut trust = trust();
    trust.old_signature = OldSignature::Refuse;
    let mut fake = Fake::default().serve("daily.cvd", Reply::Bytes(daily(101).container()));
    assert_eq!(update(&mut fake, &order(Some(101)), None, &trust), Err(Trouble::BadDatabase));
    assert!(fake.has_said("daily.cvd is signed by RSA over MD5 alone, which is not accepted here"));
}

#[test]
fn every_byte_of_a_container_counts() {
    let whole = daily(100).container();
    assert!(Database::open("daily.cvd", &whole, &trust()).is_ok());
    for place in (0..512).chain((512..whole.len()).step_by(7)) {
        for change in [1, 0x20] {
            let mut bytes = whole.clone();
            bytes[place] ^= change;
            assert!(Database::open("daily.cvd", &bytes, &trust()).is_err(), "{place} {change}");
        }
    }
}

#[test]
fn every_byte_of_a_patch_counts() {
    let whole = patch(101);
    let mut database = Database::open("daily.cvd", &daily(100).container(), &trust()).unwrap();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        assert!(database.apply(&bytes, &trust()).is_err(), "{place}");
    }
    for bytes in
        [&whole[..whole.len() - 1], &[whole.as_slice(), b"\n"].concat(), &[whole.as_slice(), b" "].concat()]
    {
        assert!(database.apply(bytes, &trust()).is_err());
    }
    assert!(database.apply(&whole, &trust()).is_ok());
}

/// Genuine databases are not part of the repository; `CANDOR_CVD` may name a folder of them.
#[test]
fn genuine_containers_verify_and_every_change_is_refused() {
    let Some(folder) = std::env::var_os("CANDOR_CVD") else { return };
    let trust = Trust::published();
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "cvd") {
            continue;
        }
        let whole = std::fs::read(&path).unwrap();
        assert!(Database::open("x.cvd", &whole, &trust).is_ok(), "{path:?}");
        for place in (0..512).chain((512..whole.len()).step_by(97)) {
            let mut bytes = whole.clone();
            bytes[place] ^= 0x20;
            assert!(Database::open("x.cvd", &bytes, &trust).is_err(), "{path:?} {place}");
        }
        count += 1;
    }
    assert!(count > 0, "no .cvd in the folder");
}

fn run_custom(fake: Fake, local: Option<u64>) -> (Fake, Result<Outcome, Trouble>) {
    let mut fake = fake;
    let result = custom(&mut fake, "http://m/x.ndb", local, 3, &trust());
    (fake, result)
}

#[test]
fn custom_databases_are_fetched_when_they_changed() {
    let fake = Fake::default().serve("x.ndb", Reply::Bytes(b"A:0:*:aabbccdd\nB:0:*:aabbccdd".to_vec()));
    let (fake, result) = run_custom(fake, None);
    assert_eq!((result, fake.installed[0].0.as_str()), (Ok(Outcome::Updated), "x.ndb"));
    assert!(fake.has_said("x.ndb updated (version: custom database, sigs: 2)"));
    let (fake, result) = run_custom(Fake::default().serve("x.ndb", Reply::Status(304)), Some(7));
    assert_eq!(result, Ok(Outcome::UpToDate));
    assert!(fake.has_said("x.ndb is up-to-date (version: custom database)"));
    let (fake, result) = run_custom(Fake::default(), None);
    assert_eq!((result, fake.asked.len(), fake.waited), (Err(Trouble::FailedGet), 3, 10));
}

#[test]
fn a_custom_container_must_be_signed() {
    let mut spoilt = daily(100).container();
    let last = spoilt.len() - 1;
    spoilt[last] ^= 1;
    for (bytes, expected) in
        [(daily(100).container(), Ok(Outcome::Updated)), (spoilt, Err(Trouble::BadDatabase))]
    {
        let mut fake = Fake::default().serve("daily.cvd", Reply::Bytes(bytes));
        assert_eq!(custom(&mut fake, "http://m/daily.cvd", None, 1, &trust()), expected);
    }
}

#[test]
fn names_of_files_cannot_climb() {
    use super::update::file_of;
    assert_eq!(file_of("https://h/a/b.ndb?x=1#y"), Some("b.ndb"));
    for url in [
        "https://h/a/",
        "x",
        "https://h/..",
        "https://h/a%2fb",
        "https://h/-x",
        "https://h/.x",
        "https://h/a b",
    ] {
        assert_eq!(file_of(url), None, "{url}");
    }
}

/// What comes of a whole database when the file of signatures is answered so.
fn with_signature(needs_signature: bool, reply: Option<Reply>) -> (Fake, Result<Outcome, Trouble>) {
    let mut fake = Fake::default().serve("daily.cvd", Reply::Bytes(daily(101).container()));
    if let Some(reply) = reply {
        fake = fake.serve("daily-101.cvd.sign", reply);
    }
    run(fake, &Order { scripted: false, needs_signature, attempts: 1, ..order(Some(101)) })
}

#[test]
fn a_signature_that_was_seen_once_is_needed() {
    // Nobody is trusted and none was seen: it is not asked for.
    let (fake, result) = with_signature(false, None);
    assert_eq!((result, fake.asked.as_slice()), (Ok(Outcome::Updated), &[String::from("daily.cvd")][..]));
    assert!(fake.has_said("daily.cvd is signed by RSA over MD5 alone"));
    // One was seen: to leave it out, to keep it back and to spoil it come to the same.
    for (reply, trouble) in [
        (None, Trouble::BadDatabase),
        (Some(Reply::Bytes(b"#clamsign-1.0\n".to_vec())), Trouble::BadDatabase),
        (Some(Reply::Status(500)), Trouble::FailedGet),
        (Some(Reply::Failed(FailureKind::Cut)), Trouble::FailedGet),
    ] {
        let (fake, result) = with_signature(true, reply);
        assert_eq!(result, Err(trouble));
        assert!(fake.installed.is_empty() && fake.signed.is_empty());
        assert!(fake.asked.contains(&String::from("daily-101.cvd.sign")));
    }
}

/// What comes of a patch to version 101 when the signatures beside it are answered so, and a whole database is there.
fn with_patch_signature(
    needs: bool,
    trusted: &[Certificate],
    reply: Option<Reply>,
) -> (Fake, Result<Outcome, Trouble>) {
    let (local, bytes) = local(100);
    let mut fake = Fake::default()
        .with("daily.cvd", bytes)
        .serve("daily-101.cdiff", Reply::Bytes(patch(101)))
        .serve("daily.cvd", Reply::Bytes(daily(101).container()));
    if let Some(reply) = reply {
        fake = fake.serve("daily-101.cdiff.sign", reply);
    }
    fake.clock = Some(sign::tests::now());
    let order = Order { needs_patch_signature: needs, attempts: 1, ..order(Some(101)) };
    let trust = Trust { certificates: trusted.to_vec(), ..trust() };
    let result = update(&mut fake, &order, Some(&local), &trust);
    (fake, result)
}

#[test]
fn a_patch_needs_a_signature_once_one_was_seen() {
    // Nobody is trusted and none was seen: it is not asked for.
    let (fake, result) = with_patch_signature(false, &[], None);
    assert_eq!((result, installed(&fake).0.as_str()), (Ok(Outcome::Updated), "daily.cld"));
    assert_eq!(fake.asked, ["daily-101.cdiff"]);
    // One was seen: without one, and with one that is not valid, it is not carried out. The whole database is.
    for reply in [None, Some(Reply::Bytes(b"#clamsign-1.0\n".to_vec()))] {
        let (fake, result) = with_patch_signature(true, &[], reply);
        assert_eq!((result, installed(&fake).0.as_str()), (Ok(Outcome::Updated), "daily.cvd"));
        assert_eq!(fake.asked, ["daily-101.cdiff", "daily-101.cdiff.sign", "daily.cvd"]);
        assert!(fake.signed.is_empty());
    }
    // Whoever keeps it back gets nothing for it.
    for (reply, trouble) in [
        (Reply::Status(500), Trouble::FailedGet),
        (Reply::Failed(FailureKind::Cut), Trouble::FailedGet),
        (Reply::Status(403), Trouble::Forbidden),
        (Reply::Later(60), Trouble::RetryLater),
    ] {
        let (fake, result) = with_patch_signature(true, &[], Some(reply));
        assert_eq!(result, Err(trouble));
        assert!(fake.installed.is_empty(), "{:?}", fake.asked);
        assert_eq!(fake.refusals.len(), usize::from(trouble != Trouble::FailedGet));
    }
}

#[test]
fn a_signature_beside_a_patch_is_verified_and_remembered() {
    let Some(place) = sign::tests::Place::new() else { return };
    let root = place.certificates("root");
    let good = place.sign_bytes(&patch(101));
    let (fake, result) = with_patch_signature(true, &root, Some(Reply::Bytes(good.clone())));
    assert_eq!((result, installed(&fake).0.as_str()), (Ok(Outcome::Updated), "daily.cld"), "{:?}", fake.said);
    assert_eq!(fake.signed, [patches_of("daily")]);
    // Where none was seen yet, none is missed; but one that is there must be valid.
    let (fake, result) = with_patch_signature(false, &root, None);
    assert_eq!((result, installed(&fake).0.as_str()), (Ok(Outcome::Updated), "daily.cld"));
    assert!(fake.signed.is_empty());
    let (fake, _) = with_patch_signature(false, &place.certificates("other"), Some(Reply::Bytes(good)));
    assert_eq!((installed(&fake).0.as_str(), fake.signed.len()), ("daily.cvd", 0));
    let of_others = place.sign_bytes(b"another patch");
    let (fake, _) = with_patch_signature(false, &root, Some(Reply::Bytes(of_others)));
    assert_eq!((installed(&fake).0.as_str(), fake.signed.len()), ("daily.cvd", 0));
}

/// What comes of a container whose own signatures are nobody's, with this beside it.
fn vouched_for(root: &[Certificate], beside: Option<&[u8]>) -> (Fake, Result<Outcome, Trouble>) {
    let trust = Trust { containers: Keys::published(), certificates: root.to_vec(), ..trust() };
    let mut fake = Fake::default().serve("daily.cvd", Reply::Bytes(daily(101).container()));
    if let Some(beside) = beside {
        fake = fake.serve("daily-101.cvd.sign", Reply::Bytes(beside.to_vec()));
    }
    fake.clock = Some(sign::tests::now());
    let order = Order { scripted: false, attempts: 1, ..order(Some(101)) };
    let result = update(&mut fake, &order, None, &trust);
    (fake, result)
}

#[test]
fn a_signature_beside_a_container_is_enough_whatever_its_own_say() {
    let Some(place) = sign::tests::Place::new() else { return };
    let root = place.certificates("root");
    let good = place.sign_bytes(&daily(101).container());
    let (fake, result) = vouched_for(&root, Some(&good));
    assert_eq!(result, Ok(Outcome::Updated), "{:?}", fake.said);
    // Whoever reads it needs the same.
    assert_eq!((installed(&fake).1, fake.beside.as_slice()), (101, &[Some(good.clone())][..]));
    assert_eq!(fake.signed, ["daily"]);
    assert!(!fake.has_said("RSA over MD5"));
    // Nothing beside it, something that is of another file, by somebody else, or where nobody is trusted.
    let of_other = place.sign_bytes(&daily(102).container());
    let others = place.certificates("other");
    for (root, beside) in [
        (&root[..], None),
        (&root[..], Some(&of_other[..])),
        (&others[..], Some(&good[..])),
        (&[][..], Some(&good[..])),
    ] {
        let (fake, result) = vouched_for(root, beside);
        assert_eq!(result, Err(Trouble::BadDatabase), "{:?}", fake.said);
        assert!(fake.installed.is_empty() && fake.signed.is_empty());
    }
}
