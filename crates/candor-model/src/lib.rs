//! The nouns of Candor. Every other crate speaks in these; this one depends on nothing, does no I/O
//! and decides nothing.
//!
//! * [`FileType`] and [`Target`]: what a run of bytes is, in ClamAV's vocabulary.
//! * [`Facts`]: what a parser learned about a layer besides its children.
//! * [`Sink`]: how a parser hands out children, facts and troubles.
//! * [`Limits`] and [`Budget`]: what a scan may spend.
//! * [`Module`], [`ModuleValue`]: what rules of YARA can ask of a layer.
//! * [`flags`]: what holds of each of several bytes, which who identifies asks and who takes apart.
//! * [`Finding`], [`Verdict`], [`Report`]: what a scan says in the end.
#![forbid(unsafe_code)]

mod budget;
mod certificate_rule;
mod digest;
mod facts;
mod file_type;
mod finding;
pub mod flags;
mod module;
mod report;
mod sink;

pub use budget::{Budget, Interrupt, Limits};
pub use certificate_rule::CertificateRule;
pub use digest::{Digest, DigestKind, DigestSet};
pub use facts::{
    Anomaly, Detail, Executable, ExecutableFormat, Facts, Icon, ImportDigest, Link, PerceptualHash, Section,
    VersionString,
};
pub use file_type::{FileType, Target, UnknownFileType};
pub use finding::{Finding, LayerId, Match, Origin, Strength};
pub use module::{Field, Form, Kind, Module, ModuleValue};
pub use report::{Incomplete, LayerSummary, Reason, Report, Verdict};
pub use sink::{ChildKind, Content, Flow, Member, Normalisation, Sink};
