//! 7z: members of every block, decoded one after another.
//!
//! Layout: <https://py7zr.readthedocs.io/en/stable/archive_format.html>. A start header that says where the
//! header at the end stands, packed streams, and that header, which is usually packed and may be encrypted.
//!
//! The library reads it on one thread, with its dictionaries and header bounded; members come as streams, so
//! the budget holds. A member that is damaged, or larger than is allowed, ends its block, not the archive:
//! what follows it in the block could be had only by decoding all of it. Blocks of methods that the library
//! does not know are read by `chain.rs`; of an archive without its header, `cut.rs` reads the first one.

mod chain;
mod cut;
#[cfg(test)]
mod tests;
mod work;

use std::io::{self, Cursor, Read};

use candor_model::{Budget, ChildKind, Content, Flow, Member, Reason, Sink};
use sevenz_rust2::{Archive, ArchiveEntry, Block, BlockDecoder, Error, Password};

use crate::pace::{Doubted, Pace, Paced};
use crate::password;
use crate::reader::Reader;
use crate::work::{Paid, Price, units};
use work::{Making, Purse};

/// Memory of one dictionary or model, and of the header, in KiB.
const MEMORY: usize = 160 << 10;
/// Common passwords that are tried: each costs half a million rounds of a hash.
const TRIALS: usize = 3;
/// How much of a block is decoded to see whether a password is right.
const PROBE: u64 = 1 << 20;
/// The method 7zAES.
const AES: &[u8] = &[6, 0xf1, 7, 1];

/// Gives every member.
pub(crate) fn unpack(bytes: &[u8], sink: &mut dyn Sink) {
    let candidates = password::few_candidates(sink, TRIALS);
    let candidates = candidates.iter().map(|text| Password::new(&String::from_utf8_lossy(text)));
    let passwords: Vec<Password> = std::iter::once(Password::empty()).chain(candidates).collect();
    let (mut purse, header) = (Purse::new(), Making::of_header(bytes));
    if !sink.budget().pay_work(work::of_header(bytes)) {
        sink.incomplete(Reason::Work);
        return;
    }
    let mut refused = None;
    for (number, password) in passwords.iter().enumerate() {
        if !password.is_empty() && purse.pay(&header, number, sink.budget()).is_none() {
            break;
        }
        match Archive::read_with_memory_limit(&mut Cursor::new(bytes), password, MEMORY) {
            Ok(archive) => {
                let (archive, passwords, position) = (&archive, &passwords, 0);
                let (right, key) = (number, None);
                let mut walk = Walk { bytes, archive, passwords, sink, position, purse, right, key };
                // There is nothing after the last member, so whether to go on makes no difference.
                let _ = walk.all();
                return;
            }
            // With a wrong password the header is noise, of which anything may be said.
            Err(error) => refused = refused.or(Some(error)),
        }
        if !matches!(refused, Some(Error::PasswordRequired | Error::MaybeBadPassword(_))) {
            break;
        }
    }
    if let Some(error) = refused {
        let is_cut = missing(bytes).map(|missing| {
            Reason::Malformed(format!(
                "the last {missing} bytes of a 7z archive, with the list of its members: it is cut short, or other parts hold them"
            ))
        });
        let has_no_list = is_cut.is_some();
        sink.incomplete(is_cut.unwrap_or_else(|| reason(&error)));
        if has_no_list {
            cut::give(bytes, sink);
        }
    }
}

/// How many bytes the header reaches behind the end of the file, when its start says so.
fn missing(bytes: &[u8]) -> Option<u64> {
    end(bytes)?.checked_sub(u64::try_from(bytes.len()).ok()?).filter(|missing| *missing > 0)
}

/// Where an archive ends, as its start says.
pub(crate) fn end(bytes: &[u8]) -> Option<u64> {
    let mut start = Reader::little(bytes).at(12)?;
    start.u64()?.checked_add(start.u64()?)?.checked_add(32)
}

struct Walk<'a, 'sink> {
    bytes: &'a [u8],
    archive: &'a Archive,
    passwords: &'a [Password],
    sink: &'sink mut dyn Sink,
    position: u64,
    purse: Purse,
    /// The number of the password that was right last, for the header or a block: the next block often has the same, and each
    /// trial costs rounds of those that there are.
    right: usize,
    /// What the key of the last chain that was opened is made of, and the key: most writers have no salt, so that all have it.
    key: Option<(Making, usize, Vec<u8>)>,
}

