//! Whole files: rules that refer to others, global and private rules, files that include others, and what is damaged.

use super::super::library::{Library, RuleFile};
use super::{items, told};

fn check(text: &str, wanted: &[&str]) {
    assert_eq!(told(&items(text)), wanted, "{text}");
}

/// What comes of each of these files.
fn load(files: &[(&str, &str)]) -> Vec<Vec<String>> {
    let files: Vec<RuleFile<'_>> =
        files.iter().map(|(name, text)| RuleFile { name, bytes: text.as_bytes() }).collect();
    let mut library = Library::new(files.clone());
    let mut read = |index| {
        let mut items = Vec::new();
        library.read(index, &mut |item| items.push(item));
        told(&items)
    };
    (0..files.len()).map(&mut read).collect()
}

#[test]
fn a_rule_that_cannot_be_used_does_not_stop_the_others() {
    check(
        "rule a { condition: }\nrule b { condition: filesize == 1 }\nrule c { strings: $a = \"x condition: $a }\n\
         rule d { strings: $a = { 0 } condition: $a }\nrule e { condition: false }\ngarbage\nprivate rule f {\n\
         global private rule g { condition: nothing }",
        &[
            "1:21: a value is expected, not `}`",
            "2:6: the global rule `g` of this file cannot be used",
            "3:24: the text has no end",
            "4:26: a byte wants two hexadecimal digits",
            "5:6: the global rule `g` of this file cannot be used",
            "6:1: `rule`, `import` or `include` is expected, not `garbage`",
            "8:1: `condition` is expected, not `global`",
            "8:36: nothing has the name `nothing`",
        ],
    );
    check(
        "rule a { condition: }\nrule b { condition: filesize == 1 }\nrule c { strings: $a = \"x condition: $a }\n\
         rule d { condition: false }",
        &[
            "1:21: a value is expected, not `}`",
            "b: (Equal filesize 1)",
            "3:24: the text has no end",
            "d: false",
        ],
    );
}

#[test]
fn what_is_not_closed_is_told() {
    check("rule a { condition: true", &["1:25: `}` is expected, not the end of the file"]);
    check("rule a { condition: true /* }", &["1:26: the comment has no end"]);
    check(
        "rule a { condition: true rule b { condition: false }",
        &["1:26: `}` is expected, not `rule`", "b: false"],
    );
    check("rule", &["1:5: the name of the rule is expected, not the end of the file"]);
    check(
        "rule a { condition: false } }",
        &["a: false", "1:29: `rule`, `import` or `include` is expected, not `}`"],
    );
}

#[test]
fn marks_and_line_ends_of_other_systems_are_read() {
    check("\u{feff}rule a {\r\n condition:\r\n  x\r\n}\r\n", &["3:3: nothing has the name `x`"]);
    check("rule a { // x\r\n condition: filesize == 1 }", &["a: (Equal filesize 1)"]);
    assert_eq!(told(&items(b"\xff\xfer\0u\0l\0e\0")), ["0:0: rules in UTF-16 are not read"]);
}

#[test]
fn parts_of_a_rule_are_checked() {
    check("rule all { condition: true }", &["1:6: the name of the rule is expected, and `all` is a keyword"]);
    check("rule a : x x { condition: true }", &["1:12: the tag `x` stands there twice"]);
    check("rule a { strings: condition: true }", &["1:19: a string is expected, not `condition`"]);
    check("rule a { meta: condition: true }", &["1:16: a name is expected, and `condition` is a keyword"]);
    check(
        "rule a { meta: x = -\"a\" condition: true }",
        &["1:21: a text, a number, `true` or `false` is expected, not a text"],
    );
    check(
        "rule a { strings: $a = \"ab\" $a = \"cd\" condition: $a }",
        &["1:29: there is a string `$a` already"],
    );
    check(
        "rule a { condition: filesize == 1 } rule a { condition: false }",
        &["a: (Equal filesize 1)", "1:42: there is a rule `a` already"],
    );
    check(
        "rule a : t u { meta: x = \"y\" y = -5 z = true strings: $a = \"ab\" condition: $a }",
        &["a: $a=\"ab\"; $0"],
    );
    let long = "x".repeat(129);
    check(&format!("rule {long} {{ condition: true }}"), &["1:6: an identifier has over 128 characters"]);
}

#[test]
fn tags_are_kept() {
    let rules = super::rules("rule a : t1 t2 { condition: filesize == 1 }");
    assert_eq!(rules[0].tags, ["t1", "t2"]);
}

