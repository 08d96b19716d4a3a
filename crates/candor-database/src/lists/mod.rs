//! What is kept for others to use: file-type rules, icons, passwords, and lists that are stored as they
//! were written. Each kind has a section of records (see [`crate::records`]).
//!
//! ```text
//! file types by bytes   partition 0 or 1, 1 | required type 1 | detected type 1 | offset varint | bytes
//! file types by pattern required type 1 | detected type 1 | target 1 | pattern
//! icons                 hash 62 | first group run | second group run
//! passwords             password run | target description
//! lists about URLs      letter varint | fields, a run each
//! lists of lines        the line
//! certificates          flags 1 (trusted 1, code 2, certificates 4, serial 8) | subject 20 | serial 20 | modulus
//! catalogues            the file
//! ```

#[cfg(test)]
mod tests;
mod types;

use candor_model::{CertificateRule, FileType, Target};

use crate::bytes::{put_run, put_varint};
use crate::content::codec::{Decoder, Encoder};
use crate::image::{Image, ImageWriter, LINE, SectionKind, SignatureId};
use crate::ir::{FileMagic, IconSignature, MagicKind, Password, TextList, UrlList};
use crate::records::{put_record, records};

use types::MagicAt;
pub use types::TypeRules;

/// The sections as they grow.
#[derive(Debug, Default)]
pub(crate) struct ListsBuilder {
    magic_at: Vec<u8>,
    magic_patterns: Vec<u8>,
    icons: Vec<u8>,
    passwords: Vec<u8>,
    urls: Vec<u8>,
    texts: Vec<u8>,
    certificate_rules: Vec<u8>,
    catalogues: Vec<u8>,
}

impl ListsBuilder {
    /// Takes a file-type rule.
    pub(crate) fn add_magic(&mut self, id: SignatureId, magic: &FileMagic) {
        let types = [magic.required.number(), magic.detected.number()];
        match &magic.kind {
            MagicKind::At { offset, bytes, partition } => put_record(&mut self.magic_at, id, |record| {
                record.push(u8::from(*partition));
                record.extend_from_slice(&types);
                put_varint(record, *offset);
                record.extend_from_slice(bytes);
            }),
            MagicKind::Pattern { pattern, target } => put_record(&mut self.magic_patterns, id, |record| {
                record.extend_from_slice(&types);
                record.push(target.number());
                let mut encoder = Encoder::default();
                encoder.pattern(pattern);
                record.extend_from_slice(&encoder.into_bytes());
            }),
        }
    }

    /// Takes an icon.
    pub(crate) fn add_icon(&mut self, id: SignatureId, icon: &IconSignature) {
        put_record(&mut self.icons, id, |record| {
            record.extend_from_slice(&icon.hash);
            put_run(record, icon.group1.as_bytes());
            put_run(record, icon.group2.as_bytes());
        });
    }

    /// Takes a password.
    pub(crate) fn add_password(&mut self, id: SignatureId, password: &Password) {
        put_record(&mut self.passwords, id, |record| {
            put_run(record, &password.password);
            let mut encoder = Encoder::default();
            encoder.target(&password.target);
            record.extend_from_slice(&encoder.into_bytes());
        });
    }

    /// Takes a line about URLs.
    pub(crate) fn add_url(&mut self, id: SignatureId, url: &UrlList) {
        put_record(&mut self.urls, id, |record| {
            put_varint(record, u32::from(url.kind).into());
            url.fields.iter().for_each(|field| put_run(record, field.as_bytes()));
        });
    }

    /// Takes a line of any other list.
    pub(crate) fn add_text(&mut self, id: SignatureId, text: &TextList) {
        put_record(&mut self.texts, id, |record| record.extend_from_slice(text.line.as_bytes()));
    }

    /// Takes a certificate that somebody decided about.
    pub(crate) fn add_certificate_rule(&mut self, id: SignatureId, rule: &CertificateRule) {
        let flags =
            [rule.trusted, rule.signs_code, rule.signs_certificates, rule.serial.is_some(), rule.signs_times];
        let flags = flags.iter().rev().fold(0_u8, |flags, &flag| flags << 1 | u8::from(flag));
        put_record(&mut self.certificate_rules, id, |record| {
            record.push(flags);
            record.extend_from_slice(&rule.subject);
            record.extend_from_slice(&rule.serial.unwrap_or_default());
            record.extend_from_slice(&rule.modulus);
        });
    }

    /// Takes a catalogue.
    pub(crate) fn add_catalogue(&mut self, id: SignatureId, bytes: &[u8]) {
        put_record(&mut self.catalogues, id, |record| record.extend_from_slice(bytes));
    }

    /// Writes the sections.
    pub(crate) fn finish(self, writer: &mut ImageWriter) {
        for (kind, section) in [
            (SectionKind::MagicAt, self.magic_at),
            (SectionKind::MagicPatterns, self.magic_patterns),
            (SectionKind::Icons, self.icons),
            (SectionKind::Passwords, self.passwords),
            (SectionKind::Urls, self.urls),
            (SectionKind::Texts, self.texts),
            (SectionKind::Catalogues, self.catalogues),
            (SectionKind::Certificates, self.certificate_rules),
        ] {
            writer.section(kind, LINE, &section);
        }
    }
}

