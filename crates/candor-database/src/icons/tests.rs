//! Icons, with what ClamAV 1.4.6 says of them (`clamscan --debug` prints the hash of an icon and how like a
//! signature it is).

use candor_model::{Facts, FileType, Icon, Limits, Target};

use super::compare::{is_like, likeness_of};
use super::features::Features;
use super::icon_hash;
use crate::ir::{
    Element, Expression, Gap, Header, IconSignature, Levels, Logical, Offset, Part, Pattern, Receiver as _,
    Signature, Source, SubSignature, TargetDescription,
};
use crate::{Builder, Image, Scratch, Subject};

/// Bytes that look random and are the same everywhere.
struct Noise(u32);

impl Noise {
    fn byte(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_103_515_245).wrapping_add(12_345) & 0x7fff_ffff;
        self.0 >> 16 & 255
    }

    fn colour(&mut self) -> u32 {
        let (red, green, blue) = (self.byte(), self.byte(), self.byte());
        red << 16 | green << 8 | blue
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Blocks,
    Grey,
    Noise,
    Plain,
    Transparent,
}

fn icon(kind: Kind, size: u32, seed: u32) -> Icon {
    let mut noise = Noise(seed);
    let side = size as usize;
    let mut pixels = Vec::new();
    match kind {
        Kind::Plain => pixels = vec![0xffc8_6432; side * side],
        Kind::Blocks => {
            pixels = vec![0xff00_0000 | noise.colour(); side * side];
            for _ in 0..6 {
                let colour = 0xff00_0000 | noise.colour();
                let (left, top) = (noise.byte() % size, noise.byte() % size);
                let (width, height) = (1 + noise.byte() % size, 1 + noise.byte() % size);
                for y in top..(top + height).min(size) {
                    for x in left..(left + width).min(size) {
                        pixels[(y * size + x) as usize] = colour;
                    }
                }
            }
        }
        Kind::Grey => {
            pixels.extend((0..side * side).map(|_| 0xff00_0000 | (noise.byte() * 0x01_0101)));
        }
        Kind::Noise => pixels.extend((0..side * side).map(|_| 0xff00_0000 | noise.colour())),
        Kind::Transparent => {
            pixels.extend((0..side * side).map(|_| {
                let colour = noise.colour();
                noise.byte() << 24 | colour
            }));
        }
    }
    Icon { size, pixels }
}

