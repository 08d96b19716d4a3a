//! Random rules of every kind, and files that hit, nearly hit and miss them.

use std::fmt::Write as _;

use crate::random::Random;

/// A rule with files that were made for it.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) text: String,
    pub(super) files: Vec<Vec<u8>>,
}

/// A string: how it is written, and something that it should match.
struct Text {
    name: String,
    written: String,
    instance: Vec<u8>,
}

pub(super) fn topic(random: &mut Random, number: usize) -> Topic {
    let name = format!("R{number}");
    let strings: Vec<Text> = (0..random.range(1, 3)).map(|index| string(random, index)).collect();
    let condition = condition(random, &strings, 0);
    let mut text = format!("rule {name}\n{{\n    strings:\n");
    for string in &strings {
        let _ = writeln!(text, "        {} = {}", string.name, string.written);
    }
    // Every string must be named; this says so and holds nowhere.
    let _ =
        write!(text, "    condition:\n        ({condition}) or (all of them and filesize > 900000)\n}}\n");
    let files = (0..random.range(3, 6)).map(|_| file(random, &strings)).collect();
    Topic { name, text, files }
}

fn file(random: &mut Random, strings: &[Text]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..random.range(0, 5) {
        filler(random, &mut bytes);
        let mut part = random.pick(strings).instance.clone();
        if random.chance(35) && !part.is_empty() {
            let at = random.range(0, part.len() - 1);
            match random.range(0, 4) {
                0 => part[at] ^= 0x20,
                1 => part[at] = random.byte(),
                2 => drop(part.remove(at)),
                3 => part.insert(at, random.byte()),
                _ => part.truncate(at),
            }
        }
        bytes.extend(part);
    }
    filler(random, &mut bytes);
    // In what is empty nothing is ever found.
    if bytes.is_empty() {
        bytes.push(b'a');
    }
    bytes
}

/// What stands between: bytes that strings are made of, and others.
const ALPHABETS: [&[u8]; 4] = [b"ab", b"abc. \0", b"\0\xff\x90MZ", b"0aZ_- \n"];

fn filler(random: &mut Random, bytes: &mut Vec<u8>) {
    let alphabet = *random.pick(&ALPHABETS);
    for _ in 0..random.range(0, 12) {
        bytes.push(*random.pick(alphabet));
    }
}

fn string(random: &mut Random, index: usize) -> Text {
    let name = format!("$s{index}");
    let (written, instance) = match random.range(0, 9) {
        0..=3 => plain(random),
        4..=6 => hex(random),
        _ => regex(random),
    };
    Text { name, written, instance }
}

/// A text with modifiers.
fn plain(random: &mut Random) -> (String, Vec<u8>) {
    let text: Vec<u8> = (0..random.range(2, 12)).map(|_| *random.pick(b"abcdABC01. _")).collect();
    let mut written = format!("\"{}\"", String::from_utf8_lossy(&text));
    let mut instance = text.clone();
    let widened = |bytes: &[u8]| bytes.iter().flat_map(|byte| [*byte, 0]).collect::<Vec<u8>>();
    if random.chance(12) && text.len() >= 3 {
        let wide = random.chance(30);
        written.push_str(if wide { " base64wide" } else { " base64" });
        // From one place of three on.
        let encoded = base64(&[&b"xx"[..random.range(0, 2)], &text, b"yy"].concat());
        let encoded = encoded.into_bytes();
        return (written, if wide { widened(&encoded) } else { encoded });
    }
    if random.chance(20) {
        let (low, high) = if random.chance(50) {
            written.push_str(" xor");
            (0, 255)
        } else {
            let low = random.range(0, 255);
            let high = random.range(low, 255);
            let _ = write!(written, " xor({low}-{high})");
            (low, high)
        };
        let key = u8::try_from(random.range(low, high)).unwrap_or(0);
        if random.chance(30) {
            written.push_str(" wide");
            instance = widened(&instance);
            if random.chance(50) {
                written.push_str(" ascii");
            }
        }
        instance.iter_mut().for_each(|byte| *byte ^= key);
    } else {
        if random.chance(30) {
            written.push_str(" nocase");
            for byte in &mut instance {
                if random.chance(50) {
                    *byte = if byte.is_ascii_lowercase() {
                        byte.to_ascii_uppercase()
                    } else {
                        byte.to_ascii_lowercase()
                    };
                }
            }
        }
        if random.chance(30) {
            written.push_str(" wide");
            let both = random.chance(50);
            if both {
                written.push_str(" ascii");
            }
            if !both || random.chance(50) {
                instance = widened(&instance);
            }
        }
    }
    if random.chance(25) {
        written.push_str(" fullword");
    }
    (written, instance)
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let mut word = 0_u32;
        for place in 0..3 {
            word = word << 8 | u32::from(chunk.get(place).copied().unwrap_or(0));
        }
        for place in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(word >> (18 - 6 * place) & 63) as usize]));
        }
    }
    out
}

