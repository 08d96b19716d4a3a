//! The options of `clamd` and `clamav-milter`. Most are keys of their configuration files, which can be given on the command
//! line, too; what becomes of those is said where it is said of the keys.

use std::sync::LazyLock;

use candord::settings::keys::{self, Kind};

use super::Fate::{Deprecated, Honoured, Own, Unused};
use super::Takes::{Number, Size, Switch, Text};
use super::{Fate, Known, Takes};

/// An option that is a key of a configuration file: its name, its letter, the key.
pub(crate) type Key = (&'static str, char, &'static str);

const NO: char = '\0';
const WINDOWS: &str = "it is for services of Windows";

const fn option(name: &'static str, letter: char, takes: Takes, fate: Fate) -> Known {
    Known { name, letter, takes, fate }
}

/// Those that are no keys.
const BESIDES: [Known; 8] = [
    option("help", 'h', Switch, Honoured),
    option("config-file", 'c', Text, Honoured),
    option("version", 'V', Switch, Honoured),
    option("install-service", NO, Switch, Unused(WINDOWS, "no")),
    option("uninstall-service", NO, Switch, Unused(WINDOWS, "no")),
    option("service-mode", NO, Switch, Unused(WINDOWS, "no")),
    option("daemon", 'd', Switch, Unused(WINDOWS, "no")),
    // What the process is started with that stays when the one that was started goes.
    option("candor-detached", NO, Switch, Own),
];

/// Those of `clamd` that are keys of `clamd.conf`.
pub(crate) const CLAMD_KEYS: [Key; 83] = [
    ("debug", NO, "Debug"),
    ("gen-json", NO, "GenerateMetadataJson"),
    ("alert-exceeds-max", NO, "AlertExceedsMax"),
    ("cache-size", NO, "CacheSize"),
    ("prelude-enable", NO, "PreludeEnable"),
    ("prelude-analyzer-name", NO, "PreludeAnalyzerName"),
    ("log", 'l', "LogFile"),
    ("log-rotate", NO, "LogRotate"),
    ("pid", 'p', "PidFile"),
    ("tempdir", NO, "TemporaryDirectory"),
    ("datadir", NO, "DatabaseDirectory"),
    ("cvdcertsdir", NO, "CVDCertsDirectory"),
    ("official-db-only", NO, "OfficialDatabaseOnly"),
    ("fail-if-cvd-older-than", NO, "FailIfCvdOlderThan"),
    ("max-dir-recursion", NO, "MaxDirectoryRecursion"),
    ("cross-fs", NO, "CrossFilesystems"),
    ("disable-cache", NO, "DisableCache"),
    ("foreground", 'F', "Foreground"),
    ("json-store-html-uris", NO, "JsonStoreHTMLURIs"),
    ("json-store-pdf-uris", NO, "JsonStorePDFURIs"),
    ("json-store-extra-hashes", NO, "JsonStoreExtraHashes"),
    ("fips-limits", NO, "FIPSCryptoHashLimits"),
    ("bytecode", NO, "Bytecode"),
    ("bytecode-timeout", NO, "BytecodeTimeout"),
    ("bytecode-unsigned", NO, "BytecodeUnsigned"),
    ("bytecode-mode", NO, "BytecodeMode"),
    ("detect-pua", NO, "DetectPUA"),
    ("exclude-pua", NO, "ExcludePUA"),
    ("include-pua", NO, "IncludePUA"),
    ("scan-pe", NO, "ScanPE"),
    ("scan-elf", NO, "ScanELF"),
    ("scan-mail", NO, "ScanMail"),
    ("phishing-sigs", NO, "PhishingSignatures"),
    ("phishing-scan-urls", NO, "PhishingScanURLs"),
    ("heuristic-alerts", NO, "HeuristicAlerts"),
    ("heuristic-scan-precedence", NO, "HeuristicScanPrecedence"),
    ("detect-structured", NO, "StructuredDataDetection"),
    ("structured-cc-count", NO, "StructuredMinCreditCardCount"),
    ("structured-ssn-count", NO, "StructuredMinSSNCount"),
    ("structured-cc-mode", NO, "StructuredCCOnly"),
    ("scan-html", NO, "ScanHTML"),
    ("scan-ole2", NO, "ScanOLE2"),
    ("alert-broken", NO, "AlertBrokenExecutables"),
    ("alert-broken-media", NO, "AlertBrokenMedia"),
    ("alert-encrypted", NO, "AlertEncrypted"),
    ("alert-encrypted-archive", NO, "AlertEncryptedArchive"),
    ("alert-encrypted-doc", NO, "AlertEncryptedDoc"),
    ("alert-macros", NO, "AlertOLE2Macros"),
    ("alert-phishing-ssl", NO, "AlertPhishingSSLMismatch"),
    ("alert-phishing-cloak", NO, "AlertPhishingCloak"),
    ("alert-partition-intersection", NO, "AlertPartitionIntersection"),
    ("scan-pdf", NO, "ScanPDF"),
    ("scan-swf", NO, "ScanSWF"),
    ("scan-xmldocs", NO, "ScanXMLDOCS"),
    ("scan-hwp3", NO, "ScanHWP3"),
    ("scan-onenote", NO, "ScanOneNote"),
    ("scan-archive", NO, "ScanArchive"),
    ("scan-image", NO, "ScanImage"),
    ("scan-image-fuzzy-hash", NO, "ScanImageFuzzyHash"),
    ("force-to-disk", NO, "ForceToDisk"),
    ("max-scantime", NO, "MaxScanTime"),
    ("max-scansize", NO, "MaxScanSize"),
    ("max-filesize", NO, "MaxFileSize"),
    ("max-recursion", NO, "MaxRecursion"),
    ("max-files", NO, "MaxFiles"),
    ("max-embeddedpe", NO, "MaxEmbeddedPE"),
    ("max-htmlnormalize", NO, "MaxHTMLNormalize"),
    ("max-htmlnotags", NO, "MaxHTMLNoTags"),
    ("max-scriptnormalize", NO, "MaxScriptNormalize"),
    ("max-ziptypercg", NO, "MaxZipTypeRcg"),
    ("max-partitions", NO, "MaxPartitions"),
    ("max-iconspe", NO, "MaxIconsPE"),
    ("max-rechwp3", NO, "MaxRecHWP3"),
    ("pcre-match-limit", NO, "PCREMatchLimit"),
    ("pcre-recmatch-limit", NO, "PCRERecMatchLimit"),
    ("pcre-max-filesize", NO, "PCREMaxFileSize"),
    ("dev-ac-only", NO, "DevACOnly"),
    ("dev-ac-depth", NO, "DevACDepth"),
    ("dev-performance", NO, "DevPerformance"),
    ("dev-liblog", NO, "DevLiblog"),
    ("nocerts", NO, "DisableCertCheck"),
    ("algorithmic-detection", NO, "AlgorithmicDetection"),
    ("block-max", NO, "BlockMax"),
];

