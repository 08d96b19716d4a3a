//! Members that are garbled: each byte of their data goes together (XOR) with the next one of the password, over and over,
//! to which a number is added that stands in the member's header.
//!
//! Nothing tells a right password but the checksum of what the member unpacks to, so that each trial unpacks it, and is paid
//! for as that is. The one that was right last comes first.

use std::io::{self, Read as _};

use candor_model::{Budget, ChildKind, Content, Facts, Flow, Member, Reason, Sink};
use flate2::CrcReader;

use super::Header;
use crate::codec::Decoder;
use crate::password;
use crate::work::units;

/// Passwords that are tried on the members of one archive, all together.
const TRIALS: u32 = 4096;
/// The last way of garbling that is this one; others encrypt with GOST.
const GARBLED: u8 = 1;
/// The part of the work that trials leave for what is behind them.
const LEFT: u64 = 2;

/// The passwords to try, and what trials may still cost.
pub(super) struct Trials {
    passwords: Vec<Vec<u8>>,
    left: u32,
    /// The work that is left for others.
    reserve: u64,
}

impl Trials {
    pub(super) fn new(encryption: u8, sink: &mut dyn Sink) -> Self {
        let passwords = if encryption <= GARBLED { password::candidates(sink) } else { Vec::new() };
        Self { passwords, left: TRIALS, reserve: sink.budget().work() / LEFT }
    }

    /// The data of a member under the first password that fits.
    pub(super) fn plain(
        &mut self,
        header: &Header<'_>,
        member: &Member,
        data: &[u8],
        sink: &mut dyn Sink,
    ) -> Result<Vec<u8>, Reason> {
        let budget = sink.budget();
        // The plain copy stands beside the stored one, and is paid for when it is given.
        budget.admit(units(data.len()))?;
        for index in 0..self.passwords.len() {
            budget.check()?;
            let room = budget.work().saturating_sub(self.reserve);
            let Some(left) = self.left.checked_sub(1).filter(|_| units(data.len()) <= room) else { break };
            self.left = left;
            let Some(password) = self.passwords.get(index).filter(|password| !password.is_empty()) else {
                continue;
            };
            if !budget.pay_work(units(data.len())) {
                break;
            }
            let key = password.iter().map(|byte| byte.wrapping_add(header.modifier)).cycle();
            let plain: Vec<u8> = data.iter().zip(key).map(|(byte, key)| byte ^ key).collect();
            let most = budget.growth(header.packed).min(room);
            let mut trial = Trial { header, budget, most, is_right: false };
            // It is over either way.
            let _ = header.give(member, &plain, &mut trial);
            if trial.is_right {
                self.passwords.swap(0, index);
                return Ok(plain);
            }
        }
        Err(Reason::Encrypted)
    }
}

/// Takes what a member is under some password, to see whether it is what its header says.
struct Trial<'a> {
    header: &'a Header<'a>,
    budget: &'a mut Budget,
    /// Bytes that are looked at.
    most: u64,
    is_right: bool,
}

impl Sink for Trial<'_> {
    fn child(&mut self, _kind: ChildKind, _member: &Member, content: Content<'_>) -> Flow {
        let source: Decoder<'_> = match content {
            Content::Bytes(bytes) => Box::new(bytes),
            Content::Stream(stream) => Box::new(stream.take(self.most)),
            Content::Absent(_) | Content::Part(..) => return Flow::Continue,
        };
        let mut sum = CrcReader::new(source);
        let is_read = io::copy(&mut sum, &mut io::sink()).is_ok_and(|length| length == self.header.real);
        self.is_right = is_read && sum.crc().sum() == self.header.sum;
        Flow::Continue
    }

    fn facts(&mut self, _facts: Facts) {}

    // A trial that was not paid for is none.
    fn incomplete(&mut self, _reason: Reason) {}

    fn budget(&mut self) -> &mut Budget {
        self.budget
    }
}
