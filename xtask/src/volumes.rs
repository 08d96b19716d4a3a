//! Compares the readers of file systems with the programs that make them: a folder with files of every shape is put
//! into an image by `mkfs.xfs`, `mkfs.btrfs` and `mke2fs`, or, with `--kernel`, by the kernel, which alone packs files
//! and makes snapshots. What is read of the image must be what is in the folder. The same goes for Windows images, which
//! `wimcapture` makes in every compression; they hold what is alike once.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use candor_model::{
    Budget, ChildKind, Content, Facts, FileType, Flow, Interrupt, Limits, Member, Reason, Sink,
};
use candor_unpack::volume;
use sha2::{Digest as _, Sha256};

#[derive(clap::Args, Debug)]
pub(crate) struct Arguments {
    /// Let the kernel fill images as well, which takes root and loop devices.
    #[arg(long)]
    pub(crate) kernel: bool,
    /// Keep the images here.
    #[arg(long)]
    pub(crate) keep: Option<PathBuf>,
}

/// What makes an image.
struct Maker {
    name: &'static str,
    file_type: FileType,
    program: &'static str,
    options: &'static [&'static str],
    fill: Fill,
    /// Mebibytes.
    size: u64,
}

/// How files come into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// By an option that takes a folder.
    Folder(&'static str),
    /// By an option that takes a file that lists all.
    Listed(&'static str),
    /// By the kernel, with these options of a mount.
    Kernel(&'static str),
    /// By a program that is told the folder and makes the image.
    Captured,
}

const fn maker(
    name: &'static str,
    file_type: FileType,
    program: &'static str,
    options: &'static [&'static str],
    fill: Fill,
) -> Maker {
    // What `mkfs.xfs` makes at least is 300 MiB.
    Maker { name, file_type, program, options, fill, size: 320 }
}

const MAKERS: [Maker; 29] = {
    use FileType::{Btrfs, Ext, Wim, Xfs};
    const XFS: &str = "mkfs.xfs";
    const BTRFS: &str = "mkfs.btrfs";
    const EXT: &str = "mke2fs";
    const WIM: &str = "wimcapture";
    const ROOT: Fill = Fill::Folder("--rootdir");
    const PROTOTYPE: Fill = Fill::Listed("-p");
    [
        maker("ext4", Ext, EXT, &["-q", "-F", "-t", "ext4"], Fill::Folder("-d")),
        maker("ext2", Ext, EXT, &["-q", "-F", "-t", "ext2", "-b", "1024"], Fill::Folder("-d")),
        maker("xfs 5", Xfs, XFS, &["-q", "-f"], PROTOTYPE),
        maker("xfs 4", Xfs, XFS, &["-q", "-f", "-m", "crc=0"], PROTOTYPE),
        maker("xfs 4 without kinds", Xfs, XFS, &["-q", "-f", "-m", "crc=0", "-n", "ftype=0"], PROTOTYPE),
        maker(
            "xfs 5, small blocks",
            Xfs,
            XFS,
            &["-q", "-f", "-b", "size=1024", "-n", "size=8192"],
            PROTOTYPE,
        ),
        maker(
            "xfs 5, large blocks",
            Xfs,
            XFS,
            &["-q", "-f", "-b", "size=65536", "-i", "size=2048"],
            PROTOTYPE,
        ),
        maker(
            "xfs 4, small inodes",
            Xfs,
            XFS,
            &["-q", "-f", "-m", "crc=0", "-b", "size=512", "-i", "size=256"],
            PROTOTYPE,
        ),
        maker("btrfs", Btrfs, BTRFS, &["-q", "-f"], ROOT),
        maker("btrfs, xxhash", Btrfs, BTRFS, &["-q", "-f", "--csum", "xxhash", "-n", "4096"], ROOT),
        maker("btrfs, sha256", Btrfs, BTRFS, &["-q", "-f", "--csum", "sha256", "-n", "65536"], ROOT),
        maker("btrfs, blake2, mixed", Btrfs, BTRFS, &["-q", "-f", "--csum", "blake2", "--mixed"], ROOT),
        maker("wim", Wim, WIM, &["--compress=none"], Fill::Captured),
        maker("wim, XPRESS", Wim, WIM, &["--compress=XPRESS"], Fill::Captured),
        maker("wim, LZX", Wim, WIM, &["--compress=LZX"], Fill::Captured),
        maker("wim, LZMS", Wim, WIM, &["--compress=LZMS"], Fill::Captured),
        maker("wim, LZMS, fast", Wim, WIM, &["--compress=LZMS:10", "--chunk-size=32K"], Fill::Captured),
        maker("wim, solid", Wim, WIM, &["--solid"], Fill::Captured),
        maker("wim, solid, small chunks", Wim, WIM, &["--solid", "--solid-chunk-size=64K"], Fill::Captured),
        maker("wim, solid, LZX", Wim, WIM, &["--solid", "--solid-compress=LZX"], Fill::Captured),
        maker("wim, for pipes", Wim, WIM, &["--pipable", "--compress=LZX"], Fill::Captured),
        maker("wim, for pipes, stored", Wim, WIM, &["--pipable", "--compress=none"], Fill::Captured),
        maker("xfs 5 by the kernel", Xfs, XFS, &["-q", "-f"], Fill::Kernel("")),
        maker(
            "xfs 5, small blocks, by the kernel",
            Xfs,
            XFS,
            &["-q", "-f", "-b", "size=1024"],
            Fill::Kernel(""),
        ),
        maker("btrfs by the kernel", Btrfs, BTRFS, &["-q", "-f"], Fill::Kernel("")),
        maker("btrfs, zlib", Btrfs, BTRFS, &["-q", "-f"], Fill::Kernel("compress-force=zlib")),
        maker("btrfs, LZO", Btrfs, BTRFS, &["-q", "-f"], Fill::Kernel("compress-force=lzo")),
        maker("btrfs, Zstandard", Btrfs, BTRFS, &["-q", "-f"], Fill::Kernel("compress-force=zstd")),
        maker(
            "btrfs, LZO, mixed",
            Btrfs,
            BTRFS,
            &["-q", "-f", "--mixed"],
            Fill::Kernel("compress-force=lzo"),
        ),
    ]
};

/// What is in a folder or an image: digests by paths.
type Files = BTreeMap<String, String>;

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<String> {
    let work = tempfile::tempdir()?;
    let folder = work.path().join("folder");
    fill(&folder)?;
    let expected = files_of(&folder, &folder)?;
    let images = arguments.keep.clone().unwrap_or_else(|| work.path().to_path_buf());
    fs::create_dir_all(&images)?;
    let (mut compared, mut missing) = (0, Vec::new());
    for maker in &MAKERS {
        let is_kernel = matches!(maker.fill, Fill::Kernel(_));
        if is_kernel && !arguments.kernel {
            continue;
        }
        let image = images.join(format!("{}.img", maker.name.replace([' ', ','], "-")));
        let made = make(maker, &folder, &image, work.path()).with_context(|| maker.name)?;
        if !made {
            missing.push(maker.program);
            continue;
        }
        compare(&image, maker.file_type, &expected).with_context(|| maker.name)?;
        compared += 1;
        if arguments.keep.is_none() {
            fs::remove_file(&image)?;
        }
    }
    if arguments.kernel {
        snapshots(&images.join("snapshots.img"), &folder, work.path()).context("snapshots")?;
        compared += 1;
    }
    missing.dedup();
    ensure!(compared > 0, "none of the programs is here: {}", missing.join(", "));
    let mut said = format!("{compared} images of {} files", expected.len());
    if !missing.is_empty() {
        let _ = write!(said, "; not here: {}", missing.join(", "));
    }
    Ok(said)
}

/// Makes an image; `false` when what makes it is not here.
fn make(maker: &Maker, folder: &Path, image: &Path, work: &Path) -> anyhow::Result<bool> {
    let Some(program) = found(maker.program) else { return Ok(false) };
    let mut command = Command::new(program);
    command.args(maker.options);
    if maker.fill == Fill::Captured {
        succeed(command.arg(folder).arg(image))?;
        return Ok(true);
    }
    fs::File::create(image)?.set_len(maker.size << 20)?;
    match maker.fill {
        Fill::Folder(option) => {
            command.arg(option).arg(folder);
        }
        Fill::Listed(option) => {
            let list = work.join("prototype");
            fs::write(&list, prototype(folder)?)?;
            command.arg(option).arg(&list);
        }
        Fill::Captured | Fill::Kernel(_) => (),
    }
    succeed(command.arg(image))?;
    if let Fill::Kernel(options) = maker.fill {
        let mounted = Mounted::new(image, options, work)?;
        succeed(Command::new("cp").arg("-a").arg(folder.join(".")).arg(&mounted.place))?;
    }
    Ok(true)
}

/// A program, also where only root looks for it.
fn found(program: &str) -> Option<PathBuf> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> =
        std::env::split_paths(&places).chain(["/sbin", "/usr/sbin"].map(PathBuf::from)).collect();
    places.into_iter().map(|place| place.join(program)).find(|path| path.is_file())
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    if !output.status.success() {
        bail!("{command:?}: {}{}", output.status, String::from_utf8_lossy(&output.stderr));
    }
    Ok(())
}

