//! Containers of APFS: their volumes, put together as macOS mounts them.
//!
//! Since macOS 10.15 a system is two volumes of one group: what Apple ships, and what users have. Folders of the
//! second show through the first by firm links, so that `/Applications` is what both have there; the rest of it is
//! below `/System/Volumes/Data`, beside volumes of other roles.

use std::cell::RefCell;

use candor_model::{Budget, ChildKind, Content, Facts, FileType, Flow, Member, Reason, Sink};
use candor_unpack::volume::{Apfs, ApfsVolume, Medium};

use super::{CoverageState, FILES, Files, Reading, Told};

const SYSTEM: u16 = 1;
const DATA: u16 = 0x40;
/// Roles of volumes that are mounted beside that of the data: virtual memory, preboot, update, xART, hardware.
const BESIDE: [u16; 5] = [8, 0x10, 0xc0, 0x100, 0x140];

/// What shows through firm links, as `/usr/share/firmlinks` of macOS lists it.
const FIRM_LINKS: [&str; 18] = [
    "AppleInternal",
    "Applications",
    "Library",
    "System/Library/Assets",
    "System/Library/AssetsV2",
    "System/Library/Caches",
    "System/Library/CoreServices/CoreTypes.bundle/Contents/Library",
    "System/Library/PreinstalledAssets",
    "System/Library/PreinstalledAssetsV2",
    "System/Library/Speech",
    "Users",
    "Volumes",
    "cores",
    "opt",
    "private",
    "usr/libexec/cups",
    "usr/local",
    "usr/share/snmp",
];

/// Where the files of a volume are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// At their own paths.
    Root,
    /// As data of a system: through firm links, or below their own mount point.
    Data,
    /// Below this folder.
    Below(String),
}

impl Place {
    fn path(&self, path: &str) -> String {
        let is_linked = |link: &&str| {
            path.strip_prefix(*link).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        match self {
            Self::Root => path.to_owned(),
            Self::Data if FIRM_LINKS.iter().any(is_linked) => path.to_owned(),
            Self::Data => format!("System/Volumes/Data/{path}"),
            Self::Below(folder) => format!("{folder}/{path}"),
        }
    }
}

/// Volumes that make one system, or one that is for itself.
struct Part<'v> {
    name: &'v str,
    volumes: Vec<(&'v ApfsVolume, Place)>,
}

/// Puts volumes together.
fn parts(volumes: &[ApfsVolume]) -> Vec<Part<'_>> {
    let is_pair = |system: &ApfsVolume, data: &ApfsVolume| {
        system.role == SYSTEM && data.role == DATA && system.group == data.group && system.group != [0; 16]
    };
    let systems: Vec<&ApfsVolume> =
        volumes.iter().filter(|volume| volumes.iter().any(|data| is_pair(volume, data))).collect();
    let mut parts = Vec::new();
    for volume in volumes {
        let is_system = systems.iter().any(|system| std::ptr::eq(*system, volume));
        let is_data = systems.iter().any(|system| is_pair(system, volume));
        // Of several systems, nobody knows which one they belong to.
        let is_beside = systems.len() == 1 && BESIDE.contains(&volume.role);
        if is_data || is_beside {
            continue;
        }
        let mut part = Part { name: &volume.name, volumes: vec![(volume, Place::Root)] };
        if is_system {
            part.volumes
                .extend(volumes.iter().filter(|data| is_pair(volume, data)).map(|data| (data, Place::Data)));
            if systems.len() == 1 {
                let beside = volumes.iter().filter(|other| BESIDE.contains(&other.role));
                part.volumes.extend(
                    beside.map(|other| (other, Place::Below(format!("System/Volumes/{}", other.name)))),
                );
            }
        }
        parts.push(part);
    }
    parts
}

