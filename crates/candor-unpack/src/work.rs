//! Work that a layer asks for beside being read once: what begins again and again, and reaches over the same bytes.

use std::cell::Cell;
use std::io::{self, ErrorKind, Read};

use candor_model::{Budget, ChildKind, Content, Flow, Member, Reason, Sink};

/// What reading the bytes of one layer once more may cost: as much as the matcher takes to read them once is free, more is
/// paid for out of the budget, which is that of the file with all its layers ([`Budget::pay_work`]).
pub(crate) struct Work {
    free: u64,
    is_over: bool,
}

/// How many bytes the matcher reads in the time in which a parser reads one.
const FREE: u64 = 4;

impl Work {
    /// For a layer of so many bytes.
    pub(crate) fn of(bytes: &[u8]) -> Self {
        Self { free: units(bytes.len()) / FREE, is_over: false }
    }

    /// Pays for so many bytes. `false` when it may not be done, which is told to `sink` the first time, and takes what there was:
    /// the next layer does not begin again with it.
    pub(crate) fn pay(&mut self, bytes: usize, sink: &mut dyn Sink) -> bool {
        if self.is_over {
            return false;
        }
        if let Some(left) = self.free.checked_sub(units(bytes)) {
            self.free = left;
            return true;
        }
        self.is_over = !charge(units(bytes), sink);
        !self.is_over
    }

    /// How many bytes may be paid for.
    pub(crate) fn left(&self, sink: &mut dyn Sink) -> usize {
        usize::try_from(self.free.saturating_add(sink.budget().work())).unwrap_or(usize::MAX)
    }

    /// Whether something was not paid for.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over
    }
}

/// Pays for what a step costs whose price is no number of bytes, in the same units, before it or right after it. `false` when
/// there was not as much left, which is told to `sink`; what there was is gone then, as it may have been spent.
pub(crate) fn charge(price: u64, sink: &mut dyn Sink) -> bool {
    let left = sink.budget().work();
    let is_paid = sink.budget().pay_work(price.min(left)) && price <= left;
    if !is_paid {
        sink.incomplete(Reason::Work);
    }
    is_paid
}

/// What may be paid for where no [`Budget`] is at hand: the same units, taken off the budget when all is done.
#[derive(Debug)]
pub(crate) struct Allowance {
    given: u64,
    left: Cell<u64>,
    is_over: Cell<bool>,
}

impl Allowance {
    pub(crate) const fn new(units: u64) -> Self {
        Self { given: units, left: Cell::new(units), is_over: Cell::new(false) }
    }

    /// Whether there was as much left; if not, nothing is paid, and the work must not be done.
    pub(crate) fn pay(&self, units: u64) -> bool {
        match self.left.get().checked_sub(units) {
            Some(left) => self.left.set(left),
            None => self.is_over.set(true),
        }
        !self.is_over.get()
    }

    /// Whether something was not paid for.
    pub(crate) const fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Takes what was paid off the budget, and tells what could not be.
    pub(crate) fn settle(self, sink: &mut dyn Sink) {
        let spent = self.given.saturating_sub(self.left.get());
        // What was opened inside of it has been paid for in the meantime.
        let price = spent.min(sink.budget().work());
        if !sink.budget().pay_work(price) || self.is_over.get() {
            sink.incomplete(Reason::Work);
        }
    }
}

/// What the bytes cost that come out of a decoder beside being looked at, in the units of [`Budget::pay_work`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Price {
    byte: u64,
    most: u64,
}

/// What a coder costs which takes less than a bit for what it expects, so that a byte may be a thirtieth of one: a byte that
/// comes out, and the most that one may cost that goes in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RangeCoder {
    pub(crate) byte: u64,
    pub(crate) packed: u64,
}

impl Price {
    /// So much for each byte.
    pub(crate) const fn of(byte: u64) -> Self {
        Self { byte, most: u64::MAX }
    }

    /// Of what such a coder makes of so many bytes: nothing, as long as they are no more than the file has itself. Whoever
    /// repeats a symbol a hundred million times has a stream that packs a thousandfold once more.
    pub(crate) fn coded(coder: RangeCoder, packed: u64, budget: &mut Budget) -> Self {
        Self { byte: coder.byte, most: budget.code(packed).saturating_mul(coder.packed) }
    }

    /// What so many bytes cost.
    pub(crate) fn for_bytes(self, bytes: u64) -> u64 {
        bytes.saturating_mul(self.byte).min(self.most)
    }

    /// How many bytes can be paid for.
    pub(crate) fn affordable(self, work: u64) -> u64 {
        if self.most <= work { u64::MAX } else { work.checked_div(self.byte).unwrap_or(u64::MAX) }
    }
}

/// What comes out of a decoder that is many times as slow as reading, as far as it can be paid for.
pub(crate) struct Paid<R> {
    decoder: R,
    price: Price,
    affordable: u64,
    read: u64,
}

