//! `clamav-milter.conf`: what is done about mail. Each key is honoured, or the log says that it is not and why.

use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use regex::bytes::{RegexSet, RegexSetBuilder};

use super::conf::Conf;
use super::keys::{Fate, Key, Kind};
use super::{Sockets, resolve};

/// All that is told of mail.
#[derive(Clone, Debug)]
pub struct Milter {
    /// Where mail servers come to.
    pub sockets: Sockets,
    /// What becomes of clean mail.
    pub clean: Action,
    /// What becomes of infected mail.
    pub infected: Action,
    /// What becomes of mail that could not be scanned.
    pub fail: Action,
    /// What is said of mail that is refused as infected; `%v` stands for what was found.
    pub reject: Option<String>,
    /// Which headers say that mail was scanned.
    pub headers: Headers,
    /// What this machine is called in them.
    pub hostname: String,
    /// A program that is told of infected mail.
    pub program: Option<String>,
    /// Mail from there is not scanned.
    pub networks: Vec<Network>,
    /// Nor that of this machine that did not come over a network.
    pub skips_local: bool,
    /// Mail of these senders is not scanned.
    pub senders: RegexSet,
    /// Nor that for these recipients alone.
    pub recipients: RegexSet,
    /// Nor that of users who said who they are.
    pub authenticated: Authenticated,
    /// What is logged of infected mail.
    pub log_infected: Detail,
    /// What is logged of other mail.
    pub log_clean: Detail,
    /// Whether each recipient is told of by himself.
    pub each_recipient: bool,
    /// Bytes of a message that are scanned.
    pub most: u64,
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// It is delivered.
    Accept,
    /// It is taken and goes nowhere.
    Blackhole,
    /// It is refused for the moment.
    Defer,
    /// It is kept back.
    Quarantine,
    /// It is refused.
    Reject,
}

/// Which headers a message gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Headers {
    /// None.
    No,
    /// Those that say so, in place of others of these names.
    Replace,
    /// The same, on top of others.
    Add,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    Off,
    /// From whom and to whom.
    Basic,
    /// And which message it is.
    Full,
}

/// Users whose mail is not scanned.
#[derive(Clone, Debug)]
pub enum Authenticated {
    /// None.
    None,
    /// Those whose names match.
    Matching(RegexSet),
    /// These.
    Named(Vec<String>),
}

/// Addresses whose first bits are these.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network(IpAddr, u32);

