//! One marker in every container that is opened, in every way that it can be packed, and in containers
//! within containers.

use crate::archive::{self, CAB, Cpio, RAR, SEVEN_ZIP, SevenZip};
use crate::container;
use crate::installer::{self, NSIS, Nsis};
use crate::volume::{self, SQUASHFS};
use crate::{document, postscript, stream, zip_methods};

/// Long enough that everything packs it, and nothing like text or a magic.
pub const MARKER: &[u8] = b"\x01\x02a marker that is in no other file \xfe\xfd\x03";

type Pack = Box<dyn Fn(&[u8]) -> Vec<u8>>;

/// A way of packing.
pub struct Packing {
    /// What it is called.
    pub name: String,
    pack: Pack,
    /// What the path calls what was in it.
    pub label: String,
}

impl std::fmt::Debug for Packing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Packing").field("name", &self.name).finish_non_exhaustive()
    }
}

/// A marker in a container, or in a container in another.
#[derive(Clone, Debug)]
pub struct Combination {
    /// What it is called.
    pub name: String,
    /// The file.
    pub bytes: Vec<u8>,
    /// The names from the file down to the marker.
    pub path: Vec<String>,
}

/// Every packing alone, in a ZIP, in a compressed tar, and in itself.
#[must_use]
pub fn combinations() -> Vec<Combination> {
    let mut all = Vec::new();
    let mut add = |name: String, bytes: Vec<u8>, path: &[&str]| {
        all.push(Combination { name, bytes, path: path.iter().map(|part| (*part).to_owned()).collect() });
    };
    for packing in packings() {
        let (name, label) = (&packing.name, packing.label.as_str());
        let inner = (packing.pack)(MARKER);
        let zip = zip_methods::archive(&[zip_methods::pack("z", &inner, 8)]);
        add(format!("{name}, in zip"), zip, &["z", label]);
        let tar = stream::gzip(&archive::tar(&[("t", &inner)]));
        add(format!("{name}, in tar.gz"), tar, &["content", "t", label]);
        // What the second stream holds stands behind the content of the first.
        if !name.contains("second") {
            add(format!("{name}, twice"), (packing.pack)(&inner), &[label, label]);
        }
        add(name.clone(), inner, &[label]);
    }
    all
}

/// Every packing with the marker in it.
#[must_use]
pub fn alone() -> Vec<Combination> {
    let with_marker = |packing: Packing| Combination {
        bytes: (packing.pack)(MARKER),
        path: vec![packing.label],
        name: packing.name,
    };
    packings().into_iter().map(with_marker).collect()
}

fn packing(name: impl Into<String>, label: &str, pack: impl Fn(&[u8]) -> Vec<u8> + 'static) -> Packing {
    Packing { name: name.into(), pack: Box::new(pack), label: label.to_owned() }
}