impl Image {
    /// The type that rules on bytes at an offset give to `bytes`: to a partition of a disk image when
    /// `partition`, to anything else when not. A rule that requires a type only counts when that is
    /// `current`, or when `current` is [`FileType::Any`]: nothing is known yet. Of several rules that fit
    /// the one that was added last decides, as in ClamAV, however long they are.
    #[must_use]
    pub fn magic(&self, bytes: &[u8], partition: bool, current: FileType) -> Option<FileType> {
        self.magics().filter_map(|magic| magic.detects(bytes, partition, current)).last()
    }

    /// The file-type rules on bytes at a place, in the order they were added.
    fn magics(&self) -> impl Iterator<Item = MagicAt> + '_ {
        records(self.section(SectionKind::MagicAt)).filter_map(|(_, mut reader)| {
            Some(MagicAt {
                for_partition: reader.u8()? != 0,
                required: FileType::from_number(reader.u8()?)?,
                detected: FileType::from_number(reader.u8()?)?,
                offset: usize::try_from(reader.varint()?).ok()?,
                bytes: reader.rest().to_vec(),
            })
        })
    }

    /// The file-type rules on patterns, in the order they were added.
    pub fn magic_patterns(&self) -> impl Iterator<Item = (SignatureId, FileMagic)> + '_ {
        records(self.section(SectionKind::MagicPatterns)).filter_map(|(id, mut reader)| {
            let required = FileType::from_number(reader.u8()?)?;
            let detected = FileType::from_number(reader.u8()?)?;
            let target = Target::from_number(reader.u8()?.into())?;
            let pattern = Decoder::new(reader.rest()).pattern()?;
            Some((id, FileMagic { kind: MagicKind::Pattern { pattern, target }, required, detected }))
        })
    }

    /// The icons, in the order they were added. Their names are those of the signatures.
    pub fn icons(&self) -> impl Iterator<Item = (SignatureId, IconSignature)> + '_ {
        records(self.section(SectionKind::Icons)).filter_map(|(id, mut reader)| {
            let hash = reader.bytes(62)?.try_into().ok()?;
            let (group1, group2) = (reader.text()?.to_owned(), reader.text()?.to_owned());
            Some((id, IconSignature { group1, group2, hash }))
        })
    }

    /// The passwords to try on archives, in the order they were added. Functionality levels are not kept:
    /// they decided whether the signature was added.
    pub fn passwords(&self) -> impl Iterator<Item = (SignatureId, Password)> + '_ {
        records(self.section(SectionKind::Passwords)).filter_map(|(id, mut reader)| {
            let password = reader.run()?.to_vec();
            let target = Decoder::new(reader.rest()).target()?;
            Some((id, Password { target, password }))
        })
    }

    /// The lines about URLs, in the order they were added.
    pub fn url_lists(&self) -> impl Iterator<Item = (SignatureId, UrlList)> + '_ {
        records(self.section(SectionKind::Urls)).filter_map(|(id, mut reader)| {
            let kind = char::from_u32(u32::try_from(reader.varint()?).ok()?)?;
            let mut fields = Vec::new();
            while !reader.rest().is_empty() {
                fields.push(reader.text()?.to_owned());
            }
            Some((id, UrlList { kind, fields }))
        })
    }

    /// The certificates that somebody decided about, in the order they were added. Their names are those of
    /// the signatures.
    pub fn certificate_rules(&self) -> impl Iterator<Item = (SignatureId, CertificateRule)> + '_ {
        records(self.section(SectionKind::Certificates)).filter_map(|(id, mut reader)| {
            let flags = reader.u8()?;
            let subject = reader.bytes(20)?.try_into().ok()?;
            let serial = reader.bytes(20)?.try_into().ok()?;
            let rule = CertificateRule {
                trusted: flags & 1 != 0,
                signs_code: flags & 2 != 0,
                signs_times: flags & 16 != 0,
                signs_certificates: flags & 4 != 0,
                subject,
                serial: (flags & 8 != 0).then_some(serial),
                modulus: reader.rest().to_vec(),
            };
            (32..=1024).contains(&rule.modulus.len()).then_some((id, rule))
        })
    }

    /// The catalogues, in the order they were added.
    pub fn catalogues(&self) -> impl Iterator<Item = (SignatureId, &[u8])> + '_ {
        records(self.section(SectionKind::Catalogues)).map(|(id, reader)| (id, reader.rest()))
    }

    /// The lines of all other lists, in the order they were added.
    pub fn text_lists(&self) -> impl Iterator<Item = (SignatureId, TextList)> + '_ {
        records(self.section(SectionKind::Texts)).filter_map(|(id, reader)| {
            let line = std::str::from_utf8(reader.rest()).ok()?.to_owned();
            Some((id, TextList { line }))
        })
    }
}
