//! `candor audit`, from files to the report.

use candor_fixtures::executable::Executable;
use candor_fixtures::zip::archive_of;

use crate::run::{KEY, PUBLIC_KEY, Place};

/// A root of Linux with a product of a prohibited vendor, and one without.
fn roots(place: &Place) {
    let ordinary =
        "Package: bash\nStatus: install ok installed\nMaintainer: Debian <x@debian.org>\nVersion: 5.2\n";
    let product = "\nPackage: kesl\nStatus: install ok installed\nMaintainer: AO Kaspersky Lab <support@kaspersky.com>\nVersion: 12.1.0-1234\n";
    place.file("clean/var/lib/dpkg/status", ordinary);
    place.file("host/var/lib/dpkg/status", format!("{ordinary}{product}"));
    place.file("host/opt/kaspersky/kesl/bin/kesl", "not a program");
}

/// The same thing as an inventory.
fn inventory(place: &Place, name: &str, bases: &str) {
    let text = format!(
        r#"{{"items":[{{"kind":"package","name":"kesl","version":"12.1","place":{{"reader":"dpkg","path":"var/lib/dpkg/status","inside":null}},
        "traits":[{{"surface":"linux-package","value":"kesl"}},{{"surface":"supplier","value":"AO Kaspersky Lab"}}],
        "moments":{{"bases":"{bases}"}}}}],"coverage":[{{"reader":"dpkg","path":"var/lib/dpkg/status","state":{{"state":"read"}},"items":1}}]}}"#
    );
    place.file(name, text);
}

#[test]
fn a_product_on_a_root_is_found_and_judged() {
    let place = Place::new();
    roots(&place);
    let said = place.run(&[
        "audit",
        "host",
        "--profile",
        "us-contractor",
        "--as-of",
        "2026-01-01",
        "--format",
        "json",
    ]);
    assert_eq!(said.code, 1, "{said:?}");
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let finding = &report["subjects"][0]["findings"][0];
    assert_eq!(finding["finding"]["standing"], "found", "{finding}");
    assert_eq!(finding["finding"]["product"], "Kaspersky Endpoint Security for Linux");
    let outcome = |regime: &str| {
        let all = finding["judgements"].as_array().unwrap();
        all.iter().find(|judgement| judgement["regime"] == regime).unwrap()["outcome"].clone()
    };
    assert_eq!(outcome("us-far-52.204-23"), "prohibited");
    assert_eq!(outcome("us-bis-icts-kaspersky"), "supply-prohibited");
    assert_eq!(report["as_of"], "2026-01-01");
}

/// Writes systems that are made for tests, and says what they are called.
fn systems(place: &Place, is_planted: bool) -> [&'static str; 4] {
    use candor_fixtures::roots::{Planted, linux, macos, windows};
    use candor_fixtures::vendors;
    let what = |planted: Planted<'static>| if is_planted { planted } else { Planted::default() };
    for (folder, root) in [
        ("linux", linux(&what(vendors::linux()))),
        ("windows", windows(&what(vendors::windows()))),
        ("macos", macos(&what(vendors::macos()))),
    ] {
        for (path, bytes) in root {
            place.file(format!("{folder}/{path}"), bytes);
        }
    }
    place.file("network.csv", vendors::network(is_planted));
    ["linux", "windows", "macos", "network.csv"]
}

