//! Programs signed with keys that were made for this by `osslsigncode`, whole and damaged.

use candor_model::{CertificateRule, FileType, Reason};

use super::certificate::Certificate;
use super::told::seconds;
use super::*;
use crate::collected::{Collected, survives_damage};
use crate::work::Allowance;

/// SHA-256, a chain up to its root, a time stamp of RFC 3161.
const STAMPED: &str = include_str!("testdata/sha256_with_timestamp.hex");
/// SHA-1, the certificate of the signer alone, no time stamp.
const BARE: &str = include_str!("testdata/sha1_without_root.hex");

/// The program that was signed, with a table of signatures.
fn program(table: &str) -> Vec<u8> {
    let table = candor_fixtures::recipe::hex_bytes(&table.replace('\n', "")).unwrap();
    let mut file = vec![0_u8; 0x200];
    let mut put = |offset: usize, bytes: &[u8]| file[offset..offset + bytes.len()].copy_from_slice(bytes);
    put(0, b"MZ");
    put(0x3c, &[0x40]);
    put(0x40, b"PE\0\0\x4c\x01\x01\0");
    put(0x54, &[0xe0, 0, 0x0f, 1]);
    let numbers =
        [(0, 0x10b), (16, 0x1000), (28, 0x40_0000), (32, 0x1000), (36, 0x200), (56, 0x8000), (60, 0x200)];
    for (offset, value) in numbers {
        put(0x58 + offset, &u32::to_le_bytes(value));
    }
    put(0x58 + 92, &[16]);
    put(0x58 + 128, &0x400_u32.to_le_bytes());
    put(0x58 + 132, &(table.len() as u32).to_le_bytes());
    put(0x138, b".packed\0");
    for (offset, value) in [(8, 0x4000), (12, 0x1000), (16, 0x200), (20, 0x200), (36, 0xe000_0020)] {
        put(0x138 + offset, &u32::to_le_bytes(value));
    }
    file.extend([0xc3; 0x200]);
    file.extend(table);
    file
}

fn told(bytes: &[u8]) -> Vec<(&'static str, String)> {
    let mut details = Collected::of(FileType::MsExe, bytes).details;
    details.retain(|(key, _)| key.starts_with("sign"));
    details
}

#[track_caller]
fn check(bytes: &[u8], expected: &[(&str, &str)]) {
    let told = told(bytes);
    let told: Vec<(&str, &str)> = told.iter().map(|(key, value)| (*key, value.as_str())).collect();
    assert_eq!(told, expected);
}

#[test]
fn a_signed_program_says_by_whom_and_when() {
    check(
        &program(STAMPED),
        &[
            ("signature", "valid, SHA-256"),
            ("signer", "CN=Test signer, O=Candor tests"),
            ("signer-issuer", "CN=Test root, O=Candor tests"),
            ("signer-serial", "1234"),
            ("signer-thumbprint", "caf0c8b7485de0333fa24ef5d256e69e96dc4c99"),
            ("signer-chain", "2 certificates, up to the root CN=Test root, O=Candor tests"),
            ("signature-time", "20270115080000 by CN=Test clock"),
        ],
    );
}

#[test]
fn what_is_not_in_the_file_is_told() {
    check(
        &program(BARE),
        &[
            ("signature", "valid, SHA-1"),
            ("signer", "CN=Test signer, O=Candor tests"),
            ("signer-issuer", "CN=Test root, O=Candor tests"),
            ("signer-serial", "1234"),
            ("signer-thumbprint", "caf0c8b7485de0333fa24ef5d256e69e96dc4c99"),
            ("signer-chain", "1 certificates, up to CN=Test root, O=Candor tests, which is not in the file"),
            ("signature-time", "none; the certificate is for 20261125185057 to 20481020185057"),
        ],
    );
}

