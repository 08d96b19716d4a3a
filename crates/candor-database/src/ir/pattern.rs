//! Byte patterns: ClamAV's hexadecimal language as a tree.

/// Where a pattern may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Offset {
    /// From where the distance counts.
    pub base: OffsetBase,
    /// How far after the exact place it may start, in bytes (`,maxshift`). Not used by
    /// [`OffsetBase::Any`], [`OffsetBase::VersionInfo`] and [`OffsetBase::WithinSection`].
    pub shift: u64,
}

impl Offset {
    /// Anywhere in the layer.
    pub const ANY: Self = Self { base: OffsetBase::Any, shift: 0 };
}

/// The place that an offset is relative to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OffsetBase {
    /// Anywhere: `*`.
    Any,
    /// From the start: `n`.
    Start(u64),
    /// Back from the end: `EOF-n`.
    End(u64),
    /// From the entry point, forward or back: `EP+n`, `EP-n`.
    EntryPoint(i64),
    /// From the start of a section, counted from 0: `Sx+n`.
    Section {
        /// Index of the section.
        index: u32,
        /// Distance in bytes.
        distance: u64,
    },
    /// From the start of the last section: `SL+n`.
    LastSection(u64),
    /// Anywhere inside a section: `SEx`.
    WithinSection(u32),
    /// At a string of the PE version resource: `VI`.
    VersionInfo,
}

/// A pattern: parts with gaps between them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    /// Where the first part may start.
    pub offset: Offset,
    /// Whether ASCII letters match in either case (`::i`).
    pub ignore_case: bool,
    /// The parts, at least one.
    pub parts: Vec<Part>,
}

/// A run of elements that follow one another without a gap.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Distance from the end of the part before; [`Gap::NONE`] for the first part.
    pub gap: Gap,
    /// What must stand there. Empty only when the part is nothing but a macro reference.
    pub elements: Vec<Element>,
    /// A macro group of which some member must start after `gap` instead of `elements`
    /// (`${min-max}N$`).
    pub macro_group: Option<u8>,
}

/// How many bytes lie between two parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Gap {
    /// At least so many.
    pub min: u64,
    /// At most so many; `None` for any number.
    pub max: Option<u64>,
}

impl Gap {
    /// Right behind one another.
    pub const NONE: Self = Self { min: 0, max: Some(0) };
    /// `*`
    pub const ANY: Self = Self { min: 0, max: None };
}

/// One element of a part.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Element {
    /// Choices: `(aa|bb)`, `!(aa|bb)`.
    Alternatives(Alternatives),
    /// A condition on the neighbours that takes no bytes: `(B)`, `(L)`, `(W)`, and `::f`.
    Boundary(Boundary),
    /// Exactly these bytes.
    Bytes(Vec<u8>),
    /// One byte of which the bits in `mask` are those of `value`: `??`, `a?`, `?a`.
    Masked {
        /// The bits.
        value: u8,
        /// Which bits count: 0, `0xf0` or `0x0f`.
        mask: u8,
    },
}

/// A choice between branches.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Alternatives {
    /// Whether none of the branches may match (`!(…)`). Then all have the same length, which is
    /// what the element takes.
    pub negated: bool,
    /// What may stand there; no [`Element::Boundary`] inside. Nested choices are allowed.
    pub branches: Vec<Vec<Element>>,
}

/// A zero-width condition. At the start of a part it looks at the byte before, at the end of a part
/// at the byte behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Boundary {
    /// Which class of neighbours.
    pub kind: BoundaryKind,
    /// Whether it must not hold: `!(B)`.
    pub negated: bool,
}

/// The class of neighbours that a boundary asks for. Start and end of the layer always satisfy it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BoundaryKind {
    /// A delimiter as in markup: `(B)`.
    Delimiter,
    /// A line end: `(L)`.
    Line,
    /// Anything but a letter or digit: `(W)`, `::f`.
    Word,
    /// The same in UTF-16LE: the neighbour is two bytes (`::wf`).
    WideWord,
}
