//! Whose signatures under programs are believed, and whose make a program malware.

/// A certificate that somebody decided about (`.crb`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    /// Whether what it vouches for is trusted; what bears it is malware otherwise.
    pub trusted: bool,
    /// SHA-1 of the content of its subject, as it is encoded.
    pub subject: [u8; 20],
    /// SHA-1 of its serial number, as it is encoded, if only that one is meant.
    pub serial: Option<[u8; 20]>,
    /// The modulus of its key, most significant byte first, without leading zeros. The exponent is 65537.
    pub modulus: Vec<u8>,
    /// Whether it may vouch for programs.
    pub signs_code: bool,
    /// Whether it may vouch for the time of signatures.
    pub signs_times: bool,
    /// Whether it may vouch for certificates.
    pub signs_certificates: bool,
}
