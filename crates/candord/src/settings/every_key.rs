//! Every key of `clamd.conf` does something, or something is said.
//!
//! Annex A of what is known of ClamAV counts 165 options of clamd: 156 are keys of its configuration, 9 are of its command
//! line alone (`--help`, `--version`, `--config-file`, `--debug`, `--gen-json`, and four that Windows has).

use super::keys::{Fate, KEYS, Key, Kind};
use super::*;

/// The keys of ClamAV 1.4 to 1.6, eleven of which it has dropped itself.
const NAMES: &str = "\
    AlertBrokenExecutables AlertBrokenMedia AlertEncrypted AlertEncryptedArchive AlertEncryptedDoc \
    AlertExceedsMax AlertOLE2Macros AlertPartitionIntersection AlertPhishingCloak \
    AlertPhishingSSLMismatch AlgorithmicDetection AllowAllMatchScan AllowSupplementaryGroups \
    ArchiveBlockEncrypted ArchiveBlockMax ArchiveLimitMemoryUsage ArchiveMaxCompressionRatio \
    ArchiveMaxFiles ArchiveMaxRecursion ArchiveMaxScanSize BlockMax Bytecode BytecodeMode \
    BytecodeSecurity BytecodeTimeout BytecodeUnsigned CacheSize CommandReadTimeout \
    ConcurrentDatabaseReload CrossFilesystems CVDCertsDirectory DatabaseDirectory Debug \
    DetectBrokenExecutables DetectPUA DevACDepth DevACOnly DevLiblog DevPerformance DisableCache \
    DisableCertCheck EnableReloadCommand EnableSelfCheckCommand EnableShutdownCommand EnableStatsCommand \
    EnableVersionCommand ExcludePath ExcludePUA ExitOnOOM ExtendedDetectionInfo FailIfCvdOlderThan \
    FIPSCryptoHashLimits FixStaleSocket FollowDirectorySymlinks FollowFileSymlinks ForceToDisk \
    Foreground GenerateMetadataJson HeuristicAlerts HeuristicScanPrecedence IdleTimeout IncludePUA \
    JsonStoreExtraHashes JsonStoreHTMLURIs JsonStorePDFURIs LeaveTemporaryFiles LocalSocket \
    LocalSocketGroup LocalSocketMode LogClean LogFacility LogFile LogFileMaxSize LogFileUnlock LogRotate \
    LogSyslog LogTime LogVerbose MailFollowURLs MailMaxRecursion MaxConnectionQueueLength \
    MaxDirectoryRecursion MaxEmbeddedPE MaxFiles MaxFileSize MaxHTMLNormalize MaxHTMLNoTags MaxIconsPE \
    MaxPartitions MaxQueue MaxRecHWP3 MaxRecursion MaxScanSize MaxScanTime MaxScriptNormalize MaxThreads \
    MaxZipTypeRcg OfficialDatabaseOnly OLE2BlockMacros OnAccessCurlTimeout OnAccessDenyOnError \
    OnAccessDisableDDD OnAccessExcludePath OnAccessExcludeRootUID OnAccessExcludeUID \
    OnAccessExcludeUname OnAccessExtraScanning OnAccessIncludePath OnAccessMaxFileSize \
    OnAccessMaxThreads OnAccessMountPath OnAccessPrevention OnAccessRetryAttempts PartitionIntersection \
    PCREMatchLimit PCREMaxFileSize PCRERecMatchLimit PhishingAlwaysBlockCloak \
    PhishingAlwaysBlockSSLMismatch PhishingScanURLs PhishingSignatures PidFile PreludeAnalyzerName \
    PreludeEnable ReadTimeout ScanArchive ScanELF ScanHTML ScanHWP3 ScanImage ScanImageFuzzyHash \
    ScanMail ScanOLE2 ScanOnAccess ScanOneNote ScanPartialMessages ScanPDF ScanPE ScanSWF ScanXMLDOCS \
    SelfCheck SendBufTimeout StreamMaxLength StreamMaxPort StreamMinPort StructuredCCOnly \
    StructuredDataDetection StructuredMinCreditCardCount StructuredMinSSNCount StructuredSSNFormatNormal \
    StructuredSSNFormatStripped TCPAddr TCPSocket TemporaryDirectory User VirusEvent";

