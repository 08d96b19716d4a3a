//! Sizes, opening words, places of `unsafe`, and words that say that something is not done.

use super::{Complaints, Source};

/// Lines that a hand-written file may have, tests apart.
const MOST_LINES: usize = 800;

/// Files that may be longer, each with the reason.
const LONGER: [(&str, &str); 0] = [];

/// Files that may hold `unsafe`.
const UNSAFE: [&str; 8] = [
    "crates/candor-database/src/image/storage.rs",
    "crates/candor-database/src/content/index/groups.rs",
    "crates/candor-database/src/content/index/kernel.rs",
    "crates/candor-database/src/content/index/lanes.rs",
    "crates/candor-database/src/content/index/stitched.rs",
    "crates/candor-database/src/content/index/vector.rs",
    "crates/candor-sandbox/src/sys.rs",
    // Not the product: a C library that it is measured beside.
    "benches/src/vectorscan.rs",
];

pub(super) fn check(sources: &[Source]) -> Complaints {
    let mut complaints = Complaints::new();
    // This file has to name what it looks for.
    for source in sources.iter().filter(|source| !source.path.ends_with("tidy/files.rs")) {
        let Source { path, text } = source;
        if path.ends_with(".rs") {
            rust(path, text, &mut complaints);
        }
        if path.ends_with("src/lib.rs") && path.starts_with("crates/") {
            let forbids = text.contains("#![forbid(unsafe_code)]");
            let may = UNSAFE.iter().any(|place| place.starts_with(path.trim_end_matches("lib.rs")));
            if !forbids && !may {
                complaints.push(format!("{path}: does not forbid unsafe code"));
            }
        }
        words(path, text, &mut complaints);
    }
    complaints
}

fn rust(path: &str, text: &str, complaints: &mut Complaints) {
    if !text.starts_with("//!") {
        complaints.push(format!("{path}: does not open with what it owns (`//!`)"));
    }
    let is_test = path.ends_with("tests.rs") || path.contains("/tests/");
    let lines = text.lines().take_while(|line| *line != "mod tests {").count();
    let exempt = LONGER.iter().any(|(longer, reason)| *longer == path && !reason.is_empty());
    if !is_test && lines > MOST_LINES && !exempt {
        complaints.push(format!("{path}: {lines} lines; at most {MOST_LINES}"));
    }
    for (number, line) in (1..).zip(text.lines()) {
        let code = line.split("//").next().unwrap_or_default();
        let is_unsafe = ["unsafe {", "unsafe fn ", "unsafe impl ", "unsafe extern "];
        if is_unsafe.iter().any(|form| code.contains(form))
            && !UNSAFE.contains(&path)
            && !path.starts_with("xtask/")
        {
            complaints.push(format!("{path}:{number}: unsafe code has its own places"));
        }
        if code.contains("#[ignore") || code.contains("#[should_panic") {
            complaints.push(format!("{path}:{number}: a test that is left out, or that wants a panic"));
        }
        let allows = code.contains("#[allow(") || code.contains("#![allow(");
        if allows {
            complaints.push(format!("{path}:{number}: use #[expect(lint, reason = \"…\")]"));
        }
    }
}

/// Words that say that something is not done.
const FORBIDDEN: [(&str, &str); 5] = [
    ("TODO", "what is missing belongs into docs/roadmap.md"),
    ("FIXME", "what is missing belongs into docs/roadmap.md"),
    ("XXX:", "what is missing belongs into docs/roadmap.md"),
    ("todo!(", "no stubs"),
    ("unimplemented!(", "no stubs"),
];

fn words(path: &str, text: &str, complaints: &mut Complaints) {
    for (number, line) in (1..).zip(text.lines()) {
        for (word, reason) in FORBIDDEN {
            if line.contains(word) {
                complaints.push(format!("{path}:{number}: {word}: {reason}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Source;

    fn check(path: &str, text: &str) -> Vec<String> {
        super::check(&[Source { path: path.to_owned(), text: text.to_owned() }])
    }

    #[test]
    fn a_file_opens_with_what_it_owns() {
        assert_eq!(check("crates/a/src/b.rs", "//! Things.\n"), Vec::<String>::new());
        assert_eq!(check("crates/a/src/b.rs", "fn main() {}\n").len(), 1);
    }

    #[test]
    fn unsafe_code_has_its_places() {
        let text = "//! Maps.\nfn map() { unsafe { go() } }\n// unsafe { in a comment }\n";
        let complaints = check("crates/a/src/b.rs", text);
        assert_eq!(complaints, ["crates/a/src/b.rs:2: unsafe code has its own places"]);
        assert!(check(super::UNSAFE[0], text).is_empty());
        assert_eq!(check("crates/a/src/lib.rs", "//! Nothing is forbidden.\n").len(), 1);
    }

    #[test]
    fn tests_do_not_count_as_size() {
        let code = format!("//! Long.\n{}", "\n".repeat(super::MOST_LINES));
        assert_eq!(check("crates/a/src/b.rs", &code).len(), 1);
        assert!(check("crates/a/src/tests.rs", &code).is_empty());
        let tests = format!("//! Short.\nmod tests {{\n{}", "\n".repeat(super::MOST_LINES));
        assert!(check("crates/a/src/b.rs", &tests).is_empty());
    }

    #[test]
    fn stubs_and_left_out_tests_are_seen() {
        let text = "//! A.\n#[ignore]\nfn a() { todo!() }\n#[allow(dead_code)]\nfn b() {}\n";
        assert_eq!(check("crates/a/src/b.rs", text).len(), 3);
    }
}
