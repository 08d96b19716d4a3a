//! `hash`: digests and checksums, as lower-case hexadecimal digits and as numbers, of parts of a layer (offset,
//! length) and of texts.
//!
//! <https://yara.readthedocs.io/en/stable/modules/hash.html>

use super::{Field, Form, Kind};

const DIGEST: &[Form] =
    &[Form::of(&[Kind::Integer, Kind::Integer], Kind::Text), Form::of(&[Kind::Text], Kind::Text)];
const SUM: &[Form] =
    &[Form::of(&[Kind::Integer, Kind::Integer], Kind::Integer), Form::of(&[Kind::Text], Kind::Integer)];

pub(super) const FIELDS: &[Field] = &[
    Field::function("md5", DIGEST),
    Field::function("sha1", DIGEST),
    Field::function("sha256", DIGEST),
    Field::function("checksum32", SUM),
    Field::function("crc32", SUM),
];
