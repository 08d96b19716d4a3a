//! `string`: numbers in texts, and lengths of texts.
//!
//! <https://yara.readthedocs.io/en/stable/modules/string.html>

use super::{Field, Form, Kind};

pub(super) const FIELDS: &[Field] = &[
    Field::function(
        "to_int",
        &[Form::of(&[Kind::Text], Kind::Integer), Form::of(&[Kind::Text, Kind::Integer], Kind::Integer)],
    ),
    Field::function("length", &[Form::of(&[Kind::Text], Kind::Integer)]),
];
