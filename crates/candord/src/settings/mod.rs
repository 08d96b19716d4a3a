//! What the daemon is told: `clamd.conf`, `candord.toml` and the command line, as one set of values that do
//! not change while it runs.

pub mod conf;
#[cfg(test)]
mod every_key;
pub mod fronts;
pub mod icap;
pub mod keys;
pub mod milter;
pub mod own;
pub mod tls;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context as _;
use candor_engine::{Heuristics, Options, PotentiallyUnwanted, Structured};
use candor_model::Limits;
use candor_sandbox::{Setup, Task};
use regex::bytes::RegexSet;

use conf::Conf;
use fronts::Fronts;
use own::Own;

/// Where ClamAV's databases are when nothing is said.
const DATABASES: &str = "/var/lib/clamav";

/// Bytes of memory that the engine may use besides the layers of a file.
const ENGINE: u64 = 512 << 20;

/// What `0` stands for where it means that there is no limit.
const ANY: u64 = 1 << 40;

/// All that the daemon is told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub sockets: Sockets,
    /// Where other protocols are spoken.
    pub fronts: Fronts,
    /// What to find.
    pub options: Options,
    /// Signatures: a path; `None` for the built-in ones.
    pub database: Option<PathBuf>,
    /// Where generations are kept; the one in force comes before the database.
    pub store: Option<PathBuf>,
    /// When a generation is taken back.
    pub watch: candor_update::pipeline::watch::Thresholds,
    /// Who may sign databases.
    pub signers: candor::store::Signers,
    /// Days after which the newest container is too old.
    pub oldest: Option<u64>,
    /// Where compiled databases are kept.
    pub cache: Option<PathBuf>,
    /// The longest that one file may take.
    pub max_time: Option<Duration>,
    /// Whether what is over a limit is told as found.
    pub alert_exceeds_max: bool,
    /// Threads that hand files to workers, each to its own.
    pub lanes: usize,
    /// Jobs that may wait.
    pub queue: usize,
    /// What sessions may do.
    pub sessions: Sessions,
    /// How paths are walked.
    pub walk: Walk,
    /// Where to say what happens.
    pub log: Log,
    /// Seconds between two looks at the databases.
    pub self_check: Option<Duration>,
    /// Verdicts that are remembered, of files and of streams each; 0 for none.
    pub verdicts: usize,
    /// What to run when something is found.
    pub event: Option<String>,
    /// Who to become.
    pub user: Option<String>,
    /// Where to write the number of the process.
    pub pid_file: Option<PathBuf>,
    /// What is to be said about keys that are not honoured.
    pub warnings: Vec<String>,
}

/// Where to listen.
#[derive(Clone, Debug)]
pub struct Sockets {
    /// Paths of Unix sockets.
    pub local: Vec<PathBuf>,
    /// Addresses.
    pub tcp: Vec<SocketAddr>,
    /// Permissions of the Unix sockets.
    pub mode: u32,
    /// Their group.
    pub group: Option<String>,
    /// Whether a socket that nobody listens on is replaced.
    pub fix_stale: bool,
    /// Connections that the kernel may keep waiting.
    pub backlog: i32,
    /// What is needed for TLS, where it is spoken.
    pub tls: Option<std::sync::Arc<tls::Certificates>>,
}

/// What sessions may do.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub struct Sessions {
    /// Bytes of a stream.
    pub stream_max: u64,
    /// Bytes of one stream in memory.
    pub stream_memory: u64,
    /// Bytes of all streams in memory.
    pub streams_memory: u64,
    /// Where longer ones go.
    pub temporary: PathBuf,
    /// Time between two pieces of a stream.
    pub read_timeout: Duration,
    /// Time until a command has come.
    pub command_timeout: Duration,
    /// Time that a client may leave what is sent to it lying.
    pub send_timeout: Duration,
    /// Sessions at the same time.
    pub most: usize,
    /// Commands that are obeyed.
    pub shutdown: bool,
    /// As above.
    pub reload: bool,
    /// As above.
    pub self_check: bool,
    /// As above.
    pub version: bool,
    /// As above.
    pub stats: bool,
    /// As above.
    pub all_match: bool,
    /// Whether those that change something are obeyed over TCP.
    pub tcp_control: bool,
}

/// How paths are walked.
#[derive(Clone, Debug)]
pub struct Walk {
    /// What is left out.
    pub exclude: RegexSet,
    /// Folders inside one another; 0 for any number.
    pub depth: usize,
    /// Whether links to folders are followed.
    pub follow_directories: bool,
    /// Whether links to files are followed.
    pub follow_files: bool,
    /// Whether other file systems are entered.
    pub cross: bool,
}