/// What has to be there for other keys to matter.
const GROUND: &str =
    "DetectPUA yes\nStructuredDataDetection yes\nLogSyslog yes\nTCPSocket 3310\nTCPAddr ::1\n";

fn settings(lines: &str) -> Settings {
    let conf = Conf::parse(&format!("{GROUND}{lines}"), "x").unwrap();
    Settings::new(&conf, &Own::default()).unwrap()
}

/// All that the daemon goes by, without what is said about it.
fn effect(lines: &str) -> String {
    format!("{:?}", Settings { warnings: Vec::new(), ..settings(lines) })
}

/// A value that is not the usual one.
fn other(key: &Key) -> String {
    let on_the_ground = ["DetectPUA", "StructuredDataDetection", "LogSyslog"].contains(&key.name);
    match (key.kind, key.name) {
        (Kind::Flag, _) => String::from(if key.default == "yes" || on_the_ground { "no" } else { "yes" }),
        (Kind::Number, _) => String::from("7"),
        (Kind::Size, _) => String::from("7K"),
        (Kind::Text, "LocalSocketMode") => String::from("600"),
        (Kind::Text, "LogFacility") => String::from("LOG_MAIL"),
        (Kind::Text, "TCPAddr") => String::from("127.0.0.1"),
        (Kind::Text, _) => String::from("anything"),
    }
}

#[test]
fn there_is_every_key_of_clamav_and_no_other() {
    let names: Vec<&str> = NAMES.split_whitespace().collect();
    assert_eq!(names.len(), 156);
    let here: Vec<&str> = KEYS.iter().map(|key| key.name).collect();
    let missing: Vec<&&str> = names.iter().filter(|name| !here.contains(name)).collect();
    let more: Vec<&&str> = here.iter().filter(|name| !names.contains(name)).collect();
    assert!(missing.is_empty() && more.is_empty(), "missing: {missing:?}; not of ClamAV: {more:?}");
}

#[test]
fn each_is_honoured_or_named_in_a_warning_that_says_why_not() {
    let usual = effect("");
    let mut counted = [0; 4];
    for key in &KEYS {
        let line = format!("{} {}\n", key.name, other(key));
        let named = settings(&line).warnings.into_iter().filter(|warning| warning.contains(key.name));
        let named: Vec<String> = named.collect();
        match key.fate {
            Fate::Honoured(_) => {
                counted[0] += 1;
                assert_ne!(effect(&line), usual, "{line}does nothing");
                assert!(named.is_empty(), "{named:?}");
            }
            Fate::Alias(real) => {
                counted[1] += 1;
                let by_the_new_name = effect(&format!("{real} {}\n", other(key)));
                assert!(effect(&line) == by_the_new_name && by_the_new_name != usual, "{line}is not {real}");
                assert!(named.len() == 1 && named[0].contains(real), "{named:?}");
            }
            Fate::Fixed(fixed, why) => {
                counted[2] += 1;
                let [mine, opposite] = if fixed { ["yes", "no"] } else { ["no", "yes"] };
                let with = |value: &str| settings(&format!("{} {value}\n", key.name)).warnings;
                assert!(with(mine).is_empty(), "{}", key.name);
                assert!(
                    with(opposite).iter().any(|text| text.contains(key.name) && text.contains(why)),
                    "{}",
                    key.name
                );
                assert!(!why.is_empty());
            }
            Fate::Unused(why) => {
                counted[3] += 1;
                assert!(named.len() == 1 && named[0].contains(why) && !why.is_empty(), "{named:?}");
            }
        }
    }
    assert_eq!(counted.iter().sum::<usize>(), 156);
}