impl<R: Read> Paid<R> {
    /// With the price of its bytes, which is paid by [`settle`](Self::settle), and what there is for it.
    pub(crate) fn new(decoder: R, price: Price, work: u64) -> Self {
        Self { decoder, price, affordable: price.affordable(work), read: 0 }
    }

    /// With so many bytes that came before, and are paid for with these.
    pub(crate) const fn behind(mut self, read: u64) -> Self {
        self.read = read;
        self
    }

    /// How many bytes came, with those before.
    pub(crate) const fn read_in_all(&self) -> u64 {
        self.read
    }

    /// Pays for what was read.
    pub(crate) fn settle(self, budget: &mut Budget) {
        // What was opened inside of it has been paid for in the meantime.
        let price = self.price.for_bytes(self.read).min(budget.work());
        let _ = budget.pay_work(price);
    }
}

impl<R: Read> Read for Paid<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.affordable.saturating_sub(self.read);
        if left == 0 && self.decoder.read(&mut [0])? > 0 {
            return Err(ErrorKind::QuotaExceeded.into());
        }
        let read = (&mut self.decoder).take(left).read(buffer)?;
        self.read = self.read.saturating_add(units(read));
        Ok(read)
    }
}

/// Gives a member whose bytes cost so much beside being looked at.
pub(crate) fn give(member: &Member, decoder: impl Read, price: Price, sink: &mut dyn Sink) -> Flow {
    let mut paid = Paid::new(decoder, price, sink.budget().work());
    let flow = sink.child(ChildKind::Extracted, member, Content::Stream(&mut paid));
    paid.settle(sink.budget());
    flow
}