impl Network {
    /// Whether an address belongs to it.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        match (self.0, address) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                let rest = 32_u32.saturating_sub(self.1);
                (own.to_bits() ^ other.to_bits()).checked_shr(rest).unwrap_or(0) == 0
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => {
                let rest = 128_u32.saturating_sub(self.1);
                (own.to_bits() ^ other.to_bits()).checked_shr(rest).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl Authenticated {
    /// Whether this user is one of them.
    #[must_use]
    pub fn has(&self, name: &[u8]) -> bool {
        match self {
            Self::None => false,
            Self::Matching(names) => names.is_match(name),
            Self::Named(names) => names.iter().any(|known| known.as_bytes() == name),
        }
    }
}

impl Milter {
    /// Reads the file; what is to be said about it is added to `warnings`.
    ///
    /// # Errors
    /// It cannot be read, or says what is not known.
    pub fn read(path: &Path, warnings: &mut Vec<String>) -> anyhow::Result<Self> {
        let conf = Conf::read_with(path, &find)?;
        warnings.extend(conf.warnings.iter().cloned());
        Self::new(&conf).with_context(|| path.display().to_string())
    }

    /// What a configuration comes to.
    ///
    /// # Errors
    /// It contradicts itself, or names what is not there.
    pub fn new(conf: &Conf) -> anyhow::Result<Self> {
        let word = |name: &str| conf.text(name).map(str::to_ascii_lowercase);
        let action = |name: &str, otherwise| match word(name).as_deref() {
            None => Ok(otherwise),
            Some("accept") => Ok(Action::Accept),
            Some("blackhole") if name != "OnFail" => Ok(Action::Blackhole),
            Some("defer") => Ok(Action::Defer),
            Some("quarantine") if name != "OnFail" => Ok(Action::Quarantine),
            Some("reject") => Ok(Action::Reject),
            Some(other) => bail!("{name} {other}: no such action"),
        };
        let detail = |name: &str| match word(name).as_deref() {
            None | Some("off" | "no") => Ok(Detail::Off),
            Some("basic") => Ok(Detail::Basic),
            Some("full") => Ok(Detail::Full),
            Some(other) => bail!("{name} {other}: Off, Basic or Full"),
        };
        let headers = match word("AddHeader").as_deref() {
            None | Some("no" | "off" | "false" | "0") => Headers::No,
            Some("replace" | "yes" | "true" | "1") => Headers::Replace,
            Some("add") => Headers::Add,
            Some(other) => bail!("AddHeader {other}: No, Replace or Add"),
        };
        let reject = conf.text("RejectMsg").map(str::to_owned);
        let is_once = |text: &String| text.matches("%v").count() <= 1;
        ensure!(reject.as_ref().is_none_or(is_once), "RejectMsg: %v may be there once");
        let (mut networks, mut skips_local) = (Vec::new(), false);
        for given in conf.texts("LocalNet") {
            if given.eq_ignore_ascii_case("local") {
                skips_local = true;
            } else {
                networks.extend(network(given).with_context(|| format!("LocalNet {given}"))?);
            }
        }
        let (senders, recipients) = conf.text("AllowList").map_or(Ok(Default::default()), allowed)?;
        let authenticated = match conf.text("SkipAuthenticated") {
            None => Authenticated::None,
            Some(given) => match given.strip_prefix("file:") {
                Some(path) => {
                    let text = std::fs::read_to_string(path).with_context(|| path.to_owned())?;
                    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
                    Authenticated::Named(lines.map(str::to_owned).collect())
                }
                None => Authenticated::Matching(set(&[given.to_owned()]).context("SkipAuthenticated")?),
            },
        };
        let hostname = conf
            .text("ReportHostname")
            .map_or_else(|| rustix::system::uname().nodename().to_string_lossy().into_owned(), str::to_owned);
        Ok(Self {
            sockets: sockets(conf)?,
            clean: action("OnClean", Action::Accept)?,
            infected: action("OnInfected", Action::Quarantine)?,
            fail: action("OnFail", Action::Defer)?,
            reject,
            headers,
            hostname,
            program: conf.text("VirusAction").map(str::to_owned),
            networks,
            skips_local,
            senders,
            recipients,
            authenticated,
            log_infected: detail("LogInfected")?,
            log_clean: detail("LogClean")?,
            each_recipient: conf.flag("SupportMultipleRecipients", false),
            most: super::any(conf.number("MaxFileSize").unwrap_or(100 << 20)),
        })
    }
}

fn sockets(conf: &Conf) -> anyhow::Result<Sockets> {
    let given = conf.text("MilterSocket").context("MilterSocket is missing")?;
    let mut sockets = Sockets {
        local: Vec::new(),
        tcp: Vec::new(),
        mode: 0o666,
        group: conf.text("MilterSocketGroup").map(str::to_owned),
        fix_stale: conf.flag("FixStaleSocket", true),
        backlog: 200,
        tls: None,
    };
    if let Some(mode) = conf.text("MilterSocketMode") {
        let mode = u32::from_str_radix(mode, 8).ok().filter(|mode| *mode <= 0o777);
        sockets.mode = mode.context("MilterSocketMode: no permissions such as 660")?;
    }
    let (kind, place) = match given.split_once(':') {
        Some((kind, place)) if !given.starts_with('/') => (kind, place),
        _ => ("unix", given),
    };
    match kind {
        "unix" | "local" => sockets.local.push(place.into()),
        "inet" | "inet6" => {
            let (port, host) = place.split_once('@').unwrap_or((place, ""));
            let port: u16 = port.parse().with_context(|| format!("MilterSocket {given}: no port"))?;
            let any = if kind == "inet" { "0.0.0.0" } else { "::" };
            let host = host.trim_matches(['[', ']']);
            let found = resolve((if host.is_empty() { any } else { host }, port))
                .with_context(|| format!("MilterSocket {given}"))?;
            sockets.tcp.extend(found.into_iter().filter(|at| at.is_ipv4() == (kind == "inet")));
            ensure!(!sockets.tcp.is_empty(), "MilterSocket {given}: no address of this kind");
        }
        _ => bail!("MilterSocket {given}: unix:, inet: or inet6:"),
    }
    Ok(sockets)
}

/// The network of a text such as `192.0.2.0/24`; several if it is the name of a host.
fn network(given: &str) -> anyhow::Result<Vec<Network>> {
    let (host, bits) = given.split_once('/').map_or((given, None), |(host, bits)| (host, Some(bits)));
    let addresses: Vec<IpAddr> = match host.parse() {
        Ok(address) => vec![address],
        Err(_) => resolve((host, 0))?.into_iter().map(|at| at.ip()).collect(),
    };
    addresses
        .into_iter()
        .map(|address| {
            let all = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Ok(all), str::parse::<u32>)?;
            ensure!(bits <= all, "no more than {all} bits");
            Ok(Network(address, bits))
        })
        .collect()
}

/// Senders and recipients of a file.
fn allowed(path: &str) -> anyhow::Result<(RegexSet, RegexSet)> {
    let text = std::fs::read_to_string(path).with_context(|| format!("AllowList {path}"))?;
    let (mut senders, mut recipients) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if line.trim().is_empty() || line.starts_with(['#', ':', '!']) {
            continue;
        }
        let (list, pattern) = if let Some(pattern) = line.strip_prefix("From:") {
            (&mut senders, pattern)
        } else {
            (&mut recipients, line.strip_prefix("To:").unwrap_or(line))
        };
        list.push(basic(pattern));
    }
    let name = || format!("AllowList {path}");
    Ok((set(&senders).with_context(name)?, set(&recipients).with_context(name)?))
}

