//! Every row of these tables is what `sigtool --html-normalise` writes for the same page, except those that
//! say otherwise.

use candor_fixtures::container;
use candor_model::{ChildKind, FileType, Limits, Normalisation, Reason};
use proptest::prelude::*;

use super::Page;
use crate::collected::Collected;
use crate::work::Allowance;

fn normalise(page: &[u8]) -> Page {
    super::normalise(page, &Allowance::new(u64::MAX))
}

fn normalise_by(page: &[u8], most: usize) -> Page {
    super::normalise_by(page, most, &Allowance::new(u64::MAX))
}

fn shown(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[track_caller]
fn check(page: &str, without_comments: &str, without_tags: &str) {
    let found = normalise(page.as_bytes());
    assert_eq!(shown(&found.without_comments), without_comments, "{page}");
    assert_eq!(shown(&found.without_tags), without_tags, "{page}");
}

#[test]
fn white_space_folds_and_goes_behind_tags() {
    check("a  b", "a b", "a b");
    check("  a", "a", "a");
    check("a \n b", "a b", "a b");
    check("a  <b>  c  </b>  d", "a <b>c </b>d", "a c d");
    check("\n<b>\n\nx\n</b>\n", "<b>x </b>", " x ");
    check("a \u{1} b", "a \u{1} b", "a b");
    check("a\u{b}b\u{c}c", "a b c", "a b c");
}

#[test]
fn entities_are_resolved() {
    check("&#65;&#x42;&lt;&nbsp;", "ab<\u{a0}", " ");
    check("&#65 b", "A b", " b");
    check("&#255;&#256;&hellip;", "&#x00ff;&#x0100;&#x2026;", " ");
    check("x&#65536;y", "xy", "x y");
    check("&bogus;&AMP;&amp;lt;", "&bogus;&amp;&lt;", " lt;");
    check("x&lt b", "x&lt b", "x b");
    check("x&amp.y;z", "x&amp.y;z", "x .y;z");
    check("x&a:b-c_d.e", "x&a:b-c_d.e", "x .e");
    check("x&&lt;y", "x&<y", "x y");
    check("x&lt", "x<", "x ");
    check("&#;", "\0", " ");
}

#[test]
fn tags_are_written_one_way() {
    check("<B>x", "<b>x", " x");
    check("< b  a >x", "<b a>x", " x");
    check("<b A='X Y' B=\"Z  W\">x", "<b a=\"x y\" b=\"z w\">x", " x");
    check("<b a = \"1\"b=2/>x", "<b a=\"1\" b=2/>x", " x");
    check("<b =a>x", "<b=a>x", " x");
    check("<b a=x'y>z", "<b a=x\"y>z", " z");
    check("<b a=\"&lt;&#65;B\">x", "<b a=\"<ab\">x", " x");
    check("<?xml version=\"1.0\"?>x", "<?xml version=\"1.0\" ?>x", " x");
    check("x <", "x <", "x ");
    check("<b a=\"x", "<b a=\"x", " ");
}

#[test]
fn quotes_hold_a_tag_open_up_to_white_space_alone() {
    check("<b a=\"x>y\">z", "<b a=\"x>y\">z", " z");
    check("<b a=\"x > y\">z", "<b a=\"x >y\">z", " y\">z");
    check("<b a=\"x y > z\">w", "<b a=\"x y>z\">w", " z\">w");
    check("<img alt='q \"r\" s'>t", "<img alt=\"q \"r\" s'>t", " t");
    check("<b a=\"x &amp; y &amp; z\">w", "<b a=\"x & y &amp; z\">w", " w");
}

#[test]
fn comments_end_at_the_next_bracket() {
    check("a<!-- c -->b", "ab", "a b");
    check("<!doctype html>x", "x", " x");
    check("<!--x>y-->z", "y-->z", " y-->z");
    check("<!-- x", "", " ");
}

#[test]
fn addresses_of_links_and_images_stay_as_written() {
    check("x <a href=X> t</a>", "x <a href=x>t</a>", "x X t ");
    check("<A HREF='X?a=1&amp;B=2'>t", "<a href=\"x?a=1&b=2\">t", " X?a=1&B=2 t");
    check("<img src=\"X Y\" src=Z>t", "<img src=\"x y\" src=z>t", " X Y t");
    check("<link href=X><iframe src=Y>t", "<link href=x><iframe src=y>t", " t");
    check("<a href=\"x y > z\">w", "<a href=\"x y>z\">w", " x  z\">w");
    let long = "y".repeat(3000);
    let found = normalise(format!("<a href=\"{long}\">w").as_bytes());
    assert_eq!(found.without_tags.len(), 1 + 1024 + 2);
}

#[test]
fn scripts_and_styles_lose_all_white_space() {
    check("<script>A  b = 'X  Y' &amp; c</script> t", "<script>ab=\"xy\"&c</script>t", " t");
    check("<style>a  {B: c}</style>z", "<style>a{b:c}</style>z", " z");
    check("<style>a</script>B c", "<style>a</script>b c", " b c");
    check("<scripty>A B</scripty>t", "<scripty>a b</scripty>t", " a b t");
    check("<script/>A B", "<script/>a b", " a b");
    check("<SCRIPT src=q></SCRIPT><b>", "<script src=q></script><b>", " ");
    // ClamAV's copy goes on with the script here; a browser does not.
    check("<script>a</script b>C d", "<script>a</script b>c d", " c d");
}

#[track_caller]
fn check_script(script: &str, expected: &str) {
    let found = normalise(format!("<script>{script}</script>").as_bytes()).scripts;
    assert_eq!(shown(&found), format!("<script>{expected}</script>"), "{script}");
}

#[test]
fn scripts_are_normalised_as_programs() {
    check_script("var x = 1; x = x+2; y(x);", "var n000=1;n000=n000+2;y(n000);");
    check_script(
        "function foo(a,b){var c=a+b;return c;} foo(1,2);",
        "function n000(n001,n002){var n003=n001+n002;return n003;}foo(1,2);",
    );
    check_script("while(a){b()} var b = 1 , c;", "while(a){n000()}var n000=1,n001;");
    check_script("var a=1;var a=1;", "var n001=1;var n001=1;");
    check_script("window.x=1;var x=2;x.y.x", "window.x=1;var n000=2;n000.y.x");
    check_script("\"a\" + 'b' + c + \"D\" +\n\"e\"", "\"ab\"+c+\"de\"");
    check_script("document.write(unescape(\"%3Cscript%3E\"))", "document.write(\"<script>\")");
    check_script("t\nunescape('%41%u0042') + 'c'", "t\"ab\"+\"c\"");
    check_script("var a=f(x,unescape('%41')+unescape(y))", "var n000=f(x,\"a\"+n001(y))");
    check_script("o.unescape('%41')", "o.unescape(\"%41\")");
    check_script("Unescape('%41')+x", "unescape(\"%41\")+x");
    check_script("else eval('Al' + \"ert(1)\"); eval(x + 'y')", "else alert(1)eval(x+\"y\")");
    check_script("o.eval('a')", "o.eval(\"a\")");
    check_script(r#"'a\x41\u0042\"\q\x4'"#, "\"aab\"qx4\"");
    check_script("A /* x */ B ++ + c", "a b+++c");
    check_script("for(var i=0;i<10;i++){x+=i}", "for(var n000=0;n000<10;n000++){x+=n000}");
}

#[test]
fn strings_that_are_evaluated_stand_there_as_what_they_say() {
    check_script("eval( 'f()' ) ; g()", "f()g()");
    check_script("return eval('f()');;", "return f();");
    check_script("eval(unescape('%61;')); b", "a;b");
    check_script("eval(unescape('%61')+';'); b", "eval(\"a\"+\";\");b");
    check_script("eval('/* c */ d();//x'); b", "d();b");
    // What is not at its end when the string is over is what the next one begins with.
    check_script("eval('1+1'); eval('x '); eval('y'); z", "1+1 x z");
    check_script("eval('\\'a'); b; eval('c\\';d')", "b;\"ac\";");
    // One that gives nothing makes that one token is passed over.
    check_script("eval('a'); eval('b;')", "eval(\"b;\")");
    check_script("eval('a'); x; eval('b;')", "x;ab;");
    // Names in there are declared as any other, and nothing is looked into once more.
    check_script("var q; eval('var abc=q+abc;'); abc", "var n000;var n001=n000+n001;n001");
    check_script("eval('var t=1;');var u=2;t;u", "var n001=1;var n000=2;n001;n000");
    check_script("function g(a){eval('var a;a;')}a", "function n000(n001){var n001;n001;}n002");
    check_script("var a,b=eval('z=1;');f(c,d)", "var n000,n001=z=1;f(c,d)");
    check_script("var a=f(x,eval('b;'));var c;eval(c)", "var n000=f(x,b;);var n002;n001(n002)");
    check_script("eval('function k(m){m}');var u;m;u", "function n001(n002){n002}var n000;m;n000");
    check_script("function g(a){eval('}');a}a", "function n000(n001){}n001}a");
    check_script("eval('eval(\\'g()\\')'); eval('unescape(\\'%41\\')')", "eval(\"g()\")unescape(\"%41\")");
    check_script("eval('x=\"a\"')+'b'", "x=\"a\"+\"b\"");
    for other in ["o.eval(\"a;\")", "eval((\"a;\"))", "eval(\"a;\",1)", "eval()", "eval.call(0,\"a;\")"] {
        check_script(other, other);
    }
    // Right behind a function it stays, unless hardly anything follows.
    check_script("function f(){}eval('f()');x;y;", "function n000(){}eval(\"f()\");x;y;");
    check_script("function f(){}eval('f()');x;y", "function n000(){}f()x;y");
    check_script("function f(){{}eval('f()');x;y;z}", "function n000(){{}n000()x;y;z}");
    check_script("function f(){}x;eval('f()');x;y;z", "function n000(){}x;f()x;y;z");
    check_script("Eval('a;'); EVAL('a;')", "eval(\"a;\");eval(\"a;\")");
}

#[test]
fn what_strings_leave_over_is_kept_within_bounds() {
    // Each would be read again with all that came before.
    let script = |length: usize| format!("eval('{}');x;eval('c;')", "a".repeat(length));
    check_script(&script(1024), &format!("x;{}c;", "a".repeat(1024)));
    check_script(&script(1025), "x;c;");
}

#[test]
fn names_behind_commas_are_declared_outside_of_brackets_and_braces_alone() {
    for (script, expected) in [
        ("var a=f(x,y.z,w),b;y;z;w;b", "var n000=f(x,n001.z,n002),n003;n001;z;n002;n003"),
        ("var a=[x,b],c;b;c", "var n000=[x,b],n001;b;n001"),
        ("var [a,b]=c;a;b", "var[n000,n001]=c;n000;n001"),
        ("var {a,b}=c;a;b", "var{n000,b}=c;n000;b"),
        ("[1,var a,b],c;b;c", "[1,var n000,n001],n002;n001;n002"),
        ("var a=f(x,[y],{z:1},w);y;z;w", "var n000=f(x,[n001],{n002:1},n003);n001;n002;n003"),
        ("var a=f(x,this.y+new Z(w))+v,u;y;Z;u", "var n000=f(x,this.y+new n001(w))+v,n002;y;n001;n002"),
        ("if(x){var a=1,b;b}c,d;d", "if(x){var n000=1,b;b}c,n001;n001"),
        ("{{var a},b;b", "{{var n000},b;b"),
        ("}var a=1},b;b", "}var n000=1},n001;n001"),
        (
            "var a=(function(){var b=1,c;return b,d})(),e;c;d;e",
            "var n000=(function(){var n001=1,c;return n001,d})(),n002;c;d;n002",
        ),
        ("function g(){var a=1;}c,b;b", "function n000(){var n001=1;}c,b;b"),
        (
            "function g(a=f(b,c),d)e,h{b;c;d;h}h",
            "function n000(n001=f(b,n002),n003)e,n004{b;n002;n003;n004}h",
        ),
        ("function f([a,b],c[d,e]);g,h{a;e;h}", "function n000([n001,n002],n003[d,e]);g,h{n001;e;h}"),
        ("function in(a,b){b}", "function in(n000,n001){n001}"),
        (
            "function f(a,function g(b,c){c},d){d}",
            "function n000(n001,function n002(n003,n004){n004},n005){n005}",
        ),
    ] {
        check_script(script, expected);
    }
}

#[test]
fn numbers_are_written_as_c_writes_them() {
    check_script("x=0x41+012;y=0XfFg", "x=0 x41+12;y=0 xffg");
    check_script("a=1x;b=12abc;c=0b11;d=1e-5;e=1$f", "a=1 x;b=12 abc;c=0 b11;d=1 e-5;e=1 $f");
    check_script("x=00;y=08;z=.05;w=a.1.5", "x=0;y=8;z=.5;w=a.1.5");
    check_script("x=100000000000;y=4294967295;z=2147483648", "x=1215752192;y=-1;z=-2147483648");
    check_script("x=9223372036854775808;y=99999999999999999999", "x=-1;y=-1");
    check_script("x=1.5e3;y=1.E+5x;z=1.5e-7;w=1.e", "x=1500;y=100000 x;z=1.5e-07;w=1");
    check_script("x=1.10;y=1.23456789;z=3.;w=3..e;v=1.a", "x=1.1;y=1.23457;z=3;w=3.e;v=1 a");
    check_script("x=1000000.0;y=100000.0;z=0.00001;w=0.0001", "x=1e+06;y=100000;z=1e-05;w=0.0001");
    check_script("x=1.0e400;y=1.5e-400;z=1.5e;w=1.5ex;v=1.5e+", "x=inf;y=0;z=1.5;w=1.5 x;v=1.5");
    check_script("x=1 2;y=$1;z=_3a", "x=1 2;y=$1;z=_3a");
}

#[test]
fn every_name_that_is_declared_is_numbered() {
    let letters = b"abcxyzABCXYZ_$";
    let name = |number: usize| {
        let (first, last) = (letters[number % 14], letters[number / 14 % 14]);
        let middle = "q".repeat(number / 196);
        format!("{}{middle}{}", char::from(first), char::from(last))
    };
    let names: Vec<String> = (0..1000).map(name).collect();
    let number = |(number, _): (usize, &String)| format!("n{number:03}");
    let numbers: Vec<String> = names.iter().enumerate().map(number).collect();
    check_script(
        &format!("other={};var {};", names.join("+"), names.join(",")),
        &format!("other={};var {};", numbers.join("+"), numbers.join(",")),
    );
    check_script(
        &format!("function q({}){{}} {}", names.join(","), names[..9].join(";")),
        &format!(
            "function n000({}){{}}{}",
            numbered_from_one(names.len()),
            names[..9].join(";").to_lowercase()
        ),
    );
}

fn numbered_from_one(count: usize) -> String {
    (1..=count).map(|number| format!("n{number:03}")).collect::<Vec<_>>().join(",")
}

#[test]
fn a_comment_to_the_end_of_its_line_loses_its_first_word() {
    check_script("y;//a-->b\nx", "y;x");
    check_script("y;//--> Z\nx", "y;z x");
    check_script("y;// a-b \"c\"\nx", "y;a-b\"c\"x");
}

#[test]
fn all_scripts_of_a_page_are_one_child() {
    let found = Collected::of(FileType::Html, b"<script>var a</script>x<script>var b</script>");
    let kinds: Vec<_> = found.children.iter().map(|child| child.kind).collect();
    let copy = ChildKind::Normalised;
    assert_eq!(
        kinds,
        [copy(Normalisation::HtmlNoComments), copy(Normalisation::HtmlNoTags), copy(Normalisation::Script)]
    );
    assert_eq!(found.children[2].bytes, b"<script>var n000</script>\n<script>var n000</script>");
}

#[test]
fn data_addresses_are_children() {
    let page = b"<img src=\"data:image/gif;base64,R0lG\nOA==\"><a href=data:text/plain,Hello%20%zz>t";
    let found = Collected::of(FileType::Html, page);
    assert_eq!(shown(&found.children[0].bytes), "<img src=\"data\"><a href=data>t");
    let given: Vec<_> =
        found.children[2..].iter().map(|child| (child.member.name.as_str(), &child.bytes[..])).collect();
    assert_eq!(given, [("data:image/gif", &b"GIF8"[..]), ("data:text/plain", b"Hello %zz")]);
}

#[test]
fn wide_pages_are_read_like_narrow_ones() {
    let page: Vec<u8> = "<B>Text &lt;</B>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let found = Collected::of(FileType::HtmlUtf16, &page);
    assert_eq!(shown(&found.children[0].bytes), "<b>text <</b>");
}

#[test]
fn what_is_over_the_limit_is_said() {
    let limits = Limits { max_normalise: 4, ..Limits::default() };
    let found = Collected::with_limits(FileType::Html, b"<b>ABC", limits);
    assert_eq!(found.children[0].bytes, b"<b>a");
    assert_eq!(found.incomplete, [Reason::NormaliseSize]);
}

#[test]
fn pages_are_paid_for() {
    let page = b"<p>text</p>".repeat(100);
    let found = Collected::of(FileType::Html, &page);
    assert!(!found.children.is_empty() && found.incomplete.is_empty());
    let found = Collected::without_work(FileType::Html, &page);
    assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::Work]));
}