/// As many units as bytes.
pub(crate) fn units(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use candor_fixtures::archive::{self, Cab, SevenZip};
    use candor_fixtures::installer::{self, Nsis};
    use candor_fixtures::ranges::{self, Step};
    use candor_fixtures::volume::{self, SquashFs};
    use candor_fixtures::{container, stream, zip_methods};
    use candor_model::{FileType, Reason};

    use crate::collected::Collected;

    #[test]
    fn what_costs_more_than_its_bytes_is_paid_for() {
        for (file_type, head, unit) in [
            (FileType::Rtf, "{\\rtf1 {\\object{\\*\\objdata ", "\\a"),
            (FileType::Rtf, "{\\rtf1 {\\object{\\*\\objdata ", "{}"),
            (FileType::Rtf, "{\\rtf1 ", "{\\object{\\*\\objdata "),
            (FileType::Ps, "%!PS-Adobe-3.0\n", "<~5s~>"),
            (FileType::Ps, "%!PS-Adobe-3.0\ncurrentfile eexec ", "abcdefgh"),
            (FileType::XmlWord, "<w:wordDocument>", "<w:binData>"),
            (FileType::TextAscii, "a text ", "-e "),
            (FileType::TextAscii, "a text ", "powershell -enc QQBCAEMA "),
            (FileType::TextAscii, "a text ", "%PDF-"),
            (FileType::BinaryData, "\x01\x02", "PE\0\0"),
        ] {
            let bytes = [head, &unit.repeat(5_000)].concat().into_bytes();
            let found = Collected::of(file_type, &bytes);
            assert!(!found.incomplete.contains(&Reason::Work), "{unit}");
            let found = Collected::without_work(file_type, &bytes);
            assert!(found.incomplete.contains(&Reason::Work), "{unit}");
        }
    }

    #[test]
    fn scripts_of_a_page_are_paid_for_besides() {
        for script in ["var a;".repeat(1_000), "</script><script>".repeat(1_000)] {
            let page = format!("<html><script>{script}</script>text");
            let incomplete = |work| Collected::with_work(FileType::Html, page.as_bytes(), work).incomplete;
            let length = page.len() as u64;
            assert_eq!(incomplete(length * 3 + 128), [Reason::Work]);
            assert_eq!(incomplete(length * 7 + 1_001 * 128), []);
        }
    }

    #[test]
    fn what_coders_of_ranges_make_is_paid_for_where_they_are_not_the_bytes_of_the_file() {
        // Seven digits that nobody foresees.
        let digit = |seed: &mut u32| {
            *seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            Some(b'0' + (*seed >> 16) as u8 % 7)
        };
        let text: Vec<u8> = std::iter::repeat_n((), 40_000).scan(7, |seed, ()| digit(seed)).collect();
        let file = [("a", &text[..])];
        let zip = |method| zip_methods::archive(&[zip_methods::pack("a", &text, method)]);
        let rows: Vec<(u32, Vec<u8>)> =
            text.chunks(512).map(|rows| (0x8000_0008, stream::xz(rows))).collect();
        let files = [
            (FileType::Lzma, stream::lzma(&text)),
            (FileType::Xz, stream::xz(&text)),
            (FileType::Lzip, stream::lzip(&text)),
            (FileType::Zip, zip(14)),
            (FileType::Zip, zip(95)),
            (FileType::SevenZip, archive::seven_zip(SevenZip::Lzma, None, &file)),
            (FileType::SevenZip, archive::seven_zip(SevenZip::Lzma2, None, &file)),
            (FileType::SevenZip, archive::seven_zip(SevenZip::Lzma2, Some("infected"), &file)),
            (FileType::Dmg, container::dmg_of(&rows)),
            (FileType::Egg, archive::egg(4, false, &file)),
            (FileType::Nulsft, installer::nsis(Nsis::Lzma, true, &file)),
            (FileType::Nulsft, installer::nsis(Nsis::Lzma, false, &file)),
            (FileType::Swf, container::swf_lzma(&text)),
            (FileType::SquashFs, volume::squashfs(SquashFs::Xz, &file)),
            (FileType::SquashFs, volume::squashfs(SquashFs::Lzma, &file)),
            (FileType::MsCab, archive::cab(Cab::Quantum(16), &file)),
        ];
        for (file_type, bytes) in files {
            let length = text.len() as u64;
            let free = Collected::work_of(file_type, &bytes);
            let all = Collected::packed_before(file_type, &bytes, 1 << 26);
            let paid = (1 << 26) - all.budget.work();
            assert!(paid >= free + length, "{file_type:?} {free} {paid}");
            assert!(all.children.last().unwrap().bytes.len() >= text.len(), "{file_type:?}");
            let found = Collected::packed_before(file_type, &bytes, free + (paid - free) / 6);
            let is_told = found.incomplete.contains(&Reason::Work)
                || found.children.iter().any(|child| child.absent == Some(Reason::Work));
            let most = found.children.last().map_or(0, |child| child.bytes.len());
            assert!(is_told && most < text.len() * 3 / 4, "{file_type:?} {most} {:?}", found.incomplete);
        }
        // A row of something else makes nothing cheaper.
        let mixed = [&rows[..], &[(0x8000_0006, stream::bzip2(&[b' '; 512]))]].concat();
        let found = Collected::packed_before(FileType::Dmg, &container::dmg_of(&mixed), 1 << 26);
        assert!((1 << 26) - found.budget.work() >= text.len() as u64);
    }

    #[test]
    fn decisions_are_paid_for_where_they_are_the_bytes_of_the_file_too() {
        for (step, shortest, byte) in [(Step::Literal, 30, 7), (Step::ShortCopy, 60, 2)] {
            let bytes = ranges::lzma(step, 4 << 20);
            assert!(bytes.len() * shortest < 4 << 20);
            let found = Collected::packed_before(FileType::Lzma, &bytes, 1 << 26);
            assert_eq!(found.children[0].bytes, vec![b'a'; 4 << 20]);
            let paid = (1 << 26) - found.budget.work();
            assert!(paid > byte << 22, "{step:?} {paid}");
            // They bring ten decisions each themselves.
            let own = Collected::work_of(FileType::Lzma, &bytes);
            assert_eq!(own, paid - 10 * bytes.len() as u64, "{step:?}");
        }
        // What is packed well costs little, however much it is.
        let zeros = stream::lzma(&[0; 1 << 20]);
        let found = Collected::packed_before(FileType::Lzma, &zeros, 1 << 18);
        assert_eq!((found.children[0].bytes.len(), &found.children[0].absent), (1 << 20, &None));
    }

    #[test]
    fn bytes_that_bzip2_sorts_are_paid_for() {
        let text = b"a text ".repeat(512 * 20);
        let rows: Vec<(u32, Vec<u8>)> =
            text.chunks_exact(512).map(|sector| (0x8000_0006, stream::bzip2(sector))).collect();
        let files = [
            (FileType::Bzip2, stream::bzip2(&text)),
            (FileType::Zip, zip_methods::archive(&[zip_methods::pack("a", &text, 12)])),
            (FileType::SevenZip, archive::seven_zip(SevenZip::Bzip2, None, &[("a", &text)])),
            (FileType::Alz, archive::alz(&[("a", 1, &text)])),
            (FileType::Egg, archive::egg(2, false, &[("a", &text)])),
            (FileType::Dmg, container::dmg_of(&rows)),
        ];
        for (file_type, bytes) in files {
            let paid = Collected::work_of(file_type, &bytes);
            assert!(paid >= text.len() as u64, "{file_type:?} {paid}");
            let found = Collected::with_work(file_type, &bytes, text.len() as u64 / 2);
            let part = found.children.last().unwrap();
            assert!(part.absent.is_some() && part.bytes.len() <= text.len() / 2, "{file_type:?}");
        }
    }
}