fn set(patterns: &[String]) -> anyhow::Result<RegexSet> {
    // Letters of both cases are the same, as clamav-milter has it.
    Ok(RegexSetBuilder::new(patterns).case_insensitive(true).unicode(false).build()?)
}

/// A basic regular expression of POSIX as an extended one.
fn basic(pattern: &str) -> String {
    let mut extended = String::new();
    let mut letters = pattern.chars().peekable();
    let mut within = false;
    while let Some(letter) = letters.next() {
        match letter {
            '[' if !within => {
                within = true;
                extended.push('[');
                // A closing bracket that comes first closes nothing.
                if letters.peek() == Some(&'^') {
                    extended.extend(letters.next());
                }
                if letters.next_if_eq(&']').is_some() {
                    extended.push_str("\\]");
                }
            }
            ']' if within => {
                within = false;
                extended.push(']');
            }
            '\\' | '&' | '~' if within => extended.extend(['\\', letter]),
            _ if within => extended.push(letter),
            '\\' => match letters.next() {
                Some(special @ ('(' | ')' | '{' | '}')) => extended.push(special),
                Some(other) if other.is_ascii_punctuation() => extended.extend(['\\', other]),
                Some(other) => extended.push(other),
                None => extended.push_str("\\\\"),
            },
            '+' | '?' | '|' | '(' | ')' | '{' | '}' => extended.extend(['\\', letter]),
            _ => extended.push(letter),
        }
    }
    extended
}

const fn key(name: &'static str, kind: Kind, default: &'static str, many: bool, fate: Fate) -> Key {
    Key { name, kind, default, many, fate }
}

/// The key of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name))
}

use Fate::{Alias, Fixed, Honoured, Unused};
use Kind::{Flag, Number, Size, Text};

/// Why a key of the process does nothing.
const DAEMON: &str = "mail is scanned by candord itself; clamd.conf says it";

/// Why a key of times when clamav-milter scanned by itself does nothing.
const DROPPED: &str = "clamav-milter itself has dropped it; clamd.conf says how mail is scanned";

