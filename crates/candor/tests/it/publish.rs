//! A feed from its keys to a release, as people would make it at their machines.

use std::fs;

use crate::run::Place;

struct Maker {
    place: Place,
}

impl Maker {
    fn new() -> Self {
        let place = Place::new();
        place.file("password", "correct horse\n");
        Self { place }
    }

    /// Runs a command that must end well, and gives what it printed.
    fn run(&self, line: &str) -> String {
        let (code, stdout, stderr) = self.attempt(line);
        assert_eq!(code, 0, "{line}: {stdout}{stderr}");
        stdout
    }

    fn attempt(&self, line: &str) -> (i32, String, String) {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let said = self.place.run(&arguments);
        (said.code, said.stdout, said.stderr)
    }

    fn key(&self, name: &str, shown: &str) -> String {
        let line = format!("publish key --make --key {name}.pem --password-file password {shown}");
        self.run(&line).trim().to_owned()
    }
}

#[test]
fn a_feed_is_made_witnessed_and_taken() {
    let maker = Maker::new();
    let place = &maker.place;
    let mut init = "publish init feed --feed example.com/feed --log-policy log-policy".to_owned();
    for person in ["ada", "ben", "cem"] {
        init.push_str(&format!(" --root {}", maker.key(person, "")));
    }
    for person in ["dee", "eva"] {
        init.push_str(&format!(" --content {}", maker.key(person, "")));
    }
    init.push_str(&format!(" --online {}", maker.key("online", "")));
    let log = maker.key("log", "--log example.com/log");
    let witness = maker.key("witness", "--witness example.org/witness");
    let policy = format!("log {log}\nwitness w {witness}\nquorum w\n");
    place.file("log-policy", &policy);
    place.file(
        "policy.toml",
        format!("version = 1\nfeed = \"example.com/feed\"\n[log]\npolicy = '''\n{policy}'''\n"),
    );
    assert_eq!(maker.run(&init), "root 1 waits for signatures\n");

    let release = "publish release feed --online-key online.pem --log-key log.pem --password-file password";
    let sign = |who: &str, what: &str| {
        maker.run(&format!("publish sign --key {who}.pem --password-file password feed/staging/{what}"))
    };
    sign("ada", "root.json");
    sign("ben", "root.json");
    let (code, stdout, _) = maker.attempt(release);
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.starts_with("staging/root.json has 2 of 3 signatures\n"), "{stdout}");
    sign("cem", "root.json");
    assert_eq!(maker.run(release), "root 1 is published; there is no release yet\n");

    place.file("daily.ndb", "Test.One:0:*:0badc0de\n");
    place.file("harmless", "nothing of note\n");
    let added = maker.run("publish add feed daily.ndb --must-not-find harmless");
    assert_eq!(added, "release 1 waits for signatures\n");
    sign("dee", "targets.json");
    sign("eva", "targets.json");
    let (code, stdout, _) = maker.attempt(release);
    assert_eq!(code, 1);
    assert!(stdout.contains("waits for witnesses"), "{stdout}");
    let check = "publish serve-check feed/public --policy policy.toml";
    assert_eq!(maker.attempt(check).0, 2, "nothing is public before it is witnessed");

    let line = maker.run(&format!(
        "witness --key witness.pem --password-file password --name example.org/witness --log {log} \
         --state seen.toml --files feed/public/log feed/staging/checkpoint"
    ));
    assert!(line.starts_with("\u{2014} example.org/witness "), "{line}");
    place.file("feed/staging/cosignatures/w", &line);
    assert_eq!(maker.run(release), "release 1 is published\n");
    let shown = maker.run(check);
    assert!(shown.starts_with("a customer would be given release 1\n"), "{shown}");
    assert!(shown.contains("daily.ndb"), "{shown}");

    // A second repository agrees with what it has verified.
    let mut other =
        "publish init second --feed second.example/feed --root-threshold 1 --content-threshold 1".to_owned();
    other.push_str(&format!(" --root {}", maker.key("fay", "")));
    other.push_str(&format!(" --content {}", maker.key("gil", "")));
    other.push_str(&format!(" --online {}", maker.key("second-online", "")));
    maker.run(&other);
    let agree = "publish cosign second --of feed/public --root feed/public/1.root.json --policy policy.toml";
    assert_eq!(maker.run(agree), "agreement 1 with release 1 waits for signatures\n");
    let targets = fs::read_to_string(place.path("second/staging/targets.json")).unwrap();
    assert!(targets.contains("daily.tar.zst"), "{targets}");

    // What was tampered with is not served.
    let timestamp = place.path("feed/public/timestamp.json");
    let text = fs::read_to_string(&timestamp).unwrap();
    fs::write(&timestamp, text.replace("\"version\":1}", "\"version\":2}")).unwrap();
    let (code, _, stderr) = maker.attempt(check);
    assert_eq!(code, 2);
    assert!(stderr.contains("has 0 of the 1 signatures"), "{stderr}");
}

