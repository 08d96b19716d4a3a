//! Containers that the test signs with keys of its own, and everything that can be wrong with one.
//!
//! Genuine containers are not part of this repository; `CANDOR_CVD` may name a folder of them.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::GzEncoder;
use md5::Md5;
use num_bigint::BigUint;
use sha2::{Digest as _, Sha256};

use super::signature::PublicKey;
use super::{ContainerError, Keys, open, version};
use crate::clamav::language::ContainerKind::{self, Published, Unsigned, Updated};
use crate::clamav::tests::Collector;
use crate::clamav::{Options, load_vouched, load_with};
use crate::{Diagnostic, Input};

const HEADER_TEST_MODULUS: &[u8] =
    b"792709057495881498304344056207870108486040428576335269663457535417877719703267706907774979\
    1997317795990069497587013819028646467670750488322277907945823899";
const HEADER_TEST_SECRET: &[u8] =
    b"198363994983603387230490370365968648732421405983501249575796199570408901047791609956723006\
    7658412272800009295045619206272538084752813292294807925538055203";
const LIST_TEST_MODULUS: &[u8] =
    b"764706476732916686483535501182370119441689351125983067284602319409124014276067966002543811\
    205805526807829524845883901551993451173830549533282156564877360239663877147937487761496351\
    515169726644750446419153116758265232816032236275652045558493625271250293543211187537519095\
    43991497839505160656680940699647248187";
const LIST_TEST_SECRET: &[u8] =
    b"571242348083894279164062228423423401041815226957068468223145506572735811827580335310615473\
    383965470115333039403017965540667349996005615587959695767446841786049338779977877633864218\
    562382721184721258860638883328292138927888064031140892136745181594808506963152489894277859\
    97456459421969375734177216160765114049";
const HEADER_EXPONENT: u32 = 100_001_027;
const LIST_EXPONENT: u32 = 100_002_049;

fn keys() -> Keys {
    Keys {
        header: PublicKey::new(HEADER_TEST_MODULUS, HEADER_EXPONENT),
        list: PublicKey::new(LIST_TEST_MODULUS, LIST_EXPONENT),
    }
}

/// Signs a number, in ClamAV's digits.
fn sign(number: &BigUint, modulus: &[u8], secret: &[u8]) -> String {
    let (modulus, secret) =
        (BigUint::parse_bytes(modulus, 10).unwrap(), BigUint::parse_bytes(secret, 10).unwrap());
    let digits = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/";
    let values = number.modpow(&secret, &modulus).to_radix_le(64);
    values.into_iter().map(|value| char::from(digits[usize::from(value)])).collect()
}

/// EMSA-PSS-ENCODE of RFC 8017 for a key of 1023 bits.
fn pss(lines: &[u8]) -> BigUint {
    const LENGTH: usize = 128;
    let salt = [7_u8; 32];
    let hash =
        Sha256::new().chain_update([0; 8]).chain_update(Sha256::digest(lines)).chain_update(salt).finalize();
    let mut data = vec![0_u8; LENGTH - 33 - 33];
    data.push(1);
    data.extend_from_slice(&salt);
    let mut mask = Vec::new();
    for counter in 0_u32..4 {
        mask.extend_from_slice(
            &Sha256::new().chain_update(hash).chain_update(counter.to_be_bytes()).finalize(),
        );
    }
    let mut encoded: Vec<u8> = data.iter().zip(mask).map(|(byte, mask)| byte ^ mask).collect();
    encoded[0] &= 0x3f;
    encoded.extend_from_slice(&hash);
    encoded.push(0xbc);
    BigUint::from_bytes_be(&encoded)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A container under construction; every part can be spoilt.
struct Recipe {
    members: Vec<(String, Vec<u8>)>,
    /// Members that the list speaks of.
    listed: Vec<(String, Vec<u8>)>,
    compressed: bool,
    list: bool,
    list_signature: Option<String>,
    header_signature: Option<String>,
    sum: Option<String>,
}

impl Recipe {
    fn new() -> Self {
        let members = vec![
            ("t.ndb".to_owned(), b"A:0:*:aabbcc\n".to_vec()),
            ("t.hdb".to_owned(), b"# none\n".to_vec()),
        ];
        Self {
            listed: members.clone(),
            members,
            compressed: true,
            list: true,
            list_signature: None,
            header_signature: None,
            sum: None,
        }
    }

    fn build(&self) -> Vec<u8> {
        let mut archive = tar::Builder::new(Vec::new());
        let mut add = |name: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            archive.append_data(&mut header, name, bytes).unwrap();
        };
        add("COPYING", b"free");
        if self.list {
            let mut lines = String::from("ClamAV-VDB:now:7:1:1:X:X:me:1\n");
            for (name, bytes) in &self.listed {
                lines += &format!("{name}:{}:{}\n", bytes.len(), hex(&Sha256::digest(bytes)));
            }
            let signature = self
                .list_signature
                .clone()
                .unwrap_or_else(|| sign(&pss(lines.as_bytes()), LIST_TEST_MODULUS, LIST_TEST_SECRET));
            add("t.info", format!("{lines}DSIG:{signature}\n").as_bytes());
        }
        for (name, bytes) in &self.members {
            add(name, bytes);
        }
        let mut body = archive.into_inner().unwrap();
        if self.compressed {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(&body).unwrap();
            body = encoder.finish().unwrap();
        }
        let digest: [u8; 16] = Md5::digest(&body).into();
        let sum = self.sum.clone().unwrap_or_else(|| hex(&digest));
        let signature = self.header_signature.clone().unwrap_or_else(|| {
            sign(&BigUint::from_bytes_be(&digest), HEADER_TEST_MODULUS, HEADER_TEST_SECRET)
        });
        let header = format!("ClamAV-VDB:08 Mar 2021 10-21 -0500:7:1:63:{sum}:{signature}:me:1615216911");
        let mut file = format!("{header:512}").into_bytes();
        assert_eq!(file.len(), 512);
        file.extend_from_slice(&body);
        file
    }

    fn open(&self, kind: ContainerKind) -> Result<(bool, Vec<String>), ContainerError> {
        open(&self.build(), kind, &keys())
            .map(|opened| (opened.official, opened.members.into_iter().map(|member| member.name).collect()))
    }
}

