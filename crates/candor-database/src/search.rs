//! Searching a layer: the shared vocabulary.

use std::fmt::Debug;

use candor_model::{Digest, DigestKind, Facts, FileType, Match, Module, ModuleValue, Target};

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
    /// What rules of YARA are told of it; `None` where none are looked for.
    pub rules: Option<Inspection<'a>>,
}

/// What rules are told of a layer besides its bytes.
#[derive(Clone, Copy, Debug)]
pub struct Inspection<'a> {
    /// Its name, with folders where it has some; empty where it has none.
    pub name: &'a str,
    /// Who knows the rest.
    pub inspector: &'a dyn Inspector,
    /// Whether only rules are looked for.
    pub alone: bool,
}

/// What rules ask of a layer besides its bytes.
pub trait Inspector: Debug {
    /// What a module offers for the layer; asked once a layer, and not for modules whose functions need no value.
    fn module(&self, module: Module) -> ModuleValue;

    /// The digest of some bytes: of the layer, or of a part of it. `None` when somebody interrupted.
    fn digest(&self, kind: DigestKind, bytes: &[u8]) -> Option<Digest>;
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
