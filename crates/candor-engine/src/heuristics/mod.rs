//! Heuristics: what harmless files rarely have, each told only when somebody asked for it.
//!
//! Each is a small check over what parsers learned or could not open. Names and switches are ClamAV's. They
//! never convict: a file with nothing else is suspicious.

mod phishing;
mod structured;
#[cfg(test)]
mod tests;

use candor_model::{Anomaly, FileType, Reason};

pub(crate) use phishing::Phishing;
pub use structured::Structured;

/// Which heuristics are told.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own, as in ClamAV")]
pub struct Heuristics {
    /// Those that are always worth telling: exploits in images, obfuscated names in PDF, overlapping members
    /// of ZIP archives. The others need this, too.
    pub enabled: bool,
    /// Executables whose headers cannot be true.
    pub broken_executables: bool,
    /// Damaged images.
    pub broken_media: bool,
    /// Archives that no known password opens.
    pub encrypted_archives: bool,
    /// Documents that no known password opens.
    pub encrypted_documents: bool,
    /// Files that a limit kept from being looked at as a whole.
    pub exceeded_limits: bool,
    /// VBA and Excel 4 macros.
    pub macros: bool,
    /// Disk images whose partitions lie over one another.
    pub partition_intersections: bool,
    /// Links in mails that show a host which the signatures protect, and lead to another.
    pub phishing_addresses: bool,
    /// Links that hide where they lead behind a user name or a number, whatever they show.
    pub phishing_cloaks: bool,
    /// Links that show a secure address and lead to another, whatever they show.
    pub phishing_ssl: bool,
    /// Numbers of credit cards and of social security in text.
    pub structured: Option<Structured>,
}

impl Default for Heuristics {
    fn default() -> Self {
        Self {
            enabled: true,
            broken_executables: false,
            broken_media: false,
            encrypted_archives: false,
            encrypted_documents: false,
            exceeded_limits: false,
            macros: false,
            partition_intersections: false,
            phishing_addresses: true,
            phishing_cloaks: false,
            phishing_ssl: false,
            structured: None,
        }
    }
}

impl Heuristics {
    /// The name under which an anomaly is told, if it is.
    pub(crate) fn of_anomaly(&self, anomaly: Anomaly) -> Option<String> {
        let (wanted, name) = match anomaly {
            Anomaly::BrokenExecutable => (self.broken_executables, String::from("Broken.Executable")),
            Anomaly::BrokenMedia(what) => (self.broken_media, format!("Broken.Media.{what}")),
            Anomaly::EncryptedDocument => (self.encrypted_documents, String::from("Encrypted.Document")),
            Anomaly::ImageExploit(bulletin) => (true, format!("Exploit.{bulletin}")),
            Anomaly::ObfuscatedPdfName => (true, String::from("PDF.ObfuscatedNameObject")),
            Anomaly::OverlappingZip => (true, String::from("Zip.OverlappingFiles")),
            // ClamAV's own spelling.
            Anomaly::PartitionIntersection("MBR") => {
                (self.partition_intersections, String::from("MBRPartitionnIntersect"))
            }
            Anomaly::PartitionIntersection(table) => {
                (self.partition_intersections, format!("{table}PartitionIntersection"))
            }
            // Not told by ClamAV.
            Anomaly::StompedMacros => (self.macros, String::from("OLE2.StompedMacros")),
            Anomaly::StructuredData(what) => (self.structured.is_some(), format!("Structured.{what}")),
            Anomaly::VbaMacros => (self.macros, String::from("OLE2.ContainsMacros.VBA")),
            Anomaly::XlmMacros => (self.macros, String::from("OLE2.ContainsMacros.XLM")),
            _ => return None,
        };
        (self.enabled && wanted).then(|| format!("Heuristics.{name}"))
    }

    /// Whether any link is of interest.
    pub(crate) const fn wants_links(&self) -> bool {
        self.enabled && (self.phishing_addresses || self.phishing_cloaks || self.phishing_ssl)
    }

    /// The name under which it is told that something of a layer of this type was not looked at, if it is.
    pub(crate) fn of_reason(&self, reason: &Reason, file_type: FileType) -> Option<String> {
        let limit = |name: &str| (self.exceeded_limits, format!("Limits.Exceeded.{name}"));
        let (wanted, name) = match reason {
            Reason::Children => limit("MaxFiles"),
            Reason::Depth => limit("MaxRecursion"),
            Reason::FileSize | Reason::NormaliseSize => limit("MaxFileSize"),
            Reason::Growth | Reason::Memory | Reason::Ratio | Reason::ScanSize | Reason::Work => {
                limit("MaxScanSize")
            }
            Reason::Timeout => limit("MaxScanTime"),
            Reason::Encrypted => match file_type {
                FileType::Pdf => (self.encrypted_documents, String::from("Encrypted.PDF")),
                FileType::MsOle2 | FileType::HwpOle2 => {
                    (self.encrypted_documents, String::from("Encrypted.OLE2"))
                }
                other => (self.encrypted_archives, format!("Encrypted.{}", archive_name(other))),
            },
            _ => return None,
        };
        (self.enabled && wanted).then(|| format!("Heuristics.{name}"))
    }
}

/// What encrypted archives of a type are called; beyond ClamAV's four, by the format's own name.
fn archive_name(file_type: FileType) -> &'static str {
    match file_type {
        FileType::SevenZip | FileType::SevenZipSfx => "7Zip",
        FileType::Alz => "ALZ",
        FileType::Arj | FileType::ArjSfx => "ARJ",
        FileType::Egg | FileType::EggSfx => "EGG",
        FileType::Rar | FileType::RarSfx => "RAR",
        FileType::OoxmlWord
        | FileType::OoxmlPpt
        | FileType::OoxmlXl
        | FileType::OoxmlHwp
        | FileType::Zip
        | FileType::ZipSfx => "Zip",
        _ => "Archive",
    }
}
