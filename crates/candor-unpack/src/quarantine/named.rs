//! Files of quarantines that nothing but their name and place gives away: whoever knows these puts a line in front.
//!
//! ```text
//! CANDOR-QUARANTINE, product, each with a line break; then the file as the product keeps it
//! ```
//!
//! The products: `kaspersky-server` (Kaspersky Security for Windows Server), `malwarebytes` (`.quar`), `eset`
//! (`.NQF`). A file that begins so by itself is taken off its veil as well: that costs what reading it does.

use candor_model::{Reason, Sink};

use super::{Veil, give, kaspersky, malformed, malwarebytes};

/// The first line.
const MARK: &[u8] = b"CANDOR-QUARANTINE\n";

/// Bytes of the name of a product.
const LONGEST: usize = 64;

/// Gives the file that was set aside.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let rest = bytes.strip_prefix(MARK).unwrap_or_default();
    let end = rest.iter().take(LONGEST).position(|byte| *byte == b'\n');
    let Some((product, content)) = end.and_then(|end| rest.split_at_checked(end)) else {
        return malformed("the first lines", sink);
    };
    let (name, veil) = match product {
        b"kaspersky-server" => ("Kaspersky Security for Windows Server", Veil::Xor(&kaspersky::KEY)),
        b"malwarebytes" => ("Malwarebytes", Veil::rc4(&malwarebytes::KEY)),
        b"eset" => ("ESET", Veil::Eset),
        _ => {
            return sink.incomplete(Reason::Unsupported("the quarantine of an unknown product".to_owned()));
        }
    };
    sink.detail("quarantine", name.to_owned());
    let _ = give(None, vec![content.get(1..).unwrap_or_default()], veil, sink);
}
