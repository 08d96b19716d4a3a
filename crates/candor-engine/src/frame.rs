//! A layer that is being looked at, with its digests and whether it is trusted.
//!
//! Frames are a list along the stack of the recursion: a finding must know the digests of the layer
//! and of every layer around it, and most layers never have a finding, so digests are computed only
//! when somebody asks.

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashSet;

use candor_database::ir::HashSubject;
use candor_database::{Image, Screen, SignatureId};
use candor_model::{
    Budget, Digest, DigestKind, DigestSet, FileType, Finding, LayerId, Normalisation, Reason, Target,
};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use crate::ahead::Screened;

/// Bytes that are hashed between two looks at the interrupt.
const CHUNK: usize = 1 << 20;

/// A layer that is being looked at.
#[derive(Debug)]
pub(crate) struct Frame<'f> {
    /// The layer around it.
    pub(crate) parent: Option<&'f Self>,
    /// Its number. A rewritten copy has that of its layer.
    pub(crate) id: LayerId,
    /// Its type.
    pub(crate) file_type: FileType,
    /// Its bytes.
    pub(crate) bytes: &'f [u8],
    /// Whether `bytes` are all of it: digests of a beginning say nothing.
    pub(crate) whole: bool,
    /// The limit by which they are not.
    pub(crate) limit: Option<Reason>,
    /// Set for a rewritten copy.
    pub(crate) normalised: Option<Normalisation>,
    /// The name that rules of YARA are told; `None` where they are not asked, as they were for the same bytes before or
    /// look at layers only as they stand.
    pub(crate) rules: Option<&'f str>,
    /// The type that a signature asks to look at it again as.
    pub(crate) handler: Cell<Option<FileType>>,
    /// Findings of such signatures.
    pub(crate) asked: RefCell<Vec<Finding>>,
    /// What was found in it, for the observer.
    pub(crate) found: RefCell<Vec<Finding>>,
    reported: RefCell<HashSet<SignatureId>>,
    digests: [OnceCell<Digest>; 3],
    /// Whether its digests are not looked up yet.
    pub(crate) owes_digests: Cell<bool>,
    /// What was found in it for the search of its body while its MD5 was computed.
    screen: RefCell<Option<Screen>>,
    trust: OnceCell<Option<String>>,
    /// The certificate by which it is trusted.
    vouched: OnceCell<String>,
}

impl<'f> Frame<'f> {
    /// The frame of a layer.
    pub(crate) fn new(
        parent: Option<&'f Self>,
        id: LayerId,
        file_type: FileType,
        bytes: &'f [u8],
        whole: bool,
    ) -> Self {
        Self {
            parent,
            id,
            file_type,
            bytes,
            whole,
            limit: None,
            normalised: None,
            rules: None,
            handler: Cell::new(None),
            asked: RefCell::default(),
            found: RefCell::default(),
            reported: RefCell::default(),
            digests: [const { OnceCell::new() }; 3],
            owes_digests: Cell::new(false),
            screen: RefCell::default(),
            trust: OnceCell::new(),
            vouched: OnceCell::new(),
        }
    }

    /// Its length in bytes.
    pub(crate) const fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// Whether this signature has not been reported for this layer yet; it counts as reported then.
    /// A copy of a layer, and the layer looked at again as another type, are the same layer.
    pub(crate) fn is_new(&self, signature: SignatureId) -> bool {
        match self.parent {
            Some(parent) if parent.id == self.id => parent.is_new(signature),
            _ => self.reported.borrow_mut().insert(signature),
        }
    }

    /// Its digests of the kinds in `wanted`.
    ///
    /// # Errors
    /// Somebody interrupted.
    pub(crate) fn digests(&self, wanted: DigestSet, budget: &Budget) -> Result<Vec<Digest>, Reason> {
        let mut missing = DigestSet::EMPTY;
        for (kind, held) in DigestKind::ALL.into_iter().zip(&self.digests) {
            if wanted.contains(kind) && held.get().is_none() {
                missing = missing.with(kind);
            }
        }
        for digest in digests(self.bytes, missing, budget)? {
            for (kind, held) in DigestKind::ALL.into_iter().zip(&self.digests) {
                if kind == digest.kind() {
                    let _ = held.set(digest);
                }
            }
        }
        let held = DigestKind::ALL.into_iter().zip(&self.digests);
        Ok(held
            .filter(|(kind, _)| wanted.contains(*kind))
            .filter_map(|(_, held)| held.get().copied())
            .collect())
    }