/// All of them, by name.
pub const KEYS: [Key; 55] = [
    key("AddHeader", Text, "no", false, Honoured("incomplete mail is not called clean")),
    key("AllowList", Text, "", false, Honoured("")),
    key("AllowSupplementaryGroups", Flag, "no", false, Fixed(false, "ClamAV itself has dropped it")),
    key("ArchiveBlockEncrypted", Flag, "", false, Unused(DROPPED)),
    key("Chroot", Text, "", false, Unused("what is parsed is parsed in a jail")),
    key("ClamdSocket", Text, "", true, Unused("mail is scanned by candord itself")),
    key("DatabaseDirectory", Text, "", false, Unused(DROPPED)),
    key("Debug", Flag, "", false, Unused(DROPPED)),
    key("DetectBrokenExecutables", Flag, "", false, Unused(DROPPED)),
    key("FixStaleSocket", Flag, "yes", false, Honoured("")),
    key("Foreground", Flag, "no", false, Fixed(true, "candord always stays in the foreground")),
    key("LeaveTemporaryFiles", Flag, "", false, Unused(DROPPED)),
    key("LocalNet", Text, "", true, Honoured("")),
    key("LocalSocket", Text, "", false, Unused(DROPPED)),
    key("LogClean", Text, "Off", false, Honoured("")),
    key("LogFacility", Text, "LOG_LOCAL6", false, Unused(DAEMON)),
    key("LogFile", Text, "", false, Unused(DAEMON)),
    key("LogFileMaxSize", Size, "1048576", false, Unused(DAEMON)),
    key("LogFileUnlock", Flag, "no", false, Fixed(false, DAEMON)),
    key("LogInfected", Text, "Off", false, Honoured("")),
    key("LogRotate", Flag, "no", false, Fixed(false, DAEMON)),
    key("LogSyslog", Flag, "no", false, Fixed(false, DAEMON)),
    key("LogTime", Flag, "no", false, Fixed(false, DAEMON)),
    key("LogVerbose", Flag, "no", false, Fixed(false, DAEMON)),
    key("MailFollowURLs", Flag, "", false, Unused(DROPPED)),
    key("MaxFiles", Number, "", false, Unused(DROPPED)),
    key(
        "MaxFileSize",
        Size,
        "100M",
        false,
        Honoured("what is longer is scanned up to there, and is incomplete"),
    ),
    key("MaxRecursion", Number, "", false, Unused(DROPPED)),
    key("MaxScanSize", Size, "", false, Unused(DROPPED)),
    key("MaxThreads", Number, "10", false, Unused(DAEMON)),
    key("MilterSocket", Text, "", false, Honoured("")),
    key("MilterSocketGroup", Text, "", false, Honoured("")),
    key("MilterSocketMode", Text, "", false, Honoured("`666` when it is not given")),
    key("OnClean", Text, "Accept", false, Honoured("")),
    key("OnFail", Text, "Defer", false, Honoured("")),
    key("OnInfected", Text, "Quarantine", false, Honoured("")),
    key("PhishingSignatures", Flag, "", false, Unused(DROPPED)),
    key("PidFile", Text, "", false, Unused(DAEMON)),
    key("ReadTimeout", Number, "120", false, Unused("`MaxScanTime` of clamd.conf bounds a scan")),
    key("RejectMsg", Text, "", false, Honoured("")),
    key("ReportHostname", Text, "", false, Honoured("")),
    key("ScanArchive", Flag, "", false, Unused(DROPPED)),
    key("ScanHTML", Flag, "", false, Unused(DROPPED)),
    key("ScanMail", Flag, "", false, Unused(DROPPED)),
    key("ScanOLE2", Flag, "", false, Unused(DROPPED)),
    key("ScanPE", Flag, "", false, Unused(DROPPED)),
    key("SkipAuthenticated", Text, "", false, Honoured("")),
    key("StreamMaxLength", Size, "", false, Unused(DROPPED)),
    key("SupportMultipleRecipients", Flag, "no", false, Honoured("")),
    key("TCPAddr", Text, "", false, Unused(DROPPED)),
    key("TCPSocket", Number, "", false, Unused(DROPPED)),
    key("TemporaryDirectory", Text, "", false, Unused(DAEMON)),
    key("User", Text, "", false, Unused(DAEMON)),
    key("VirusAction", Text, "", false, Honoured("run without a shell; mail does not wait for it")),
    key("Whitelist", Text, "", false, Alias("AllowList")),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn milter(text: &str) -> anyhow::Result<Milter> {
        Milter::new(&Conf::parse_with(&format!("MilterSocket /run/m\n{text}"), "x", &find)?)
    }

    #[test]
    fn what_is_left_out_is_as_clamav_milter_has_it() {
        let usual = milter("").unwrap();
        assert_eq!(
            (usual.clean, usual.infected, usual.fail),
            (Action::Accept, Action::Quarantine, Action::Defer)
        );
        assert_eq!((usual.headers, usual.most), (Headers::No, 100 << 20));
        assert_eq!(usual.sockets.local, [std::path::PathBuf::from("/run/m")]);
        assert!(!usual.senders.is_match(b"<a@b.c>") && !usual.authenticated.has(b"joe"));
    }

    #[test]
    fn contradictions_and_unknown_words_are_errors() {
        for text in [
            "OnFail Blackhole\n",
            "OnFail Quarantine\n",
            "OnInfected Nonsense\n",
            "RejectMsg %v and %v\n",
            "LogInfected Much\n",
            "AddHeader Perhaps\n",
            "LocalNet 192.0.2.0/33\n",
            "MilterSocket http://x\n",
            "MilterSocketMode 999\n",
            "SkipAuthenticated (\n",
            "AllowList /nowhere/at/all\n",
            "NoSuchKey 1\n",
        ] {
            assert!(milter(text).is_err(), "{text}");
        }
        assert!(Milter::new(&Conf::parse_with("OnFail Defer\n", "x", &find).unwrap()).is_err());
    }

    #[test]
    fn sockets_are_written_as_sendmail_writes_them() {
        let at = |given: &str| milter(&format!("MilterSocket {given}\n")).unwrap().sockets;
        assert_eq!(at("unix:/run/x").local, at("/run/x").local);
        assert_eq!(at("inet:7357@127.0.0.1").tcp, ["127.0.0.1:7357".parse().unwrap()]);
        assert_eq!(at("inet6:7357@[::1]").tcp, ["[::1]:7357".parse().unwrap()]);
        assert_eq!(at("inet:7357").tcp, ["0.0.0.0:7357".parse().unwrap()]);
    }

    #[test]
    fn networks_have_the_addresses_that_begin_alike() {
        let has = |network: &str, address: &str| {
            super::network(network).unwrap().iter().any(|known| known.has(address.parse().unwrap()))
        };
        assert!(has("192.0.2.0/24", "192.0.2.255") && !has("192.0.2.0/24", "192.0.3.0"));
        assert!(has("192.0.2.1", "192.0.2.1") && !has("192.0.2.1", "192.0.2.2"));
        assert!(has("0.0.0.0/0", "203.0.113.9") && !has("0.0.0.0/0", "::1"));
        assert!(has("2001:db8::/32", "2001:db8:1::1") && !has("2001:db8::/32", "2001:db9::1"));
    }

    #[test]
    fn lists_are_basic_expressions_without_regard_to_case() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("allow");
        std::fs::write(&path, "# x\n!x\nFrom:^<A@b\\.c>$\nTo:list-[a-c]*@\nplus+sign@\n\n").unwrap();
        let milter = milter(&format!("Whitelist {}\n", path.display())).unwrap();
        assert!(milter.senders.is_match(b"<a@B.c>"));
        assert!(!milter.senders.is_match(b"<a@bxc>") && !milter.senders.is_match(b"<list-a@x>"));
        for (address, is_allowed) in
            [("<list-abc@x>", true), ("<list-d@x>", false), ("<plus+sign@x>", true), ("<plussign@x>", false)]
        {
            assert_eq!(milter.recipients.is_match(address.as_bytes()), is_allowed, "{address}");
        }
        assert_eq!(basic("\\(a\\)\\{2\\}[]\\]x"), "(a){2}[\\]\\\\]x");
    }

    #[test]
    fn users_are_named_or_match() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("users");
        std::fs::write(&path, "joe\n").unwrap();
        let named = milter(&format!("SkipAuthenticated file:{}\n", path.display())).unwrap().authenticated;
        assert!(named.has(b"joe") && !named.has(b"joey"));
        let matching = milter("SkipAuthenticated ^(joe|ann)$\n").unwrap().authenticated;
        assert!(matching.has(b"ANN") && !matching.has(b"joey"));
    }

    #[test]
    fn every_key_that_does_nothing_says_so() {
        let text = "MilterSocket /run/m\nClamdSocket unix:/x\nUser x\nForeground yes\nLogSyslog yes\n";
        let conf = Conf::parse_with(text, "x", &find).unwrap();
        let said: Vec<&str> = conf.warnings.iter().filter_map(|line| line.split(' ').nth(1)).collect();
        assert_eq!(said, ["ClamdSocket", "User", "LogSyslog"]);
        for pair in KEYS.windows(2) {
            assert!(pair[0].name.to_lowercase() < pair[1].name.to_lowercase(), "{}", pair[1].name);
        }
    }

    #[test]
    fn the_reference_lists_every_key_as_it_is() {
        super::super::keys::check_page("clamav-milter-conf.md", "clamav-milter.conf", "candord", &KEYS);
    }
}
