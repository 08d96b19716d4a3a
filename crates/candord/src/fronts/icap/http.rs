//! The little that has to be known of a message of HTTP. Its headers are what somebody on the Internet sent: they are read
//! leniently, as browsers read them, and only to know more, never less.

/// Encodings of bodies that the engine sees through by itself, as it looks into every format.
const KNOWN: [&str; 5] = ["", "gzip", "identity", "x-gzip", "zstd"];

/// Bytes of an address that are told.
const ADDRESS: usize = 2048;

/// Whether the body is encoded in a way that is not seen through.
pub(super) fn is_encoded(headers: &[u8]) -> bool {
    values(headers, "content-encoding")
        .flat_map(|value| value.split(',').map(|word| word.trim().to_ascii_lowercase()).collect::<Vec<_>>())
        .any(|word| !KNOWN.contains(&word.as_str()))
}

/// Whether the body is a part of something.
pub(super) fn is_part(headers: &[u8]) -> bool {
    values(headers, "content-range").next().is_some()
}

/// What makes a body of several parts a document that tells its type; nothing for other bodies.
pub(super) fn parts(headers: &[u8]) -> Vec<u8> {
    let is_plain =
        |value: &String| value.len() <= 512 && value.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    let kind = values(headers, "content-type").next().filter(is_plain).unwrap_or_default();
    if !kind.get(..10).is_some_and(|begin| begin.eq_ignore_ascii_case("multipart/")) {
        return Vec::new();
    }
    format!("MIME-Version: 1.0\r\nContent-Type: {kind}\r\n\r\n").into_bytes()
}

/// The address that a request is for, and the name of the file that it ends with.
pub(super) fn address(request: &[u8]) -> (String, String) {
    let line = request.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    let target = target.get(..ADDRESS).unwrap_or(target);
    let target = String::from_utf8_lossy(target).into_owned();
    let whole = if target.starts_with('/') {
        let host = values(request, "host").next().unwrap_or_default();
        let host = host.get(..ADDRESS).unwrap_or(&host);
        format!("http://{host}{target}")
    } else {
        target
    };
    let path = whole.split(['?', '#']).next().unwrap_or_default();
    let name = path.split_once("://").map_or(path, |(_, rest)| rest);
    let name = name.split_once('/').map_or("", |(_, rest)| rest);
    let name = name.rsplit('/').next().unwrap_or_default().to_owned();
    (if whole.is_empty() { String::from("icap") } else { whole }, name)
}

/// The values of all headers of this name.
fn values<'a>(headers: &'a [u8], wanted: &'a str) -> impl Iterator<Item = String> + 'a {
    headers.split(|byte| *byte == b'\n').skip(1).filter_map(move |line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let (name, value) = line.split_at_checked(colon)?;
        let is_it = name.trim_ascii().eq_ignore_ascii_case(wanted.as_bytes());
        is_it.then(|| String::from_utf8_lossy(value.get(1..).unwrap_or_default().trim_ascii()).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_that_are_not_seen_through_are_told() {
        for (value, wanted) in
            [("gzip", false), ("GZIP, identity", false), ("br", true), ("gzip, br", true), ("deflate", true)]
        {
            let headers = format!("HTTP/1.1 200 OK\r\ncontent-ENCODING : {value}\r\n\r\n");
            assert_eq!(is_encoded(headers.as_bytes()), wanted, "{value}");
        }
        assert!(!is_encoded(b"HTTP/1.1 200 OK\r\nVary: Content-Encoding: br\r\n\r\n"));
        assert!(is_encoded(b"HTTP/1.1 200 OK\nContent-Encoding: identity\nContent-Encoding: br\n\n"));
        assert!(is_part(b"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-1/9\r\n\r\n"));
    }

    #[test]
    fn addresses_are_told_with_the_name_that_they_end_with() {
        for (request, address, name) in [
            ("GET http://a/b/c.exe?d/e HTTP/1.1\r\n\r\n", "http://a/b/c.exe?d/e", "c.exe"),
            ("GET /b/c HTTP/1.1\r\nHost: a:80\r\n\r\n", "http://a:80/b/c", "c"),
            ("GET http://a HTTP/1.1\r\n\r\n", "http://a", ""),
            ("", "icap", ""),
        ] {
            assert_eq!(
                super::address(request.as_bytes()),
                (address.to_owned(), name.to_owned()),
                "{request}"
            );
        }
    }
}
