//! Passwords that are tried on everything that is encrypted.

use std::sync::LazyLock;

use aho_corasick::{AhoCorasick, Input, MatchKind};
use candor_model::Sink;
use encoding_rs::Encoding;

use crate::{html, mail};

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
/// How far behind a cue the password stands.
const REACH: usize = 512;
/// Words behind a cue that may be the password: `the password is: x`.
const WORDS: usize = 3;

/// What a password is called, in lower case. Each is long enough that few other words hold it.
const CUES: [&str; 21] = [
    "password",
    "passwort",
    "kennwort",
    "passcode",
    "passwd",
    "pwd",
    "mot de passe",
    "contrase",
    "clave",
    "senha",
    "parola",
    "wachtwoord",
    "heslo",
    "has\u{142}o",
    "\u{43f}\u{430}\u{440}\u{43e}\u{43b}",
    "\u{5bc6}\u{7801}",
    "\u{5bc6}\u{78bc}",
    "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}",
    "\u{be44}\u{bc00}\u{bc88}\u{d638}",
    "unlock with",
    "with code",
];
/// What texts are written in that are not in UTF-8: not every part of a mail says it, and what says it may be another layer.
static ENCODINGS: [&Encoding; 9] = [
    encoding_rs::WINDOWS_1251,
    encoding_rs::KOI8_U,
    encoding_rs::IBM866,
    encoding_rs::WINDOWS_1250,
    encoding_rs::GBK,
    encoding_rs::BIG5,
    encoding_rs::SHIFT_JIS,
    encoding_rs::EUC_JP,
    encoding_rs::EUC_KR,
];
/// Shorter ones, which other words end with: where one begins, and something says that what follows is one.
const SHORT_CUES: [(&str, &[&str]); 6] =
    [("pass", &PASS), ("pin", &SAYING), ("code", &SAYING), ("key", &SAYING), ("pw", &PW), ("p/w", &PW)];
/// What says it behind these, and how many are looked at: addresses and scripts have keys, too. What means nothing else needs less.
const SAYING: [&str; 3] = [":", " :", " is "];
const PASS: [&str; 5] = [":", " :", " is ", "=", " ="];
const PW: [&str; 4] = [":", " ", "=", "\t"];
const SHORT: usize = 4;
/// What stands behind a password that the reader is told to use, the words that tell it, and those that point to another place.
const PURPOSES: [&str; 9] = [
    " to open",
    " to unlock",
    " to extract",
    " to unpack",
    " to unzip",
    " to decrypt",
    " as password",
    " as the password",
    " as a password",
];
const TELLING: [&str; 4] = ["use", "enter", "type", "with"];
const POINTING: [&str; 6] = ["it", "this", "that", "them", "these", "password"];

/// What a text says that a password is. Senders write it there for the reader and not for the scanner, so that it is looked
/// for in what readers are shown, too.
pub(crate) fn mentioned(text: &[u8]) -> Vec<Vec<u8>> {
    let text = text.get(..SEARCHED).unwrap_or(text);
    let narrow = unwidened(text);
    let text = narrow.as_deref().unwrap_or(text);
    let mut found: Vec<Vec<u8>> = Vec::new();
    if let Some(header) = mail::header_in_the_clear(text) {
        add(&shown(&header), false, &mut found);
    }
    if memchr::memchr2(b'<', b'&', text).is_some() || !text.is_ascii() {
        add(&shown(text), false, &mut found);
    }
    add(text, true, &mut found);
    for encoding in encodings(text) {
        add(&shown(encoding.decode_without_bom_handling(text).0.as_bytes()), false, &mut found);
    }
    found
}

/// The cues that are no ASCII, in all cases and encodings, with the encoding of each.
static ENCODED: LazyLock<Option<(AhoCorasick, Vec<&'static Encoding>)>> = LazyLock::new(|| {
    let (mut words, mut encodings) = (Vec::new(), Vec::new());
    for cue in CUES.iter().filter(|cue| !cue.is_ascii()) {
        let mut letters = cue.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        let cases = [(*cue).to_owned(), cue.to_uppercase(), first + letters.as_str()];
        for encoding in ENCODINGS {
            for (word, _, has_others) in cases.iter().map(|case| encoding.encode(case)) {
                if !has_others {
                    words.push(word.into_owned());
                    encodings.push(encoding);
                }
            }
        }
    }
    Some((AhoCorasick::new(words).ok()?, encodings))
});

/// Encodings that one text is read in: its words may be words in others, too.
const GUESSES: usize = 4;

