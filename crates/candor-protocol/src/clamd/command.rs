//! Commands: their names, which take an argument, and which may be used where.

use super::Framing;

/// What a client asks for. A path is bytes: file systems know no encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// `SCAN`: a path, until the first finding.
    Scan(Vec<u8>),
    /// `CONTSCAN`: a path, all of it.
    ContinuousScan(Vec<u8>),
    /// `MULTISCAN`: a path, all of it, by several threads.
    MultiScan(Vec<u8>),
    /// `ALLMATCHSCAN`: a path, with all that is found in each file.
    AllMatchScan(Vec<u8>),
    /// `INSTREAM`: bytes that follow in chunks.
    Stream,
    /// `FILDES`: a descriptor that follows.
    Descriptor,
    /// `PING`.
    Ping,
    /// `VERSION`.
    Version,
    /// `VERSIONCOMMANDS`.
    VersionCommands,
    /// `STATS`.
    Stats,
    /// `RELOAD`.
    Reload,
    /// `SELFCHECK`: reload if something changed; newer than 1.4.
    SelfCheck,
    /// `SHUTDOWN`, and `QUIT`, its older name.
    Shutdown,
    /// `IDSESSION`.
    BeginSession,
    /// `END` of a session.
    EndSession,
    /// `DETSTATS`.
    DetectionStats,
    /// `DETSTATSCLEAR`.
    ClearDetectionStats,
}

/// Names as `VERSIONCOMMANDS` lists them: clients look for what they need among them.
pub const NAMES: [&str; 18] = [
    "SCAN",
    "QUIT",
    "RELOAD",
    "PING",
    "CONTSCAN",
    "VERSIONCOMMANDS",
    "VERSION",
    "END",
    "SHUTDOWN",
    "MULTISCAN",
    "FILDES",
    "STATS",
    "IDSESSION",
    "INSTREAM",
    "DETSTATSCLEAR",
    "DETSTATS",
    "ALLMATCHSCAN",
    "SELFCHECK",
];

impl Command {
    /// The command that is written so. An argument is everything behind the name and one more byte, whatever
    /// that is, as clamd takes it. `None` for no command, one without its argument, or one with too much.
    #[must_use]
    pub fn parse(words: &[u8]) -> Option<Self> {
        type WithPath = fn(Vec<u8>) -> Command;
        let with_path: [(&str, WithPath); 4] = [
            ("SCAN", Self::Scan),
            ("CONTSCAN", Self::ContinuousScan),
            ("MULTISCAN", Self::MultiScan),
            ("ALLMATCHSCAN", Self::AllMatchScan),
        ];
        for (name, command) in with_path {
            if let Some(rest) = words.strip_prefix(name.as_bytes()) {
                return rest.split_first().map(|(_, path)| command(path.to_vec()));
            }
        }
        Some(match words {
            b"INSTREAM" => Self::Stream,
            b"FILDES" => Self::Descriptor,
            b"PING" => Self::Ping,
            b"VERSION" => Self::Version,
            b"VERSIONCOMMANDS" => Self::VersionCommands,
            b"STATS" => Self::Stats,
            b"RELOAD" => Self::Reload,
            b"SELFCHECK" => Self::SelfCheck,
            b"SHUTDOWN" | b"QUIT" => Self::Shutdown,
            b"IDSESSION" => Self::BeginSession,
            b"END" => Self::EndSession,
            b"DETSTATS" => Self::DetectionStats,
            b"DETSTATSCLEAR" => Self::ClearDetectionStats,
            _ => return None,
        })
    }

    /// Its name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Scan(_) => "SCAN",
            Self::ContinuousScan(_) => "CONTSCAN",
            Self::MultiScan(_) => "MULTISCAN",
            Self::AllMatchScan(_) => "ALLMATCHSCAN",
            Self::Stream => "INSTREAM",
            Self::Descriptor => "FILDES",
            Self::Ping => "PING",
            Self::Version => "VERSION",
            Self::VersionCommands => "VERSIONCOMMANDS",
            Self::Stats => "STATS",
            Self::Reload => "RELOAD",
            Self::SelfCheck => "SELFCHECK",
            Self::Shutdown => "SHUTDOWN",
            Self::BeginSession => "IDSESSION",
            Self::EndSession => "END",
            Self::DetectionStats => "DETSTATS",
            Self::ClearDetectionStats => "DETSTATSCLEAR",
        }
    }

    /// Its argument.
    #[must_use]
    pub fn path(&self) -> Option<&[u8]> {
        match self {
            Self::Scan(path)
            | Self::ContinuousScan(path)
            | Self::MultiScan(path)
            | Self::AllMatchScan(path) => Some(path),
            _ => None,
        }
    }

    /// Whether it may be sent without a frame.
    #[must_use]
    pub const fn may_be_bare(&self) -> bool {
        !matches!(
            self,
            Self::VersionCommands
                | Self::EndSession
                | Self::Stats
                | Self::BeginSession
                | Self::Stream
                | Self::AllMatchScan(_)
        )
    }

    /// Whether it may be sent inside a session.
    #[must_use]
    pub const fn may_be_in_session(&self) -> bool {
        matches!(
            self,
            Self::Scan(_)
                | Self::Descriptor
                | Self::Stream
                | Self::Version
                | Self::Ping
                | Self::Stats
                | Self::VersionCommands
                | Self::EndSession
        )
    }

    /// Whether it changes what the daemon does for others.
    #[must_use]
    pub const fn changes_state(&self) -> bool {
        matches!(self, Self::Shutdown | Self::Reload | Self::SelfCheck | Self::ClearDetectionStats)
    }

    /// Appends the command as a client sends it.
    ///
    /// With [`Framing::Newline`] and [`Framing::Packet`] a path ends at its first newline, so clients
    /// that send paths use [`Framing::Nul`].
    pub fn write(&self, framing: Framing, out: &mut Vec<u8>) {
        match framing {
            Framing::Nul => out.push(b'z'),
            Framing::Newline => out.push(b'n'),
            Framing::Packet => (),
        }
        out.extend_from_slice(self.name().as_bytes());
        if let Some(path) = self.path() {
            out.push(b' ');
            out.extend_from_slice(path);
        }
        out.push(framing.end());
    }
}