/// Every way of packing.
#[must_use]
pub fn packings() -> Vec<Packing> {
    let mut all = vec![
        packing("gzip", "content", stream::gzip),
        packing("bzip2", "content", stream::bzip2),
        packing("xz", "content", stream::xz),
        packing("lzma", "content", stream::lzma),
        packing("lzip", "content", stream::lzip),
        packing("zstd", "content", stream::zstd),
        packing("lz4", "content", stream::lz4),
        packing("lz4 legacy", "content", stream::lz4_legacy),
        packing("compress", "content", |bytes| stream::compress(bytes, 16)),
        packing("compress 12", "content", |bytes| stream::compress(bytes, 12)),
        packing("gzip, second member", "content", |bytes| [stream::gzip(b"x"), stream::gzip(bytes)].concat()),
        packing("bzip2, second stream", "content", |bytes| {
            [stream::bzip2(b"x"), stream::bzip2(bytes)].concat()
        }),
        packing("xz, second stream", "content", |bytes| [stream::xz(b"x"), stream::xz(bytes)].concat()),
        packing("zstd, second frame", "content", |bytes| [stream::zstd(b"x"), stream::zstd(bytes)].concat()),
        packing("tar", "a", |bytes| archive::tar(&[("b", b"x"), ("a", bytes)])),
        packing("ar", "a", |bytes| archive::ar(&[("b", b"x"), ("a", bytes)])),
        packing("iso", "a", |bytes| archive::iso(&[("b", b"x"), ("a", bytes)])),
        packing("lha stored", "a", |bytes| archive::lha(1, &[("a", "-lh0-", bytes.to_vec(), bytes.len())])),
        packing("arj stored", "a", |bytes| archive::arj(&[("a", 0, bytes.to_vec(), bytes.len())])),
        packing("ole2", "Storage/a", |bytes| document::compound("Storage", &[("a", bytes.to_vec())])),
        packing("rtf", "Object", |bytes| document::rtf("Object", bytes)),
        packing("pdf stored", "object 1", |bytes| document::pdf(&[("", bytes.to_vec())])),
        packing("pdf flate", "object 1", |bytes| {
            document::pdf(&[("/Filter /FlateDecode", stream::zlib(bytes))])
        }),
        packing("pdf flate twice", "object 1", |bytes| {
            document::pdf(&[("/Filter [/FlateDecode /Fl]", stream::zlib(&stream::zlib(bytes)))])
        }),
        packing("pdf hex", "object 1", |bytes| {
            let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            document::pdf(&[("/Filter /ASCIIHexDecode", digits.into_bytes())])
        }),
        packing("pdf behind junk", "object 1", |bytes| {
            [b"junk\n".to_vec(), document::pdf(&[("/Filter /FlateDecode", stream::zlib(bytes))])].concat()
        }),
        packing("mail quoted", "a", |bytes| mail("quoted-printable", &quoted(bytes))),
        packing("mail base64", "a", |bytes| mail("base64", &base64(bytes))),
    ];
    for (name, kind) in [
        ("cpio binary", Cpio::Binary),
        ("cpio binary, big end first", Cpio::BinaryBig),
        ("cpio crc", Cpio::Crc),
        ("cpio newc", Cpio::Newc),
        ("cpio odc", Cpio::Odc),
    ] {
        all.push(packing(name, "a", move |bytes| archive::cpio(kind, &[("b", b"x"), ("a", bytes)])));
    }
    for method in CAB {
        all.push(packing(format!("cab {method:?}"), "a", move |bytes| {
            archive::cab(method, &[("b", b"x"), ("a", bytes)])
        }));
    }
    for &(name, label, pack) in container::PACKINGS.iter().chain(postscript::PACKINGS) {
        all.push(packing(name, label, pack));
    }
    for method in NSIS {
        all.push(packing(format!("nsis {method:?}"), "a", move |bytes| {
            installer::nsis(method, false, &[("b", b"x"), ("a", bytes)])
        }));
        if method != Nsis::Stored {
            all.push(packing(format!("nsis {method:?}, solid"), "a", move |bytes| {
                installer::nsis(method, true, &[("b", b"x"), ("a", bytes)])
            }));
        }
    }
    for method in SQUASHFS {
        all.push(packing(format!("squashfs {method:?}"), "folder/a", move |bytes| {
            volume::squashfs(method, &[("b", b"x"), ("folder/a", bytes)])
        }));
    }
    for version in [5, 6, 9] {
        all.push(packing(format!("installshield {version}"), "a", move |bytes| {
            installer::installshield_with_cabinet(version, &[("b", b"x"), ("a", bytes)])
        }));
    }
    for method in zip_methods::METHODS {
        let pack = move |bytes: &[u8]| zip_methods::pack("a", bytes, method);
        all.push(packing(format!("zip {method}"), "a", move |bytes| zip_methods::archive(&[pack(bytes)])));
        all.push(packing(format!("zip {method}, encrypted"), "a", move |bytes| {
            zip_methods::archive(&[pack(bytes).with_traditional_encryption(b"infected")])
        }));
        all.push(packing(format!("zip {method}, aes"), "a", move |bytes| {
            zip_methods::archive(&[pack(bytes).with_aes(b"infected")])
        }));
    }
    for method in SEVEN_ZIP {
        all.push(packing(format!("7z {method:?}"), "a", move |bytes| {
            archive::seven_zip(method, None, &[("b", b"x"), ("a", bytes)])
        }));
    }
    all.push(packing("7z, encrypted", "a", |bytes| {
        archive::seven_zip(SevenZip::Lzma2, Some("infected"), &[("b", b"x"), ("a", bytes)])
    }));
    for version in RAR {
        for (name, store, solid, password) in [
            ("stored", true, false, None),
            ("packed", false, false, None),
            ("solid", false, true, None),
            ("encrypted", false, false, Some("infected")),
        ] {
            all.push(packing(format!("rar {version:?} {name}"), "a", move |bytes| {
                archive::rar(version, store, solid, password, &[("b", b"x"), ("a", bytes)])
            }));
        }
    }
    all
}

fn mail(encoding: &str, body: &str) -> Vec<u8> {
    format!(
        "From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: application/octet-stream; \
         name=a\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n{body}\r\n--x--\r\n"
    )
    .into_bytes()
}

fn quoted(bytes: &[u8]) -> String {
    let digits: Vec<String> = bytes.iter().map(|byte| format!("={byte:02X}")).collect();
    digits.chunks(20).map(<[String]>::concat).collect::<Vec<_>>().join("=\r\n")
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |group: &[u8]| {
        let value = group.iter().fold(0_usize, |value, &byte| value << 8 | usize::from(byte))
            << (8 * (3 - group.len()));
        let digits = (0..=group.len()).map(|at| char::from(DIGITS[value >> (18 - 6 * at) & 63]));
        digits.chain("===".chars().take(3 - group.len())).collect::<String>()
    };
    let digits: Vec<String> = bytes.chunks(3).map(group).collect();
    digits.chunks(16).map(<[String]>::concat).collect::<Vec<_>>().join("\r\n")
}