#[test]
fn a_changed_program_is_not_what_was_signed() {
    let whole = program(STAMPED);
    // Code, a header, and something behind the signatures.
    for (at, value) in [(0x3ff, 0), (0x41, 0), (0x44, 0x64)] {
        let mut changed = whole.clone();
        changed[at] = value;
        if at != 0x41 {
            assert_eq!(told(&changed)[0].1, "invalid: the file is not what was signed", "{at:#x}");
        }
    }
    let longer = [&whole[..], b"more"].concat();
    assert_eq!(told(&longer)[0].1, "invalid: the file is not what was signed");
    // What signing changes is no part of it.
    let mut summed = whole;
    summed[0x58 + 64] ^= 0xff;
    assert_eq!(told(&summed)[0].1, "valid, SHA-256");
}

#[test]
fn every_byte_of_the_signed_parts_counts() {
    let whole = program(BARE);
    let data = SignedData::read(&whole[0x408..]).unwrap();
    let position = |part: &[u8]| part.as_ptr() as usize - whole.as_ptr() as usize;
    let signer = &data.signers[0];
    let certificate = data.certificate(signer).unwrap();
    let key = certificate.subject.content;
    let places = [
        position(data.content.content) + data.content.content.len() - 1,
        position(data.content.content) + 2,
        position(key) + key.len() + 60,
    ];
    for at in places {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        let told = told(&changed);
        assert!(!told[0].1.starts_with("valid"), "{at:#x} {told:?}");
    }
    // The last bytes of the table before its padding are those of the signature.
    let last = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let mut changed = whole;
    changed[last] ^= 1;
    assert_eq!(told(&changed)[0].1, "invalid: the signature is wrong");
}