    /// Computes its MD5, and looks in the same pass for what searching its body as `target` will need.
    ///
    /// # Errors
    /// Somebody interrupted.
    pub(crate) fn screen(&self, image: &Image, target: Target, budget: &Budget) -> Result<(), Reason> {
        let [md5, ..] = &self.digests;
        if md5.get().is_some() {
            return Ok(());
        }
        let mut screening = image.screening(target, self.bytes);
        loop {
            budget.check()?;
            if !screening.advance(CHUNK) {
                break;
            }
        }
        let (digest, screen) = screening.finish();
        self.know(&digest, screen);
        Ok(())
    }

    /// Takes what was found out before.
    pub(crate) fn accept(&self, Screened { digest, screen, .. }: Screened) {
        self.know(&digest, screen);
    }

    fn know(&self, md5: &[u8; 16], screen: Screen) {
        let [held, ..] = &self.digests;
        if let Some(digest) = Digest::new(md5) {
            let _ = held.set(digest);
        }
        self.screen.replace(Some(screen));
    }

    /// What was found for the search of its body, if that was looked for. Only the first search has it: whatever
    /// is taken out of the layer later should not wait for its memory.
    pub(crate) fn take_screen(&self) -> Option<Screen> {
        self.screen.take()
    }

    /// The trust signature that this layer, or one around it, has.
    ///
    /// # Errors
    /// Somebody interrupted.
    pub(crate) fn trusted_by(&self, image: &Image, budget: &Budget) -> Result<Option<&str>, Reason> {
        let mut frame = Some(self);
        while let Some(layer) = frame {
            if let Some(name) = layer.own_trust(image, budget)? {
                return Ok(Some(name));
            }
            frame = layer.parent;
        }
        Ok(None)
    }

    /// Whether it is already known that this layer, or one around it, is trusted.
    pub(crate) fn known_trusted(&self) -> bool {
        let mut frame = Some(self);
        while let Some(layer) = frame {
            if layer.vouched.get().is_some() || matches!(layer.trust.get(), Some(Some(_))) {
                return true;
            }
            frame = layer.parent;
        }
        false
    }

    /// Whether no signature has been reported for it.
    pub(crate) fn found_none(&self) -> bool {
        self.reported.borrow().is_empty()
    }

    /// Takes note of the certificate by which it is trusted.
    pub(crate) fn vouch(&self, name: String) {
        let _ = self.vouched.set(name);
    }

    fn own_trust(&self, image: &Image, budget: &Budget) -> Result<Option<&str>, Reason> {
        if let Some(vouched) = self.vouched.get() {
            return Ok(Some(vouched));
        }
        if let Some(known) = self.trust.get() {
            return Ok(known.as_deref());
        }
        let mut hits = Vec::new();
        if self.whole {
            let wanted = image.digests_wanted(HashSubject::Trusted, self.length());
            for digest in self.digests(wanted, budget)? {
                image.search_digest(HashSubject::Trusted, &digest, self.length(), &mut hits);
            }
        }
        let name = hits.first().and_then(|hit| image.signature(hit.signature)).map(|record| record.name);
        Ok(self.trust.get_or_init(|| name).as_deref())
    }
}

/// The digests of `bytes` of the kinds in `wanted`, in one pass.
///
/// # Errors
/// Somebody interrupted.
pub(crate) fn digests(bytes: &[u8], wanted: DigestSet, budget: &Budget) -> Result<Vec<Digest>, Reason> {
    let mut made = Vec::new();
    if wanted.is_empty() {
        return Ok(made);
    }
    let mut md5 = wanted.contains(DigestKind::Md5).then(Md5::new);
    let mut sha1 = wanted.contains(DigestKind::Sha1).then(Sha1::new);
    let mut sha256 = wanted.contains(DigestKind::Sha256).then(Sha256::new);
    for chunk in bytes.chunks(CHUNK) {
        budget.check()?;
        if let Some(state) = &mut md5 {
            state.update(chunk);
        }
        if let Some(state) = &mut sha1 {
            state.update(chunk);
        }
        if let Some(state) = &mut sha256 {
            state.update(chunk);
        }
    }
    made.extend(md5.and_then(|state| Digest::new(&state.finalize())));
    made.extend(sha1.and_then(|state| Digest::new(&state.finalize())));
    made.extend(sha256.and_then(|state| Digest::new(&state.finalize())));
    Ok(made)
}