/// The encodings in which a text that is not in UTF-8 has a cue.
fn encodings(text: &[u8]) -> Vec<&'static Encoding> {
    let mut found: Vec<&'static Encoding> = Vec::new();
    let (None, Some((cues, encodings))) = (str::from_utf8(text).ok(), &*ENCODED) else { return found };
    for cue in cues.find_overlapping_iter(text) {
        found.extend(encodings.get(cue.pattern().as_usize()).filter(|encoding| !found.contains(encoding)));
        if found.len() >= GUESSES {
            break;
        }
    }
    found
}

/// A text in lower case that is as long: letters of several bytes whose other case has as many.
fn lowered(text: &[u8]) -> Vec<u8> {
    let mut lower = text.to_ascii_lowercase();
    let mut rest = lower.as_mut_slice();
    while let Some(at) = rest.iter().position(|byte| !byte.is_ascii()) {
        let Some((first, _)) = rest.get(at..).and_then(<[u8]>::split_first) else { break };
        let length = match first {
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            _ => 4,
        };
        let end = at.saturating_add(length);
        let letter = rest.get(at..end).and_then(|letter| str::from_utf8(letter).ok());
        let is_letter = letter.is_some();
        let mut others = letter.into_iter().flat_map(str::chars).flat_map(char::to_lowercase);
        let other = others.next().filter(|other| others.next().is_none() && other.len_utf8() == length);
        if let (Some(other), Some(letter)) = (other, rest.get_mut(at..end)) {
            other.encode_utf8(letter);
        }
        let length = if is_letter { length } else { 1 };
        rest = rest.get_mut(at.saturating_add(length)..).unwrap_or_default();
    }
    lower
}

/// Adds what stands behind the cues of a text, which may have tags.
fn add(text: &[u8], has_tags: bool, found: &mut Vec<Vec<u8>>) {
    let lower = lowered(text);
    let mut keep = |word: &[u8]| {
        let is_new = !found.iter().any(|known| known == word);
        if (2..=64).contains(&word.len()) && is_new && found.len() < MENTIONED {
            found.push(word.to_vec());
        }
    };
    let mut take = |cue: &str, at: usize| {
        let behind = text.get(at.saturating_add(cue.len())..).unwrap_or_default();
        let ends = |byte: &u8| matches!(byte, b'\r' | b'\n') || (*byte == b'<' && has_tags);
        let line = behind.get(..REACH).unwrap_or(behind).split(ends).next().unwrap_or_default();
        let words = words(behind, has_tags).into_iter().flat_map(|word| [word, trimmed(word)]);
        // What stands in quotes is more than its first word, and a line may be one with blanks.
        quoted(line).into_iter().chain(introduced(line)).chain(words).chain(named(line)).for_each(&mut keep);
    };
    let places = Places::of(&lower);
    for (cue, places) in CUES.iter().zip(&places.cues) {
        places.iter().for_each(|&at| take(cue, at));
    }
    for ((cue, _), places) in SHORT_CUES.iter().zip(&places.short) {
        places.iter().for_each(|&at| take(cue, at));
    }
    for at in places.purposes.iter().flatten() {
        text.get(..*at).and_then(used).into_iter().for_each(&mut keep);
    }
}

/// Places of a text at which such words are looked at: many more than a text has that is not made of them.
const LOOKED_AT: usize = 4096;

/// Where the words stand that tell of passwords, the first places of each.
struct Places {
    cues: [Vec<usize>; CUES.len()],
    short: [Vec<usize>; SHORT_CUES.len()],
    purposes: [Vec<usize>; PURPOSES.len()],
}

/// All of these words: a text is searched for them once.
static WORDS_THAT_TELL: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    let short = SHORT_CUES.iter().map(|(cue, _)| cue);
    let words = CUES.iter().chain(short).chain(&PURPOSES);
    // Vectors find any of these, where words within others had to be told by an automaton.
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(words).ok()
});

impl Places {
    /// Those of a text in lower case.
    fn of(lower: &[u8]) -> Self {
        let mut places =
            Self { cues: Default::default(), short: Default::default(), purposes: Default::default() };
        let Some(words) = &*WORDS_THAT_TELL else { return places };
        let mut from = 0;
        // Words that begin at one place, or within one another, count each for itself.
        for _ in 0..LOOKED_AT {
            let Some(word) = words.find(Input::new(lower).range(from..)) else { break };
            from = word.start().saturating_add(1);
            places.note(lower, word.start());
        }
        places
    }