/// A hexadecimal string with wild cards, jumps and alternatives.
fn hex(random: &mut Random) -> (String, Vec<u8>) {
    let mut written = String::from("{");
    let mut instance = Vec::new();
    let byte = |random: &mut Random| *random.pick(b"\x00\x01AB\xff\x90ab");
    for _ in 0..random.range(2, 4) {
        let value = byte(random);
        let _ = write!(written, " {value:02X}");
        instance.push(value);
    }
    for _ in 0..random.range(0, 3) {
        match random.range(0, 4) {
            0 => {
                let value = byte(random);
                let _ = match random.range(0, 2) {
                    0 => write!(written, " ??"),
                    1 => write!(written, " {:X}?", value >> 4),
                    _ => write!(written, " ?{:X}", value & 15),
                };
                instance.push(value);
            }
            1 | 2 => {
                let low = random.range(0, 3);
                let high = low + random.range(0, 5);
                let gap = match random.range(0, 3) {
                    0 if low > 0 => {
                        let _ = write!(written, " [{low}]");
                        low
                    }
                    1 => {
                        let _ = write!(written, " [{low}-]");
                        low + random.range(0, 30)
                    }
                    _ => {
                        let _ = write!(written, " [{low}-{}]", high.max(1));
                        random.range(low, high.max(1))
                    }
                };
                instance.extend((0..gap).map(|_| byte(random)));
            }
            _ => {
                let (one, two) = (byte(random), byte(random));
                let _ = write!(written, " ( {one:02X} | {two:02X} ?? {one:02X} )");
                if random.chance(50) {
                    instance.push(one);
                } else {
                    instance.extend([two, byte(random), one]);
                }
            }
        }
        for _ in 0..random.range(1, 3) {
            let value = byte(random);
            let _ = write!(written, " {value:02X}");
            instance.push(value);
        }
    }
    written.push_str(" }");
    (written, instance)
}

/// A regular expression with flags and modifiers.
fn regex(random: &mut Random) -> (String, Vec<u8>) {
    let mut written = String::new();
    let mut instance = Vec::new();
    let lazy = random.chance(20);
    for _ in 0..random.range(2, 3) {
        let value = *random.pick(b"abcAB01");
        written.push(char::from(value));
        instance.push(value);
    }
    for _ in 0..random.range(1, 4) {
        let (atom, matching): (String, Vec<u8>) = match random.range(0, 6) {
            0 => (String::from("."), vec![*random.pick(b"ab\n\x00")]),
            1 => (String::from("[a-c0]"), vec![*random.pick(b"abc0")]),
            2 => (String::from("[^a]"), vec![*random.pick(b"bZ \n")]),
            3 => (String::from("(ab|c)"), random.pick(&[&b"ab"[..], b"c"]).to_vec()),
            4 => (String::from(*random.pick(&["\\d", "\\w", "\\s", "\\x41"])), vec![*random.pick(b"0A b")]),
            _ => {
                let value = *random.pick(b"abcAB01");
                (char::from(value).to_string(), vec![value])
            }
        };
        let (quantifier, count) = match random.range(0, 7) {
            0 => (String::from("*"), random.range(0, 3)),
            1 => (String::from("+"), random.range(1, 3)),
            2 => (String::from("?"), random.range(0, 1)),
            3 => {
                let low = random.range(0, 2);
                let high = low + random.range(1, 3);
                (format!("{{{low},{high}}}"), random.range(low, high))
            }
            _ => (String::new(), 1),
        };
        written.push_str(&atom);
        written.push_str(&quantifier);
        // All prefer more, or all less: YARA takes no mixture.
        if lazy && !quantifier.is_empty() {
            written.push('?');
        }
        (0..count).for_each(|_| instance.extend(&matching));
    }
    let mut text = format!("/{written}/");
    if random.chance(25) {
        text.push('i');
        instance.iter_mut().for_each(|byte| *byte = byte.to_ascii_uppercase());
    }
    if random.chance(25) {
        text.push('s');
    }
    if random.chance(20) {
        text.push_str(" wide");
        let both = random.chance(40);
        if both {
            text.push_str(" ascii");
        }
        if !both || random.chance(50) {
            instance = instance.iter().flat_map(|byte| [*byte, 0]).collect();
        }
    }
    if random.chance(15) {
        text.push_str(" fullword");
    }
    (text, instance)
}

