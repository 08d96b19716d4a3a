//! Programs that unpack themselves: UPX by its format, all others by letting them do it.
//!
//! What comes out is given as a child: the program as it stands in memory, with plain headers in front. Where
//! the packer keeps more than the program of its author ever had in one piece, that is there, too.
//!
//! Only programs whose entry point lies in a section that they may write to are run: no compiler makes such
//! ones, and unpackers need them.

mod emulate;
mod rebuild;
mod upx;

#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

pub(crate) use crate::pe::PortableExecutable;
use emulate::Machine;

/// Instructions that a program may take to unpack itself: so many, and so many more for each byte of the
/// file, up to about a second. A small file that never ends must not cost what a large one may.
const STEPS: u64 = 2_000_000;
const STEPS_A_BYTE: u64 = 200;
const MOST_STEPS: u64 = 40_000_000;

/// What an instruction costs, in bytes that are read: a file may hold thousands of such programs.
const WORK_A_STEP: u64 = 4;

/// Bytes of memory that it may use.
const MEMORY: u64 = 128 << 20;

/// Gives what a packed program unpacks to.
pub(crate) fn unpack(file: &PortableExecutable<'_>, sink: &mut dyn Sink) -> Flow {
    match upx::portable_executable(file, sink) {
        Some(flow) => flow,
        None if !file.is_64_bit && file.entry_is_writable() => run(file, sink),
        None => Flow::Continue,
    }
}

/// Gives what a packed ELF file unpacks to.
pub(crate) fn unpack_elf(bytes: &[u8], sink: &mut dyn Sink) -> Flow {
    upx::elf(bytes, sink)
}

fn run(file: &PortableExecutable<'_>, sink: &mut dyn Sink) -> Flow {
    let limit = MEMORY.min(sink.budget().remaining()).min(sink.budget().memory());
    let Some(mut machine) = Machine::load(file, limit) else {
        sink.incomplete(Reason::Unsupported(String::from("a packed program that is larger than the limits")));
        return Flow::Continue;
    };
    let length = u64::from(file.image_size());
    let by_size = u64::try_from(file.bytes.len()).unwrap_or(u64::MAX).saturating_mul(STEPS_A_BYTE);
    let budget = sink.budget();
    let affordable = budget.work() / WORK_A_STEP;
    let steps = STEPS.saturating_add(by_size).min(MOST_STEPS).min(affordable);
    let ran = budget.spend(length).and_then(|()| machine.run(steps, budget));
    let _ = budget.pay_work(machine.steps().min(affordable).saturating_mul(WORK_A_STEP));
    match ran {
        Ok(true) => (),
        Ok(false) if steps == affordable => sink.incomplete(Reason::Work),
        Ok(false) => sink
            .incomplete(Reason::Unsupported(String::from("a packed program that takes too long to unpack"))),
        Err(reason) => {
            sink.incomplete(reason);
            return Flow::Stop;
        }
    }
    let Some(left) = machine.leave() else { return Flow::Continue };
    let entry = left.entry.unwrap_or(0);
    let rebuilt = rebuild::from_memory(file, &left.image, entry);
    if child("unpacked", &rebuilt, sink) == Flow::Stop {
        return Flow::Stop;
    }
    for other in &left.others {
        let end = other.iter().rposition(|byte| *byte != 0).map_or(0, |last| last.saturating_add(1));
        let bytes = other.get(..end).unwrap_or_default();
        // Some read their own file to see whether it was changed: that one would be run again, and do the same.
        let is_own = file.bytes.starts_with(bytes);
        if bytes.len() >= 64 && !is_own && child("memory", bytes, sink) == Flow::Stop {
            return Flow::Stop;
        }
    }
    Flow::Continue
}

fn child(name: &str, bytes: &[u8], sink: &mut dyn Sink) -> Flow {
    let member = Member { name: name.to_owned(), ..Member::default() };
    sink.child(ChildKind::Extracted, &member, Content::Bytes(bytes))
}