fn names() -> Vec<String> {
    ["COPYING", "t.info", "t.ndb", "t.hdb"].map(str::to_owned).to_vec()
}

#[test]
fn signed_containers_open() {
    for compressed in [true, false] {
        let recipe = Recipe { compressed, ..Recipe::new() };
        assert_eq!(recipe.open(Published), Ok((true, names())));
        assert_eq!(recipe.open(Updated), Ok((true, names())));
        assert_eq!(recipe.open(Unsigned), Ok((false, names())));
        assert_eq!(version(&recipe.build()), Some(7));
    }
}

#[test]
fn a_wrong_header_refuses_what_is_published() {
    let recipe = Recipe { sum: Some("00".repeat(16)), ..Recipe::new() };
    assert_eq!(recipe.open(Published), Err(ContainerError::Sum));
    // Nobody vouches for the header of the others.
    assert_eq!(recipe.open(Updated), Ok((true, names())));
    for signature in ["", "abc", "***", &"9".repeat(5000), &sign(&1_u32.into(), HEADER_TEST_MODULUS, b"1")] {
        let signature = signature.chars().take(300).collect();
        let recipe = Recipe { header_signature: Some(signature), ..Recipe::new() };
        assert_eq!(recipe.open(Published), Err(ContainerError::HeaderSignature));
    }
    // A signature of something else, though made with the right key.
    let other = sign(&12345_u32.into(), HEADER_TEST_MODULUS, HEADER_TEST_SECRET);
    let recipe = Recipe { header_signature: Some(other), ..Recipe::new() };
    assert_eq!(recipe.open(Published), Err(ContainerError::HeaderSignature));
}

#[test]
fn a_wrong_list_signature_refuses_what_is_signed() {
    let other = sign(&pss(b"other lines"), LIST_TEST_MODULUS, LIST_TEST_SECRET);
    for signature in [String::new(), "abc".to_owned(), other] {
        let recipe = Recipe { list_signature: Some(signature), ..Recipe::new() };
        assert_eq!(recipe.open(Published), Err(ContainerError::ListSignature));
        assert_eq!(recipe.open(Updated), Err(ContainerError::ListSignature));
        assert_eq!(recipe.open(Unsigned), Ok((false, names())));
    }
}

#[test]
fn every_bit_of_a_list_signature_counts() {
    let lines = b"a:1:b\n";
    let signature = sign(&pss(lines), LIST_TEST_MODULUS, LIST_TEST_SECRET);
    assert!(keys().verify_list(lines, signature.as_bytes()));
    assert!(!keys().verify_list(b"a:1:c\n", signature.as_bytes()));
    for index in 0..signature.len() {
        let mut spoilt = signature.clone().into_bytes();
        spoilt[index] = if spoilt[index] == b'a' { b'b' } else { b'a' };
        assert!(!keys().verify_list(lines, &spoilt), "{index}");
    }
    let encoded = pss(lines);
    for bit in [0, 7, 8, 300, 600, 1000, 1020] {
        let mut spoilt = encoded.clone();
        spoilt.set_bit(bit, !encoded.bit(bit));
        let signature = sign(&spoilt, LIST_TEST_MODULUS, LIST_TEST_SECRET);
        assert!(!keys().verify_list(lines, signature.as_bytes()), "{bit}");
    }
}

