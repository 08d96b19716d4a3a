//! What must hold for any bytes. One function a target: libFuzzer calls it with what it makes up, and
//! ordinary tests call it with every input that once broke it (`regressions/<target>/`).
//!
//! Not to panic is the least of it: a parser keeps to its budget and stops when told to, a damaged image
//! answers, the matcher finds what its definition finds, and a scan that left something out says so.
#![forbid(unsafe_code)]

#[path = "../../crates/candor-fetch/src/answer.rs"]
mod answer;
mod database;
mod databases;
mod differential;
mod fronts;
mod inventory;
mod message;
mod migrate;
mod module_values;
mod policy;
mod protocol;
mod scan;
mod seed;
mod signature;
mod store;
mod unpack;
mod update;
mod written;
mod yara;

use candor_model::FileType;

/// What a target does with the bytes that it is given.
pub type Target = fn(&[u8]);

/// Declares the targets. Each is a function of its own, so that the program that fuzzes it holds nothing of the
/// others: libFuzzer looks at the counters of the whole program after every execution.
macro_rules! targets {
    (
        of all: { $($name:ident => $run:expr;)* }
        of parsers: { $($parser:ident($shape:ident) => [$($file_type:ident),*] $(like [$($alike:ident),*])?;)* }
    ) => {
        $(#[doc = concat!("Fuzzes `", stringify!($name), "`.")]
        pub fn $name(bytes: &[u8]) {
            $run(bytes);
        })*
        $(#[doc = concat!("Fuzzes `", stringify!($parser), "`.")]
        pub fn $parser(bytes: &[u8]) {
            const PARSERS: &[unpack::Parser] = &[$(unpack::parser(FileType::$file_type)),*];
            unpack::unpack(PARSERS, &unpack::$shape(bytes));
        })*

        /// Every target with what it runs.
        pub const TARGETS: &[(&str, Target)] =
            &[$((stringify!($name), $name),)* $((stringify!($parser), $parser),)*];

        /// The types that a target is about, and whether it takes its bytes folded.
        fn parsed(target: &str) -> (&'static [FileType], bool) {
            match target {
                $(stringify!($parser) => {
                    (&[$(FileType::$file_type,)* $($(FileType::$alike),*)?], stringify!($shape) == "unfolded")
                })*
                _ => (&[], false),
            }
        }
    };
}