/// Where to say what happens.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a key of its own")]
pub struct Log {
    /// A file.
    pub file: Option<PathBuf>,
    /// Bytes of it; 0 for any number.
    pub max_size: u64,
    /// Whether a full one is put aside; else nothing is added to it.
    pub rotate: bool,
    /// Whether lines have a time.
    pub time: bool,
    /// Whether clean files are told.
    pub clean: bool,
    /// Whether more is told.
    pub verbose: bool,
    /// The facility of syslog to tell it to.
    pub syslog: Option<u8>,
    /// Where syslog listens.
    pub syslog_path: PathBuf,
    /// Where journald listens, to be told by its own protocol.
    pub journal: Option<PathBuf>,
    /// Whether standard error is told.
    pub terminal: bool,
    /// Where answers go as JSON.
    pub json: Option<PathBuf>,
}

impl Settings {
    /// What both files come to.
    ///
    /// # Errors
    /// They contradict themselves.
    pub fn new(conf: &Conf, own: &Own) -> anyhow::Result<Self> {
        let mut warnings = conf.warnings.clone();
        let seconds =
            |name: &str, otherwise: u64| Duration::from_secs(conf.number(name).unwrap_or(otherwise));
        let max_time = match conf.number("MaxScanTime") {
            Some(0) => None,
            given => Some(Duration::from_millis(given.unwrap_or(120_000))),
        };
        let lanes =
            usize::try_from(conf.number("MaxThreads").unwrap_or(10)).unwrap_or(usize::MAX).clamp(1, 256);
        let queue = usize::try_from(conf.number("MaxQueue").unwrap_or(100)).unwrap_or(usize::MAX);
        let verdicts =
            if conf.flag("DisableCache", false) { 0 } else { conf.number("CacheSize").unwrap_or(65_536) };
        if conf.text("TCPAddr").is_some() && conf.number("TCPSocket").is_none() {
            warnings.push(String::from("TCPAddr has no effect without TCPSocket"));
        }
        Ok(Self {
            sockets: sockets(conf, own)?,
            fronts: Fronts::new(
                own,
                any(conf.number("StreamMaxLength").unwrap_or(100 << 20)),
                &mut warnings,
            )?,
            options: options(conf)?,
            database: own.database.clone().or_else(|| {
                let folder = conf.path("DatabaseDirectory");
                folder.or_else(|| Some(PathBuf::from(DATABASES)).filter(|usual| usual.is_dir()))
            }),
            store: store(conf, own),
            watch: candor::update::place::settings(own.update.as_deref())?.0.thresholds(),
            signers: candor::store::Signers {
                certificates: conf.text("CVDCertsDirectory").map(PathBuf::from),
                refuse_md5: conf.flag("FIPSCryptoHashLimits", false),
                official_only: conf.flag("OfficialDatabaseOnly", false),
            },
            oldest: conf.number("FailIfCvdOlderThan"),
            // Where systemd has made room for that.
            cache: own.cache.clone().or_else(|| std::env::var_os("CACHE_DIRECTORY").map(PathBuf::from)),
            max_time,
            alert_exceeds_max: conf.flag("AlertExceedsMax", false),
            lanes,
            queue: queue.clamp(1, 1 << 20),
            sessions: Sessions {
                stream_max: any(conf.number("StreamMaxLength").unwrap_or(100 << 20)),
                stream_memory: own.stream_memory,
                streams_memory: own.streams_memory,
                temporary: conf.path("TemporaryDirectory").unwrap_or_else(std::env::temp_dir),
                read_timeout: seconds("ReadTimeout", 120),
                command_timeout: seconds("CommandReadTimeout", 30),
                send_timeout: Duration::from_millis(conf.number("SendBufTimeout").unwrap_or(500)),
                most: own.max_sessions,
                shutdown: conf.flag("EnableShutdownCommand", true),
                reload: conf.flag("EnableReloadCommand", true),
                self_check: conf.flag("EnableSelfCheckCommand", true),
                version: conf.flag("EnableVersionCommand", true),
                stats: conf.flag("EnableStatsCommand", true),
                all_match: conf.flag("AllowAllMatchScan", true),
                tcp_control: own.tcp_control,
            },
            walk: Walk {
                exclude: RegexSet::new(conf.texts("ExcludePath")).context("ExcludePath")?,
                depth: usize::try_from(conf.number("MaxDirectoryRecursion").unwrap_or(15))
                    .unwrap_or(usize::MAX),
                follow_directories: conf.flag("FollowDirectorySymlinks", false),
                follow_files: conf.flag("FollowFileSymlinks", false),
                cross: conf.flag("CrossFilesystems", true),
            },
            log: Log {
                file: conf.path("LogFile"),
                max_size: conf.number("LogFileMaxSize").unwrap_or(1 << 20),
                rotate: conf.flag("LogRotate", false),
                time: conf.flag("LogTime", false),
                clean: conf.flag("LogClean", false),
                verbose: conf.flag("LogVerbose", false),
                syslog: if conf.flag("LogSyslog", false) {
                    Some(facility(conf.text("LogFacility"))?)
                } else {
                    None
                },
                syslog_path: own.syslog.clone(),
                journal: own.journal.clone(),
                terminal: true,
                json: own.json_log.clone(),
            },
            self_check: Some(seconds("SelfCheck", 600)).filter(|time| !time.is_zero()),
            verdicts: usize::try_from(verdicts).unwrap_or(usize::MAX).min(1 << 24),
            event: conf.text("VirusEvent").map(str::to_owned),
            user: conf.text("User").map(str::to_owned),
            pid_file: conf.path("PidFile"),
            warnings,
        })
    }

