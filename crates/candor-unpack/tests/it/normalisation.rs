//! The normalised copies of HTML, scripts and text against those that `sigtool` writes.

use std::path::Path;
use std::process::{Command, Stdio};

use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Normalisation, Reason, Sink,
};

/// Keeps the normalised copies.
struct Copies {
    given: Vec<(Normalisation, Vec<u8>)>,
    budget: Budget,
}

impl Copies {
    fn of(file_type: FileType, bytes: &[u8]) -> Self {
        let budget = Budget::new(Limits::default(), Interrupt::new(), 0);
        let mut copies = Self { given: Vec::new(), budget };
        candor_unpack::unpack(file_type, bytes, &mut copies);
        copies
    }

    fn copy(&self, kind: Normalisation) -> &[u8] {
        self.given.iter().find(|(given, _)| *given == kind).map_or(&[], |(_, bytes)| bytes)
    }
}

impl Sink for Copies {
    fn child(&mut self, kind: ChildKind, _: &Member, content: Content<'_>) -> Flow {
        if let (ChildKind::Normalised(kind), Content::Bytes(bytes)) = (kind, content) {
            self.given.push((kind, bytes.to_vec()));
        }
        Flow::Continue
    }

    fn facts(&mut self, _: Facts) {}

    fn incomplete(&mut self, _: Reason) {}

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

/// Whether `sigtool` can be asked.
fn is_installed() -> bool {
    let mut command = Command::new("sigtool");
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// What `sigtool` writes into `folder` for `input`, by file name; empty when it writes no such file.
fn written(option: &str, input: &[u8], folder: &Path, names: &[&str]) -> Vec<Vec<u8>> {
    for name in names {
        // It is absent the first time.
        let _ = std::fs::remove_file(folder.join(name));
    }
    let page = folder.join("input");
    std::fs::write(&page, input).unwrap();
    let mut command = Command::new("sigtool");
    command.arg(option).arg(&page).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
    // Its exit status says nothing; that it read the page shows in the first file.
    command.status().unwrap();
    assert!(folder.join(names[0]).exists());
    names.iter().map(|name| std::fs::read(folder.join(name)).unwrap_or_default()).collect()
}

/// Numbers that look random and are the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn page(&mut self, parts: &[&str]) -> String {
        let length = 1 + self.below(14);
        (0..length).map(|_| parts[self.below(parts.len())]).collect::<String>() + "\nend."
    }
}

const HTML: &[&str] = &[
    "<b>",
    "</b>",
    "<p class=\"X y\">",
    " ",
    "  ",
    "\n",
    "\t",
    "text",
    "Hello",
    "1 2",
    ".",
    "/",
    "=",
    "\"",
    "'",
    "<a href=\"http://X/Y?z=1&amp;w=2\">",
    "<a href=u>",
    "</a>",
    "<img src=\"I.png\" alt='q \"r\" s'>",
    "&amp;",
    "&lt;",
    "&#65;",
    "&#x42;",
    "&nbsp;",
    "&copy;",
    "&bogus;",
    "& ",
    "<!-- c -->",
    "<!DOCTYPE html>",
    "<br/>",
    "<table border = \"1\" >",
    "<td\n  width=10%>",
    "x<y",
    "a>b",
    "<style>a  {B}</style>",
    "<script>var A = 1; b(\"C  d\");</script>",
    "<SCRIPT src=\"q.js\"></SCRIPT>",
    "<input disabled value = x >",
    "<i a='b'c=d>",
    "<meta content=\"text/html; charset=utf-8\">",
    "<?xml version=\"1.0\"?>",
    "<o:p></o:p>",
];

const SCRIPT: &[&str] = &[
    "var a=1;",
    "var b = \"X  y\" , c;",
    "a = b + c ;",
    "function f(a, d) { return a+d; }\n",
    "f(a,b);",
    "\n",
    "if (a>b) {c=d}",
    "x.a = a.x;",
    "\"p\" + \"q\";",
    "'s' + t;",
    "unescape('%41%42');",
    "eval(z);",
    "/* c */",
    "for(var i=0;i<3;i++){x[i]=i;}",
    "var o={k:1,a:2};",
    "document.write(\"<b>\"+a+\"</b>\");",
    "'a\\x41';",
    "var g=function(m){return m*m};",
    "g(m);",
    "Foo.Bar(\"Baz\");",
    "while(a){b()};",
    "// d e\n",
    "//f\n",
    "x=0x41+012;",
    "y=1.50e3-.5;z=1e-5;",
    "w=99999999999;",
    "eval('f()');",
    "eval(\"var t=2;t\");",
    "eval(unescape('%61;'));",
    "eval('b');",
    "x.eval('c;');Eval('d;');",
    "var h=f(x,y);",
    "var l=[p,q],r;",
    "if(a){var s=1,u;}",
];

#[test]
fn pages_are_normalised_as_by_clamav() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    for round in 0..180 {
        let page = if round % 3 == 0 {
            format!("<script>{}</script>", numbers.page(SCRIPT))
        } else {
            numbers.page(HTML)
        };
        let names = ["nocomment.html", "notags.html", "javascript"];
        let expected = written("--html-normalise", page.as_bytes(), folder.path(), &names);
        let found = Copies::of(FileType::Html, page.as_bytes());
        let kinds = [Normalisation::HtmlNoComments, Normalisation::HtmlNoTags, Normalisation::Script];
        for ((name, kind), expected) in names.iter().zip(kinds).zip(expected) {
            let (found, expected) =
                (String::from_utf8_lossy(found.copy(kind)), String::from_utf8_lossy(&expected));
            assert_eq!(found, expected, "{name} of {page:?}");
        }
    }
}

#[test]
fn text_is_normalised_as_by_clamav() {
    if !is_installed() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    for _ in 0..40 {
        let length = 1 + numbers.below(600);
        let text: Vec<u8> = (0..length)
            .map(|_| match numbers.below(4) {
                0 => b" \t\n\r\x0b\x0c"[numbers.below(6)],
                1 => u8::try_from(numbers.below(256)).unwrap(),
                _ => u8::try_from(0x20 + numbers.below(0x60)).unwrap(),
            })
            .collect();
        let expected = written("--ascii-normalise", &text, folder.path(), &["normalised_text"]);
        let found = Copies::of(FileType::TextAscii, &text);
        assert_eq!(found.copy(Normalisation::Text), expected[0], "{text:?}");
    }
}
