//! What a scanner says.

/// The head of an answer.
#[derive(Clone, Debug)]
pub struct Reply<'a> {
    /// Number and words, such as `204 No Content`.
    pub status: &'a str,
    /// Changes when the same message might be answered otherwise.
    pub tag: &'a str,
    /// More headers.
    pub headers: &'a [(&'a str, &'a str)],
    /// Where the parts of what follows begin; empty for nothing.
    pub encapsulated: &'a str,
    /// Whether the connection goes on.
    pub keep_alive: bool,
}

impl Reply<'_> {
    /// Appends it.
    pub fn write(&self, out: &mut Vec<u8>) {
        let mut line = |text: &str| {
            // A name that somebody chose cannot begin a line.
            out.extend(text.bytes().map(|byte| if byte < b' ' || byte == 0x7f { b'?' } else { byte }));
            out.extend_from_slice(b"\r\n");
        };
        line(&format!("ICAP/1.0 {}", self.status));
        line(&format!("ISTag: \"{}\"", self.tag));
        line(&format!("Server: Candor/{}", env!("CARGO_PKG_VERSION")));
        line(if self.keep_alive { "Connection: keep-alive" } else { "Connection: close" });
        for (name, value) in self.headers {
            line(&format!("{name}: {value}"));
        }
        if !self.encapsulated.is_empty() {
            line(&format!("Encapsulated: {}", self.encapsulated));
        }
        line("");
    }
}

/// Appends a chunk of a body; nothing for no bytes, as that would end it.
pub fn chunk(bytes: &[u8], out: &mut Vec<u8>) {
    if bytes.is_empty() {
        return;
    }
    out.extend_from_slice(format!("{:x}\r\n", bytes.len()).as_bytes());
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
}

/// Ends a body.
pub fn last_chunk(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0\r\n\r\n");
}

/// Ends a body by all of the one that the client has (draft-icap-ext-partial-content, section 3).
pub fn last_chunk_and_original(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0; use-original-body=0\r\n\r\n");
}
