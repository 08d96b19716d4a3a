//! Members of an archive, for readers that need a few of them: by name, bounded, in memory.

use std::io::Read as _;

use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Reason, Sink,
};

/// Members that are looked at.
const MOST_MEMBERS: u32 = 2_000_000;

/// What becomes of a member.
pub(super) enum Wish {
    /// It is given, as far as this many bytes.
    Give(u64),
    /// It is passed over.
    Pass,
}

/// Gives the members of an archive that `wants` them to `take`, which says whether to go on; says why not all were
/// seen, if that is so.
pub(super) fn each(
    kind: FileType,
    bytes: &[u8],
    wants: &mut dyn FnMut(&str) -> Wish,
    take: &mut dyn FnMut(&str, &[u8]) -> bool,
) -> Option<String> {
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    // Members are given one after the other; what a reader keeps of them it bounds itself.
    let limits = Limits { max_memory: 1 << 30, max_children: MOST_MEMBERS, ..Limits::default() };
    let budget = Budget::new(limits, Interrupt::new(), length);
    let mut members = Members { wants, take, budget, trouble: None, left: MOST_MEMBERS };
    candor_unpack::unpack(kind, bytes, &mut members);
    members.trouble
}

struct Members<'a> {
    wants: &'a mut dyn FnMut(&str) -> Wish,
    take: &'a mut dyn FnMut(&str, &[u8]) -> bool,
    budget: Budget,
    trouble: Option<String>,
    left: u32,
}

impl Sink for Members<'_> {
    fn child(&mut self, _: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        let Some(left) = self.left.checked_sub(1) else {
            self.trouble = Some("it has more members than are looked at".to_owned());
            return Flow::Stop;
        };
        self.left = left;
        let Wish::Give(most) = (self.wants)(&member.name) else { return Flow::Continue };
        let goes_on = match content {
            Content::Bytes(whole) => (self.take)(&member.name, whole),
            Content::Part(part, reason) => {
                self.incomplete(reason);
                (self.take)(&member.name, part)
            }
            Content::Stream(stream) => {
                let mut held = Vec::new();
                let read = stream.take(most.saturating_add(1)).read_to_end(&mut held);
                let is_cut = u64::try_from(held.len()).is_ok_and(|length| length > most);
                if read.is_err() || is_cut {
                    let why = if is_cut { "too large" } else { "damaged" };
                    self.trouble.get_or_insert_with(|| format!("{} is {why}", member.name));
                }
                (self.take)(&member.name, &held)
            }
            Content::Absent(reason) => {
                self.incomplete(reason);
                true
            }
        };
        if goes_on { Flow::Continue } else { Flow::Stop }
    }

    fn facts(&mut self, _: Facts) {}

    fn incomplete(&mut self, reason: Reason) {
        self.trouble.get_or_insert_with(|| reason.to_string());
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}