#[test]
fn hostile_nesting_takes_no_squares() {
    let functions = "function a(b){".repeat(40_000);
    check_linear(&format!("<script>{functions}</script>"));
    check_linear(&"<script>x".repeat(40_000));
    check_linear(&"<a href=\"data:x ".repeat(40_000));
    check_linear(&"&#&".repeat(100_000));
    check_linear(&format!("<script>{}</script>", "unescape(\"%41".repeat(40_000)));
}

/// Makes copies of a page of half a megabyte, and none much longer than the page.
#[track_caller]
fn check_linear(page: &str) {
    let found = normalise(page.as_bytes());
    let length = found.without_comments.len() + found.without_tags.len() + found.scripts.len();
    assert!(length < page.len() * 4);
}

proptest! {
    #[test]
    fn runs_become_what_their_bytes_become(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "<b ", "a=", "\"", "'", " ", "  ", "\n", "X", "word", "Two Words", "&", "&amp;", ";", "\u{1}", "<!", "-->",
            "<script>", "</script>", "<style>", "</style>", "<a href=", "<a href='X'>", "</a>", "www.A.b", "data:,%41", "é",
        ]), 0..60),
    ) {
        let page = parts.concat();
        prop_assert_eq!(normalise(page.as_bytes()), normalise_by(page.as_bytes(), 0));
    }

    #[test]
    fn words_of_any_length_become_what_their_bytes_become(
        parts in prop::collection::vec(
            (prop::sample::select(vec![
                "Word", " ", "a ", " a", "  ", "\n", "<", ">", "<b>", "<a href='X.Y'>", "</a>", "<i x=\"", "&", "&#65;", "&hellip;", "&Unknown;",
                "<script>", "</script>", "'", "\u{1}", "é",
            ]), prop_oneof![4 => 1_usize..3, 1 => 1_usize..60]),
            0..30,
        ),
        most in 0_usize..80,
    ) {
        let page: String = parts.into_iter().map(|(part, times)| part.repeat(times)).collect();
        prop_assert_eq!(normalise(page.as_bytes()), normalise_by(page.as_bytes(), 0));
        prop_assert_eq!(normalise(page.as_bytes()), normalise_by(page.as_bytes(), most));
    }

    #[test]
    fn copies_are_in_lower_case_and_bounded(
        parts in prop::collection::vec(prop::sample::select(vec![
            "<", ">", "<b ", "a=", "\"", "'", " ", "X", "&", "&#", "65", ";", "lt", "<!", "-->", "<script>", "</script>",
            "<style>", "</style>", "<a href=", "data:,%41", "var Q", "function F(", "{", "}", "\\x4", "unescape(", ")", "+", "\0", "é",
        ]), 0..60),
    ) {
        let page = parts.concat();
        let found = normalise(page.as_bytes());
        prop_assert!(found.without_comments.len() <= page.len() * 4 + 16);
        prop_assert!(found.without_tags.len() <= page.len() * 4 + 16);
        prop_assert!(found.scripts.iter().all(|byte| !byte.is_ascii_uppercase()));
    }
}

