//! What is shown in place of what is blocked.

/// The page with why and where; both may come from whoever made what was blocked, and are text.
pub(super) fn fill(page: &str, why: &str, address: &str) -> String {
    let mut filled = String::with_capacity(page.len());
    let mut rest = page;
    while let Some((before, after)) = rest.split_once('%') {
        filled.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('v') {
            escape(why, &mut filled);
            rest = after;
        } else if let Some(after) = rest.strip_prefix('u') {
            escape(address, &mut filled);
            rest = after;
        } else {
            filled.push('%');
        }
    }
    filled.push_str(rest);
    filled
}

/// The headers that it has.
pub(super) fn head(length: usize) -> String {
    format!(
        "HTTP/1.1 403 Forbidden\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {length}\r\n\
         Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
         X-Content-Type-Options: nosniff\r\n\r\n"
    )
}

fn escape(text: &str, out: &mut String) {
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter if letter.is_control() => out.push('\u{fffd}'),
            letter => out.push(letter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_text_and_names_nothing_to_be_filled_in() {
        let filled = fill("100% %v at %u%", "<b>%u", "http://a/'\"><script>%v\n");
        assert_eq!(filled, "100% &lt;b&gt;%u at http://a/&#39;&quot;&gt;&lt;script&gt;%v\u{fffd}%");
    }
}
