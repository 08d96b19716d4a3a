//! ICAP: what a proxy and a scanner of HTTP say to each other (RFC 3507).
//!
//! A request looks like one of HTTP; in its body it has the headers of a message of HTTP as they are, and the body of that
//! message in chunks:
//!
//! ```text
//! RESPMOD icap://scanner/avscan ICAP/1.0
//! Allow: 204
//! Preview: 4
//! Encapsulated: req-hdr=0, res-hdr=22, res-body=41
//!
//! GET /x HTTP/1.1 ... HTTP/1.1 200 OK ... 4 abcd 0
//! ```
//!
//! With a preview the client stops after its first bytes, and waits until it is told to go on, or what the answer is; a
//! body that ends within the preview says so (`0; ieof`).

mod chunks;
mod decoder;
mod head;
mod reply;
#[cfg(test)]
mod tests;

pub use decoder::{Decoder, Event, Step};
pub use head::{HTTP_LONGEST, LONGEST, Method, Part, Request};
pub use reply::{Reply, chunk, last_chunk, last_chunk_and_original};

/// Why a request is not understood, or not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is no request.
    BadRequest,
    /// What is to be done is not known.
    MethodNotAllowed,
    /// It is longer than any is.
    TooLarge,
    /// Of another version.
    Version,
}

impl Refusal {
    /// The status line's number and words.
    #[must_use]
    pub const fn status(self) -> &'static str {
        match self {
            Self::BadRequest => "400 Bad Request",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::TooLarge => "413 Request Entity Too Large",
            Self::Version => "505 ICAP Version Not Supported",
        }
    }
}
