//! Our verifier, on feeds in memory.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context as _, anyhow};
use candor_fixtures::feed::Built;
use candor_update::feed::{Mirror, Output, Request, State, time, verify};
use candor_update::policy::Policy;

/// What a machine remembers, and what it is told to let in.
pub(super) struct Machine {
    pub(super) state: State,
    pub(super) policy: Policy,
    pub(super) now: u64,
}

/// The name of the repository that must agree, in policies of tests.
const COSIGNER: &str = "security-team";

impl Machine {
    /// A machine that has never looked.
    pub(super) fn new(
        root: &[u8],
        cosigner: Option<&Built>,
        policy: &str,
        clock: &str,
    ) -> anyhow::Result<Self> {
        let roots: Vec<(&str, &[u8])> =
            cosigner.iter().map(|built| (COSIGNER, built.files["1.root.json"].as_slice())).collect();
        let state = State::begin(root, &roots).map_err(|error| anyhow!("{error}"))?;
        let policy = Policy::parse(policy)?;
        Ok(Self { state, policy, now: time::parse(clock).context("a time")? })
    }

    /// Looks at a feed. `Ok` with the release that is let in, if there is a new one; else why it is refused.
    pub(super) fn look(
        &mut self,
        feed: &dyn Mirror,
        cosigner: Option<&Built>,
    ) -> Result<Option<u64>, String> {
        let cosigners: BTreeMap<String, &dyn Mirror> =
            cosigner.iter().map(|built| (COSIGNER.to_owned(), *built as &dyn Mirror)).collect();
        let request = Request {
            source: "feed",
            feed,
            cosigners: &cosigners,
            state: &self.state,
            policy: &self.policy,
            now: self.now,
        };
        let verified = verify(request).map_err(|refused| refused.refusal.to_string())?;
        let version = match verified.release {
            None => None,
            Some(release) => {
                let candidate =
                    release.unpack(&mut Nowhere::default()).map_err(|refusal| refusal.to_string())?;
                Some(candidate.version)
            }
        };
        self.state = verified.state;
        Ok(version)
    }
}

/// Takes members, and keeps them until it is dropped.
#[derive(Default)]
struct Nowhere(BTreeMap<String, Vec<u8>>);

impl Output for Nowhere {
    fn directory(&self) -> &Path {
        Path::new("/members")
    }

    fn create(&mut self, name: &str) -> io::Result<Box<dyn Write + '_>> {
        Ok(Box::new(self.0.entry(name.to_owned()).or_default()))
    }
}