    /// Notes every word that begins at a place.
    fn note(&mut self, lower: &[u8], at: usize) {
        let (before, here) = lower.split_at_checked(at).unwrap_or_default();
        for (cue, places) in CUES.iter().zip(&mut self.cues) {
            if places.len() < MENTIONED && here.starts_with(cue.as_bytes()) {
                places.push(at);
            }
        }
        let begins = !before.last().is_some_and(u8::is_ascii_alphanumeric);
        for ((cue, saying), places) in SHORT_CUES.iter().zip(&mut self.short) {
            let behind = here.strip_prefix(cue.as_bytes()).filter(|_| begins && places.len() < SHORT);
            if behind.is_some_and(|behind| saying.iter().any(|saying| behind.starts_with(saying.as_bytes())))
            {
                places.push(at);
            }
        }
        for (purpose, places) in PURPOSES.iter().zip(&mut self.purposes) {
            if places.len() < MENTIONED && here.starts_with(purpose.as_bytes()) {
                places.push(at);
            }
        }
    }
}

/// The last word of a text, when the one before tells the reader to use it.
fn used(text: &[u8]) -> Option<&[u8]> {
    let is_one_of =
        |words: &[&str], word: &[u8]| words.iter().any(|one| word.eq_ignore_ascii_case(one.as_bytes()));
    let near = text.get(text.len().saturating_sub(REACH)..)?;
    let mut words = near.rsplit(|byte| is_between(*byte)).filter(|word| !word.is_empty());
    let (word, telling) = (words.next()?, words.next()?);
    (is_one_of(&TELLING, telling) && !is_one_of(&POINTING, word)).then_some(word)
}

/// The first word behind a colon or an equals sign that ends what leads to it: `password for the archive: x`.
fn introduced(line: &[u8]) -> Option<&[u8]> {
    let near = line.get(..NEAR_WORD).unwrap_or(line);
    let at = near.iter().position(|byte| matches!(byte, b':' | b'='))?;
    let (lead, behind) = (near.get(..at)?, line.get(at.checked_add(1)?..)?);
    // That of another sentence leads to something else.
    let is_one = memchr::memchr3(b'.', b'!', b'?', lead).is_none();
    let word = behind.trim_ascii_start().split(|byte| is_between(*byte)).next()?;
    is_one.then(|| trimmed(word))
}

/// How far behind a cue what leads to it ends.
const NEAR_WORD: usize = 64;