/// An image that the kernel has open.
struct Mounted {
    place: PathBuf,
}

impl Mounted {
    fn new(image: &Path, options: &str, work: &Path) -> anyhow::Result<Self> {
        let place = work.join("mounted");
        fs::create_dir_all(&place)?;
        let comma = if options.is_empty() { "" } else { "," };
        succeed(Command::new("mount").arg("-o").arg(format!("loop{comma}{options}")).arg(image).arg(&place))?;
        Ok(Self { place })
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        // What stays mounted is told by what is read then.
        let _ = Command::new("umount").arg(&self.place).status();
    }
}

/// Subvolumes, and snapshots of which some files were changed since.
fn snapshots(image: &Path, folder: &Path, work: &Path) -> anyhow::Result<()> {
    const TEXT: &str = "text";
    let makes = |command: &[&str], place: &Path| {
        succeed(Command::new("btrfs").arg("subvolume").args(command).arg(place))
    };
    fs::File::create(image)?.set_len(512 << 20)?;
    succeed(Command::new("mkfs.btrfs").args(["-q", "-f", "-n", "4096"]).arg(image))?;
    let (mut all, expected) = (Files::new(), files_of(folder, folder)?);
    {
        let mounted = Mounted::new(image, "compress=zstd", work)?;
        let root = mounted.place.join("@");
        makes(&["create"], &root)?;
        succeed(Command::new("cp").arg("-a").arg(folder.join(".")).arg(&root))?;
        let snapshot = |name: &str| -> anyhow::Result<()> {
            let place = mounted.place.join(name);
            succeed(Command::new("btrfs").args(["subvolume", "snapshot", "-r"]).arg(&root).arg(&place))
        };
        snapshot("first")?;
        let mut text = fs::OpenOptions::new().write(true).open(root.join(TEXT))?;
        for place in [0, 900_000, 1_500_000] {
            text.seek(SeekFrom::Start(place))?;
            text.write_all(b"changed")?;
        }
        drop(text);
        fs::write(root.join("many/file-17"), "changed")?;
        snapshot("second")?;
        fs::remove_file(root.join("pieces-of-one"))?;
        makes(&["create"], &root.join("inner"))?;
        fs::write(root.join("inner/file"), "inner")?;
        makes(&["set-default"], &root)?;
        all.extend(prefixed("@", files_of(&root, &root)?));
        all.extend(prefixed(
            "second",
            ["text", "many/file-17", "pieces-of-one"].iter().filter_map(|name| {
                let content = fs::read(mounted.place.join("second").join(name)).ok()?;
                Some(((*name).to_owned(), hexadecimal(&Sha256::digest(content))))
            }),
        ));
        all.extend(prefixed(
            "first",
            [TEXT, "many/file-17"]
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), expected.get(*name)?.clone()))),
        ));
    }
    let (given, told) = read(image, FileType::Btrfs)?;
    ensure!(told.is_empty(), "told: {}", told.join("; "));
    for (path, digest) in &all {
        let found = given.get(path);
        // What the second snapshot shares with the subvolume is given under the path of that.
        let is_shared = path.starts_with("second/") && found.is_none() && {
            let other = path.replacen("second", "@", 1);
            given.get(&other) == Some(digest)
        };
        ensure!(found == Some(digest) || is_shared, "{path} is {found:?}");
    }
    ensure!(given.len() < 2 * expected.len(), "{} files are given of snapshots", given.len());
    Ok(())
}

