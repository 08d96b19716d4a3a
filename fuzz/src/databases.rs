//! What comes with ClamAV's databases, and what is asked for them, whatever bytes it is made of: nothing counts that is not
//! signed, and nothing grows beyond what was paid for.

use std::sync::LazyLock;

use candor_fixtures::release::{self, PATCH_KEY, Release, signed_patch};
use candor_update::clamav::{
    Certificate, Database, Head, Member, OLDEST, OldSignature, PatchError, Record, ScriptFault, State, Trust,
    from_http_date, http_date, run_script, script_of_patch, verify,
};
use candor_update::source::fetch::{Answer, FileWish, Job, Times, VERSION, Wish};
use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, TYPE};

use crate::answer::accept;

/// What is signed in `testdata/sign`, and by whom.
const SIGNED: &[u8] = include_bytes!("../../testdata/sign/signed.txt");
const SIGNATURE: &[u8] = include_bytes!("../../testdata/sign/signed.sign");
const ROOT: &[u8] = include_bytes!("../../testdata/sign/root.pem");

/// A time at which these certificates hold, and one at which they do not.
const NOW: u64 = 1_800_000_000;
const LATER: u64 = 9_000_000_000;

/// The functionality level of the engine.
const LEVEL: u64 = 233;

/// What begins a patch, rather than a script.
const PATCH: &[u8] = b"ClamAV-Diff:";

/// A patch that is signed.
static GOOD_PATCH: LazyLock<Vec<u8>> =
    LazyLock::new(|| signed_patch(101, "OPEN daily.ndb\nADD A.X:0:*:aabbccddeeff\nCLOSE\n"));

/// A container that is signed.
static GOOD_CONTAINER: LazyLock<Vec<u8>> =
    LazyLock::new(|| Release::new("daily", 101, &[("daily.ndb", "A.S0:0:*:aabbccddee00\n")]).container());

/// A script does the same each time, makes no more than it brings along, and no names but of members. A patch counts when
/// it is the one that was signed.
pub(crate) fn cdiff(bytes: &[u8]) {
    if bytes.starts_with(PATCH) {
        if let Ok(script) = script_of_patch(bytes, 101, &PATCH_KEY.public()) {
            assert!(
                bytes == GOOD_PATCH.as_slice() && script.starts_with(b"OPEN"),
                "a patch that nobody signed"
            );
            let later = script_of_patch(bytes, 102, &PATCH_KEY.public());
            assert_eq!(later, Err(PatchError::Version(101, 102)));
        }
        return;
    }
    let before = [("a.ndb", &b"one\ntwo\nthree\n"[..]), ("b.hdb", &b"four\nfive"[..]), ("c.ldb", &b""[..])];
    let members = || -> Vec<Member> {
        before
            .iter()
            .map(|(name, bytes)| Member { name: (*name).to_owned(), bytes: bytes.to_vec() })
            .collect()
    };
    let size = |members: &[Member]| members.iter().map(|member| member.bytes.len()).sum::<usize>();
    let mut once = members();
    let done = run_script(bytes, &mut once);
    assert!(size(&once) <= size(&members()) + 2 * bytes.len(), "{} bytes", size(&once));
    for member in &once {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.';
        assert!(!member.name.is_empty() && member.name.bytes().all(plain), "{}", member.name);
    }
    // A script of nothing is none, a remark is one.
    if bytes.is_empty() {
        return assert!(done.is_err());
    }
    // A remark in front of it changes the numbers of lines in errors, and nothing else; but it pays for a little more work.
    let mut again = members();
    let remarked = run_script(&[b"# a remark\n", bytes].concat(), &mut again);
    match (done, remarked) {
        (Ok(()), Ok(())) => assert!(once == again),
        (Err(error), Ok(())) if error.fault == ScriptFault::TooMuchWork => (),
        (Err(one), Err(other)) => assert_eq!((one.line + 1, one.fault), (other.line, other.fault)),
        (one, other) => panic!("{one:?}, and with a remark {other:?}"),
    }
}