impl Reading<'_, '_> {
    /// Reads the volumes of a container.
    pub(super) fn apfs(&mut self, name: &str, medium: &dyn Medium) {
        let mut told = Told::default();
        let Some(container) = Apfs::open(medium, &mut told) else {
            self.volumes = self.volumes.saturating_add(1);
            self.missed = self.missed.saturating_add(1);
            self.inside.begin(name, &[""]);
            return self.inside.coverage("disk", "APFS", CoverageState::NotRead(told.words()), 0);
        };
        let parts = parts(container.volumes());
        let is_alone = parts.len() == 1;
        for part in parts {
            let name = match (is_alone, name) {
                (true, name) => name.to_owned(),
                (false, "") => part.name.to_owned(),
                (false, name) => format!("{name}/{}", part.name),
            };
            self.inside.begin(&name, &[""]);
            let mut all = std::mem::take(&mut told);
            let mut is_read = false;
            let part_of_it = RefCell::new(String::new());
            for (volume, place) in &part.volumes {
                self.volumes = self.volumes.saturating_add(1);
                is_read |= !volume.is_encrypted;
                let files = Files {
                    inside: &mut self.inside,
                    told: Told::default(),
                    kind: FileType::Apfs,
                    left: FILES,
                    name: "",
                    mounted: &[""],
                    part: &part_of_it,
                    at: String::new(),
                    items: 0,
                };
                let mut placed = Placed { files, place };
                let flow = container.files(volume, &mut placed);
                let found = placed.files.told;
                if !found.reasons.is_empty() {
                    self.missed = self.missed.saturating_add(1);
                }
                for reason in found.reasons {
                    all.add(reason);
                }
                if flow == Flow::Stop && self.inside.is_full() {
                    break;
                }
            }
            self.is_any_read |= is_read;
            self.inside.finish();
            if self.inside.is_full() {
                all.add("there is more on it than is told".to_owned());
            }
            let items = self.inside.items();
            let state = match (is_read, all.reasons.is_empty()) {
                (true, true) => CoverageState::Read,
                (true, false) => CoverageState::Partly(all.words()),
                (false, _) => CoverageState::NotRead(all.words()),
            };
            self.inside.coverage("disk", "APFS", state, items);
        }
    }
}

/// Takes the files of a volume at the paths where they are seen.
struct Placed<'p, 'i, 'a, 'give> {
    files: Files<'i, 'a, 'give>,
    place: &'p Place,
}

impl Sink for Placed<'_, '_, '_, '_> {
    fn child(&mut self, kind: ChildKind, member: &Member, content: Content<'_>) -> Flow {
        // What is said of a volume as a whole is no file.
        if member.encrypted {
            return Flow::Continue;
        }
        let member = Member { name: self.place.path(&member.name), ..member.clone() };
        self.files.child(kind, &member, content)
    }

    fn facts(&mut self, _: Facts) {}

    fn incomplete(&mut self, reason: Reason) {
        self.files.incomplete(reason);
    }

    fn budget(&mut self) -> &mut Budget {
        self.files.budget()
    }
}

#[cfg(test)]
mod tests {
    use candor_fixtures::volume::apfs::{self, Entry, Form, Kind, Volume};
    use candor_fixtures::{container, roots};

    use super::super::tests::{lines, seen};
    use super::*;

    const GROUP: [u8; 16] = [7; 16];

    fn plist(bundle: &str) -> Vec<u8> {
        format!("<plist><dict><key>CFBundleIdentifier</key><string>{bundle}</string></dict></plist>")
            .into_bytes()
    }

    fn volume<'a>(name: &'a str, role: u16, group: [u8; 16], entries: Vec<Entry<'a>>) -> Volume<'a> {
        Volume { name, role, group, entries, ..Volume::default() }
    }

    #[test]
    fn a_system_is_seen_as_macos_mounts_it() {
        let (own, bought, local) =
            (plist("com.apple.own"), plist("com.vendor.bought"), plist("com.vendor.other"));
        let system = vec![
            Entry::compressed("Applications/Own.app/Contents/Info.plist", 8, &own),
            Entry::new("System/Library/LaunchDaemons/x.plist", Kind::File(b"<plist><dict/></plist>")),
        ];
        let data = vec![
            Entry::new("Applications/Bought.app/Contents/Info.plist", Kind::File(&bought)),
            Entry::new("Elsewhere/Other.app/Contents/Info.plist", Kind::File(&local)),
        ];
        let preboot = vec![Entry::new("opt/vendor/scanner", Kind::File(b"x"))];
        let disk = apfs::container(&[
            Volume { form: Form::Sealed, ..volume("Macintosh HD", apfs::SYSTEM, GROUP, system) },
            volume("Macintosh HD - Data", apfs::DATA, GROUP, data),
            volume("Preboot", apfs::PREBOOT, [0; 16], preboot),
        ]);
        for (prefix, bytes) in [("", disk.clone()), ("partition 1 (a)/", container::gpt(&disk))] {
            let (items, coverage, last) = seen(&bytes);
            let found = lines(&items);
            for line in [
                "com.apple.own Applications/Own.app/Contents/Info.plist",
                "com.vendor.bought Applications/Bought.app/Contents/Info.plist",
                "com.vendor.other System/Volumes/Data/Elsewhere/Other.app/Contents/Info.plist",
                "scanner System/Volumes/Preboot/opt/vendor/scanner",
            ] {
                let line = line.replacen(' ', &format!(" {prefix}"), 1);
                assert!(found.iter().any(|found| found.starts_with(&line)), "{line} in {found:#?}");
            }
            assert_eq!(last.state, CoverageState::Read, "{coverage:?}");
            assert!(coverage.iter().any(|one| one.path == format!("disk.img!{prefix}APFS")), "{coverage:?}");
        }
    }

