//! Quarantine files of Avira.
//!
//! ```text
//! 0    AntiVir Qua and five NULs; 16 where the content begins, length of the path and of the host, both in bytes
//! 60   when, in seconds since 1970; 156 the threat in 64 bytes; 220 path and host in UTF-16
//! content, each byte under 0xaa
//! ```

use candor_model::Sink;

use super::{Told, Veil, give, malformed, moment, narrow, wide};
use crate::reader::{Reader, clipped};

const KEY: &[u8] = &[0xaa];
const NAMES: u64 = 220;

/// Gives the file that was set aside.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let at = |offset: u64| Reader::little(bytes).at(offset)?.u32().map(u64::from);
    let (Some(start), Some(path)) = (at(16), at(20)) else { return malformed("the header", sink) };
    let path = wide(clipped(bytes, NAMES, path));
    let told = Told {
        path: Some(path).filter(|path| !path.is_empty()),
        threat: Some(narrow(clipped(bytes, 156, 64))),
        at: at(60).and_then(moment::from_unix),
    };
    told.tell("Avira", sink);
    if start < NAMES || Reader::little(bytes).at(start).is_none() {
        return malformed("the place of the content", sink);
    }
    let content = clipped(bytes, start, u64::MAX);
    let _ = give(told.path.as_deref(), vec![content], Veil::Xor(KEY), sink);
}