#[test]
fn a_stamp_of_another_signature_is_told() {
    let whole = program(STAMPED);
    let data = SignedData::read(&whole[0x408..]).unwrap();
    // The digest of what was stamped stands in the unsigned attributes.
    let stamp =
        whole.windows(11).rposition(|window| window == b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x01\x04");
    assert!(stamp.is_some());
    assert!(matches!(data.timestamp(&data.signers[0], &Allowance::new(u64::MAX)), Some(Ok(_))));
    let imprint = Hash::Sha256.of(&[data.signers[0].signature()]);
    let at = whole.windows(32).position(|window| window == imprint).unwrap();
    let mut changed = whole.clone();
    changed[at] ^= 1;
    let told = told(&changed);
    assert_eq!(told[0].1, "valid, SHA-256");
    assert_eq!(told[6].0, "signature-time");
    assert!(
        told[6]
            .1
            .starts_with("invalid: the time stamp is of another signature; the certificate is for 20261125")
    );
}

#[test]
fn tables_outside_of_the_file_and_keys_that_take_long_are_survived() {
    let mut whole = program(BARE);
    let cut = &whole[..0x500];
    assert!(told(cut)[0].1.starts_with("none: 1448 bytes at offset 1024"));
    survives_damage(FileType::MsExe, &whole);
    // An even modulus.
    let data = SignedData::read(&whole[0x408..]).unwrap();
    assert_eq!(data.signers.len(), 1);
    let modulus = whole.windows(5).position(|window| window == [0x02, 0x03, 0x01, 0x00, 0x01]).unwrap() - 1;
    whole[modulus] &= 0xfe;
    assert_eq!(told(&whole)[0].1, "invalid: its key is of an unknown kind");
}

#[test]
fn verifying_is_paid_for() {
    let whole = program(STAMPED);
    let price = Collected::work_of(FileType::MsExe, &whole);
    assert!(price > 10_000, "{price}");
    let of = |left: u64| {
        let mut found = Collected::with_work(FileType::MsExe, &whole, left);
        // It may be run, too, which is paid for in the same way.
        found.incomplete.dedup();
        let told =
            |key: &str| found.details.iter().find(|(told, _)| *told == key).map(|(_, value)| value.clone());
        (told("signature").unwrap(), told("signature-time").unwrap(), found.incomplete)
    };
    let (verdict, time, incomplete) = of(price);
    assert_eq!((&verdict[..], incomplete), ("valid, SHA-256", vec![]));
    assert!(time.starts_with("2027"), "{time}");
    // What cannot be paid for is not found out, and that is told.
    let over = "invalid: finding out would cost more than the file is worth";
    let untimed = format!("{over}; the certificate is for 20261125185057 to 20481020185057");
    assert_eq!(of(0), (over.to_owned(), untimed.clone(), vec![Reason::Work]));
    // Where it is enough for the signature and not for the time stamp, the one is told and not the other.
    let between =
        (1..40).map(|part| of(price / 40 * part)).find(|(verdict, ..)| verdict == "valid, SHA-256").unwrap();
    assert_eq!(between, ("valid, SHA-256".to_owned(), untimed, vec![Reason::Work]));
}

#[test]
fn a_time_outside_of_the_validity_is_told() {
    let whole = program(STAMPED);
    let data = SignedData::read(&whole[0x408..]).unwrap();
    let certificate = data.certificate(&data.signers[0]).unwrap();
    for (moment, is_valid) in [
        ("20261125185056", false),
        ("20261125185057", true),
        ("20481020185057", true),
        ("20481020185058", false),
    ] {
        assert_eq!(certificate.is_valid_at(seconds(moment)), is_valid, "{moment}");
    }
}

/// As ClamAV 1.4.6 answers for programs signed in the same way.
#[test]
fn a_decision_about_a_certificate_counts_for_what_it_signed() {
    let (whole, bare) = (program(STAMPED), program(BARE));
    let data = SignedData::read(&whole[0x408..]).unwrap();
    let work = Allowance::new(u64::MAX);
    let [signer, root] = data.chain(&data.signers[0], &work).try_into().unwrap();
    let of = |certificate: &Certificate<'_>, trusted: bool| CertificateRule {
        trusted,
        subject: Hash::Sha1.of(&[certificate.subject.content]).try_into().unwrap(),
        serial: None,
        modulus: certificate.key().unwrap().modulus(),
        signs_code: true,
        signs_times: false,
        signs_certificates: certificate.is_root(),
    };
    let serial = |certificate: &Certificate<'_>| Hash::Sha1.of(&[certificate.serial]).try_into().ok();
    let mut changed = whole.clone();
    changed[0x250] ^= 1;
    let counts = |bytes: &[u8], rule: CertificateRule| {
        let (file, data) =
            (PortableExecutable::parse(bytes).unwrap(), SignedData::read(&bytes[0x408..]).unwrap());
        let mut sink = Collected::of(FileType::MsExe, b"");
        let signer = &data.signers[0];
        let is_valid = Telling::new(&file, &mut sink, Vec::new(), &work).verify(&data, signer).is_ok();
        trust::counting(&[rule], &data, &data.chain(signer, &work), is_valid, None, seconds(SOON), &work)
            == [0]
    };
    let (trusted_root, trusted_signer) = (of(root, true), of(signer, true));
    for (rule, in_whole, in_bare, in_changed) in [
        (trusted_root.clone(), true, true, false),
        (CertificateRule { signs_code: false, ..trusted_root.clone() }, false, false, false),
        (CertificateRule { signs_certificates: false, ..trusted_root.clone() }, false, false, false),
        (CertificateRule { modulus: trusted_signer.modulus.clone(), ..trusted_root }, false, false, false),
        (trusted_signer.clone(), true, true, false),
        (CertificateRule { serial: serial(signer), ..trusted_signer.clone() }, true, true, false),
        (CertificateRule { serial: serial(root), ..trusted_signer.clone() }, false, false, false),
        (CertificateRule { subject: [0; 20], ..trusted_signer }, false, false, false),
        (of(signer, false), true, true, true),
        (CertificateRule { serial: serial(root), ..of(signer, false) }, false, false, false),
        // Only what is in the file is looked for.
        (of(root, false), true, false, true),
    ] {
        let told =
            (counts(&whole, rule.clone()), counts(&bare, rule.clone()), counts(&changed, rule.clone()));
        assert_eq!(told, (in_whole, in_bare, in_changed), "{rule:?}");
    }
}

