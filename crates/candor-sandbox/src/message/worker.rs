//! What only workers run: packets out of words, orders out of packets.

use super::bytes::{Malformed, Reader, put_run, put_u32, put_u64, shorten};
use super::{Answer, BATCH, FACTS, Given, NAME, Order, PACKET, TEXT, VERSION, Word, report, version};

impl Order {
    /// Reads a packet.
    ///
    /// # Errors
    /// It is not one that [`encode`](Self::encode) makes.
    pub fn decode(packet: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(packet);
        version(&mut reader)?;
        let order = match reader.u8()? {
            1 => Self::Files(reader.list((BATCH, 11, "files"), given)?),
            2 => {
                let last = reader.flag()?;
                Self::Sources { sources: reader.list((BATCH, 11, "sources"), given)?, last }
            }
            3 => Self::Attempt(reader.u8()?),
            4 => {
                let contents = reader.flag()?;
                Self::Unpack { file: given(&mut reader)?, contents }
            }
            _ => return Err(Malformed::Unknown("kind")),
        };
        reader.end()?;
        Ok(order)
    }
}

impl Word {
    /// The packet.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        match self {
            Self::Jailed(layers) => {
                out.push(1);
                put_u32(&mut out, *layers);
            }
            Self::Ready => out.push(2),
            Self::Answers(answers) => {
                out.push(3);
                answers.iter().for_each(|answer| put_answer(&mut out, answer));
            }
            Self::Part { bytes, last } => {
                out.extend([4, u8::from(*last)]);
                out.extend_from_slice(bytes);
            }
            Self::Diagnostic(diagnostic) => {
                out.extend([5, u8::from(diagnostic.error)]);
                put_text(&mut out, &diagnostic.source, TEXT);
                put_u32(&mut out, diagnostic.line);
                put_u32(&mut out, diagnostic.column);
                put_text(&mut out, &diagnostic.message, TEXT);
            }
            Self::Summary(summary) => {
                out.push(6);
                put_text(&mut out, &summary.source, TEXT);
                summary.numbers.iter().for_each(|number| put_u64(&mut out, *number));
            }
            Self::Compiled(result) => {
                out.extend([7, u8::from(result.is_ok())]);
                match result {
                    Ok(sums) => [sums.accepted, sums.refused, sums.length]
                        .into_iter()
                        .for_each(|number| put_u64(&mut out, number)),
                    Err(why) => put_text(&mut out, why, TEXT),
                }
            }
            Self::Attempted(result) => {
                out.extend([8, u8::from(result.is_ok())]);
                let number = result.unwrap_or_else(i64::from);
                put_u64(&mut out, number.cast_unsigned());
            }
            Self::Layer(layer) => {
                out.push(9);
                report::put_layer(&mut out, layer);
            }
            Self::Facts { layer, facts } => {
                out.push(10);
                put_u32(&mut out, *layer);
                put_facts(&mut out, facts);
            }
            Self::Content { layer, bytes } => {
                out.push(11);
                put_u32(&mut out, *layer);
                out.extend_from_slice(bytes);
            }
            Self::Record { last, bytes } => {
                out.extend([12, u8::from(*last)]);
                out.extend_from_slice(bytes);
            }
            Self::LastWords(text) => return text.as_bytes().to_vec(),
        }
        out
    }
}

/// Collects answers into packets, as few as will do.
#[derive(Debug)]
pub struct Packer {
    packet: Vec<u8>,
}

/// The packet before any answer is in it.
const EMPTY: [u8; 2] = [VERSION, 3];

impl Default for Packer {
    fn default() -> Self {
        Self { packet: EMPTY.to_vec() }
    }
}

impl Packer {
    /// Takes an answer; gives the packets that are full to `send`.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn push<E>(
        &mut self,
        answer: &Answer,
        send: &mut impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let before = self.packet.len();
        put_answer(&mut self.packet, answer);
        if self.packet.len() <= PACKET {
            return Ok(());
        }
        let long = self.packet.split_off(before);
        self.flush(send)?;
        if long.len().saturating_add(EMPTY.len()) <= PACKET {
            self.packet.extend_from_slice(&long);
            return Ok(());
        }
        let mut parts = long.chunks(PACKET.saturating_sub(16)).peekable();
        while let Some(part) = parts.next() {
            send(&Word::Part { bytes: part.to_vec(), last: parts.peek().is_none() }.encode())?;
        }
        Ok(())
    }

    /// Gives what there is to `send`.
    ///
    /// # Errors
    /// Those of `send`.
    pub fn flush<E>(&mut self, send: &mut impl FnMut(&[u8]) -> Result<(), E>) -> Result<(), E> {
        if self.packet.len() > EMPTY.len() {
            send(&self.packet)?;
            self.packet.truncate(EMPTY.len());
        }
        Ok(())
    }
}

/// As many facts as fit into the packet.
fn put_facts(out: &mut Vec<u8>, facts: &[(String, String)]) {
    let place = out.len();
    put_u32(out, 0);
    let mut count = 0_u32;
    for (key, value) in facts.iter().take(FACTS) {
        let before = out.len();
        put_text(out, key, TEXT);
        put_text(out, value, TEXT);
        if out.len() > PACKET {
            out.truncate(before);
            break;
        }
        count = count.saturating_add(1);
    }
    if let Some(place) = out.get_mut(place..place.saturating_add(4)) {
        place.copy_from_slice(&count.to_le_bytes());
    }
}

fn given(reader: &mut Reader<'_>) -> Result<Given, Malformed> {
    let (length, careful) = (reader.u64()?, reader.flag()?);
    Ok(Given { name: reader.text(NAME)?.to_owned(), length, careful })
}

pub(super) fn put_answer(out: &mut Vec<u8>, answer: &Answer) {
    match answer {
        Answer::Scanned { read, partial, report } => {
            out.push(0);
            put_u64(out, *read);
            put_option(out, partial.as_deref(), |out, why| put_text(out, why, TEXT));
            report::put(out, report);
        }
        Answer::Unreadable(why) => {
            out.push(1);
            put_text(out, why, TEXT);
        }
        Answer::TooLarge(length) => {
            out.push(2);
            put_option(out, *length, put_u64);
        }
        Answer::Defect(what) => {
            out.push(3);
            put_text(out, what, TEXT);
        }
    }
}

/// At most `most` bytes of a text, without breaking a character, behind their length.
pub(super) fn put_text(out: &mut Vec<u8>, text: &str, most: usize) {
    put_run(out, shorten(text, most).as_bytes(), most);
}

pub(super) fn put_option<T>(out: &mut Vec<u8>, value: Option<T>, put: impl FnOnce(&mut Vec<u8>, T)) {
    out.push(u8::from(value.is_some()));
    if let Some(value) = value {
        put(out, value);
    }
}
