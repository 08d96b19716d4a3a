//! The spelling of JSON and of times; the attacks are in `tests/it/feeds.rs`.

use proptest::prelude::*;

use super::json::{JsonFault, Value};
use super::time;

fn fault(text: &str) -> (usize, JsonFault) {
    let error = Value::parse(text.as_bytes()).unwrap_err();
    (error.at, error.fault)
}

#[test]
fn json_has_one_spelling() {
    let text = r#"{"a":[true,false,0,9223372036854775807],"b":{"":"\"\\/"}}"#;
    assert_eq!(Value::parse(text.as_bytes()).unwrap().write(), text.as_bytes());
    let cases: &[(&str, (usize, JsonFault))] = &[
        ("", (0, JsonFault::End)),
        ("[1", (2, JsonFault::End)),
        ("[1,]", (3, JsonFault::Unexpected)),
        (" 1", (0, JsonFault::Unexpected)),
        ("1 ", (1, JsonFault::Trailing)),
        ("1\n", (1, JsonFault::Trailing)),
        ("{\"a\": 1}", (5, JsonFault::Unexpected)),
        ("{\"a\":1,\"a\":2}", (7, JsonFault::Duplicate)),
        ("{\"a\":1,\"b\":2,\"a\":3}", (13, JsonFault::Duplicate)),
        ("{\"b\":1,\"a\":2}", (7, JsonFault::Order)),
        ("1.0", (1, JsonFault::Fraction)),
        ("1e3", (1, JsonFault::Fraction)),
        ("-1", (0, JsonFault::Number)),
        ("01", (2, JsonFault::Number)),
        ("9223372036854775808", (19, JsonFault::Number)),
        ("\"\\u0041\"", (2, JsonFault::Escape)),
        ("\"\\/\"", (2, JsonFault::Escape)),
        ("\"\u{e9}\"", (1, JsonFault::Character)),
        ("\"\n\"", (1, JsonFault::Character)),
        ("null", (0, JsonFault::Unexpected)),
    ];
    for (text, expected) in cases {
        assert_eq!(fault(text), *expected, "{text}");
    }
    assert_eq!(fault(&"[".repeat(100)).1, JsonFault::Deep);
}

#[test]
fn a_time_has_one_spelling() {
    for (text, seconds) in [
        ("1970-01-01T00:00:00Z", 0),
        ("2000-02-29T23:59:59Z", 951_868_799),
        ("2026-11-25T20:41:26Z", 1_795_639_286),
        ("9999-12-31T23:59:59Z", 253_402_300_799),
    ] {
        assert_eq!(time::parse(text), Some(seconds));
        assert_eq!(time::write(seconds), text);
    }
    for text in [
        "2026-02-29T00:00:00Z",
        "2026-11-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-11-25T24:00:00Z",
        "2026-11-25T20:41:60Z",
        "2026-11-25 20:41:26Z",
        "2026-11-25T20:41:26+00:00",
        "2026-11-25T20:41:26.0Z",
        "1969-12-31T23:59:59Z",
        "+026-11-25T20:41:26Z",
        "",
    ] {
        assert_eq!(time::parse(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_read_is_what_would_be_written(bytes in "[\\[\\]{}\",:0-9a-c\\\\]{0,24}") {
        if let Ok(value) = Value::parse(bytes.as_bytes()) {
            prop_assert_eq!(value.write(), bytes.as_bytes());
        }
    }

    #[test]
    fn every_second_is_read_as_it_is_written(seconds in 0_u64..253_402_300_800) {
        prop_assert_eq!(time::parse(&time::write(seconds)), Some(seconds));
    }
}
