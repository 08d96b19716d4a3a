//! Systems on which every group of identifiers of vendors is planted once, each at its place and in its real form: what
//! an audit has to find, to the last one.

use crate::registry::{Key, hive};
use crate::roots::{Planted, Root};

/// A group of identifiers: whose it is, its kind, how much it proves, and the system on which it is planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// The vendor's id.
    pub vendor: &'static str,
    /// The kind of the identifiers.
    pub kind: &'static str,
    /// How much they prove.
    pub strength: &'static str,
    /// `linux`, `windows`, `macos`, or `network`: an export of what is on a network.
    pub system: &'static str,
}

const fn group(
    vendor: &'static str,
    kind: &'static str,
    strength: &'static str,
    system: &'static str,
) -> Group {
    Group { vendor, kind, strength, system }
}

/// All groups.
pub const GROUPS: [Group; 54] = [
    group("kaspersky", "authenticode_subject", "cryptographic", "windows"),
    group("kaspersky", "legal_names", "metadata", "linux"),
    group("kaspersky", "apple_team_id", "cryptographic", "macos"),
    group("kaspersky", "package_signing_key", "cryptographic", "linux"),
    group("kaspersky", "tls_root_cn", "strong", "linux"),
    group("kaspersky", "windows_minifilter", "strong", "windows"),
    group("kaspersky", "windows_driver_paths", "path", "windows"),
    group("kaspersky", "windows_driver_denylist", "metadata", "windows"),
    group("kaspersky", "windows_service", "path", "windows"),
    group("kaspersky", "windows_registry", "path", "windows"),
    group("kaspersky", "windows_paths", "path", "windows"),
    group("kaspersky", "windows_processes_modules", "name", "windows"),
    group("kaspersky", "windows_product_names", "metadata", "windows"),
    group("kaspersky", "winget_id", "metadata", "network"),
    group("kaspersky", "linux_package", "metadata", "linux"),
    group("kaspersky", "linux_paths", "path", "linux"),
    group("kaspersky", "systemd_unit", "path", "linux"),
    group("kaspersky", "log_event", "strong", "linux"),
    group("kaspersky", "macos_bundle_or_label", "strong", "macos"),
    group("kaspersky", "macos_paths", "path", "macos"),
    group("kaspersky", "android_package", "metadata", "linux"),
    group("kaspersky", "ios_bundle", "metadata", "macos"),
    group("kaspersky", "browser_extension", "strong", "linux"),
    group("kaspersky", "cpe_vendor", "metadata", "linux"),
    group("kaspersky", "library_coordinates", "metadata", "linux"),
    group("kaspersky", "domains", "strong", "linux"),
    group("kaspersky", "domains_extra", "strong", "linux"),
    group("kaspersky", "update_package_files", "name", "linux"),
    group("kaspersky", "ksn_proxy_ports", "metadata", "network"),
    group("kaspersky", "embedded_engine_files", "strong", "linux"),
    group("kaspersky", "white_label_products", "metadata", "windows"),
    group("kaspersky", "uninstaller", "name", "windows"),
    group("huawei", "domains_root", "strong", "linux"),
    group("huawei", "library_coordinates", "metadata", "linux"),
    group("huawei", "winget_prefix", "metadata", "network"),
    group("huawei", "mac_oui", "strong", "network"),
    group("zte", "mac_oui", "strong", "network"),
    group("hikvision", "mac_oui", "strong", "network"),
    group("dahua", "mac_oui", "strong", "network"),
    group("hytera", "mac_oui", "strong", "network"),
    group("hikvision", "domains_root", "strong", "linux"),
    group("zte", "domains_root", "strong", "linux"),
    group("huawei", "service_fingerprints", "strong", "network"),
    group("zte", "service_fingerprints", "strong", "network"),
    group("hikvision", "service_fingerprints", "strong", "network"),
    group("dahua", "service_fingerprints", "strong", "network"),
    group("bytedance", "android_package", "metadata", "linux"),
    group("bytedance", "domains_root", "strong", "linux"),
    group("bytedance", "pypi", "weak", "linux"),
    group("acronis", "windows_minifilter", "strong", "windows"),
    group("acronis", "windows_driver", "name", "windows"),
    group("tencent", "windows_minifilter", "strong", "windows"),
    group("qihoo360", "windows_minifilter", "strong", "windows"),
    group("doctorweb", "windows_minifilter", "strong", "windows"),
];

