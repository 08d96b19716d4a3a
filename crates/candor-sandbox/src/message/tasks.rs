//! What workers say whose task is another than to scan: to compile, to take apart, to read records, to be refused.

use super::bytes::{Malformed, Reader};
use super::{FACTS, TEXT, Word, report};

/// Something to say about one line of a signature source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Whether the line cannot be used; otherwise it is a note.
    pub error: bool,
    /// The file, with the container that it was in.
    pub source: String,
    /// Line, from 1; 0 for the whole file.
    pub line: u32,
    /// Column, from 1; 0 for the whole line.
    pub column: u32,
    /// What.
    pub message: String,
}

/// What became of the lines of one signature source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The file, with the container that it was in.
    pub source: String,
    /// Accepted, for other levels, ignored, unused, refused.
    pub numbers: [u64; 5],
}

/// What a compilation came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Signatures in the image.
    pub accepted: u64,
    /// Lines that cannot be used.
    pub refused: u64,
    /// Bytes of the image.
    pub length: u64,
}

/// The rest of a packet of this kind.
pub(super) fn word(kind: u8, mut reader: Reader<'_>, packet: &[u8]) -> Result<Word, Malformed> {
    // Bytes that fill the packet behind a head of this length.
    let bytes = |head: usize| packet.get(head..).unwrap_or_default().to_vec();
    let word = match kind {
        5 => Word::Diagnostic(Diagnostic {
            error: reader.flag()?,
            source: reader.text(TEXT)?.to_owned(),
            line: reader.u32()?,
            column: reader.u32()?,
            message: reader.text(TEXT)?.to_owned(),
        }),
        6 => {
            let source = reader.text(TEXT)?.to_owned();
            let mut numbers = [0; 5];
            for number in &mut numbers {
                *number = reader.u64()?;
            }
            Word::Summary(Summary { source, numbers })
        }
        7 => Word::Compiled(if reader.flag()? {
            Ok(Sums { accepted: reader.u64()?, refused: reader.u64()?, length: reader.u64()? })
        } else {
            Err(reader.text(TEXT)?.to_owned())
        }),
        8 => {
            let went = reader.flag()?;
            let number = reader.u64()?.cast_signed();
            Word::Attempted(if went {
                Ok(number)
            } else {
                Err(i32::try_from(number).map_err(|_| Malformed::Unknown("error"))?)
            })
        }
        9 => Word::Layer(report::layer(&mut reader)?),
        10 => {
            let layer = reader.u32()?;
            let text = |reader: &mut Reader<'_>| reader.text(TEXT).map(str::to_owned);
            let facts = reader.list((FACTS, 4, "facts"), |reader| Ok((text(reader)?, text(reader)?)))?;
            Word::Facts { layer, facts }
        }
        11 => return Ok(Word::Content { layer: reader.u32()?, bytes: bytes(6) }),
        12 => return Ok(Word::Record { last: reader.flag()?, bytes: bytes(3) }),
        _ => return Err(Malformed::Unknown("kind")),
    };
    reader.end()?;
    Ok(word)
}