/// What stands in quotes behind a cue, near to it.
fn quoted(line: &[u8]) -> Option<&[u8]> {
    let start = line.iter().take(NEAR_QUOTE).position(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
    let (quote, rest) = line.get(start..)?.split_first()?;
    rest.get(..memchr::memchr(*quote, rest)?)
}

/// How far behind a cue a quote begins: `password for the archive is "`.
const NEAR_QUOTE: usize = 32;

/// What a line says behind a cue and what leads from it.
fn named(line: &[u8]) -> Option<&[u8]> {
    let rest = line.trim_ascii_start();
    let leads = [&b":"[..], b"=", b"is "];
    leads.iter().find_map(|lead| rest.strip_prefix(*lead)).map(<[u8]>::trim_ascii)
}

/// A text in UTF-16 as UTF-8.
fn unwidened(text: &[u8]) -> Option<Vec<u8>> {
    let near = text.get(..NEAR).unwrap_or(text);
    let zeros = |first: usize| near.iter().skip(first).step_by(2).filter(|byte| **byte == 0).count();
    let encoding = match near {
        [0xff, 0xfe, ..] => encoding_rs::UTF_16LE,
        [0xfe, 0xff, ..] => encoding_rs::UTF_16BE,
        _ if zeros(1) > zeros(0) => encoding_rs::UTF_16LE,
        _ if zeros(0) > 0 => encoding_rs::UTF_16BE,
        _ => return None,
    };
    Some(encoding.decode(text).0.into_owned().into_bytes())
}

/// Bytes of a text that tell whether it is in UTF-16.
const NEAR: usize = 256;

/// Tags that separate words; others do not.
const SEPARATING: [&[u8]; 17] = [
    b"p",
    b"br",
    b"div",
    b"td",
    b"th",
    b"tr",
    b"li",
    b"ul",
    b"ol",
    b"table",
    b"hr",
    b"h1",
    b"h2",
    b"h3",
    b"pre",
    b"body",
    b"blockquote",
];

/// What a reader is shown of a text that may be HTML: without tags and what has no width, and with characters for their names.
fn shown(text: &[u8]) -> Vec<u8> {
    let mut shown = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut bracket = 0_usize;
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        match first {
            b'<' if behind
                .first()
                .is_some_and(|next| next.is_ascii_alphabetic() || matches!(next, b'/' | b'!')) =>
            {
                // One without an end is none; where the next bracket stands is found once.
                let at = text.len().saturating_sub(behind.len());
                if bracket < at {
                    let next = memchr::memchr(b'>', behind);
                    bracket = next.map_or(usize::MAX, |next| at.saturating_add(next));
                }
                if bracket == usize::MAX {
                    shown.push(first);
                    continue;
                }
                let end = bracket.saturating_sub(at);
                let tag = behind.get(..end).unwrap_or_default();
                let name = tag.strip_prefix(b"/").unwrap_or(tag);
                let length = name.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
                let name = name.get(..length).unwrap_or_default();
                if SEPARATING.iter().any(|separating| name.eq_ignore_ascii_case(separating)) {
                    shown.push(b' ');
                }
                rest = behind.get(end.saturating_add(1)..).unwrap_or_default();
            }
            b'&' => match html::named_character(behind) {
                Some((character, length)) => {
                    push(character, &mut shown);
                    rest = behind.get(length..).unwrap_or_default();
                }
                None => shown.push(first),
            },
            // The only ones of several bytes that are no letters of a word, with some that are.
            0xc2 | 0xe2 | 0xe3 | 0xef => {
                let length = if first == 0xc2 { 2 } else { 3 };
                let written = [&[first], behind.get(..2).unwrap_or(behind)].concat();
                let character = written.get(..length).and_then(|bytes| str::from_utf8(bytes).ok());
                match character.and_then(|text| text.chars().next()) {
                    Some(character) => {
                        push(character, &mut shown);
                        rest = behind.get(length.saturating_sub(1)..).unwrap_or_default();
                    }
                    None => shown.push(first),
                }
            }
            _ => {
                let length = behind.iter().take_while(|byte| !is_special(**byte)).count();
                let (plain, others) = behind.split_at_checked(length).unwrap_or((behind, &[]));
                shown.push(first);
                shown.extend_from_slice(plain);
                rest = others;
            }
        }
    }
    shown
}

/// Whether a byte may be shown otherwise than it stands there.
const fn is_special(byte: u8) -> bool {
    matches!(byte, b'<' | b'&' | 0xc2 | 0xe2 | 0xe3 | 0xef)
}

