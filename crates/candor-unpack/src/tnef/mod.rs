//! TNEF, the `winmail.dat` of Outlook: bodies and attachments.
//!
//! Layout: MS-OXTNEF. A signature, a key, then attributes: level, number, length, data, checksum. The title
//! of an attachment stands before or behind its data, so it is kept until the next one begins. Two attributes are lists of
//! properties (2.1.3.4), among which are the bodies in RTF and HTML and the objects that are attached.

mod properties;
#[cfg(test)]
mod tests;

use candor_model::{ChildKind, Content, Flow, Member, Reason, Sink};

use crate::name::decoded;
use crate::reader::{Reader, clipped, without_nuls};
use crate::work::Work;

/// Body, title, data, properties of an attachment, properties of the message, and what begins an attachment.
const BODY: u32 = 0x0002_800c;
const TITLE: u32 = 0x0001_8010;
const DATA: u32 = 0x0006_800f;
const ATTACHMENT: u32 = 0x0006_9005;
const PROPERTIES: u32 = 0x0006_9003;
const BEGINNING: u32 = 0x0006_9002;

/// What an attribute costs, and that of one that is a title beside its bytes, in the units of
/// [`candor_model::Budget::pay_work`].
const ATTRIBUTE: usize = 16;
const NAME: usize = 64;

/// Gives bodies and attachments.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let Some(mut reader) = Reader::little(bytes).at(6) else {
        sink.incomplete(Reason::Malformed("TNEF header".to_owned()));
        return;
    };
    let mut position = 0_u64;
    let mut title = String::new();
    let mut held: Option<&[u8]> = None;
    let mut work = Work::of(bytes);
    // Whether an attachment has begun whose content is to come.
    let mut is_awaited = false;
    let mut is_cut = false;
    loop {
        let rest = reader.rest();
        let mut head = || Some((reader.u8()?, reader.u32()?, reader.u32()?));
        let Some((_, number, length)) = head() else {
            is_cut = is_awaited || rest.iter().any(|byte| !matches!(byte, 0 | b'\r' | b'\n'));
            break;
        };
        let data = clipped(reader.rest(), 0, u64::from(length));
        let price =
            if number == TITLE { data.len().saturating_mul(4).saturating_add(NAME) } else { ATTRIBUTE };
        if !work.pay(price, sink) {
            break;
        }
        is_awaited = match number {
            BEGINNING => true,
            DATA | ATTACHMENT => false,
            _ => is_awaited,
        };
        let given = match number {
            BEGINNING => {
                let before = held.take().map(|data| (std::mem::take(&mut title), data));
                title.clear();
                before
            }
            TITLE => {
                title = decoded(without_nuls(data));
                None
            }
            DATA => held.replace(data).map(|data| (String::new(), data)),
            BODY => Some(("body".to_owned(), data)),
            ATTACHMENT | PROPERTIES => Some(("properties".to_owned(), data)),
            _ => None,
        };
        if let Some((name, data)) = given
            && give(sink, &mut position, name, data) == Flow::Stop
        {
            return;
        }
        if matches!(number, ATTACHMENT | PROPERTIES)
            && properties::give(data, &mut position, &mut work, sink) == Flow::Stop
        {
            return;
        }
        // The data, and their checksum.
        if reader.skip(u64::from(length).saturating_add(2)).is_none() {
            is_cut = true;
            break;
        }
    }
    if is_cut {
        sink.incomplete(Reason::Malformed("an attribute is cut short".to_owned()));
    }
    if let Some(data) = held {
        // There is nothing after this child, so whether to go on makes no difference.
        let _ = give(sink, &mut position, title, data);
    }
}

fn give(sink: &mut dyn Sink, position: &mut u64, name: String, content: &[u8]) -> Flow {
    *position = position.saturating_add(1);
    let real_size = u64::try_from(content.len()).ok();
    let member = Member { name, position: *position, real_size, ..Member::default() };
    sink.child(ChildKind::Extracted, &member, Content::Bytes(content))
}