impl<'a> Walk<'a, '_> {
    fn all(&mut self) -> Flow {
        for file in self.archive.files.iter().filter(|file| !file.has_stream()) {
            if self.give(file, false, Content::Bytes(&[])) == Flow::Stop {
                return Flow::Stop;
            }
        }
        for (index, block) in self.archive.blocks.iter().enumerate() {
            if self.block(index, is_encrypted(block)) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    fn block(&mut self, index: usize, is_encrypted: bool) -> Flow {
        let (archive, bytes) = (self.archive, self.bytes);
        if let Some(block) = archive.blocks.get(index).filter(|block| chain::is_for(block)) {
            return self.chain(index, block, is_encrypted);
        }
        let password = if is_encrypted { self.password(index) } else { self.passwords.first() };
        let Some(password) = password else {
            let (nobody, mut source) = (Password::empty(), Cursor::new(bytes));
            let decoder =
                BlockDecoder::new_with_memory_limit(1, MEMORY, index, archive, &nobody, &mut source);
            for file in decoder.entries() {
                if self.give(file, true, Content::Absent(Reason::Encrypted)) == Flow::Stop {
                    return Flow::Stop;
                }
            }
            return Flow::Continue;
        };
        // Methods whose blocks may hold nothing get here behind BCJ2.
        let pace = Pace::on(self.sink.budget());
        let mut source = Doubted::new(Cursor::new(bytes), pace.clone());
        let decoder = BlockDecoder::new_with_memory_limit(1, MEMORY, index, archive, password, &mut source);
        let (work, mut read) = (self.sink.budget().work(), 0);
        let price = match archive.blocks.get(index) {
            Some(block) => {
                let lengths = chain::packed_lengths(archive, index);
                chain::library_price(block, lengths, self.sink.budget())
            }
            None => Price::of(0),
        };
        let mut flow = Flow::Continue;
        let outcome = decoder.for_each_entries(&mut |file: &ArchiveEntry, stream: &mut dyn Read| {
            // Those without content were given at first.
            if !file.has_stream() {
                return Ok(true);
            }
            let stream = Paid::new(Paced::doubted(stream, pace.clone()), price, work).behind(read);
            let mut watched = Watched { stream, has_ended: false };
            flow = self.give(file, is_encrypted, Content::Stream(&mut watched));
            read = watched.stream.read_in_all();
            Ok(flow == Flow::Continue && watched.has_ended)
        });
        pace.settle(self.sink.budget());
        Paid::new(io::empty(), price, work).behind(read).settle(self.sink.budget());
        if let Err(error) = outcome {
            self.sink.incomplete(reason(&error));
        }
        flow
    }

    /// A block that the library cannot decode.
    fn chain(&mut self, index: usize, block: &Block, is_encrypted: bool) -> Flow {
        let packed = chain::packed(self.archive, index, self.bytes);
        let (mut source, nobody) = (Cursor::new(self.bytes), Password::empty());
        let library =
            BlockDecoder::new_with_memory_limit(1, MEMORY, index, self.archive, &nobody, &mut source);
        let files: Vec<&ArchiveEntry> = library.entries().iter().filter(|file| file.has_stream()).collect();
        if !is_encrypted {
            return self.members(block, packed, &files, false);
        }
        // The plain copy stands beside the packed one, and is paid for when it is given.
        let length = u64::try_from(packed.len()).unwrap_or(u64::MAX);
        let mut refused = self.sink.budget().admit(length).err();
        if refused.is_none() {
            let making = Making::of_block(block);
            for (number, password) in self.trials() {
                let known = self.key.take_if(|(known, of, _)| *known == making && *of == number);
                if known.is_none() && self.purse.spend(&making, self.sink.budget()).is_none() {
                    break;
                }
                if !self.sink.budget().pay_work(chain::work(block, PROBE)) {
                    refused = Some(Reason::Work);
                    break;
                }
                let key = known.map_or_else(|| chain::key(block, password), |(_, _, key)| Ok(key));
                match key.and_then(|key| Ok((chain::decrypted(block, packed, &key)?, key))) {
                    Ok((plain, key)) if opens(block, &plain, &files, self.sink.budget()) => {
                        (self.right, self.key) = (number, Some((making, number, key)));
                        self.sink.budget().hold(length);
                        let flow = self.members(block, &plain, &files, true);
                        self.sink.budget().release(length);
                        return flow;
                    }
                    Ok(_) => {}
                    Err(reason) => refused = refused.or(Some(reason)),
                }
            }
        }
        let refused = refused.unwrap_or(Reason::Encrypted);
        for file in files {
            if self.give(file, true, Content::Absent(refused.clone())) == Flow::Stop {
                return Flow::Stop;
            }
        }
        Flow::Continue
    }

    /// Gives the members of a block from what is encrypted no more.
    fn members(&mut self, block: &Block, plain: &[u8], files: &[&ArchiveEntry], is_encrypted: bool) -> Flow {
        if !self.sink.budget().pay_work(chain::work(block, u64::MAX)) {
            self.sink.incomplete(Reason::Work);
            return Flow::Continue;
        }
        let packed = units(plain.len());
        let work = self.sink.budget().work();
        let (plain, is_all) = chain::affordable(block, plain, self.sink.budget());
        if !is_all {
            self.sink.incomplete(Reason::Work);
        }
        let pace = chain::pace(block, packed, self.sink.budget());
        let mut decoder = match chain::decoder(block, plain, &pace) {
            Ok(decoder) => Paid::new(decoder, chain::price(block), work),
            Err(reason) => {
                self.sink.incomplete(reason);
                return Flow::Continue;
            }
        };
        let mut flow = Flow::Continue;
        for file in files {
            let mut part = chain::Part::new(&mut decoder, file.size(), checksum(file));
            flow = self.give(file, is_encrypted, Content::Stream(&mut part));
            if flow == Flow::Stop || !part.has_ended {
                break;
            }
        }
        decoder.settle(self.sink.budget());
        pace.settle(self.sink.budget());
        flow
    }

    /// The passwords to try on a block with their numbers, the one that was right last first.
    fn trials(&self) -> impl Iterator<Item = (usize, &'a Password)> + use<'a> {
        let (passwords, right) = (self.passwords, self.right);
        let others = passwords.iter().enumerate().filter(move |(number, _)| *number != right);
        let trials = passwords.get(right).map(|password| (right, password)).into_iter().chain(others);
        trials.filter(|(_, password)| !password.is_empty())
    }

    /// The password under which the first member of a block can be read.
    fn password(&mut self, block: usize) -> Option<&'a Password> {
        let (archive, bytes) = (self.archive, self.bytes);
        let making = archive.blocks.get(block).map(Making::of_block).unwrap_or_default();
        for (number, password) in self.trials() {
            self.purse.pay(&making, number, self.sink.budget())?;
            let pace = Pace::on(self.sink.budget());
            let mut source = Doubted::new(Cursor::new(bytes), pace.clone());
            let decoder =
                BlockDecoder::new_with_memory_limit(1, MEMORY, block, archive, password, &mut source);
            let read = decoder.for_each_entries(&mut |_: &ArchiveEntry, stream: &mut dyn Read| {
                io::copy(&mut Paced::doubted(stream, pace.clone()).take(PROBE), &mut io::sink())?;
                Ok(false)
            });
            pace.settle(self.sink.budget());
            if read.is_ok() {
                self.right = number;
                return Some(password);
            }
        }
        None
    }

    fn give(&mut self, file: &ArchiveEntry, encrypted: bool, content: Content<'_>) -> Flow {
        self.position = self.position.saturating_add(1);
        let member = Member {
            name: file.name().to_owned(),
            position: self.position,
            real_size: Some(file.size()),
            encrypted,
            ..Member::default()
        };
        self.sink.child(ChildKind::Extracted, &member, content)
    }
}

/// Notes whether a stream was read to its end.
struct Watched<R> {
    stream: R,
    has_ended: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.stream.read(buffer)?;
        self.has_ended |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}

/// Whether the first member can be read from what a password made of a block.
fn opens(block: &Block, plain: &[u8], files: &[&ArchiveEntry], budget: &mut Budget) -> bool {
    let pace = Pace::on(budget);
    let decoder = chain::decoder(block, plain, &pace);
    let (Ok(mut decoder), Some(file)) = (decoder, files.first()) else { return false };
    let part = chain::Part::new(&mut decoder, file.size(), checksum(file));
    let is_read = io::copy(&mut part.take(PROBE), &mut io::sink()).is_ok();
    pace.settle(budget);
    is_read
}

fn checksum(file: &ArchiveEntry) -> Option<u32> {
    file.has_crc.then(|| u32::try_from(file.crc).unwrap_or(0))
}

fn is_encrypted(block: &Block) -> bool {
    block.ordered_coder_iter().any(|(_, coder)| coder.encoder_method_id() == AES)
}

fn reason(error: &Error) -> Reason {
    match error {
        Error::PasswordRequired | Error::MaybeBadPassword(_) => Reason::Encrypted,
        Error::Io(error, _) if error.kind() == io::ErrorKind::QuotaExceeded => Reason::Work,
        Error::UnsupportedCompressionMethod(name) => Reason::Unsupported(format!("7z: the method {name}")),
        Error::Unsupported(_)
        | Error::ExternalUnsupported
        | Error::MaxMemLimited { .. }
        | Error::UnsupportedVersion { .. } => Reason::Unsupported(format!("7z: {error}")),
        _ => Reason::Malformed(format!("7z: {error}")),
    }
}
