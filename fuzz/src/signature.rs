//! Any text can be loaded; what cannot be used is said.

use candor_database::{Builder, Image};
use candor_signature::Input;
use candor_signature::clamav::{Options, extensions, load};

/// All languages. Where one stands in this list may change: kept inputs are about any of them.
fn languages() -> Vec<&'static str> {
    extensions().collect()
}

/// One line of the languages with the most to parse.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let lines = [
        ("cdb", "Test:CL_TYPE_ZIP:*:inv.*[.]exe:*:1-9:1:*:*:*"),
        ("hsb", "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:68:Test"),
        (
            "ldb",
            "Test;Engine:51-255,Target:1,FileSize:0-9;(0&1)|2>1,2;EP+0:6e65??64::iw;0/a+b/gs;0(>>2#hb2#>5)",
        ),
        ("ndb", "Test:1:SL+4,8:6e65??(61|62|!(63))*{2-5}6861[2-3]79(B)"),
        ("mdb", "512:00112233445566778899aabbccddeeff:Test"),
        ("pwdb", "Test;Engine:81-255,Target:0;0;secret"),
        ("ftm", "0:0:4e4557:New:CL_TYPE_ANY:CL_TYPE_PDF"),
    ];
    let seed = |(extension, line): (&str, &str)| {
        let number = languages().iter().position(|known| *known == extension)?;
        Some([&[u8::try_from(number).ok()?], line.as_bytes()].concat())
    };
    lines.into_iter().filter_map(seed).collect()
}

/// The first byte chooses the language.
pub(crate) fn parse(bytes: &[u8]) {
    let Some((first, text)) = bytes.split_first() else { return };
    let languages = languages();
    let extension = languages[usize::from(*first) % languages.len()];
    let name = format!("fuzz.{extension}");
    let mut builder = Builder::new();
    let inputs = [Input { name: &name, bytes: text }];
    let summaries = load(&inputs, Options::default(), &mut builder, &mut |diagnostic| {
        assert!(!diagnostic.message.is_empty());
    });
    let accepted: u64 = summaries.iter().map(|summary| summary.accepted).sum();
    // A line of an ignore list is accepted, and is no signature.
    if !extension.starts_with("ign") {
        assert_eq!(accepted, builder.len(), "what is counted as accepted is in the image");
    }
    let held = builder.len();
    let image = Image::from_vec(builder.finish().expect("a small image fits")).expect("what was built opens");
    image.check().expect("what was built is not damaged");
    assert_eq!(image.signatures().count() as u64, held);
}
