//! Files as readable text: a list of pieces, written in TOML.
//!
//! A piece is a string (its UTF-8 bytes) or a table: `{ hex = "00 ff" }`, `{ repeat = "ab", times = 3 }`,
//! `{ repeat_hex = "00", times = 3 }`, `{ executable = "pe32", sections = […] }`, `{ signed_by = "a name" }`,
//! `{ zip = […] }`, and `{ at = 0x400, put = […] }`, which overwrites bytes that earlier pieces made.

use candor_model::{Facts, FileType, Icon};
use serde::Deserialize;

use crate::executable::{Executable, Kind, SectionRecipe};
use crate::{signed_program, zip, zip_methods};

/// One piece of a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Piece {
    /// These characters.
    Text(String),
    /// These bytes.
    Hex {
        /// Two digits a byte; white space is left out.
        hex: String,
    },
    /// Characters, several times.
    Repeat {
        /// What is repeated.
        repeat: String,
        /// How often.
        times: usize,
    },
    /// Bytes, several times.
    RepeatHex {
        /// What is repeated.
        repeat_hex: String,
        /// How often.
        times: usize,
    },
    /// Bytes that take the place of those of earlier pieces.
    At {
        /// Offset in the file.
        at: usize,
        /// What goes there.
        put: Vec<Self>,
    },
    /// An executable.
    Executable(ExecutablePiece),
    /// A program for Windows that is signed, as [`signed_program`] makes it.
    Signed {
        /// The common name of the one who signed it.
        signed_by: String,
    },
    /// A ZIP archive.
    Zip {
        /// Its members.
        zip: Vec<ZipMember>,
    },
}

/// An executable as a recipe writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExecutablePiece {
    /// `elf32`, `elf64`, `macho64`, `pe32`, `pe32+`.
    pub executable: String,
    /// Its sections.
    pub sections: Vec<SectionPiece>,
    /// Section of the entry point, and distance from its start.
    #[serde(default)]
    pub entry: (usize, u32),
    /// Strings of the version resource.
    #[serde(default)]
    pub version: Vec<(String, String)>,
    /// Imported libraries and their functions.
    #[serde(default)]
    pub imports: Vec<(String, Vec<String>)>,
    /// Icons.
    #[serde(default)]
    pub icons: Vec<IconPiece>,
}

/// An icon as a recipe writes it: squares of colours.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IconPiece {
    /// Its side in pixels.
    pub size: u32,
    /// Rows of squares, each a colour as `rrggbb` or `aarrggbb`, that fill the icon.
    pub rows: Vec<String>,
}

/// A section as a recipe writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SectionPiece {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<Piece>,
}

/// A member of an archive as a recipe writes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ZipMember {
    /// Its name.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<Piece>,
    /// Whether it is compressed.
    #[serde(default)]
    pub deflate: bool,
    /// Whether it claims to be encrypted.
    #[serde(default)]
    pub encrypted: bool,
    /// Encrypts it in the traditional way with this password.
    #[serde(default)]
    pub password: Option<String>,
}

/// A file that was built.
#[derive(Clone, Debug, Default)]
pub struct Built {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What is to be known about it.
    pub facts: Facts,
    /// Its type, when a piece says.
    pub file_type: Option<FileType>,
}

/// Builds the file that `pieces` describe.
///
/// # Errors
/// What is wrong with the recipe.
pub fn build(pieces: &[Piece]) -> Result<Built, String> {
    let mut built = Built::default();
    for piece in pieces {
        match piece {
            Piece::Text(text) => built.bytes.extend_from_slice(text.as_bytes()),
            Piece::Hex { hex } => built.bytes.extend(hex_bytes(hex)?),
            Piece::Repeat { repeat, times } => built.bytes.extend(repeat.as_bytes().repeat(*times)),
            Piece::RepeatHex { repeat_hex, times } => {
                built.bytes.extend(hex_bytes(repeat_hex)?.repeat(*times))
            }
            Piece::At { at, put } => {
                let bytes = build(put)?.bytes;
                let place = built.bytes.get_mut(*at..at.saturating_add(bytes.len()));
                place
                    .ok_or_else(|| format!("nothing at offset {at} to be overwritten"))?
                    .copy_from_slice(&bytes);
            }
            Piece::Executable(piece) => {
                let (bytes, facts) = executable(piece)?.build();
                built.file_type = Some(kind(&piece.executable)?.file_type());
                built.bytes.extend(bytes);
                built.facts = facts;
            }
            Piece::Signed { signed_by } => {
                built.file_type = Some(FileType::MsExe);
                built.bytes.extend(signed_program::program(&[], &[("CN", signed_by)]));
            }
            Piece::Zip { zip } => {
                built.bytes.extend(archive(zip)?);
                built.file_type = Some(FileType::Zip);
            }
        }
    }
    Ok(built)
}

