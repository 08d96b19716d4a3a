//! Passwords that are tried on everything that is encrypted.

use candor_model::Sink;
use memchr::memmem;

/// What samples are shared with, and what spam puts into its text most often.
const COMMON: [&str; 14] = [
    "infected",
    "virus",
    "malware",
    "password",
    "Password",
    "123",
    "1234",
    "12345",
    "123456",
    "1111",
    "0000",
    "pass",
    "abc123",
    "dangerous",
];

/// Those that the sink knows, then the common ones.
pub(crate) fn candidates(sink: &dyn Sink) -> Vec<Vec<u8>> {
    let mut candidates = sink.passwords().to_vec();
    candidates.extend(COMMON.iter().map(|common| common.as_bytes().to_vec()));
    candidates
}

/// Bytes of a text that are searched for passwords, and passwords that are taken from it.
const SEARCHED: usize = 256 << 10;
const MENTIONED: usize = 24;
/// Words behind a cue that may be the password: `the password is: x`.
const WORDS: usize = 3;

/// What a password is called, in lower case. Each is long enough that few other words hold it.
const CUES: [&str; 16] = [
    "password",
    "passwort",
    "kennwort",
    "passcode",
    "passwd",
    "pass:",
    "pwd",
    "mot de passe",
    "contrase",
    "clave",
    "senha",
    "parola",
    "wachtwoord",
    "has\u{142}o",
    "\u{43f}\u{430}\u{440}\u{43e}\u{43b}",
    "\u{5bc6}\u{7801}",
];

/// What a text says that a password is. Senders write it there for the reader and not for the scanner.
pub(crate) fn mentioned(text: &[u8]) -> Vec<Vec<u8>> {
    let text = text.get(..SEARCHED).unwrap_or(text);
    let lower = text.to_ascii_lowercase();
    let mut found: Vec<Vec<u8>> = Vec::new();
    for cue in CUES {
        for at in memmem::find_iter(&lower, cue.as_bytes()).take(MENTIONED) {
            let behind = text.get(at.saturating_add(cue.len())..).unwrap_or_default();
            for word in words(behind) {
                for word in [word, trimmed(word)] {
                    let is_new = !found.iter().any(|known| known == word);
                    if (2..=64).contains(&word.len()) && is_new && found.len() < MENTIONED {
                        found.push(word.to_vec());
                    }
                }
            }
        }
    }
    found
}

/// The next words of a text that may be HTML, without those that only lead to the password.
fn words(text: &[u8]) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut rest = text.get(..512).unwrap_or(text);
    while let Some(&first) = rest.first() {
        if words.len() >= WORDS {
            break;
        }
        let length = match first {
            b'<' => memchr::memchr(b'>', rest).map_or(1, |end| end.saturating_add(1)),
            _ if is_between(first) => 1,
            _ => {
                let length = rest.iter().take_while(|&&byte| byte != b'<' && !is_between(byte)).count();
                let word = rest.get(..length).unwrap_or_default();
                let leads = [&b"is"[..], b"for", b"the", b"to", b"ist", b":", b"=", b"-", b"&nbsp;"];
                if !leads.iter().any(|lead| word.eq_ignore_ascii_case(lead)) {
                    words.push(word);
                }
                length.max(1)
            }
        };
        rest = rest.get(length..).unwrap_or_default();
    }
    words
}

const fn is_between(byte: u8) -> bool {
    byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'`' | 0)
}

/// A word without the punctuation of its sentence.
fn trimmed(word: &[u8]) -> &[u8] {
    let is_mark = |byte: &u8| {
        matches!(byte, b'.' | b',' | b';' | b':' | b'!' | b'?' | b'(' | b')' | b'[' | b']' | b'*' | b'=')
    };
    let start = word.iter().take_while(|byte| is_mark(byte)).count();
    let end = word.iter().rposition(|byte| !is_mark(byte)).map_or(start, |last| last.saturating_add(1));
    word.get(start..end).unwrap_or_default()
}

/// The first of the candidates, for formats on which each costs a fraction of a second: what the sink knows
/// comes first and gets more trials than the common ones do.
pub(crate) fn few_candidates(sink: &dyn Sink, common: usize) -> Vec<Vec<u8>> {
    let most = sink.passwords().len().min(8).saturating_add(common);
    candidates(sink).into_iter().take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::mentioned;

    #[test]
    fn passwords_are_taken_from_what_a_mail_says() {
        let has = |text: &str, password: &str| {
            let found = mentioned(text.as_bytes());
            assert!(found.iter().any(|word| word == password.as_bytes()), "{text}: {found:?}");
        };
        has("Archive password: Inv0ice77\r\n", "Inv0ice77");
        has("The PASSWORD is \"k9!x\".", "k9!x");
        has("use the password 8812, please", "8812");
        has("<p>Password:&nbsp;<b>zed4</b></p>", "zed4");
        has("Passwort: gEheim1.", "gEheim1");
        has("\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}: 555", "555");
        assert!(mentioned(b"nothing of the kind").is_empty());
        assert!(mentioned("password ".repeat(9000).as_bytes()).len() <= 24);
    }
}
