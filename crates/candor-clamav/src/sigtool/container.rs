//! Containers: what they say of themselves, and what is in them.

use std::ffi::OsStr;
use std::path::Path;

use candor_sandbox::worker::Source;
use candor_signature::Input as Bytes;
use candor_signature::clamav::{Header, open_container};

use super::{reason, work};
use crate::console::{Console, shown};
use crate::jailed::{Input, Saying};
use std::os::unix::ffi::OsStrExt as _;

/// Says what the header of a container says, and whether somebody vouches for it.
pub(super) fn info(path: &Path, console: &mut Console) -> bool {
    let told = String::from_utf8_lossy(&shown(path.as_os_str().as_bytes())).into_owned();
    let unreadable = format!("cvdinfo: Can't read/parse CVD header of {told}");
    let Some(input) = opened(path, &unreadable, console) else { return false };
    let kind = Kind::of(path);
    work(&[input], console, |sources, say| {
        let Some((source, header)) = header(sources) else {
            say.error(&unreadable);
            return say.failed();
        };
        say.line(format!("File: {told}"));
        about(&header, kind, say);
        if kind == Kind::Unsigned {
            return say.line("Verification: Unsigned container");
        }
        match open_container(&Bytes { name: kind.name(), bytes: &source.bytes }) {
            Ok(_) => say.line("Verification OK."),
            Err(error) => {
                say.error("cvdinfo: Verification: Can't verify database integrity");
                say.error(&format!("cvdinfo: {error}"));
                say.failed();
            }
        }
    })
}

fn about(header: &Header<'_>, kind: Kind, say: &mut Saying) {
    // The hour is written with a hyphen, since colons part the fields.
    let time = String::from_utf8_lossy(header.time).replacen('-', ":", 1);
    let number = |number: Option<u64>| number.unwrap_or(0);
    say.line([b"Build time: ", shown(time.as_bytes()).as_slice()].concat());
    say.line(format!("Version: {}", header.version));
    say.line(format!("Signatures: {}", number(header.signatures)));
    say.line(format!("Functionality level: {}", number(header.level)));
    say.line([b"Builder: ", shown(header.builder).as_slice()].concat());
    if kind == Kind::Published {
        say.line([b"MD5: ", shown(header.digits).as_slice()].concat());
        say.line([b"Digital signature: ", shown(header.signature).as_slice()].concat());
    }
}

/// Writes the files in a container to where the command runs.
pub(super) fn unpack(path: &Path, console: &mut Console) -> bool {
    let told = String::from_utf8_lossy(&shown(path.as_os_str().as_bytes())).into_owned();
    let invalid = format!("unpack: {told} is not a valid CVD");
    let Some(input) = opened(path, &invalid, console) else { return false };
    let kind = Kind::of(path);
    work(&[input], console, |sources, say| {
        let Some(source) = sources.first() else { return say.failed() };
        match open_container(&Bytes { name: kind.name(), bytes: &source.bytes }) {
            Ok(opened) => opened.members.iter().for_each(|member| say.file(&member.name, &member.bytes)),
            Err(error) => {
                say.error(&invalid);
                say.error(&format!("unpack: {error}"));
                say.failed();
            }
        }
    })
}

/// As [`unpack`], of the newer one of a database in the folder of databases.
pub(super) fn unpack_current(name: &OsStr, folder: &Path, console: &mut Console) -> bool {
    let told = name.to_string_lossy();
    let plain = !told.contains(['/', '.']) && !told.is_empty();
    let candidates = ["cld", "cvd"].map(|kind| folder.join(format!("{told}.{kind}")));
    let newest = candidates.iter().filter(|path| plain && path.is_file()).max_by_key(|path| {
        (crate::database::version_of(path), path.extension().is_some_and(|is| is == "cld"))
    });
    let Some(path) = newest else {
        console.error(&format!("unpack: Couldn't find {told} CLD/CVD database in {}", folder.display()));
        return false;
    };
    unpack(path, console)
}

fn opened(path: &Path, unreadable: &str, console: &mut Console) -> Option<Input> {
    match Input::open(path) {
        Ok(input) => Some(input),
        Err(error) => {
            console.error(unreadable);
            console.error(&format!("{}: {}", path.display(), reason(&error)));
            None
        }
    }
}

fn header(sources: &[Source]) -> Option<(&Source, Header<'_>)> {
    let source = sources.first()?;
    let header = Header::parse(&source.bytes).ok()?;
    (source.bytes.len() >= 512 && !header.builder.is_empty()).then_some((source, header))
}

/// Who vouches for a container, by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Published,
    Updated,
    Unsigned,
}

impl Kind {
    fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match () {
            () if name.contains(".cvd") => Self::Published,
            () if name.contains(".cud") => Self::Unsigned,
            // ClamAV asks of all others what it asks of these.
            () => Self::Updated,
        }
    }

    /// A name that says so.
    const fn name(self) -> &'static str {
        match self {
            Self::Published => "x.cvd",
            Self::Updated => "x.cld",
            Self::Unsigned => "x.cud",
        }
    }
}
