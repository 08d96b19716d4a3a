//! What a run of freshclam is to do: the configuration, understood.

use std::net::SocketAddr;
use std::path::PathBuf;

use candor_update::clamav::Mirror;
use candor_update::source::fetch::{Proxy, Times};

use super::conf::Configuration;
use super::execute::Action;
use crate::options::Given;

/// Databases that there always are, in the order in which they are updated.
const STANDARD: [&str; 3] = ["daily", "main", "bytecode"];
/// Databases that there are when one asks for them.
const OPTIONAL: [&str; 2] = ["safebrowsing", "test"];
/// The name of the record.
const RECORD: &str = "current.cvd.clamav.net";

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) folder: PathBuf,
    pub(crate) databases: Vec<String>,
    pub(crate) mirrors: Vec<Mirror>,
    pub(crate) custom: Vec<String>,
    /// The name of the record; `None` when it is not asked for.
    pub(crate) record: Option<String>,
    pub(crate) name_servers: Vec<SocketAddr>,
    pub(crate) attempts: u32,
    pub(crate) scripted: bool,
    pub(crate) compress: bool,
    pub(crate) tests: bool,
    pub(crate) times: Times,
    pub(crate) proxy: Option<Proxy>,
    pub(crate) agent: String,
    /// File of certificates in place of the system's.
    pub(crate) authorities: Option<String>,
    pub(crate) notify: Option<PathBuf>,
    pub(crate) on_update: Option<Action>,
    pub(crate) on_error: Option<Action>,
    /// Seconds between two tries; freshclam's own when `None`.
    pub(crate) pause: Option<u64>,
    /// What there is to be said first.
    pub(crate) warnings: Vec<String>,
}

/// What is wrong with a configuration: the lines to say, and the exit status.
pub(crate) type Wrong = (Vec<String>, u8);

impl Settings {
    /// Understands a configuration.
    pub(crate) fn of(read: &Configuration, given: &Given) -> Result<Self, Wrong> {
        let mut warnings = Vec::new();
        let mirrors = mirrors(read);
        if mirrors.is_empty() {
            let lines = [
                "No DatabaseMirror or PrivateMirror servers set in freshclam config file.",
                "Unable to find DatabaseMirror or PrivateMirror option(s) that specify database server FQDNs.",
            ];
            return Err((lines.map(String::from).to_vec(), 9));
        }
        let private = mirrors.iter().any(|mirror| mirror.private);
        let databases = databases(read, given, &mut warnings)?;
        let record = read.text("dns-database-info").unwrap_or(RECORD);
        let asks = !private && !given.is_on("no-dns") && !record.eq_ignore_ascii_case("no");
        let action = |option: &str| match read.text(option).map(Action::parse) {
            None => Ok(None),
            Some(Ok(action)) => Ok(Some(action)),
            Some(Err(reason)) => Err((vec![format!("--{option}: {reason}")], 2)),
        };
        let mut agent = format!("Candor/{} (antivirus updater)", env!("CARGO_PKG_VERSION"));
        if let Some(wished) = read.text("http-user-agent") {
            if private {
                wished.clone_into(&mut agent);
            } else {
                warnings.push(String::from(
                    "HTTPUserAgent is for private mirrors alone: others are told who asks",
                ));
            }
        }
        let mut times = Times::default();
        if let Some(seconds) = read.number("connect-timeout").filter(|seconds| *seconds > 0) {
            times.connect = seconds.into();
        }
        // Without a limit a server could keep the updater for ever; 0 is the usual one here.
        if let Some(seconds) = read.number("receive-timeout").filter(|seconds| *seconds > 0) {
            times.stall = seconds.into();
        }
        let notify = read
            .text("daemon-notify")
            .map(|path| PathBuf::from(if path.is_empty() { "/etc/clamav/clamd.conf" } else { path }));
        Ok(Self {
            folder: PathBuf::from(read.text("datadir").unwrap_or("/var/lib/clamav")),
            databases,
            mirrors,
            custom: read.all("database-custom-url").to_vec(),
            record: asks.then(|| record.to_owned()),
            name_servers: name_servers(given)?,
            attempts: read.number("max-attempts").unwrap_or(3).clamp(1, 100),
            scripted: read.is_on("scripted-updates", true),
            compress: read.is_on("compress-local-database", false),
            tests: read.is_on("test-databases", true),
            times,
            proxy: proxy(read)?,
            agent,
            authorities: std::env::var("CURL_CA_BUNDLE").ok(),
            notify,
            on_update: action("on-update-execute")?,
            on_error: action("on-error-execute")?,
            pause: given.number("candor-pause").map(u64::from),
            warnings,
        })
    }

