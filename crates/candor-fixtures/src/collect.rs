//! Signatures as values: what a loader hands over, kept in a list.

use candor_database::ir::{Header, Receiver, Refusal, Signature, Source, SourceId};
use candor_signature::clamav::{Options, load};
use candor_signature::{Diagnostic, Input, Severity};

/// A signature with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// As written.
    pub name: String,
    /// The language of the file that it came from.
    pub language: &'static str,
    /// Line in its file, from 1.
    pub line: u32,
    /// What it means.
    pub signature: Signature,
}

/// Everything that was loaded, in order.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// The signatures.
    pub signatures: Vec<Named>,
    sources: Vec<Source>,
}

impl Collection {
    /// Loads `files`, given as names and texts.
    ///
    /// # Errors
    /// What the loader said about lines that it could not use.
    pub fn load(files: &[(String, String)]) -> Result<Self, Vec<Diagnostic>> {
        let (collection, diagnostics) = Self::load_all(files);
        if diagnostics.is_empty() { Ok(collection) } else { Err(diagnostics) }
    }

    /// Loads `files`, and says which lines could not be used.
    #[must_use]
    pub fn load_all(files: &[(String, String)]) -> (Self, Vec<Diagnostic>) {
        let inputs: Vec<Input<'_>> =
            files.iter().map(|(name, text)| Input { name, bytes: text.as_bytes() }).collect();
        let mut collection = Self::default();
        let mut diagnostics = Vec::new();
        load(&inputs, Options::default(), &mut collection, &mut |diagnostic| {
            if diagnostic.severity == Severity::Error {
                diagnostics.push(diagnostic);
            }
        });
        (collection, diagnostics)
    }
}

impl Receiver for Collection {
    fn source(&mut self, source: Source) -> Result<SourceId, Refusal> {
        let id = u16::try_from(self.sources.len()).map_err(|_| Refusal::TooMany("sources"))?;
        self.sources.push(source);
        Ok(SourceId(id))
    }

    fn add(&mut self, header: Header<'_>, signature: Signature) -> Result<(), Refusal> {
        let language = self.sources.get(usize::from(header.source.0)).map_or("", |source| source.language);
        self.signatures.push(Named { name: header.name.to_owned(), language, line: header.line, signature });
        Ok(())
    }
}