fn prefixed(folder: &str, files: impl IntoIterator<Item = (String, String)>) -> Files {
    files.into_iter().map(|(path, digest)| (format!("{folder}/{path}"), digest)).collect()
}

/// Compares what is read of an image with what must be.
fn compare(image: &Path, file_type: FileType, expected: &Files) -> anyhow::Result<()> {
    let bytes = fs::read(image)?;
    let found = candor_identify::identify(&bytes);
    ensure!(found == file_type, "it is taken for {found}");
    drop(bytes);
    let (given, told) = read(image, file_type)?;
    ensure!(told.is_empty(), "told: {}", told.join("; "));
    if file_type == FileType::Wim {
        return compare_contents(&given, expected);
    }
    // What is made with the file system.
    let given: Files = given.into_iter().filter(|(path, _)| !path.starts_with("lost+found")).collect();
    for (path, digest) in expected {
        let found = given.get(path);
        ensure!(found == Some(digest), "{path} is {found:?} and must be {digest}");
    }
    let more: Vec<&String> = given.keys().filter(|path| !expected.contains_key(*path)).collect();
    ensure!(more.is_empty(), "there are others: {more:?}");
    Ok(())
}

/// Compares what is read of an image that holds what is alike once, under one of its names.
fn compare_contents(given: &Files, expected: &Files) -> anyhow::Result<()> {
    let empty = hexadecimal(&Sha256::digest([]));
    for (path, digest) in expected.iter().filter(|(_, digest)| **digest != empty) {
        ensure!(given.values().any(|found| found == digest), "the content of {path} is not given");
    }
    for (path, digest) in given {
        // Links are files of their own there.
        let is_link = ["link", "folders/around", ""].contains(&path.as_str());
        ensure!(is_link || expected.get(path) == Some(digest), "{path} is given, as {digest}");
    }
    Ok(())
}

