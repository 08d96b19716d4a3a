//! Members of containers and icons: every field, and what is refused.

use candor_database::ir::{ContainerMember, LegacyMember, Range, Signature};
use candor_model::FileType;

use crate::clamav::tests::{check_fates, fate, signature};

#[test]
fn container_members() {
    let Signature::ContainerMember(member) =
        signature("cdb", "A:CL_TYPE_ZIP:10-20:(?i)x\\.exe$:1:2:1:3-4:AABBCCDD:*")
    else {
        panic!()
    };
    let expected = ContainerMember {
        container: Some(FileType::Zip),
        container_size: Some(Range { min: 10, max: 20 }),
        name: Some("(?i)x\\.exe$".into()),
        compressed_size: Some(Range { min: 1, max: 1 }),
        real_size: Some(Range { min: 2, max: 2 }),
        encrypted: Some(true),
        position: Some(Range { min: 3, max: 4 }),
        crc32: Some(0xaabb_ccdd),
    };
    assert_eq!(member, expected);
    let anything = ContainerMember {
        container: None,
        container_size: None,
        name: None,
        compressed_size: None,
        real_size: None,
        encrypted: None,
        position: None,
        crc32: None,
    };
    for container in ["*", "CL_TYPE_ANY"] {
        let Signature::ContainerMember(member) = signature("cdb", &format!("A:{container}:*:*:*:*:*:*:*:*"))
        else {
            panic!()
        };
        assert_eq!(member, anything);
    }
    // Only ZIP and RAR have a checksum there.
    let Signature::ContainerMember(member) = signature("cdb", "A:CL_TYPE_7Z:*:x:*:*:0:*:zz:") else {
        panic!()
    };
    assert_eq!((member.crc32, member.encrypted), (None, Some(false)));
}

#[test]
fn container_members_accepted_and_refused() {
    check_fates(
        "cdb",
        &[
            ("A:CL_TYPE_ZIP:*:x:*:*:*:*:*:", "accepted"),
            ("A:CL_TYPE_ZIP:*:x:*:*:*:*::*", "accepted"),
            ("A:CL_TYPE_ZIP:*:x:*:*:*:*:*:*:51", "accepted"),
            ("A:CL_TYPE_ZIP:*:x:*:*:*:*:*:*:300", "level"),
            ("A:CL_TYPE_ZIP:*:x:*:*:*:*:*", "28: the second reserved field is missing"),
            ("A:CL_TYPE_ZIP:*:x:*:*:*:*", "26: the first reserved field is missing"),
            ("A:CL_TYPE_FOO:*:x:*:*:*:*:*:*", "3: unknown file type 'CL_TYPE_FOO'"),
            ("A:CL_TYPE_ZIP:5-:x:*:*:*:*:*:*", "17: the highest value is not a number: ''"),
            ("A:CL_TYPE_ZIP:-5:x:*:*:*:*:*:*", "15: the lowest value is not a number: ''"),
            ("A:CL_TYPE_ZIP:*::*:*:*:*:*:*", "17: the file name is empty"),
            ("A:CL_TYPE_ZIP:*:x:a:*:*:*:*:*", "19: the value is not a number: 'a'"),
            ("A:CL_TYPE_ZIP:*:x:*:*:2:*:*:*", "23: the encryption flag is 0, 1 or *"),
            ("A:CL_TYPE_ZIP:*:x:*:*:*:*:zz:*", "27: a checksum has up to 8 hexadecimal digits"),
            (":CL_TYPE_ZIP:*:x:*:*:*:*:*:*", "1: the name is empty"),
        ],
    );
}

#[test]
fn legacy_members() {
    for (extension, container) in [("zmd", FileType::Zip), ("rmd", FileType::Rar)] {
        let Signature::LegacyMember(member) = signature(extension, "A:1:x.*:85508:45850:aabbccdd:8:2:3")
        else {
            panic!()
        };
        let expected = LegacyMember {
            container,
            encrypted: true,
            name: Some("x.*".into()),
            real_size: Some(85508),
            compressed_size: Some(45850),
            crc32: Some(0xaabb_ccdd),
            method: Some(8),
            position: Some(2),
            max_depth: Some(3),
        };
        assert_eq!(member, expected);
        let Signature::LegacyMember(member) = signature(extension, "A:0:*:*:*:*:*:*:*") else { panic!() };
        let expected = LegacyMember {
            container,
            encrypted: false,
            name: None,
            real_size: None,
            compressed_size: None,
            crc32: None,
            method: None,
            position: None,
            max_depth: None,
        };
        assert_eq!(member, expected);
    }
    check_fates(
        "zmd",
        &[
            ("A:1:x:*:*:*:*:*", "16: the depth is missing"),
            ("A:1:x:*:*:*:*:*:*:51", "19: more fields than there should be"),
            ("A:x:x:*:*:*:*:*:*", "3: the encryption flag is not a number: 'x'"),
            ("A:1:x:5-6:*:*:*:*:*", "7: the real size is not a number: '5-6'"),
            ("A:1:x:*:*:zz:*:*:*", "11: a checksum has up to 8 hexadecimal digits"),
            ("A:1:x:*:*:*:-1:*:*", "13: the method is not a number: '-1'"),
            ("A:1:x:*:*:*:70000:*:*", "13: there is no such method"),
        ],
    );
}

#[test]
fn icons() {
    let digits = format!("20{}41", "ab".repeat(60));
    let Signature::Icon(icon) = signature("idb", &format!("A:G1::{digits}")) else { panic!() };
    assert_eq!((icon.group1.as_str(), icon.group2.as_str()), ("G1", ""));
    assert_eq!((icon.hash[0], icon.hash[1], icon.hash[61]), (0x20, 0xab, 0x41));
    for (line, expected) in [
        ("A:G1:G2".to_owned(), "8: the hash is missing".to_owned()),
        (format!("A:G1:G2:{digits}:51"), "134: more fields than there should be".to_owned()),
        (
            format!("A:G1:G2:{}", &digits[2..]),
            "9: an icon hash has 124 hexadecimal digits, not 122".to_owned(),
        ),
        (format!("A:G1:G2:{}zz", &digits[..122]), "131: not a hexadecimal digit".to_owned()),
        (
            format!("A:G1:G2:19{}", &digits[2..]),
            "9: an icon is 16 (10), 24 (18) or 32 (20) pixels wide".to_owned(),
        ),
    ] {
        assert_eq!(fate("idb", &line), expected);
    }
}
