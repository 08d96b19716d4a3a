//! Searching a layer: the shared vocabulary.

use candor_model::{Facts, FileType, Match, Target};

use crate::image::SignatureId;

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
