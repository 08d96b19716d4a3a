//! What a server has beside a file: signatures by certificates (`.sign`). Where one was seen once, it is needed since, for
//! databases and for patches each; who leaves it out, keeps it back or spoils it gets nothing for it.

use crate::source::fetch::FileWish;

use super::sign::{self, MOST_SIGNATURES};
use super::trust::OldSignature;
use super::update::{Level, Tried, Trouble, Try};

/// What patches of a database are remembered as, where it is remembered what had a signature by certificates.
#[must_use]
pub fn patches_of(database: &str) -> String {
    format!("{database}.cdiff")
}

/// What a server has beside a file.
enum Beside {
    /// A signature by somebody who is trusted.
    Valid,
    /// One that is not.
    Invalid,
    /// Nothing, or nobody wants to know.
    Missing,
}

impl Try<'_> {
    /// Looks for a signature by certificates beside a container, and decides whether what vouches for it is enough.
    pub(super) fn vouched(&mut self, file: &str, bytes: &[u8], version: u64) -> Result<(), Trouble> {
        let name = self.order.database.clone();
        let needs = self.order.needs_signature;
        let beside = file.replacen(&name, &format!("{name}-{version}"), 1) + ".sign";
        let found = if self.asks(needs) {
            let tried = self.one(self.wish_beside(&beside));
            self.judge(&beside, bytes, &tried)?
        } else {
            Beside::Missing
        };
        match found {
            Beside::Valid => {
                self.world.saw_signature(&name);
                return Ok(());
            }
            Beside::Invalid => return Err(Trouble::BadDatabase),
            Beside::Missing if needs => {
                let text = format!(
                    "{beside} is missing; {name} was signed by certificates before, and needs to be since"
                );
                self.world.say(Level::Error, &text);
                return Err(Trouble::BadDatabase);
            }
            Beside::Missing => (),
        }
        if !has_old_signature_only(file) {
            return Ok(());
        }
        if self.trust.old_signature == OldSignature::Refuse {
            let text = format!("{file} is signed by RSA over MD5 alone, which is not accepted here");
            self.world.say(Level::Error, &text);
            return Err(Trouble::BadDatabase);
        }
        self.world.say(Level::Warning, &format!("{file} is signed by RSA over MD5 alone"));
        Ok(())
    }

    /// What is beside the patches that came, asked for together; nothing when nobody wants to know.
    pub(super) fn beside_patches(&mut self, files: &[String], answers: &[Tried]) -> Vec<Tried> {
        let came = files.iter().zip(answers).take_while(|(_, tried)| is_there(tried)).map(|(file, _)| file);
        let wishes: Vec<FileWish> = came.map(|file| self.wish_beside(&format!("{file}.sign"))).collect();
        if wishes.is_empty() || !self.asks(self.order.needs_patch_signature) {
            return Vec::new();
        }
        self.world.fetch(&wishes, false)
    }

    /// Whether a patch may be carried out, as far as signatures by certificates go. It has one of its own in any case
    /// (RSA with SHA-256), without which nothing in it is unpacked; so one that was never seen beside patches is not missed.
    pub(super) fn patch_vouched(
        &mut self,
        file: &str,
        bytes: &[u8],
        tried: Option<Tried>,
    ) -> Result<bool, Trouble> {
        let needs = self.order.needs_patch_signature;
        if bytes.is_empty() || !self.asks(needs) {
            // An empty patch says that there is none; it is never carried out.
            return Ok(true);
        }
        let name = self.order.database.clone();
        let beside = format!("{file}.sign");
        match self.judge(&beside, bytes, &tried.unwrap_or_default())? {
            Beside::Valid => {
                self.world.saw_signature(&patches_of(&name));
                Ok(true)
            }
            Beside::Invalid => Ok(false),
            Beside::Missing if needs => {
                let text = format!(
                    "{beside} is missing; patches of {name} were signed by certificates before, and need to be since"
                );
                self.world.say(Level::Warning, &text);
                Ok(false)
            }
            Beside::Missing => Ok(true),
        }
    }

    /// Whether it matters what is beside a file: somebody is trusted, or it is needed.
    fn asks(&self, needs: bool) -> bool {
        needs || !self.trust.certificates.is_empty()
    }

    fn wish_beside(&self, beside: &str) -> FileWish {
        FileWish { url: self.url(beside), most: MOST_SIGNATURES, first: None, since: None }
    }

    /// What to make of an answer to the question for the signatures beside a file.
    fn judge(&mut self, beside: &str, bytes: &[u8], tried: &Tried) -> Result<Beside, Trouble> {
        match (&tried.answer.failure, tried.answer.status) {
            (None, Some(200)) => {
                let (trusted, now) = (&self.trust.certificates, self.world.now());
                let level = u64::from(candor_signature::clamav::FUNCTIONALITY_LEVEL);
                match sign::verify(&tried.bytes, bytes, trusted, level, now) {
                    Ok(()) => Ok(Beside::Valid),
                    Err(error) => {
                        self.world.say(Level::Error, &format!("{beside}: {error}"));
                        Ok(Beside::Invalid)
                    }
                }
            }
            (None, Some(404)) => Ok(Beside::Missing),
            (None, Some(status @ (403 | 429))) => Err(self.refused(status, tried, beside)),
            // Whoever keeps it back must not be better off than whoever spoils it.
            (Some(failure), _) => {
                self.world.say(Level::Warning, &format!("{beside}: {failure}"));
                Err(Trouble::FailedGet)
            }
            (None, status) => {
                let text = format!("{beside}: Unexpected response ({})", status.unwrap_or(0));
                self.world.say(Level::Warning, &text);
                Err(Trouble::FailedGet)
            }
        }
    }
}

/// Whether a whole file came.
pub(super) fn is_there(tried: &Tried) -> bool {
    tried.answer.failure.is_none() && tried.answer.status == Some(200)
}

fn has_old_signature_only(file: &str) -> bool {
    file.ends_with(".cvd")
}