/// A signature by certificates counts for the bytes that were signed, while somebody who is trusted vouches for it.
pub(crate) fn sign(bytes: &[u8]) {
    static TRUSTED: LazyLock<Vec<Certificate>> = LazyLock::new(|| Certificate::read_all(ROOT));
    // Whether a certificate can be read or not: it must be one of few.
    assert!(Certificate::read_all(bytes).len() <= bytes.len() / 64);
    let text = if bytes.starts_with(b"#") { bytes.to_vec() } else { armoured(bytes) };
    if verify(&text, SIGNED, &TRUSTED, LEVEL, NOW).is_ok() {
        assert!(verify(&text, b"other bytes", &TRUSTED, LEVEL, NOW).is_err());
        assert!(verify(&text, SIGNED, &[], LEVEL, NOW).is_err());
        assert!(verify(&text, SIGNED, &TRUSTED, LEVEL, LATER).is_err());
    }
}

/// The line in which signed data of CMS stands.
fn armoured(der: &[u8]) -> Vec<u8> {
    [b"#clamsign-1.0\n::pkcs7-pem:", base64(der).as_bytes(), b"\n"].concat()
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for piece in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..piece.len()].copy_from_slice(piece);
        let number = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= piece.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// The inverse of [`base64`], for the seed.
fn unarmoured(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut number, mut bits) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            _ => 63,
        };
        number = (number << 6 | u32::from(value)) & 0xfff_ffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push((number >> bits).to_le_bytes()[0]);
        }
    }
    bytes
}

/// What the name system, a server's head and a container's header say is of its time, or nothing.
pub(crate) fn record(bytes: &[u8]) {
    if let Ok(head) = Head::read(bytes) {
        assert!(!head.builder.chars().any(char::is_control));
    }
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(record) = Record::read(text, NOW) {
        assert!(record.time.abs_diff(NOW) <= OLDEST);
        assert_eq!(record.version("no database"), None);
    }
    if let Some(seconds) = from_http_date(text) {
        assert_eq!(from_http_date(&http_date(seconds)), Some(seconds));
    }
}

/// A container counts when it is the one that was signed.
pub(crate) fn container(bytes: &[u8]) {
    static TRUST: LazyLock<Trust> = LazyLock::new(|| Trust {
        containers: release::keys(),
        patches: PATCH_KEY.public(),
        certificates: Vec::new(),
        old_signature: OldSignature::Warn,
    });
    if Database::open("daily.cvd", bytes, &TRUST).is_ok() {
        assert!(bytes == GOOD_CONTAINER.as_slice(), "a container that nobody signed");
    }
    if let Ok(database) = Database::open("daily.cld", bytes, &TRUST) {
        assert_eq!(database.head.version, 101);
    }
}

/// An answer of the name system counts when it answers what was asked, and gives few texts.
pub(crate) fn answer(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let kind = [TYPE::A, TYPE::AAAA, TYPE::TXT][usize::from(*kind) % 3];
    let query = question(kind);
    let mut taken = 0;
    let accepted = accept(bytes, &query, kind, &mut |data| {
        assert_eq!(data.type_code(), kind);
        taken += 1;
    });
    assert!(taken <= 64 && (accepted.is_ok() || taken == 0));
    if accepted.is_ok() {
        assert_eq!(bytes.get(..2), Some(&[0, 7][..]), "an answer to another question");
    }
}

