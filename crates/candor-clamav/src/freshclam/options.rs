//! freshclam's options and the keys of `freshclam.conf`, and what becomes of each.

use crate::options::Fate::{Deprecated, Honoured, Own, Unused};
use crate::options::Takes::{Number, Optional, Size, Switch, Text};
use crate::options::{Fate, Known, Takes};

const fn known(name: &'static str, letter: char, takes: Takes, fate: Fate) -> Known {
    Known { name, letter, takes, fate }
}

const SERVICE: Fate = Unused("services of Windows are not known here", "no");
const DEBUG: Fate = Unused("there are no debug messages; --verbose tells every step", "no");
const HASHES: Fate = Unused("MD5 alone is accepted or refused by --candor-refuse-md5", "no");
const ADDRESS: Fate = Unused("connections begin at the address that the system chooses", "");

/// The command line.
pub(crate) const OPTIONS: &[Known] = &[
    known("help", 'h', Switch, Honoured),
    known("version", 'V', Switch, Honoured),
    known("verbose", 'v', Switch, Honoured),
    known("debug", '\0', Switch, DEBUG),
    known("quiet", '\0', Switch, Honoured),
    known("no-warnings", '\0', Switch, Honoured),
    known("stdout", '\0', Switch, Honoured),
    known(
        "show-progress",
        '\0',
        Switch,
        Unused("files come by a program of their own, which says when they are there", "no"),
    ),
    known("config-file", '\0', Text, Honoured),
    known("log", 'l', Text, Honoured),
    known("daemon", 'd', Switch, Honoured),
    known("pid", 'p', Text, Honoured),
    known("foreground", 'F', Switch, Honoured),
    known("user", 'u', Text, Honoured),
    known("no-dns", '\0', Switch, Honoured),
    known("checks", 'c', Number, Honoured),
    known("datadir", '\0', Text, Honoured),
    known("daemon-notify", '\0', Optional, Honoured),
    known("local-address", 'a', Text, ADDRESS),
    known("on-update-execute", '\0', Text, Honoured),
    known("on-error-execute", '\0', Text, Honoured),
    known("on-outdated-execute", '\0', Text, OUTDATED),
    known("update-db", '\0', Text, Honoured),
    known("list-mirrors", '\0', Switch, Honoured),
    known("cvdcertsdir", '\0', Text, Honoured),
    known("fips-limits", '\0', Switch, HASHES),
    known("log-rotate", '\0', Switch, Honoured),
    known("install-service", '\0', Switch, SERVICE),
    known("uninstall-service", '\0', Switch, SERVICE),
    known("service-mode", '\0', Switch, SERVICE),
    known("http-proxy", '\0', Text, Deprecated),
    known("proxy-user", '\0', Text, Deprecated),
    known("log-verbose", '\0', Switch, Deprecated),
    known("candor-name-server", '\0', Text, Own),
    known("candor-refuse-md5", '\0', Switch, Own),
    known("candor-pause", '\0', Number, Own),
];

/// A record of ClamAV's versions says nothing about Candor's.
const OUTDATED: Fate =
    Unused("the record in the name system speaks of ClamAV's versions, not of Candor's", "");

/// A key of `freshclam.conf`: its name, the option of the same meaning (or its own name in small letters), what
/// it takes and what becomes of it.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) option: &'static str,
    pub(crate) takes: Takes,
    pub(crate) fate: Fate,
}

const fn key(name: &'static str, option: &'static str, takes: Takes, fate: Fate) -> Key {
    Key { name, option, takes, fate }
}

/// The configuration file.
pub(crate) const KEYS: &[Key] = &[
    key("LogFileMaxSize", "log-file-max-size", Size, Honoured),
    key("LogTime", "log-time", Switch, Honoured),
    key(
        "LogSyslog",
        "log-syslog",
        Switch,
        Unused("lines go to standard output and to UpdateLogFile; systemd's journal takes the former", "no"),
    ),
    key("LogFacility", "log-facility", Text, Unused("there is no syslog", "LOG_LOCAL6")),
    key("LogVerbose", "verbose", Switch, Honoured),
    key("LogRotate", "log-rotate", Switch, Honoured),
    key("PidFile", "pid", Text, Honoured),
    key("DatabaseDirectory", "datadir", Text, Honoured),
    key("CVDCertsDirectory", "cvdcertsdir", Text, Honoured),
    key("Foreground", "foreground", Switch, Honoured),
    key("Debug", "debug", Switch, DEBUG),
    key("FIPSCryptoHashLimits", "fips-limits", Switch, HASHES),
    key("UpdateLogFile", "log", Text, Honoured),
    key("DatabaseOwner", "user", Text, Honoured),
    key("Checks", "checks", Number, Honoured),
    key("DNSDatabaseInfo", "dns-database-info", Text, Honoured),
    key("DatabaseMirror", "database-mirror", Text, Honoured),
    key("PrivateMirror", "private-mirror", Text, Honoured),
    key("MaxAttempts", "max-attempts", Number, Honoured),
    key("ScriptedUpdates", "scripted-updates", Switch, Honoured),
    key("TestDatabases", "test-databases", Switch, Honoured),
    key("CompressLocalDatabase", "compress-local-database", Switch, Honoured),
    key("ExtraDatabase", "extra-database", Text, Honoured),
    key("ExcludeDatabase", "exclude-database", Text, Honoured),
    key("DatabaseCustomURL", "database-custom-url", Text, Honoured),
    key("HTTPProxyServer", "http-proxy-server", Text, Honoured),
    key("HTTPProxyPort", "http-proxy-port", Number, Honoured),
    key("HTTPProxyUsername", "http-proxy-username", Text, Honoured),
    key("HTTPProxyPassword", "http-proxy-password", Text, Honoured),
    key("HTTPUserAgent", "http-user-agent", Text, Honoured),
    key("NotifyClamd", "daemon-notify", Text, Honoured),
    key("OnUpdateExecute", "on-update-execute", Text, Honoured),
    key("OnErrorExecute", "on-error-execute", Text, Honoured),
    key("OnOutdatedExecute", "on-outdated-execute", Text, OUTDATED),
    key("LocalIPAddress", "local-address", Text, ADDRESS),
    key("ConnectTimeout", "connect-timeout", Number, Honoured),
    key("ReceiveTimeout", "receive-timeout", Number, Honoured),
    key("Bytecode", "bytecode", Switch, Honoured),
    key("SafeBrowsing", "safebrowsing", Switch, Deprecated),
    key("AllowSupplementaryGroups", "allow-supplementary-groups", Switch, Deprecated),
];