#[test]
fn elliptic_curves_are_known() {
    for (table, verdict) in [
        (include_str!("testdata/sha256_on_p256.hex"), "valid, SHA-256"),
        (include_str!("testdata/sha384_on_p384.hex"), "valid, SHA-384"),
    ] {
        let mut whole = program(table);
        let told_of = told(&whole);
        assert_eq!(told_of[0].1, verdict);
        assert!(told_of[1].1.starts_with("CN=Test signer "), "{told_of:?}");
        assert!(
            told_of.iter().any(|(key, value)| *key == "signer-chain" && value.contains("up to the root"))
        );
        let last = whole.iter().rposition(|byte| *byte != 0).unwrap();
        whole[last] ^= 1;
        assert_eq!(told(&whole)[0].1, "invalid: the signature is wrong");
        survives_damage(FileType::MsExe, &program(table));
    }
}

/// Signed below a root that is not in the file, as `osslsigncode` does it: certificates are for 2019 to 2098, of what is
/// expired for the first hundred days of 2020, of the late clock from 2026 on.
const NO_AUTHORITY: &str = include_str!("testdata/no_authority.hex");
const FOR_SERVERS: &str = include_str!("testdata/for_servers.hex");
const EXPIRED: &str = include_str!("testdata/expired.hex");
const STAMPED_IN_TIME: &str = include_str!("testdata/expired_with_timestamp.hex");
const LATE_CLOCK: &str = include_str!("testdata/expired_with_late_clock.hex");
const SOON: &str = "20270101000000";

/// As ClamAV 1.4.6 answers for programs signed in the same way.
#[test]
fn a_trusted_root_vouches_for_what_was_issued_for_programs_and_in_time() {
    let modulus =
        candor_fixtures::recipe::hex_bytes(&include_str!("testdata/root_modulus.hex").replace('\n', ""));
    let modulus = modulus.unwrap();
    let work = Allowance::new(u64::MAX);
    let counts = |table: &str, now: &str, signs_times: bool| {
        let bytes = program(table);
        let data = SignedData::read(&bytes[0x408..]).unwrap();
        let signer = &data.signers[0];
        assert_eq!(data.verify(signer, &work), Ok(()));
        let root = data.chain(signer, &work).last().unwrap().issuer.content;
        let rule = CertificateRule {
            trusted: true,
            subject: Hash::Sha1.of(&[root]).try_into().unwrap(),
            serial: None,
            modulus: modulus.clone(),
            signs_code: true,
            signs_times,
            signs_certificates: true,
        };
        let stamp = data.timestamp(signer, &work).and_then(Result::ok);
        !trust::counting(
            &[rule],
            &data,
            &data.chain(signer, &work),
            true,
            stamp.as_ref(),
            seconds(now),
            &work,
        )
        .is_empty()
    };
    for (table, now, signs_times, is_trusted) in [
        (EXPIRED, "20200301000000", true, true),
        (EXPIRED, "20191231235959", true, false),
        (EXPIRED, SOON, true, false),
        // What is stamped is held against the time of the stamp, if its clock is trusted.
        (STAMPED_IN_TIME, SOON, true, true),
        (STAMPED_IN_TIME, SOON, false, false),
        (STAMPED_IN_TIME, "20200301000000", false, true),
        (LATE_CLOCK, SOON, true, false),
        // One that may not issue did, and one that is for servers signs.
        (NO_AUTHORITY, SOON, true, false),
        (FOR_SERVERS, SOON, true, false),
    ] {
        assert_eq!(counts(table, now, signs_times), is_trusted, "{table:.20} {now} {signs_times}");
    }
    let time_of = |table: &str| told(&program(table)).pop().unwrap().1;
    assert_eq!(
        time_of(EXPIRED),
        "none; the certificate is for 20200101000000 to 20200410000000, which is not now"
    );
    assert_eq!(time_of(STAMPED_IN_TIME), "20200201000000 by CN=Test clock, O=Candor tests");
    assert!(time_of(LATE_CLOCK).starts_with("invalid: the certificate of the time stamp was not valid then"));
    // A certificate for programs does not attest times.
    let bytes = program(STAMPED_IN_TIME);
    let data = SignedData::read(&bytes[0x408..]).unwrap();
    assert!(data.certificates.iter().all(|one| !one.is_for(certificate::Purpose::Time) || one.may_issue(0)));
    for table in [NO_AUTHORITY, FOR_SERVERS, EXPIRED, STAMPED_IN_TIME] {
        survives_damage(FileType::MsExe, &program(table));
    }
}

