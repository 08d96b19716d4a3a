//! Somebody who signs databases by a certificate, as `openssl` does it where it is installed.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Who signs: a key and a certificate in a folder.
#[derive(Clone, Debug)]
pub struct Signer {
    folder: PathBuf,
    name: &'static str,
}

impl Signer {
    /// One of this name, with a key of its own. `None` where there is no `openssl`.
    #[must_use]
    pub fn new(folder: &Path, name: &'static str) -> Option<Self> {
        let signer = Self { folder: folder.to_path_buf(), name };
        let made = signer.openssl(&format!(
            "req -x509 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem -days 30 -subj /CN={name} -addext \
             basicConstraints=critical,CA:TRUE"
        ));
        made.then_some(signer)
    }

    /// The certificate, in PEM.
    ///
    /// # Panics
    /// It is gone.
    #[must_use]
    pub fn certificate(&self) -> Vec<u8> {
        fs::read(self.folder.join(format!("{}.pem", self.name))).expect("a certificate")
    }

    /// What stands in a `.sign` beside a file of these bytes.
    ///
    /// # Panics
    /// It cannot be signed.
    #[must_use]
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        let name = self.name;
        fs::write(self.folder.join("to-be-signed"), bytes).expect("a file");
        let signed = self.openssl(&format!(
            "cms -sign -binary -in to-be-signed -signer {name}.pem -inkey {name}.key -outform PEM -out signed -md sha256"
        ));
        assert!(signed, "openssl cannot sign");
        let pem = fs::read_to_string(self.folder.join("signed")).expect("what was signed");
        let digits: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        format!("#clamsign-1.0\n::pkcs7-pem:{digits}\n").into_bytes()
    }

    fn openssl(&self, arguments: &str) -> bool {
        let mut command = Command::new("openssl");
        command.args(arguments.split(' ')).current_dir(&self.folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }
}
