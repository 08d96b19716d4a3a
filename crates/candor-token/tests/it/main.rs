//! The program with SoftHSM, a token in software, where it is installed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ed25519_dalek::{Signature, VerifyingKey};

/// Where Debian puts its module.
const MODULE: &str = "/usr/lib/softhsm/libsofthsm2.so";

/// A token with one key.
struct Token(tempfile::TempDir);

impl Token {
    /// `None` where there is no SoftHSM, or nothing that makes keys in it.
    fn new() -> Option<Self> {
        if !Path::new(MODULE).exists() {
            return None;
        }
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join("tokens")).unwrap();
        let conf = format!("directories.tokendir = {}\n", place.path().join("tokens").display());
        std::fs::write(place.path().join("conf"), conf).unwrap();
        std::fs::write(place.path().join("pin"), "1234\n").unwrap();
        let token = Self(place);
        let made = token.run("softhsm2-util", "--init-token --free --label candor --so-pin 0000 --pin 1234")?
            && token.run(
                "pkcs11-tool",
                &format!(
                    "--module {MODULE} --login --pin 1234 --token-label candor --keypairgen --key-type EC:edwards25519 --label one --id 01"
                ),
            )?;
        assert!(made, "SoftHSM makes no key");
        Some(token)
    }

    fn run(&self, program: &str, arguments: &str) -> Option<bool> {
        let mut command = Command::new(program);
        command.args(arguments.split(' ')).env("SOFTHSM2_CONF", self.file("conf"));
        Some(command.stdout(Stdio::null()).stderr(Stdio::null()).status().ok()?.success())
    }

    fn file(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn ask(&self, arguments: &[&str], message: &[u8]) -> Output {
        let mut child = Command::new(env!("CARGO_BIN_EXE_candor-token"))
            .args(arguments)
            .env("SOFTHSM2_CONF", self.file("conf"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Whoever cannot sign may be gone before it reads.
        drop(child.stdin.take().unwrap().write_all(message));
        child.wait_with_output().unwrap()
    }
}

fn bytes<const LENGTH: usize>(digits: &str) -> [u8; LENGTH] {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    let all: Vec<u8> = pairs.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
    all.try_into().unwrap()
}

#[test]
fn a_token_signs_what_comes_in_and_says_whose_key_it_is() {
    let Some(token) = Token::new() else { return };
    let pin = token.file("pin").display().to_string();
    let output = token.ask(&[MODULE, "candor", "one", &pin], b"what is to be signed");
    let said = String::from_utf8(output.stdout).unwrap();
    let [public, signature] = said.lines().collect::<Vec<_>>()[..] else { panic!("{said}") };
    let key = VerifyingKey::from_bytes(&bytes(public)).unwrap();
    let signature = Signature::from_bytes(&bytes(signature));
    key.verify_strict(b"what is to be signed", &signature).unwrap();
    assert!(key.verify_strict(b"something else", &signature).is_err());
    // Nothing is signed when nothing comes in.
    let output = token.ask(&[MODULE, "candor", "one", &pin], b"");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{public}\n\n"));
}

#[test]
fn what_cannot_sign_says_why() {
    let Some(token) = Token::new() else { return };
    let pin = token.file("pin").display().to_string();
    std::fs::write(token.file("wrong"), "4321\n").unwrap();
    std::fs::write(token.file("empty"), "").unwrap();
    let (wrong, empty) =
        (token.file("wrong").display().to_string(), token.file("empty").display().to_string());
    for (arguments, why) in [
        (&[MODULE, "candor", "two", pin.as_str()][..], "0 keys of the right kind have the label two"),
        (&[MODULE, "other", "one", &pin], "0 tokens have the label other"),
        (&[MODULE, "candor", "one", &wrong], "the token does not take the PIN"),
        (&[MODULE, "candor", "one", &empty], "there is no PIN in it"),
        (&[MODULE, "candor", "one"], "0 keys of the right kind"),
        (&["/etc/hostname", "candor", "one", &pin], "/etc/hostname is no module of PKCS #11"),
        (&[MODULE], "candor-token MODULE TOKEN OBJECT"),
    ] {
        let output = token.ask(arguments, b"x");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(!output.status.success() && said.contains(why), "{arguments:?}: {said}");
        assert!(printed.lines().count() < 2, "{arguments:?}: {printed}");
    }
}