fn archive(members: &[ZipMember]) -> Result<Vec<u8>, String> {
    if members.iter().all(|member| member.password.is_none()) {
        let members = members.iter().map(|member| {
            Ok(zip::Member {
                name: member.name.clone(),
                bytes: build(&member.bytes)?.bytes,
                deflate: member.deflate,
                encrypted: member.encrypted,
            })
        });
        return Ok(zip::build(&members.collect::<Result<Vec<_>, String>>()?));
    }
    let members = members.iter().map(|member| {
        let method = if member.deflate { 8 } else { 0 };
        let packed = zip_methods::pack(&member.name, &build(&member.bytes)?.bytes, method);
        Ok(match &member.password {
            Some(password) => packed.with_traditional_encryption(password.as_bytes()),
            None => packed,
        })
    });
    Ok(zip_methods::archive(&members.collect::<Result<Vec<_>, String>>()?))
}

fn executable(piece: &ExecutablePiece) -> Result<Executable, String> {
    let sections: Result<Vec<SectionRecipe>, String> = piece
        .sections
        .iter()
        .map(|section| Ok(SectionRecipe { name: section.name.clone(), bytes: build(&section.bytes)?.bytes }))
        .collect();
    let mut executable = Executable::new(kind(&piece.executable)?, sections?);
    executable.entry = piece.entry;
    executable.version.clone_from(&piece.version);
    executable.imports.clone_from(&piece.imports);
    executable.icons = piece.icons.iter().map(icon).collect::<Result<_, _>>()?;
    Ok(executable)
}

fn icon(piece: &IconPiece) -> Result<Icon, String> {
    let colour = |text: &str| {
        let value = u32::from_str_radix(text, 16).map_err(|_| format!("no colour: {text}"))?;
        Ok(if text.len() == 6 { 0xff00_0000 | value } else { value })
    };
    let rows: Vec<Vec<u32>> = piece
        .rows
        .iter()
        .map(|row| row.split_whitespace().map(colour).collect::<Result<_, String>>())
        .collect::<Result<_, _>>()?;
    let side = usize::try_from(piece.size).unwrap_or(0);
    let at = |squares: usize, place: usize| place * squares / side.max(1);
    let pixel = |x: usize, y: usize| {
        let row = rows.get(at(rows.len(), y))?;
        row.get(at(row.len(), x)).copied()
    };
    let pixels: Option<Vec<u32>> =
        (0..side).flat_map(|y| (0..side).map(move |x| (x, y))).map(|(x, y)| pixel(x, y)).collect();
    Ok(Icon { size: piece.size, pixels: pixels.ok_or("an icon without squares")? })
}

fn kind(name: &str) -> Result<Kind, String> {
    Ok(match name {
        "elf32" => Kind::Elf32,
        "elf64" => Kind::Elf64,
        "macho64" => Kind::MachO64,
        "pe32" => Kind::Pe32,
        "pe32+" => Kind::Pe32Plus,
        other => return Err(format!("no such kind of executable: {other}")),
    })
}

/// The bytes that `text` spells.
///
/// # Errors
/// It is not pairs of hexadecimal digits.
pub fn hex_bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits: Vec<char> = text.chars().filter(|character| !character.is_whitespace()).collect();
    digits
        .chunks(2)
        .map(|pair| {
            let pair: String = pair.iter().collect();
            let whole = pair.len() == 2;
            u8::from_str_radix(&pair, 16)
                .ok()
                .filter(|_| whole)
                .ok_or_else(|| format!("not hexadecimal: {text}"))
        })
        .collect()
}