#[test]
fn a_program_is_not_added() {
    let maker = Maker::new();
    let key = |name: &str| maker.key(name, "");
    let init = format!(
        "publish init feed --feed f --root-threshold 1 --content-threshold 1 --root {} --content {} --online {}",
        key("a"),
        key("b"),
        key("c")
    );
    maker.run(&init);
    maker.place.file("evil.ndb", b"\x7fELF\x02\x01");
    maker.place.file("evil.cbc", "ClamBC");
    let (code, _, stderr) = maker.attempt("publish add feed evil.ndb");
    assert_eq!(code, 2);
    assert!(
        stderr.contains("`evil.ndb` is an ELF program, and a release holds nothing but data"),
        "{stderr}"
    );
    let (code, _, stderr) = maker.attempt("publish add feed evil.cbc");
    assert_eq!(code, 2);
    assert!(stderr.contains("is not of a language that a release may hold"), "{stderr}");
}

/// A token in software, if SoftHSM and what speaks to it are there: its module, and how the program finds it.
fn token(place: &Place) -> Option<&'static str> {
    let module = "/usr/lib/softhsm/libsofthsm2.so";
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_candor")).with_file_name("candor-token");
    if !std::path::Path::new(module).exists() || !program.exists() {
        return None;
    }
    let folder = place.path("tokens");
    fs::create_dir(&folder).unwrap();
    place.file("softhsm.conf", format!("directories.tokendir = {}\n", folder.display()));
    place.file("pin", "1234\n");
    for line in [
        "softhsm2-util --init-token --free --label People --so-pin 0000 --pin 1234".to_owned(),
        format!(
            "pkcs11-tool --module {module} --login --pin 1234 --token-label People --keypairgen --key-type \
             EC:edwards25519 --label dee --id 01"
        ),
    ] {
        let mut words = line.split_whitespace();
        let mut command = std::process::Command::new(words.next().unwrap());
        command.args(words).env("SOFTHSM2_CONF", place.path("softhsm.conf"));
        assert!(command.output().ok()?.status.success(), "{line}");
    }
    Some(module)
}

#[test]
fn a_key_in_a_token_signs_as_one_in_a_file_does() {
    let maker = Maker::new();
    let Some(module) = token(&maker.place) else { return };
    let with_token = |line: &str| {
        let arguments: Vec<&str> = line.split_whitespace().collect();
        let mut command = maker.place.command(&arguments);
        let output = command.env("SOFTHSM2_CONF", maker.place.path("softhsm.conf")).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), said, String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let uri = format!("pkcs11:token=People;object=dee?module-path={module}");
    let (code, public, stderr) = with_token(&format!("publish key --token {uri} --password-file pin"));
    assert_eq!((code, public.trim().len()), (Some(0), 64), "{stderr}");
    let init = format!(
        "publish init feed --feed f --root-threshold 1 --content-threshold 1 --root {} --content {} --online {}",
        maker.key("a", ""),
        public.trim(),
        maker.key("online", "")
    );
    maker.run(&init);
    let release = "publish release feed --online-key online.pem --password-file password";
    maker.run("publish sign --key a.pem --password-file password feed/staging/root.json");
    maker.run(release);
    maker.place.file("daily.ndb", "Test.One:0:*:0badc0de\n");
    maker.run("publish add feed daily.ndb");
    let (code, _, stderr) =
        with_token(&format!("publish sign --token {uri} --password-file password feed/staging/targets.json"));
    assert!(code == Some(2) && stderr.contains("dee in People: the token does not take the PIN"), "{stderr}");
    let (code, stdout, _) = maker.attempt(release);
    assert!(code == 1 && stdout.contains("has 0 of 1 signatures"), "{stdout}");
    let (code, _, stderr) =
        with_token(&format!("publish sign --token {uri} --password-file pin feed/staging/targets.json"));
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(maker.run(release), "release 1 is published\n");
    maker.place.file(
        "policy.toml",
        "version = 1\nfeed = \"f\"\n[signatures]\nroot = 1\ncontent = 1\n[log]\nrequired = false\n",
    );
    let check = maker.run("publish serve-check feed/public --policy policy.toml");
    assert!(check.starts_with("a customer would be given release 1\n"), "{check}");
}
