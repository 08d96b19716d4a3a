//! Streams under every filter, in chains, with wrong lengths, and scripts.

use candor_fixtures::{document, stream};
use candor_model::{Anomaly, FileType, Limits, Reason};

use crate::collected::{Collected, survives_damage};

fn shown(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let found = Collected::of(FileType::Pdf, bytes).children;
    found.into_iter().map(|child| (child.member.name, child.bytes)).collect()
}

fn only(dictionary: &str, data: &[u8]) -> Vec<u8> {
    shown(&document::pdf(&[(dictionary, data.to_vec())])).remove(0).1
}

#[test]
fn every_filter_is_undone() {
    assert_eq!(only("", b"content"), b"content");
    assert_eq!(only("/Filter /FlateDecode", &stream::zlib(b"content")), b"content");
    assert_eq!(only("/Filter [/Fl]", &stream::zlib(b"content")), b"content");
    assert_eq!(only("/Filter /FlateDecode", &stream::deflate(b"content")), b"content");
    assert_eq!(only("/Filter /ASCIIHexDecode", b"636f 6e74656e74>"), b"content");
    assert_eq!(only("/Filter /ASCII85Decode", b"<~87cUR D]j7B\nEbo80z~>junk"), b"Hello world!\0\0\0\0");
    assert_eq!(only("/Filter /RunLengthDecode", b"\x02abc\xfed\x80junk"), b"abcddd");
    let mut encoder = weezl::encode::Encoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    let text: Vec<u8> = (0..2000_u32).flat_map(u32::to_le_bytes).collect();
    assert!(only("/Filter /LZWDecode", &encoder.encode(&text).unwrap()) == text);
}

#[test]
fn chains_and_escaped_names_are_followed() {
    let packed = stream::zlib(&stream::zlib(b"content"));
    let digits: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(
        only("/Filter [/ASCIIHexDecode /Fl#61teDecode /FlateDecode]", (digits + ">").as_bytes()),
        b"content"
    );
}

#[test]
fn predictors_are_undone() {
    // Two rows of four: the first as it is, the second as the difference to the one above it.
    let rows = [&[0, 1, 2, 3, 4][..], &[2, 1, 1, 1, 1], &[1, 1, 1, 1, 1]].concat();
    let found =
        only("/Filter /FlateDecode /DecodeParms << /Predictor 12 /Columns 4 >>", &stream::zlib(&rows));
    assert_eq!(found, [1, 2, 3, 4, 2, 3, 4, 5, 1, 2, 3, 4]);
}

#[test]
fn predictors_of_tiff_are_undone_whatever_the_width_of_a_sample() {
    let undone = |parameters: &str, rows: &[u8]| {
        only(
            &format!("/Filter /FlateDecode /DecodeParms << /Predictor 2 {parameters} >>"),
            &stream::zlib(rows),
        )
    };
    assert_eq!(undone("/Columns 4", &[1, 1, 1, 255, 7, 0, 1]), [1, 2, 3, 2, 7, 7, 8]);
    assert_eq!(undone("/Columns 2 /Colors 3", &[1, 2, 3, 10, 20, 30]), [1, 2, 3, 11, 22, 33]);
    assert_eq!(undone("/Columns 2 /BitsPerComponent 16", &[0, 255, 0, 1]), [0, 255, 1, 0]);
    assert_eq!(undone("/Columns 4 /BitsPerComponent 4", &[0x1f, 0x21]), [0x10, 0x23]);
    assert_eq!(undone("/Columns 8 /BitsPerComponent 1", &[0b1100_0001]), [0b1000_0001]);
    assert_eq!(undone("/Columns 2 /Colors 2 /BitsPerComponent 2", &[0b01_10_01_11]), [0b01_10_10_01]);
}