/// Old names of others of them.
const OLD_KEYS: [Key; 5] = [
    ("phishing-ssl", NO, "PhishingAlwaysBlockSSLMismatch"),
    ("phishing-cloak", NO, "PhishingAlwaysBlockCloak"),
    ("partition-intersection", NO, "PartitionIntersection"),
    ("block-macros", NO, "OLE2BlockMacros"),
    ("block-encrypted", NO, "ArchiveBlockEncrypted"),
];

/// Those of `clamav-milter` that are keys of `clamav-milter.conf`.
pub(crate) const MILTER_KEYS: [Key; 6] = [
    ("log", 'l', "LogFile"),
    ("log-rotate", NO, "LogRotate"),
    ("pid", 'p', "PidFile"),
    ("tempdir", NO, "TemporaryDirectory"),
    ("foreground", 'F', "Foreground"),
    ("max-filesize", NO, "MaxFileSize"),
];

/// All of `clamd`.
pub(crate) static CLAMD: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let mut all = Vec::from(BESIDES);
    all.push(option("candor-config", NO, Text, Own));
    all.push(option("detect-broken", NO, Switch, Deprecated));
    all.push(option("mail-follow-urls", NO, Switch, Deprecated));
    all.extend(clamd_keys().map(known));
    all
});

/// All of `clamav-milter`.
pub(crate) static MILTER: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let mut all = Vec::from(BESIDES);
    all.push(option("candor-clamd-conf", NO, Text, Own));
    all.extend(MILTER_KEYS.into_iter().map(known));
    all
});

/// All of `clamd` that are keys.
pub(crate) fn clamd_keys() -> impl Iterator<Item = Key> {
    CLAMD_KEYS.into_iter().chain(OLD_KEYS)
}

/// The option for a key takes what the key takes.
fn known((name, letter, key): Key) -> Known {
    let takes = match keys::find(key).map(|key| key.kind) {
        Some(Kind::Flag) => Switch,
        Some(Kind::Number) => Number,
        Some(Kind::Size) => Size,
        Some(Kind::Text) | None => Text,
    };
    option(name, letter, takes, Honoured)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_is_a_key_that_candord_knows_and_no_name_is_there_twice() {
        for (name, _, key) in clamd_keys().chain(MILTER_KEYS) {
            assert!(keys::find(key).is_some(), "--{name}: {key}");
        }
        for all in [&*CLAMD, &*MILTER] {
            for (at, known) in all.iter().enumerate() {
                let rest = &all[at + 1..];
                assert!(rest.iter().all(|other| other.name != known.name), "--{}", known.name);
                let letter = known.letter;
                assert!(letter == '\0' || rest.iter().all(|other| other.letter != letter), "-{letter}");
            }
        }
    }
}
