//! Whose it is: strengths, independence, and what must not be taken for a product.

use super::{Finding, Matcher, Standing};
use crate::inventory::{Interest as _, Inventory, Item, ItemKind, Place, Surface, Trait};
use crate::policy::Policy;
use crate::vendor::{Class, Strength};

fn item(kind: ItemKind, traits: &[(Surface, &str)]) -> Item {
    Item {
        kind,
        name: traits.first().map(|(_, value)| (*value).to_owned()).unwrap_or_default(),
        version: None,
        place: Place { reader: String::from("test"), path: String::from("somewhere"), inside: None },
        traits: traits
            .iter()
            .map(|(surface, value)| Trait { surface: *surface, value: (*value).to_owned() })
            .collect(),
        moments: std::collections::BTreeMap::new(),
    }
}

fn find(items: Vec<Item>) -> Vec<Finding> {
    let matcher = Matcher::new(&Policy::built_in().unwrap());
    matcher.find(&Inventory { items, coverage: Vec::new() })
}

fn one(items: Vec<Item>) -> Finding {
    let mut findings = find(items);
    assert_eq!(findings.len(), 1, "{findings:#?}");
    findings.remove(0)
}

#[test]
fn a_signature_decides_alone() {
    let subject = "CN=Renamed OOO, SERIALNUMBER=1027739867473, C=RU";
    let finding = one(vec![item(ItemKind::File, &[(Surface::AuthenticodeSubject, subject)])]);
    assert_eq!(
        (finding.standing, finding.strength, finding.class),
        (Standing::Found, Strength::Cryptographic, Class::Security)
    );
}

#[test]
fn a_name_is_a_lead_and_a_second_one_of_its_kind_is_no_proof() {
    let names = [
        (Surface::FileName, "avp.exe"),
        (Surface::FileName, "klnagent.exe"),
        (Surface::Path, "srv/x/avp.exe"),
    ];
    assert_eq!(one(vec![item(ItemKind::File, &names)]).standing, Standing::Lead);
    let files = names.map(|name| item(ItemKind::File, &[name]));
    assert_eq!(one(files.to_vec()).standing, Standing::Lead);
}

#[test]
fn a_path_and_its_own_name_are_one() {
    let path = "Program Files (x86)/Kaspersky Lab/Kaspersky Endpoint Security for Windows/avp.exe";
    let finding = one(vec![item(ItemKind::File, &[(Surface::Path, path), (Surface::FileName, "avp.exe")])]);
    assert_eq!(finding.standing, Standing::Lead);
    assert_eq!(finding.class, Class::Antivirus);
}

#[test]
fn two_independent_signs_are_enough() {
    let finding = one(vec![
        item(ItemKind::Service, &[(Surface::WindowsService, "AVP21.3")]),
        item(ItemKind::File, &[(Surface::FileName, "AVP.EXE")]),
    ]);
    assert_eq!((finding.standing, finding.class), (Standing::Found, Class::Antivirus));
    // The vendor of a CPE is made of the supplier's name.
    let finding = one(vec![item(
        ItemKind::Component,
        &[(Surface::Supplier, "Kaspersky"), (Surface::CpeVendor, "kaspersky")],
    )]);
    assert_eq!(finding.standing, Standing::Lead);
}

#[test]
fn what_a_service_says_of_itself_and_where_it_listens() {
    let banner = |said: &str| find(vec![item(ItemKind::Device, &[(Surface::ServiceBanner, said)])]);
    for said in [
        "SSH-2.0-HUAWEI-1.5",
        "ssh-1.99-huawei-vrp3.1",
        "S5720 Huawei Versatile Routing Platform Software VRP (R) software",
        "SSH-2.0-ZTE_SSH.2.0",
        "ZXHN H298A V1.1",
        "Server: DNVRS-Webs",
        "Dahua Rtsp Server",
    ] {
        let findings = banner(said);
        assert_eq!(findings.len(), 1, "{said}");
        assert_eq!((findings[0].standing, findings[0].class), (Standing::Found, Class::Equipment), "{said}");
    }
    assert_eq!(banner("App-webs/")[0].standing, Standing::Lead);
    for said in ["SSH-2.0-OpenSSH_9.2p1 Debian", "Server: nginx", "reports about DNVRS-Webs", ""] {
        assert_eq!(banner(said), Vec::new(), "{said}");
    }
    let port = |value: &str| find(vec![item(ItemKind::Service, &[(Surface::NetworkPort, value)])]);
    assert_eq!(port("tcp/13111")[0].standing, Standing::Lead);
    assert_eq!(port("udp/13111"), Vec::new());
}

