//! A body in chunks (RFC 9112, section 7.1), with ICAP's word for a preview that is all there is.

use super::Refusal;

/// Bytes of the line with a length, and of the trailers at the end.
const LINE: usize = 512;
const TRAILERS: usize = 8 << 10;

/// Where in the chunks one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunks {
    /// Before the length of one.
    Length,
    /// Within one.
    Data(u64),
    /// Behind one, before the end of its line.
    DataEnd,
    /// Behind the last one; whether there will be no more after a preview, and bytes of trailers so far.
    Trailers(bool, usize),
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk<'a> {
    /// More is needed.
    More,
    /// Nothing to tell; go on.
    Nothing,
    /// Bytes of the body.
    Data(&'a [u8]),
    /// The end; whether it is that of the whole body though a preview ends here.
    End(bool),
}

impl Chunks {
    /// The next step, and how many bytes it has.
    pub(super) fn next<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Chunk<'a>), Refusal> {
        match *self {
            Self::Length => {
                let Some((used, line)) = line(input, LINE)? else { return Ok((0, Chunk::More)) };
                let text = std::str::from_utf8(line).map_err(|_| Refusal::BadRequest)?;
                let mut words = text.split(';').map(str::trim);
                let digits = words.next().unwrap_or_default();
                if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err(Refusal::BadRequest);
                }
                let length = u64::from_str_radix(digits, 16).map_err(|_| Refusal::TooLarge)?;
                *self = if length == 0 {
                    Self::Trailers(words.any(|word| word.eq_ignore_ascii_case("ieof")), 0)
                } else {
                    Self::Data(length)
                };
                Ok((used, Chunk::Nothing))
            }
            Self::Data(left) => {
                let most = usize::try_from(left).unwrap_or(usize::MAX);
                let data = input.get(..most).unwrap_or(input);
                if data.is_empty() {
                    return Ok((0, Chunk::More));
                }
                let left = left.saturating_sub(u64::try_from(data.len()).unwrap_or(u64::MAX));
                *self = if left == 0 { Self::DataEnd } else { Self::Data(left) };
                Ok((data.len(), Chunk::Data(data)))
            }
            Self::DataEnd => match line(input, 2)? {
                None => Ok((0, Chunk::More)),
                Some((used, b"")) => {
                    *self = Self::Length;
                    Ok((used, Chunk::Nothing))
                }
                Some(_) => Err(Refusal::BadRequest),
            },
            Self::Trailers(is_all, before) => {
                let Some((used, line)) = line(input, TRAILERS)? else { return Ok((0, Chunk::More)) };
                let before = before.saturating_add(used);
                if before > TRAILERS {
                    return Err(Refusal::TooLarge);
                }
                if line.is_empty() {
                    *self = Self::Length;
                    return Ok((used, Chunk::End(is_all)));
                }
                *self = Self::Trailers(is_all, before);
                Ok((used, Chunk::Nothing))
            }
        }
    }
}

/// A line of at most so many bytes, without its end; `None` when it has not come yet.
fn line(input: &[u8], most: usize) -> Result<Option<(usize, &[u8])>, Refusal> {
    let bounded = input.get(..most).unwrap_or(input);
    match memchr::memchr(b'\n', bounded) {
        Some(end) => {
            let line = bounded.get(..end).unwrap_or_default();
            Ok(Some((end.saturating_add(1), line.strip_suffix(b"\r").unwrap_or(line))))
        }
        None if input.len() >= most => Err(Refusal::TooLarge),
        None => Ok(None),
    }
}
