//! Real clients of ClamAV's daemon against ours, unchanged, as their packages have them. Each is asked for everything
//! that it can do, and every answer must be exactly the one that is expected.
//!
//! * [`place`]: the daemon, and files for it. [`packages`]: where clients come from.
//! * [`debian`]: ClamAV's own clients. [`libraries`]: those of programming languages. [`servers`]: mail, files, proxies.
//! * [`suite`]: the tests that one of them has of itself.
//!
//! A client whose package is not there is told, and counts as a failure only where it is asked for by name or with
//! `--all`. Nothing is installed but below the folder of clients.

mod debian;
mod libraries;
mod packages;
mod place;
mod servers;
mod suite;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::ensure;

use packages::Packages;
use place::{Place, printed};

#[derive(clap::Args, Debug, Default)]
pub(crate) struct Arguments {
    /// Only clients whose names hold one of these words.
    names: Vec<String>,
    /// Fetch packages that are not there: apt, PyPI, npm, and a Debian of its own for servers.
    #[arg(long)]
    install: bool,
    /// Fail when a client is not there.
    #[arg(long)]
    all: bool,
    /// Where packages go [default: `clients` in the folder of what is built].
    #[arg(long)]
    folder: Option<PathBuf>,
    /// A `candord` that is built already.
    #[arg(long)]
    daemon: Option<PathBuf>,
    /// A `candor-clamav` that is built already.
    #[arg(long)]
    commands: Option<PathBuf>,
}

impl Arguments {
    /// The quick ones, with programs that are there.
    pub(crate) fn with(daemon: Option<PathBuf>, commands: Option<PathBuf>) -> Self {
        Self { daemon, commands, ..Self::default() }
    }
}

/// A client.
struct Client {
    /// Its name.
    name: &'static str,
    /// Where it comes from.
    from: &'static str,
    /// Whether it is quick to get, and a part of CI where it is there.
    quick: bool,
    /// Uses it; says what was tried. `None` when it is not there.
    run: fn(&Place, &Packages) -> anyhow::Result<Option<String>>,
}

const CLIENTS: &[Client] = &[
    Client { name: "clamdscan", from: "Debian", quick: true, run: debian::clamdscan },
    Client { name: "clamdtop", from: "Debian", quick: true, run: debian::clamdtop },
    Client { name: "clamav-milter", from: "Debian", quick: false, run: debian::milter },
    Client { name: "ClamAV::Client", from: "Debian", quick: true, run: libraries::perl },
    Client { name: "python3-pyclamd", from: "Debian", quick: true, run: libraries::debian_pyclamd },
    Client { name: "clamd", from: "PyPI", quick: true, run: libraries::clamd },
    Client { name: "clamav-client", from: "PyPI", quick: true, run: libraries::clamav_client },
    Client { name: "aioclamd", from: "PyPI", quick: true, run: libraries::aioclamd },
    Client { name: "pyClamd", from: "PyPI", quick: true, run: libraries::pyclamd },
    Client { name: "clamscan", from: "npm", quick: true, run: libraries::node_clamscan },
    Client { name: "clamscan's own tests", from: "npm", quick: true, run: suite::run },
    Client { name: "pompelmi", from: "npm", quick: true, run: libraries::pompelmi },
    Client { name: "clamdjs", from: "npm", quick: true, run: libraries::clamdjs },
    Client { name: "Exim", from: "Debian", quick: false, run: servers::exim },
    Client { name: "Postfix", from: "Debian", quick: false, run: servers::postfix },
    Client { name: "rspamd", from: "Debian", quick: false, run: servers::rspamd },
    Client { name: "ProFTPD", from: "Debian", quick: false, run: servers::proftpd },
    Client { name: "Samba", from: "Debian", quick: false, run: servers::samba },
    Client { name: "c-icap-client", from: "Debian", quick: false, run: servers::c_icap },
    Client { name: "Squid", from: "Debian", quick: false, run: servers::squid },
    Client { name: "a mail server, our milter", from: "Candor", quick: true, run: debian::our_milter },
    Client { name: "our clamdscan, ClamAV's daemon", from: "Candor", quick: true, run: debian::ours },
];

/// Runs the clients, and prints a row for each.
///
/// # Errors
/// The daemon does not start, or a client is told something else than it should be.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let place = Place::new(arguments.daemon.as_deref(), arguments.commands.as_deref())?;
    let folder = match &arguments.folder {
        Some(folder) => folder.clone(),
        None => crate::target()?.join("clients"),
    };
    let packages = Packages { folder, install: arguments.install };
    let mut failed = 0;
    for client in CLIENTS {
        let label = format!("{} ({})", client.name, client.from);
        let is_named = arguments.names.iter().any(|name| label.to_lowercase().contains(&name.to_lowercase()));
        if !arguments.names.is_empty() && !is_named
            || arguments.names.is_empty() && !arguments.all && !client.quick
        {
            continue;
        }
        let began = Instant::now();
        drop(printed());
        let outcome = (client.run)(&place, &packages);
        let seconds = began.elapsed().as_secs_f64();
        match outcome {
            Ok(Some(tried)) => println!("{label:42} ok     {seconds:6.1} s  {tried}"),
            Ok(None) => {
                println!("{label:42} absent           --install fetches it");
                failed += usize::from(is_named || arguments.all);
            }
            Err(error) => {
                println!("{label:42} FAILED {seconds:6.1} s  {error:#}\n{}{}", printed(), place.log());
                failed += 1;
            }
        }
    }
    place.is_alive()?;
    ensure!(failed == 0, "{failed} clients failed");
    Ok(())
}