#[test]
fn the_list_must_be_there_and_fit() {
    let none = Recipe { list: false, ..Recipe::new() };
    assert_eq!(none.open(Updated), Err(ContainerError::ListMissing));
    assert!(none.open(Published).is_ok_and(|(official, _)| official));
    assert!(none.open(Unsigned).is_ok_and(|(official, _)| !official));

    let mut changed = Recipe::new();
    changed.members[0].1 = b"A:0:*:aabbcd\n".to_vec();
    let mut added = Recipe::new();
    added.members.push(("x.ndb".to_owned(), b"X:0:*:aabbcc\n".to_vec()));
    let mut gone = Recipe::new();
    gone.members.pop();
    let mut twice = Recipe::new();
    twice.members.push(twice.members[0].clone());
    for kind in [Published, Updated, Unsigned] {
        assert_eq!(changed.open(kind), Err(ContainerError::Member("t.ndb".to_owned())));
        assert_eq!(added.open(kind), Err(ContainerError::Member("x.ndb".to_owned())));
        assert_eq!(gone.open(kind), Err(ContainerError::MemberMissing("t.hdb".to_owned())));
        assert_eq!(twice.open(kind), Err(ContainerError::Archive("a member stands in it twice".to_owned())));
    }
}

#[test]
fn two_lists_are_one_too_many() {
    // The second is not covered by the first: its name would exempt it from the sums.
    let mut recipe = Recipe::new();
    recipe.members.push(("other.info".to_owned(), b"x:1:y\n".to_vec()));
    assert_eq!(
        recipe.open(Updated),
        Err(ContainerError::Archive("more than one list of members".to_owned()))
    );
}

#[test]
fn what_is_no_container_is_refused() {
    for (bytes, expected) in [
        (b"".to_vec(), "not a database container: shorter than its header"),
        (vec![b' '; 600], "not a database container: no 'ClamAV-VDB:' at its start"),
        (
            format!("{:600}", "ClamAV-VDB:now:x:").into_bytes(),
            "not a database container: the version is no number",
        ),
        (
            format!("{:600}", "ClamAV-VDB:now:1").into_bytes(),
            "not a database container: the version is no number",
        ),
    ] {
        assert_eq!(open(&bytes, Unsigned, &keys()).unwrap_err().to_string(), expected);
    }
    let whole = Recipe::new().build();
    for length in [512, 513, 600, (512 + whole.len()) / 2] {
        let error = open(&whole[..length], Updated, &keys()).unwrap_err();
        assert!(matches!(error, ContainerError::Archive(_)), "{length}: {error}");
        assert_eq!(open(&whole[..length], Published, &keys()).unwrap_err(), ContainerError::Sum);
    }
}

#[test]
fn a_bomb_is_refused() {
    // 100 MB of zeros make 100 KB: more than 100 bytes of output for one of input.
    let mut recipe = Recipe::new();
    recipe.members.push(("z.ndb".to_owned(), vec![0; 100 << 20]));
    let Err(ContainerError::TooLarge(limit)) = recipe.open(Unsigned) else { panic!() };
    assert!(limit < 100 << 20);
}

#[test]
fn a_claim_of_size_alone_takes_no_memory() {
    let mut header = tar::Header::new_gnu();
    header.set_path("huge.ndb").unwrap();
    header.set_size(1 << 60);
    header.set_cksum();
    let mut file = format!("{:512}", "ClamAV-VDB:now:1:1:1:X:X:me:1").into_bytes();
    file.extend_from_slice(header.as_bytes());
    assert!(matches!(open(&file, Unsigned, &keys()), Err(ContainerError::TooLarge(_))));
}

fn load(name: &str, bytes: &[u8], keys: &Keys) -> (Collector, Vec<Diagnostic>) {
    let mut collector = Collector::default();
    let mut told = Vec::new();
    let inputs = [Input { name, bytes }];
    load_with(&inputs, Options::default(), keys, &mut collector, &mut |diagnostic| told.push(diagnostic));
    (collector, told)
}