#[test]
fn strings_that_are_not_used_are_left_out() {
    check(
        "rule a { strings: $a = \"aa\" $b = \"bb\" $_c = \"cc\" condition: $b }",
        &["1:19: note: the string `$a` of `a` is not used", "a: $b=\"bb\"; $0"],
    );
}

#[test]
fn what_always_holds_is_told() {
    check("rule a { condition: true }", &["1:6: note: `a` holds for every layer", "a: true"]);
    check("rule a { condition: false }", &["a: false"]);
}

#[test]
fn rules_that_others_refer_to_are_put_in_their_places() {
    check(
        "private rule p { strings: $x = \"xx\" $y = \"yy\" condition: for any i in (1..2) : (@x[i] > 1) and $y }\n\
         rule a { strings: $a = \"aa\" condition: for all j in (1..3) : (#a > j) and p and not p }\n\
         rule b { condition: a or p }",
        &[
            "a: $a=\"aa\"; $x=\"xx\"; $y=\"yy\"; (and (for all v0 in [1..3] (Greater #0 v0)) \
             (for any v1 in [1..2] (Greater @1[v1] 1)) $2 \
             (not (and (for any v2 in [1..2] (Greater @1[v2] 1)) $2)))",
            "b: $a=\"aa\"; $x=\"xx\"; $y=\"yy\"; (or (and (for all v0 in [1..3] (Greater #0 v0)) \
             (for any v1 in [1..2] (Greater @1[v1] 1)) $2 \
             (not (and (for any v2 in [1..2] (Greater @1[v2] 1)) $2))) \
             (and (for any v3 in [1..2] (Greater @1[v3] 1)) $2))",
        ],
    );
}

#[test]
fn rules_that_refer_to_what_cannot_be_used_cannot_be_used() {
    check(
        "import \"cuckoo\"\nrule a { condition: nothing }\nrule b { condition: a }\nrule c { condition: any of (a*) }\n\
         rule d { condition: cuckoo.x }\nrule e { condition: d or true }",
        &[
            "1:1: note: there is no module `cuckoo` here: rules that use it are left out",
            "2:21: nothing has the name `nothing`",
            "3:21: it refers to the rule `a`, which cannot be used",
            "4:29: it refers to the rule `a`, which cannot be used",
            "5:21: unused: there is no module `cuckoo` here",
            "6:21: unused: it refers to the rule `d`, which is not used",
        ],
    );
}

#[test]
fn global_rules_are_asked_of_all_rules_of_their_file() {
    check(
        "rule a { strings: $a = \"aa\" condition: $a }\n\
         global private rule g { strings: $g = \"gg\" condition: $g and filesize > 1 }\n\
         global rule h { condition: filesize < 9 }",
        &[
            "a: $a=\"aa\"; $g=\"gg\"; (and $0 $1 (Greater filesize 1) (Less filesize 9))",
            "h: $g=\"gg\"; (and (Less filesize 9) $0 (Greater filesize 1))",
        ],
    );
}

#[test]
fn references_grow_to_a_limit() {
    let mut text = String::from("rule r0 { condition: filesize == 0 or filesize == 1 }\n");
    for number in 1..40 {
        let before = number - 1;
        text.push_str(&format!("rule r{number} {{ condition: r{before} and not r{before} }}\n"));
    }
    let told = told(&items(&text));
    assert!(told[3].starts_with("r3: "), "{}", told[3]);
    let refused = told.iter().position(|line| line.contains("over 100000 terms")).unwrap();
    assert!(refused < 20, "{refused}");
    assert!(told[39].contains("which cannot be used"), "{}", told[39]);

    let strings: Vec<String> = (0..2000).map(|number| format!("$s{number} = \"string {number}\"")).collect();
    let mut text = String::new();
    for rule in 0..6 {
        text.push_str(&format!("rule r{rule} {{ strings: {} condition: all of them }}\n", strings.join(" ")));
    }
    text.push_str("rule all_of_them { condition: all of (r*) }");
    let told = super::told(&items(&text));
    assert!(
        told[6].ends_with("over 10000 strings, those of rules that it refers to included"),
        "{}",
        told[6]
    );
}

#[test]
fn chains_of_references_are_as_deep_as_terms_may_be() {
    let mut text = String::from("rule r0 { condition: filesize == 0 }\n");
    for number in 1..300 {
        text.push_str(&format!("rule r{number} {{ condition: not r{} }}\n", number - 1));
    }
    let told = told(&items(&text));
    assert!(told[100].starts_with("r100: (not"), "{}", told[100]);
    assert!(told[150].contains("cannot be used"), "{}", told[250]);
}