    /// Whether official servers are asked: those that say when they want to be left alone.
    pub(crate) fn asks_official(&self) -> bool {
        !self.databases.is_empty() && self.mirrors.iter().any(|mirror| !mirror.private)
    }
}

fn mirrors(read: &Configuration) -> Vec<Mirror> {
    let private = read.all("private-mirror");
    let (names, is_private) =
        if private.is_empty() { (read.all("database-mirror"), false) } else { (private, true) };
    names
        .iter()
        .map(|name| {
            let url = if name.contains("://") { name.clone() } else { format!("https://{name}") };
            Mirror { url: url.trim_end_matches('/').to_owned(), private: is_private }
        })
        .collect()
}

fn databases(read: &Configuration, given: &Given, warnings: &mut Vec<String>) -> Result<Vec<String>, Wrong> {
    let mut databases: Vec<String> = STANDARD.iter().map(|name| (*name).to_owned()).collect();
    if !read.is_on("bytecode", true) {
        databases.retain(|name| name != "bytecode");
    }
    for name in read.all("extra-database") {
        if OPTIONAL.contains(&name.as_str()) {
            databases.push(name.clone());
        } else if !STANDARD.contains(&name.as_str()) {
            warnings.push(format!("Desired optional database \"{name}\" is not available."));
        }
    }
    databases.retain(|name| !read.all("exclude-database").contains(name));
    let only: Vec<String> = given.all("update-db").map(|name| name.to_string_lossy().into_owned()).collect();
    if only.is_empty() {
        return Ok(databases);
    }
    if let Some(unknown) = only.iter().find(|name| !databases.contains(name)) {
        let lines = [
            format!("Requested database is not available: {unknown}."),
            String::from("Failed to select specific databases from available official databases."),
        ];
        return Err((lines.to_vec(), 9));
    }
    databases.retain(|name| only.contains(name));
    Ok(databases)
}

fn name_servers(given: &Given) -> Result<Vec<SocketAddr>, Wrong> {
    given
        .all("candor-name-server")
        .map(|text| {
            let text = text.to_string_lossy();
            text.parse()
                .or_else(|_| text.parse().map(|address| SocketAddr::new(address, 53)))
                .map_err(|_| (vec![format!("--candor-name-server: {text} is no address of a server")], 2))
        })
        .collect()
}

fn proxy(read: &Configuration) -> Result<Option<Proxy>, Wrong> {
    let Some(server) = read.text("http-proxy-server") else { return Ok(None) };
    let refuse = |why: &str| Err((vec![format!("HTTPProxyServer {server}: {why}")], 2));
    let (scheme, host) = server.split_once("://").unwrap_or(("http", server));
    if !matches!(scheme, "http" | "https") {
        return refuse("only proxies of HTTP are known");
    }
    let host = host.trim_end_matches('/');
    let mut url = format!("{scheme}://{host}");
    if let Some(port) = read.number("http-proxy-port") {
        if !(1..=65_535).contains(&port) {
            return refuse("HTTPProxyPort is no port");
        }
        url = format!("{url}:{port}");
    }
    Ok(Some(Proxy {
        url,
        user: read.text("http-proxy-username").map(str::to_owned),
        password: read.text("http-proxy-password").map(str::to_owned),
    }))
}
