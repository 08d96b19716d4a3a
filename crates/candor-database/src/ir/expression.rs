//! The logic over sub-signatures.

/// A condition over hits of sub-signatures.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expression {
    /// Both hold, evaluated left to right.
    And(Box<Self>, Box<Self>),
    /// The number of hits under `of` compares as asked: `X=n`, `(…)>n,m`.
    Count {
        /// Whose hits are counted.
        of: Box<Self>,
        /// How they compare.
        comparison: Comparison,
        /// With what.
        hits: u32,
        /// At least so many different sub-signatures must have hits; 0 when not asked.
        distinct: u32,
    },
    /// One of both holds.
    Or(Box<Self>, Box<Self>),
    /// The sub-signature with this number has a hit.
    Sub(u32),
}

/// How a count compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `>`
    Greater,
    /// `<`
    Less,
}

impl Expression {
    /// Calls `visit` for every sub-signature that is named, in order, repetitions included.
    pub fn for_each_sub(&self, visit: &mut dyn FnMut(u32)) {
        match self {
            Self::And(left, right) | Self::Or(left, right) => {
                left.for_each_sub(visit);
                right.for_each_sub(visit);
            }
            Self::Count { of, .. } => of.for_each_sub(visit),
            Self::Sub(sub) => visit(*sub),
        }
    }

    /// The highest number of a sub-signature that is named.
    #[must_use]
    pub fn highest(&self) -> u32 {
        let mut highest = 0;
        self.for_each_sub(&mut |sub| highest = highest.max(sub));
        highest
    }
}