/// What is planted on Linux.
#[must_use]
pub fn linux() -> Planted<'static> {
    Planted {
        packages: &["kesl", "a-package"],
        supplier: "AO Kaspersky Lab",
        package_key: "6AFE173577C4CBD621DF217FD093435AA3ED2C4A",
        roots: &[&[("O", "AO Kaspersky Lab"), ("CN", "Kaspersky Anti-Virus Personal Root Certificate")]],
        units: &["kesl.service"],
        files: &["opt/kaspersky/kesl/bin/kesl", "opt/gateway/appinfo.kli", "srv/mirror/corebases.cab"],
        hosts: &[
            "dnl-01.geo.kaspersky.com",
            "products.s.kaspersky-labs.com",
            "update.hicloud.com",
            "api.hik-cloud.com",
            "www.ztedevices.com",
            "m.tiktok.com",
        ],
        android: &["com.kms.free", "com.zhiliaoapp.musically"],
        chrome: &["amkpcclbbgegoafihnpgomddadjhcadd"],
        log: &[
            r#"Jan  2 00:00:00 host kesl[7]: {"EventType":"AVBasesAreOutOfDate","AVBasesDate":"2025-01-02 03:04:05"}"#,
        ],
        lists: &[
            (
                "srv/app/bom.json",
                r#"{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[
                {"type":"application","name":"mail-gateway","version":"1","cpe":"cpe:2.3:a:kaspersky_lab:secure_mail_gateway:1:*:*:*:*:*:*:*"},
                {"type":"library","name":"bytedance-tools","version":"1","purl":"pkg:pypi/bytedance-tools@1","supplier":{"name":"ByteDance Limited"}}]}"#,
            ),
            (
                "srv/app/package-lock.json",
                r#"{"lockfileVersion":3,"packages":{"node_modules/@kaspersky/hexa-ui":{"version":"1.0.0"},
                "node_modules/@huaweicloud/huaweicloud-sdk-core":{"version":"3.1.0"}}}"#,
            ),
        ],
        ..Planted::default()
    }
}

/// What is planted on Windows.
#[must_use]
pub fn windows() -> Planted<'static> {
    Planted {
        signer: &[
            ("SERIALNUMBER", "1027739867473"),
            ("C", "RU"),
            ("L", "Moscow"),
            ("O", "AO Kaspersky Lab"),
            ("CN", "AO Kaspersky Lab"),
        ],
        filters: &[
            ("renamed.sys", "320400"),
            ("file_tracker.sys", "281420"),
            ("TesMon.sys", "327130"),
            ("360avflt.sys", "327400"),
            ("dwprot.sys", "323610"),
        ],
        services: &["klnagent"],
        keys: &["KasperskyLab"],
        products: &["Kaspersky Endpoint Security for Windows", "Check Point Endpoint Security"],
        files: &[
            "Windows/System32/drivers/klim6.sys",
            "Windows/System32/drivers/klmd.sys",
            "Windows/System32/drivers/snapman.sys",
            "ProgramData/Kaspersky Lab/AVP21.3/Bases/x",
            "Tools/avpsus.exe",
            "Users/u/Downloads/kavremvr.exe",
        ],
        ..Planted::default()
    }
}

/// What is planted on macOS.
#[must_use]
pub fn macos() -> Planted<'static> {
    Planted {
        team: "2Y8XE5CQ94",
        bundles: &["com.kaspersky.kav", "com.kaspersky.passwordmanager"],
        files: &["Library/Application Support/Kaspersky Lab/KAV/Binaries/UninstallScript"],
        ..Planted::default()
    }
}

/// What is on a network and on machines, as tools for inventories export it: with what is planted, or without.
#[must_use]
pub fn network(is_planted: bool) -> String {
    let mut table = String::from(
        "hostname,mac,banner,port,protocol,winget id\n\
         desk-1,00:00:5e:00:53:01,SSH-2.0-OpenSSH_9.2,22,tcp,Mozilla.Firefox\n\
         desk-2,,Server: nginx,443,tcp,\n",
    );
    if is_planted {
        table.push_str(
            "switch-1,00:18:82:00:00:01,,,,\n\
             router-1,00:15:EB:00:00:01,,,,\n\
             camera-1,44:19:B6:00:00:01,,,,\n\
             camera-2,08:ED:ED:00:00:01,,,,\n\
             radio-1,64:69:BC:00:00:01,,,,\n\
             switch-2,,SSH-2.0-HUAWEI-1.5,22,tcp,\n\
             router-2,,SSH-2.0-ZTE_SSH.1.0,22,tcp,\n\
             camera-3,,Server: DNVRS-Webs,80,tcp,\n\
             camera-4,,Dahua Rtsp Server,554,tcp,\n\
             server-1,,,13111,tcp,\n\
             desk-3,,,,,Kaspersky.KasperskyTotalSecurity\n\
             desk-4,,,,,Huawei.DevEcoStudio\n",
        );
    }
    table
}

