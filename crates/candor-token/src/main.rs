//! Has a PKCS #11 token sign with Ed25519: `candor-token MODULE TOKEN OBJECT [PIN-FILE]`.
//!
//! `MODULE` is the vendor's library, `TOKEN` the label of the token, `OBJECT` that of the key. What is to be signed comes
//! by standard input. Out go two lines of hexadecimal digits: the public key, and the signature. When nothing comes in,
//! nothing is signed, and the second line is empty.
//!
//! A module is code of somebody else that runs with all that its process may do, in C as a rule. It therefore has a process
//! of its own, that reads nothing but what is to be signed and the PIN; `candor publish` verifies what comes out, and neither
//! it nor any program that reads hostile bytes can load a module.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the answer to whoever started it")]

use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail, ensure};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, ObjectClass, ObjectHandle};
use cryptoki::session::{Session, UserType};
use cryptoki::types::AuthPin;

/// The most bytes that are signed: metadata of a release is some thousand.
const MOST: u64 = 16 << 20;

/// The most bytes of a file with a PIN that are read.
const LONGEST_PIN: u64 = 4096;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (module, token, object, pin) = match words.as_slice() {
        [module, token, object] => (module, token, object, None),
        [module, token, object, pin] => (module, token, object, Some(pin)),
        _ => bail!("candor-token MODULE TOKEN OBJECT [PIN-FILE]"),
    };
    let mut message = Vec::new();
    std::io::stdin().take(MOST + 1).read_to_end(&mut message)?;
    ensure!(u64::try_from(message.len())? <= MOST, "more than {MOST} bytes are to be signed");
    let pin = pin.map(|file| read_pin(Path::new(file))).transpose()?;
    let session = open(module, token, pin)?;
    println!("{}", digits(&public(&session, object)?));
    if message.is_empty() {
        println!();
        return Ok(());
    }
    let key = one(&session, ObjectClass::PRIVATE_KEY, object)?;
    let mechanism = Mechanism::Eddsa(EddsaParams::new(EddsaSignatureScheme::Ed25519));
    let signature = session.sign(&mechanism, key, &message).context("the token does not sign")?;
    println!("{}", digits(&signature));
    Ok(())
}

/// The first line of a file.
fn read_pin(path: &Path) -> anyhow::Result<AuthPin> {
    let mut text = String::new();
    let name = || path.display().to_string();
    std::fs::File::open(path)
        .with_context(name)?
        .take(LONGEST_PIN)
        .read_to_string(&mut text)
        .with_context(name)?;
    let line = text.lines().next().filter(|line| !line.is_empty());
    let line = line.with_context(|| format!("{}: there is no PIN in it", path.display()))?;
    Ok(AuthPin::new(line.to_owned().into_boxed_str()))
}

/// Loads the module, and opens the one token of this label.
fn open(module: &str, label: &str, pin: Option<AuthPin>) -> anyhow::Result<Session> {
    let context = Pkcs11::new(module).with_context(|| format!("{module} is no module of PKCS #11"))?;
    context
        .initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))
        .context("the module does not start")?;
    let mut found = Vec::new();
    for slot in context.get_slots_with_token()? {
        if context.get_token_info(slot)?.label() == label {
            found.push(slot);
        }
    }
    let [slot] = found.as_slice() else {
        bail!("{} tokens have the label {label}, and not one", found.len());
    };
    let session = context.open_ro_session(*slot)?;
    if let Some(pin) = pin {
        session.login(UserType::User, Some(&pin)).context("the token does not take the PIN")?;
    }
    Ok(session)
}

/// The one object of a class and label.
fn one(session: &Session, class: ObjectClass, label: &str) -> anyhow::Result<ObjectHandle> {
    let wanted = [Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())];
    let found = session.find_objects(&wanted)?;
    match found.as_slice() {
        [one] => Ok(*one),
        _ => bail!("{} keys of the right kind have the label {label}, and not one", found.len()),
    }
}

/// The public half: a point, which tokens give by itself or as the octet string that PKCS #11 asks for.
fn public(session: &Session, label: &str) -> anyhow::Result<[u8; 32]> {
    let key = one(session, ObjectClass::PUBLIC_KEY, label)?;
    let attributes = session.get_attributes(key, &[AttributeType::EcPoint])?;
    let Some(Attribute::EcPoint(point)) = attributes.first() else {
        bail!("the token does not give the public key")
    };
    let plain = point.strip_prefix(&[0x04, 0x20]).unwrap_or(point);
    plain.try_into().ok().with_context(|| format!("{label} is no key of Ed25519"))
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