#[test]
fn that_there_are_more_data_addresses_than_are_given_is_said() {
    let addresses = |count: usize| {
        let found = Collected::of(FileType::Html, "<a href=data:,x>".repeat(count).as_bytes());
        (found.children.iter().filter(|child| child.bytes == b"x").count(), found.incomplete)
    };
    assert_eq!(addresses(4096), (4096, vec![]));
    assert_eq!(addresses(4097), (4096, vec![Reason::Children]));
}

#[test]
fn files_in_base64_are_children_wherever_they_stand() {
    let file = [&b"PK\x03\x04"[..], &[0x14; 200]].concat();
    let digits = container::base64(&file);
    for page in [
        format!("<html><body><script>var b='{digits}';</script></body></html>"),
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg'><script><![CDATA[var b='{digits}']]></script></svg>"
        ),
        format!("<html><div data-file=\"{digits}\"></div></html>"),
        format!("<html><textarea>{digits}</textarea></html>"),
        format!("<html><!-- {digits} --></html>"),
        format!("<html><style>a{{background:url(data:application/zip;base64,{digits})}}</style></html>"),
        format!("<html><pre>\n{}\n{}\n</pre></html>", &digits[..200], &digits[200..]),
    ] {
        for bytes in [page.as_bytes().to_vec(), page.encode_utf16().flat_map(u16::to_le_bytes).collect()] {
            let found = Collected::of(FileType::Html, &bytes);
            let files = found.children.iter().filter(|child| child.bytes == file).count();
            assert_eq!(files, 1, "{page}");
        }
    }
    // What is an address is given as such, and not again; nor is what is nothing.
    let address = format!("<a href='data:application/zip;base64,{digits}'>");
    let page =
        format!("<html>{address}<b title='{digits}'>{address}<i title='{}'></html>", "QUFB/w".repeat(40));
    let found = Collected::of(FileType::Html, page.as_bytes()).children;
    let names: Vec<_> = found
        .iter()
        .filter(|child| child.kind == ChildKind::Extracted)
        .map(|child| (&child.member.name[..], child.member.position, child.bytes == file))
        .collect();
    assert_eq!(
        names,
        [("data:application/zip", 1, true), ("data:application/zip", 2, true), ("base64 1", 3, true)]
    );
}