fn question(kind: TYPE) -> Packet<'static> {
    let mut packet = Packet::new_query(7);
    let name = Name::new("current.example").expect("a name");
    packet.questions.push(Question::new(name, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
    packet
}

/// What the fetcher is told and says, and what is remembered of servers, is read back as it was written.
pub(crate) fn message(bytes: &[u8]) {
    if let Ok(job) = Job::read(bytes)
        && let Ok(written) = job.write()
    {
        assert_eq!(Job::read(&written).expect("what was written is read"), job);
    }
    if let Ok(answer) = Answer::read(bytes, 0)
        && let Ok(written) = answer.write()
    {
        assert_eq!(Answer::read(&written, 0).expect("what was written is read"), answer);
    }
    if let Ok(state) = State::read(bytes) {
        assert_eq!(State::read(&state.write()).expect("what was written is read"), state);
    }
}

/// What each of these reads when all is well.
pub(crate) fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "update_cdiff" => vec![
            GOOD_PATCH.clone(),
            b"OPEN a.ndb\nADD new\nDEL 1 one\nXCHG 2 tw zwei\nCLOSE\nMOVE a.ndb b.hdb 1 z 1 z\n# x\n"
                .to_vec(),
            b"OPEN d.ndb\nADD new\nCLOSE\nUNLINK c.ldb\nMOVE b.hdb a.ndb 1 fo 2 fi\n".to_vec(),
        ],
        "update_sign" => {
            let text = std::str::from_utf8(SIGNATURE).expect("text");
            let (_, digits) = text.trim_end().rsplit_once(':').expect("four fields");
            vec![SIGNATURE.to_vec(), unarmoured(digits), ROOT.to_vec()]
        }
        "update_container" => vec![GOOD_CONTAINER.clone()],
        "update_answer" => {
            let reply = |data| {
                let mut packet = question(TYPE::TXT).into_reply();
                let name = Name::new("current.example").expect("a name");
                packet.answers.push(simple_dns::ResourceRecord::new(name, CLASS::IN, 60, data));
                [&[2][..], &packet.build_bytes_vec().expect("a packet")].concat()
            };
            let text = simple_dns::rdata::TXT::new().with_string("1.4.6:62:27000").expect("a text");
            vec![reply(simple_dns::rdata::RData::TXT(text))]
        }
        "update_message" => {
            let mut state = State::default();
            state.refused(429, Some(60), NOW);
            state.saw_signature("daily");
            let answer = Answer::default().write().expect("an answer");
            let wish =
                FileWish { url: "https://h.example/a".to_owned(), most: 5, first: None, since: Some(7) };
            let job = Job {
                version: VERSION,
                agent: "Candor/0".to_owned(),
                times: Times::default(),
                redirects: 3,
                proxy: None,
                name_servers: Vec::new(),
                authorities: None,
                stop_at_failure: false,
                wishes: vec![Wish::File(wish), Wish::Text { name: "current.example".to_owned() }],
            };
            let job = job.write().expect("a job");
            vec![state.write(), answer, job]
        }
        _ => vec![
            format!("1.4.6:62:27000:{NOW}:1:90:49192:334").into_bytes(),
            b"Tue, 14 Nov 2023 22:13:20 GMT".to_vec(),
            GOOD_CONTAINER.iter().take(512).copied().collect(),
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_what_they_should_be() {
        assert_eq!(armoured(&unarmoured(&base64(b"four"))), armoured(b"four"));
        let trusted = Certificate::read_all(ROOT);
        assert_eq!(trusted.len(), 1);
        assert_eq!(verify(SIGNATURE, SIGNED, &trusted, LEVEL, NOW), Ok(()));
        assert_eq!(verify(&armoured(&seeds("update_sign")[1]), SIGNED, &trusted, LEVEL, NOW), Ok(()));
        let mut members = Vec::new();
        let script = script_of_patch(&GOOD_PATCH, 101, &PATCH_KEY.public()).unwrap();
        run_script(&script, &mut members).unwrap();
        assert_eq!(members.len(), 1);
        let mut texts = 0;
        let reply = &seeds("update_answer")[0];
        accept(&reply[1..], &question(TYPE::TXT), TYPE::TXT, &mut |_| texts += 1).unwrap();
        assert_eq!(texts, 1);
        let messages = seeds("update_message");
        assert!(State::read(&messages[0]).is_ok() && Answer::read(&messages[1], 0).is_ok());
    }
}
