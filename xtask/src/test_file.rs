//! The test file of EICAR, which every scanner finds by agreement. It stands here in two halves, so that none finds this source.

/// Its text.
pub(crate) fn text() -> String {
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}", "$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat()
}

/// A signature of it, by `name`, anywhere in any file: a line of an `.ndb`.
pub(crate) fn signature(name: &str) -> String {
    let digits: String = text().bytes().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}:0:*:{digits}\n")
}
