//! Keys in PKCS #11 tokens, by `candor-token`: the vendor's code runs there, and never in this process.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::Context as _;
use candor_update::publish::{PublishError, Sign};

/// Where the program is when it is not beside this one.
const USUAL: &str = "/usr/libexec/candor/candor-token";

/// A key in a token.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    key: Address,
    pin: Option<PathBuf>,
    public: [u8; 32],
}

/// Where a key is, as RFC 7512 writes it: `pkcs11:token=LABEL;object=LABEL?module-path=FILE`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    token: String,
    object: String,
    module: String,
}

impl Token {
    /// Opens a key, with the PIN in the first line of a file.
    pub(crate) fn open(uri: &str, pin: Option<&Path>) -> anyhow::Result<Self> {
        let key = Address::parse(uri)?;
        let pin = pin.map(Path::to_path_buf);
        let said = ask(&key, pin.as_deref(), b"")?;
        let public = said.lines().next().and_then(bytes).context("the token says no public key")?;
        Ok(Self { key, pin, public })
    }
}

impl Sign for Token {
    fn public(&self) -> [u8; 32] {
        self.public
    }

    fn sign(&self, message: &[u8]) -> Result<[u8; 64], PublishError> {
        let said = ask(&self.key, self.pin.as_deref(), message)
            .map_err(|error| PublishError::Key(format!("{error:#}")))?;
        let signature = said.lines().nth(1).and_then(bytes);
        signature.ok_or_else(|| PublishError::Key("the token gives no signature".to_owned()))
    }
}

/// Has a message signed; gives what was said.
fn ask(key: &Address, pin: Option<&Path>, message: &[u8]) -> anyhow::Result<String> {
    let beside = std::env::current_exe().ok().and_then(|own| Some(own.parent()?.join("candor-token")));
    let program = beside.filter(|path| path.is_file()).unwrap_or_else(|| PathBuf::from(USUAL));
    let mut child = Command::new(&program)
        .args([&key.module, &key.token, &key.object])
        .args(pin)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} cannot be started", program.display()))?;
    if let Some(mut input) = child.stdin.take() {
        // If it does not want it, it says why.
        drop(input.write_all(message));
    }
    let output = child.wait_with_output()?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said = said.trim().trim_start_matches("Error: ").replace('\n', " ");
        anyhow::bail!("{} in {}: {said}", key.object, key.token);
    }
    String::from_utf8(output.stdout).context("the token says what is no text")
}

impl Address {
    fn parse(uri: &str) -> anyhow::Result<Self> {
        let rest =
            uri.strip_prefix("pkcs11:").context("the address of a key in a token begins with pkcs11:")?;
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (mut token, mut object, mut module) = (None, None, None);
        for part in path.split(';').chain(query.split('&')).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').with_context(|| format!("{part} has no value"))?;
            let value = decoded(value).with_context(|| format!("{part} is not written properly"))?;
            let place = match name {
                "token" => &mut token,
                "object" => &mut object,
                "module-path" => &mut module,
                "pin-value" => anyhow::bail!(
                    "a PIN does not belong into a command, which others can see: --password-file has it"
                ),
                _ => anyhow::bail!("{name} is not understood: only token, object and module-path are"),
            };
            anyhow::ensure!(place.replace(value).is_none(), "{name} comes twice");
        }
        Ok(Self {
            token: token.context("the address does not say which token")?,
            object: object.context("the address does not say which object")?,
            module: module.context("the address does not say module-path, the vendor's library")?,
        })
    }
}

/// A value of which some bytes are written as `%` and two digits.
fn decoded(text: &str) -> Option<String> {
    let mut parts = text.split('%');
    let mut decoded = parts.next()?.as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2)?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        decoded.push(u8::from_str_radix(digits, 16).ok()?);
        decoded.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(decoded).ok().filter(|text| !text.contains('\0'))
}

/// So many bytes, written as hexadecimal digits.
fn bytes<const LENGTH: usize>(digits: &str) -> Option<[u8; LENGTH]> {
    // What reads numbers takes a sign, too.
    if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) || digits.len() != LENGTH.checked_mul(2)? {
        return None;
    }
    let pairs = digits
        .as_bytes()
        .chunks(2)
        .map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    pairs.collect::<Option<Vec<u8>>>()?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_they_are_written() {
        let address =
            Address::parse("pkcs11:token=My%20token;object=content-1?module-path=/usr/lib/x.so").unwrap();
        let wanted =
            Address { token: "My token".into(), object: "content-1".into(), module: "/usr/lib/x.so".into() };
        assert_eq!(address, wanted);
        for (uri, why) in [
            ("token=a", "begins with pkcs11:"),
            ("pkcs11:token=a;object=b", "module-path"),
            ("pkcs11:object=b?module-path=/x", "which token"),
            ("pkcs11:token=a?module-path=/x", "which object"),
            ("pkcs11:token=a;token=b;object=c?module-path=/x", "token comes twice"),
            ("pkcs11:token=a;object=c?module-path=/x&pin-value=1234", "--password-file"),
            ("pkcs11:token=a;object=c?module-path=/x&pin-source=/y", "pin-source is not understood"),
            ("pkcs11:token=a;object=%zz?module-path=/x", "not written properly"),
            ("pkcs11:token=a;object=%0?module-path=/x", "not written properly"),
            ("pkcs11:token=a;object=%+f?module-path=/x", "not written properly"),
            ("pkcs11:token=a;object=%00?module-path=/x", "not written properly"),
        ] {
            let error = Address::parse(uri).unwrap_err().to_string();
            assert!(error.contains(why), "{uri}: {error}");
        }
    }

    #[test]
    fn digits_are_as_many_as_are_wanted() {
        assert_eq!(bytes::<2>("0aff"), Some([0x0a, 0xff]));
        for digits in ["", "0a", "0aff00", "0afg", "0af", "0a+f"] {
            assert_eq!(bytes::<2>(digits), None, "{digits}");
        }
    }
}
