//! Signatures that are about more than the bytes of a small file: macro groups, pictures, rewritten copies
//! of text and pages, files of unusual length, layers around one another, file types of a database.

use std::io::Cursor;

use candor_fixtures::{stream, zip};
use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Reason, Sink,
};
use image::{ImageFormat, Rgb, RgbImage};

use super::generate::{FILES, File, Topic, digest, host, occurrences, plain};
use super::pattern::{Pattern, Twist, hex};
use crate::random::Random;

/// A file that is more than one layer, or whose type a database decides.
const fn layered(bytes: Vec<u8>) -> File {
    File { bytes, known: None }
}

/// A sub-signature, and near it a member of a group.
pub(super) fn macros(random: &mut Random, name: String) -> Topic {
    let group = random.range(0, 31);
    let (before, member) = (Pattern::literal(random), Pattern::literal(random));
    let length = before.bytes(random, Twist::None).len();
    let min = random.range(0, 4) + length;
    let max = min + random.range(0, 6);
    let condition = *random.pick(&["0&1", "1", "0&1>1", "(0&1)>2", "1=0&0"]);
    let lines = vec![
        ("ndb", format!("{name}M:0:${group}$:{}", member.text())),
        (
            "ldb",
            format!("{name};Engine:81-255,Target:0;{condition};{};${{{min}-{max}}}{group}$", before.text()),
        ),
    ];
    let files = (0..FILES)
        .map(|_| {
            let mut put = Vec::new();
            for _ in 0..random.range(1, 3) {
                put.extend(before.bytes(random, Twist::None));
                if random.chance(75) {
                    let distance = random.range(min.saturating_sub(1), max + 1).saturating_sub(length);
                    put.extend(std::iter::repeat_n(b'-', distance));
                    put.extend(member.bytes(random, Twist::None));
                }
                put.extend(std::iter::repeat_n(b'.', random.range(0, 3)));
            }
            let (ahead, behind) = (random.range(8, 20), random.range(0, 6));
            plain(host(random, &put, ahead, behind))
        })
        .collect();
    // clamscan 1.4.6 crashes on some of them.
    Topic { name, lines, files, apart: true }
}

/// A picture, and the hash of how it looks.
pub(super) fn picture(random: &mut Random, name: String) -> Topic {
    let image = draw(random);
    let mut pictures = vec![encode(random, &image)];
    pictures.extend((1..FILES).map(|_| {
        let mut near = if random.chance(50) { image.clone() } else { draw(random) };
        if random.chance(50) {
            let (x, y) = (random.range(0, 7), random.range(0, 7));
            near.put_pixel(small(x), small(y), Rgb([random.byte(), random.byte(), random.byte()]));
        }
        encode(random, &near)
    }));
    let (bytes, file_type) = &pictures[0];
    let mut hash = candor_unpack::image_hash(bytes, *file_type).map_or([0; 8], |hash| hash.0);
    if random.chance(30) {
        hash[random.range(0, 7)] ^= 1 << random.range(0, 7);
    }
    let line = format!("{name};Engine:150-255,Target:5;0;fuzzy_img#{}", hex(&hash));
    let files = pictures.into_iter().map(|(bytes, _)| layered(bytes)).collect();
    Topic::new(name, vec![("ldb", line)], files)
}

/// Rectangles over a slope.
fn draw(random: &mut Random) -> RgbImage {
    let (width, height) = (random.range(8, 90), random.range(8, 90));
    let (across, down) = (random.range(0, 5), random.range(0, 5));
    let mut image = RgbImage::from_fn(small(width), small(height), |x, y| {
        let light = (small(across) * x + small(down) * y).to_le_bytes()[0];
        Rgb([light, light / 2, 255 - light])
    });
    for _ in 0..random.range(1, 6) {
        let colour = Rgb([random.byte(), random.byte(), random.byte()]);
        let (left, top) = (random.range(0, width - 1), random.range(0, height - 1));
        for x in left..random.range(left, width) {
            for y in top..random.range(top, height) {
                image.put_pixel(small(x), small(y), colour);
            }
        }
    }
    image
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(0)
}

fn encode(random: &mut Random, image: &RgbImage) -> (Vec<u8>, FileType) {
    let (format, file_type) = *random.pick(&[
        (ImageFormat::Png, FileType::Png),
        (ImageFormat::Gif, FileType::Gif),
        (ImageFormat::Jpeg, FileType::Jpeg),
        (ImageFormat::Bmp, FileType::Graphics),
        (ImageFormat::Tiff, FileType::Tiff),
    ]);
    let mut bytes = Cursor::new(Vec::new());
    // Every one of these can hold any such image.
    let _ = image.write_to(&mut bytes, format);
    (bytes.into_inner(), file_type)
}

