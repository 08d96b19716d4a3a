//! What must hold for any bytes. One function a target: libFuzzer calls it with what it makes up, and
//! ordinary tests call it with every input that once broke it (`regressions/<target>/`).
//!
//! Not to panic is the least of it: a parser keeps to its budget and stops when told to, a damaged image
//! answers, the matcher finds what its definition finds, and a scan that left something out says so.
#![forbid(unsafe_code)]

mod database;
mod differential;
mod fronts;
mod inventory;
mod message;
mod migrate;
mod protocol;
mod scan;
mod seed;
mod signature;
mod unpack;
mod update;

use candor_model::FileType;

/// What a target does with the bytes that it is given.
pub type Target = fn(&[u8]);

/// Every target with what it runs.
pub const TARGETS: &[(&str, Target)] = &[
    ("database_open", database::open),
    ("identify", identify),
    ("scan", scan::scan),
    ("search_differential", differential::search),
    ("signature_parse", signature::parse),
    ("unpack_autoit", |bytes| unpack::unpack(&[FileType::AutoIt], bytes)),
    ("unpack_lnk", |bytes| unpack::unpack(&[FileType::Lnk], bytes)),
    ("unpack_media", |bytes| unpack::unpack(&[FileType::Png, FileType::Jpeg], bytes)),
    ("unpack_packed", |bytes| unpack::unpack(&[FileType::MsExe], &unpack::program(bytes))),
    ("unpack_elf", |bytes| unpack::unpack(&[FileType::Elf], bytes)),
    ("unpack_gzip", |bytes| unpack::unpack(&[FileType::Gzip], bytes)),
    ("unpack_html", |bytes| unpack::unpack(&[FileType::Html, FileType::HtmlUtf16], bytes)),
    ("unpack_macho", |bytes| unpack::unpack(&[FileType::MachO, FileType::MachOUniversal], bytes)),
    ("unpack_nuitka", |bytes| unpack::unpack(&[FileType::Elf, FileType::MsExe], bytes)),
    ("unpack_pyinstaller", |bytes| unpack::unpack(&[FileType::Elf], bytes)),
    ("unpack_pe", |bytes| unpack::unpack(&[FileType::MsExe], bytes)),
    ("unpack_stream", |bytes| {
        unpack::unpack(
            &[
                FileType::Bzip2,
                FileType::Xz,
                FileType::Lzma,
                FileType::Lzip,
                FileType::Zstd,
                FileType::Lz4,
                FileType::Compress,
            ],
            bytes,
        )
    }),
    ("unpack_tar", |bytes| unpack::unpack(&[FileType::PosixTar, FileType::OldTar], bytes)),
    ("unpack_text", |bytes| unpack::unpack(&[FileType::TextAscii, FileType::TextUtf16Le], bytes)),
    ("unpack_encoded_script", |bytes| unpack::unpack(&[FileType::ScrEnc], bytes)),
    ("unpack_zip", |bytes| unpack::unpack(&[FileType::Zip, FileType::OoxmlWord], bytes)),
    ("unpack_ole2", |bytes| unpack::unpack(&[FileType::MsOle2, FileType::HwpOle2], bytes)),
    ("unpack_rtf", |bytes| unpack::unpack(&[FileType::Rtf], bytes)),
    ("unpack_mail", |bytes| unpack::unpack(&[FileType::Mail, FileType::Mhtml, FileType::Uuencoded], bytes)),
    ("unpack_pdf", |bytes| unpack::unpack(&[FileType::Pdf], bytes)),
    ("unpack_cpio", |bytes| {
        unpack::unpack(&[FileType::CpioOld, FileType::CpioOdc, FileType::CpioNewc, FileType::CpioCrc], bytes)
    }),
    ("unpack_ar", |bytes| unpack::unpack(&[FileType::Ar], bytes)),
    ("unpack_rpm", |bytes| unpack::unpack(&[FileType::Rpm], bytes)),
    ("unpack_cab", |bytes| unpack::unpack(&[FileType::MsCab], bytes)),
    ("unpack_lha", |bytes| unpack::unpack(&[FileType::LhaLzh], bytes)),
    ("unpack_arj", |bytes| unpack::unpack(&[FileType::Arj], bytes)),
    ("unpack_iso", |bytes| unpack::unpack(&[FileType::Iso9660], bytes)),
    ("unpack_seven_zip", |bytes| unpack::unpack(&[FileType::SevenZip], bytes)),
    ("unpack_rar", |bytes| unpack::unpack(&[FileType::Rar], bytes)),
    ("unpack_embedded", |bytes| {
        unpack::unpack(&[FileType::BinaryData, FileType::TextAscii, FileType::Gif], bytes)
    }),
    ("unpack_onenote", |bytes| unpack::unpack(&[FileType::OneNote], bytes)),
    ("unpack_flat_xml", |bytes| {
        unpack::unpack(&[FileType::XmlWord, FileType::XmlXl, FileType::XmlHwp, FileType::Xdp], bytes)
    }),
    ("unpack_szdd", |bytes| unpack::unpack(&[FileType::MsSzdd], bytes)),
    ("unpack_binhex", |bytes| unpack::unpack(&[FileType::BinHex], bytes)),
    ("unpack_swf", |bytes| unpack::unpack(&[FileType::Swf], bytes)),
    ("unpack_disk", |bytes| unpack::unpack(&[FileType::Mbr, FileType::Gpt, FileType::Apm], bytes)),
    ("unpack_tnef", |bytes| unpack::unpack(&[FileType::Tnef], bytes)),
    ("unpack_xar", |bytes| unpack::unpack(&[FileType::Xar], bytes)),
    ("unpack_dmg", |bytes| unpack::unpack(&[FileType::Dmg], bytes)),
    ("unpack_hfs", |bytes| unpack::unpack(&[FileType::PartHfsPlus], bytes)),
    ("unpack_nsis", |bytes| unpack::unpack(&[FileType::Nulsft], bytes)),
    ("unpack_chm", |bytes| unpack::unpack(&[FileType::MsChm], bytes)),
    ("unpack_installshield", |bytes| unpack::unpack(&[FileType::IshieldMsi, FileType::IshieldCab], bytes)),
    ("unpack_sis", |bytes| unpack::unpack(&[FileType::Sis], bytes)),
    ("unpack_squashfs", |bytes| unpack::unpack(&[FileType::SquashFs], bytes)),
    ("unpack_udf", |bytes| unpack::unpack(&[FileType::Udf], bytes)),
    ("unpack_fat", |bytes| unpack::unpack(&[FileType::Fat], bytes)),
    ("unpack_ntfs", |bytes| unpack::unpack(&[FileType::Ntfs], bytes)),
    ("unpack_virtual_disk", |bytes| {
        unpack::unpack(&[FileType::Vhd, FileType::Vhdx, FileType::Vmdk, FileType::Qcow2], bytes)
    }),
    ("unpack_wim", |bytes| unpack::unpack(&[FileType::Wim], bytes)),
    ("unpack_alz", |bytes| unpack::unpack(&[FileType::Alz], bytes)),
    ("unpack_egg", |bytes| unpack::unpack(&[FileType::Egg], bytes)),
    ("unpack_ext", |bytes| unpack::unpack(&[FileType::Ext], bytes)),
    ("unpack_arc", |bytes| unpack::unpack(&[FileType::Arc], bytes)),
    ("unpack_zoo", |bytes| unpack::unpack(&[FileType::Zoo], bytes)),
    ("unpack_quarantine", unpack_quarantine),
    ("migrate_settings", migrate_settings),
    ("worker_message", message::message),
    ("inventory", inventory::read),
    ("clamd_protocol", protocol::clamd),
    ("update_archive", update::archive),
    ("update_metadata", update::metadata),
    ("update_note", update::note),
    ("update_policy", update::policy),
    ("update_proof", update::proof),
    ("update_tiles", update::tiles),
    ("http_request", fronts::http),
    ("icap_protocol", fronts::icap),
    ("milter_protocol", fronts::milter),
];