    /// How workers are made that keep the limits.
    #[must_use]
    pub fn setup(&self) -> Setup {
        let limits = &self.options.limits;
        let memory = limits.max_memory.saturating_mul(3).saturating_add(ENGINE);
        Setup { memory, mapped: limits.max_file_size, max_time: self.max_time, ..Setup::new(Task::Scan) }
    }
}

const fn any(limit: u64) -> u64 {
    if limit == 0 { ANY } else { limit }
}

fn sockets(conf: &Conf, own: &Own) -> anyhow::Result<Sockets> {
    let mut tcp = Vec::new();
    if let Some(port) = conf.number("TCPSocket").filter(|port| *port > 0) {
        let port = u16::try_from(port).context("TCPSocket: no port")?;
        let given = conf.texts("TCPAddr");
        let all = [String::from("0.0.0.0"), String::from("::")];
        for name in if given.is_empty() { &all[..] } else { given } {
            tcp.extend(resolve((name.as_str(), port)).with_context(|| format!("TCPAddr {name}"))?);
        }
    }
    for address in &own.addresses {
        tcp.extend(resolve(address.as_str()).with_context(|| format!("addresses: {address}"))?);
    }
    let mut local: Vec<PathBuf> = conf.texts("LocalSocket").iter().map(PathBuf::from).collect();
    local.extend(own.sockets.iter().cloned());
    let mode = match conf.text("LocalSocketMode") {
        Some(mode) => u32::from_str_radix(mode, 8)
            .ok()
            .filter(|mode| *mode <= 0o777)
            .with_context(|| format!("LocalSocketMode {mode}: no permissions such as 660"))?,
        None => 0o666,
    };
    let backlog = i32::try_from(conf.number("MaxConnectionQueueLength").unwrap_or(200)).unwrap_or(i32::MAX);
    Ok(Sockets {
        local,
        tcp,
        mode,
        group: conf.text("LocalSocketGroup").map(str::to_owned),
        fix_stale: conf.flag("FixStaleSocket", true),
        backlog: backlog.max(1),
        tls: None,
    })
}

fn resolve(name: impl std::net::ToSocketAddrs) -> std::io::Result<Vec<SocketAddr>> {
    Ok(name.to_socket_addrs()?.collect())
}