    #[test]
    fn all_of_a_planted_root_is_found_in_an_image() {
        let root = roots::macos(&roots::Planted {
            team: "VENDORTEAM",
            bundles: &["com.vendor.a", "com.vendor.b"],
            ..roots::Planted::default()
        });
        let entries = || root.iter().map(|(path, bytes)| Entry::new(path, Kind::File(bytes))).collect();
        for form in [Form::Hashed, Form::CaseInsensitive, Form::Plain, Form::Sealed] {
            let disk =
                apfs::container(&[Volume { name: "Mac", form, entries: entries(), ..Volume::default() }]);
            for bytes in [disk.clone(), container::dmg(&disk), container::dmg(&container::gpt(&disk))] {
                let (items, _, last) = seen(&bytes);
                let mut found: Vec<&str> = items
                    .iter()
                    .flat_map(|item| &item.traits)
                    .map(|found| found.value.as_str())
                    .filter(|value| value.starts_with("com.vendor") || *value == "VENDORTEAM")
                    .collect();
                found.sort_unstable();
                found.dedup();
                assert_eq!(found, ["VENDORTEAM", "com.vendor.a", "com.vendor.b"], "{form:?}");
                assert_eq!(last.state, CoverageState::Read);
            }
        }
    }

    #[test]
    fn encrypted_volumes_and_snapshots_are_told_by_name() {
        let open = volume("Open", 0, [0; 16], vec![Entry::new("opt/vendor/scanner", Kind::File(b"x"))]);
        let disk = apfs::container(&[
            Volume { form: Form::Encrypted, ..volume("Private", apfs::DATA, GROUP, vec![]) },
            Volume { snapshots: 2, ..open.clone() },
        ]);
        let (items, coverage, last) = seen(&disk);
        assert_eq!(lines(&items), ["scanner Open/opt/vendor/scanner", "vendor Open/opt/vendor"]);
        let state = |path: &str| &coverage.iter().find(|one| one.path == path).expect("told").state;
        let why = |state: &CoverageState| match state {
            CoverageState::NotRead(why) | CoverageState::Partly(why) => why.clone(),
            _ => String::new(),
        };
        assert!(matches!(state("disk.img!Private/APFS"), CoverageState::NotRead(_)));
        assert!(why(state("disk.img!Private/APFS")).contains("Private (data) (FileVault)"));
        assert!(matches!(state("disk.img!Open/APFS"), CoverageState::Partly(_)));
        assert!(why(state("disk.img!Open/APFS")).contains("2 snapshots of the APFS volume Open"));
        let expected = "2 of its 2 volumes could not be read, or not wholly";
        assert_eq!(last.state, CoverageState::Partly(expected.to_owned()));
        // A container that is none inside.
        let mut broken = disk;
        broken.truncate(4096);
        let (_, coverage, last) = seen(&broken);
        assert!(
            matches!(&coverage[0].state, CoverageState::NotRead(why) if why.contains("APFS")),
            "{coverage:?}"
        );
        assert!(matches!(last.state, CoverageState::NotRead(_)));
    }

    #[test]
    fn what_shows_through_firm_links_keeps_its_path() {
        for (path, seen) in [
            ("Applications/A.app", "Applications/A.app"),
            ("ApplicationsX/A.app", "System/Volumes/Data/ApplicationsX/A.app"),
            ("Users/u/Library/x", "Users/u/Library/x"),
            ("usr/local/bin/x", "usr/local/bin/x"),
            ("usr/share/snmp/x", "usr/share/snmp/x"),
            ("usr/bin/x", "System/Volumes/Data/usr/bin/x"),
        ] {
            assert_eq!(Place::Data.path(path), seen);
        }
        assert_eq!(Place::Below("System/Volumes/VM".to_owned()).path("swap"), "System/Volumes/VM/swap");
    }
}
