//! What becomes of rules: tables of texts with what they mean, or with what is wrong and where. Whether a text is a
//! rule was settled by Debian's yara 4.2.3, but for what `docs/reference/rules.md` lists.

mod files;
mod show;

use candor_database::ir::Rule;
use proptest::prelude::*;

use super::library::{Content, Item, Library, RuleFile};

/// Everything in a file.
fn items(text: impl AsRef<[u8]>) -> Vec<Item> {
    let mut items = Vec::new();
    Library::new(vec![RuleFile { name: "t.yar", bytes: text.as_ref() }])
        .read(0, &mut |item| items.push(item));
    items
}

/// Everything in a file, a line for each.
fn told(items: &[Item]) -> Vec<String> {
    items
        .iter()
        .map(|item| {
            let (line, column) = item.place;
            match &item.content {
                Content::Rule(rule) => format!("{}: {}", item.name, show::rule(rule)),
                Content::Refused(message) => format!("{line}:{column}: {message}"),
                Content::Unused(message) => format!("{line}:{column}: unused: {message}"),
                Content::Note(message) => format!("{line}:{column}: note: {message}"),
            }
        })
        .collect()
}

fn rules(text: &str) -> Vec<Rule> {
    items(text)
        .into_iter()
        .filter_map(|item| match item.content {
            Content::Rule(rule) => Some(rule),
            _ => None,
        })
        .collect()
}

/// What a rule with this condition and three strings says, or what is wrong with the condition. The column is that in
/// the condition. Of an `and` its operands are shown.
fn condition(text: &str) -> String {
    let before = "import \"pe\" import \"math\" import \"string\" import \"cuckoo\" \
                  rule before { condition: filesize > 1 } rule a { strings: $a = \"abc\" $b = /x+/ $ = { 01 02 } \
                  condition: ";
    let whole = format!("{before}#a > 0 and #b > 0 and any of ($*) and ({text}) }}");
    let prefix = u32::try_from(before.len() + "#a > 0 and #b > 0 and any of ($*) and (".len()).unwrap();
    let items = items(&whole);
    let item = items
        .iter()
        .find(|item| item.name == "a")
        .unwrap_or_else(|| panic!("nothing came of {text}: {items:?}"));
    match &item.content {
        Content::Rule(rule) => {
            let shown = show::term(&rule.condition);
            let skipped = "(and (Greater #0 0) (Greater #1 0) (any of [0, 1, 2]) ";
            shown
                .strip_prefix(skipped)
                .and_then(|rest| rest.strip_suffix(')'))
                .unwrap_or_else(|| panic!("{shown}"))
                .to_owned()
        }
        Content::Refused(message) => format!("{}: {message}", item.place.1 - prefix),
        Content::Unused(message) => format!("{}: unused: {message}", item.place.1 - prefix),
        Content::Note(message) => panic!("{message}"),
    }
}