#[test]
fn each_of_the_54_groups_of_identifiers_is_found_on_systems_that_have_them() {
    let place = Place::new();
    let said = place
        .run(&[&["audit"][..], &systems(&place, true), &["--as-of", "2026-01-01", "-f", "json"]].concat());
    assert_eq!(said.code, 1, "{said:?}");
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let subjects = report["subjects"].as_array().unwrap();
    let mut missing = Vec::new();
    for group in candor_fixtures::vendors::GROUPS {
        let subject =
            subjects.iter().find(|one| one["name"].as_str().unwrap().starts_with(group.system)).unwrap();
        let findings = subject["findings"].as_array().unwrap();
        let is_found = findings.iter().map(|one| &one["finding"]).any(|finding| {
            finding["vendor"] == group.vendor
                && finding["evidence"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .any(|one| one["kind"] == group.kind && one["strength"] == group.strength)
        });
        if !is_found {
            missing.push(group);
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn the_same_systems_without_them_are_a_nil_return() {
    let place = Place::new();
    let said = place
        .run(&[&["audit"][..], &systems(&place, false), &["--as-of", "2026-01-01", "-f", "json"]].concat());
    assert_eq!(said.code, 0, "{said:?}");
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    let summary = &report["summary"];
    assert_eq!((&summary["nil_return"], &summary["complete"]), (&true.into(), &true.into()), "{summary}");
    assert_eq!((&summary["found"], &summary["leads"]), (&0.into(), &0.into()), "{summary}");
    assert!(summary["items"].as_u64().unwrap() > 20, "{summary}");
}

#[test]
fn what_only_mentions_vendors_is_a_nil_return_without_leads() {
    let place = Place::new();
    for (path, bytes) in candor_fixtures::vendors::traps() {
        place.file(format!("host/{path}"), bytes);
    }
    let said = place.run(&["audit", "host", "--as-of", "2026-01-01", "--fail-on", "lead", "-f", "json"]);
    assert_eq!(said.code, 0, "{said:?}");
    let report: serde_json::Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(
        (&report["summary"]["found"], &report["summary"]["leads"]),
        (&0.into(), &0.into()),
        "{report}"
    );
    assert!(report["summary"]["items"].as_u64().unwrap() > 10, "{report}");
}

#[test]
fn nothing_found_is_said() {
    let place = Place::new();
    roots(&place);
    let said = place.run(&["audit", "clean", "--as-of", "2026-01-01"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.stdout.starts_with("Nil return: nothing of a listed vendor was found on 1 subject."),
        "{said:?}"
    );
    for told in [
        "As of            2026-01-01",
        "Profile          none",
        "SHA-256",
        "Method",
        "Coverage",
        "Blind spots",
    ] {
        assert!(said.stdout.contains(told), "{told}: {said:?}");
    }
}

#[test]
fn the_date_and_the_profile_decide() {
    let place = Place::new();
    inventory(&place, "old.json", "2024-08-01T00:00:00Z");
    inventory(&place, "new.json", "2025-01-01T00:00:00Z");
    let run = |file: &str, profile: &str, as_of: &str, fail_on: &str| {
        let all =
            ["audit", "--inventory", file, "--profile", profile, "--as-of", as_of, "--fail-on", fail_on];
        place.run(&all)
    };
    let said = run("old.json", "us-private", "2024-07-01", "prohibited");
    assert!(said.stdout.contains("from 2024-07-20"), "{said:?}");
    assert_eq!(said.code, 0, "{said:?}");
    let said = run("old.json", "us-private", "2025-02-01", "prohibited");
    assert!(said.stdout.contains("supply prohibited, use allowed"), "{said:?}");
    assert_eq!(said.code, 1, "{said:?}");
    let said = run("new.json", "us-private", "2025-02-01", "found");
    assert!(said.stdout.contains("updated after the cut-off"), "{said:?}");
    // A rule about phones says nothing of a server.
    let said = run("new.json", "ca-government", "2025-02-01", "found");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("not covered"), "{said:?}");
}

#[test]
fn a_question_that_makes_no_sense_is_refused_before_anything_is_looked_at() {
    let place = Place::new();
    for (arguments, told) in [
        (vec!["audit", "nowhere", "--as-of", "2024-02-31"], "\"2024-02-31\" is no date"),
        (vec!["audit", "nowhere", "--profile", "mars"], "there is no profile \"mars\"; there are au-entity"),
        (vec!["audit", "nowhere", "--policy", "missing"], "missing: cannot be read"),
        (vec!["audit", "nowhere"], "nowhere"),
        (vec!["audit", "--inventory", "nowhere"], "nowhere cannot be opened"),
    ] {
        let said = place.run(&arguments);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains(told), "{told}: {said:?}");
        assert_eq!(said.stdout, "", "{said:?}");
    }
    place.file("half.json", "{\"items\": [");
    let said = place.run(&["audit", "--inventory", "half.json"]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("half.json is no inventory"), "{said:?}");
}

#[test]
fn nothing_is_judged_by_half_a_policy() {
    let place = Place::new();
    inventory(&place, "host.json", "2025-01-01");
    place.file("own/vendors/good.toml", "id = \"acme\"\nname = \"Acme\"\nsummary = \"Rockets.\"\n");
    place.file("own/vendors/wrong.toml", "id = \"beta\"\nname = \"Beta\"\nsummary = \"x\"\nnonsense = 1\n");
    let said = place.run(&["audit", "--inventory", "host.json", "--policy", "own"]);
    assert_eq!((said.code, said.stdout.as_str()), (2, ""), "{said:?}");
    assert!(said.stderr.contains("vendors/wrong.toml:4: unknown field `nonsense`"), "{said:?}");
}

#[test]
fn own_vendors_and_rules_are_data() {
    let place = Place::new();
    place.file(
        "own/vendors/acme.toml",
        "id = \"acme\"\nname = \"Acme\"\nsummary = \"Rockets.\"\n\n[[identifiers]]\nkind = \"package\"\nsurface = \"linux-package\"\n\
         class = \"application\"\nstrength = \"strong\"\nsource = \"us\"\nvalues = [\"rocket\"]\n",
    );
    place.file(
        "own/regimes/house.toml",
        "id = \"house\"\ntitle = \"House rule\"\nkind = \"rule\"\njurisdiction = \"us\"\ntime-zone = \"Europe/Vienna\"\n\
         authority = \"we\"\ninstrument = \"memo\"\ncitation = \"memo 7\"\nsummary = \"No rockets.\"\nbinds = \"us\"\n\
         vendors = [\"acme\"]\nentities = [\"Acme\"]\ncovered = [\"rockets\"]\nembedded = \"covered\"\nconfidence = \"ours\"\n\
         sources = [\"memo 7\"]\n\n[[phase]]\nid = \"now\"\nfrom = \"2020-01-01\"\neffects = [\"none\"]\noutcome = \"prohibited\"\n\
         says = \"no rockets\"\n\n[[cover]]\nclasses = [\"application\"]\nis = \"covered\"\n",
    );
    place.file(
        "host/var/lib/dpkg/status",
        "Package: rocket\nStatus: install ok installed\nVersion: 1\nMaintainer: x\n",
    );
    let said = place.run(&["audit", "host", "--policy", "own", "--as-of", "2026-01-01"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("House rule: no rockets") && said.stdout.contains("memo 7"), "{said:?}");
    let said = place.run(&["audit", "policy", "regimes", "--policy", "own"]);
    assert!(said.stdout.contains("house: House rule"), "{said:?}");
}

#[test]
fn reports_are_sealed_in_a_chain() {
    let place = Place::new();
    inventory(&place, "host.json", "2025-01-01");
    place.file("key.pem", KEY);
    place.file("public.pem", PUBLIC_KEY);
    let audit = |output: &str| {
        let all = [
            "audit",
            "--inventory",
            "host.json",
            "-o",
            output,
            "-f",
            "html",
            "--chain",
            "chain.jsonl",
            "--key",
            "key.pem",
        ];
        place.run(&all)
    };
    assert_eq!(audit("one.html").code, 1);
    assert_eq!(audit("two.html").code, 1);
    let verify =
        |report: &str| place.run(&["audit", "verify", "chain.jsonl", report, "--public-key", "public.pem"]);
    let said = verify("two.html");
    assert_eq!(said.code, 0, "{said:?}");
    assert!(said.stdout.contains("two.html: entry "), "{said:?}");
    // Whoever kept the digest of the last entry sees when it is gone; that others came after it is no fault.
    let kept =
        said.stdout.split("the last one ").nth(1).unwrap().trim_end().split('\n').next().unwrap().to_owned();
    assert_eq!(audit("three.html").code, 1);
    let with_last = |chain: &str| place.run(&["audit", "verify", chain, "--last", &kept]);
    let said = with_last("chain.jsonl");
    assert!(said.code == 0 && said.stdout.contains("is of entry 1, 1 came after it"), "{said:?}");
    let whole = std::fs::read_to_string(place.path("chain.jsonl")).unwrap();
    place.file("short.jsonl", format!("{}\n", whole.lines().next().unwrap()));
    let said = with_last("short.jsonl");
    assert!(said.code == 1 && said.stdout.contains("no entry has the digest that was kept"), "{said:?}");
    place.file("other.html", "<p>nothing was found</p>");
    assert_eq!(verify("other.html").code, 1);
    let chain = std::fs::read_to_string(place.path("chain.jsonl")).unwrap();
    place.file("chain.jsonl", chain.replacen("\"nil_return\":false", "\"nil_return\":true", 1));
    let said = verify("two.html");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("entry 0 does not hold"), "{said:?}");
    // A chain that does not hold is not continued.
    let said = audit("four.html");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("does not hold, and is not continued"), "{said:?}");
}

#[test]
fn suppliers_are_compared_with_lists() {
    let place = Place::new();
    let said = place.run(&["audit", "party", "АО «Лаборатория Касперского»", "Bakery Miller"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("named by") && said.stdout.contains("Bakery Miller: no match"), "{said:?}");
    place.file(
        "list.csv",
        "id,schema,name,aliases\n1,Company,\"Bakery Miller, Inc.\",Miller Bread;Müller Brot\n",
    );
    place.file("names.txt", "Mueller Brot GmbH\n\nSomebody else\n");
    let said = place.run(&["audit", "party", "--file", "names.txt", "--list", "list.csv", "--json"]);
    assert_eq!(said.code, 1, "{said:?}");
    let answers = said.json();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["matches"][0]["listed"]["name"], "Bakery Miller, Inc.");
    assert_eq!(answers[1]["matches"].as_array().unwrap().len(), 0);
}

#[test]
fn what_comes_of_a_prohibited_vendor_is_a_finding_of_every_scan() {
    let place = Place::new();
    place.file("setup.exe", Executable::of_company("AO Kaspersky Lab"));
    place.file("other.exe", Executable::of_company("AO Kaspersky Laboratories of Somebody Else"));
    let watch = |profile: &str, as_of: &str| {
        let said = place.run(&["audit", "watch", "-o", "policy", "--profile", profile, "--as-of", as_of]);
        assert_eq!(said.code, 0, "{said:?}");
        place.run_cached(&["scan", "--database", "policy", "setup.exe", "other.exe"])
    };
    let said = watch("us-private", "2026-01-01");
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.stdout.contains("setup.exe: infected: Policy.us-bis-icts-kaspersky.kaspersky"), "{said:?}");
    assert!(!said.stdout.contains("other.exe"), "{said:?}");
    // Before the rule, and for whom it is advice only, there is no signature, and a scan by none is no scan.
    assert_eq!(watch("us-private", "2024-07-01").code, 2);
    assert_eq!(watch("de-private", "2026-01-01").code, 2);
}

#[test]
fn a_member_of_a_container_is_known_by_its_name() {
    let place = Place::new();
    place.run(&["audit", "watch", "-o", "policy", "--as-of", "2026-01-01", "--profile", "us-private"]);
    place.file("update.zip", archive_of("a/corebases.cab"));
    place.file("other.zip", archive_of("a/xcorebases.cab"));
    let said = place.run_cached(&["scan", "--database", "policy", "update.zip", "other.zip"]);
    assert!(said.stdout.contains("update.zip: infected: Policy.us-bis-icts-kaspersky.kaspersky"), "{said:?}");
    assert!(!said.stdout.contains("other.zip"), "{said:?}");
}

#[test]
fn lists_are_exported_for_what_keeps_vendors_away() {
    let place = Place::new();
    for (form, told) in [
        ("hosts", "0.0.0.0 kaspersky.com"),
        ("rpz", "*.kaspersky.com CNAME ."),
        ("dnsmasq", "address=/kaspersky.com/"),
        ("nftables", "table inet candor_policy"),
        ("squid", "http_access deny candor_prohibited"),
        ("applocker", "AO KASPERSKY LAB"),
        ("wdac", "ProductName=\"Kaspersky Anti-Virus\""),
        ("santa", "2Y8XE5CQ94"),
    ] {
        let said = place.run(&["audit", "block", form, "--profile", "us-private", "--as-of", "2026-01-01"]);
        assert_eq!(said.code, 0, "{said:?}");
        assert!(said.stdout.contains(told), "{form}: {said:?}");
    }
}
