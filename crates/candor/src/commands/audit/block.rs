//! `candor audit block` and `candor audit watch`: what keeps prohibited vendors away, and what finds what comes anyhow.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use candor_policy::block::{self, Export, Kept};
use candor_policy::policy::Policy;
use candor_policy::regime::AsOf;
use jiff::Timestamp;

use crate::exit::Exit;
use crate::printer::Printer;

/// What `candor audit block` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = BLOCK)]
pub(crate) struct BlockArgs {
    /// The form of the export.
    #[arg(value_enum, value_name = "FORM")]
    form: Form,

    #[command(flatten)]
    whom: Whom,
}

/// What `candor audit watch` may be asked.
#[derive(Debug, clap::Args)]
#[command(after_long_help = WATCH)]
pub(crate) struct WatchArgs {
    /// The directory that the databases are written to; it is made when it is not there.
    #[arg(long, short, value_name = "DIR")]
    output: PathBuf,

    #[command(flatten)]
    whom: Whom,
}

/// Whom and when it is for.
#[derive(Debug, clap::Args)]
struct Whom {
    /// Whom the rules are asked for; without it every rule counts.
    #[arg(long, value_name = "PROFILE")]
    profile: Option<String>,

    /// The date that it is for: YYYY-MM-DD, or a moment with its zone [default: now].
    #[arg(long, value_name = "DATE")]
    as_of: Option<String>,
}

/// A form of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// Lines for a hosts file.
    Hosts,
    /// A response policy zone for name servers.
    Rpz,
    /// Lines for dnsmasq.
    Dnsmasq,
    /// A table of nftables.
    Nftables,
    /// A list for Squid.
    Squid,
    /// A policy for AppLocker, which only watches until that is changed.
    Applocker,
    /// A policy for Windows Defender Application Control, which only watches until that is changed.
    Wdac,
    /// Rules for Santa.
    Santa,
}

const BLOCK: &str = "\
Made of vendors whose products or supply some rule prohibits on that date; advice and later dates keep nobody away.
Nothing is switched on: look at it, then install it where it belongs.";

const WATCH: &str = "\
Writes candor-policy.ldb and candor-policy.cdb. Scan with them as with any database (`--database DIR`, or in the
database directory of the daemon): installers, updates and engines of prohibited vendors are findings named
Policy.<rule>.<vendor>. Made for one date: make them again when a rule begins, which `candor audit policy` tells.";

/// Names of the databases.
const LOGICAL: &str = "candor-policy.ldb";
const MEMBERS: &str = "candor-policy.cdb";

impl Whom {
    fn kept<'a>(&self, policy: &'a Policy) -> anyhow::Result<(Vec<Kept<'a>>, AsOf)> {
        let profile = self.profile.as_deref().map(|id| policy.profile(id)).transpose()?;
        let as_of = match &self.as_of {
            Some(text) => AsOf::parse(text)?,
            None => AsOf::Instant(Timestamp::now().round(jiff::Unit::Second)?),
        };
        Ok((block::kept_away(policy, profile, &as_of), as_of))
    }
}

pub(super) fn export(args: &BlockArgs, policy: &Policy, printer: &mut Printer) -> anyhow::Result<Exit> {
    let (kept, as_of) = args.whom.kept(policy)?;
    let form = match args.form {
        Form::Hosts => Export::Hosts,
        Form::Rpz => Export::Rpz,
        Form::Dnsmasq => Export::Dnsmasq,
        Form::Nftables => Export::Nftables,
        Form::Squid => Export::Squid,
        Form::Applocker => Export::AppLocker,
        Form::Wdac => Export::Wdac,
        Form::Santa => Export::Santa,
    };
    printer.line(block::export(&kept, form, policy, &as_of).trim_end_matches('\n'));
    Ok(Exit::Clean)
}

pub(super) fn watch(args: &WatchArgs, policy: &Policy, printer: &mut Printer) -> anyhow::Result<Exit> {
    let (kept, as_of) = args.whom.kept(policy)?;
    let made = block::signatures(&kept);
    fs::create_dir_all(&args.output).with_context(|| format!("{} cannot be made", args.output.display()))?;
    for (name, text) in [(LOGICAL, &made.logical), (MEMBERS, &made.members)] {
        replace(&args.output.join(name), text)?;
    }
    let vendors: Vec<&str> = kept.iter().map(|kept| kept.vendor.id.as_str()).collect();
    let told = if vendors.is_empty() { String::from("no vendor") } else { vendors.join(", ") };
    printer.line(&format!("{}: as of {as_of} for {told}", args.output.display()));
    Ok(Exit::Clean)
}

/// A database is there as a whole or as it was: a scanner may be reading it.
fn replace(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    std::io::Write::write_all(&mut file, text.as_bytes())?;
    let readable = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    file.as_file().set_permissions(readable)?;
    file.persist(path).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(())
}
