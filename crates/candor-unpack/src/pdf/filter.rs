//! The filters of PDF streams, which are those of PostScript.

use std::borrow::Cow;
use std::io::Read;

use candor_model::{Reason, Sink};
use weezl::BitOrder;
use weezl::decode::Configuration;

use super::predictor::{Rows, Samples};
use super::value::Value;
use crate::codec::{self, Decoder};
use crate::transfer::{ascii85, hexadecimal};

/// Filters in one chain.
pub(crate) const FILTERS: usize = 16;

/// One filter with its parameters.
#[derive(Clone, Debug)]
pub(crate) struct Filter {
    name: Vec<u8>,
    parameters: Option<Value>,
}

/// The filters that a stream's dictionary names, in the order of decoding, up to the first one that is an
/// image's: what that decodes to are samples.
pub(super) fn chain(dictionary: &Value) -> Vec<Filter> {
    let of = |long: &[u8], short: &[u8]| dictionary.get(long).or_else(|| dictionary.get(short));
    let names = of(b"Filter", b"F").map(Value::list).unwrap_or_default();
    let parameters = of(b"DecodeParms", b"DP").map(Value::list).unwrap_or_default();
    names
        .iter()
        .enumerate()
        // What the document's encryption is undone with stands apart.
        .filter(|(_, name)| name.name() != Some(b"Crypt") && **name != Value::Other)
        .map_while(|(index, name)| {
            // What is no name is a filter that nobody knows.
            let name = name.name().unwrap_or_default().to_vec();
            (!is_image(&name)).then(|| Filter { name, parameters: parameters.get(index).cloned() })
        })
        .collect()
}

/// Whether a filter makes samples of an image.
pub(crate) fn is_image(name: &[u8]) -> bool {
    matches!(name, b"DCTDecode" | b"DCT" | b"JPXDecode" | b"CCITTFaxDecode" | b"CCF" | b"JBIG2Decode")
}

impl Filter {
    /// The filter of this name.
    pub(crate) const fn new(name: Vec<u8>, parameters: Option<Value>) -> Self {
        Self { name, parameters }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// What is told of one that is not known. Its name is as long as the file likes.
    pub(crate) fn unknown(&self) -> Reason {
        let name = crate::name::decoded(self.name.get(..64).unwrap_or(&self.name));
        let name = if name.is_empty() { name } else { format!(": {name}") };
        Reason::Unsupported(format!("a filter that is not known{name}"))
    }

    /// What it makes of `data`, paid for; `None` when there is no room or no such filter.
    pub(crate) fn decoded(&self, data: &[u8], sink: &mut dyn Sink) -> Option<Vec<u8>> {
        let Some(decoder) = self.decoder(data) else {
            sink.incomplete(self.unknown());
            return None;
        };
        let most = sink.budget().growth(u64::try_from(data.len()).unwrap_or(u64::MAX));
        let mut out = Vec::new();
        // What came before an error is kept.
        let is_whole = decoder.take(most).read_to_end(&mut out).is_ok();
        let made = u64::try_from(out.len()).unwrap_or(u64::MAX);
        if made >= most && is_whole {
            sink.incomplete(Reason::Ratio);
        }
        match sink.budget().spend(made) {
            Ok(()) => Some(out),
            Err(reason) => {
                sink.incomplete(reason);
                None
            }
        }
    }

    /// A decoder over `data`; `None` for a filter that nobody knows.
    pub(crate) fn decoder<'a>(&self, data: &'a [u8]) -> Option<Decoder<'a>> {
        let decoder: Decoder<'a> = match self.name.as_slice() {
            b"FlateDecode" | b"Fl" => flate(data),
            b"LZWDecode" | b"LZW" => {
                let is_early = self.parameter(b"EarlyChange").unwrap_or(1) != 0;
                Box::new(Lzw::new(data, is_early))
            }
            b"ASCII85Decode" | b"A85" => owned(ascii85(data.strip_prefix(b"<~").unwrap_or(data))),
            b"ASCIIHexDecode" | b"AHx" => {
                let end = memchr::memchr(b'>', data).unwrap_or(data.len());
                owned(hexadecimal(data.get(..end).unwrap_or_default()))
            }
            b"RunLengthDecode" | b"RL" => Box::new(RunLength { data, left: 0, byte: None }),
            _ => return None,
        };
        let predictor = self.parameter(b"Predictor").unwrap_or(1);
        let of = |key: &[u8], usual: u64| self.parameter(key).unwrap_or(usual);
        let samples = Samples::new(of(b"Colors", 1), of(b"BitsPerComponent", 8), of(b"Columns", 1));
        Some(match predictor {
            2 => Box::new(Rows::of_tiff(decoder, samples)),
            10.. => Box::new(Rows::of_png(decoder, samples)),
            _ => decoder,
        })
    }

    fn parameter(&self, key: &[u8]) -> Option<u64> {
        self.parameters.as_ref()?.get(key)?.number()
    }
}

