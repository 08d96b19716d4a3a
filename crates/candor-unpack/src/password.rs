//! Passwords that are tried on everything that is encrypted.

use candor_model::Sink;

/// What samples are shared with, and what spam puts into its text most often.
const COMMON: [&str; 14] = [
    "infected",
    "virus",
    "malware",
    "password",
    "Password",
    "123",
    "1234",
    "12345",
    "123456",
    "1111",
    "0000",
    "pass",
    "abc123",
    "dangerous",
];

/// Those that the sink knows, then the common ones.
pub(crate) fn candidates(sink: &dyn Sink) -> Vec<Vec<u8>> {
    let mut candidates = sink.passwords().to_vec();
    candidates.extend(COMMON.iter().map(|common| common.as_bytes().to_vec()));
    candidates
}
