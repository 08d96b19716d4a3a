//! The broker's side of taking one file apart: its descriptor in, layers out.
//!
//! The worker has no file of its own to write to: what comes out of a layer goes through the channel, packet
//! by packet, and the broker counts it. A worker that was taken over can send other bytes than those that
//! are in the file; it can send no more of them than the limits allow, and has no say in where they go.

use std::collections::HashMap;
use std::os::fd::BorrowedFd;
use std::time::{Duration, Instant};

use candor_model::LayerId;

use crate::broker::{Sandbox, WorkerError};
use crate::message::{Answer, Given, LONGEST_ANSWER, Malformed, Order, Word};
use crate::show::Piece;
use crate::template::Ended;

/// How often there may be something to say about one layer: it can be looked at more than once.
const FACTS_A_LAYER: u32 = 8;

/// How often the clock is looked at while the worker says nothing.
const LOOK: Duration = Duration::from_millis(200);

/// A file to be taken apart, and what may come of it.
#[derive(Clone, Debug)]
pub struct Parcel<'a> {
    /// Its own name.
    pub name: String,
    /// Its bytes, from the start of this file on.
    pub file: BorrowedFd<'a>,
    /// How many.
    pub length: u64,
    /// Whether the bytes of the layers are wanted.
    pub contents: bool,
    /// Layers at most.
    pub max_layers: u32,
    /// Bytes of all layers at most.
    pub max_bytes: u64,
}

/// Why a file was not taken apart to the end. What came before stands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnpackError {
    /// The worker failed.
    #[error("the worker failed: {0}")]
    Failed(String),
}

