//! What a program carries besides code: resources that are data of its author, and what stands behind its
//! sections.
//!
//! Pictures, dialogues and texts of the program's own windows are not given: they are searched where they
//! stand. Neither is what begins with a magic that is looked for in every program anyway.

use candor_model::{ChildKind, Content, Flow, Member, Sink};

use super::image::PortableExecutable;
use super::resources::{self, Data};
use crate::embedded;
use crate::reader::clipped;

/// Resources that are given, and the least that one must have to be worth it, in bytes.
const GIVEN: usize = 256;
const SMALLEST: u64 = 16;

/// Resources that are told.
const TOLD: usize = 64;

/// Gives them.
pub(super) fn give(file: &PortableExecutable<'_>, sink: &mut dyn Sink) -> Flow {
    let data = resources::data(file);
    for resource in data.iter().take(TOLD) {
        sink.detail(
            "resource",
            format!("{}: {} bytes at offset {}", resource.name, resource.length, resource.offset),
        );
    }
    for resource in data.iter().filter(|resource| resource.is_foreign).take(GIVEN) {
        if part(file, &format!("resource {}", resource.name), resource.offset, resource.length, sink)
            == Flow::Stop
        {
            return Flow::Stop;
        }
    }
    let ends = file.sections.iter().map(|section| section.raw_offset.saturating_add(section.raw_size));
    let length = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX);
    let (Some(start), certificates) = (ends.max(), file.certificates()) else { return Flow::Continue };
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
    part(file, "overlay", start, size, sink)
}

fn part(file: &PortableExecutable<'_>, name: &str, offset: u64, length: u64, sink: &mut dyn Sink) -> Flow {
    let bytes = clipped(file.bytes, offset, length);
    let member = Member { name: name.to_owned(), ..Member::default() };
    if length < SMALLEST || embedded::begins_with_magic(bytes) || bytes.iter().all(|byte| *byte == 0) {
        return Flow::Continue;
    }
    sink.child(ChildKind::Embedded { offset }, &member, Content::Bytes(bytes))
}

impl Data {
    /// Whether somebody put a file in here, as it is no part of what windows are made of.
    pub(super) const fn is_file(kind: Option<u32>) -> bool {
        // Named types, raw data, and HTML; see `RT_…` in `winuser.h`.
        matches!(kind, None | Some(10 | 23))
    }
}