/// What is read of an image, and what is told of it.
fn read(image: &Path, file_type: FileType) -> anyhow::Result<(Files, Vec<String>)> {
    let bytes = fs::read(image)?;
    let limits = Limits {
        max_scan_size: u64::MAX - 1,
        max_file_size: u64::MAX,
        max_children: u32::MAX,
        max_memory: 1 << 30,
        ..Limits::default()
    };
    let mut sink = Digests {
        files: Files::new(),
        told: Vec::new(),
        budget: Budget::new(limits, Interrupt::new(), u64::MAX >> 8),
    };
    if file_type == FileType::Wim {
        candor_unpack::unpack(file_type, &bytes, &mut sink);
    } else {
        ensure!(volume::files(file_type, &&bytes[..], &mut sink, &mut |_| ()), "it is not read");
    }
    Ok((sink.files, sink.told))
}

struct Digests {
    files: Files,
    told: Vec<String>,
    budget: Budget,
}

impl Sink for Digests {
    fn child(&mut self, _: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        let mut hash = Sha256::new();
        let outcome = match content {
            Content::Bytes(bytes) => {
                hash.update(bytes);
                Ok(())
            }
            Content::Stream(stream) => {
                let mut part = vec![0; 64 << 10];
                loop {
                    match stream.read(&mut part) {
                        Ok(0) => break Ok(()),
                        Ok(read) => hash.update(&part[..read]),
                        Err(error) => break Err(error.to_string()),
                    }
                }
            }
            Content::Absent(reason) | Content::Part(_, reason) => Err(reason.to_string()),
        };
        if let Err(error) = outcome {
            self.told.push(format!("{}: {error}", member.name));
        }
        let digest = hexadecimal(&hash.finalize());
        if self.files.insert(member.name.clone(), digest).is_some() {
            self.told.push(format!("{} comes twice", member.name));
        }
        Flow::Continue
    }

    fn facts(&mut self, _: Facts) {}

