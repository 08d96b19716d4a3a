//! Files of one short word, again and again: what a parser does beside reading, it does there as often as can be. Twelve
//! times 38 MiB of a word are a megabyte in a ZIP archive, and no more than 400 MiB of them are looked at.

/// Words that mean something in one kind of file.
pub(super) struct Kind {
    pub(super) name: &'static str,
    /// What such a file begins with.
    pub(super) head: &'static [u8],
    pub(super) words: &'static [&'static [u8]],
}

pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "page",
        head: b"<html><body>",
        words: &[
            b"<", b">", b"</", b"<a", b"<a ", b"<a>", b"<a href=x>", b"<a href=\"x\">", b"<a href=x ", b"=",
            b"\"", b"'", b"<!", b"<!--", b"<!-->", b"--", b"&", b"&a", b"&#", b"&#1", b"&#65;", b"&#x41;",
            b"&amp;", b"&amp", b"&lt;b", b"%41", b"<script>", b"<script>a</script>", b"<script src=a>",
            b"<style>", b"<style>a</style>", b"<img src=a>", b"<img src=data:a/b;base64,QUJD>", b"data:",
            b"data:a/b;base64,QUJD ", b"<form action=a>", b"<iframe src=a>", b"<title>a</title>",
            b"<title>", b"<?", b"<%", b"\r\n", b"\n", b" ", b"\t", b"\0", b"\x80", b"\xff", b"a", b"A",
            b"a ", b"A\n", b"<meta content=a>", b"<base href=a>", b"<area href=a>",
            b"<a href=http://a.b/>c</a>", b"<font>", b"</a>", b"<b>x</b>", b"<x y=z w=v u=t>",
        ],
    },
    Kind {
        name: "script",
        head: b"<html><script>",
        words: &[
            b"\"", b"'", b"\\", b"\"a\"+", b"\"a\"", b"a", b"a ", b"a.", b"a,", b"var ", b"var a;",
            b"var a,", b"function", b"function a(b){", b"function(){}", b"{", b"}", b"(", b")", b"/", b"//",
            b"// ", b"/*", b"/**/", b"+", b";", b"=", b"1", b"1 ", b"unescape(", b"unescape(\"%41\")",
            b"\"\\x41\"", b"'\\u0041'+", b"\"%41%u0041\"+", b"eval(", b"a=b;", b"$", b"_", b"a1=", b"\n",
            b"String.fromCharCode(65)", b"var a=1,", b"var function", b".a", b"[a]",
            b"a;function b(c){var d;}",
        ],
    },
    Kind {
        name: "rich text",
        head: b"{\\rtf1 ",
        words: &[
            b"{", b"}", b"{}", b"\\", b"\\a", b"\\a1 ", b"\\'41", b"\\u65 ", b"\\*", b"{\\*\\a",
            b"{\\object", b"{\\objdata 01}", b"{\\object{\\*\\objdata 0105000002000000}}",
            b"{\\object{\\*\\objdata ", b"\\bin1 a", b"\\bin0 ", b"{\\pict 41}", b"{\\pict ", b"41", b"4 ",
            b"a", b" ", b"\n", b"\\par ", b"{\\fonttbl{\\f0 a;}}", b"{\\field{\\fldinst{HYPERLINK \"a\"}}}",
            b"{\\*\\datastore 41}", b"{\\ud ", b"\\objupdate", b"\\objemb",
        ],
    },
    Kind {
        name: "PostScript",
        head: b"%!PS-Adobe-3.0\n",
        words: &[
            b"%", b"%\n", b"%%", b"<", b"<41>", b"<~", b"<~5s~>", b"(", b")", b"(a)", b"(\\", b"{", b"}",
            b"/", b"/a ", b"currentfile ", b"eexec ", b"currentfile eexec ", b"/ASCIIHexDecode filter ",
            b"%%BeginBinary: 1\n", b"%%BeginData: 1\n", b"41", b"a", b" ", b"\n", b"exec ", b"\x1b%-12345X",
            b"%!PS\n", b"<<", b">>", b"[", b"]", b"/a{exec}def ",
        ],
    },
    Kind {
        name: "mail",
        head: b"From: a@b\nSubject: c\nMIME-Version: 1.0\nContent-Type: text/plain\n\n",
        words: &[
            b"a\n", b"\n", b"\r\n", b"--\n", b"--a\n", b"-", b"=\n", b"=41", b"=", b"begin", b"begin ",
            b"begin 644 a\n", b"begin 644 a\nM\n", b"begin 644 a\n#86)C\n`\nend\n", b"end\n", b"=ybegin ",
            b"=ybegin line=1 size=1 name=a\nk\n=yend size=1\n", b"=ypart ",
            b"(This file must be converted with BinHex 4.0)\n", b"(This file", b":", b"QUJD\n",
            b"QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD\n", b"From a\n",
            b"From a@b Mon Jan 1\n", b"From: a\n", b">From a\n", b"Content-Type: a/b\n",
            b"Content-Type: multipart/mixed; boundary=a\n\n--a\n", b"a: b\n",
            b"MAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n", b"A", b" ", b"<a href=b>",
            b"http://a.b/ ", b"%41", b"-----BEGIN PGP MESSAGE-----\n", b"\0",
            b"From: a\nContent-Type: text/html\n\n<a>\n", b"---- Forwarded message\n", b"password: abc\n",
            b"password ", b"\"", b"/\n", b".\n", b"..\n",
        ],
    },
    Kind {
        name: "header of a mail",
        head: b"From: a@b\n",
        words: &[
            b"a", b"a:", b"a: b\n", b" a\n", b"\n ", b"Subject: =?utf-8?q?=41?=\n",
            b"Subject: =?utf-8?b?QUI=?=\n", b"=?", b"=?utf-8?q?a?= ", b"=?a?b?QUI=?=",
            b"Content-Type: a/b; ", b"Content-Type: a/b;\n", b"; a=b", b"; a*0=b", b"; a*=utf-8''%41",
            b"\"", b"(", b")", b"\\", b"Content-Transfer-Encoding: base64\n",
            b"Content-Disposition: attachment; filename=a\n", b";", b"=", b",", b"Received: a\n",
        ],
    },
    Kind {
        name: "mail in parts",
        head: b"From: a@b\nContent-Type: multipart/mixed; boundary=x\n\n",
        words: &[
            b"--x\n", b"--x--\n", b"--x\n\n", b"--x\n\na\n", b"--xx\n", b"--x \n", b"--",
            b"--x\nContent-Type: text/html\n\n<a>\n", b"--x\nContent-Transfer-Encoding: base64\n\nQUJD\n",
            b"--x\nContent-Transfer-Encoding: quoted-printable\n\n=41\n",
            b"--x\nContent-Type: message/rfc822\n\n",
            b"--x\nContent-Type: multipart/mixed; boundary=y\n\n--y\n", b"\n--x", b"\r\n--x\r\n",
        ],
    },
    Kind {
        name: "mail in base64",
        head: b"From: a@b\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\n",
        words: &[
            b"QUJD", b"Q", b"=", b"Q=", b"QUI=\n", b"!", b"\n", b"Q\n", b" ", b"\xff",
        ],
    },
    Kind {
        name: "mail in quoted-printable",
        head: b"From: a@b\nContent-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n",
        words: &[
            b"=", b"=41", b"=\n", b"= \n", b" ", b" \n", b"a", b"=4", b"=zz", b"\t\t\n",
        ],
    },
    Kind {
        name: "flat XML",
        head: b"<?xml version=\"1.0\"?><?mso-application progid=\"Word.Document\"?><w:wordDocument>",
        words: &[
            b"<", b"<a>", b"<a/>", b"</a>", b"<a b=\"c\"/>", b"<w:binData>QUJD</w:binData>", b"<w:binData>",
            b"&", b"&amp;", b"&#65;", b"<!--", b"<!-- -->", b"<![CDATA[", b"<![CDATA[]]>", b"<?a?>",
            b"<!DOCTYPE a [", b"<!ENTITY a \"b\">", b"\"", b"a", b" ", b"\n", b"QUJD",
        ],
    },
    Kind {
        name: "text",
        head: b"hello world this is a text\n",
        words: &[
            b"a", b"A", b" ", b"\n", b"\0", b"a\0", b"\xff\xfe", b"\xe4", b"\xc3\xa4", b"QUJD",
            b"QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD\"",
            b"\"QUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJDQUJD\"",
            b"FromBase64String(\"QUJDQUJDQUJDQUJDQUJD\")", b"-enc QQBCAEMA ", b"powershell -enc QQBCAEMA ",
            b"powershell ", b"-e ", b"#@~^", b"#@~^AQAAAA==aa^#~@", b"http://a.b/ ", b"4111111111111111 ",
            b"123-45-6789 ", b"4", b"4 ", b"1-", b"%41", b"MZ", b"PK\x03\x04", b"<?php ", b"<script>",
            b"eval(", b"data:a/b;base64,QUJD ", b"Chr(65)&", b"\"a\"&\"b\"", b"\\x41", b"<", b"<i", b"<t",
            b"<o", b"<a ", b"<a", b"<a h", b"<s", b"<!", b"<%", b"<im", b"<obj", b"<!d", b"<html", b"-",
            b"/", b"-^", b"/e", b"-e", b"#@", b"#@~", b"P", b"PE", b"PE\0", b"M", b"7z", b"R", b"{\\",
            b"{\\rtf", b"%P", b"\x7fE", b"\xd0\xcf", b"MS", b"h", b"ht", b"http", b"http:", b"x=",
            b"PE\0\0",
            b"MZ\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x80\0\0\0PE\0\0",
            b"7z\xbc\xaf'\x1c", b"Rar!\x1a\x07", b"MSCF\0\0\0\0", b"%PDF-", b"%PDF-1.4\n1 0 obj",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"{\\rtf1", b"\x7fELF", b"\xef\xbe\xad\xdeNullsoftInst",
            b"\0\x01", b"\0\0\x01", b"\x01",
        ],
    },
    Kind {
        name: "PDF",
        head: b"%PDF-1.7\n",
        words: &[
            b"/", b"#", b"/#", b"/J ", b"/JS ", b"/JS(a", b"/JS[", b"/JS 1 0 R ", b"/JS<41> ", b"/URI(a)",
            b"/U", b"/#4a ", b"/A#41#42 ", b"/T#79pe ", b"stream\n", b"<<>>stream\n",
            b"1 0 obj<<>>stream\n", b"stream\nendstream ", b"1 0 obj<<>>stream\na\nendstream ",
            b"1 0 obj<</Length 1>>stream\na\nendstream endobj\n",
            b"1 0 obj<</Filter/FlateDecode>>stream\na\nendstream ",
            b"1 0 obj<</Filter/ASCIIHexDecode>>stream\n41>\nendstream ",
            b"1 0 obj<</Filter 9 0 R>>stream\n41>\nendstream ",
            b"1 0 obj<</Filter[/Fl/Fl/Fl/Fl]>>stream\nA\nendstream ",
            b"1 0 obj<</Type/ObjStm>>stream\n/JS(a)\nendstream ", b"1 0 obj ", b"/Encrypt 1 0 R ",
            b"trailer<</Encrypt 1 0 R>>", b"%%EOF\n%PDF-1.7\n", b"/JS(\\(", b"/JS %a\n", b"/JS<<", b"/A",
            b"<41>", b"xref\n0 1\n", b"/Linearized 1 ", b"startxref 9\n", b"/EmbeddedFile/F(a)", b"/XFA(a)",
            b"/Launch/Win", b"endobj ", b"1 0 obj<</Filter/LZW>>stream\n\x80\x0b\nendstream ",
            b"1 0 obj<</Filter/Fl/DecodeParms<</Predictor 12/Columns 9>>>>stream\nx\x9c\x03\0\0\0\0\x01\nendstream ",
            b"1 0 obj<</A/B/C/D>>stream\n\nendstream ", b"1 0 obj<</Length 9 0 R>>stream\n\nendstream ",
        ],
    },
    Kind {
        name: "bytes",
        head: b"\x01\x02\x03\x04\x05\x80\x90",
        words: &[
            b"\x01\x02\x03", b"PE\0\0", b"MZ", b"PK\x03\x04", b"\xcd!", b"\0", b"\xff", b"<", b"\x90",
            b"\xe8\0\0\0\0",
        ],
    },
];
