//! `candor migrate verify`: does an archive of a quarantine hold what was put into it?
//!
//! The archive may have been in anybody's hands, so it is taken apart in the jail like any other file; what comes out
//! is only counted and digested here.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use candor_model::{LayerId, Reason, Report};
use candor_sandbox::Piece;
use sha2::{Digest as _, Sha256};

use super::apart::Apart;
use super::manifest::{self, Expected, Member};
use crate::commands::keys::verifying_key;
use crate::escape::Escaped;
use crate::exit::Exit;
use crate::printer::{Printer, Tone};
use crate::settings::{DetectionOptions, HeuristicOptions, LimitOptions, SafetyOptions, engine_options};
use crate::store;
use crate::units::{Size, hexadecimal};

/// The largest archive: what the offsets of a ZIP can say.
const LARGEST: u64 = u32::MAX as u64;

/// The longest manifest that is read.
const LONGEST_MANIFEST: usize = 256 << 20;

/// Members that a ZIP can have, and the archive itself.
const MOST_MEMBERS: u32 = 0x1_0001;

/// What `candor migrate verify` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = AFTER_LONG_HELP)]
pub(crate) struct Args {
    /// The archive, as `candor migrate quarantine --export` writes it.
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,

    /// The last digest, as it was printed when the archive was made.
    #[arg(long, value_name = "DIGEST")]
    last: Option<String>,

    /// The key that must have signed it (Ed25519, in PEM).
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,

    #[command(flatten)]
    limits: LimitOptions,

    #[command(flatten)]
    safety: SafetyOptions,
}

const AFTER_LONG_HELP: &str = "\
Without the last digest and without a key this shows that files and entries fit each other, which whoever can make
an archive can also make of another; with one of them, that it is the archive that was made.

Exit status: 0 it holds, 1 it does not, 2 it cannot be read or not looked at as a whole.";

/// Runs `candor migrate verify`.
pub(super) fn run(args: &Args, printer: &mut Printer) -> anyhow::Result<Exit> {
    let shown = args.archive.display();
    if let Some(last) = &args.last
        && (last.len() != 64 || !last.bytes().all(|byte| byte.is_ascii_hexdigit()))
    {
        bail!("\"{last}\" is no digest: 64 hexadecimal digits");
    }
    let key = args.public_key.as_deref().map(verifying_key).transpose()?;
    let file = File::open(&args.archive).with_context(|| format!("{shown} cannot be opened"))?;
    let length = file.metadata().with_context(|| format!("{shown}"))?.len();
    if length > LARGEST {
        bail!("{shown} is larger than such an archive can be");
    }
    // What was set aside is only digested, not taken apart once more: the archive, and what is in it.
    let mut limits = args.limits.clone();
    limits.max_depth = 2;
    limits.max_files = limits.max_files.max(MOST_MEMBERS);
    limits.max_file_size = Size(limits.max_file_size.0.max(LARGEST));
    limits.max_scan_size = Size(limits.max_scan_size.0.max(LARGEST.saturating_mul(2)));
    let detection = DetectionOptions {
        potentially_unwanted: None,
        password_file: None,
        heuristics: HeuristicOptions::usual(),
    };
    let mut options = engine_options(&limits, &detection, true)?;
    options.all_matches = true;
    let image = store::built_in()?.image;
    let apart = Apart::start(&image, options, &limits, !args.safety.no_sandbox)?;
    let mut members = Members::default();
    let name = args.archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let report = apart
        .take(name, &file, length, &mut |piece| members.take(piece))
        .map_err(|why| anyhow::anyhow!("{why}"))
        .with_context(|| format!("{shown} cannot be looked at"))?;
    let expected = Expected { key: key.as_ref(), last: args.last.as_deref() };
    match members.verify(&expected) {
        Ok(held) => {
            let signed = if key.is_some() { "signed with that key" } else { "signatures not looked at" };
            printer.line(&format!(
                "{shown}: {} {} entries, made {}, {signed}, the last digest {}",
                printer.paint(Tone::Good, "holds"),
                held.entries(),
                Escaped(held.generated().as_bytes()),
                held.last()
            ));
            Ok(Exit::Clean)
        }
        Err(why) => {
            // What does not come out because it is too much is not proved to be wrong.
            if let Some(limit) = limited(&report) {
                bail!("{shown} cannot be looked at as a whole: {limit}");
            }
            printer.line(&format!(
                "{shown}: {}",
                printer.paint(Tone::Bad, &Escaped(why.as_bytes()).to_string())
            ));
            Ok(Exit::Found)
        }
    }
}

/// A limit that kept something from being looked at. That files in the archive are not taken apart is wanted.
fn limited(report: &Report) -> Option<String> {
    let is_limit = |reason: &Reason| {
        !matches!(reason, Reason::Depth | Reason::Encrypted | Reason::Malformed(_) | Reason::Unsupported(_))
    };
    let found = report.incomplete.iter().find(|incomplete| is_limit(&incomplete.reason));
    found.map(|incomplete| incomplete.reason.to_string())
}

/// What stands directly in the archive.
#[derive(Default)]
struct Members {
    all: Vec<(LayerId, String, Sha256, u64)>,
    places: BTreeMap<LayerId, usize>,
    manifest: Option<(LayerId, Vec<u8>)>,
    /// Something stands there that no archive of ours has.
    trouble: Option<String>,
}

impl Members {
    fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Layer(layer) if layer.parent == Some(LayerId(0)) => {
                if layer.name == manifest::NAME {
                    if self.manifest.is_some() {
                        self.trouble = Some(format!("{} stands there twice", manifest::NAME));
                    } else {
                        self.manifest = Some((layer.id, Vec::new()));
                    }
                    return;
                }
                self.places.insert(layer.id, self.all.len());
                self.all.push((layer.id, layer.name.clone(), Sha256::new(), 0));
            }
            Piece::Content(id, bytes) => {
                if let Some((manifest, text)) = &mut self.manifest
                    && *manifest == id
                {
                    if text.len().saturating_add(bytes.len()) > LONGEST_MANIFEST {
                        self.trouble = Some(format!("{} is too long", manifest::NAME));
                    } else {
                        text.extend_from_slice(bytes);
                    }
                } else if let Some((_, _, digest, size)) =
                    self.places.get(&id).and_then(|place| self.all.get_mut(*place))
                {
                    digest.update(bytes);
                    *size = size.saturating_add(bytes.len() as u64);
                }
            }
            _ => (),
        }
    }

    fn verify(self, expected: &Expected<'_>) -> Result<manifest::Manifest, String> {
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        let Some((_, text)) = self.manifest else {
            return Err(format!(
                "there is no {}: it is no archive of a quarantine, or cut off",
                manifest::NAME
            ));
        };
        let mut members = BTreeMap::new();
        for (_, name, digest, size) in self.all {
            let member = Member { sha256: hexadecimal(digest.finalize()), size };
            if members.insert(name.clone(), member).is_some() {
                return Err(format!("{name} stands in the archive twice"));
            }
        }
        manifest::verify(&text, &members, expected)
    }
}