/// Runs one target on one input.
///
/// # Panics
/// Something does not hold, or there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    let found = TARGETS.iter().find(|(name, _)| *name == target);
    let (_, run) = found.unwrap_or_else(|| panic!("no target {target}"));
    run(bytes);
}

/// Inputs to start from.
#[must_use]
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "database_open" => database::seeds(),
        "search_differential" => differential::seeds(),
        "signature_parse" => signature::seeds(),
        "worker_message" => message::seeds(),
        "inventory" => inventory::seeds(),
        "migrate_settings" => migrate::seeds(),
        "clamd_protocol" => protocol::seeds(),
        "update_archive" | "update_metadata" | "update_note" | "update_policy" | "update_proof"
        | "update_tiles" => update::seeds(target),
        "http_request" | "icap_protocol" | "milter_protocol" => fronts::seeds(target),
        _ => seed::files(),
    }
}

/// Fuzzes `unpack_quarantine`.
pub fn unpack_quarantine(bytes: &[u8]) {
    let types = [
        FileType::KasperskyQuarantine,
        FileType::DefenderQuarantine,
        FileType::SymantecQuarantine,
        FileType::AviraQuarantine,
        FileType::GdataQuarantine,
        FileType::MalwarebytesQuarantine,
        FileType::NamedQuarantine,
    ];
    unpack::unpack(&types, bytes);
}

/// Fuzzes `migrate_settings`.
pub fn migrate_settings(bytes: &[u8]) {
    migrate::settings(bytes);
}

/// The type depends on the bytes alone.
fn identify(bytes: &[u8]) {
    let copy = bytes.to_vec();
    assert_eq!(candor_identify::identify(bytes), candor_identify::identify(&copy));
}