/// What a string becomes, or what is wrong with it.
fn string(text: &str) -> String {
    let before = "rule a { strings: $s = ";
    let items = items(format!("{before}{text} condition: $s }}"));
    let [item] = items.as_slice() else { panic!("{items:?}") };
    match &item.content {
        Content::Rule(rule) => show::string(&rule.strings[0]).strip_prefix("$s=").unwrap().to_owned(),
        Content::Refused(message) => {
            format!("{}: {message}", item.place.1 as usize - before.len())
        }
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn check(cases: &[(&str, &str)], become_of: fn(&str) -> String) {
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|(text, wanted)| {
            let found = become_of(text);
            (found != *wanted).then(|| format!("{text}\n  wanted {wanted}\n  found  {found}"))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn texts_are_spelled_as_their_modifiers_say() {
    check(
        &[
            (r#""abc""#, r#""abc""#),
            (r#""a\t\n\r\"\\\x00b""#, r#""a\t\n\r\"\\\x00b""#),
            (r#""abc" nocase fullword private"#, r#""abc" nocase fullword private"#),
            (r#""ab" wide"#, r#"w"a\x00b\x00""#),
            (r#""ab" wide ascii"#, r#""ab"|w"a\x00b\x00""#),
            (r#""ab" xor(1-2)"#, r#""`c"^1|"c`"^2"#),
            (r#""ab" xor(0)"#, r#""ab""#),
            (r#""ab" xor(0x01) wide"#, r#"w"`\x01c\x01"^1"#),
            (
                r#""This program cannot" base64"#,
                r#""VGhpcyBwcm9ncmFtIGNhbm5vd"|"RoaXMgcHJvZ3JhbSBjYW5ub3"|"UaGlzIHByb2dyYW0gY2Fubm90""#,
            ),
            (r#""abc" base64wide"#, r#"w"Y\x00W\x00J\x00j\x00"|w"F\x00i\x00Y\x00"|w"h\x00Y\x00m\x00""#),
            (r#""a" base64"#, r#""Y"|"h""#),
            (
                r#""abc" base64("!@#$%^&*(){}[].,|ABCDEFGHIJ\x09LMNOPQRSTUVWXYZabcdefghijklmnopqrstu")"#,
                r#""HF)S"|"^RH"|"QHV""#,
            ),
            (r#""""#, "1: the string `$s` is empty"),
            (r#""a\qb""#, "1: an escape that texts do not have"),
            (r#""a\x4""#, "1: `\\x` wants two hexadecimal digits"),
            (r#""abc" wide wide"#, "12: `wide` stands there twice"),
            (r#""abc" xor nocase"#, "11: `xor` and `nocase` exclude one another"),
            (r#""abc" fullword base64"#, "16: `base64` and `fullword` exclude one another"),
            (r#""abc" base64 xor"#, "14: `base64` and `xor` exclude one another"),
            (r#""abc" base64 nocase"#, "14: `base64` and `nocase` exclude one another"),
            (r#""abc" xor(5-1)"#, "11: keys from 5 to 1"),
            (r#""abc" xor(256)"#, "11: a key is at most 255, not 256"),
            (r#""abc" base64("abc")"#, "14: an alphabet has 64 characters, not 3"),
            (
                r#""abc" base64("!@#$%^&*(){}[].,|ABCDEFGHIJ\x09LMNOPQRSTUVWXYZabcdefghijklmnopqrstu") base64wide"#,
                "85: two alphabets",
            ),
        ],
        string,
    );
}

#[test]
fn hexadecimal_strings_become_patterns() {
    check(
        &[
            ("{ 4D 5a }", "4d5a"),
            ("{4D5A}", "4d5a"),
            ("{ 4? ?A ?? 01 }", "40&f0 0a&0f 00&00 01"),
            ("{ 01 /* x */ 02 // y\n 03 }", "010203"),
            ("{ 01 [2-4] 02 [4-] 03 [-] 04 [-5] 05 }", "01[2-4]02[4-]03[0-]04[0-5]05"),
            ("{ 01 [2] 02 [9] 03 }", "01 00&00 00&00 02[9-9]03"),
            ("{ 01 [ 1 - 2 ][3] 02 }", "01[4-5]02"),
            ("{ 01 [0-0] 02 }", "0102"),
            ("{ ~00 01 ~?1 ~2? }", "~(00) 01 ~(01&0f) ~(20&f0)"),
            ("{ 01 ( 02 | 03 04 | 05 ( 06 | ?? ) ) 07 }", "01 (02|0304|05 (06|00&00)) 07"),
            ("{ 01 ( 02 [1-2] 03 | 04 ) }", "01 (02 00&00 03|02 00&00 00&00 03|04)"),
            ("{ 01 } private", "01 private"),
            ("{ }", "3: nothing to look for"),
            ("{ 01 ( 02 | ) }", "13: nothing to look for"),
            ("{ 6 1 62 }", "3: a byte wants two hexadecimal digits"),
            ("{ 01 0 }", "6: a byte wants two hexadecimal digits"),
            ("{ 01 xx }", "6: a character that hexadecimal strings do not have"),
            ("{ [1] 62 }", "6: a jump at the start"),
            ("{ 62 [2] }", "10: a jump at the end"),
            ("{ 61 ( 62 | 62 [1-2] ) 63 }", "22: a jump at the end"),
            ("{ 61 [0] 62 }", "6: a jump over nothing"),
            ("{ 61 [2-1] 62 }", "6: a jump from 2 to 1"),
            ("{ 61 [] 62 }", "6: an empty jump"),
            ("{ 61 [99999999999] 62 }", "7: the jump is too long"),
            ("{ 61 ( 62 [1-] 64 | 62 ) }", "11: a jump of any length inside of a choice"),
            ("{ 61 ( 62 [1-201] 64 | 62 ) }", "11: a jump over 200 inside of a choice"),
            ("{ ( 01 [0-200] 02 [0-200] 03 | 04 ) }", "3: a choice with too many branches"),
            ("{ ~?? }", "3: nothing is left when every byte is excluded"),
            ("{ 61 62 } nocase", "11: a hexadecimal string has no modifier but `private`"),
            ("{ 61 62", "2: `}` is missing"),
        ],
        |text| if text.ends_with("62") { unclosed(text) } else { string(text) },
    );
}

/// As [`string`], of a string that the rest of the rule cannot end.
fn unclosed(text: &str) -> String {
    let before = "rule a { strings: $s = ";
    let told = told(&items(format!("{before}{text}")));
    let place = told[0].strip_prefix("1:").unwrap();
    let (column, message) = place.split_once(": ").unwrap();
    format!("{}: {message}", column.parse::<usize>().unwrap() - before.len())
}

#[test]
fn what_is_written_out_has_limits() {
    let text = format!("\"{}\" xor", "x".repeat(3000));
    assert_eq!(string(&text), "1: over 524288 bytes in all spellings");
    let strings: Vec<String> =
        (0..5000).map(|number| format!("$s{number} = {{ {number:04} ( 01 [0-200] 02 | 03 ) }}")).collect();
    let told = told(&items(format!("rule a {{ strings: {} condition: any of them }}", strings.join(" "))));
    assert!(
        told[0].ends_with("the strings of the file take over 268435456 bytes, written out"),
        "{}",
        told[0]
    );
}

#[test]
fn choices_are_nested_to_a_limit() {
    let nested = |depth: usize| format!("{{ 01 {}02{} }}", "(".repeat(depth), ")".repeat(depth));
    assert!(string(&nested(16)).starts_with("01"));
    assert_eq!(string(&nested(17)), "22: choices are nested more than 16 deep");
}

#[test]
fn regular_expressions_keep_their_meaning() {
    check(
        &[
            ("/abc/", r#""abc""#),
            ("/abc/i", r#""abc" nocase"#),
            ("/abc/ nocase wide ascii fullword", r#""abc"|w"a\x00b\x00c\x00" nocase fullword"#),
            (r"/a\.b\/c\x41\n/", r#""a.b/cA\n""#),
            ("/ab+c/", "/ab+c/ ascii"),
            ("/ab+c/is wide", "/ab+c/is wide"),
            (r"/a.*?b{2}c{2,}d{,3}e{,}f{1,2}?/", "/a.*?b{2}c{2,}d{0,3}e{0,}f{1,2}?/ ascii"),
            (r"/a(b|c|)d/", "/a(?:b|c|)d/ ascii"),
            (r"/a(?:b)/", "/a(?:b)/ ascii"),
            (r"/^a\bb\B$/", r"/^a\bb\B$/ ascii"),
            (r"/\w\W\s\S\d\D/", r"/[0-9A-Z_a-z][^0-9A-Z_a-z][\x09-\x0d ][^\x09-\x0d ][0-9][^0-9]/ ascii"),
            (r"/[a-c\d_]x/", "/[0-9_a-c]x/ ascii"),
            (r"/[^a-c\]]x/", r"/[^\x5da-c]x/ ascii"),
            (r"/a[]b]c/", r"/a[\x5db]c/ ascii"),
            (r"/[\w-z]c/", r"/[\x2d0-9A-Z_a-z]c/ ascii"),
            (r"/[a-]c/", r"/[\x2da]c/ ascii"),
            (r"/[\b]c/", "/[b]c/ ascii"),
            (r"/b{x}a{2+/", r"/b\x7bx\x7da\x7b2+/ ascii"),
            (r"/ab]}/", r#""ab]}""#),
            (r"/a-b/", r#""a-b""#),
            (
                r"//",
                "2: a text, a regular expression or a hexadecimal string is expected, not the end of the file",
            ),
            (r"/ab**/", "5: a repetition of a repetition"),
            (r"/a{2}{3}/", "6: a repetition of a repetition"),
            (r"/+a/", "2: a repetition of nothing"),
            (r"/a|*b/", "4: a repetition of nothing"),
            (r"/a\b*/", "5: a place cannot be repeated"),
            (r"/a{3,1}/", "3: a repetition whose end is before its start"),
            (r"/a{40000}/", "3: over 32767 repetitions"),
            (r"/a(b|c/", "3: `)` is missing"),
            (r"/a)b/", "3: `)` without `(`"),
            (r"/a[b/", "3: `]` is missing"),
            (r"/a[z-a]/", "4: a range whose end is before its start"),
            (r"/ab\x4/", "4: `\\x` wants two hexadecimal digits"),
            (r"/a(?=b)/", "4: groups with `(?` are not part of the dialect, but for `(?:`"),
            (r"/[^\w\W]/", "9: a class without a byte"),
            (r"/ab/ xor", "6: `xor` of a regular expression"),
            (r"/ab/ base64", "6: `base64` of a regular expression"),
        ],
        |text| if text == "//" { unclosed_regex() } else { string(text) },
    );
}

/// Two slashes begin a comment.
fn unclosed_regex() -> String {
    let told = told(&items("rule a { strings: $s = // condition: $s }"));
    format!("2: {}", told[0].split_once(": ").unwrap().1)
}

#[test]
fn groups_are_nested_to_a_limit() {
    let nested = |depth: usize| format!("/a{}b{}/", "(".repeat(depth), ")".repeat(depth));
    assert!(string(&nested(30)).starts_with("/a(?:"));
    assert_eq!(string(&nested(31)), "33: groups are nested more than 30 deep");
}

#[test]
fn what_is_not_utf8_means_its_bytes() {
    let items = items(b"rule a { strings: $a = \"caf\xe9\" $b = /\xe9+/ condition: all of them // \xff\n }");
    assert_eq!(told(&items), [r#"a: $a="caf\xe9"; $b=/\xe9+/ ascii; (all of [0, 1])"#]);
}

#[test]
fn operators_bind_as_in_yara() {
    check(
        &[
            ("true and false or not true", "(or (and true false) (not true))"),
            ("true and (false or true)", "true (or false true)"),
            ("not 1 == 2", "(not (Equal 1 2))"),
            ("1 + 2 * 3 == 7", "(Equal (Add 1 (Multiply 2 3)) 7)"),
            ("1 - 2 - 3 == 7", "(Equal (Subtract (Subtract 1 2) 3) 7)"),
            ("1 << 2 + 1 == 8", "(Equal (ShiftLeft 1 (Add 2 1)) 8)"),
            ("6 & 3 | 8 ^ 1 == 11", "(Equal (BitOr (BitAnd 6 3) (BitXor 8 1)) 11)"),
            ("-1 == 0-1", "(Equal -1 (Subtract 0 1))"),
            ("5-3 == ~ -filesize", "(Equal (Subtract 5 3) (BitNot (Negate filesize)))"),
            ("7 \\ 2 % 3 > 1", "(Greater (Remainder (Divide 7 2) 3) 1)"),
            ("1.5 + 1 > 2", "(Greater (Add 1.5 1) 2)"),
            ("filesize < 2MB and filesize > 0x10KB", "35: `)` is expected, not `KB`"),
            ("filesize < 2MB and filesize > 3KB", "(Less filesize 2097152) (Greater filesize 3072)"),
            ("0o17 == 0xF", "(Equal 15 15)"),
            ("filesize", "(NotEqual filesize 0)"),
            ("2", "true"),
            ("\"\"", "(NotEqual \"\" \"\")"),
            ("1.5", "(NotEqual 1.5 0.0)"),
            ("defined uint8(1) == 1", "(defined (Equal (u1le 1) 1))"),
            ("uint32be(0) == int16(2)", "(Equal (u4be 0) (s2le 2))"),
            ("\"a\" contains \"b\"", "(Contains \"a\" \"b\")"),
            ("\"a\" iequals \"A\"", "(IEquals \"a\" \"A\")"),
            ("filename matches /^a.*/i", "(matches FileName /^a.*/i)"),
            ("extension == \".exe\"", "(Equal Extension \".exe\")"),
            ("before", "(Greater filesize 1)"),
            ("\"a\" == 1", "1: a text cannot be compared with an integer"),
            ("1 == 1 == 1", "1: a condition cannot be compared with an integer"),
            ("\"a\" + 1 == 1", "1: a number is expected, not a text"),
            ("-\"a\" == 1", "2: an integer is expected, not a text"),
            ("1.5 % 2 == 1", "1: an integer is expected, not a floating-point number"),
            ("1 \\ 0 == 0", "5: a division by zero"),
            ("1 << -1 == 0", "7: a shift by a negative number"),
            ("$a + 1 == 2", "1: a number is expected, not a condition"),
            ("1 matches /a/", "1: a text is expected, not an integer"),
            ("/a/", "1: a regular expression stands only behind `matches` and as an argument"),
            ("0xFFFFFFFFFFFFFFFF == 1", "1: the integer is too large"),
            ("9223372036854775808 == 1", "1: the integer is too large"),
            ("true or", "8: a value is expected, not `)`"),
            ("later", "1: nothing has the name `later`"),
            ("a", "1: nothing has the name `a`"),
            ("elf.machine == 1", "1: the module `elf` is not imported before this rule"),
            ("cuckoo.sync.mutex(/a/)", "1: unused: there is no module `cuckoo` here"),
        ],
        condition,
    );
}

#[test]
fn strings_are_counted_and_placed() {
    check(
        &[
            ("$a", "$0"),
            ("$a at 1 + 2", "$0 at (Add 1 2)"),
            ("$a in (1..filesize)", "$0 in 1..filesize"),
            ("#a == 2", "(Equal #0 2)"),
            ("#a in (1..2) == 1", "(Equal (#0 1 2) 1)"),
            ("@a == 1 and @b[2] == 3", "(Equal @0[1] 1) (Equal @1[2] 3)"),
            ("!a[1] == !b", "(Equal !0[1] !1[1])"),
            ("any of them", "(any of [0, 1, 2])"),
            ("all of ($a, $b)", "(all of [0, 1])"),
            ("none of ($a*)", "(none of [0])"),
            ("2 of ($a, $a)", "(2 of [0, 0])"),
            ("any of ($)", "(any of [2])"),
            ("0 of them", "(none of [0, 1, 2])"),
            ("#a of them", "(#0 of [0, 1, 2])"),
            ("50% of them", "(50% of [0, 1, 2])"),
            ("(25 + 25)% of them", "((Add 25 25)% of [0, 1, 2])"),
            ("any of them at 2", "(any of [0, 1, 2] at 2)"),
            ("any of ($a) in (0..2)", "(any of [0] in 0..2)"),
            ("any of (before)", "(any of (Greater filesize 1))"),
            ("all of (bef*)", "(all of (Greater filesize 1))"),
            ("for all of ($a) : ($ at 0 and # > 1)", "(for all of [0] (and $_ at 0 (Greater #_ 1)))"),
            (
                "for 2 of them : (@ < 5 and ! > 1)",
                "(for 2 of [0, 1, 2] (and (Less @_[1] 5) (Greater !_[1] 1)))",
            ),
            ("for 0 of them : ($)", "(for 0 of [0, 1, 2] $_)"),
            ("$c", "1: there is no string `$c`"),
            ("any of ($c*)", "9: there is no string `$c*`"),
            ("any of (later)", "9: there is no rule `later` before this one"),
            ("any of (later*)", "9: there is no rule `later` before this one"),
            ("$", "1: a string without a name, outside of a loop over strings"),
            ("# == 1", "1: a string without a name, outside of a loop over strings"),
            ("$a*", "1: a set of strings stands only behind `of`"),
            ("0% of them", "1: a percentage is from 1 to 100"),
            ("101% of them", "1: a percentage is from 1 to 100"),
            ("1.5 of them", "1: an integer is expected, not a floating-point number"),
            ("$a at \"x\"", "7: an integer is expected, not a text"),
            ("for any of them : ($ and for any of them : ($))", "26: a loop over strings inside of another"),
            ("3 of (1,2,3)", "7: a string or a rule is expected, not the number 1"),
        ],
        condition,
    );
}

#[test]
fn loops_go_through_lists_ranges_and_modules() {
    check(
        &[
            ("for all i in (1,2) : (i < 3)", "(for all v0 in [1 2] (Less v0 3))"),
            ("for any i in (1..#a) : (@a[i] == 3)", "(for any v0 in [1..#0] (Equal @0[v0] 3))"),
            ("for any s in (\"a\",\"b\") : (s == \"a\")", "(for any v0 in [\"a\" \"b\"] (Equal v0 \"a\"))"),
            (
                "for any s in pe.sections : (s.name == \"x\" and s.raw_data_size > 1)",
                "(for any v0 in pe.sections (and (Equal v0.name \"x\") (Greater v0.raw_data_size 1)))",
            ),
            (
                "for any k, v in pe.version_info : (k == v)",
                "(for any v0,v1 in pe.version_info (Equal v0 v1))",
            ),
            (
                "for any i in (1..2) : (for all j in (1..i) : (j == i))",
                "(for any v0 in [1..2] (for all v1 in [1..v0] (Equal v1 v0)))",
            ),
            (
                "for any i in (1,2) : (i == 1) and for any i in (3,4) : (i == 3)",
                "(for any v0 in [1 2] (Equal v0 1)) (for any v1 in [3 4] (Equal v1 3))",
            ),
            ("for any i in (1,2) : (for any i in (1,2) : (true))", "31: there is a variable `i` already"),
            ("for all i,j in (1..3) : (true)", "16: 1 in each round, and 2 variables"),
            ("for any k in pe.version_info : (true)", "14: 2 in each round, and 1 variables"),
            ("for any i in (1,\"a\") : (true)", "17: an integer is expected, not a text"),
            ("for any i in pe.number_of_sections : (true)", "14: not an array or a dictionary"),
            ("for any i in later : (true)", "14: nothing has the name `later`"),
            ("for any i in (1,2) : (true) and i == 1", "33: nothing has the name `i`"),
        ],
        condition,
    );
}

#[test]
fn modules_are_checked() {
    check(
        &[
            ("pe.number_of_sections == 2", "(Equal pe.number_of_sections 2)"),
            ("pe.is_dll()", "(NotEqual pe.is_dll(0: ) 0)"),
            ("pe.sections[0].name == \"x\"", "(Equal pe.sections[0].name \"x\")"),
            ("pe.version_info[\"a\"] contains \"b\"", "(Contains pe.version_info[\"a\"] \"b\")"),
            (
                "pe.exports(\"a\") and pe.exports(1)",
                "(NotEqual pe.exports(0: \"a\") 0) (NotEqual pe.exports(1: 1) 0)",
            ),
            ("pe.exports(/^a/i)", "(NotEqual pe.exports(2:  /^a/i) 0)"),
            ("pe.imports(/a/i, /b/) > 1", "(Greater pe.imports(3:  /a/i /b/) 1)"),
            ("pe.imports(pe.IMPORT_ANY, /a/, /b/)", "(NotEqual pe.imports(7: -1 /a/ /b/) 0)"),
            ("pe.imports(/a/, \"b\")", "11: `imports` does not take these arguments"),
            ("pe.machine == pe.MACHINE_AMD64", "(Equal pe.machine 34404)"),
            ("math.entropy(0, filesize) > 7.0", "(Greater math.entropy(0: 0 filesize) 7.0)"),
            (
                "math.in_range(math.mean(\"a\"), 1.0, 2.0)",
                "(NotEqual math.in_range(0: math.mean(1: \"a\") 1.0 2.0) 0)",
            ),
            ("math.to_number($a) == 1", "(Equal math.to_number(0: $0) 1)"),
            ("pe.foo", "4: `pe` has no part `foo`"),
            ("pe", "1: `pe` leads to more than one value"),
            ("pe.sections", "1: `pe` leads to more than one value"),
            ("pe.is_dll", "1: `pe` leads to a function that is not called"),
            ("pe.machine()", "11: `machine` is not a function"),
            ("pe.sections[\"a\"].name == \"\"", "13: an integer is expected, not a text"),
            ("pe.machine[1]", "11: `machine` has no parts by number or name"),
            ("pe.machine.x", "12: `machine` has no parts with names"),
            ("math.in_range(3, 1.0, 4.0)", "14: `in_range` does not take these arguments"),
            ("math.entropy(1)", "13: `entropy` does not take these arguments"),
        ],
        condition,
    );
}

#[test]
fn nesting_has_limits() {
    let parentheses = |depth: usize| format!("{}true{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(condition(&parentheses(48)), "true");
    assert_eq!(condition(&parentheses(60)), "50: nested more than 50 deep");
    assert!(condition(&format!("{}filesize == 1", "-".repeat(60))).ends_with("over 50 signs in a row"));
    assert!(condition(&format!("{}true", "not ".repeat(60))).ends_with("over 50 negations in a row"));
    let sum = |terms: usize| format!("{}1 == 1", "filesize + ".repeat(terms));
    assert!(condition(&sum(110)).starts_with("(Equal"));
    assert_eq!(condition(&sum(400)), "1: terms are nested more than 120 deep");
    let many = |terms: usize| vec!["filesize == 1"; terms].join(" or ");
    assert!(condition(&many(1000)).starts_with("(or"));
    assert!(
        condition(&many(40_000)).ends_with("over 100000 terms, those of rules that it refers to included")
    );
}

#[test]
fn a_path_that_breaks_off_takes_no_rule_with_it() {
    for path in ["pe.", "pe.sections[0].", "pe.version_info."] {
        let rules = rules(&format!(
            "import \"pe\" rule first {{ condition: {path}\nrule last {{ condition: filesize == 7 }}"
        ));
        assert_eq!(rules.len(), 1, "{path}");
        assert_eq!(show::term(&rules[0].condition), "(Equal filesize 7)");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        items(bytes);
    }

    #[test]
    fn no_tokens_panic(
        words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..60),
    ) {
        let text = format!("import \"pe\" rule a {{ strings: $a = \"ab\" condition: {} }}", words.join(" "));
        items(&text);
        items(words.join(" "));
        items(format!("rule a {{ strings: $a = {} condition: $a }}", words.concat()));
    }

    #[test]
    fn what_is_broken_does_not_hide_what_follows(
        words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..30),
    ) {
        let broken = words.join(" ").replace("/*", "/ *");
        let text = format!("rule first {{ condition: {broken} }}\nrule last {{ condition: filesize == 7 }}");
        let rules = rules(&text);
        prop_assert_eq!(rules.last().map(|rule| show::term(&rule.condition)), Some("(Equal filesize 7)".into()));
    }
}

const WORDS: [&str; 62] = [
    "all",
    "and",
    "any",
    "ascii",
    "at",
    "base64",
    "condition",
    "contains",
    "defined",
    "entrypoint",
    "false",
    "filesize",
    "for",
    "fullword",
    "import",
    "in",
    "include",
    "uint8",
    "matches",
    "meta",
    "nocase",
    "none",
    "not",
    "of",
    "or",
    "private",
    "strings",
    "them",
    "true",
    "wide",
    "xor",
    "$a",
    "$a*",
    "#a",
    "@a",
    "!a",
    "$",
    "pe",
    ".",
    "sections",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "\"x\"",
    "/x/",
    "1",
    "2.5",
    ":",
    ",",
    "=",
    "==",
    "..",
    "%",
    "\\",
    "-",
    "~",
    "|",
    "<",
    "*",
];
