//! Every key of `clamd.conf`, what it takes, and what becomes of it.
//!
//! Whoever moves from ClamAV brings a file that worked for years. So a key is honoured, or one line in the
//! log says that it is not and why; it is never dropped in silence. A word that is no key is an error, as it
//! is for clamd.

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Yes or no.
    Flag,
    /// A number.
    Number,
    /// A number of bytes, with `K`, `M` or `G` behind it if one wants.
    Size,
    /// Anything.
    Text,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does what it says; with what there is to know besides.
    Honoured(&'static str),
    /// It is an older name of this key.
    Alias(&'static str),
    /// It is always so, whatever is given; the log says so when something else is given. Why.
    Fixed(bool, &'static str),
    /// It does nothing, and the log says so when it is given; why.
    Unused(&'static str),
}

/// A key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// Its name; letters of both cases are the same.
    pub name: &'static str,
    /// What it takes.
    pub kind: Kind,
    /// What holds in ClamAV when it is not given; empty for nothing.
    pub default: &'static str,
    /// Whether each time that it is given counts.
    pub many: bool,
    /// What becomes of it.
    pub fate: Fate,
}

/// The key of this name.
#[must_use]
pub fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name))
}

const fn key(name: &'static str, kind: Kind, default: &'static str, fate: Fate) -> Key {
    Key { name, kind, default, many: false, fate }
}

const fn list(name: &'static str, kind: Kind, default: &'static str, fate: Fate) -> Key {
    Key { name, kind, default, many: true, fate }
}

use Fate::{Alias, Fixed, Honoured, Unused};
use Kind::{Flag, Number, Size, Text};