#[test]
fn members_are_loaded_as_official_or_not() {
    for (name, official) in [("t.cvd", true), ("t.cld", true), ("t.cud", false)] {
        let (collector, told) = load(name, &Recipe::new().build(), &keys());
        assert_eq!(told, []);
        assert_eq!(collector.taken[0].name, "ClamAV-VDB");
        let body = collector.taken.iter().find(|taken| taken.name == "A").unwrap();
        let source = &collector.sources[usize::from(body.source.0)];
        assert_eq!((source.name.as_str(), source.official), (format!("{name}/t.ndb").as_str(), official));
    }
}

#[test]
fn nothing_is_loaded_from_a_container_that_does_not_verify() {
    let (collector, told) = load("t.cvd", &Recipe::new().build(), &Keys::published());
    assert!(collector.taken.is_empty() && collector.sources.is_empty());
    assert_eq!(told[0].to_string(), "t.cvd: the digital signature of the header is not valid");
}

#[test]
fn who_vouches_for_a_whole_container_stands_in_for_its_own_signatures() {
    let load = |recipe: &Recipe, vouched: &[usize]| {
        let (mut collector, mut told) = (Collector::default(), Vec::new());
        let (bytes, options) = (recipe.build(), Options::default());
        let inputs = [Input { name: "t.cvd", bytes: &bytes }];
        let mut tell = |diagnostic| told.push(diagnostic);
        load_vouched(&inputs, vouched, options, &Keys::published(), &mut collector, &mut tell);
        (collector, told)
    };
    let (collector, told) = load(&Recipe::new(), &[0]);
    assert_eq!(told, []);
    assert!(collector.taken.iter().any(|taken| taken.name == "A"));
    assert!(collector.sources.iter().all(|source| source.official));
    // It is this container for which somebody vouches, and the list must still fit.
    assert!(load(&Recipe::new(), &[1]).0.taken.is_empty());
    let mut recipe = Recipe::new();
    recipe.members[0].1.push(b'\n');
    assert!(load(&recipe, &[0]).0.taken.is_empty());
}

/// Lines as long as several pieces among them, some that are too long to be one, some that end where a piece does.
fn awkward() -> Vec<(String, Vec<u8>)> {
    let mut body = Vec::new();
    for number in 0..40_000 {
        body.extend_from_slice(format!("Number.{number}:0:*:{number:08x}aabbccdd\r\n").as_bytes());
        match number {
            7 => body.extend_from_slice(&[b'x'; 8192]),
            900 => body.extend(std::iter::repeat_n(b'y', (1 << 17) - body.len() % (1 << 17) + (1 << 17))),
            901 => body.extend_from_slice(&[b'z'; 700_000]),
            20_000 => body.extend_from_slice(b"# a comment\n\nwrong"),
            _ => continue,
        }
        body.push(b'\n');
    }
    body.extend_from_slice(b"Last:0:*:0011223344");
    let sums: String =
        (0..5000).map(|number| format!("{number:032x}:{}:Sum.{number}\n", number + 1)).collect();
    let rules = b"rule r { strings: $a = \"something long\" condition: $a }".to_vec();
    let mut members = vec![
        ("t.ndb".to_owned(), body),
        ("t.hdb".to_owned(), sums.clone().into_bytes()),
        ("t.ign2".to_owned(), b"Number.5\nSum.17\n".to_vec()),
        ("t.yar".to_owned(), rules),
        (
            "t.mdb".to_owned(),
            sums.lines()
                .map(|line| format!("{}:{}:M\n", &line[33..34], &line[..32]))
                .collect::<String>()
                .into_bytes(),
        ),
        ("e.ndb".to_owned(), Vec::new()),
    ];
    members.push(("u.ndb".to_owned(), vec![b'w'; 1 << 17]));
    members
}

#[test]
fn members_that_are_read_piece_by_piece_are_what_the_same_files_are() {
    let members = awkward();
    let loose: Vec<Input<'_>> = members.iter().map(|(name, bytes)| Input { name, bytes }).collect();
    let outcome = |inputs: &[Input<'_>]| {
        let (mut collector, mut told) = (Collector::default(), Vec::new());
        let mut tell = |told_of: Diagnostic| {
            told.push(told_of.to_string().replace("t.cud/", ""));
        };
        let mut summaries = load_with(inputs, Options::default(), &keys(), &mut collector, &mut tell);
        for summary in &mut summaries {
            summary.source = summary.source.replace("t.cud/", "");
        }
        let taken: Vec<String> = collector.taken.iter().map(|taken| format!("{taken:?}")).collect();
        (taken, told, summaries)
    };
    let (taken, told, summaries) = outcome(&loose);
    assert_eq!(taken.len(), 40_000 - 1 + 1 + 5000 - 1 + 5000 + 1);
    let wrong = |line: usize| told.iter().filter(|told| told.starts_with(&format!("t.ndb:{line}:"))).count();
    assert_eq!((wrong(9), wrong(903), wrong(905), wrong(20_007)), (1, 1, 1, 1), "{told:#?}");
    for compressed in [false, true] {
        let recipe = Recipe { members: members.clone(), list: false, compressed, ..Recipe::new() };
        let bytes = recipe.build();
        let (in_taken, in_told, in_summaries) = outcome(&[Input { name: "t.cud", bytes: &bytes }]);
        assert!(taken == in_taken, "{compressed}");
        assert_eq!(told, in_told);
        assert_eq!(summaries, in_summaries);
    }
}

