//! `candor doctor`, and scans inside and outside of the jail.

use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Stdio;

use candor_fixtures::programs;

use crate::run::{Place, Said, eicar, is_root};

fn words(value: &serde_json::Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect()
}

#[test]
fn every_attempt_is_refused_and_every_layer_is_seen() {
    let place = Place::new();
    let program = place
        .command(&["doctor", "--prove", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let number = program.id();
    let said = Said::new(&program.wait_with_output().unwrap());
    let record = &said.json()[0];
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(record["jail"]["possible"], true);
    assert_eq!(words(&record["jail"]["missing"]), Vec::<&str>::new());
    assert!(words(&record["jail"]["in_force"]).contains(&"system-call-filter"));
    assert!(record["jail"]["calls"].as_array().unwrap().len() <= 25);
    let proofs = record["proofs"].as_array().unwrap();
    assert!(proofs.len() > 40);
    assert!(proofs.iter().all(|proof| proof["refused"] == true), "{proofs:?}");
    let processes = record["processes"].as_array().unwrap();
    // Others that run at the same time are seen, too, some of them about to begin or to end.
    let is_own = |process: &serde_json::Value| {
        let template = processes.iter().find(|template| template["process"] == process["parent"]);
        template.is_some_and(|template| template["parent"] == number)
    };
    let worker = processes.iter().find(|process| process["role"] == "worker" && is_own(process)).unwrap();
    assert_eq!(words(&worker["missing"]), Vec::<&str>::new());
    for layer in ["no-new-privileges", "system-call-filter", "no-capabilities", "not-dumpable"] {
        assert!(words(&worker["in_force"]).contains(&layer), "{layer}: {worker}");
    }
    // The kernel shows Landlock to nobody. Some more it shows only to who may trace any process, which root
    // may not in every container; the proofs above hold there, too.
    let hidden = words(&worker["hidden"]);
    if may_trace_all() {
        assert_eq!(hidden, ["landlock"]);
    } else {
        let links = ["cleared-environment", "empty-file-system", "closed-descriptors"];
        let unseen =
            |layer: &&str| *layer == "landlock" || links.contains(layer) || layer.ends_with("-namespace");
        assert!(hidden.iter().all(unseen), "{hidden:?}");
    }
}

#[test]
fn processes_of_other_scans_are_seen_whatever_the_program_is_called() {
    let place = Place::new();
    let copy = place.path("quite-different");
    programs::copy(env!("CARGO_BIN_EXE_candor"), &copy);
    let mut command = std::process::Command::new(&copy);
    // It waits for its input.
    let mut scan = command.args(["scan", "-"]).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let number = scan.id();
    let mut roles = Vec::new();
    for _ in 0..100 {
        let said = place.run(&["doctor", "--json"]);
        let processes = said.json()[0]["processes"].as_array().unwrap().clone();
        let of = |parent: u64| processes.iter().filter(move |process| process["parent"] == parent);
        roles = processes
            .iter()
            .filter(|process| process["process"] == number)
            .chain(of(number.into()))
            .chain(of(number.into()).flat_map(|template| of(template["process"].as_u64().unwrap())))
            .map(|process| process["role"].as_str().unwrap().to_owned())
            .collect();
        // A worker that was just made still bears the name of what it is a copy of.
        if roles == ["broker", "template", "worker"] {
            break;
        }
    }
    drop(scan.stdin.take());
    scan.wait().unwrap();
    assert_eq!(roles, ["broker", "template", "worker"]);
}

/// Whether `CAP_SYS_PTRACE` (19) is in force, without which `/proc` hides a process that is not dumpable.
fn may_trace_all() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    u64::from_str_radix(line.trim(), 16).unwrap() >> 19 & 1 == 1
}

/// The program as an ordinary user runs it: a copy that he can read, in a place that he can enter.
fn as_nobody(arguments: &[&str]) -> Option<Said> {
    if !is_root() {
        return None;
    }
    let place = Place::new();
    let copy = place.path("candor");
    programs::copy(env!("CARGO_BIN_EXE_candor"), &copy);
    place.file("clean", "clean");
    place.file("eicar.com", eicar());
    for path in [place.root().parent().unwrap(), &place.root()] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = std::process::Command::new(&copy);
    command.args(arguments).current_dir(place.root()).env_clear().uid(65534).gid(65534);
    Some(Said::new(&command.output().unwrap()))
}

#[test]
fn an_ordinary_user_has_the_same_jail() {
    if let Some(said) = as_nobody(&["doctor", "--json"]) {
        assert_eq!(said.code, 0, "{said:?}");
        assert_eq!(words(&said.json()[0]["jail"]["missing"]), Vec::<&str>::new());
    }
    if let Some(said) = as_nobody(&["scan", "--show-clean", "clean", "eicar.com"]) {
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.stdout.contains("clean: clean\n"), "{said:?}");
        assert!(said.stdout.contains("eicar.com: infected: Test.EICAR\n"), "{said:?}");
    }
}

#[test]
fn files_get_the_same_answers_inside_and_outside_of_the_jail() {
    let place = Place::new();
    place.file("db.ndb", "Found.Me:0:*:66696e646d65\nMore:0:*:6d65\n");
    place.file("empty", "");
    place.file("eicar.com", eicar());
    place.file("page.html", "<html><body>FINDME &amp; more</body></html>");
    place.file("text", "some text that has findme in it");
    place.file("cut.zip", b"PK\x03\x04\x14\x00\x00\x00\x08\x00");
    // Mapped in the jail, read outside.
    let mut large = vec![b'x'; 3 << 20];
    large.extend_from_slice(b"findme");
    place.file("large", large);
    for number in 0..700 {
        place.file(format!("many/{number}"), if number % 70 == 0 { "findme" } else { "nothing" });
    }
    let run = |more: &[&str]| {
        let mut all = vec!["scan", "--json", "--all-matches", "-d", "db.ndb"];
        all.extend(more);
        all.push(".");
        let said = place.run_cached(&all);
        let mut lines: Vec<String> =
            said.stdout.lines().filter(|line| !line.contains("\"summary\"")).map(str::to_owned).collect();
        lines.sort();
        (said.code, lines, said.stderr)
    };
    let outside = run(&["--no-sandbox"]);
    assert!(outside.1.len() > 700 && outside.0 == 1);
    assert_eq!(run(&[]), outside);
    assert_eq!(run(&["--jobs", "1"]), outside);
    assert_eq!(run(&["--jobs", "5"]), outside);
}

#[test]
fn signatures_give_the_same_image_inside_and_outside_of_the_jail() {
    let place = Place::new();
    place.file("db/a.ndb", "Found.Me:0:*:66696e646d65\nBad:0:*:6\n");
    place.file("db/b.hdb", "44d88612fea8a8f36de82e1278abb02f:68:Eicar\n");
    let inside = place.run(&["compile", "db", "-o", "inside"]);
    let outside = place.run(&["compile", "--no-sandbox", "db", "-o", "outside"]);
    assert_eq!(inside.code, 0, "{inside:?}");
    assert_eq!(inside.stdout.replace("inside", "outside"), outside.stdout);
    assert_eq!(inside.stderr, outside.stderr);
    assert_eq!(std::fs::read(place.path("inside")).unwrap(), std::fs::read(place.path("outside")).unwrap());
}
