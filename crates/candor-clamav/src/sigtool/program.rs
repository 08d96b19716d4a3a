//! Signatures of programs and images: digests of sections and of imports, who signed them, what an image looks like.

use std::ffi::OsString;
use std::path::Path;

use candor_identify::identify;
use candor_model::{Executable, ExecutableFormat, FileType};
use md5::{Digest as _, Md5};

use super::collect::Collected;
use super::digest::hexadecimal;
use super::{reason, work};
use crate::console::Console;
use crate::jailed::{Input, Saying};

/// What is said of a program and its bytes.
pub(super) type Work = fn(&Executable, &[u8], &mut Saying);

/// Says the digests of the sections of a program, in the words that ClamAV has for it.
pub(super) fn sections(program: &Executable, bytes: &[u8], say: &mut Saying) {
    for (number, section) in program.sections.iter().enumerate() {
        let end = section.raw_offset.saturating_add(section.raw_size);
        let place = usize::try_from(section.raw_offset).ok().zip(usize::try_from(end).ok());
        let Some(raw) = place.and_then(|(start, end)| bytes.get(start..end)).filter(|raw| !raw.is_empty())
        else {
            continue;
        };
        let digest = hexadecimal(&Md5::digest(raw));
        say.note(&format!("Section{{{number}}}: {}:{digest}", section.raw_size));
    }
}

/// Says the digest of what a program imports.
pub(super) fn imports(program: &Executable, _: &[u8], say: &mut Saying) {
    if let Some(imports) = program.imports {
        say.note(&format!("Imphash: {}:{}", imports.digest, imports.length));
    }
}

/// Does `work` on each of the files; the first that cannot be read ends it.
pub(super) fn each(paths: &[OsString], said: Work, console: &mut Console) -> bool {
    if paths.is_empty() {
        console.error("hashsig: Can't generate requested hash for input stream");
        return false;
    }
    for path in paths {
        let path = Path::new(path);
        let input = match Input::open(path) {
            Ok(input) => input,
            Err(error) => {
                console.stderr(format!("hashsig: {}", reason(&error)).as_bytes());
                console.error(&format!("hashsig: Can't access file {}", path.display()));
                return false;
            }
        };
        let is_done = work(&[input], console, |sources, say| {
            let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
            match program(bytes) {
                Some((program, _)) => said(&program, bytes, say),
                None => say.error("hashpe: Not a valid PE file!"),
            }
        });
        if !is_done {
            return false;
        }
    }
    true
}

fn program(bytes: &[u8]) -> Option<(Executable, Vec<(&'static str, String)>)> {
    let collected = Collected::of(FileType::MsExe, bytes);
    let program = collected.facts.executable.filter(|program| program.format == ExecutableFormat::Pe)?;
    Some((program, collected.details))
}

/// Says who signed a program, and whether it is still what was signed.
pub(super) fn certificates(path: &Path, console: &mut Console) -> bool {
    let Ok(input) = Input::open(path) else {
        console.error(&format!("dumpcerts: Can't open file {}!", path.display()));
        return false;
    };
    work(&[input], console, |sources, say| {
        let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
        match program(bytes) {
            Some((_, details)) => {
                for (key, value) in details.iter().filter(|(key, _)| key.starts_with("sign")) {
                    let value = crate::console::shown(value.as_bytes());
                    say.line([key.as_bytes(), b": ", &value].concat());
                }
            }
            None => say.error("dumpcerts: An error occurred when parsing the file"),
        }
    })
}

/// Says the perceptual hash of each image.
pub(super) fn images(paths: &[OsString], console: &mut Console) -> bool {
    if paths.is_empty() {
        console.error("You must provide one or more files to generate a hash.");
        return false;
    }
    let mut is_done = true;
    for path in paths {
        let path = Path::new(path);
        let told = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let input = match Input::open(path) {
            Ok(input) => input,
            Err(error) => {
                console.error(&format!("{told}: Can't open file: {}", reason(&error)));
                is_done = false;
                continue;
            }
        };
        is_done &= work(&[input], console, |sources, say| {
            let bytes = sources.first().map(|source| source.bytes.as_slice()).unwrap_or_default();
            match candor_unpack::image_hash(bytes, identify(bytes)) {
                Some(hash) => say.line(format!("{told}: {}", hexadecimal(&hash.0))),
                None => {
                    say.error(&format!(
                        "{told}: Failed to calculate image fuzzy hash: Failed to load image: The image format could not be determined"
                    ));
                    say.failed();
                }
            }
        });
    }
    is_done
}
