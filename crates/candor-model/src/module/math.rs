//! `math`: statistics over parts of a layer (offset, length) and over texts, and a little arithmetic.
//!
//! <https://yara.readthedocs.io/en/stable/modules/math.html>

use super::{Field, Form, Kind};

const FLOAT: Kind = Kind::Float;
const INTEGER: Kind = Kind::Integer;
const TEXT: Kind = Kind::Text;

const STATISTIC: &[Form] = &[Form::of(&[INTEGER, INTEGER], FLOAT), Form::of(&[TEXT], FLOAT)];
const OF_TWO: &[Form] = &[Form::of(&[INTEGER, INTEGER], INTEGER)];

pub(super) const FIELDS: &[Field] = &[
    Field::of("MEAN_BYTES", FLOAT),
    Field::function("entropy", STATISTIC),
    Field::function("mean", STATISTIC),
    Field::function("serial_correlation", STATISTIC),
    Field::function("monte_carlo_pi", STATISTIC),
    Field::function(
        "deviation",
        &[Form::of(&[INTEGER, INTEGER, FLOAT], FLOAT), Form::of(&[TEXT, FLOAT], FLOAT)],
    ),
    Field::function("in_range", &[Form::of(&[FLOAT, FLOAT, FLOAT], INTEGER)]),
    Field::function("max", OF_TWO),
    Field::function("min", OF_TWO),
    Field::function("to_number", &[Form::of(&[Kind::Boolean], INTEGER)]),
    Field::function("abs", &[Form::of(&[INTEGER], INTEGER)]),
    Field::function(
        "count",
        &[Form::of(&[INTEGER, INTEGER, INTEGER], INTEGER), Form::of(&[INTEGER], INTEGER)],
    ),
    Field::function(
        "percentage",
        &[Form::of(&[INTEGER, INTEGER, INTEGER], FLOAT), Form::of(&[INTEGER], FLOAT)],
    ),
    Field::function("mode", &[Form::of(&[INTEGER, INTEGER], INTEGER), Form::of(&[], INTEGER)]),
    Field::function("to_string", &[Form::of(&[INTEGER], TEXT), Form::of(&[INTEGER, INTEGER], TEXT)]),
];