/// Takes a file apart in a fresh worker; gives what comes out to `say`, and what the engine says in the end.
///
/// # Errors
/// The worker did not come to an end.
pub fn unpack(
    sandbox: &Sandbox,
    parcel: &Parcel<'_>,
    say: &mut dyn FnMut(Piece<'_>),
) -> Result<Answer, UnpackError> {
    let failed = |why: String| UnpackError::Failed(why);
    let mut worker = sandbox.worker().map_err(|error| failed(error.to_string()))?;
    let given = Given { name: parcel.name.clone(), length: parcel.length, careful: true };
    let order = Order::Unpack { file: given, contents: parcel.contents };
    let ordered = worker.order(&order, &[parcel.file]);
    let mut words = String::new();
    let setup = sandbox.setup();
    let patience = setup.max_time.map(|time| time.saturating_add(setup.patience));
    let mut incoming = Incoming::new(parcel);
    let came = ordered.and_then(|()| {
        // Only what this worker takes counts, not what is done with what it says.
        let mut waited = Duration::ZERO;
        loop {
            if patience.is_some_and(|patience| waited > patience) {
                return Ok(None);
            }
            let began = Instant::now();
            let word = worker.listen(LOOK);
            waited = waited.saturating_add(began.elapsed());
            match word? {
                None => (),
                Some(Word::LastWords(text)) if words.len() < 400 => words.push_str(&text),
                Some(word) => {
                    if let Some(answer) = incoming.take(word, say)? {
                        return Ok(Some(answer));
                    }
                }
            }
        }
    });
    let ended = match &came {
        Err(WorkerError::Gone) => sandbox.collect(worker),
        _ => {
            sandbox.discard(worker);
            Ended::Unknown
        }
    };
    match came {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => Err(failed(String::from("it did not come back in time"))),
        Err(WorkerError::Gone) if !words.is_empty() => Err(failed(words.trim_end().to_owned())),
        Err(WorkerError::Gone) => Err(failed(format!("it {ended}"))),
        Err(error) => Err(failed(error.to_string())),
    }
}

/// What has come, as far as it must be known to see whether the rest fits.
struct Incoming {
    /// Bytes of each layer that have not come yet.
    missing: HashMap<LayerId, u64>,
    layers_left: u32,
    /// Words of facts that may come before the next layer.
    facts_left: u32,
    bytes_left: u64,
    contents: bool,
    part: Vec<u8>,
}

impl Incoming {
    fn new(parcel: &Parcel<'_>) -> Self {
        Self {
            missing: HashMap::new(),
            // The file itself is a layer, too, and a limit is noticed one layer late.
            layers_left: parcel.max_layers.saturating_add(2),
            facts_left: 0,
            bytes_left: parcel.max_bytes,
            contents: parcel.contents,
            part: Vec::new(),
        }
    }

    /// Takes a word; gives the answer when it is the last one.
    fn take(&mut self, word: Word, say: &mut dyn FnMut(Piece<'_>)) -> Result<Option<Answer>, Malformed> {
        match word {
            Word::Layer(layer) => {
                self.layers_left = self.layers_left.checked_sub(1).ok_or(Malformed::Excess("layers"))?;
                let parent_known = layer.parent.is_none_or(|parent| self.missing.contains_key(&parent));
                if !parent_known || self.missing.insert(layer.id, layer.length).is_some() {
                    return Err(Malformed::OutOfTurn);
                }
                self.facts_left = self.facts_left.saturating_add(FACTS_A_LAYER);
                say(Piece::Layer(&layer));
            }
            Word::Facts { layer, facts } if self.missing.contains_key(&LayerId(layer)) => {
                self.facts_left = self.facts_left.checked_sub(1).ok_or(Malformed::Excess("facts"))?;
                say(Piece::Facts(LayerId(layer), &facts));
            }
            Word::Content { layer, bytes } if self.contents && !bytes.is_empty() => {
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                let missing = self.missing.get_mut(&LayerId(layer)).ok_or(Malformed::OutOfTurn)?;
                *missing = missing.checked_sub(length).ok_or(Malformed::Excess("bytes of a layer"))?;
                self.bytes_left =
                    self.bytes_left.checked_sub(length).ok_or(Malformed::Excess("bytes of layers"))?;
                say(Piece::Content(LayerId(layer), &bytes));
            }
            Word::Answers(mut answers) if answers.len() == 1 => return Ok(answers.pop()),
            Word::Part { bytes, last } if !bytes.is_empty() => {
                if self.part.len().saturating_add(bytes.len()) > LONGEST_ANSWER {
                    return Err(Malformed::Excess("bytes in an answer"));
                }
                self.part.extend_from_slice(&bytes);
                if last {
                    return Answer::decode(&self.part).map(Some);
                }
            }
            _ => return Err(Malformed::OutOfTurn),
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd as _;

    use candor_model::{FileType, LayerSummary};

    use super::*;

    fn layer(id: u32, parent: Option<u32>, length: u64) -> Word {
        Word::Layer(LayerSummary {
            id: LayerId(id),
            parent: parent.map(LayerId),
            name: String::from("x"),
            file_type: FileType::Zip,
            length,
            md5: None,
        })
    }

    fn taken(words: Vec<Word>) -> Result<(), Malformed> {
        let stdin = std::io::stdin();
        let parcel = Parcel {
            name: String::new(),
            file: stdin.as_fd(),
            length: 0,
            contents: true,
            max_layers: 3,
            max_bytes: 100,
        };
        let mut incoming = Incoming::new(&parcel);
        words.into_iter().try_for_each(|word| incoming.take(word, &mut |_| ()).map(drop))
    }

    fn content(layer: u32, length: usize) -> Word {
        Word::Content { layer, bytes: vec![0; length] }
    }

    #[test]
    fn what_fits_is_taken() {
        let words = vec![layer(0, None, 9), layer(1, Some(0), 60), content(1, 50), content(1, 10)];
        assert_eq!(taken(words), Ok(()));
    }

    #[test]
    fn no_layer_has_more_bytes_than_it_said() {
        let words = vec![layer(0, None, 9), layer(1, Some(0), 60), content(1, 50), content(1, 11)];
        assert_eq!(taken(words), Err(Malformed::Excess("bytes of a layer")));
    }

    #[test]
    fn all_layers_together_keep_to_the_limit() {
        let words = vec![layer(0, None, 1 << 40), layer(1, Some(0), 1 << 40), content(1, 60), content(0, 41)];
        assert_eq!(taken(words), Err(Malformed::Excess("bytes of layers")));
    }

    #[test]
    fn what_says_nothing_and_what_is_said_without_end_is_refused() {
        let facts = || Word::Facts { layer: 0, facts: Vec::new() };
        let said =
            |times: usize| std::iter::once(layer(0, None, 1)).chain((0..times).map(|_| facts())).collect();
        assert_eq!(taken(said(8)), Ok(()));
        assert_eq!(taken(said(9)), Err(Malformed::Excess("facts")));
        assert_eq!(taken(vec![layer(0, None, 1), content(0, 0)]), Err(Malformed::OutOfTurn));
        assert_eq!(taken(vec![Word::Part { bytes: Vec::new(), last: false }]), Err(Malformed::OutOfTurn));
    }

    #[test]
    fn layers_come_once_after_their_parent_and_not_without_end() {
        assert_eq!(taken(vec![layer(1, Some(0), 1)]), Err(Malformed::OutOfTurn));
        assert_eq!(taken(vec![layer(0, None, 1), layer(0, None, 1)]), Err(Malformed::OutOfTurn));
        assert_eq!(taken(vec![content(7, 1)]), Err(Malformed::OutOfTurn));
        let many = (0..6).map(|id| layer(id, None, 1)).collect();
        assert_eq!(taken(many), Err(Malformed::Excess("layers")));
    }
}