#[test]
fn values_that_only_a_reference_leads_to_are_found() {
    let packed = stream::zlib(b"content");
    let file = |dictionary: &str, others: &str| {
        let head = format!("%PDF-1.4\n{others}\n1 0 obj\n<< {dictionary} >>\nstream\n");
        [head.as_bytes(), &packed, b"\nendstream\nendobj\n"].concat()
    };
    let plain = [("object 1".to_owned(), b"content".to_vec())];
    for (dictionary, others) in [
        ("/Filter 7 0 R", "7 0 obj /FlateDecode endobj"),
        ("/Filter 7 0 R", "7 0 obj [ 8 0 R ] endobj 8 0 obj /Fl endobj"),
        ("/Filter [7 0 R]", "7 0 obj /ASCIIHexDecode endobj 7 0 obj /FlateDecode endobj"),
        ("/Filter /Fl /DecodeParms 7 0 R", "7 0 obj << /Predictor 1 >> endobj"),
        ("/Filter /Fl /Length 7 0 R", &format!("7 0 obj {} endobj", packed.len())),
    ] {
        assert_eq!(shown(&file(dictionary, others)), plain, "{dictionary} {others}");
    }
    let row = stream::zlib(&[1, 1, 1]);
    let head = b"%PDF-1.4\n7 0 obj << /Predictor 2 /Columns 3 >>\n1 0 obj << /Filter /Fl /DecodeParms 7 0 R >> stream\n";
    assert_eq!(shown(&[&head[..], &row, b"\nendstream"].concat())[0].1, [1, 2, 3]);
    // One that nobody knows is told of its object.
    let found = Collected::of(FileType::Pdf, &file("/Filter /FooDecode", ""));
    let unknown = &found.children[0];
    assert_eq!(unknown.member.name, "object 1");
    assert_eq!(unknown.absent, Some(Reason::Unsupported("a filter that is not known: FooDecode".to_owned())));
    assert_eq!(found.incomplete, []);
    // The word in the data is no end, if the length says so.
    let head = "%PDF-1.4\n7 0 obj 18 endobj\n1 0 obj << /Length 7 0 R >>\nstream\n";
    let data = "abc endstream more\nendstream\nendobj\n";
    assert_eq!(shown(format!("{head}{data}").as_bytes())[0].1, b"abc endstream more");
    for others in ["", "7 0 obj 7 0 R endobj", "7 0 obj 8 0 R endobj 8 0 obj 7 0 R endobj", "7 0 obj 12"] {
        let found = Collected::of(FileType::Pdf, &file("/Filter 7 0 R", others));
        let absent = found.children.last().and_then(|child| child.absent.as_ref());
        assert_eq!(absent, Some(&Reason::Unsupported("a filter that is not known".to_owned())), "{others}");
    }
}

