//! Files that are made to cost much: small ones that unpack to gigabytes, archives without end, and large
//! ones that must simply be looked at; in `work` those whose cost stands in neither length. Says of each how long it took, how much memory, and what the answer was.

mod words;
mod work;

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use candor_fixtures::{archive, container, document, stream, zip_methods};
use clap::Args;

use crate::whole::{children_time, peak};

#[derive(Debug, Args)]
pub struct Arguments {
    /// Signatures: an image, or a folder of ClamAV databases. The built-in ones when it is left out.
    #[arg(long)]
    database: Option<PathBuf>,
    /// The `candor` binary, built for release.
    #[arg(long)]
    candor: PathBuf,
    /// Run only those whose names have this in them.
    #[arg(long)]
    only: Option<String>,
    /// Run files of one word, again and again, instead: some hundreds of them.
    #[arg(long)]
    words: bool,
}

const MEBIBYTE: usize = 1 << 20;

/// Seconds and bytes of private memory that a bomb may cost.
const SECONDS: f64 = 2.0;
/// Seconds after which a scan is stopped, so that the bench ends. What is to be looked at however long it takes has ten times as many.
const PATIENCE: u64 = 60;
pub(crate) const MEMORY: u64 = 300 << 20;

/// What is promised of a file, beside the memory that it may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Promise {
    /// It ends soon, and says that not all of it was looked at.
    Incomplete,
    /// It ends soon.
    Quick,
    /// It is looked at, however long that takes.
    Ends,
}

/// How a file is written.
type Writer = Box<dyn Fn(&mut File) -> std::io::Result<()>>;

/// A name, what is promised, and how its file is written.
type Case = (&'static str, Promise, fn(&mut File) -> std::io::Result<()>);

/// Files of one word.
fn of_words() -> Vec<(String, Promise, Writer)> {
    let of_kind = |words::Kind { name, head, words }: &'static words::Kind| {
        words.iter().map(move |word| {
            let name = format!("{name} of `{}`", word.escape_ascii().to_string().replace('|', "\\x7c"));
            let write: Writer = Box::new(move |out| {
                work::packed(out, 12, &[head, &word.repeat(38 * MEBIBYTE / word.len())[..]].concat())
            });
            (name, Promise::Incomplete, write)
        })
    };
    words::KINDS.iter().flat_map(of_kind).collect()
}

