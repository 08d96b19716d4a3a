//! Signed notes: a text, an empty line, and signature lines (C2SP `signed-note`).
//!
//! Signatures of keys that are not known are passed over, as the specification wants it: this is what lets a
//! log change its key. A signature that names a known key and is wrong condemns the whole note.

use super::base64;
use super::key::{KeyKind, SignerKey, VerifierKey, is_name};

/// Bytes of the longest note that is read.
pub const LONGEST_NOTE: usize = 64 * 1024;

/// Signatures of the most signed note that is read.
const MOST_SIGNATURES: usize = 64;

/// A text with signatures, none of which has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<SignatureLine>,
}

/// One signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureLine {
    /// The key's name.
    pub name: String,
    /// The key's identifier.
    pub id: u32,
    /// What the algorithm gave.
    pub bytes: Vec<u8>,
}

/// One signature that was checked and holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed {
    /// Place of the key in the list that the note was verified with.
    pub key: usize,
    /// When, in seconds since 1970, if it is a cosignature.
    pub time: Option<u64>,
}

/// Why a note is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoteError {
    /// Too many bytes.
    #[error("the note has {0} bytes, at most {LONGEST_NOTE} are read")]
    Long(usize),
    /// Not text, or with control characters.
    #[error("the note is not text: it is not UTF-8, or has control characters in it")]
    Text,
    /// No empty line between text and signatures, or no signature.
    #[error("the note has no signatures after its last empty line")]
    Unsigned,
    /// Too many signatures.
    #[error("the note has {0} signatures, at most {MOST_SIGNATURES} are read")]
    Many(usize),
    /// A line that is not a signature.
    #[error("line {0} of the signatures is not an em dash, a name and base 64")]
    Line(usize),
    /// A known key's signature that does not verify.
    #[error("the signature by `{0}` is wrong")]
    Signature(String),
    /// A known key that signed more than once.
    #[error("`{0}` signed the note twice")]
    Twice(String),
}

impl Note {
    /// A text that nobody has signed yet.
    ///
    /// # Errors
    /// The text cannot be that of a note.
    pub fn new(text: &str) -> Result<Self, NoteError> {
        if !is_text(text) || !text.ends_with('\n') {
            return Err(NoteError::Text);
        }
        Ok(Self { text: text.to_owned(), signatures: Vec::new() })
    }

    /// Takes a note apart.
    ///
    /// # Errors
    /// It is not in the form of a note.
    pub fn parse(bytes: &[u8]) -> Result<Self, NoteError> {
        if bytes.len() > LONGEST_NOTE {
            return Err(NoteError::Long(bytes.len()));
        }
        let note = std::str::from_utf8(bytes).map_err(|_| NoteError::Text)?;
        if !is_text(note) {
            return Err(NoteError::Text);
        }
        let Some((text, lines)) = note.rsplit_once("\n\n") else {
            return Err(NoteError::Unsigned);
        };
        let Some(lines) = lines.strip_suffix('\n') else {
            return Err(NoteError::Unsigned);
        };
        let mut signatures = Vec::new();
        for (number, line) in (1..).zip(lines.split('\n')) {
            if number > MOST_SIGNATURES {
                return Err(NoteError::Many(lines.split('\n').count()));
            }
            signatures.push(SignatureLine::parse(line).ok_or(NoteError::Line(number))?);
        }
        Ok(Self { text: format!("{text}\n"), signatures })
    }

    /// What was signed, with its last newline.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, unchecked.
    #[must_use]
    pub fn signatures(&self) -> &[SignatureLine] {
        &self.signatures
    }

    /// Checks the signatures of these keys. Gives those that hold, which may be none.
    ///
    /// # Errors
    /// One of these keys is named by a signature that does not hold, or by more than one.
    pub fn verify(&self, keys: &[VerifierKey]) -> Result<Vec<Signed>, NoteError> {
        let known: Vec<u32> = keys.iter().map(VerifierKey::id).collect();
        let mut signed: Vec<Signed> = Vec::new();
        for line in &self.signatures {
            let place =
                keys.iter().zip(&known).position(|(key, id)| *id == line.id && key.name() == line.name);
            let Some((place, key)) = place.and_then(|place| Some((place, keys.get(place)?))) else {
                continue;
            };
            if signed.iter().any(|other| other.key == place) {
                return Err(NoteError::Twice(line.name.clone()));
            }
            let time = line.check(&self.text, key).ok_or_else(|| NoteError::Signature(line.name.clone()))?;
            signed.push(Signed { key: place, time });
        }
        Ok(signed)
    }

    /// Adds a log's signature, in place of an earlier one by the same key.
    pub fn sign(&mut self, key: &SignerKey) {
        let signature = key.sign(self.text.as_bytes()).to_vec();
        self.add(SignatureLine {
            name: key.verifier().name().to_owned(),
            id: key.verifier().id(),
            bytes: signature,
        });
    }

    /// The signature line of a witness for this note at this time.
    #[must_use]
    pub fn cosignature(&self, key: &SignerKey, time: u64) -> SignatureLine {
        let verifier = key.verifier();
        let mut bytes = time.to_be_bytes().to_vec();
        bytes.extend(key.sign(cosigned(&self.text, time).as_bytes()));
        SignatureLine { name: verifier.name().to_owned(), id: verifier.id(), bytes }
    }

    /// Adds a signature line, in place of an earlier one by the same key.
    pub fn add(&mut self, line: SignatureLine) {
        self.signatures.retain(|other| other.name != line.name || other.id != line.id);
        self.signatures.push(line);
    }
}

impl std::fmt::Display for Note {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(out, "{}", self.text)?;
        self.signatures.iter().try_for_each(|line| writeln!(out, "{line}"))
    }
}

impl SignatureLine {
    /// Reads a line without its newline.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (name, signature) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = base64::decode(signature)?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        (is_name(name) && !signature.is_empty()).then(|| Self {
            name: name.to_owned(),
            id: u32::from_be_bytes(*id),
            bytes: signature.to_vec(),
        })
    }

    /// Whether `key` made this line for `text`: `None` if not, else the time if it carries one.
    fn check(&self, text: &str, key: &VerifierKey) -> Option<Option<u64>> {
        match key.kind() {
            KeyKind::Note => key.verifies(text.as_bytes(), &self.bytes).then_some(None),
            KeyKind::Cosignature => {
                let (time, signature) = self.bytes.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                let sound = time <= i64::MAX.unsigned_abs();
                (sound && key.verifies(cosigned(text, time).as_bytes(), signature)).then_some(Some(time))
            }
        }
    }
}

impl std::fmt::Display for SignatureLine {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = self.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.bytes);
        write!(out, "\u{2014} {} {}", self.name, base64::encode(&bytes))
    }
}

/// What a witness signs: C2SP `tlog-cosignature`, "Ed25519 signed message".
fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn is_text(text: &str) -> bool {
    !text.bytes().any(|byte| byte < 0x20 && byte != b'\n')
}
