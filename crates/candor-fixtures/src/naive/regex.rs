//! Regular expressions as sub-signatures.

use candor_database::Subject;
use candor_database::ir::{OffsetBase, Regex};
use fancy_regex::{BytesMode, RegexBuilder, RegexInput};

use super::{offset, translate};

/// Why a regular expression cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegexError(pub String);

impl std::fmt::Display for RegexError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for RegexError {}

/// Whether `expression` can be used.
///
/// # Errors
/// What is wrong with it.
pub fn check(expression: &Regex) -> Result<(), RegexError> {
    compile(expression).map(drop)
}

fn compile(expression: &Regex) -> Result<fancy_regex::Regex, RegexError> {
    RegexBuilder::new(&translate(&expression.pattern, expression.flags))
        .bytes_mode(BytesMode::Ascii)
        .backtrack_limit(BACKTRACK_LIMIT)
        .build()
        .map_err(|error| RegexError(error.to_string()))
}

/// How many matches count: every one that does not overlap the one before with `g`, else the first.
///
/// The expression sees nothing before its offset: `^` holds there and look-behind does not reach
/// over it. With an exact offset and without `r`, a match starts right there, or with `g` right
/// behind the one before. With a shift, it starts at most so far behind the offset; and with `e`, it
/// sees nothing behind the shift either.
pub(super) fn count(expression: &Regex, subject: &Subject<'_>) -> u32 {
    let Ok(regex) = compile(expression) else { return 0 };
    let anywhere = expression.offset.base == OffsetBase::Any;
    let mut count = 0_u32;
    for range in offset::allowed(expression.offset, subject) {
        let Some(visible) = usize::try_from(*range.start()).ok().and_then(|start| subject.bytes.get(start..))
        else {
            continue;
        };
        let shift = usize::try_from(range.end().saturating_sub(*range.start())).unwrap_or(usize::MAX);
        let is_shifted = !anywhere && shift > 0;
        let is_anchored = expression.flags.anchored || (!anywhere && shift == 0 && !expression.flags.rolling);
        let visible = match visible.get(..shift) {
            Some(window) if is_shifted && expression.flags.encompass => window,
            _ => visible,
        };
        let mut at = 0;
        while at <= visible.len() {
            let input = RegexInput::new(visible).from_pos(at).anchored(is_anchored);
            let Ok(Some(found)) = regex.find_input(input) else { break };
            if is_shifted && found.start() > shift {
                break;
            }
            count = count.saturating_add(1);
            if !expression.flags.global {
                return count;
            }
            at = if found.end() > found.start() { found.end() } else { found.end().saturating_add(1) };
        }
    }
    count
}

/// Steps after which a search gives up: far more than any expression of the tests needs.
const BACKTRACK_LIMIT: usize = 10_000_000;