fn options(conf: &Conf) -> anyhow::Result<Options> {
    let usual = Limits::default();
    let size = |name: &str, usual: u64| conf.number(name).map_or(usual, any);
    let number = |name: &str, usual: u32| {
        conf.number(name).map_or(usual, |given| {
            if given == 0 { u32::MAX } else { u32::try_from(given).unwrap_or(u32::MAX) }
        })
    };
    let limits = Limits {
        max_file_size: size("MaxFileSize", usual.max_file_size),
        max_scan_size: size("MaxScanSize", usual.max_scan_size),
        max_depth: number("MaxRecursion", usual.max_depth),
        max_children: number("MaxFiles", usual.max_children),
        max_normalise: size("MaxHTMLNormalize", usual.max_normalise),
        max_regex_size: size("PCREMaxFileSize", usual.max_regex_size),
        ..usual
    };
    let flag = |name: &str| conf.flag(name, false);
    let count = |name: &str| conf.number(name).map_or(3, |given| u32::try_from(given).unwrap_or(u32::MAX));
    let heuristics = Heuristics {
        enabled: conf.flag("HeuristicAlerts", true),
        broken_executables: flag("AlertBrokenExecutables"),
        broken_media: flag("AlertBrokenMedia"),
        encrypted_archives: flag("AlertEncrypted") || flag("AlertEncryptedArchive"),
        encrypted_documents: flag("AlertEncrypted") || flag("AlertEncryptedDoc"),
        exceeded_limits: flag("AlertExceedsMax"),
        macros: flag("AlertOLE2Macros"),
        partition_intersections: flag("AlertPartitionIntersection"),
        phishing_addresses: conf.flag("PhishingScanURLs", true),
        phishing_cloaks: flag("AlertPhishingCloak"),
        phishing_ssl: flag("AlertPhishingSSLMismatch"),
        structured: flag("StructuredDataDetection").then(|| Structured {
            cards: count("StructuredMinCreditCardCount"),
            security_numbers: (!flag("StructuredCCOnly")).then(|| count("StructuredMinSSNCount")),
            hyphens: conf.flag("StructuredSSNFormatNormal", true),
            plain: flag("StructuredSSNFormatStripped"),
        }),
    };
    let (include, exclude) = (conf.texts("IncludePUA").to_vec(), conf.texts("ExcludePUA").to_vec());
    let potentially_unwanted = match (flag("DetectPUA"), include.is_empty(), exclude.is_empty()) {
        (false, ..) => PotentiallyUnwanted::Off,
        (true, false, false) => anyhow::bail!("IncludePUA and ExcludePUA contradict one another"),
        (true, false, true) => PotentiallyUnwanted::Only(include),
        (true, true, _) => PotentiallyUnwanted::Except(exclude),
    };
    // The first finding is what a client is told, all of them if it asks so; the log has all.
    Ok(Options {
        limits,
        all_matches: true,
        potentially_unwanted,
        heuristics,
        ignore_certificates: conf.flag("DisableCertCheck", false),
        passwords: Vec::new(),
        layer_sums: false,
    })
}

/// Where generations are looked for: nowhere, when signatures were named that are to be used instead.
fn store(conf: &Conf, own: &Own) -> Option<PathBuf> {
    let named = own.database.is_some() || conf.path("DatabaseDirectory").is_some();
    own.state_dir
        .clone()
        .filter(|_| own.database.is_none())
        .or_else(|| Some(candor::update::place::root(None)).filter(|_| !named))
}

/// The number of a facility of syslog.
fn facility(name: Option<&str>) -> anyhow::Result<u8> {
    const NAMES: [&str; 12] = [
        "KERN", "USER", "MAIL", "DAEMON", "AUTH", "SYSLOG", "LPR", "NEWS", "UUCP", "CRON", "AUTHPRIV", "FTP",
    ];
    let name = name.unwrap_or("LOG_LOCAL6");
    let short = name.strip_prefix("LOG_").unwrap_or(name);
    let number = match short.strip_prefix("LOCAL").and_then(|number| number.parse::<u8>().ok()) {
        Some(number) if number < 8 => Some(16 + number),
        _ => NAMES.iter().position(|known| *known == short).and_then(|place| u8::try_from(place).ok()),
    };
    number.with_context(|| format!("LogFacility {name}: unknown"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str) -> anyhow::Result<Settings> {
        Settings::new(&Conf::parse(text, "x")?, &Own::default())
    }

    #[test]
    fn zero_means_no_limit_where_it_does_for_clamd() {
        let settings = settings("MaxFileSize 0\nMaxScanTime 0\nMaxFiles 0\nStreamMaxLength 0\n").unwrap();
        assert_eq!(settings.options.limits.max_file_size, ANY);
        assert_eq!(settings.options.limits.max_children, u32::MAX);
        assert_eq!(settings.max_time, None);
        assert_eq!(settings.sessions.stream_max, ANY);
    }

    #[test]
    fn addresses_permissions_and_facilities_are_read() {
        let settings = settings(
            "TCPSocket 3310\nTCPAddr 127.0.0.1\nTCPAddr ::1\nLocalSocketMode 660\nLogSyslog yes\nLogFacility LOG_MAIL\n",
        )
        .unwrap();
        let addresses: Vec<String> = settings.sockets.tcp.iter().map(ToString::to_string).collect();
        assert_eq!(addresses, ["127.0.0.1:3310", "[::1]:3310"]);
        assert_eq!((settings.sockets.mode, settings.log.syslog), (0o660, Some(2)));
    }

    #[test]
    fn contradictions_are_errors() {
        for text in [
            "DetectPUA yes\nIncludePUA A\nExcludePUA B\n",
            "LocalSocketMode 999\n",
            "LogSyslog yes\nLogFacility LOG_NOWHERE\n",
            "ExcludePath (\n",
            "TCPSocket 70000\n",
        ] {
            assert!(settings(text).is_err(), "{text}");
        }
    }
}