/// What only mentions vendors and their products: exclusions of other products, rules, reports, hosts that are shut out,
/// packages of others with their names. Nothing of it is a product.
#[must_use]
pub fn traps() -> Root {
    let exclusions = Key::new("Paths")
        .number(r"C:\Program Files (x86)\Kaspersky Lab\Kaspersky Endpoint Security for Windows\avp.exe", 0)
        .number(r"C:\ProgramData\Kaspersky Lab\AVP21.3\Bases", 0);
    let processes = Key::new("Processes").number("avp.exe", 0).number("klnagent.exe", 0);
    let uninstall = Key::new("{0f}")
        .text("DisplayName", "Removal helper for Kaspersky products")
        .text("Publisher", "Somebody Else");
    let software = Key::new("ROOT")
        .at(r"Microsoft\Windows Defender\Exclusions", exclusions)
        .at(r"Microsoft\Windows Defender\Exclusions", processes)
        .at(
            r"SomebodyElse\Exclusions",
            Key::new("KasperskyLab").text("Path", r"C:\ProgramData\Kaspersky Lab"),
        )
        .at(r"Microsoft\Windows\CurrentVersion\Uninstall", uninstall);
    let lock = r#"{"lockfileVersion":3,"packages":{"node_modules/kaspersky-fan-club":{"version":"1"},
        "node_modules/huawei-cloud-tools":{"version":"1"},"node_modules/@someone/kaspersky":{"version":"1"},
        "node_modules/hexa-ui":{"version":"1"}}}"#;
    let status = "Package: av-exporter\nStatus: install ok installed\nMaintainer: Somebody <s@example.org>\nVersion: 1\n\
        Description: metrics of Kaspersky Endpoint Security (kesl, klnagent64)\nHomepage: https://support.kaspersky.com/kesl\n";
    let mut root: Root = vec![("Windows/System32/config/SOFTWARE".to_owned(), hive(&software))];
    let texts: [(&str, &str); 21] = [
        ("etc/clamav/clamd.conf", "ExcludePath ^/opt/kaspersky/kesl/\nExcludePath ^/var/opt/kaspersky/\n"),
        (
            "srv/eset/settings.xml",
            r#"<ESET><ITEM NAME="ScannerExcludes"><NODE NAME="FullPath" VALUE="C:\ProgramData\Kaspersky Lab\*.*"/></ITEM></ESET>"#,
        ),
        (
            "opt/rules/kaspersky.yar",
            "rule x { strings: $a = \"avp.exe\" $b = \"AO Kaspersky Lab\" $c = \"SERIALNUMBER=1027739867473\" condition: any of them }",
        ),
        (
            "opt/sigma/rules/windows/proc_creation_win_kavremover_uncommon_execution.yml",
            "detection:\n  selection:\n    OriginalFileName: kavremover.exe\n    Company: AO Kaspersky Lab\n",
        ),
        (
            "etc/suricata/rules/kaspersky.rules",
            "drop tls any any -> any any (tls.sni; content:\"kaspersky.com\";)\n",
        ),
        ("srv/reports/apt.txt", "dnl-01.geo.kaspersky.com 2Y8XE5CQ94 klif.sys 320400 com.kaspersky.kav\n"),
        ("home/u/Downloads/Kaspersky-APT-report.pdf", "%PDF-1.4 AO Kaspersky Lab"),
        ("home/u/Documents/kaspersky/notes.md", "# how kesl.service is removed\n"),
        ("usr/share/icons/hicolor/48x48/apps/kaspersky.svg", "<svg/>"),
        ("etc/hosts", "0.0.0.0 dnl-01.geo.kaspersky.com\n127.0.0.1 www.kaspersky.com\n::1 tiktok.com\n"),
        ("etc/nftables.conf", "ip daddr dnl-01.geo.kaspersky.com drop\n"),
        ("etc/squid/squid.conf", "acl bad dstdomain .kaspersky.com\nhttp_access deny bad\n"),
        ("etc/dnsmasq.d/blocked.conf", "address=/kaspersky.com/\naddress=/hicloud.com/\n"),
        (
            "etc/systemd/system/av-exporter.service",
            "[Unit]\nAfter=kesl.service\n[Service]\nExecStart=/usr/bin/av-exporter --of kesl\n",
        ),
        ("var/lib/dpkg/status", status),
        (
            "var/log/syslog",
            "Jan  1 00:00:00 host sshd[1]: kesl AVBasesAreOutOfDate was asked for by user kaspersky\n",
        ),
        ("srv/app/package-lock.json", lock),
        (
            "srv/app/requirements.txt",
            "kaspersky-report-parser==1\nhuaweicloud-anything==2\nbytedance-unrelated==3\nhikvision-client==4\n",
        ),
        (
            "srv/app/Cargo.lock",
            "version = 3\n[[package]]\nname = \"kaspersky-sinkhole\"\nversion = \"0.1.0\"\n",
        ),
        (
            "srv/app/bom.json",
            r#"{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"library","name":"threat-feeds","version":"1",
            "description":"indicators of Kaspersky","externalReferences":[{"type":"website","url":"https://securelist.kaspersky.com/x"}]}]}"#,
        ),
        (
            "home/u/.config/google-chrome/Default/Bookmarks",
            r#"{"roots":{"bookmark_bar":{"children":[{"url":"https://www.kaspersky.com"}]}}}"#,
        ),
    ];
    root.extend(texts.map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec())));
    root
}
