//! What a server has beside a file: signatures by certificates (`.sign`). Where one was seen once, it is needed since, for
//! databases and for patches each; who leaves it out, keeps it back or spoils it gets nothing for it.

use crate::source::fetch::FileWish;

use super::database::{Database, Head};
use super::sign::MOST_SIGNATURES;
use super::update::{Level, Tried, Trouble, Try};
use super::vouch::{Believed, vouch};

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

impl<'a> Try<'a> {
    /// Looks for a signature by certificates beside a container; gives it if it is there, and valid.
    pub(super) fn beside(
        &mut self,
        file: &str,
        bytes: &[u8],
        version: u64,
    ) -> Result<Option<Vec<u8>>, Trouble> {
        let name = self.order.database.clone();
        let needs = self.order.needs_signature;
        let beside = file.replacen(&name, &format!("{name}-{version}"), 1) + ".sign";
        if !self.asks(needs) {
            return Ok(None);
        }
        let tried = self.one(self.wish_beside(&beside));
        match self.judge(&beside, bytes, &tried)? {
            Beside::Valid => {
                self.world.saw_signature(&name);
                Ok(Some(tried.bytes))
            }
            Beside::Invalid => Err(Trouble::BadDatabase),
            Beside::Missing if needs => {
                let text = format!(
                    "{beside} is missing; {name} was signed by certificates before, and needs to be since"
                );
                self.world.say(Level::Error, &text);
                Err(Trouble::BadDatabase)
            }
            Beside::Missing => Ok(None),
        }
    }

    /// Decides whether a container may vouch for itself.
    pub(super) fn vouches_for_itself(&mut self, file: &str, bytes: &[u8]) -> Result<(), Trouble> {
        if !has_old_signature_only(file) {
            return Ok(());
        }
        let believed = self.believed();
        if vouch(bytes, None, believed).is_err() {
            let text = format!("{file} is signed by RSA over MD5 alone, which is not accepted here");
            self.world.say(Level::Error, &text);
            return Err(Trouble::BadDatabase);
        }
        self.world.say(Level::Warning, &format!("{file} is signed by RSA over MD5 alone"));
        Ok(())
    }

    /// A container whose own signatures do not fit, if a signature beside it does.
    pub(super) fn vouched_for(
        &mut self,
        file: &str,
        bytes: &[u8],
    ) -> Result<Option<(Database, Vec<u8>)>, Trouble> {
        let Some(head) = Head::read(bytes).ok().filter(|_| has_old_signature_only(file)) else {
            return Ok(None);
        };
        let Some(signature) = self.beside(file, bytes, head.version)? else { return Ok(None) };
        Ok(Database::open_vouched(file, bytes).ok().map(|database| (database, signature)))
    }

    fn believed(&mut self) -> Believed<'a> {
        let (trust, now) = (self.trust, self.world.now());
        Believed { certificates: &trust.certificates, old_signature: trust.old_signature, now }
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
                let believed = self.believed();
                match vouch(bytes, Some(&tried.bytes), believed) {
                    Ok(_) => Ok(Beside::Valid),
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
