//! `candord.toml`: what `clamd.conf` has no word for.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use super::{icap, tls};

/// What stands in the file. All of it may be left out.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Own {
    /// More Unix sockets to listen on.
    pub sockets: Vec<PathBuf>,
    /// More addresses to listen on, such as `127.0.0.1:3310`.
    pub addresses: Vec<String>,
    /// Whether SHUTDOWN and RELOAD are obeyed that come over TCP.
    pub tcp_control: bool,
    /// Signatures, in place of `DatabaseDirectory`: an image, a database, or a folder of databases.
    pub database: Option<PathBuf>,
    /// Where generations are kept (`candor update`); the one in force is used, also in place of `DatabaseDirectory`.
    pub state_dir: Option<PathBuf>,
    /// What is said about watching generations: an `update.toml` in place of the usual one.
    pub update: Option<PathBuf>,
    /// Where compiled databases are kept.
    pub cache: Option<PathBuf>,
    /// Every answer as a line of JSON: a path, or `-` for standard error.
    pub json_log: Option<PathBuf>,
    /// Where syslog listens, for `LogSyslog`.
    pub syslog: PathBuf,
    /// Where journald listens, usually `/run/systemd/journal/socket`, to be told by its own protocol.
    pub journal: Option<PathBuf>,
    /// Bytes of one stream that are kept in memory; what is longer goes to a file without a name.
    pub stream_memory: u64,
    /// Bytes of all streams together that are kept in memory.
    pub streams_memory: u64,
    /// Where metrics and health are told: addresses, or paths of Unix sockets.
    pub metrics: Vec<String>,
    /// A `clamav-milter.conf`: where mail servers come to, and what is done about mail.
    pub milter: Option<PathBuf>,
    /// What is told of ICAP.
    pub icap: icap::Table,
    /// What is told of TLS.
    pub tls: tls::Table,
    /// Sessions that may be open at the same time.
    pub max_sessions: usize,
}

impl Default for Own {
    fn default() -> Self {
        Self {
            sockets: Vec::new(),
            addresses: Vec::new(),
            tcp_control: false,
            database: None,
            state_dir: None,
            update: None,
            cache: None,
            json_log: None,
            syslog: PathBuf::from("/dev/log"),
            journal: None,
            stream_memory: 1 << 20,
            streams_memory: 256 << 20,
            metrics: Vec::new(),
            tls: tls::Table::default(),
            icap: icap::Table::default(),
            milter: None,
            max_sessions: 16_384,
        }
    }
}

impl Own {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read, or says what is not known.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
        toml::from_str(&text).with_context(|| path.display().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_as_usual_and_what_is_not_known_is_an_error() {
        let own: Own = toml::from_str("tcp-control = true\nsockets = ['/run/x']").unwrap();
        assert!(own.tcp_control);
        assert_eq!(own.max_sessions, Own::default().max_sessions);
        assert!(toml::from_str::<Own>("tcp-controll = true").is_err());
    }
}