/// Text, as it is and as it is rewritten.
pub(super) fn text(random: &mut Random, name: String) -> Topic {
    let files: Vec<Vec<u8>> = (0..FILES)
        .map(|_| {
            let mut text = Vec::new();
            for _ in 0..random.range(4, 40) {
                text.extend(word(random));
                let blanks: [&[u8]; 8] = [b" ", b"\n", b"\r\n", b"  \t", b", ", b" = ", b"\n\n ", b"(\""];
                text.extend_from_slice(random.pick::<&[u8]>(&blanks));
            }
            text
        })
        .collect();
    copied(random, name, "7", FileType::TextAscii, files)
}

fn word(random: &mut Random) -> Vec<u8> {
    let letters = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    (0..random.range(1, 9)).map(|_| *random.pick(letters)).collect()
}

/// A page, as its rewritten copies.
pub(super) fn page(random: &mut Random, name: String) -> Topic {
    let files: Vec<Vec<u8>> = (0..FILES)
        .map(|_| {
            let mut page = b"<html><head><title>".to_vec();
            page.extend(word(random));
            page.extend_from_slice(b"</title></head>\n<body>");
            for _ in 0..random.range(3, 25) {
                piece(random, &mut page);
            }
            page.extend_from_slice(b"</body></html>\n");
            page
        })
        .collect();
    copied(random, name, "3", FileType::Html, files)
}

fn piece(random: &mut Random, page: &mut Vec<u8>) {
    let inner = word(random);
    let (before, behind): (&[u8], &[u8]) = *random.pick(&[
        (&b" "[..], &b" "[..]),
        (b"\n", b"\n"),
        (b"<p>", b"</p>"),
        (b"<P CLASS=\"", b"\">"),
        (b"<a href=\"http://example.com/", b"\">link</a>"),
        (b"<a href='/x?y=1&amp;", b"'>X</A>"),
        (b"<!-- ", b" -->"),
        (b"&lt;", b"&gt;"),
        (b"&#65;", b"&#x42;"),
        (b"<b>", b"</b>  \t "),
        (b"<img src=", b" alt=\"An image\">"),
        (b"<div\n id = ", b">"),
        (b"<br/>", b"<hr>"),
        (b"<script>var a = \"", b"\" + 'b';</script>"),
        (b"<script type='text/javascript'>f('", b"', 1);</script>"),
    ]);
    page.extend_from_slice(before);
    page.extend(inner);
    page.extend_from_slice(behind);
}

/// A signature on a run of bytes out of a file, or of one of the copies that are made of it.
fn copied(
    random: &mut Random,
    name: String,
    target: &str,
    file_type: FileType,
    files: Vec<Vec<u8>>,
) -> Topic {
    let file = random.pick(&files).clone();
    let mut copies =
        Copies { given: vec![file.clone()], budget: Budget::new(Limits::default(), Interrupt::new(), 0) };
    candor_unpack::unpack(file_type, &file, &mut copies);
    // Mostly a copy: pages are not searched as they are.
    let from = if random.chance(25) { &file } else { random.pick(&copies.given) };
    let length = random.range(4, 12).min(from.len());
    let start = random.range(0, from.len() - length);
    let mut run = from[start..start + length].to_vec();
    if random.chance(10) {
        run.make_ascii_uppercase();
    }
    let target = *random.pick(&[target, target, "0"]);
    let line = format!("{name}:{target}:*:{}", hex(&run));
    Topic::new(name, vec![("ndb", line)], files.into_iter().map(layered).collect())
}

/// Keeps the rewritten copies.
struct Copies {
    given: Vec<Vec<u8>>,
    budget: Budget,
}

impl Sink for Copies {
    fn child(&mut self, kind: ChildKind, _: &Member, content: Content<'_>) -> Flow {
        if let (ChildKind::Normalised(_), Content::Bytes(bytes @ [_, ..])) = (kind, content) {
            self.given.push(bytes.to_vec());
        }
        Flow::Continue
    }

    fn facts(&mut self, _: Facts) {}