/// Whoever is trusted vouches for nothing that bears a certificate which is not.
#[test]
fn what_is_not_trusted_counts_before_what_is() {
    let bytes = program(STAMPED);
    let data = SignedData::read(&bytes[0x408..]).unwrap();
    let rule = |certificate: &Certificate<'_>, trusted: bool| CertificateRule {
        trusted,
        subject: Hash::Sha1.of(&[certificate.subject.content]).try_into().unwrap(),
        serial: None,
        modulus: certificate.key().unwrap().modulus(),
        signs_code: true,
        signs_times: false,
        signs_certificates: true,
    };
    let work = Allowance::new(u64::MAX);
    let [signer, root] = data.chain(&data.signers[0], &work).try_into().unwrap();
    for (rules, expected) in
        [([rule(root, true), rule(signer, false)], [1, 0]), ([rule(signer, false), rule(root, true)], [0, 1])]
    {
        assert_eq!(Collected::with_rules(FileType::MsExe, &bytes, rules.to_vec()).certified, expected);
    }
}

/// As ClamAV 1.4.6 answers for catalogues of the same making.
#[test]
fn a_catalogue_vouches_for_programs_when_who_signed_it_is_trusted() {
    let bytes = candor_fixtures::recipe::hex_bytes(&include_str!("testdata/catalogue.hex").replace('\n', ""))
        .unwrap();
    let data = SignedData::read(&bytes).unwrap();
    let certificate = &data.certificates[0];
    let rule = |trusted: bool| CertificateRule {
        trusted,
        subject: Hash::Sha1.of(&[certificate.subject.content]).try_into().unwrap(),
        serial: None,
        modulus: certificate.key().unwrap().modulus(),
        signs_code: true,
        signs_times: true,
        signs_certificates: true,
    };
    let mut unsigned = program("");
    unsigned.truncate(0x400);
    unsigned[0x58 + 128..0x58 + 136].fill(0);
    let file = PortableExecutable::parse(&unsigned).unwrap();
    let digest = file_digest(&file, Hash::Sha1).unwrap();
    assert_eq!(catalogue::digests(&bytes, &[rule(true)], seconds(SOON)), [digest, vec![0x55; 32]]);
    assert!(catalogue::digests(&bytes, &[], seconds(SOON)).is_empty());
    assert!(catalogue::digests(&bytes, &[rule(true), rule(false)], seconds(SOON)).is_empty());
    assert!(
        catalogue::digests(&bytes, &[CertificateRule { signs_code: false, ..rule(true) }], seconds(SOON))
            .is_empty()
    );
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let found = catalogue::digests(&changed, &[rule(true)], seconds(SOON));
        // Names of subjects are signed, too; certificates of others, and versions, are not.
        assert!(
            found.is_empty() || found == catalogue::digests(&bytes, &[rule(true)], seconds(SOON)),
            "{at}"
        );
        catalogue::digests(&bytes[..at], &[rule(true)], seconds(SOON));
    }
    let mut changed = unsigned.clone();
    changed[0x250] ^= 1;
    let changed = PortableExecutable::parse(&changed).and_then(|file| file_digest(&file, Hash::Sha1));
    assert_ne!(changed, file_digest(&file, Hash::Sha1));
}