/// All of them, by name.
pub const KEYS: [Key; 156] = [
    key("AlertBrokenExecutables", Flag, "no", Honoured("")),
    key("AlertBrokenMedia", Flag, "no", Honoured("")),
    key("AlertEncrypted", Flag, "no", Honoured("")),
    key("AlertEncryptedArchive", Flag, "no", Honoured("")),
    key("AlertEncryptedDoc", Flag, "no", Honoured("")),
    key("AlertExceedsMax", Flag, "no", Honoured("")),
    key("AlertOLE2Macros", Flag, "no", Honoured("")),
    key("AlertPartitionIntersection", Flag, "no", Honoured("")),
    key("AlertPhishingCloak", Flag, "no", Honoured("")),
    key("AlertPhishingSSLMismatch", Flag, "no", Honoured("")),
    key("AlgorithmicDetection", Flag, "yes", Alias("HeuristicAlerts")),
    key("AllowAllMatchScan", Flag, "yes", Honoured("")),
    key("AllowSupplementaryGroups", Flag, "no", Fixed(false, "ClamAV itself has dropped it")),
    key("ArchiveBlockEncrypted", Flag, "no", Alias("AlertEncrypted")),
    key("ArchiveBlockMax", Flag, "", Fixed(false, "ClamAV itself has dropped it")),
    key("ArchiveLimitMemoryUsage", Flag, "", Fixed(false, "ClamAV itself has dropped it")),
    key("ArchiveMaxCompressionRatio", Number, "", Unused("ClamAV itself has dropped it")),
    key("ArchiveMaxFiles", Number, "", Unused("ClamAV itself has dropped it")),
    key("ArchiveMaxRecursion", Number, "", Unused("ClamAV itself has dropped it")),
    key("ArchiveMaxScanSize", Size, "", Unused("ClamAV itself has dropped it")),
    key("BlockMax", Flag, "no", Alias("AlertExceedsMax")),
    key("Bytecode", Flag, "yes", Fixed(false, "programs in databases are never run")),
    key("BytecodeMode", Text, "Auto", Unused("programs in databases are never run")),
    key("BytecodeSecurity", Text, "TrustSigned", Unused("programs in databases are never run")),
    key("BytecodeTimeout", Number, "10000", Unused("programs in databases are never run")),
    key("BytecodeUnsigned", Flag, "no", Fixed(false, "programs in databases are never run")),
    key(
        "CacheSize",
        Number,
        "65536",
        Honoured("of files by what the file system says, and as many of streams by their digest"),
    ),
    key("CommandReadTimeout", Number, "30", Honoured("")),
    key(
        "ConcurrentDatabaseReload",
        Flag,
        "yes",
        Fixed(
            true,
            "candord always goes on scanning while it reloads, and never holds both databases in memory of its own",
        ),
    ),
    key("CrossFilesystems", Flag, "yes", Honoured("")),
    key(
        "CVDCertsDirectory",
        Text,
        "",
        Honoured(
            "a `.sign` beside a `.cvd` must be valid; `/etc/clamav/certs` where none is named and it is there",
        ),
    ),
    key("DatabaseDirectory", Text, "/var/lib/clamav", Honoured("")),
    key("Debug", Flag, "no", Fixed(false, "there is no debug output of this kind")),
    key("DetectBrokenExecutables", Flag, "no", Alias("AlertBrokenExecutables")),
    key("DetectPUA", Flag, "no", Honoured("")),
    key("DevACDepth", Number, "", Unused("a switch for the developers of ClamAV")),
    key("DevACOnly", Flag, "", Fixed(false, "a switch for the developers of ClamAV")),
    key("DevLiblog", Flag, "", Fixed(false, "a switch for the developers of ClamAV")),
    key("DevPerformance", Flag, "", Fixed(false, "a switch for the developers of ClamAV")),
    key("DisableCache", Flag, "no", Honoured("")),
    key("DisableCertCheck", Flag, "no", Honoured("")),
    key(
        "EnableReloadCommand",
        Flag,
        "yes",
        Honoured("over TCP also `tcp-control` of candord.toml is needed"),
    ),
    key("EnableSelfCheckCommand", Flag, "yes", Honoured("")),
    key(
        "EnableShutdownCommand",
        Flag,
        "yes",
        Honoured("over TCP also `tcp-control` of candord.toml is needed"),
    ),
    key("EnableStatsCommand", Flag, "yes", Honoured("")),
    key("EnableVersionCommand", Flag, "yes", Honoured("")),
    list("ExcludePath", Text, "", Honoured("")),
    list("ExcludePUA", Text, "", Honoured("")),
    key(
        "ExitOnOOM",
        Flag,
        "no",
        Fixed(false, "memory is bounded for each worker; one that runs out is replaced"),
    ),
    key(
        "ExtendedDetectionInfo",
        Flag,
        "no",
        Fixed(
            false,
            "the digest of a file is not made unless a signature asks for it; the JSON log has more than this key adds",
        ),
    ),
    key("FailIfCvdOlderThan", Number, "", Honoured("at the start and at each reload")),
    key(
        "FIPSCryptoHashLimits",
        Flag,
        "no",
        Honoured(
            "of databases: a `.cvd` needs a valid `.sign` beside it; digests of trusted files stay in force",
        ),
    ),
    key("FixStaleSocket", Flag, "yes", Honoured("")),
    key("FollowDirectorySymlinks", Flag, "no", Honoured("")),
    key("FollowFileSymlinks", Flag, "no", Honoured("")),
    key("ForceToDisk", Flag, "no", Fixed(false, "what is unpacked never goes to the disk")),
    key(
        "Foreground",
        Flag,
        "no",
        Fixed(true, "candord stays in the foreground: systemd and other supervisors want it so"),
    ),
    key(
        "GenerateMetadataJson",
        Flag,
        "no",
        Fixed(false, "the JSON log and `candor unpack` say what a file is made of"),
    ),
    key("HeuristicAlerts", Flag, "yes", Honoured("")),
    key(
        "HeuristicScanPrecedence",
        Flag,
        "no",
        Fixed(false, "the strongest finding is told, whatever found it"),
    ),
    key("IdleTimeout", Number, "30", Unused("threads that wait cost nothing here and stay")),
    list("IncludePUA", Text, "", Honoured("")),
    key("JsonStoreExtraHashes", Flag, "no", Fixed(false, "GenerateMetadataJson is not used")),
    key("JsonStoreHTMLURIs", Flag, "yes", Fixed(false, "GenerateMetadataJson is not used")),
    key("JsonStorePDFURIs", Flag, "yes", Fixed(false, "GenerateMetadataJson is not used")),
    key("LeaveTemporaryFiles", Flag, "no", Fixed(false, "there are no temporary files")),
    list("LocalSocket", Text, "", Honoured("may be given more than once")),
    key("LocalSocketGroup", Text, "", Honoured("")),
    key("LocalSocketMode", Text, "", Honoured("")),
    key("LogClean", Flag, "no", Honoured("")),
    key("LogFacility", Text, "LOG_LOCAL6", Honoured("")),
    key("LogFile", Text, "", Honoured("")),
    key("LogFileMaxSize", Size, "1048576", Honoured("0 for any size")),
    key(
        "LogFileUnlock",
        Flag,
        "no",
        Fixed(true, "the log is never locked: lines are appended in one write each"),
    ),
    key("LogRotate", Flag, "no", Honoured("")),
    key("LogSyslog", Flag, "no", Honoured("")),
    key("LogTime", Flag, "no", Honoured("times are UTC")),
    key("LogVerbose", Flag, "no", Honoured("each command of a client is told")),
    key("MailFollowURLs", Flag, "", Fixed(false, "ClamAV itself has dropped it")),
    key("MailMaxRecursion", Number, "", Unused("ClamAV itself has dropped it")),
    key("MaxConnectionQueueLength", Number, "200", Honoured("")),
    key("MaxDirectoryRecursion", Number, "15", Honoured("")),
    key("MaxEmbeddedPE", Size, "40M", Unused("programs inside of others are bounded by MaxFileSize")),
    key("MaxFiles", Number, "10000", Honoured("0 for any number")),
    key("MaxFileSize", Size, "100M", Honoured("0 for any size; Candor's own default unless given")),
    key("MaxHTMLNormalize", Size, "40M", Honoured("")),
    key("MaxHTMLNoTags", Size, "8M", Unused("MaxHTMLNormalize bounds both copies")),
    key("MaxIconsPE", Number, "100", Unused("bounded by the engine")),
    key("MaxPartitions", Number, "50", Unused("MaxFiles bounds them")),
    key("MaxQueue", Number, "100", Honoured("")),
    key("MaxRecHWP3", Number, "16", Unused("MaxRecursion bounds it")),
    key("MaxRecursion", Number, "17", Honoured("")),
    key("MaxScanSize", Size, "400M", Honoured("0 for any size; Candor's own default unless given")),
    key("MaxScanTime", Number, "0", Honoured("milliseconds; 0 for any time; 120000 unless given")),
    key("MaxScriptNormalize", Size, "20M", Unused("MaxHTMLNormalize bounds this copy, too")),
    key("MaxThreads", Number, "10", Honoured("each has a jailed worker")),
    key("MaxZipTypeRcg", Size, "1M", Unused("embedded files are looked for at any size")),
    key("OfficialDatabaseOnly", Flag, "no", Honoured("")),
    key("OLE2BlockMacros", Flag, "no", Alias("AlertOLE2Macros")),
    key(
        "OnAccessCurlTimeout",
        Number,
        "5000",
        Unused("candord answers clients; it does not watch the file system"),
    ),
    key(
        "OnAccessDenyOnError",
        Flag,
        "no",
        Fixed(false, "candord answers clients; it does not watch the file system"),
    ),
    key(
        "OnAccessDisableDDD",
        Flag,
        "no",
        Fixed(false, "candord answers clients; it does not watch the file system"),
    ),
    list(
        "OnAccessExcludePath",
        Text,
        "",
        Unused("candord answers clients; it does not watch the file system"),
    ),
    key(
        "OnAccessExcludeRootUID",
        Flag,
        "",
        Fixed(false, "candord answers clients; it does not watch the file system"),
    ),
    list(
        "OnAccessExcludeUID",
        Number,
        "",
        Unused("candord answers clients; it does not watch the file system"),
    ),
    list(
        "OnAccessExcludeUname",
        Text,
        "",
        Unused("candord answers clients; it does not watch the file system"),
    ),
    key(
        "OnAccessExtraScanning",
        Flag,
        "no",
        Fixed(false, "candord answers clients; it does not watch the file system"),
    ),
    list(
        "OnAccessIncludePath",
        Text,
        "",
        Unused("candord answers clients; it does not watch the file system"),
    ),
    key(
        "OnAccessMaxFileSize",
        Size,
        "5242880",
        Unused("candord answers clients; it does not watch the file system"),
    ),
    key(
        "OnAccessMaxThreads",
        Number,
        "5",
        Unused("candord answers clients; it does not watch the file system"),
    ),
    list("OnAccessMountPath", Text, "", Unused("candord answers clients; it does not watch the file system")),
    key(
        "OnAccessPrevention",
        Flag,
        "no",
        Fixed(false, "candord answers clients; it does not watch the file system"),
    ),
    key(
        "OnAccessRetryAttempts",
        Number,
        "0",
        Unused("candord answers clients; it does not watch the file system"),
    ),
    key("PartitionIntersection", Flag, "no", Alias("AlertPartitionIntersection")),
    key(
        "PCREMatchLimit",
        Number,
        "100000",
        Unused("counted otherwise: steps of an expression on a layer, not at a place"),
    ),
    key("PCREMaxFileSize", Size, "100M", Honoured("")),
    key("PCRERecMatchLimit", Number, "2000", Unused("expressions run in constant stack")),
    key("PhishingAlwaysBlockCloak", Flag, "no", Alias("AlertPhishingCloak")),
    key("PhishingAlwaysBlockSSLMismatch", Flag, "no", Alias("AlertPhishingSSLMismatch")),
    key("PhishingScanURLs", Flag, "yes", Honoured("")),
    key("PhishingSignatures", Flag, "yes", Unused("signatures for mail are always in force")),
    key("PidFile", Text, "", Honoured("")),
    key("PreludeAnalyzerName", Text, "", Unused("Prelude is not spoken; the log can be JSON")),
    key("PreludeEnable", Flag, "no", Fixed(false, "Prelude is not spoken; the log can be JSON")),
    key("ReadTimeout", Number, "120", Honoured("")),
    key("ScanArchive", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanELF", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanHTML", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanHWP3", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanImage", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanImageFuzzyHash", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanMail", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanOLE2", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanOnAccess", Flag, "", Fixed(false, "candord answers clients; it does not watch the file system")),
    key("ScanOneNote", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key(
        "ScanPartialMessages",
        Flag,
        "no",
        Fixed(false, "parts of a message are not put together across files"),
    ),
    key("ScanPDF", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanPE", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanSWF", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("ScanXMLDOCS", Flag, "yes", Fixed(true, "every format that is known is looked into")),
    key("SelfCheck", Number, "600", Honoured("")),
    key("SendBufTimeout", Number, "500", Honoured("")),
    key("StreamMaxLength", Size, "100M", Honoured("")),
    key("StreamMaxPort", Number, "2048", Unused("the command STREAM has gone from the protocol")),
    key("StreamMinPort", Number, "1024", Unused("the command STREAM has gone from the protocol")),
    key("StructuredCCOnly", Flag, "no", Honoured("")),
    key("StructuredDataDetection", Flag, "no", Honoured("")),
    key("StructuredMinCreditCardCount", Number, "3", Honoured("")),
    key("StructuredMinSSNCount", Number, "3", Honoured("")),
    key("StructuredSSNFormatNormal", Flag, "yes", Honoured("")),
    key("StructuredSSNFormatStripped", Flag, "no", Honoured("")),
    list("TCPAddr", Text, "", Honoured("")),
    key("TCPSocket", Number, "", Honoured("")),
    key(
        "TemporaryDirectory",
        Text,
        "",
        Honoured("for streams that are too long for memory; the files there have no name"),
    ),
    key("User", Text, "", Honoured("dropped to before a client is listened to")),
    key("VirusEvent", Text, "", Honoured("run without a shell")),
];

/// Compares the page of the reference that lists keys with what the program does, or writes it.
#[cfg(test)]
pub(super) fn check_page(file: &str, conf: &str, program: &str, keys: &[Key]) {
    use std::fmt::Write as _;
    let mut page = format!(
        "# Keys of {conf}\n\nWhat `{program}` makes of each key that ClamAV 1.4 to 1.6 know. A key that is not here is an \
         error. `candord --check` says what of a file is not honoured.\n\nThis page is made from the program; the test \
         `settings::keys` of `candord` compares them.\n\n| key | takes | ClamAV's default | |\n|---|---|---|---|\n",
    );
    for key in keys {
        let kind = match key.kind {
            Flag => "yes or no",
            Number => "number",
            Size => "size",
            Text => "text",
        };
        let many = if key.many { ", more than once" } else { "" };
        let fate = match key.fate {
            Honoured("") => String::from("honoured"),
            Honoured(note) => format!("honoured; {note}"),
            Alias(real) => format!("an old name of `{real}`"),
            Fixed(fixed, why) => format!("always `{}`: {why}", if fixed { "yes" } else { "no" }),
            Unused(why) => format!("no effect: {why}"),
        };
        let _ = writeln!(page, "| `{}` | {kind}{many} | {} | {fate} |", key.name, key.default);
    }
    let path = format!("{}/../../docs/reference/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("CANDOR_WRITE_REFERENCE").is_some() {
        std::fs::write(&path, &page).expect("the page can be written");
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(there == page, "{path} is not what the program does; CANDOR_WRITE_REFERENCE=1 makes it anew");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_lists_every_key_as_it_is() {
        check_page("clamd-conf.md", "clamd.conf", "candord", &KEYS);
    }

    #[test]
    fn each_key_is_there_once() {
        for pair in KEYS.windows(2) {
            assert!(pair[0].name.to_lowercase() < pair[1].name.to_lowercase(), "{}", pair[1].name);
        }
    }
}
