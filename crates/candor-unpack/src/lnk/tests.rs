//! Shortcuts made here.

use candor_model::{FileType, Reason};

use crate::collected::Collected;

fn shortcut(unicode: bool) -> Vec<u8> {
    let mut out = vec![0_u8; 76];
    out[0] = 0x4c;
    out[20..24].copy_from_slice(&(1 | 2 | 4 | 32 | if unicode { 128_u32 } else { 0 }).to_le_bytes());
    out.extend([4, 0, 1, 2, 3, 4]);
    let path = b"C:\\Windows\\system32\\cmd.exe\0";
    let mut info = Vec::new();
    for value in [28 + path.len() as u32, 28, 1, 0, 28, 0, 28] {
        info.extend(value.to_le_bytes());
    }
    info.extend(path);
    out.extend(info);
    for text in ["Invoice", "/c start evil.exe"] {
        out.extend((text.len() as u16).to_le_bytes());
        if unicode {
            out.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
        } else {
            out.extend(text.bytes());
        }
    }
    out
}

#[test]
fn target_and_arguments() {
    for unicode in [true, false] {
        let collected = Collected::of(FileType::Lnk, &shortcut(unicode));
        let details: Vec<_> = collected.details.iter().map(|(key, value)| (*key, value.as_str())).collect();
        assert_eq!(
            details,
            [
                ("target", "C:\\Windows\\system32\\cmd.exe"),
                ("description", "Invoice"),
                ("arguments", "/c start evil.exe")
            ]
        );
        assert_eq!(collected.children[0].bytes, b"/c start evil.exe");
        assert_eq!(collected.incomplete, []);
    }
}

#[test]
fn cut_short() {
    let whole = shortcut(true);
    for end in 0..whole.len() {
        let collected = Collected::of(FileType::Lnk, &whole[..end]);
        assert!(collected.incomplete.contains(&Reason::Malformed(String::from("shortcut"))), "{end}");
    }
}
