//! What a filter says.

/// What a filter wants of a server, out of what the server can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The version that is spoken.
    pub version: u32,
    /// What is asked for at the end of messages.
    pub actions: u32,
    /// What the server leaves out.
    pub steps: u32,
}

/// A reply, or something that is to be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// What was agreed upon.
    Negotiated(Offer),
    /// Go on.
    Continue,
    /// The message, or the client, is welcome; no more is told of it.
    Accept,
    /// It is refused for good.
    Reject,
    /// It is refused for the moment.
    Defer,
    /// It is taken, and goes nowhere.
    Discard,
    /// No more of the body needs to be told.
    Skip,
    /// More time is needed.
    Progress,
    /// It is refused with these words: a code, such as `550 5.7.1`, and a text.
    Code(&'a str, &'a str),
    /// It is to be kept back, for this reason.
    Quarantine(&'a str),
    /// A header is to be added behind all others.
    AddHeader(&'a str, &'a str),
    /// A header is to be put at this place among all.
    InsertHeader(u32, &'a str, &'a str),
    /// The header of this name and number among those of its name is to have this value; none to remove it.
    ChangeHeader(u32, &'a str, &'a str),
}

impl Reply<'_> {
    /// Appends the packet.
    pub fn write(self, out: &mut Vec<u8>) {
        let mut packet = Vec::new();
        match self {
            Self::Negotiated(Offer { version, actions, steps }) => {
                packet.push(b'O');
                for number in [version, actions, steps] {
                    packet.extend_from_slice(&number.to_be_bytes());
                }
            }
            Self::Continue => packet.push(b'c'),
            Self::Accept => packet.push(b'a'),
            Self::Reject => packet.push(b'r'),
            Self::Defer => packet.push(b't'),
            Self::Discard => packet.push(b'd'),
            Self::Skip => packet.push(b's'),
            Self::Progress => packet.push(b'p'),
            Self::Code(code, text) => {
                packet.push(b'y');
                // A percent sign begins something that servers replace.
                let text: String = text.chars().flat_map(percents).collect();
                texts(&[&format!("{code} {text}")], &mut packet);
            }
            Self::Quarantine(why) => {
                packet.push(b'q');
                texts(&[why], &mut packet);
            }
            Self::AddHeader(name, value) => {
                packet.push(b'h');
                texts(&[name, value], &mut packet);
            }
            Self::InsertHeader(place, name, value) => {
                packet.push(b'i');
                packet.extend_from_slice(&place.to_be_bytes());
                texts(&[name, value], &mut packet);
            }
            Self::ChangeHeader(number, name, value) => {
                packet.push(b'm');
                packet.extend_from_slice(&number.to_be_bytes());
                texts(&[name, value], &mut packet);
            }
        }
        let length = u32::try_from(packet.len()).unwrap_or(u32::MAX);
        out.extend_from_slice(&length.to_be_bytes());
        out.append(&mut packet);
    }
}

/// A name that somebody chose cannot end a text, a header or a line.
fn texts(texts: &[&str], packet: &mut Vec<u8>) {
    for text in texts {
        packet.extend(text.bytes().map(|byte| if byte < b' ' || byte == 0x7f { b'?' } else { byte }));
        packet.push(0);
    }
}

fn percents(letter: char) -> impl Iterator<Item = char> {
    std::iter::repeat_n(letter, if letter == '%' { 2 } else { 1 })
}
