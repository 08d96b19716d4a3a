//! What a mail server says: bytes in, events out.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Bytes of a packet. Servers send bodies in pieces of 64 KiB; one that was told it may send a mebibyte is not
/// spoken with here.
pub const LONGEST: usize = 128 << 10;

/// Macros of one packet that are kept.
const MACROS: usize = 256;

/// Arguments of MAIL and RCPT.
const ARGUMENTS: usize = 64;

/// Something that happens in a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The server says what it can: its version, actions and steps.
    Negotiate(u32, u32, u32),
    /// Values that go with the step of this letter.
    Macros(u8, Vec<(&'a [u8], &'a [u8])>),
    /// A client came.
    Connect(&'a [u8], Address),
    /// It said who it is.
    Helo,
    /// A message begins; who sent it, and more arguments.
    Mail(Vec<&'a [u8]>),
    /// Who is to have it.
    Recipient(Vec<&'a [u8]>),
    /// The message itself comes.
    Data,
    /// A header: name, value.
    Header(&'a [u8], &'a [u8]),
    /// There are no more.
    EndOfHeaders,
    /// A piece of the body.
    Body(&'a [u8]),
    /// The message ends, with this as the last piece of its body.
    EndOfMessage(&'a [u8]),
    /// The message will not go on; another one may come.
    Abort,
    /// The client is gone; another one comes over this connection.
    NextClient,
    /// The end.
    Quit,
    /// Something that the server did not understand.
    Unknown,
}

/// Where a client came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// A network.
    Network(IpAddr),
    /// This machine, not over a network.
    Local,
    /// Not known.
    Unknown,
}

/// The bytes are not of this protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// A packet that is longer than any may be, or empty.
    Length(u32),
    /// A letter that stands for nothing.
    Letter(u8),
    /// A packet without what belongs to it.
    Content(u8),
}

/// Cuts bytes into events. It has no state: packets tell their length.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder;

impl Decoder {
    /// The next event, and how many bytes it has. `None` when more are needed.
    ///
    /// # Errors
    /// The bytes are not of this protocol; nothing that comes after them can be understood.
    pub fn next<'a>(&self, input: &'a [u8]) -> Result<Option<(usize, Event<'a>)>, Broken> {
        let Some((length, rest)) = input.split_first_chunk::<4>() else { return Ok(None) };
        let number = u32::from_be_bytes(*length);
        let length = usize::try_from(number).unwrap_or(usize::MAX);
        if length == 0 || length > LONGEST {
            return Err(Broken::Length(number));
        }
        let Some(packet) = rest.get(..length) else { return Ok(None) };
        let Some((letter, content)) = packet.split_first() else { return Err(Broken::Length(number)) };
        let event = event(*letter, content)?;
        Ok(Some((length.saturating_add(4), event)))
    }
}

fn event(letter: u8, content: &[u8]) -> Result<Event<'_>, Broken> {
    let broken = Broken::Content(letter);
    Ok(match letter {
        b'O' => {
            let mut numbers = content.chunks_exact(4).filter_map(|chunk| chunk.first_chunk::<4>().copied());
            let mut number = || numbers.next().map(u32::from_be_bytes).ok_or(broken);
            Event::Negotiate(number()?, number()?, number()?)
        }
        b'D' => {
            let (step, values) = content.split_first().ok_or(broken)?;
            let mut texts = texts(values);
            let mut macros = Vec::new();
            while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
                if macros.len() >= MACROS {
                    return Err(broken);
                }
                macros.push((plain(name), value));
            }
            Event::Macros(*step, macros)
        }
        b'C' => {
            let end = memchr::memchr(0, content).ok_or(broken)?;
            let (name, rest) = content.split_at_checked(end).ok_or(broken)?;
            Event::Connect(name, address(rest.get(1..).unwrap_or_default()).ok_or(broken)?)
        }
        b'H' => Event::Helo,
        b'M' => Event::Mail(arguments(content).ok_or(broken)?),
        b'R' => Event::Recipient(arguments(content).ok_or(broken)?),
        b'T' => Event::Data,
        b'L' => {
            let mut texts = texts(content);
            match (texts.next(), texts.next()) {
                (Some(name), Some(value)) => Event::Header(name, value),
                _ => return Err(broken),
            }
        }
        b'N' => Event::EndOfHeaders,
        b'B' => Event::Body(content),
        b'E' => Event::EndOfMessage(content),
        b'A' => Event::Abort,
        b'K' => Event::NextClient,
        b'Q' => Event::Quit,
        b'U' => Event::Unknown,
        other => return Err(Broken::Letter(other)),
    })
}

/// Texts that end with a zero each.
fn texts(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let whole = memchr::memrchr(0, content).and_then(|end| content.get(..end));
    whole.into_iter().flat_map(|whole| whole.split(|byte| *byte == 0))
}

fn arguments(content: &[u8]) -> Option<Vec<&[u8]>> {
    let arguments: Vec<&[u8]> = texts(content).take(ARGUMENTS).collect();
    (!arguments.is_empty()).then_some(arguments)
}

/// The name of a macro without the braces that long ones have.
fn plain(name: &[u8]) -> &[u8] {
    name.strip_prefix(b"{").and_then(|rest| rest.strip_suffix(b"}")).unwrap_or(name)
}

fn address(rest: &[u8]) -> Option<Address> {
    let (family, rest) = rest.split_first()?;
    let text = || {
        let text = texts(rest.get(2..)?).next()?;
        std::str::from_utf8(text).ok()
    };
    Some(match family {
        b'U' => Address::Unknown,
        b'L' => Address::Local,
        b'4' => text()?.parse::<Ipv4Addr>().map_or(Address::Unknown, |at| Address::Network(at.into())),
        b'6' => {
            let text = text()?;
            let bare = text.get(..5).filter(|start| start.eq_ignore_ascii_case("IPv6:"));
            let text = bare.and_then(|_| text.get(5..)).unwrap_or(text);
            text.parse::<Ipv6Addr>().map_or(Address::Unknown, |at| Address::Network(at.to_canonical()))
        }
        _ => return None,
    })
}