#[test]
fn of_identifiers_that_are_alike_the_exact_one_is_told() {
    let finding = one(vec![item(ItemKind::Host, &[(Surface::Domain, "products.s.kaspersky-labs.com")])]);
    assert_eq!(finding.evidence.len(), 1, "{:#?}", finding.evidence);
    assert_eq!(finding.evidence[0].identifier, "products.s.kaspersky-labs.com");
}

#[test]
fn an_altitude_belongs_to_one_company() {
    let finding = one(vec![item(ItemKind::Driver, &[(Surface::MinifilterAltitude, "320400")])]);
    assert_eq!((finding.standing, finding.class), (Standing::Found, Class::Antivirus));
    assert!(find(vec![item(ItemKind::Driver, &[(Surface::MinifilterAltitude, "320402")])]).is_empty());
}

#[test]
fn what_only_names_a_vendor_is_no_product_of_it() {
    let exclusion = "C:\\Program Files (x86)\\Kaspersky Lab\\avp.exe";
    let nothing = find(vec![
        item(
            ItemKind::Setting,
            &[(Surface::Path, exclusion), (Surface::FileName, "avp.exe"), (Surface::Product, "Kaspersky")],
        ),
        item(
            ItemKind::File,
            &[(Surface::Path, "usr/share/rules/kaspersky.yar"), (Surface::FileName, "kaspersky.yar")],
        ),
        item(ItemKind::File, &[(Surface::FileName, "Kaspersky-APT-report.pdf")]),
        item(ItemKind::Component, &[(Surface::PackageUrl, "pkg:pypi/kaspersky-scan-helper@1.0")]),
        item(ItemKind::Component, &[(Surface::PackageUrl, "pkg:npm/kaspersky-hexa-ui@1.0")]),
        item(
            ItemKind::Component,
            &[
                (Surface::PackageUrl, "pkg:pypi/huaweicloudsdkcore"),
                (Surface::Domain, "support.kaspersky.com"),
            ],
        ),
        item(
            ItemKind::Program,
            &[(Surface::WingetPackage, "Kaspersky.Lab"), (Surface::Supplier, "Kaspersky Fans United")],
        ),
        item(ItemKind::Host, &[(Surface::Domain, "kaspersky.com.example.org")]),
        item(ItemKind::Host, &[(Surface::Domain, "notkaspersky.com")]),
        item(
            ItemKind::Certificate,
            &[(Surface::RootSubject, "CN=Kaspersky Anti-Virus Personal Root Certificate, O=Somebody")],
        ),
        item(ItemKind::Directory, &[(Surface::FileName, "bases"), (Surface::Path, "srv/data/bases")]),
    ]);
    assert!(nothing.is_empty(), "{nothing:#?}");
}

#[test]
fn a_host_that_is_allowed_is_told_with_what_is_below_it() {
    for host in ["dnl-13.geo.kaspersky.com", "Anything.Kaspersky.COM.", "*.pdc.kaspersky.com", "kaspersky.de"]
    {
        let finding = one(vec![item(ItemKind::Host, &[(Surface::Domain, host)])]);
        assert_eq!((finding.class, finding.standing), (Class::UpdateHost, Standing::Found), "{host}");
    }
}

#[test]
fn an_engine_in_the_vendors_own_folder_is_its_own_product() {
    let own = "Program Files (x86)/Kaspersky Lab/KES/kavehost.exe";
    let foreign = "Program Files/Mail Gateway/kavehost.exe";
    let class = |path: &str| {
        one(vec![item(ItemKind::File, &[(Surface::Path, path), (Surface::FileName, "kavehost.exe")])]).class
    };
    assert_eq!(class(foreign), Class::Engine);
    // A file in a folder that a removal leaves is not more than a rest.
    assert_eq!(class(own), Class::Antivirus);
}

