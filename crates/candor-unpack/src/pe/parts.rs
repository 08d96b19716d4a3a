//! What a program carries besides code: resources that are data of its author, and what stands behind its
//! sections.
//!
//! Pictures, dialogues and texts of the program's own windows are not given: they are searched where they
//! stand. Neither is what begins with a magic that is looked for in every program anyway.

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use super::image::PortableExecutable;
use super::resources::{self, Data};
use crate::embedded;
use crate::reader::clipped;
use crate::work::{Work, charge, units};

/// Resources that are given, which are many where forms of windows are some, and the least that one must have to be
/// worth it, in bytes.
pub(super) const GIVEN: usize = 4096;
const SMALLEST: u64 = 16;

/// Resources that are told.
const TOLD: usize = 64;

/// Gives them.
pub(super) fn give(file: &PortableExecutable<'_>, sink: &mut dyn Sink) -> Flow {
    // Any number of files may have the same tree, which may say the same again and again.
    let may_read = file.directory(2).is_none() || charge(resources::NAMED, sink);
    let (data, is_whole) = if may_read { resources::data(file) } else { (Vec::new(), true) };
    charge(units(data.len()).saturating_mul(resources::NAMED), sink);
    if !is_whole {
        sink.incomplete(Reason::Work);
    }
    for resource in data.iter().take(TOLD) {
        sink.detail(
            "resource",
            format!("{}: {} bytes at offset {}", resource.name, resource.length, resource.offset),
        );
    }
    let mut work = Work::of(file.bytes);
    let mut given = 0_usize;
    for resource in data.iter().filter(|resource| resource.is_foreign) {
        let Some(bytes) = content(file, resource.offset, resource.length, &mut work, sink) else { continue };
        if given >= GIVEN {
            sink.incomplete(Reason::Children);
            break;
        }
        given = given.saturating_add(1);
        if part(&format!("resource {}", resource.name), resource.offset, bytes, sink) == Flow::Stop {
            return Flow::Stop;
        }
    }
    let length = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
    let (Some(start), certificates) = (file.end_of_sections(), file.certificates()) else {
        return Flow::Continue;
    };
    if start == 0 || start >= length {
        return Flow::Continue;
    }
    // Signatures stand at the end of the file, and are no content.
    let end = certificates.map_or(length, |(offset, _)| offset).clamp(start, length);
    let size = end.saturating_sub(start);
    if size == 0 {
        return Flow::Continue;
    }
    sink.detail("overlay", format!("{size} bytes at offset {start}"));
    match content(file, start, size, &mut Work::of(file.bytes), sink) {
        Some(bytes) => part("overlay", start, bytes, sink),
        None => Flow::Continue,
    }
}

/// The bytes at a place, when they are worth it. Zeros are given to nobody who would pay for them, and any number of
/// resources may be the same ones.
pub(super) fn content<'a>(
    file: &PortableExecutable<'a>,
    offset: u64,
    length: u64,
    work: &mut Work,
    sink: &mut dyn Sink,
) -> Option<&'a [u8]> {
    let bytes = clipped(file.bytes, offset, length);
    if length < SMALLEST || embedded::begins_with_magic(bytes) || work.is_over() {
        return None;
    }
    if bytes.iter().all(|byte| *byte == 0) {
        work.pay(bytes.len(), sink);
        return None;
    }
    Some(bytes)
}

/// Gives what stands at a place.
pub(super) fn part(name: &str, offset: u64, bytes: &[u8], sink: &mut dyn Sink) -> Flow {
    let member = Member { name: name.to_owned(), ..Member::default() };
    sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(bytes))
}

impl Data {
    /// Whether somebody put a file in here, as it is no part of what windows are made of.
    pub(super) const fn is_file(kind: Option<u32>) -> bool {
        // Named types, raw data, and HTML; see `RT_…` in `winuser.h`.
        matches!(kind, None | Some(10 | 23))
    }
}
