//! `time`: the clock, in seconds since 1970.
//!
//! <https://yara.readthedocs.io/en/stable/modules/time.html>

use super::{Field, Form, Kind};

pub(super) const FIELDS: &[Field] = &[Field::function("now", &[Form::of(&[], Kind::Integer)])];