#[test]
fn keys_folders_and_certificates_alone_are_residue() {
    let finding = one(vec![
        item(ItemKind::Setting, &[(Surface::RegistryKey, "HKLM\\Software\\KasperskyLab")]),
        item(ItemKind::Directory, &[(Surface::Path, "ProgramData/Kaspersky Lab/AVP21.3/Bases")]),
        item(
            ItemKind::Certificate,
            &[(
                Surface::RootSubject,
                "O=AO Kaspersky Lab, CN=Kaspersky Web Anti-Virus Certification Authority",
            )],
        ),
    ]);
    assert_eq!((finding.class, finding.standing), (Class::Residue, Standing::Found));
}

#[test]
fn names_of_systems_that_tell_case_apart_are_compared_with_it() {
    let is_found =
        |surface, value: &str| !find(vec![item(ItemKind::Package, &[(surface, value)])]).is_empty();
    assert!(is_found(Surface::LinuxPackage, "kesl"));
    assert!(!is_found(Surface::LinuxPackage, "KESL"));
    assert!(is_found(Surface::Path, "/opt/kaspersky/kesl/bin/kesl"));
    assert!(!is_found(Surface::Path, "/opt/Kaspersky/kesl/bin/kesl"));
    assert!(is_found(Surface::Path, "D:\\PROGRAM FILES (X86)\\KASPERSKY LAB"));
    assert!(is_found(Surface::AndroidPackage, "com.kms.free"));
    assert!(!is_found(Surface::AndroidPackage, "com.kms.Free"));
    assert!(is_found(Surface::Path, "home/anna/KVRT2024_Data/Reports"));
    assert!(is_found(Surface::PackageKey, "D093435AA3ED2C4A"));
    assert!(is_found(Surface::PackageKey, "6AFE 1735 77C4 CBD6 21DF 217F D093 435A A3ED 2C4A"));
    assert!(is_found(Surface::AppleBundle, "com.kaspersky.kav.newpart"));
}

#[test]
fn every_identifier_is_found_by_itself() {
    let policy = Policy::built_in().unwrap();
    let matcher = Matcher::new(&policy);
    let mut found = Vec::new();
    for (number, known) in matcher.known.iter().enumerate() {
        // A shape is filled in as it would be on a machine.
        let value =
            known.value.replace("/**", "/x").replace("**.", "x.").replace(".**", ".x").replace(" **", " x");
        let value = value.replace('*', "x").replace('#', "7").replace('~', "home/x");
        found.clear();
        matcher.index.look_up(known.surface, &value, &mut found);
        assert!(found.contains(&number), "{known:?} is not found in {value}");
    }
    assert!(matcher.known.len() > 2000);
}

#[test]
fn what_is_worth_opening() {
    let matcher = Matcher::new(&Policy::built_in().unwrap());
    let wanted = matcher.wanted();
    assert!(wanted.is_wanted("opt/kaspersky/kesl/bin/kesl", false));
    assert!(wanted.is_wanted("srv/mirror/u/base001.kdc", false));
    assert!(!wanted.is_wanted("usr/bin/ls", false));
    assert!(
        wanted.leads_to("opt") && wanted.leads_to("opt/kaspersky") && wanted.leads_to("Windows/System32")
    );
    assert!(!wanted.leads_to("usr/share/doc"));
}

#[test]
fn evidence_is_bounded_and_keeps_the_strongest() {
    let mut items: Vec<Item> = (0..5000)
        .map(|number| {
            let path = format!("Program Files (x86)/Kaspersky Lab/KES/file{number}");
            item(ItemKind::File, &[(Surface::Path, path.as_str())])
        })
        .collect();
    items.push(item(ItemKind::Driver, &[(Surface::MinifilterAltitude, "320401")]));
    let finding = one(items);
    assert_eq!(finding.evidence.len(), super::MOST_EVIDENCE);
    assert_eq!(finding.hits, 5001);
    assert_eq!(finding.evidence[0].surface, Surface::MinifilterAltitude);
    assert_eq!(finding.class, Class::Antivirus);
}
