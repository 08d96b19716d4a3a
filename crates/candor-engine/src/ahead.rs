//! What is done for several layers at once before each is scanned: their MD5, and what their bodies hold of the
//! image's index. Of one file that takes as long as MD5 takes; several go side by side in little more.

use candor_database::ir::HashSubject;
use candor_database::{Image, Screen, Screening, screen_together};
use candor_model::{DigestKind, Interrupt, Normalisation, Target};

use crate::frame::Frame;
use crate::scan::Scan;
use crate::waiting::Waiting;
use crate::{Memory, Scanner, Setup};

/// What a file was screened for before it is scanned.
#[derive(Debug)]
pub struct Screened {
    pub(crate) digest: [u8; 16],
    pub(crate) screen: Screen,
    /// Where the bytes were, and how many.
    of: (usize, usize),
}

impl Screened {
    /// Whether it is about these bytes.
    pub(crate) fn is_of(&self, bytes: &[u8]) -> bool {
        self.of == (bytes.as_ptr().addr(), bytes.len())
    }
}

impl Scanner<'_> {
    /// Screens files side by side. The answer is in the same order; `None` for one of which nothing is to be known
    /// before it is scanned, and for all when `interrupt` is raised meanwhile.
    pub fn screen(&mut self, files: &[&[u8]], interrupt: &Interrupt) -> Vec<Option<Screened>> {
        let mut targets = Vec::with_capacity(files.len());
        for bytes in files {
            targets.push(target(&self.setup, &mut self.memory, bytes, interrupt));
        }
        let wanted: Vec<_> = files.iter().copied().zip(targets).collect();
        side_by_side(self.setup.image, &wanted, &|| interrupt.reason().is_none())
    }
}

impl Scan<'_> {
    /// Identifies children that wait, and screens those side by side that are all there. The answer is in the same
    /// order.
    pub(crate) fn screen(&self, waiting: &mut [Waiting<'_>]) -> Vec<Option<Screened>> {
        let mut wanted = Vec::with_capacity(waiting.len());
        for child in waiting {
            let bytes = child.bytes.as_slice();
            let length = bytes.len() as u64;
            let file_type = *child.file_type.get_or_insert_with(|| self.identify(bytes));
            let is_wanted = child.cut.is_none() && wants_md5(self.image, length);
            wanted.push((child.bytes.as_slice(), self.body_target(file_type).filter(|_| is_wanted)));
        }
        side_by_side(self.image, &wanted, &|| self.budget.check().is_ok())
    }

    /// Screens copies of a layer side by side, and the layer with them if its digests are not looked up yet. The answer is
    /// in the order of the copies.
    pub(crate) fn screen_copies(
        &self,
        of: &Frame<'_>,
        copies: &[(Normalisation, &[u8])],
    ) -> Vec<Option<Screened>> {
        let wants = |bytes: &[u8]| wants_md5(self.image, bytes.len() as u64);
        let mut wanted = Vec::with_capacity(copies.len().saturating_add(1));
        // What a layer is not searched as it stands for, rules may be.
        let own = self.body_target(of.file_type).unwrap_or(Target::Any);
        let is_owed = of.owes_digests.get() && of.whole;
        wanted.push((of.bytes, Some(own).filter(|_| is_owed && wants(of.bytes))));
        for (normalisation, bytes) in copies {
            let (target, is_hashed) = copy_target(*normalisation);
            wanted.push((*bytes, Some(target).filter(|_| is_hashed && wants(bytes))));
        }
        let mut screened = side_by_side(self.image, &wanted, &|| self.budget.check().is_ok()).into_iter();
        if let Some(own) = screened.next().flatten() {
            of.accept(own);
        }
        screened.collect()
    }
}

/// The class that a copy is searched for first, and whether its digests are looked up.
pub(crate) const fn copy_target(normalisation: Normalisation) -> (Target, bool) {
    match normalisation {
        Normalisation::Text => (Target::Text, false),
        Normalisation::HtmlNoComments | Normalisation::HtmlNoTags | Normalisation::Script => {
            (Target::Html, true)
        }
    }
}

/// Screens layers side by side while `go_on` says so, each for the class that its body is searched for.
fn side_by_side(
    image: &Image,
    layers: &[(&[u8], Option<Target>)],
    go_on: &dyn Fn() -> bool,
) -> Vec<Option<Screened>> {
    let wanted = layers.iter().filter_map(|(bytes, target)| Some((*bytes, (*target)?)));
    let mut screenings: Vec<Screening<'_>> =
        wanted.map(|(bytes, target)| image.screening(target, bytes)).collect();
    screen_together(&mut screenings, &mut || go_on());
    let mut screenings = screenings.into_iter();
    let each = layers.iter().map(|(bytes, target)| {
        let screening = target.and_then(|_| screenings.next())?;
        let (digest, screen) = finish(screening, go_on)?;
        Some(Screened { digest, screen, of: (bytes.as_ptr().addr(), bytes.len()) })
    });
    each.collect()
}

/// Does the rest of a screening alone; `None` when it is interrupted.
fn finish(mut screening: Screening<'_>, go_on: &dyn Fn() -> bool) -> Option<([u8; 16], Screen)> {
    loop {
        if !go_on() {
            return None;
        }
        if !screening.advance(1 << 20) {
            return Some(screening.finish());
        }
    }
}

/// The class that the scan of a file will search its body for first, if it will want its MD5.
fn target(setup: &Setup<'_>, memory: &mut Memory, bytes: &[u8], interrupt: &Interrupt) -> Option<Target> {
    let length = bytes.len() as u64;
    // Digests of a beginning say nothing.
    let limits = &setup.options.limits;
    if length > limits.max_file_size || length > limits.max_scan_size {
        return None;
    }
    if !wants_md5(setup.image, length) {
        return None;
    }
    let scan = Scan::new(setup, memory, interrupt, None, length);
    scan.body_target(scan.identify(bytes))
}

/// Whether some signature may name the MD5 of a layer of this length.
fn wants_md5(image: &Image, length: u64) -> bool {
    image.digests_wanted(HashSubject::File, length).contains(DigestKind::Md5)
}