#[test]
fn scripts_and_addresses_are_followed_and_told() {
    let text = b"%PDF-1.4\n1 0 obj << /JS 3 0 R >> endobj 2 0 obj << /JS 3 0 R >> endobj\n3 0 obj (a\\160p) endobj\n\
        4 0 obj << /S /URI /URI (http://example.org/\\141) >> endobj 5 0 obj << /#55RI <6162> >>";
    let found = Collected::of(FileType::Pdf, text);
    let children: Vec<_> = found.children.into_iter().map(|child| (child.member.name, child.bytes)).collect();
    // An address that stands as it is written is searched there.
    let expected = [("JavaScript", &b"app"[..]), ("URI", b"http://example.org/a"), ("URI", b"ab")];
    assert_eq!(children, expected.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
    let wide = b"%PDF-1.4\n1 0 obj << /URI (http://x/\\(1\\)) >> << /URI (\xfe\xff\0a\0b) >> << /URI (http://x/y) >>";
    let given = shown(wide);
    let expected = [("URI", &b"http://x/(1)"[..]), ("URI", b"ab")];
    assert_eq!(given, expected.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
    assert_eq!(found.details, [("uri", "http://example.org/a".to_owned()), ("uri", "ab".to_owned())]);
    let plain = document::pdf(&[("/Type /ObjStm", b"5 0 << /JS (hid\\144en) >>".to_vec())]);
    assert_eq!(shown(&plain)[1], ("JavaScript".to_owned(), b"hidden".to_vec()));
}

#[test]
fn blanks_behind_the_word_stream_belong_to_it() {
    let text = b"%PDF-1.4\n1 0 obj << /Length 3 >> stream \t\r\nabc\nendstream";
    assert_eq!(shown(text), [("object 1".to_owned(), b"abc".to_vec())]);
}

#[test]
fn words_without_their_counterpart_take_no_squares() {
    // Each of these took seconds for a megabyte and hours for a hundred.
    let many = |head: &str, text: &str| [head, &text.repeat((2 << 20) / text.len())].concat();
    for bytes in [
        many("%PDF-1.4\n", "stream\n"),
        many("%PDF-1.4\n1 0 obj (", "stream\n"),
        many("%PDF-1.4\n1 0 obj ", "%obj %stream\n"),
        many("%PDF-1.4\n", "1 0 obj<<>>stream\nendobj\n"),
        many("%PDF-1.4\n", "1 0 obj<</Length 9>>stream\n         "),
        many("%PDF-1.4\n", "/JS <"),
        many("%PDF-1.4\n", "/URI ["),
        many("%PDF-1.4\n/Encrypt 1 0 R /Encrypt 1 0 R ", "1 0 obj ("),
        many("%PDF-1.4\n/Encrypt 1 0 R 1 0 obj << /V 2 /R 3 >>", "/ID [ (a) "),
        many("%PDF-1.4\n5 0 obj [1 0 R 1 0 R 1 0 R 1 0 R]", "1 0 obj<</Filter 5 0 R>>stream\nx endstream "),
    ] {
        // What begins in one another is counted elsewhere.
        Collected::without_work(FileType::Pdf, bytes.as_bytes());
    }
}

#[test]
fn wrong_lengths_are_seen_through() {
    for length in ["0", "3", "99999", "7 0 R", "(x)"] {
        let text = format!("%PDF-1.4\n1 0 obj\n<< /Length {length} >>\nstream\ncontent\nendstream\nendobj\n");
        assert_eq!(shown(text.as_bytes()), [("object 1".to_owned(), b"content".to_vec())], "{length}");
    }
    let cut = b"%PDF-1.4\n12 0 obj << /Filter/FlateDecode >> stream\r\n".to_vec();
    assert_eq!(
        shown(&[cut, stream::zlib(b"content")].concat())[0],
        ("object 12".to_owned(), b"content".to_vec())
    );
}

#[test]
fn scripts_are_children_wherever_they_stand() {
    let text = b"%PDF-1.4\n1 0 obj << /S /JavaScript /JS (app.alert\\(1\\);\\101 (x)) >> endobj\n2 0 obj << /#4a#53 <6170> >> endobj";
    let scripts: Vec<_> = shown(text).into_iter().map(|(_, script)| script).collect();
    assert_eq!(scripts, [b"app.alert(1);A (x)".to_vec(), b"ap".to_vec()]);
    let objects = stream::zlib(b"5 0 << /JS (hidden) >>");
    let found = shown(&document::pdf(&[("/Type /ObjStm /Filter /FlateDecode", objects)]));
    assert_eq!(found[1], ("JavaScript".to_owned(), b"hidden".to_vec()));
}

#[test]
fn an_encrypted_file_says_so() {
    let found = Collected::of(FileType::Pdf, b"%PDF-1.4\ntrailer << /Encrypt 5 0 R >>");
    assert_eq!(found.incomplete, [Reason::Encrypted]);
}

#[test]
fn a_chain_that_multiplies_is_cut() {
    let mut data = vec![0; 8 << 20];
    for _ in 0..3 {
        data = stream::zlib(&data);
    }
    let bytes = document::pdf(&[("/Filter [/FlateDecode /FlateDecode /FlateDecode]", data)]);
    let limits = Limits { max_scan_size: 4 << 20, ..Limits::default() };
    let found = Collected::with_limits(FileType::Pdf, &bytes, limits);
    assert!(found.budget.bytes() <= 4 << 20);
}

#[test]
fn damage_is_survived() {
    let bytes = document::pdf(&[
        ("/Filter [/FlateDecode] /DecodeParms [<< /Predictor 15 /Columns 4 >>]", stream::zlib(&[2; 300])),
        ("/Filter /RunLengthDecode", b"\x02abc\xfed\x80".to_vec()),
        ("/Type /ObjStm /Filter /ASCIIHexDecode", b"2f4a532028782900>".to_vec()),
    ]);
    survives_damage(FileType::Pdf, &bytes);
}

/// Encryption dictionary, identifier, script and stream, as pypdf 6 wrote them; the owner's password is
/// unknown here, and of the last ones that of the user is.
const ENCRYPTED: &[(&str, &str, &str, &str, &str)] = &[
    (
        "RC4-40",
        "<< /V 1 /R 2 /Length 40 /P 4294967292 /Filter /Standard /O <c92422687facee686e373f10b5c7d04738053152f7e2ee30e11c69ec442576ab> /U <4e8242895356adbe0bcb5dc880c919e7c78b5f9cd490b6f3ce57ec9f9963a346> >>",
        "b574d33e12e3a506feb78d54d68f735a",
        "8209074d362199a4f86a",
        "4ddde77af9b588ab4df87c",
    ),
    (
        "RC4-128",
        "<< /V 2 /R 3 /Length 128 /P 4294967292 /Filter /Standard /O <566fa873ee33c797cd3b904fdadf814afa34df9a38f6ed41b984e2c6da2aa6f5> /U <4c7179f5c92365d3c277205b6f6b91b228bf4e5e4e758a4164004e56fffa0108> >>",
        "07d13e98e64f50d28ef38855d8ede4e8",
        "03839cfbcb7867487838",
        "506b13dc7010152e161a89",
    ),
    (
        "AES-128",
        "<< /V 4 /R 4 /Length 128 /P 4294967292 /Filter /Standard /O <566fa873ee33c797cd3b904fdadf814afa34df9a38f6ed41b984e2c6da2aa6f5> /U <0ea44e2700a3f662c8bb7750ddb5d48728bf4e5e4e758a4164004e56fffa0108> /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> /StmF /StdCF /StrF /StdCF >>",
        "cf3686b3a039a36531c4cdba13196b06",
        "4bb9a81f06d4f99c1a98607f4f29d7508de950d37425f03e484c77a468a4b0c7",
        "a1614e65b5ac1126215c004b9f30f6a26e3e13b07b3498ccbf4b91cc6eb96889",
    ),
    (
        "AES-256-R5",
        "<< /V 5 /R 5 /Length 256 /P 4294967292 /Filter /Standard /O <32c73084562f30d2c87ad156bbbfa685195fc7e36a51a4025b16e399a8de8a7648f2e64b3de6351ba00afa1fb6305190> /U <a91a0d0f58cb8c90340f72e36bcfb563c52c824af82c6791ce61a1a05f3f53ed79fa452989f9867386884b8f9a0cb483> /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV3 /Length 32 >> >> /StmF /StdCF /StrF /StdCF /UE <075cac35284189d089752a41de2a5f80b9af7e91e2104ba1d050de1fff0b6d0a> >>",
        "acf11b4986f80bd50b7fd21784614bbc",
        "7eeff3b9cc325710ccd137611667d565fce1ef9dda7f8070c21d42fb0b0a13f8",
        "8f7bd79b58155d3426b481f5397c39505060a79c2755bf263e23359e6eb4a9be",
    ),
    (
        "AES-256",
        "<< /V 5 /R 6 /Length 256 /P 4294967292 /Filter /Standard /O <6c1cd99ee37ffe15d6bd0bc2e57781acc7eaf31f29a9c1a7b802ff6fea580a3f0b10c8b45c9fe2c6d398a721fbb4c2f7> /U <c2ad4c480d0c4f6ed4f73a00c67c77a1f4742753647c3478d0beba18d54ae9832b359600c8384bb93313a10ffd4dc7e2> /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV3 /Length 32 >> >> /StmF /StdCF /StrF /StdCF /UE <51292c40fc68ecf8781e2e65d05c9e32d42c6ae016aec0fa7a8bc9bfefba0262> >>",
        "5f1a31159948e1bdd903b437a234b3ff",
        "51bda011733d1998434ff559a1c214939e84854b0eac96615c468b78c86914b5",
        "4e15d200f18c05acdee01bffe7c75d6387932b2cee068727b3f9a2947871f68a",
    ),
    (
        "AES-128, a common password",
        "<< /V 4 /R 4 /Length 128 /P 4294967292 /Filter /Standard /O <17be8048c33228b2818490476b500a03b01a917a1764d2c9b8a64b8e6e11f10f> /U <1e5bfb4ec71a890e3041682a37ab0eef28bf4e5e4e758a4164004e56fffa0108> /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> /StmF /StdCF /StrF /StdCF >>",
        "10d000229e50b80042917e5b5ab8ecd5",
        "45890d2f2d6ac9672729dc8b1b6bfd44aec2ab766bc5b05c37ac8983835bbfda",
        "907f9a17aaa045d5f41e05f5d5cea549723c6e478dc754bee3c09895e11e2d2d",
    ),
    (
        "AES-256, a common password",
        "<< /V 5 /R 6 /Length 256 /P 4294967292 /Filter /Standard /O <9e2e632faddee0118c6363e27147264166ff0eed355f790629a59532bd46c9e33adfdbbbb15141d690d8753ab1b21359> /U <2b45816c5b0daba1a56dad0ae692ba42df387f6785af5fe2a14ddc6515d8664a1ed3ce35b041cb24e73152457d1a1ac8> /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV3 /Length 32 >> >> /StmF /StdCF /StrF /StdCF /UE <1b948845f7d1fca46bc030f04ee90b419d845f21949409292cf6923df6da8b68> >>",
        "34ba5f1fee95ef53f44c04571f1ab61f",
        "41125862dad66091e4d94b61892652df290c16ddfb9283c783bd3492d00979b9",
        "cee6d73003fffa8aa6702132c6b2ca81074b337d02cf49bca42a01559beece3b",
    ),
    (
        "RC4-40, that of the owner",
        "<< /V 1 /R 2 /Length 40 /P 4294967292 /Filter /Standard /O <0349163b89dd00dc1468b0ff086bd9673dab4fd566e6e0a5160346669a48bfbf> /U <b0a2d8c993944c533a97af99c98d3c30a8d48cffc42136697e6a52f178dda3e1> >>",
        "d127b88289e6f2c825c378ca6c3951d0",
        "dd4835c276d40db8e292",
        "45762d9a13c78aaa4d1b37",
    ),
    (
        "RC4-128, that of the owner",
        "<< /V 2 /R 3 /Length 128 /P 4294967292 /Filter /Standard /O <cee10e93f655fc27be320d7692dbd4a8f8cb21eeb70e8aa220870e63b803c892> /U <1e403173aa5422f94cbf7201fc4a876a28bf4e5e4e758a4164004e56fffa0108> >>",
        "0658798f2950ab53adbe08b6be366c05",
        "e6ec6f8215ae3642c6f0",
        "34d4e6b4e55f9b5a24d847",
    ),
    (
        "AES-128, that of the owner",
        "<< /V 4 /R 4 /Length 128 /P 4294967292 /Filter /Standard /O <cee10e93f655fc27be320d7692dbd4a8f8cb21eeb70e8aa220870e63b803c892> /U <cc103d16732a469d33234a3d90dbe54628bf4e5e4e758a4164004e56fffa0108> /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV2 /Length 16 >> >> /StmF /StdCF /StrF /StdCF >>",
        "3a08dc189ff54650106c1d1e10a35c5e",
        "f087bb123e49eefff03c80160230bf36e93a4c8f5d213550049fab300f2cc96e",
        "7afc0d71e6e35d7272113b76ac069c235798bacde0b70f40c0243988b563e481",
    ),
    (
        "AES-256-R5, that of the owner",
        "<< /V 5 /R 5 /Length 256 /P 4294967292 /Filter /Standard /O <ca4b63708d989b416cf8828f848ade47864a64b8a925e772c1971124fc50526b54c77df063fbe7e1bf1798c104ca2ae7> /U <45e5c4c0fac776b2d6d9f6a267fab457b3f8cde99d2db22fbe761fa0f241090d18136df3d4d7358058dd8858966d6b91> /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV3 /Length 32 >> >> /StmF /StdCF /StrF /StdCF /OE <396caf0e38f09e56966a5799206ffe4c10ffe5e2d3a577a4b115ddff32c87252> >>",
        "c6234058319e0824a50e73c91dc11f39",
        "6a1a58503db647fcec3d8b90de431f31672db5ab3e83e43002e156633dd66b14",
        "d7c07326fb568aba99ac79739da9974d1bae3d6e6b413dec6ef1209c9d5c56b7",
    ),
    (
        "AES-256, that of the owner",
        "<< /V 5 /R 6 /Length 256 /P 4294967292 /Filter /Standard /O <518caaf6ad18344c25e7c4e3f8e08c6f1360fb1c1cdc5c3f2f9bc24404c359db3a7d5f5e1daf2044fd42638a47164f6d> /U <a99f5081d96ff28d1d03d6a2c8333c3a938bcc5cce8b7d08c84aa778b620a76eabbf5a399253e1c57226603d09fe3c5f> /CF << /StdCF << /AuthEvent /DocOpen /CFM /AESV3 /Length 32 >> >> /StmF /StdCF /StrF /StdCF /OE <d7ad7ae751f6cc40a6c03ffb8f0d61ed2ad45d77ce3f6ae6b9c6d5ee7d33510a> >>",
        "fdab9ca0688a86301624dca51b680562",
        "b2fcd6ebffd0a84f35af02a7fc87217efc6452e1ffae116b8a95bdc171cbe511",
        "cac1b9ca72d51d62516b5113ee5d67985231a27ec6fad0da65f11aab3770508f",
    ),
];

fn encrypted(case: usize) -> Vec<u8> {
    let (_, dictionary, identifier, script, content) = ENCRYPTED[case];
    let data = candor_fixtures::recipe::hex_bytes(content).unwrap();
    let mut bytes = format!(
        "%PDF-1.7\n5 0 obj\n<< /S /JavaScript /JS <{script}> >>\nendobj\n6 0 obj\n<< /Length {} >>\nstream\n",
        data.len()
    )
    .into_bytes();
    bytes.extend(data);
    bytes.extend(
        format!(
            "\nendstream\nendobj\n7 0 obj\n{dictionary}\nendobj\ntrailer\n<< /ID [ <{identifier}> <00> ] /Encrypt 7 0 R >>"
        )
        .into_bytes(),
    );
    bytes
}

#[test]
fn encrypted_documents_are_opened_with_no_password_and_with_common_ones() {
    for (case, (name, ..)) in ENCRYPTED.iter().enumerate() {
        let found = Collected::of(FileType::Pdf, &encrypted(case));
        assert_eq!(found.incomplete, [], "{name}");
        let shown: Vec<_> = found.children.into_iter().map(|child| child.bytes).collect();
        assert_eq!(shown, [b"the script".to_vec(), b"the content".to_vec()], "{name}");
    }
}

#[test]
fn an_unknown_password_is_said() {
    for (case, (name, ..)) in ENCRYPTED.iter().enumerate() {
        let bytes = encrypted(case);
        let is_owner = name.ends_with("owner");
        let checked = if is_owner { &b"/O <"[..] } else { b"/U <" };
        let at = memchr::memmem::find(&bytes, checked).unwrap() + 4;
        let mut other = bytes.clone();
        other[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let found = Collected::of(FileType::Pdf, &other);
        assert_eq!((found.children.len(), found.incomplete), (0, vec![Reason::Encrypted]));
    }
    survives_damage(FileType::Pdf, &encrypted(1));
    survives_damage(FileType::Pdf, &encrypted(2));
}

/// A document whose first object is this.
fn object(value: &str) -> Vec<u8> {
    format!("%PDF-1.4\n1 0 obj\n{value}\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n").into_bytes()
}

fn has_hidden_name(document: &[u8]) -> bool {
    let found = Collected::of(FileType::Pdf, document).anomalies;
    assert!(found.is_empty() || found == [Anomaly::ObfuscatedPdfName], "{found:?}");
    !found.is_empty()
}

#[test]
fn names_that_are_written_so_as_not_to_be_found_are_told() {
    for value in [
        "<< /#4aavaScript 1 >>",
        "<< /#4AavaScript 1 >>",
        "<< /JavaScrip#74 1 >>",
        "<< /#4a#61#76#61#53#63#72#69#70#74 1 >>",
        "<< /A << /S /Java#53cript >> >>",
        "<< /A [ /#4aavaScript /B ] >>",
        "<< /A (b \\) ) /Open#41ction 1 >>",
        "<< /A <41> /#53 1 >>",
        "<< % a comment\n/T#79pe 1 >>",
        "<< /A /#52 >>",
        "<< /Filter /Fl#61teDecode /Length 4 >>\nstream\nabcd\nendstream",
    ] {
        assert!(has_hidden_name(&object(value)), "{value}");
    }
    for value in [
        "<< /JavaScript 1 >>",
        "<< /J#53 1 >>",
        "<< /#55RI 1 >>",
        "<< /My#20Name 1 >>",
        "<< /JavaScript#46oo 1 >>",
        "<< /XLaunc#68 1 >>",
        "<< /J#zzavaScript 1 >>",
        "<< /A (/#4aavaScript) >>",
        "<< /A ((b) /#4aavaScript) >>",
        "<< /A 1 % /#4aavaScript\n >>",
        "<< /A 1 >>\nendobj\n<< /#4aavaScript 1 >>",
        "/#4aavaScript",
        "<< /A 1 >> /#4aavaScript",
        "<< /Length 20 >>\nstream\n/#4aavaScript 1 3456\nendstream",
    ] {
        assert!(!has_hidden_name(&object(value)), "{value}");
    }
    assert!(!has_hidden_name(
        b"%PDF-1.4\n1 0 obj\n<< >>\nendobj\ntrailer << /Root 1 0 R /#4aavaScript 1 >>\n"
    ));
}

#[test]
fn many_names_that_could_be_hidden_take_no_time() {
    let document = object(&format!("<< /A ({}) >>", "/#4aavaScript ".repeat(100_000)));
    assert!(!has_hidden_name(&document));
}

#[test]
fn what_begins_in_one_another_is_paid_for() {
    let strings = object(&format!("<< {} >>", "/JS [".repeat(2_000)));
    // Each of the objects goes on to the end.
    let references: String = (2..300).map(|number| format!("/JS {number} 0 R ")).collect();
    let objects: String = (2..300).map(|number| format!("{number} 0 obj [ ")).collect();
    let objects = object(&format!("<< {references} >> {objects}"));
    let names = object(&format!("<< /A ({}) >>", "/#4aavaScript ".repeat(2_000)));
    for document in [strings, objects, names] {
        assert_eq!(Collected::of(FileType::Pdf, &document).incomplete, []);
        assert_eq!(Collected::without_work(FileType::Pdf, &document).incomplete, [Reason::Work]);
    }
}

#[test]
fn an_object_is_read_once_however_many_references_lead_to_it() {
    let price = |length: usize| {
        let (references, values) = ("/JS 2 0 R ".repeat(1_000), "1 ".repeat(length));
        Collected::work_of(FileType::Pdf, &object(&format!("<< {references} >> 2 0 obj [ {values} ]")))
    };
    assert!(price(1_000) > 0 && price(100_000) < price(1_000) + 1_000_000);
}

#[test]
fn what_costs_more_than_its_bytes_is_paid_for() {
    for unit in [
        "/#4a ",
        "/JS[",
        "/JS %a\n",
        "/JS<<",
        "/JS 1 0 R ",
        "/URI(a)",
        "stream\n",
        "1 0 obj<</A/B/C/D>>stream\n\nendstream ",
        "1 0 obj<</Length 9 0 R>>stream\n\nendstream ",
    ] {
        let document = [b"%PDF-1.7\n", unit.repeat(60_000).as_bytes()].concat();
        assert_eq!(Collected::of(FileType::Pdf, &document).incomplete, [], "{unit}");
        assert!(
            Collected::without_work(FileType::Pdf, &document).incomplete.contains(&Reason::Work),
            "{unit}"
        );
    }
}

#[test]
fn every_password_is_paid_for() {
    for case in 0..ENCRYPTED.len() {
        let mut found = Collected::of(FileType::Pdf, &encrypted(case));
        let mut left = 0;
        while found.budget.pay_key(64) {
            left += 1;
        }
        let mut whole = 0;
        let mut budget = candor_model::Budget::new(
            Limits::default(),
            candor_model::Interrupt::new(),
            encrypted(case).len() as u64,
        );
        while budget.pay_key(64) {
            whole += 1;
        }
        assert!(left < whole, "{case}");
    }
}

#[test]
fn references_that_are_not_followed_are_told() {
    let object = |number: usize, parameters: &str, padding: &str| {
        format!("{number} 0 obj << {padding} /DecodeParms {parameters} >> stream\nx\nendstream endobj\n")
    };
    let told = |document: &str| Collected::of(FileType::Pdf, document.as_bytes()).incomplete;
    // Seventeen of a list are, and 65,536 of a file.
    let list = format!("[ {}]", "2 0 R ".repeat(17));
    let many = |count: usize| format!("2 0 obj 1 endobj\n{}", object(3, &list, "").repeat(count));
    assert_eq!(told(&many(3855)), []);
    assert_eq!(told(&many(3856)), [Reason::Work]);
    // Of an object, as much is read as values have that count.
    let long = |length: usize| {
        format!("2 0 obj << /A ({}) >> endobj {}", "x".repeat(length), object(3, "2 0 R", ""))
    };
    assert_eq!(told(&long(900)), []);
    assert_eq!(told(&long(1100)), [Reason::Work]);
    let objects = |count: usize| format!("{}{}", "1 0 obj ".repeat(count), object(3, "2 0 R", ""));
    assert_eq!(told(&objects((1 << 20) - 1)), []);
    assert_eq!(told(&objects(1 << 20)), [Reason::Work]);
}

#[test]
fn a_stream_whose_dictionary_is_not_read_is_told() {
    let document = |length: usize| {
        let document =
            format!("%PDF-1.4\n1 0 obj << /A ({}) >> stream\nx\nendstream endobj\n", "x".repeat(length));
        let found = Collected::of(FileType::Pdf, document.as_bytes());
        (found.children.len(), found.incomplete)
    };
    assert_eq!(document(60_000), (1, vec![]));
    let told = Reason::Unsupported("so long a dictionary of a stream".to_owned());
    assert_eq!(document(70_000), (0, vec![told]));
}

#[test]
fn places_that_may_say_how_a_document_is_encrypted_are_not_passed_over_silently() {
    let told = |text: &str| Collected::of(FileType::Pdf, &object(text)).incomplete;
    // Other names are none.
    assert_eq!(told(&format!("{}{}", "/EncryptMetadata ".repeat(100), "/Encrypt 1 ".repeat(64))), []);
    assert_eq!(told(&"/Encrypt 1 ".repeat(65)), [Reason::Work]);
}

#[test]
fn addresses_that_are_encrypted_are_all_given() {
    let addresses =
        b" 90 0 obj << /URI (an address that is longer than one block of it) >> endobj".repeat(100);
    let found = Collected::of(FileType::Pdf, &[encrypted(1), addresses].concat());
    let given = found.children.iter().filter(|child| child.member.name == "URI").count();
    let told = found.details.iter().filter(|(key, _)| *key == "uri").count();
    assert!(given >= 100, "{given}");
    assert_eq!(told, 64);
}

#[test]
fn names_with_escapes_are_paid_for() {
    let text = format!("%PDF-1.7\n{}1 0 obj << /J#53 1 /J#61vaScript 2 >> endobj\n", "/A#41 ".repeat(1_000));
    let found = Collected::of(FileType::Pdf, text.as_bytes());
    assert_eq!((found.anomalies, found.incomplete), (vec![Anomaly::ObfuscatedPdfName], vec![]));
    let found = Collected::without_work(FileType::Pdf, text.as_bytes());
    assert_eq!((found.anomalies, found.incomplete), (vec![], vec![Reason::Work]));
}
