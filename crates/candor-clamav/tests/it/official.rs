//! `--official-db-only`: nothing is in force but what somebody signed who is believed.

use candor_fixtures::certificate::Signer;
use candor_fixtures::release::Release;

use crate::place::Place;

/// A folder with a container that is signed by a certificate, one that is not, and databases of somebody's own. `None`
/// where nobody can sign.
fn place() -> Option<Place> {
    let place = Place::new();
    std::fs::create_dir(place.path("signer")).unwrap();
    let signer = Signer::new(&place.path("signer"), "publisher")?;
    let daily =
        Release::new("daily", 101, &[("daily.ndb", "Official.Marker:0:*:6f6666696369616c2d6f6e65\n")]);
    let main = Release::new("main", 7, &[("main.ndb", "Forged.Marker:0:*:666f726765642d6f6e65\n")]);
    place.file("mixed/daily.cvd", &daily.container());
    place.file("mixed/daily-101.cvd.sign", &signer.sign(&daily.container()));
    // Its header is signed with a key that is nobody's, and there is no certificate for it.
    place.file("mixed/main.cvd", &main.container());
    place.file("mixed/own.ndb", b"Own.Marker:0:*:6f776e2d6f6e65\n");
    place.file("mixed/own.hdb", b"900150983cd24fb0d6963f7d28e17f72:3:Own.Sum\n");
    place.file("certs/publisher.pem", &signer.certificate());
    for (name, content) in
        [("m/1", "an official-one"), ("m/2", "an own-one"), ("m/3", "a forged-one"), ("m/4", "abc")]
    {
        place.file(name, content.as_bytes());
    }
    Some(place)
}

const FILES: [&str; 4] = ["m/1", "m/2", "m/3", "m/4"];

fn scan(place: &Place, options: &[&str]) -> (i32, String) {
    let cache = format!("--candor-cache-dir={}", place.path("cache").display());
    let usual = [cache.as_str(), "--no-summary", "--cvdcertsdir=certs"];
    let all: Vec<&str> = usual.iter().chain(options).chain(&FILES).copied().collect();
    let said = place.run(&place.path("bin/clamscan"), &all, b"");
    (said.code, said.stdout)
}

#[test]
fn nothing_but_signed_containers_is_in_force_when_so_wished() {
    let Some(place) = place() else { return };
    let all = "m/1: Official.Marker FOUND\nm/2: Own.Marker.UNOFFICIAL FOUND\nm/3: OK\nm/4: Own.Sum.UNOFFICIAL FOUND\n";
    let official = "m/1: Official.Marker FOUND\nm/2: OK\nm/3: OK\nm/4: OK\n";
    // Compiled, and out of the cache; one after the other, so that neither is taken for the other.
    for _ in 0..2 {
        assert_eq!(scan(&place, &["-d", "mixed"]), (1, all.to_owned()));
        assert_eq!(scan(&place, &["-d", "mixed", "--official-db-only"]), (1, official.to_owned()));
    }
    // Files that are named by themselves are measured alike.
    let named = ["-d", "mixed/daily.cvd", "-d", "mixed/own.ndb", "--official-db-only"];
    assert_eq!(scan(&place, &named), (1, official.to_owned()));
    assert_eq!(scan(&place, &["-d", "mixed/own.ndb", "--official-db-only"]), (2, String::new()));
}

#[test]
fn a_container_is_not_official_by_its_name() {
    let Some(place) = place() else { return };
    std::fs::remove_file(place.path("mixed/daily-101.cvd.sign")).unwrap();
    let (code, stdout) = scan(&place, &["-d", "mixed", "--official-db-only"]);
    assert_eq!((code, stdout.as_str()), (2, ""));
}