#[test]
fn members_that_hold_lines_are_left_where_they_are() {
    let members = awkward();
    let recipe = Recipe { listed: members.clone(), members, ..Recipe::new() };
    let (bytes, mut pauses) = (recipe.build(), 0);
    let wanted = |name: &str| name == "t.yar";
    let verified = super::verify(&bytes, Published, (&keys(), false), &wanted, &mut || pauses += 1)
        .expect("it is signed");
    let held: Vec<&str> = verified
        .members
        .iter()
        .filter(|member| member.bytes.is_some())
        .map(|member| member.name.as_str())
        .collect();
    assert_eq!(held, ["t.info", "t.yar"]);
    assert!(pauses > 0);
    // In any order, each is what it was.
    let mut again = super::Again::new(verified.body);
    for member in verified.members.iter().rev().chain(&verified.members) {
        let whole = recipe.members.iter().find(|(name, _)| *name == member.name);
        let Some((name, whole)) = whole.filter(|(name, _)| !matches!(name.as_str(), "t.ndb" | "u.ndb"))
        else {
            continue;
        };
        let mut read = Vec::new();
        again.lines(member.offset, member.length, &mut |piece| read.extend_from_slice(piece)).unwrap();
        assert!(read == *whole, "{name}");
    }
}

#[test]
fn a_container_inside_of_a_container_is_refused() {
    let mut recipe = Recipe::new();
    recipe.members.push(("inner.cvd".to_owned(), b"x".to_vec()));
    recipe.listed = recipe.members.clone();
    let (collector, told) = load("t.cud", &recipe.build(), &keys());
    assert_eq!(told[0].to_string(), "t.cud/inner.cvd: a container inside of a container");
    assert!(collector.taken.iter().any(|taken| taken.name == "A"));
}

#[test]
fn genuine_containers_verify() {
    let Some(folder) = std::env::var_os("CANDOR_CVD") else { return };
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "cvd") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        assert!(open(&bytes, Published, &Keys::published()).is_ok_and(|opened| opened.official), "{path:?}");
        let mut spoilt = bytes.clone();
        let last = spoilt.len() - 1;
        spoilt[last] ^= 1;
        assert_eq!(open(&spoilt, Published, &Keys::published()).unwrap_err(), ContainerError::Sum);
        count += 1;
    }
    assert!(count > 0, "no .cvd in the folder");
}

#[test]
fn a_header_says_who_made_it_and_when() {
    let text =
        b"ClamAV-VDB:08 Mar 2021 10-21 -0500:333:92:63:d82da5df59cd2fc80f01f7895a5a88fd:abc:me:1615216911   ";
    let header = super::Header::parse(text).unwrap();
    assert_eq!((header.time, header.version), (&b"08 Mar 2021 10-21 -0500"[..], 333));
    assert_eq!((header.signatures, header.level, header.seconds), (Some(92), Some(63), Some(1_615_216_911)));
    assert_eq!((header.builder, header.signature), (&b"me"[..], &b"abc"[..]));
    assert_eq!(header.digits, b"d82da5df59cd2fc80f01f7895a5a88fd");
    // What is missing at the end is not there, and no reason to refuse the rest.
    let short = super::Header::parse(b"ClamAV-VDB:t:7:x:y:X:X").unwrap();
    assert_eq!((short.version, short.signatures, short.seconds), (7, None, None));
    assert!(short.builder.is_empty());
}

#[test]
fn the_name_says_whether_a_signature_is_needed() {
    let bytes = Recipe { list: false, ..Recipe::new() }.build();
    let open = |name| super::open_container(&Input { name, bytes: &bytes }).map(|opened| opened.official);
    assert!(!open("t.cud").unwrap());
    assert!(!open("t").unwrap());
    // It is signed with a key that is not ClamAV's.
    assert_eq!(open("t.cvd").unwrap_err(), ContainerError::HeaderSignature);
    assert_eq!(open("t.cld").unwrap_err(), ContainerError::ListMissing);
}
