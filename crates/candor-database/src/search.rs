//! Searching a layer: the shared vocabulary.

use candor_model::{Facts, FileType, Limits, Match, Reason, Target};

use crate::image::{Image, SignatureId};

/// A layer to be searched.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its bytes.
    pub bytes: &'a [u8],
    /// Its type.
    pub file_type: FileType,
    /// The class whose signatures apply besides those for any file; not always that of the type: raw
    /// text is searched as [`Target::Any`] only, its normalised copy as [`Target::Text`].
    pub target: Target,
    /// What `FileSize:` is compared with: the length of `bytes`, but for normalised text that of the
    /// text before it was normalised.
    pub file_size: u64,
    /// What is known about it.
    pub facts: &'a Facts,
    /// Types of the layers around it, outermost first, normalised copies left out.
    pub parents: &'a [FileType],
}

/// A signature that matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Which.
    pub signature: SignatureId,
    /// The bytes; a few of each sub-signature.
    pub matches: Vec<Match>,
    /// Set when the signature asks that the layer be looked at again as this type, instead of
    /// alerting (`HandlerType:`).
    pub handler: Option<FileType>,
}

/// Memory that searches of one thread reuse.
#[derive(Debug, Default)]
pub struct Scratch {}

impl Scratch {
    /// Empty memory.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Image {
    /// Appends a hit for every body and logical signature that matches `subject`, and returns what
    /// kept some from being decided: empty when everything was.
    pub fn search(
        &self,
        _subject: &Subject<'_>,
        _limits: &Limits,
        _scratch: &mut Scratch,
        _hits: &mut Vec<Hit>,
    ) -> Vec<Reason> {
        Vec::new()
    }
}