fn hash(digits: &str) -> [u8; 62] {
    let bytes: Vec<u8> =
        (0..62).map(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

#[test]
fn hashes_are_those_that_clamav_prints() {
    let cases = [
        (
            icon(Kind::Noise, 16, 1),
            "10b8b000aadf0a07ac1020672b050276b080b81a0002e4010bd70a0ad10a019e0605a7060bab0201850a067f040373020b2c0000360a003c000922212153",
        ),
        (
            icon(Kind::Noise, 24, 2),
            "18a00020e9fa0f0d96909116600103709100580e0805d5000ed00a02ce0f119f0304b0080eb210067b020f73080c70100137000041000b4c0c1124231d51",
        ),
        (
            icon(Kind::Noise, 32, 3),
            "20a0316169f7150b9ea11027fa0c1086104178b30801d1120acf1601ca0908af0217b40a13b500026e131666050162160d3a0017400007410e1025211e56",
        ),
        (
            icon(Kind::Blocks, 16, 4),
            "10e2c0000e2c0400e2c0800762070798e010598e0109fb0000fb0400fb0800aa0105aa0109ad0707b90608660a0b600a050007000200002b00081d0b3b62",
        ),
        (
            icon(Kind::Blocks, 24, 5),
            "18e3b0000e3b0600e3b0c0097a1011a7d050ccb60f09df0000df0600df0c00c00f11c6050ccf05068a070c39100f320705000000000d0000001032290961",
        ),
        (
            icon(Kind::Blocks, 32, 6),
            "20d151515984140b72c14004ec0b0050600005060008f60000f60800f60008bb0d0ed61515da14005d14014d0e102116090000000008000000080a12481f",
        ),
        (
            icon(Kind::Grey, 16, 7),
            "10079070406e040a043000a0470704052040a058000aab00079d0a049404044f03006006086308008602028002067f080b320600410a0042000b00000000",
        ),
        (
            icon(Kind::Grey, 32, 8),
            "20066160d0620a1005f0a03050160d0510a100530a0396010b9006178e1000680b066b090f73150d6d15026b02076b15163e00174000004e080000000000",
        ),
        (
            icon(Kind::Transparent, 16, 9),
            "10708000b63b0609609070126202013130105375090bef0903ee0404ed060bcd0309d90800da0a0a5e080257030b5107071100001f04002500041d252127",
        ),
        (
            icon(Kind::Transparent, 32, 10),
            "2053c00165060f094fd000531b1112375080b3840603e7060be60517e30e12d20e06d51416d80300590205570d01540c0930150037000037161720232023",
        ),
        (
            icon(Kind::Plain, 24, 0),
            "18a8d0000a8d0600a8d0c00a8d0000a8d0600a8d0c00c80000c80600c80c00c80000c80600c80c00310203310803310e031e000025001126060043002264",
        ),
    ];
    for (number, (icon, expected)) in cases.iter().enumerate() {
        let found: String = icon_hash(icon).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(found, *expected, "case {number}");
        assert_eq!(Features::parse(&hash(expected)).bytes(), hash(expected), "case {number}");
    }
}

#[test]
fn an_icon_of_another_size_has_no_hash() {
    assert_eq!(icon_hash(&Icon { size: 48, pixels: vec![0; 48 * 48] }), None);
    assert_eq!(icon_hash(&Icon { size: 16, pixels: vec![0; 255] }), None);
    assert_eq!(icon_hash(&Icon { size: 0, pixels: Vec::new() }), None);
}

#[test]
fn likeness_is_what_clamav_says() {
    let cases = [
        (
            icon(Kind::Blocks, 16, 4),
            "10e2c0000e2c0400e2c0b00554070784701056440009ff0003fb0400fb0800aa0105860106ad0708b9060894090b330a050007000000002b00081a083b62",
            82,
        ),
        (
            icon(Kind::Blocks, 16, 4),
            "10e2c0000e2c0602e2c08007620707c73000898e0309fb0000fb0400fb0800aa0405770109ad0806b90608660a0b600a070007000201000a00081d0b3b62",
            87,
        ),
        (
            icon(Kind::Blocks, 24, 5),
            "18e3b0000afe0600e3b0f0197a1011a7d050cf460f09df0000df0600df0c00c00f11aa050c9405095d040e39100f320705000000140a0004001030290961",
            81,
        ),
        (
            icon(Kind::Blocks, 24, 5),
            "18e3b0000ab80602fe80c006061011a7d050ccb60f09df0000df0900df0c00c00f11ef060c9e05068a070c39100c320703000000000d0000001032290961",
            83,
        ),
        (
            icon(Kind::Noise, 32, 3),
            "20a0316169f7150bb2211027fa0c1086104178b3080497120acf1601ca0905af0217b60a13b502026e131433050162160d3a0017400007410e0d25211d56",
            90,
        ),
        (
            icon(Kind::Noise, 32, 3),
            "20a0316169f7150b9ea11027fa0c1058d04178b30801d1120acf1601ca0c08af021ab40a13b503026e131666050162160c3a0017400307410d1025211956",
            91,
        ),
        // Without colours, 83 is the most there can be.
        (
            icon(Kind::Grey, 32, 8),
            "20066160d0620a1005f0a03050160d0510a100530a0396010b9006178e1000680b066b090f73150d6d15026b02076b15163e00174000004e080000000000",
            83,
        ),
        (
            icon(Kind::Grey, 32, 8),
            "20066160d07e0a1005f0a03050160d0510a100530a0396010b9006178e1000680b066b090f73150f6d12039c02076b12163e00174000004e090000000000",
            78,
        ),
        (
            icon(Kind::Grey, 32, 8),
            "20066160d0620a1005f0a03050160d0800a10053070596010d9006168e0e00680b0685090e67180d6d15026b02046b14183e00177a02004e080000000000",
            71,
        ),
    ];
    for (number, (icon, signature, expected)) in cases.iter().enumerate() {
        let (icon, signature) = (Features::of(icon).unwrap(), Features::parse(&hash(signature)));
        assert_eq!(likeness_of(&icon, &signature), *expected, "case {number}");
        assert!(is_like(&icon, &signature), "case {number}");
    }
}

#[test]
fn what_is_not_like_enough_is_not_like() {
    let own = Features::of(&icon(Kind::Grey, 32, 8)).unwrap();
    let signature = hash(
        "20066160d05f0a1105f0a05050190d0510a100530a0496040b5a0614b61000680b066b090fa2150d6d15026e02046b17193e00174000024e080000000000",
    );
    assert!(likeness_of(&own, &Features::parse(&signature)) < 70);
    assert!(!is_like(&own, &Features::parse(&signature)));
    for size in [16, 24, 32] {
        let [one, other] = [11, 12].map(|seed| Features::of(&icon(Kind::Blocks, size, seed)).unwrap());
        assert!(is_like(&one, &one), "{size}");
        assert!(!is_like(&one, &other), "{size}");
    }
    let small = Features::of(&icon(Kind::Plain, 16, 0)).unwrap();
    let mut large = small;
    large.size = 32;
    assert!(!is_like(&small, &large), "sizes are not compared with one another");
}

/// A program with these icons, searched for a signature that is there and asks for these groups.
fn is_found(icons: Vec<Icon>, listed: &[(Icon, &str, &str)], wanted: (Option<&str>, Option<&str>)) -> bool {
    let mut builder = Builder::new();
    let source = builder
        .source(Source {
            name: "test".to_owned(),
            language: "ldb",
            official: false,
            potentially_unwanted: false,
        })
        .unwrap();
    for (icon, group1, group2) in listed {
        let icon = IconSignature {
            group1: (*group1).to_owned(),
            group2: (*group2).to_owned(),
            hash: icon_hash(icon).unwrap(),
        };
        builder.add(Header { name: "icon", source, line: 1 }, Signature::Icon(icon)).unwrap();
    }
    let elements = vec![Element::Bytes(b"the mark".to_vec())];
    let part = Part { gap: Gap::NONE, elements, macro_group: None };
    let mark = Pattern { offset: Offset::ANY, ignore_case: false, parts: vec![part] };
    let logical = Logical {
        target: TargetDescription {
            target: Target::Pe,
            levels: Levels::ANY,
            file_size: None,
            entry_point: None,
            sections: None,
            icon_group1: wanted.0.map(str::to_owned),
            icon_group2: wanted.1.map(str::to_owned),
            container: None,
            intermediates: Vec::new(),
            handler: None,
        },
        expression: Expression::Sub(0),
        subsignatures: vec![SubSignature::Content { patterns: vec![mark], macro_group: None }],
    };
    builder.add(Header { name: "wanted", source, line: 2 }, Signature::Logical(logical)).unwrap();
    let image = Image::from_vec(builder.finish().unwrap()).unwrap();
    let facts = Facts { icons, ..Facts::default() };
    let bytes = b"here is the mark";
    let subject = Subject {
        bytes,
        file_type: FileType::MsExe,
        target: Target::Pe,
        file_size: bytes.len() as u64,
        facts: &facts,
        parents: &[],
        rules: None,
    };
    let mut hits = Vec::new();
    image.search(&subject, &Limits::default(), &mut Scratch::new(), &mut hits);
    !hits.is_empty()
}

#[test]
fn a_signature_asks_for_an_icon_of_its_groups() {
    let (one, other) = (icon(Kind::Blocks, 32, 6), icon(Kind::Noise, 16, 1));
    let listed = [(one.clone(), "A", "B")];
    let has_one = || vec![other.clone(), one.clone()];
    assert!(is_found(has_one(), &listed, (Some("A"), None)));
    assert!(is_found(has_one(), &listed, (None, Some("B"))));
    assert!(is_found(has_one(), &listed, (Some("A"), Some("B"))));
    assert!(!is_found(has_one(), &listed, (Some("B"), None)), "the other group");
    assert!(!is_found(has_one(), &listed, (Some("a"), None)), "case counts");
    assert!(!is_found(vec![other.clone()], &listed, (Some("A"), None)), "another icon");
    assert!(!is_found(Vec::new(), &listed, (Some("A"), None)), "no icon");
    assert!(!is_found(has_one(), &[], (Some("A"), None)), "no icon signature");
    let apart = [(one.clone(), "A", "X"), (one.clone(), "X", "B")];
    assert!(!is_found(has_one(), &apart, (Some("A"), Some("B"))), "one icon must be in both groups");
}