    fn incomplete(&mut self, _: Reason) {}

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

/// A window of ClamAV.
const WINDOW: usize = 128 << 10;

/// A file longer than a window, with something near its edge.
pub(super) fn long(random: &mut Random, name: String) -> Topic {
    let pattern = Pattern::random(random, "");
    let line = format!("{name}:0:*:{}", pattern.text());
    let files = (0..FILES)
        .map(|_| {
            let put = occurrences(random, &pattern);
            let at = WINDOW * random.range(1, 2) + random.range(0, 40) - 20 - random.range(0, put.len());
            let mut bytes = vec![0; at];
            bytes.extend(put);
            bytes.extend(std::iter::repeat_n(0, random.range(0, 400)));
            plain(bytes)
        })
        .collect();
    Topic::new(name, vec![("ndb", line)], files)
}

/// Files of hardly any bytes.
pub(super) fn short(random: &mut Random, name: String) -> Topic {
    let pattern: Vec<u8> = (0..3).map(|_| random.byte() | 0x80).collect();
    let files: Vec<Vec<u8>> = (0..FILES)
        .map(|_| {
            let mut bytes = vec![0; random.range(0, 2)];
            bytes.extend(if random.chance(80) { pattern.clone() } else { vec![1, 2] });
            bytes.extend(std::iter::repeat_n(0, random.range(0, 3)));
            bytes
        })
        .collect();
    let line = if random.chance(50) {
        ("ndb", format!("{name}:0:*:{}", hex(&pattern)))
    } else {
        let file = random.pick(&files).clone();
        ("hsb", format!("{}:{}:{name}", digest(random, &file), file.len()))
    };
    Topic::new(name, vec![line], files.into_iter().map(plain).collect())
}

/// Data in archives, and what a signature asks of the layers around it.
pub(super) fn around(random: &mut Random, name: String) -> Topic {
    let pattern: Vec<u8> = (0..6).map(|_| random.byte() | 0x80).collect();
    let types = |random: &mut Random, most: usize| {
        let one = |_| format!("CL_TYPE_{}", random.pick(&["ANY", "GZ", "GZ", "ZIP", "ZIP"]));
        (0..most).map(one).collect::<Vec<_>>().join(">")
    };
    let asked = match random.range(0, 9) {
        0..=2 => format!("Container:{}", types(random, 1)),
        3 => format!("Container:{},Intermediates:{}", types(random, 1), types(random, 2)),
        _ => {
            let number = random.range(1, 3);
            format!("Intermediates:{}", types(random, number))
        }
    };
    let line = format!("{name};Engine:81-255,{asked},Target:0;0;{}", hex(&pattern));
    let files = (0..FILES)
        .map(|_| {
            // What is packed does not show in the layer around it.
            let mut bytes = [vec![0; 64], pattern.repeat(8), vec![0; 64]].concat();
            for _ in 0..random.range(0, 4) {
                bytes = if random.chance(50) {
                    stream::gzip(&bytes)
                } else {
                    zip::build(&[zip::Member {
                        name: String::from("a"),
                        bytes,
                        deflate: true,
                        encrypted: false,
                    }])
                };
            }
            layered(bytes)
        })
        .collect();
    Topic::new(name, vec![("ldb", line)], files)
}

/// A file type of the database's own, and a signature for files of that type.
pub(super) fn magic(random: &mut Random, name: String) -> Topic {
    let (word, target) = *random.pick(&[
        ("CL_TYPE_PDF", 10),
        ("CL_TYPE_SWF", 11),
        ("CL_TYPE_JAVA", 12),
        ("CL_TYPE_GRAPHICS", 5),
        ("CL_TYPE_MAIL", 4),
    ]);
    let sign: Vec<u8> = (0..random.range(3, 6)).map(|_| random.byte()).collect();
    let pattern = Pattern::literal(random);
    let offset = random.range(0, 12);
    let kind = if random.chance(40) {
        format!("0:{offset}")
    } else {
        format!("1:{}", random.pick(&["*", "*", "4,9", "EOF-30"]))
    };
    let required = *random.pick(&["ANY", "ANY", "ANY", "BINARY_DATA", "ZIP", "TEXT_ASCII"]);
    let mut lines = vec![
        ("ftm", format!("{kind}:{}:{name}F:CL_TYPE_{required}:{word}", hex(&sign))),
        ("ndb", format!("{name}:{target}:*:{}", pattern.text())),
    ];
    let mut other = Vec::new();
    if random.chance(30) {
        // A second rule, for a type of which nothing comes.
        other = (0..4).map(|_| random.byte()).collect();
        let word = *random.pick(&["SWF", "RTF", "PNG", "JAVA", "ZIPSFX", "TEXT_ASCII", "7Z"]);
        lines.push(("ftm", format!("1:*:{}:{name}G:CL_TYPE_ANY:CL_TYPE_{word}", hex(&other))));
    }
    let files = (0..FILES)
        .map(|_| {
            let mut bytes = vec![0; if random.chance(80) { offset } else { random.range(0, 12) }];
            if random.chance(10) {
                // Near the end of what is looked at.
                bytes.resize(random.range(1010, 1030), 0);
            }
            if random.chance(50) {
                bytes.extend(&other);
            }
            let twist = random.chance(20);
            bytes.extend(sign.iter().map(|byte| if twist { !byte } else { *byte }));
            bytes.extend(vec![0; random.range(0, 9)]);
            bytes.extend(pattern.bytes(random, Twist::None));
            bytes.extend(vec![0; random.range(0, 9)]);
            layered(bytes)
        })
        .collect();
    Topic { name, lines, files, apart: true }
}