fn cases() -> Vec<Case> {
    vec![
        ("gzip of 10 GiB of zeros", Promise::Incomplete, |out| repeated(out, stream::gzip, 40)),
        ("bzip2 of 10 GiB of zeros", Promise::Incomplete, |out| repeated(out, stream::bzip2, 40)),
        ("xz of 10 GiB of zeros", Promise::Incomplete, |out| repeated(out, stream::xz, 40)),
        ("lzip of 10 GiB of zeros", Promise::Incomplete, |out| repeated(out, stream::lzip, 40)),
        ("Zstandard of 10 GiB of zeros", Promise::Incomplete, |out| repeated(out, stream::zstd, 40)),
        ("LZ4 of 10 GiB of zeros", Promise::Incomplete, |out| repeated(out, stream::lz4, 40)),
        ("LZMA of 1 GiB of zeros", Promise::Incomplete, |out| out.write_all(&stream::lzma(&zeros(1024)))),
        ("compress of 1 GiB of zeros", Promise::Incomplete, |out| {
            out.write_all(&stream::compress(&zeros(1024), 16))
        }),
        ("7z of 1 GiB of zeros", Promise::Incomplete, |out| {
            out.write_all(&archive::seven_zip(archive::SevenZip::Lzma2, None, &[("a", &zeros(1024))]))
        }),
        ("7z of 1 GiB of zeros, PPMd", Promise::Incomplete, |out| {
            out.write_all(&archive::seven_zip(archive::SevenZip::Ppmd, None, &[("a", &zeros(1024))]))
        }),
        ("ZIP of ten times 1 GiB of zeros", Promise::Incomplete, |out| {
            let member = zip_methods::pack("a", &zeros(1024), 8);
            out.write_all(&zip_methods::archive(&vec![member; 10]))
        }),
        ("ZIP of ten times 1 GiB of zeros, bzip2", Promise::Incomplete, |out| {
            let member = zip_methods::pack("a", &zeros(1024), 12);
            out.write_all(&zip_methods::archive(&vec![member; 10]))
        }),
        ("a member of 1 GiB, listed a thousand times", Promise::Incomplete, |out| {
            out.write_all(&overlapping(1024, 1000))
        }),
        ("sixteen archives in each of sixteen, six deep, 1 GiB in each", Promise::Incomplete, |out| {
            let mut bytes = zip_methods::archive(&[zip_methods::pack("0.dll", &zeros(1024), 8)]);
            for _ in 0..5 {
                let pack = |number| zip_methods::pack(&format!("lib {number:x}.zip"), &bytes, 8);
                let members: Vec<_> = (0..16).map(pack).collect();
                bytes = zip_methods::archive(&members);
            }
            out.write_all(&bytes)
        }),
        ("an archive that is its own member", Promise::Incomplete, |out| {
            let mut inner = b"PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0".to_vec();
            inner.extend([0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0, 1, 0, 0, 0, b'q']);
            out.write_all(&inner.repeat(30_000))
        }),
        ("gzip in gzip, a hundred times", Promise::Incomplete, |out| {
            let mut bytes = zeros(1);
            for _ in 0..100 {
                bytes = stream::gzip(&bytes);
            }
            out.write_all(&bytes)
        }),
        ("PDF of 1 GiB of zeros", Promise::Incomplete, |out| {
            out.write_all(&document::pdf(&[("/Filter /FlateDecode", stream::zlib(&zeros(1024)))]))
        }),
        ("PDF with a chain of fifteen filters", Promise::Incomplete, |out| {
            let mut data = zeros(1024);
            let mut filters = String::new();
            for _ in 0..15 {
                data = stream::zlib(&data);
                filters += "/Fl ";
            }
            out.write_all(&document::pdf(&[(&format!("/Filter [{filters}]"), data)]))
        }),
        ("PDF with a hundred streams of 100 MiB", Promise::Incomplete, |out| {
            let data = stream::zlib(&zeros(100));
            let streams: Vec<(&str, Vec<u8>)> = vec![("/Filter /FlateDecode", data); 100];
            out.write_all(&document::pdf(&streams))
        }),
        ("Flash of 1 GiB of zeros", Promise::Incomplete, |out| {
            out.write_all(&container::swf_zlib(&zeros(1024)))
        }),
        ("an Apple disk image with a hole of 2 TB", Promise::Incomplete, |out| {
            let mut image = container::dmg_of(&[(2_u32, Vec::new())]);
            let table = image.windows(6).position(|bytes| bytes == b"<data>").unwrap_or(0) + 6;
            // The count of sectors stands in bytes 220 to 228 of the table, which is base64 of three bytes in four.
            let place = table + 220 / 3 * 4;
            image[place..place + 8].copy_from_slice(b"AAAAAP//");
            out.write_all(&image)
        }),
        ("parts of a mail in one another, 20,000 deep", Promise::Incomplete, |out| {
            write!(out, "From: a@b\r\nMIME-Version: 1.0\r\n")?;
            (0..20_000).try_for_each(|level| {
                write!(out, "Content-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n")
            })
        }),
        ("mails in one another, 1,000 deep", Promise::Incomplete, |out| {
            (0..1_000).try_for_each(|level| {
                write!(
                    out,
                    "From: a@b\r\nContent-Type: multipart/mixed; boundary=b{level}\r\n\r\n--b{level}\r\n"
                )?;
                write!(out, "Content-Type: message/rfc822\r\n\r\n")
            })
        }),
        ("a mail with 200,000 parts", Promise::Incomplete, |out| {
            write!(out, "From: a@b\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n")?;
            (0..200_000).try_for_each(|_| write!(out, "--x\r\nContent-Type: text/plain\r\n\r\nx\r\n"))
        }),
        ("a billion laughs", Promise::Quick, |out| {
            write!(out, "<?xml version=\"1.0\"?><!DOCTYPE lolz [<!ENTITY lol0 \"lol\">")?;
            for level in 1..10 {
                write!(out, "<!ENTITY lol{level} \"{}\">", format!("&lol{};", level - 1).repeat(10))?;
            }
            write!(out, "]><lolz>&lol9;</lolz>")
        }),
        ("a mebibyte of opening brackets in HTML", Promise::Quick, |out| {
            out.write_all(&vec![b'<'; MEBIBYTE])
        }),
        ("40 MiB of script without an end", Promise::Quick, |out| {
            write!(out, "<html><script>")?;
            (0..40).try_for_each(|_| out.write_all(&b"a=1;/*".repeat(MEBIBYTE / 6)))
        }),
        ("a file of 4 GiB without anything in it", Promise::Ends, |out| out.set_len(4 << 30)),
        ("a tar archive of 3 GiB", Promise::Ends, |out| {
            // One member whose content is a hole of the file, and another one behind it.
            let whole = archive::tar(&[("hole", b""), ("end", b"the end")]);
            let mut header = whole[..512].to_vec();
            header[124..136].copy_from_slice(b"30000000000\0");
            header[148..156].fill(b' ');
            let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
            header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            out.write_all(&header)?;
            out.seek(SeekFrom::Current(3 << 30))?;
            out.write_all(&whole[512..])
        }),
    ]
}

fn zeros(mebibytes: usize) -> Vec<u8> {
    vec![0; mebibytes * MEBIBYTE]
}