targets! {
    of all: {
        database_open => database::open;
        identify => same_type;
        scan => scan::scan;
        search_differential => differential::search;
        signature_parse => signature::parse;
        signature_yara => yara::parse;
        modules => module_values::tell;
        unpack_cms => unpack::cms;
        unpack_embedded => unpack::embedded;
        worker_message => message::message;
        inventory => inventory::read;
        inventory_beside => inventory::beside;
        inventory_disk => inventory::disk;
        migrate_settings => migrate::settings;
        policy_chain => policy::chain;
        policy_dates => policy::dates;
        policy_files => policy::files;
        policy_parties => policy::parties;
        policy_values => policy::values;
        clamd_protocol => protocol::clamd;
        update_answer => databases::answer;
        update_archive => update::archive;
        update_cdiff => databases::cdiff;
        update_container => databases::container;
        update_message => databases::message;
        update_key => written::key;
        update_metadata => update::metadata;
        update_note => update::note;
        update_policy => update::policy;
        update_proof => update::proof;
        update_record => databases::record;
        update_settings => written::settings;
        update_sign => databases::sign;
        update_sources => written::sources;
        update_store => store::store;
        update_tiles => update::tiles;
        http_request => fronts::http;
        icap_protocol => fronts::icap;
        milter_protocol => fronts::milter;
    }
    of parsers: {
        unpack_autoit(plain) => [AutoIt];
        unpack_lnk(plain) => [Lnk];
        unpack_media(plain) => [Png] like [Gif, Jpeg, Tiff, Riff];
        unpack_lzfse(lzfse) => [Dmg];
        unpack_packed(program) => [MsExe];
        unpack_elf(plain) => [Elf];
        unpack_dex(plain) => [Dex];
        unpack_java(plain) => [Java];
        unpack_gzip(plain) => [Gzip];
        unpack_html(plain) => [Html] like [HtmlUtf16];
        unpack_macho(plain) => [MachO, MachOUniversal];
        unpack_nuitka(plain) => [Elf, MsExe];
        unpack_pyinstaller(plain) => [Elf];
        unpack_pe(plain) => [MsExe];
        unpack_stream(plain) => [Bzip2, Zstd, Lz4, Compress];
        unpack_lzma(plain) => [Xz, Lzma, Lzip];
        unpack_tar(plain) => [PosixTar] like [OldTar];
        unpack_text(plain) => [TextAscii] like [TextUtf16Le];
        unpack_encoded_script(plain) => [ScrEnc];
        unpack_zip(plain) => [Zip] like [OoxmlWord];
        unpack_ole2(plain) => [MsOle2, HwpOle2];
        unpack_rtf(plain) => [Rtf];
        unpack_mail(plain) => [Mail, Uuencoded] like [Mhtml];
        unpack_pdf(plain) => [Pdf];
        unpack_ps(plain) => [Ps];
        unpack_cpio(plain) => [CpioNewc] like [CpioOld, CpioOdc, CpioCrc];
        unpack_cryptff(plain) => [CryptFf];
        unpack_hwp3(plain) => [Hwp3];
        unpack_ar(plain) => [Ar];
        unpack_rpm(plain) => [Rpm];
        unpack_cab(plain) => [MsCab];
        unpack_lha(plain) => [LhaLzh];
        unpack_arj(plain) => [Arj];
        unpack_iso(unfolded) => [Iso9660];
        unpack_seven_zip(plain) => [SevenZip];
        unpack_rar(plain) => [Rar];
        unpack_onenote(plain) => [OneNote];
        unpack_flat_xml(plain) => [XmlWord] like [XmlXl, XmlHwp, Xdp];
        unpack_szdd(plain) => [MsSzdd];
        unpack_binhex(plain) => [BinHex];
        unpack_swf(plain) => [Swf];
        unpack_disk(unfolded) => [Mbr, Gpt, Apm];
        unpack_tnef(plain) => [Tnef];
        unpack_xar(plain) => [Xar];
        unpack_dmg(unfolded) => [Dmg];
        unpack_hfs(unfolded) => [PartHfsPlus];
        unpack_apfs(unfolded) => [Apfs];
        unpack_nsis(plain) => [Nulsft];
        unpack_chm(plain) => [MsChm];
        unpack_installshield(plain) => [IshieldMsi, IshieldCab];
        unpack_sis(plain) => [Sis];
        unpack_squashfs(plain) => [SquashFs];
        unpack_udf(unfolded) => [Udf];
        unpack_fat(unfolded) => [Fat];
        unpack_ntfs(unfolded) => [Ntfs];
        unpack_virtual_disk(unfolded) => [Vhd, Vhdx, Vmdk, Qcow2];
        unpack_wim(plain) => [Wim];
        unpack_alz(plain) => [Alz];
        unpack_egg(plain) => [Egg];
        unpack_ext(unfolded) => [Ext];
        unpack_lvm(unfolded) => [Lvm];
        unpack_xfs(unfolded) => [Xfs];
        unpack_btrfs(unfolded) => [Btrfs];
        unpack_arc(plain) => [Arc];
        unpack_zoo(plain) => [Zoo];
        unpack_active_mime(plain) => [ActiveMime];
        unpack_zisofs(plain) => [Zisofs];
        unpack_quarantine(plain) => [
            KasperskyQuarantine,
            DefenderQuarantine,
            SymantecQuarantine,
            AviraQuarantine,
            GdataQuarantine,
            MalwarebytesQuarantine,
            NamedQuarantine
        ];
    }
}

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
        "signature_yara" => yara::seeds(),
        "modules" => module_values::seeds(),
        "worker_message" => message::seeds(),
        "inventory" => inventory::seeds(),
        "inventory_beside" => inventory::logged(),
        "inventory_disk" => inventory::disks(),
        "migrate_settings" => migrate::seeds(),
        "policy_chain" | "policy_dates" | "policy_files" | "policy_parties" | "policy_values" => {
            policy::seeds(target)
        }
        "clamd_protocol" => protocol::seeds(),
        "update_archive" | "update_metadata" | "update_note" | "update_policy" | "update_proof"
        | "update_tiles" => update::seeds(target),
        "update_answer" | "update_cdiff" | "update_container" | "update_message" | "update_record"
        | "update_sign" => databases::seeds(target),
        "update_key" | "update_settings" | "update_sources" => written::seeds(target),
        "update_store" => store::seeds(),
        "http_request" | "icap_protocol" | "milter_protocol" => fronts::seeds(target),
        _ => files(target),
    }
}

/// Files of the types that a target is about, if there are any; of every format, if not.
fn files(target: &str) -> Vec<Vec<u8>> {
    let (types, is_folded) = parsed(target);
    let all = seed::files();
    let (own, others): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|file| types.contains(&candor_identify::identify(file)));
    let chosen = if own.is_empty() { others } else { own };
    chosen.into_iter().map(|file| if is_folded { unpack::folded(&file) } else { file }).collect()
}

/// The type depends on the bytes alone.
fn same_type(bytes: &[u8]) {
    let copy = bytes.to_vec();
    assert_eq!(candor_identify::identify(bytes), candor_identify::identify(&copy));
}