/// What `filters` make of `data`, one after the other, each paid for; `None` as for [`Filter::decoded`].
pub(crate) fn decoded_by<'a>(
    filters: &[Filter],
    data: &'a [u8],
    sink: &mut dyn Sink,
) -> Option<Cow<'a, [u8]>> {
    let mut decoded = Cow::Borrowed(data);
    for filter in filters {
        decoded = Cow::Owned(filter.decoded(&decoded, sink)?);
    }
    Some(decoded)
}

/// zlib's stream; without its header when that is damaged, as readers do, and deflate alone when nothing like it is there.
fn flate(data: &[u8]) -> Decoder<'_> {
    let start = data.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let data = data.get(start..).unwrap_or_default();
    match data {
        [0x48 | 0x58 | 0x68 | 0x78, ..] => codec::deflate(data.get(2..).unwrap_or_default()),
        // The method and the check of RFC 1950, 2.2.
        [method, flags, ..] if method & 15 != 8 || u16::from_be_bytes([*method, *flags]) % 31 != 0 => {
            codec::deflate(data)
        }
        _ => codec::zlib(data),
    }
}

fn owned<'a>(bytes: Vec<u8>) -> Decoder<'a> {
    Box::new(std::io::Cursor::new(bytes))
}

/// LZW with the most significant bit first.
struct Lzw<'a> {
    data: &'a [u8],
    decoder: weezl::decode::Decoder,
}

impl<'a> Lzw<'a> {
    fn new(data: &'a [u8], is_early: bool) -> Self {
        let decoder = if is_early {
            Configuration::with_tiff_size_switch(BitOrder::Msb, 8).build()
        } else {
            Configuration::new(BitOrder::Msb, 8).build()
        };
        Self { data, decoder }
    }
}

impl Read for Lzw<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        loop {
            let result = self.decoder.decode_bytes(self.data, buffer);
            self.data = self.data.get(result.consumed_in..).unwrap_or_default();
            if result.consumed_out > 0 {
                return Ok(result.consumed_out);
            }
            match result.status {
                Ok(weezl::LzwStatus::Ok) if result.consumed_in > 0 => {}
                Ok(weezl::LzwStatus::NoProgress | weezl::LzwStatus::Done | weezl::LzwStatus::Ok) => {
                    return Ok(0);
                }
                Err(error) => return Err(std::io::Error::new(std::io::ErrorKind::InvalidData, error)),
            }
        }
    }
}

/// Runs: a count of literals, or of copies of one byte; 128 ends it.
struct RunLength<'a> {
    data: &'a [u8],
    left: usize,
    byte: Option<u8>,
}

impl Read for RunLength<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut written = 0_usize;
        for slot in buffer {
            if self.left == 0 {
                let Some((&count, rest)) = self.data.split_first() else { break };
                if count == 128 {
                    break;
                }
                self.data = rest;
                if count < 128 {
                    self.left = usize::from(count).saturating_add(1);
                    self.byte = None;
                } else {
                    let Some((&byte, rest)) = self.data.split_first() else { break };
                    self.data = rest;
                    self.left = 257_usize.saturating_sub(usize::from(count));
                    self.byte = Some(byte);
                }
            }
            let byte = match self.byte {
                Some(byte) => byte,
                None => {
                    let Some((&byte, rest)) = self.data.split_first() else { break };
                    self.data = rest;
                    byte
                }
            };
            *slot = byte;
            self.left = self.left.saturating_sub(1);
            written = written.saturating_add(1);
        }
        Ok(written)
    }
}
