//! Compound files with macros, packages, loops and damage.

use candor_fixtures::{document, stream};
use candor_model::{Anomaly, FileType, Reason};

use crate::collected::{Collected, survives_damage};

fn shown(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let found = Collected::of(FileType::MsOle2, bytes).children;
    found.into_iter().map(|child| (child.member.name, child.bytes)).collect()
}

#[test]
fn small_and_large_streams_are_children() {
    let large: Vec<u8> = (0..3000_u32).flat_map(u32::to_le_bytes).collect();
    let bytes = document::compound(
        "Storage",
        &[("small", b"x".to_vec()), ("large", large.clone()), ("other", vec![7; 200])],
    );
    let found = shown(&bytes);
    assert_eq!(found[0], ("Storage/small".to_owned(), b"x".to_vec()));
    assert!(found[1] == ("Storage/large".to_owned(), large));
    assert_eq!(found[2], ("Storage/other".to_owned(), vec![7; 200]));
}

#[test]
fn macros_are_found_through_their_directory_and_without_it() {
    let source = b"Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\nEnd Sub\r\n";
    let module = [&b"compiled code"[..], &document::vba(source)].concat();
    let directory = document::vba_directory("Module1", 13);
    for streams in [
        vec![("dir", directory), ("Module1", module.clone())],
        vec![("dir", b"damaged".to_vec()), ("Module1", module)],
    ] {
        let found = Collected::of(FileType::MsOle2, &document::compound("VBA", &streams)).children;
        let sources: Vec<_> = found.iter().filter(|child| child.member.name == "VBA/Module1.vba").collect();
        assert_eq!(sources.len(), 2);
        assert!(sources.iter().all(|child| child.bytes == source));
        assert_eq!(sources[1].member.file_type, Some(FileType::MsOle2));
    }
}

#[test]
fn compiled_code_that_is_not_what_its_source_says_is_told() {
    let source = document::vba(b"Attribute VB_Name = \"Module1\"\r\nSub AutoOpen()\r\nEnd Sub\r\n");
    let compiled = b"\xb9\0\x08\0calc.exe";
    let with = |offset: u32, module: Vec<u8>| {
        let directory = document::vba_directory("Module1", offset);
        Collected::of(
            FileType::MsOle2,
            &document::compound("VBA", &[("dir", directory), ("Module1", module)]),
        )
    };
    let found = with(12, [&compiled[..], &source].concat());
    assert_eq!(found.anomalies, [Anomaly::StompedMacros, Anomaly::VbaMacros]);
    assert_eq!(found.details[0].0, "stomped-macro");
    assert!(found.details[0].1.starts_with("VBA/Module1: "), "{:?}", found.details);
    let found = with(0, source);
    assert_eq!((found.anomalies, found.details), (vec![Anomaly::VbaMacros], vec![]));
}

#[test]
fn copies_in_compressed_sources_are_read() {
    // From the specification: `#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyzaaa`.
    let bytes = b"\x01\x2f\xb0\x00#aaabcde\x82f\0\x70aghij\x01\x38\x08akl\0\x30mnop\x06q\x02\x70\x04\x10rstuv\x10wxyz\0\x3c\0";
    let (plain, _) = super::vba::decompressed(bytes, 1000).unwrap();
    assert!(plain.starts_with(b"#aaabcdefaaaaghijaaaaaklaaamnopqaaaaaaaaaaaarstuvwxyz"), "{plain:?}");
}