const DEEPEST: usize = 3;

fn condition(random: &mut Random, strings: &[Text], depth: usize) -> String {
    let name = random.pick(strings).name.clone();
    let bare = name[1..].to_owned();
    if depth < DEEPEST && random.chance(45) {
        let (one, two) = (condition(random, strings, depth + 1), condition(random, strings, depth + 1));
        return match random.range(0, 4) {
            0 | 1 => format!("({one} and {two})"),
            2 | 3 => format!("({one} or {two})"),
            _ => format!("not ({one})"),
        };
    }
    let comparison = *random.pick(&["==", "!=", "<", "<=", ">", ">="]);
    match random.range(0, 15) {
        0..=2 => name,
        3 => format!("{name} at {}", integer(random, strings, depth)),
        4 => {
            let low = random.range(0, 20);
            format!("{name} in ({low}..{})", low + random.range(0, 40))
        }
        5 => format!("#{bare} {comparison} {}", random.range(0, 3)),
        // Counts within a range are left out: version 4.2.3 gives up on them.
        6 | 7 => format!("{} of them", *random.pick(&["any", "all", "none", "1", "2", "0"])),
        8 => format!("{} of ($s*)", *random.pick(&["any", "all", "none", "50%", "1"])),
        9 => {
            let low = random.range(0, 10);
            let which = *random.pick(&["any", "all", "1"]);
            format!("{which} of them in ({low}..{})", low + random.range(0, 60))
        }
        10 => {
            // What is meant by `for none` changed from one version to the next.
            let which = *random.pick(&["any", "all", "2", "1"]);
            let body = *random.pick(&["$ at 0", "# > 1", "@ > 5", "! > 4", "@[2] < 30", "$ in (0..20)"]);
            format!("for {which} of them : ({body})")
        }
        11 => {
            let which = *random.pick(&["any", "all", "1"]);
            format!("for {which} i in (1..#{bare}) : (@{bare}[i] {comparison} {})", random.range(0, 40))
        }
        12 => {
            let which = *random.pick(&["any", "all", "2"]);
            let values = *random.pick(&["(0, 4, 8)", "(0..5)", "(1, filesize, 3)"]);
            format!("for {which} n in {values} : (uint8(n) {comparison} {})", *random.pick(&[0, 97, 144]))
        }
        13 => format!("defined {}", integer(random, strings, depth)),
        14 => {
            let (offset, length) = (random.range(0, 10), random.range(0, 60));
            let (function, value) = *random.pick(&[
                ("entropy", "2.5"),
                ("mean", "70.0"),
                ("serial_correlation", "0.2"),
                ("monte_carlo_pi", "0.5"),
            ]);
            format!("math.{function}({offset}, {length}) {comparison} {value}")
        }
        _ => format!("{} {comparison} {}", integer(random, strings, depth), integer(random, strings, depth)),
    }
}

fn integer(random: &mut Random, strings: &[Text], depth: usize) -> String {
    let bare = random.pick(strings).name[1..].to_owned();
    if depth < DEEPEST && random.chance(30) {
        let (one, two) = (integer(random, strings, depth + 1), integer(random, strings, depth + 1));
        let operator = *random.pick(&["+", "-", "*", "&", "|", "^"]);
        return match random.range(0, 4) {
            0 => format!("~{one}"),
            1 => format!("({one} {} {})", random.pick(&["\\", "%"]), random.range(1, 7)),
            _ => format!("({one} {operator} {two})"),
        };
    }
    match random.range(0, 9) {
        0 => String::from("filesize"),
        1 => format!("#{bare}"),
        2 => format!("@{bare}"),
        3 => format!("@{bare}[{}]", random.range(1, 3)),
        4 => format!("!{bare}[{}]", random.range(1, 2)),
        5 => {
            let function =
                *random.pick(&["uint8", "int8", "uint16", "int16be", "uint32", "uint32be", "int32"]);
            format!("{function}({})", random.range(0, 40))
        }
        6 => format!("math.count({}, 0, {})", random.pick(&[0, 97, 65]), random.range(0, 80)),
        _ => random.range(0, 64).to_string(),
    }
}
