//! An image answers whatever its bytes are: at most wrongly.

use std::sync::OnceLock;

use candor_database::ir::HashSubject;
use candor_database::{Builder, Image, Scratch, SignatureId, Subject};
use candor_model::{Digest, Facts, FileType, Limits, Member, Target};
use candor_signature::Input;
use candor_signature::clamav::{Options, load};

/// One line of every language that an image answers questions about.
const SIGNATURES: [(&str, &str); 9] = [
    ("a.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Digest.Md5\n"),
    ("a.hsb", "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f:*:Digest.Sha256:73\n"),
    ("a.mdb", "512:00112233445566778899aabbccddeeff:Section\n"),
    (
        "a.ndb",
        "Body.A:0:*:6e6565646c65??(61|62)*{2-5}68617973\nBody.B:1:EP+0,4:558bec\nBody.C:0:$5$:6d6163726f\n",
    ),
    (
        "a.ldb",
        "Logic.A;Engine:51-255,Target:0;(0&1)|2>1;6e6565646c65::i;0/ne+dle/;686179737461636b::w\n\
         Logic.B;Engine:51-255,Target:0,FileSize:0-9999;0=0|1;616263646566;0(>>2#db2#>5)\n",
    ),
    ("a.cdb", "Member:CL_TYPE_ZIP:*:inv.*[.]exe:*:1-9:1:*:*:*\n"),
    ("a.ftm", "0:0:4e4557:New:CL_TYPE_ANY:CL_TYPE_PDF\n"),
    ("a.fp", "44d88612fea8a8f36de82e1278abb02f:68:Trusted\n"),
    ("a.pwdb", "Password;Engine:81-255,Target:0;0;secret\n"),
];

const TEXT: &[u8] = b"a needle_a in the hayshaystack, NEEDLE abcdef 12345 macro h\0a\0y\0s\0t\0a\0c\0k\0";

/// The image itself, and changes near its start and further on.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    vec![sample().to_vec(), vec![0, 9, 1, 0, 200, 7], vec![1, 0, 255, 2, 0, 255, 3, 0, 255, 4, 0, 255]]
}

fn sample() -> &'static [u8] {
    static SAMPLE: OnceLock<Vec<u8>> = OnceLock::new();
    SAMPLE.get_or_init(|| {
        let inputs = SIGNATURES.map(|(name, text)| Input { name, bytes: text.as_bytes() });
        let mut builder = Builder::new();
        load(&inputs, Options::default(), &mut builder, &mut |_| {});
        builder.finish().expect("a small image fits")
    })
}

/// Bytes as an image; or an image with some bytes changed, three bytes of input a change: place and value.
pub(crate) fn open(bytes: &[u8]) {
    if let Ok(image) = Image::from_vec(bytes.to_vec()) {
        ask(&image);
    }
    let mut damaged = sample().to_vec();
    for change in bytes.chunks_exact(3).take(64) {
        let place = usize::from(change[0]) << 8 | usize::from(change[1]);
        let length = damaged.len();
        damaged[place % length] = change[2];
    }
    if let Ok(image) = Image::from_vec(damaged) {
        ask(&image);
    }
}

fn ask(image: &Image) {
    drop(image.check());
    drop(image.info());
    for number in (0..20).chain([u32::MAX]) {
        drop(image.signature(SignatureId(number)));
    }
    assert!(image.signatures().take(10_000).count() <= 10_000);
    let mut hits = Vec::new();
    for subject in HashSubject::ALL {
        for size in [0, 68, 512, u64::MAX] {
            let _ = image.digests_wanted(subject, size);
            for length in [16, 20, 32] {
                let digest = Digest::new(&vec![0x44; length]).expect("a length that digests have");
                image.search_digest(subject, &digest, size, &mut hits);
            }
        }
    }
    let member = Member { name: "invoice.exe".to_owned(), position: 1, encrypted: true, ..Member::default() };
    image.search_member(FileType::Zip, 1000, 1, &member, &mut hits);
    let _ = image.magic(b"NEW", false, FileType::BinaryData);
    let _ = [image.icons().count(), image.passwords().count(), image.url_lists().count()];
    let _ = [image.text_lists().count(), image.magic_patterns().count()];
    let facts = Facts::default();
    let limits = Limits { search_steps: 1_000_000, regex_steps: 10_000, ..Limits::default() };
    let mut scratch = Scratch::new();
    for target in [Target::Any, Target::Pe] {
        let file_size = TEXT.len() as u64;
        let subject = Subject {
            bytes: TEXT,
            file_type: FileType::BinaryData,
            target,
            file_size,
            facts: &facts,
            parents: &[],
            rules: None,
        };
        drop(image.search(&subject, &limits, &mut scratch, &mut hits));
    }
}