    fn incomplete(&mut self, reason: Reason) {
        self.told.push(reason.to_string());
    }

    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// Makes files of every shape.
fn fill(folder: &Path) -> anyhow::Result<()> {
    let put = |name: &str, content: &[u8]| -> anyhow::Result<()> {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(fs::write(path, content)?)
    };
    put("empty", b"")?;
    put("short", b"a few bytes")?;
    put("block", &[b'b'; 4096])?;
    put("more-than-a-block", &[b'c'; 4097])?;
    let text: Vec<u8> = (0..300_000_u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
    put("text", &text)?;
    // What nothing packs.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        state.to_be_bytes()[0]
    })
    .take(3_000_000)
    .collect();
    put("noise", &noise)?;
    put("zeros", &[0; 700_000])?;
    for number in 0..3000 {
        put(&format!("many/file-{number}"), format!("content of {number}").as_bytes())?;
    }
    for number in 0..200 {
        let name = "n".repeat(number + 1);
        put(&format!("long/{name}"), name.as_bytes())?;
    }
    put("names/ümläut-名前", b"not of ASCII")?;
    let deep: String = (0..60).map(|number| format!("level-{number}/")).collect();
    put(&format!("deep/{deep}file"), b"at the bottom")?;
    for number in 0..30 {
        put(&format!("folders/{number}/{number}/file"), b"one of many")?;
    }
    // What some packers look for: numbers that grow, and instructions whose operands lead to few places, also at the
    // first and last bytes.
    let rows: Vec<u8> =
        (0..40_000_u32).flat_map(|row| [row * 24, row >> 3]).flat_map(u32::to_le_bytes).collect();
    put("rows", &rows)?;
    for number in 0..60_usize {
        put(&format!("code/{number}"), &instructions(number))?;
    }
    // Two files that grow in turns, and one of holes.
    let mut one = fs::File::create(folder.join("pieces-of-one"))?;
    let mut other = fs::File::create(folder.join("pieces-of-another"))?;
    for number in 0..400_u32 {
        one.write_all(&[number.to_le_bytes()[0]; 4096])?;
        one.sync_data()?;
        other.write_all(&[number.to_le_bytes()[0] ^ 0x55; 4096])?;
        other.sync_data()?;
    }
    let mut holes = fs::File::create(folder.join("holes"))?;
    for number in 0..300_u64 {
        holes.seek(SeekFrom::Start(number * 20_480))?;
        write!(holes, "at {number}")?;
    }
    holes.set_len(12 << 20)?;
    fs::hard_link(folder.join("text"), folder.join("text-again"))?;
    std::os::unix::fs::symlink("text", folder.join("link"))?;
    std::os::unix::fs::symlink("..", folder.join("folders/around"))?;
    Ok(())
}

/// What looks like a program.
fn instructions(number: usize) -> Vec<u8> {
    const OPCODES: [&[u8]; 10] = [
        &[0xe8],
        &[0x48, 0x8b, 0x05],
        &[0x48, 0x8b, 0x0d],
        &[0x48, 0x8d, 0x3d],
        &[0x4c, 0x8d, 0x05],
        &[0xe9],
        &[0xf0, 0x83, 0x05],
        &[0xff, 0x15],
        &[0x4c, 0x8b, 0x05],
        &[0x90, 0x8b, 0xc3],
    ];
    let mut code = Vec::new();
    let mut state = number.wrapping_mul(0x9e37_79b9).wrapping_add(1);
    let mut next = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let length = 300 + number * 241;
    while code.len() < length {
        let target = (next(4) * 0x1230).wrapping_sub(code.len());
        code.extend(OPCODES[next(OPCODES.len())]);
        code.extend(&target.to_le_bytes()[..4]);
        let pause = if next(40) == 0 { 1_500 } else { 7 };
        code.resize(code.len() + next(pause), 0x90);
    }
    code.truncate(length);
    code
}

/// Digests of the files below a folder.
fn files_of(folder: &Path, root: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            files.extend(files_of(&path, root)?);
        } else if kind.is_file() {
            let mut content = Vec::new();
            fs::File::open(&path)?.read_to_end(&mut content)?;
            let name = path.strip_prefix(root)?.to_string_lossy().into_owned();
            files.insert(name, hexadecimal(&Sha256::digest(content)));
        }
    }
    Ok(files)
}

/// The list of all that `mkfs.xfs` takes.
fn prototype(folder: &Path) -> anyhow::Result<String> {
    fn list(folder: &Path, out: &mut String) -> anyhow::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() {
                writeln!(out, "{name} d--755 0 0")?;
                list(&path, out)?;
            } else if kind.is_file() {
                writeln!(out, "{name} ---644 0 0 {}", path.display())?;
            } else {
                writeln!(out, "{name} l--777 0 0 {}", fs::read_link(&path)?.display())?;
            }
        }
        writeln!(out, "$")?;
        Ok(())
    }
    let mut out = "/\n0 0\nd--755 0 0\n".to_owned();
    list(folder, &mut out)?;
    Ok(out)
}
