//! Rules for file types.

use candor_database::ir::{FileMagic, MagicKind, Offset, OffsetBase, Signature};
use candor_model::{FileType, Target};

use crate::clamav::tests::{check_fates, render, signature};

#[test]
fn rules() {
    for (kind, partition) in [(0, false), (4, true)] {
        let line = format!("{kind}:16:1f8b:GZip:CL_TYPE_ANY:CL_TYPE_GZ:1:255");
        let expected = FileMagic {
            kind: MagicKind::At { offset: 16, bytes: vec![0x1f, 0x8b], partition },
            required: FileType::Any,
            detected: FileType::Gzip,
        };
        assert_eq!(signature("ftm", &line), Signature::Magic(expected));
    }
    let Signature::Magic(magic) = signature("ftm", "1:EOF-512:4b4f{10-20}4c59:DMG:CL_TYPE_ANY:CL_TYPE_DMG")
    else {
        panic!()
    };
    let MagicKind::Pattern { pattern, target: Target::Any } = magic.kind else { panic!() };
    assert_eq!(pattern.offset, Offset { base: OffsetBase::End(512), shift: 0 });
    assert_eq!(render(&pattern), "4b4f {10-20} 4c59");
    check_fates(
        "ftm",
        &[
            ("0:0:1f8b::CL_TYPE_ANY:CL_TYPE_GZ", "accepted"),
            ("0:0:1f8b:G:CL_TYPE_ANY:CL_TYPE_GZ:300", "level"),
            (
                "0:0:1f8b:G:CL_TYPE_ANY:CL_TYPE_GZ:x",
                "35: the lowest functionality level is not a number: 'x'",
            ),
            ("0:*:1f8b:G:CL_TYPE_ANY:CL_TYPE_GZ", "3: the offset is not a number: '*'"),
            ("0:0:1f??:G:CL_TYPE_ANY:CL_TYPE_GZ", "7: not a hexadecimal digit"),
            (
                "1:EP+5:1f8b:G:CL_TYPE_ANY:CL_TYPE_GZ",
                "3: 'EP+5' needs an executable target (1, 6 or 9), not 0",
            ),
            ("2:0:1f8b:G:CL_TYPE_ANY:CL_TYPE_GZ", "unused 1: there is no kind 2 of file-type rules"),
            ("x:0:1f8b:G:CL_TYPE_ANY:CL_TYPE_GZ", "1: the kind is not a number: 'x'"),
            ("0:0:1f8b:G:CL_TYPE_FOO:CL_TYPE_GZ", "12: unknown file type 'CL_TYPE_FOO'"),
            ("0:0:1f8b:G:CL_TYPE_ANY:CL_TYPE_FOO", "24: unknown file type 'CL_TYPE_FOO'"),
            ("0:0:1f8b:G:CL_TYPE_ANY", "23: the detected type is missing"),
        ],
    );
}