/// So many streams of 256 MiB of zeros, one after another.
fn repeated(out: &mut File, pack: fn(&[u8]) -> Vec<u8>, count: usize) -> std::io::Result<()> {
    let piece = pack(&zeros(256));
    (0..count).try_for_each(|_| out.write_all(&piece))
}

/// An archive whose directory has many rows for one member.
fn overlapping(mebibytes: usize, rows: u16) -> Vec<u8> {
    let one = zip_methods::archive(&[zip_methods::pack("a", &zeros(mebibytes), 8)]);
    let row_length = 46 + 1;
    let directory = one.len() - 22 - row_length;
    let mut bytes = one[..directory].to_vec();
    let row = &one[directory..directory + row_length];
    let all = row.repeat(usize::from(rows));
    let mut end = one[directory + row_length..].to_vec();
    end[8..10].copy_from_slice(&rows.to_le_bytes());
    end[10..12].copy_from_slice(&rows.to_le_bytes());
    end[12..16].copy_from_slice(&u32::try_from(all.len()).unwrap_or(0).to_le_bytes());
    bytes.extend(all);
    bytes.extend(end);
    bytes
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let database = match &arguments.database {
        Some(database) if database.is_dir() => Some(compiled(&arguments.candor, database, folder.path())?),
        other => other.clone(),
    };
    println!(
        "| file | length | seconds | processor time | private memory | answer |\n|---|---|---|---|---|---|"
    );
    let mut missed = 0;
    let listed = || cases().into_iter().chain(work::cases());
    let boxed = |(name, promise, write): Case| (name.to_owned(), promise, Box::new(write) as Writer);
    for (name, promise, write) in if arguments.words { of_words() } else { listed().map(boxed).collect() } {
        if arguments.only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let path = folder.path().join("bomb");
        let mut file = File::create(&path)?;
        write(&mut file).with_context(|| name.clone())?;
        let length = file.metadata()?.len();
        drop(file);
        let patience = if promise == Promise::Ends { 10 * PATIENCE } else { PATIENCE };
        let mut command = scan(&arguments.candor, database.as_deref(), &path);
        command.args(["--max-time", &patience.to_string()]);
        let (start, before) = (Instant::now(), children_time());
        let output = command.stderr(Stdio::null()).output()?;
        let (seconds, processor) = (start.elapsed().as_secs_f64(), children_time() - before);
        let memory = peak(&mut command)?;
        let said = String::from_utf8_lossy(&output.stdout);
        let line = said.lines().next().unwrap_or_default();
        let (answer, reasons) = (verdict(line), reasons(line));
        // On a busy machine the clock says more than the file costs.
        let is_soon = promise == Promise::Ends || seconds.min(processor) < SECONDS;
        let is_honest = promise != Promise::Incomplete || answer == "incomplete";
        let holds = memory <= MEMORY && is_soon && is_honest;
        missed += u32::from(!holds);
        println!(
            "| {name} | {} | {seconds:.2} | {processor:.2} | {:.0} MB | {answer}{reasons}{} |",
            of(length),
            memory as f64 / 1e6,
            if holds { "" } else { " **missed**" }
        );
        std::fs::remove_file(&path)?;
    }
    ensure!(
        missed == 0,
        "{missed} files cost more than {SECONDS} seconds or 300 MiB, or were not looked at honestly"
    );
    Ok(())
}

/// Looks at one file.
pub(crate) fn scan(candor: &Path, database: Option<&Path>, path: &Path) -> Command {
    let mut command = Command::new(candor);
    command.args(["scan", "--json", "--jobs", "1", "--no-progress"]);
    if let Some(database) = database {
        command.arg("--database").arg(database);
    }
    command.arg(path);
    command
}

/// An image of a folder of databases.
pub(crate) fn compiled(candor: &Path, database: &Path, folder: &Path) -> Result<PathBuf> {
    let image = folder.join("measured.candor");
    let status = Command::new(candor)
        .args(["compile", "--quiet"])
        .arg(database)
        .arg("-o")
        .arg(&image)
        .stdout(Stdio::null())
        .status()?;
    ensure!(image.exists(), "the signatures were not compiled: {status}");
    Ok(image)
}

/// The verdict in a line of JSON.
pub(crate) fn verdict(line: &str) -> &str {
    let behind = line.split_once("\"verdict\":\"").map_or("", |(_, behind)| behind);
    behind.split('"').next().unwrap_or("")
}

/// The codes of the reasons in a line of JSON, each once.
pub(crate) fn reasons(line: &str) -> String {
    let mut codes: Vec<&str> =
        line.split("\"code\":\"").skip(1).filter_map(|behind| behind.split('"').next()).collect();
    codes.sort_unstable();
    codes.dedup();
    if codes.is_empty() { String::new() } else { format!(": {}", codes.join(", ")) }
}

pub(crate) fn of(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} KB", bytes / 1_000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