#[test]
fn files_include_others() {
    let told = load(&[
        ("set/main.yar", "include \"./lib/base.yar\" rule a { condition: base and pe.is_pe }"),
        (
            "set/lib/base.yar",
            "import \"pe\" private rule base { condition: filesize > 1 } rule own { condition: base }",
        ),
        ("other/base.yar", "rule base { condition: filesize > 2 }"),
    ]);
    assert_eq!(told[0], ["a: (and (Greater filesize 1) (NotEqual pe.is_pe 0))"]);
    assert_eq!(told[1], ["own: (Greater filesize 1)"]);
    assert_eq!(told[2], ["base: (Greater filesize 2)"]);
}

#[test]
fn global_rules_of_included_files_count() {
    let told = load(&[
        ("a.yar", "include \"b.yar\" rule a { condition: filesize > 1 }"),
        ("b.yar", "global private rule g { condition: filesize < 9 } rule b { condition: filesize > 2 }"),
    ]);
    assert_eq!(told[0], ["a: (and (Greater filesize 1) (Less filesize 9))"]);
    assert_eq!(told[1], ["b: (and (Greater filesize 2) (Less filesize 9))"]);
}

#[test]
fn an_included_file_is_found_by_its_name_alone_if_only_one_has_it() {
    let told = load(&[
        ("x/a.yar", "include \"../../lib/b.yar\" rule a { condition: b }"),
        ("y/b.yar", "rule b { condition: filesize > 2 }"),
    ]);
    assert_eq!(told[0], ["a: (Greater filesize 2)"]);
    let told = load(&[
        ("x/a.yar", "include \"z/b.yar\" rule a { condition: b }"),
        ("y/b.yar", "rule b { condition: filesize > 2 }"),
        ("w/b.yar", "rule b { condition: filesize > 3 }"),
    ]);
    assert_eq!(
        told[0],
        ["1:1: more than one file could be the included `z/b.yar`", "1:39: nothing has the name `b`"]
    );
}

#[test]
fn includes_that_lead_nowhere_or_back_are_told() {
    let told = load(&[
        ("a.yar", "include \"b.yar\" rule a { condition: b }"),
        ("b.yar", "include \"a.yar\" include \"missing.yar\" rule b { condition: filesize > 2 }"),
    ]);
    assert_eq!(told[0], ["a: (Greater filesize 2)"]);
    assert!(told[1].contains(&"1:17: the included file `missing.yar` is not among the databases".into()));
    assert!(told[1].contains(&"b: (Greater filesize 2)".into()));
    let own = load(&[("a.yar", "include \"a.yar\" rule a { condition: filesize > 2 }")]);
    assert_eq!(own[0], ["1:1: `a.yar` includes itself", "a: (Greater filesize 2)"]);
}

#[test]
fn chains_of_includes_have_a_limit() {
    let texts: Vec<(String, String)> = (0..20)
        .map(|number| {
            (
                format!("f{number}.yar"),
                format!("include \"f{}.yar\" rule r{number} {{ condition: filesize > 2 }}", number + 1),
            )
        })
        .collect();
    let files: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let told = load(&files);
    for (number, lines) in told.iter().enumerate() {
        assert!(lines.contains(&format!("r{number}: (Greater filesize 2)")), "{lines:?}");
    }
}

#[test]
fn what_is_brought_without_being_written_has_limits() {
    let strings: Vec<String> = (0..5000).map(|number| format!("$s{number} = \"string {number}\"")).collect();
    let conditions = vec!["any of them"; 2000].join(" or ");
    let told = told(&items(format!("rule a {{ strings: {} condition: {conditions} }}", strings.join(" "))));
    assert!(told[0].contains("over 100000 terms"), "{}", &told[0][..80]);

    let globals: String = (0..3000)
        .map(|number| format!("global private rule g{number} {{ condition: filesize > {number} }}\n"))
        .collect();
    let rules: String =
        (0..3000).map(|number| format!("rule r{number} {{ condition: filesize < 9 }}\n")).collect();
    let told = super::told(&items(format!("{globals}{rules}")));
    assert!(told[0].starts_with("r0: (and "), "{}", &told[0][..80]);
    assert!(
        told[2999]
            .ends_with("references and included files bring over 2000000 terms into the rules of the file")
    );
}
