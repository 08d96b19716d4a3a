//! What stands behind the program of an installer by InstallShield: a mark, perhaps behind the name of a
//! debug file, or the first file with its name, path, version and length in words.

use candor_model::FileType;

/// The type of bytes that are the data of such an installer.
pub(crate) fn identify(prefix: &[u8]) -> Option<FileType> {
    let rest = match prefix.strip_prefix(b"NB10") {
        Some(rest) => {
            let name = rest.get(12..)?;
            name.get(name.iter().position(|byte| *byte == 0)?.checked_add(1)?..)?
        }
        None => prefix,
    };
    (has_mark(rest) || is_first_file(rest)).then_some(FileType::IshieldMsi)
}

/// A mark, and a number of files that could be.
fn has_mark(bytes: &[u8]) -> bool {
    let rest = bytes.strip_prefix(b"InstallShield\0").or_else(|| bytes.strip_prefix(b"ISSetupStream\0"));
    rest.and_then(|rest| rest.first_chunk())
        .is_some_and(|count| (1..=4096).contains(&u16::from_le_bytes(*count)))
}

/// Strings that end in NUL, in characters of one byte or of two.
fn is_first_file(bytes: &[u8]) -> bool {
    let is_wide = bytes.get(1) == Some(&0) && bytes.get(3) == Some(&0);
    let narrow: Vec<u8> = if is_wide { bytes.iter().copied().step_by(2).collect() } else { bytes.to_vec() };
    let mut words = narrow.split(|byte| *byte == 0);
    let (Some(name), Some(path), Some(version), Some(length)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return false;
    };
    let digits = |word: &[u8]| !word.is_empty() && word.iter().all(u8::is_ascii_digit);
    let is_name = (1..=128).contains(&name.len()) && name.iter().all(|byte| matches!(byte, b' '..=b'~'));
    is_name
        && path.len() <= 260
        && path.to_ascii_lowercase().ends_with(&name.to_ascii_lowercase())
        && version.split(|byte| *byte == b'.').all(digits)
        && digits(length)
}