/// Appends a character as it is shown.
fn push(character: char, shown: &mut Vec<u8>) {
    match character {
        // Soft hyphens, what joins and what does not, marks of the direction and of UTF-8.
        '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' => {}
        _ if character.is_whitespace() => shown.push(b' '),
        '\u{ff1a}' => shown.extend_from_slice(b": "),
        '\u{ff1d}' => shown.extend_from_slice(b"= "),
        '\u{ab}' | '\u{bb}' | '\u{201c}'..='\u{201f}' | '\u{300c}'..='\u{300f}' | '\u{ff02}' => {
            shown.push(b'"')
        }
        _ => shown.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// The next words of a text that may be HTML, without those that only lead to the password.
fn words(text: &[u8], has_tags: bool) -> Vec<&[u8]> {
    let mut words = Vec::new();
    let mut rest = text.get(..REACH).unwrap_or(text);
    while let Some(&first) = rest.first() {
        if words.len() >= WORDS {
            break;
        }
        let length = match first {
            b'<' if has_tags => memchr::memchr(b'>', rest).map_or(1, |end| end.saturating_add(1)),
            _ if is_between(first) => 1,
            _ => {
                let ends = |byte: u8| (byte == b'<' && has_tags) || is_between(byte);
                let length = rest.iter().take_while(|&&byte| !ends(byte)).count();
                let word = rest.get(..length).unwrap_or_default();
                let leads =
                    [&b"is"[..], b"for", b"the", b"to", b"ist", b"je", b"k", b":", b"=", b"-", b"&nbsp;"];
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
        has("\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}: 556", "556");
        has("\u{41f}\u{410}\u{420}\u{41e}\u{41b}\u{42c}: 557", "557");
        has("HAS\u{141}O: Zq7", "Zq7");
        has("\u{5bc6}\u{7801}\u{ff1a}Zq7", "Zq7");
        has("\u{5bc6}\u{78bc}\u{3000}\u{300c}Zq7\u{300d}", "Zq7");
        has("Das Passwort lautet \u{201e}Zq7 x\u{201c}.", "Zq7 x");
        has("<p>Password:&nbsp;Zq7-Kx!42</p>", "Zq7-Kx!42");
        has("<p>Password: <span>Zq7</span><span>-Kx!42</span></p>", "Zq7-Kx!42");
        has("<p>Pass<b>word</b>: Zq7&#45;Kx&#x21;&lt;2<br>next</p>", "Zq7-Kx!<2");
        has("<td>Password</td><td>Zq7&amp;x</td><td>next</td>", "Zq7&x");
        has("Password:\u{a0}Zq7\u{200b}-Kx", "Zq7-Kx");
        has(
            "Subject: =?utf-8?B?cGFzc3dvcmQ6IFpxNw==?=\r\n =?utf-8?Q?=2DKx?=\r\nFrom: a@b\r\n\r\nx",
            "Zq7-Kx",
        );
        has("From: =? a\r\nSubject: =?utf-8?Q?=70assword=3A_Zq7?=\r\n\r\nx", "Zq7");
        for text in [
            "\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}: Zq7 \u{43a} \u{430}\u{440}\u{445}\u{438}\u{432}\u{443}",
            "\u{41f}\u{430}\u{440}\u{43e}\u{43b}\u{44c} \u{a0}: Zq7 ",
            "\u{41f}\u{410}\u{420}\u{41e}\u{41b}\u{42c}: Zq7 ",
            "Has\u{142}o: Zq7 ",
            "HAS\u{141}O Zq7 ",
            "\u{5bc6}\u{7801}\u{ff1a}Zq7 ",
            "\u{5bc6}\u{78bc}\u{ff1a}Zq7 ",
            "\u{30d1}\u{30b9}\u{30ef}\u{30fc}\u{30c9}\u{ff1a}Zq7 ",
            "\u{be44}\u{bc00}\u{bc88}\u{d638}: Zq7 ",
        ] {
            let mut written = 0;
            for encoding in super::ENCODINGS {
                let (bytes, _, has_others) = encoding.encode(text);
                if !has_others {
                    written += 1;
                    assert!(mentioned(&bytes).contains(&b"Zq7".to_vec()), "{text} in {}", encoding.name());
                }
            }
            assert!(written > 0, "{text}");
        }
        let wide = |text: &str, mark: &str| -> [Vec<u8>; 2] {
            let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
            let [little, big] = [u16::to_le_bytes, u16::to_be_bytes];
            [units.iter().copied().flat_map(little).collect(), units.iter().copied().flat_map(big).collect()]
        };
        for mark in ["", "\u{feff}"] {
            for bytes in wide("\u{43f}\u{430}\u{440}\u{43e}\u{43b}\u{44c}: Zq7 or so", mark) {
                assert!(mentioned(&bytes).contains(&b"Zq7".to_vec()), "{bytes:?}");
            }
        }
        has("Password: two words\r\nnext", "two words");
        has("The password is \"Blue Sky 7\", he said.\r\n", "Blue Sky 7");
        has("PIN: 4821\n", "4821");
        has("<p>Your code is <b>77-ab</b></p>", "77-ab");
        has("pass:x9y8", "x9y8");
        has("pw = Zq7", "Zq7");
        has("PW=Zq7", "Zq7");
        has("pw Zq7", "Zq7");
        has("p/w Zq7", "Zq7");
        has("pass = Zq7", "Zq7");
        has("Use Zq7 to open the archive", "Zq7");
        has("please enter \"Zq7\" to unzip it", "Zq7");
        has("<p>Use <b>Zq7</b> as a password</p>", "Zq7");
        has("password for this zip archive: [Zq7]", "Zq7");
        has("the password for all of the attached files = Zq7", "Zq7");
        has("unlock with code Zq7", "Zq7");
        has("unlock with Zq7", "Zq7");
        has("open it with code Zq7.", "Zq7");
        has("Heslo: Zq7", "Zq7");
        has("HESLO k archivu je Zq7", "Zq7");
        // What is introduced comes first: where each costs much, few are tried.
        assert_eq!(mentioned(b"password for this zip archive: [Zq7]")[0], b"Zq7");
        for text in [
            "Shipping: 4821",
            "nothing of the kind",
            "a pin 4821",
            "the code of 4821",
            "key = 4821",
            "upward pwned: 4821",
            "use it to open the door",
            "use the button to open the door",
            "ready to open",
        ] {
            assert!(mentioned(text.as_bytes()).is_empty(), "{text}");
        }
        assert!(mentioned("password ".repeat(9000).as_bytes()).len() <= 24);
    }
}