#[test]
fn packages_and_objects_of_presentations_are_opened() {
    let mut package = b"\0\0\0\0\x02\0label.exe\0path\0\0\0\x03\0\x04\0\0\0tmp\0\x07\0\0\0content".to_vec();
    package.extend(b"behind");
    let packed = stream::zlib(b"an object");
    let record =
        [&[0x10, 0, 0x11, 0x10][..], &(packed.len() as u32 + 4).to_le_bytes(), &[9, 0, 0, 0], &packed]
            .concat();
    let document = [&[0x0f, 0, 0xe8, 3][..], &(record.len() as u32).to_le_bytes(), &record].concat();
    let bytes = document::compound("", &[("\u{1}Ole10Native", package), ("PowerPoint Document", document)]);
    let found = shown(&bytes);
    assert_eq!(found[1], ("\u{1}Ole10Native/label.exe".to_owned(), b"content".to_vec()));
    assert_eq!(found[3], ("PowerPoint Document/object".to_owned(), b"an object".to_vec()));
}

#[test]
fn objects_that_are_no_packages_are_given_behind_their_length() {
    let object = |content: &[u8]| shown(&document::compound("", &[("\u{1}Ole10Native", content.to_vec())]));
    let name = "\u{1}Ole10Native/content";
    assert_eq!(object(b"\x0a\0\0\0an object.")[1..], [(name.to_owned(), b"an object.".to_vec())]);
    // The fields of a package, of which the last says that more follows than there is.
    let other = b"\x01\0a\0b\0\0\0\x03\0\0\0\0\0\x09\0\0\0more";
    assert_eq!(object(&[b"\x15\0\0\0", &other[..]].concat())[1].0, name);
    let mut marked = other.to_vec();
    marked[0] = 2;
    let found = object(&[b"\x15\0\0\0", &marked[..]].concat());
    assert_eq!(found[1], ("\u{1}Ole10Native/a".to_owned(), b"more".to_vec()));
    assert_eq!(object(b"\0\0\0\0").len(), 1);
}

#[test]
fn names_of_installer_databases_are_read() {
    let name = char::from_u32(0x4840).unwrap().to_string() + "\u{3f3f}\u{4577}";
    let found = shown(&document::compound("", &[(&name, b"x".to_vec())]));
    assert_eq!(found[0].0, "!_Str");
}

