//! `console`: messages, which go nowhere here. Each function is 1, as it is where messages are written.
//!
//! <https://yara.readthedocs.io/en/stable/modules/console.html>

use super::{Field, Form, Kind};

const FLOAT: Kind = Kind::Float;
const INTEGER: Kind = Kind::Integer;
const TEXT: Kind = Kind::Text;

pub(super) const FIELDS: &[Field] = &[
    Field::function(
        "log",
        &[
            Form::of(&[TEXT], INTEGER),
            Form::of(&[TEXT, TEXT], INTEGER),
            Form::of(&[INTEGER], INTEGER),
            Form::of(&[TEXT, INTEGER], INTEGER),
            Form::of(&[FLOAT], INTEGER),
            Form::of(&[TEXT, FLOAT], INTEGER),
        ],
    ),
    Field::function("hex", &[Form::of(&[INTEGER], INTEGER), Form::of(&[TEXT, INTEGER], INTEGER)]),
];
