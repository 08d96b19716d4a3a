//! How much work passwords are. An archive says how many rounds of a hash each takes, and each of its blocks may ask for
//! its own: a small file could keep a processor busy for hours. So rounds are counted before they are gone through.

use candor_model::Budget;
use memchr::memmem;
use sevenz_rust2::Block;

use super::chain::PPMD;
use super::{AES, MEMORY};
use crate::ppmd;
use crate::reader::{Reader, clipped};

/// Rounds that are gone through for one archive: 24 different keys, as 7-Zip writes them (2^19 each).
pub(super) const ROUNDS: u64 = 24 << 19;

/// What a header that is packed or encrypted starts with.
const ENCODED: u8 = 0x17;

/// What a key is made of besides the password: a power of two of rounds, and a salt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Making {
    power: u8,
    salt: Vec<u8>,
}

impl Making {
    /// Of the encryption with these properties.
    fn of(properties: &[u8]) -> Self {
        let (first, second) = match properties {
            [] => (0, 0),
            [first] => (*first, 0),
            [first, second, ..] => (*first, *second),
        };
        let length = u64::from((first >> 7).saturating_add(second >> 4));
        Self { power: first & 0x3f, salt: clipped(properties, 2, length).to_vec() }
    }

    /// Of the encryption of a block that takes most.
    pub(super) fn of_block(block: &Block) -> Self {
        let coders = block.ordered_coder_iter().filter(|(_, coder)| coder.encoder_method_id() == AES);
        coders.map(|(_, coder)| Self::of(coder.properties())).max_by_key(Self::rounds).unwrap_or_default()
    }

    /// Of the header of an archive, when that is encrypted.
    pub(super) fn of_header(bytes: &[u8]) -> Self {
        properties(bytes, AES).map(Self::of).max_by_key(Self::rounds).unwrap_or_default()
    }

    pub(super) fn rounds(&self) -> u64 {
        match self.power {
            // The key is the password itself.
            0x3f => 0,
            power => 1_u64.wrapping_shl(u32::from(power)),
        }
    }
}

/// The properties of a method in a header that is packed or encrypted.
fn properties<'a>(bytes: &'a [u8], method: &'static [u8]) -> impl Iterator<Item = &'a [u8]> {
    let header = || {
        let mut place = Reader::little(bytes).at(12)?;
        let (offset, length) = (place.u64()?.checked_add(32)?, place.u64()?);
        Some(clipped(bytes, offset, length)).filter(|header| header.first() == Some(&ENCODED))
    };
    let header = header().unwrap_or_default();
    memmem::find_iter(header, method).filter_map(move |at| {
        // Their length in one byte stands in front of them.
        let [length, rest @ ..] = header.get(at.saturating_add(method.len())..)? else { return None };
        Some(clipped(rest, 0, u64::from(*length)))
    })
}

/// What unpacking the header of an archive costs beside its bytes, in the units of [`Budget::pay_work`]: the library gives a
/// model all the memory that is asked for.
pub(super) fn of_header(bytes: &[u8]) -> u64 {
    let asked = properties(bytes, PPMD).filter_map(|properties| Reader::little(properties).at(1)?.u32());
    // Of more than it may have, nothing is made.
    let most = u32::try_from(MEMORY).unwrap_or(u32::MAX).saturating_mul(1024);
    asked.filter(|asked| *asked <= most).map(ppmd::at_once).max().unwrap_or(0)
}

/// The rounds that are left, and the key that was made last, which is kept.
pub(super) struct Purse {
    left: u64,
    last: Option<(Making, usize)>,
}

impl Purse {
    pub(super) const fn new() -> Self {
        Self { left: ROUNDS, last: None }
    }

    /// Takes the rounds of a key for the password with this number; `None` when there are not as many left, here or for the file.
    pub(super) fn pay(&mut self, making: &Making, password: usize, budget: &mut Budget) -> Option<()> {
        if self.last.as_ref().is_some_and(|(last, number)| last == making && *number == password) {
            return Some(());
        }
        self.spend(making, budget)?;
        self.last = Some((making.clone(), password));
        Some(())
    }

    /// The same for a key that nobody keeps.
    pub(super) fn spend(&mut self, making: &Making, budget: &mut Budget) -> Option<()> {
        self.left = self.left.checked_sub(making.rounds())?;
        budget.pay_key(making.rounds()).then_some(())
    }
}