#[test]
fn encrypted_documents_say_so() {
    for (name, content) in [
        ("EncryptedPackage", vec![0; 20]),
        ("WordDocument", vec![0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
        ("Workbook", vec![9, 8, 2, 0, 0, 0, 0x2f, 0, 2, 0, 1, 0]),
    ] {
        let found = Collected::of(FileType::MsOle2, &document::compound("", &[(name, content)]));
        assert_eq!(found.incomplete, [Reason::Encrypted], "{name}");
    }
}

#[test]
fn loops_end() {
    let mut bytes = document::compound("", &[("large", vec![1; 9000]), ("small", vec![2; 100])]);
    let table = bytes.len() - 512;
    // Every sector leads to itself.
    for sector in 0..128_u32 {
        let at = table + 4 * sector as usize;
        bytes[at..at + 4].copy_from_slice(&sector.to_le_bytes());
    }
    assert!(!Collected::of(FileType::MsOle2, &bytes).children.is_empty());
}

#[test]
fn a_directory_that_is_cut_is_said() {
    let bytes = document::compound("", &[("large", vec![1; 9000]), ("small", vec![2; 100])]);
    assert_eq!(Collected::of(FileType::MsOle2, &bytes).incomplete, []);
    // The directory stands behind the streams, and the table, of which the end is empty, behind it.
    for end in (600..bytes.len() - 500).step_by(100) {
        let found = Collected::of(FileType::MsOle2, &bytes[..end]);
        assert!(matches!(found.incomplete[0], Reason::Malformed(_)), "{end}");
    }
}

#[test]
fn what_directories_of_macros_unpack_to_is_paid_for() {
    // Each chunk of six bytes is 4,096 zeros, and every directory of macros is that one stream.
    let chunk = [3, 0xb0, 2, 0, 0xfc, 0x0f].repeat(64);
    let mut streams = vec![("dir", [&[1][..], &chunk].concat())];
    streams.resize(60, ("dir", Vec::new()));
    let mut bytes = document::compound("VBA", &streams);
    let entries: Vec<usize> = memchr::memmem::find_iter(&bytes, b"d\0i\0r\0\0").collect();
    assert_eq!(entries.len(), 60);
    let place = bytes[entries[0] + 116..entries[0] + 124].to_vec();
    for entry in entries {
        bytes[entry + 116..entry + 124].copy_from_slice(&place);
    }
    // The first is refused, so that no other is unpacked, and all streams are given.
    let found = Collected::without_work(FileType::MsOle2, &bytes);
    assert_eq!((found.children.len(), found.incomplete), (60, vec![Reason::Work]));
    let found = Collected::of(FileType::MsOle2, &bytes);
    assert_eq!((found.children.len(), found.incomplete), (60, vec![]));
    let whole = candor_model::Budget::new(
        candor_model::Limits::default(),
        candor_model::Interrupt::new(),
        bytes.len() as u64,
    );
    assert!(whole.work() - found.budget.work() >= 60 * 64 * 4096);
}

#[test]
fn damage_is_survived() {
    let source = document::vba(b"Attribute VB_Name = \"Module1\"");
    let streams =
        [("dir", document::vba_directory("Module1", 0)), ("Module1", source), ("large", vec![1; 5000])];
    survives_damage(FileType::MsOle2, &document::compound("VBA", &streams));
}

/// What `EncryptionInfo` and `EncryptedPackage` hold under `VelvetSweatshop` (standard encryption).
const STANDARD: [&str; 2] = [
    "03000200240000002400000024000000000000000e66000004800000800000001800000000000000000000007800000010000000000102030405060708090a0b0c0d0e0fc9c388ad490e94704544db5bb838b6ee14000000be5b1399420b30a6bd10f8474fc01c60b4ea54ab54faf94e4e62a270c21bb933",
    "0b00000000000000b3072645e2a9fcbefe7dc2429a4c17ae",
];

/// The same under `infected` (agile encryption); the description stands behind eight bytes.
const AGILE: [&str; 2] = [
    r#"<?xml version="1.0" encoding="UTF-8" standalone="yes"?> <encryption xmlns="http://schemas.microsoft.com/office/2006/encryption" xmlns:p="http://schemas.microsoft.com/office/2006/keyEncryptor/password" xmlns:c="http://schemas.microsoft.com/office/2006/keyEncryptor/certificate">     <keyData saltSize="16" blockSize="16" keyBits="256" hashSize="64"              cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512" saltValue="BhGVw3cFZSBJzErVL2Tihg==" />     <dataIntegrity encryptedHmacKey="mamNwxO/xoTc+EGvmH68cUTYpxfuRAYLuXVS0098VKWZVgQuUE1cwpZDXdE+TZa8JTnXhRBeljjCA+8ttDhh6g==" encryptedHmacValue="YIOpWNeEhNR15jkcHtR8wEgTRyrlEM5abtm/3ZAtZdfpqgMTdJLsZgvj1f47pCZVerU9gvZqZDmQa/dJWqhACQ==" />     <keyEncryptors>         <keyEncryptor uri="http://schemas.microsoft.com/office/2006/keyEncryptor/password">             <p:encryptedKey spinCount="1000" saltSize="16" blockSize="16" keyBits="256"                             hashSize="64" cipherAlgorithm="AES" cipherChaining="ChainingModeCBC" hashAlgorithm="SHA512"                             saltValue="xbyqLSxqv2634T8zewmDAw==" encryptedVerifierHashInput="6sGfE1VezwqgKRuoFb2gvg=="                             encryptedVerifierHashValue="wf2HWJMKq3uiOFsiWPv3CzGsDTsQHrNyTZyFn/FH8UvgB74viJt2jVoNqHhmJQ38SiVl+9DJbZANMSmvigZoQQ==" encryptedKeyValue="ZH1ME0CfaoZmB9+AF4lgTcS5T2CNcqp7FvZG54hR5AU=" />         </keyEncryptor>     </keyEncryptors> </encryption> "#,
    "0b00000000000000bd6a4286d8d993b47b08459389205f60",
];

/// Workbooks with one record behind the one that says how they are encrypted: RC4, and RC4 with keys of 40
/// and 128 bits.
const WORKBOOKS: [&str; 3] = [
    "09081000000000000000000000000000000000002f003600010001000100000102030405060708090a0b0c0d0e0f01fd4e05dc6e0e72fcc4b72175686883ded643a3b989170bc6e163b5debaf714fc000b006567bd81238994b97cdfe6",
    "09081000000000000000000000000000000000002f006e00010002000200040000002400000004000000000000000168000004800000280000000100000000000000000000007800000010000000000102030405060708090a0b0c0d0e0fc872728f14b55d849b7dde3f7cfd96a714000000d5e6c96d597b070d79bf31b1599eddf2ece8d44bfc000b004c9bf31643442900e7a12f",
    "09081000000000000000000000000000000000002f006e00010002000200040000002400000004000000000000000168000004800000800000000100000000000000000000007800000010000000000102030405060708090a0b0c0d0e0fa024a295d910dcd16b2b69c9dfef19191400000074a70eb0e7278136e857318b9e9a13d19115d50bfc000b00f956faf19e1a4d6c37c1d2",
];

fn bytes_of(text: &str) -> Vec<u8> {
    candor_fixtures::recipe::hex_bytes(text).unwrap()
}

fn package(info: Vec<u8>, package: &str) -> Vec<u8> {
    document::compound("", &[("EncryptionInfo", info), ("EncryptedPackage", bytes_of(package))])
}

#[test]
fn packages_with_known_passwords_are_opened() {
    let agile = [&[4, 0, 4, 0, 0x40, 0, 0, 0], AGILE[0].as_bytes()].concat();
    for (info, content) in [(bytes_of(STANDARD[0]), STANDARD[1]), (agile, AGILE[1])] {
        let bytes = package(info.clone(), content);
        let found = Collected::of(FileType::MsOle2, &bytes);
        assert_eq!(found.incomplete, []);
        assert_eq!(found.children[2].member.name, "EncryptedPackage/content");
        assert_eq!(found.children[2].bytes, b"the content");
        for end in [0, 7, 30, 60] {
            let found = Collected::of(FileType::MsOle2, &package(info[..end].to_vec(), content));
            assert_eq!(found.incomplete, [Reason::Encrypted], "{end}");
        }
    }
}

#[test]
fn workbooks_with_the_usual_password_are_opened() {
    for workbook in WORKBOOKS {
        let workbook = bytes_of(workbook);
        let bytes = document::compound("", &[("Workbook", workbook.clone())]);
        let found = Collected::of(FileType::MsOle2, &bytes);
        assert_eq!(found.incomplete, []);
        assert!(found.children[1].bytes.ends_with(b"\xfc\0\x0b\0the content"));
        assert!(found.children[1].bytes.starts_with(&workbook[..40]));
    }
}

/// RC4 as the workbooks above have it, which is its own inverse.
fn rc4(key: &[u8], bytes: &[u8]) -> Vec<u8> {
    crate::cipher::rc4(key, bytes)
}

/// The description of the third workbook, with keys of 128 bits, and the key of a block under it.
fn described() -> (Vec<u8>, impl Fn(u32) -> Vec<u8>) {
    let description = bytes_of(WORKBOOKS[2])[26..].to_vec();
    let password: Vec<u8> = "VelvetSweatshop".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let base = crate::hash::Hash::Sha1.of(&[&(0..16).collect::<Vec<u8>>(), &password]);
    let key = move |block: u32| {
        let mut key = crate::hash::Hash::Sha1.of(&[&base, &block.to_le_bytes()]);
        key.truncate(16);
        key
    };
    (description, key)
}

#[test]
fn all_encrypted_streams_of_a_text_document_are_opened() {
    let (description, key) = described();
    let (table, data) = (b"a table ".repeat(200), b"data ".repeat(300));
    let text = [&[0; 68][..], &b"text ".repeat(200)].concat();
    let locked = |plain: &[u8]| -> Vec<u8> {
        let blocks = (0..).zip(plain.chunks(512));
        blocks.flat_map(|(number, block)| rc4(&key(number), block)).collect()
    };
    let head = [&[0xec, 0xa5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 108, 0, 0, 0][..], &[0; 50]].concat();
    let document = [&head[..], &locked(&text)[68..]].concat();
    let described_table = [&description[..108], &locked(&[&[0; 108][..], &table].concat())[108..]].concat();
    let streams = [
        ("WordDocument", document.clone()),
        ("1Table", described_table.clone()),
        ("0Table", b"another".to_vec()),
        ("Data", locked(&data)),
    ];
    let found = Collected::of(FileType::MsOle2, &document::compound("", &streams));
    assert_eq!(found.incomplete, []);
    let shown: Vec<_> = found.children.iter().map(|child| child.member.name.as_str()).collect();
    let names = [
        "WordDocument",
        "WordDocument/content",
        "1Table/content",
        "Data/content",
        "1Table",
        "0Table",
        "Data",
    ];
    assert_eq!(shown, names);
    let contents = [[&head[..], &text[68..]].concat(), [&description[..108], &table].concat(), data];
    for (child, content) in found.children[1..].iter().zip(contents) {
        assert!(child.bytes == content, "{}", child.member.name);
    }
    // Those of another document are left alone.
    let unknown =
        document::compound("", &[("WordDocument", document), ("1Table", described_table[..100].to_vec())]);
    let found = Collected::of(FileType::MsOle2, &unknown);
    assert_eq!((found.children.len(), found.incomplete), (2, vec![Reason::Encrypted]));
}

/// An encrypted presentation: the stream of the user, and that of the presentation, whose second object is this.
fn presentation(object: &[u8]) -> [(&'static str, Vec<u8>); 2] {
    let (description, key) = described();
    let record = |kind: u16, body: &[u8]| {
        [&[0, 0][..], &kind.to_le_bytes(), &(body.len() as u32).to_le_bytes(), body].concat()
    };
    let numbers =
        |numbers: &[u32]| -> Vec<u8> { numbers.iter().flat_map(|number| number.to_le_bytes()).collect() };
    let object = rc4(&key(2), &record(0x1011, object));
    let session = record(0x2f14, &description[..108]);
    let (session_at, directory_at) = (object.len() as u32, (object.len() + session.len()) as u32);
    // Two objects from number two on: the later edit says where they are, the earlier one is not believed.
    let directory = record(0x1772, &numbers(&[2 << 20 | 2, 0, session_at]));
    let first = directory_at + directory.len() as u32;
    let older = record(0x1772, &numbers(&[1 << 20 | 2, 1]));
    let edit =
        |previous: u32, directory: u32| record(0xff5, &numbers(&[0, 0, previous, directory, 1, 4, 0, 3]));
    let older_edit = first + older.len() as u32;
    let last = older_edit + edit(0, first).len() as u32;
    let stream = [object, session, directory, older, edit(0, first), edit(older_edit, directory_at)].concat();
    let user = record(0xff6, &numbers(&[20, 0xf3d1_c4df, last, 0, 0]));
    [("Current User", user), ("PowerPoint Document", stream)]
}

#[test]
fn encrypted_presentations_are_told_and_opened() {
    let streams = presentation(b"an object");
    let found = Collected::of(FileType::MsOle2, &document::compound("", &streams));
    assert_eq!(found.incomplete, []);
    assert_eq!(found.children[2].member.name, "PowerPoint Document/object");
    assert_eq!(found.children[2].bytes, b"an object");
    assert_eq!(found.children[3].member.name, "PowerPoint Document/content");
    assert!(found.children[3].bytes.starts_with(b"\0\0\x11\x10\x09\0\0\0an object\0\0\x14\x2f"));
    // Another salt: nobody knows the password.
    let mut other = presentation(b"an object");
    let salt = memchr::memmem::find(&other[1].1, &[5, 6, 7, 8]).unwrap();
    other[1].1[salt] ^= 1;
    let found = Collected::of(FileType::MsOle2, &document::compound("", &other));
    assert_eq!((found.children.len(), found.incomplete), (2, vec![Reason::Encrypted]));
    let found = Collected::of(FileType::MsOle2, &document::compound("", &streams[..1]));
    assert_eq!(found.incomplete, []);
    survives_damage(FileType::MsOle2, &document::compound("", &presentation(b"an object")));
}

#[test]
fn objects_of_encrypted_presentations_are_paid_for() {
    let mut streams = presentation(&[b'a'; 5000]);
    let before = Collected::work_of(FileType::MsOle2, &document::compound("", &streams));
    // A directory that says of a thousand objects that they stand where one does.
    let stream = &mut streams[1].1;
    let directory = memchr::memmem::find(stream, b"\x72\x17").unwrap() - 2;
    let session = u32::from_le_bytes(stream[directory + 16..directory + 20].try_into().unwrap());
    let offsets = [&[0_u32, session][..], &[0; 1000]].concat();
    let body: Vec<u8> =
        [1002 << 20 | 2].iter().chain(&offsets).flat_map(|number| number.to_le_bytes()).collect();
    let place = (stream.len() as u32).to_le_bytes();
    let edit = memchr::memmem::rfind(stream, b"\xf5\x0f").unwrap() - 2;
    stream[edit + 20..edit + 24].copy_from_slice(&place);
    stream.extend([&[0, 0, 0x72, 0x17][..], &(body.len() as u32).to_le_bytes(), &body].concat());
    let bytes = document::compound("", &streams);
    let found = Collected::of(FileType::MsOle2, &bytes);
    assert_eq!(found.incomplete, []);
    // Under keys of their own, what they say of their length is any number.
    assert!(Collected::work_of(FileType::MsOle2, &bytes) > before + 400 * 5000);
}

#[test]
fn streams_of_hancom_documents_are_inflated() {
    let header = |bits: u8| [&b"HWP Document File"[..], &[0; 15], &[0, 0, 0, 5, bits, 0, 0, 0]].concat();
    let deflated = stream::zlib(b"a needle in a body");
    let deflated = deflated[2..deflated.len() - 4].to_vec();
    let document = |storage: &str, bits: u8| {
        let streams = [("FileHeader", header(bits)), ("Section0", deflated.clone())];
        Collected::of(FileType::MsOle2, &document::compound(storage, &streams))
    };
    let found = document("BodyText", 1);
    assert_eq!(found.incomplete, []);
    let inflated =
        found.children.iter().find(|child| child.member.name == "BodyText/Section0/content").unwrap();
    assert_eq!(inflated.bytes, b"a needle in a body");
    for (storage, bits) in [("BodyText", 0), ("Other", 1)] {
        assert_eq!(document(storage, bits).children.len(), 2, "{storage} {bits}");
    }
    let found = document("BodyText", 3);
    assert_eq!((found.children.len(), &found.incomplete[..]), (2, &[Reason::Encrypted][..]));
}

#[test]
fn objects_of_hancom_documents_are_compound_files_behind_their_length() {
    let compound = document::compound("", &[("stream", b"x".to_vec())]);
    let length = (compound.len() as u32).to_le_bytes();
    let found = Collected::of(FileType::HwpOle2, &[&length[..], &compound].concat());
    assert_eq!(found.children.len(), 1);
    assert_eq!(found.children[0].bytes, compound);
    let short = Collected::of(FileType::HwpOle2, b"abc");
    assert!(short.children.is_empty() && !short.incomplete.is_empty());
}

#[test]
fn names_of_modules_are_no_longer_than_names() {
    // One name, and thousands of modules that are called so.
    let record = |kind: u16, body: &[u8]| {
        let length = u32::try_from(body.len()).unwrap();
        [&kind.to_le_bytes()[..], &length.to_le_bytes(), body].concat()
    };
    let name = record(0x1a, &[b'a'; 1 << 16]);
    let (modules, are_all) =
        super::vba::modules(&[name, record(0x31, &[1, 0, 0, 0]).repeat(10_000)].concat());
    assert_eq!((modules.len(), are_all), (4096, false));
    assert!(modules.iter().all(|(name, offset)| name.len() == 1024 && *offset == 1));
}

#[test]
fn that_there_are_more_sources_than_are_looked_at_is_said() {
    let source = document::vba(b"Attribute VB_Name = \"Module1\"\r\n");
    let sources = |before: &[u8], count: usize| {
        let stream = [before, &source.repeat(count)].concat();
        let found = Collected::of(FileType::MsOle2, &document::compound("VBA", &[("Module1", stream)]));
        (found.children.len(), found.incomplete)
    };
    // What cannot be the beginning of a source is not one.
    assert_eq!(sources(&b"abc\0Attribut".repeat(100), 64), (1 + 2 * 64, vec![]));
    assert_eq!(sources(b"", 65), (1 + 2 * 64, vec![Reason::Children]));
    let directories = |count: usize| {
        let streams = vec![("dir", Vec::new()); count];
        Collected::of(FileType::MsOle2, &document::compound("VBA", &streams)).incomplete
    };
    assert_eq!(directories(64), []);
    assert_eq!(directories(65), [Reason::Children]);
    // One directory that tells of too many modules.
    let record = |kind: u8, body: &[u8]| [&[kind, 0, body.len() as u8, 0, 0, 0][..], body].concat();
    let modules = |count: usize| {
        let directory = document::vba(&record(0x31, &[1, 0, 0, 0]).repeat(count));
        Collected::of(FileType::MsOle2, &document::compound("VBA", &[("dir", directory)])).incomplete
    };
    assert_eq!(modules(4096), []);
    assert_eq!(modules(4097), [Reason::Children]);
}

#[test]
fn that_a_source_goes_on_behind_what_is_read_is_said() {
    // Each chunk of six bytes is 4,096 zeros.
    let source = |chunks: usize| {
        let zeros = [3, 0xb0, 2, 0, 0xfc, 0x0f].repeat(chunks);
        let stream = [document::vba(b"Attribute VB_Name"), zeros].concat();
        Collected::of(FileType::MsOle2, &document::compound("VBA", &[("Module1", stream)])).incomplete
    };
    let told = Reason::Unsupported("the source of VBA/Module1 behind the first 16 MiB".to_owned());
    assert!(!source(4096).contains(&told));
    assert!(source(4097).contains(&told));
}

#[test]
fn macros_are_paid_for() {
    let streams = [
        ("dir", document::vba(&document::vba_directory("Module1", 0))),
        ("Module1", document::vba(b"Attribute VB_Name = \"Module1\"\n")),
    ];
    let bytes = document::compound("VBA", &streams);
    let found = Collected::of(FileType::MsOle2, &bytes);
    assert_eq!(found.incomplete, []);
    assert!(Collected::work_of(FileType::MsOle2, &bytes) < bytes.len() as u64);
    let long = [("Module1", document::vba(&b"Attribute VB_Name = \"Module1\"\n".repeat(1800)))];
    let bytes = document::compound("VBA", &long);
    let found = Collected::of(FileType::MsOle2, &bytes);
    assert!(found.children.len() == 3 && !found.incomplete.contains(&Reason::Work));
    let without = Collected::without_work(FileType::MsOle2, &bytes);
    assert!(without.children.len() == 1 && without.incomplete.contains(&Reason::Work));
}

#[test]
fn a_chain_is_no_longer_than_the_file_has_sectors() {
    // One sector of 64 KiB has rows for 16,384, which all lead to the first: so does the stream, of 256 MiB.
    let mut bytes = document::compound("", &[("a", vec![7; 5000])]);
    let directory = bytes.windows(4).position(|name| name == [b'R', 0, b'o', 0]).unwrap();
    let mut entries = bytes[directory..directory + 256].to_vec();
    entries[128 + 116..128 + 124].copy_from_slice(&[0, 0, 0, 0, 0xff, 0xff, 0xff, 0x0f]);
    bytes.truncate(512);
    bytes[30] = 16;
    for (at, value) in [(48, 1_u32), (60, 0), (76, 0)] {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes.resize(2 << 16, 0);
    bytes.extend(entries);
    bytes.resize(3 << 16, 0);
    let limits = candor_model::Limits { max_memory: u64::MAX, ..Default::default() };
    let found = Collected::with_limits(FileType::MsOle2, &bytes, limits);
    assert_eq!(found.children.len(), 1);
    assert!(found.children[0].bytes.len() <= 5 << 16, "{}", found.children[0].bytes.len());
}

#[test]
fn macros_of_a_file_without_its_directory_and_tables_are_found() {
    let sources: Vec<Vec<u8>> = ["1", "2"]
        .iter()
        .map(|number| {
            format!("Attribute VB_Name = \"Module{number}\"\r\nSub AutoOpen()\r\nEnd Sub\r\n").into_bytes()
        })
        .collect();
    let module = |source: &Vec<u8>| [&b"compiled code"[..], &document::vba(source)].concat();
    let large = [vec![0xee; 9000], module(&sources[1])].concat();
    let streams = [("Module1", module(&sources[0])), ("Module2", large)];
    let whole = document::compound("VBA", &streams);
    let directory = memchr::memmem::find(&whole, b"R\0o\0o\0t\0").unwrap();
    let found = Collected::of(FileType::MsOle2, &whole[..directory]);
    assert!(matches!(found.incomplete[..], [Reason::Malformed(_)]), "{:?}", found.incomplete);
    assert_eq!(found.anomalies, [Anomaly::VbaMacros; 2]);
    assert!(found.children[0].bytes == whole[512..directory]);
    for source in &sources {
        let given: Vec<_> = found.children.iter().filter(|child| child.bytes == *source).collect();
        assert_eq!(given.len(), 2);
        assert_eq!(given[1].member.file_type, Some(FileType::MsOle2));
    }
    // The sectors are there, and nobody knows which follows which.
    let found = Collected::of(FileType::MsOle2, &whole[..whole.len() - 512]);
    assert!(!found.incomplete.is_empty());
    assert!(sources.iter().all(|source| found.children.iter().any(|child| child.bytes == *source)));
    // Of a whole file nothing is given twice.
    assert_eq!(Collected::of(FileType::MsOle2, &whole).children.len(), 2 + 4);
}

#[test]
fn macros_of_damaged_files_are_paid_for() {
    let source = document::vba(&b"Attribute VB_Name = \"Module1\"\n".repeat(200));
    let bytes = document::compound("", &[("a", source.repeat(100))]);
    let cut = &bytes[..memchr::memmem::find(&bytes, b"R\0o\0o\0t\0").unwrap()];
    let found = Collected::of(FileType::MsOle2, cut);
    assert!(found.incomplete.contains(&Reason::Children) && !found.incomplete.contains(&Reason::Work));
    // Each byte once, and what is made of the first 64.
    let made = found.children.iter().skip(1).step_by(2).map(|child| child.bytes.len()).sum::<usize>();
    assert!(Collected::work_of(FileType::MsOle2, cut) <= (4 * cut.len() + 2 * made) as u64);
    let without = Collected::without_work(FileType::MsOle2, cut);
    assert!(without.incomplete.contains(&Reason::Work) && without.children.len() < found.children.len());
}
