//! `dotnet`: metadata of programs for .NET.
//!
//! <https://yara.readthedocs.io/en/stable/modules/dotnet.html>

use super::{Field, Kind};

const STREAM: &[Field] = &[Field::text("name"), Field::integer("offset"), Field::integer("size")];

const RESOURCE: &[Field] = &[Field::integer("offset"), Field::integer("length"), Field::text("name")];

const VERSION: &[Field] = &[
    Field::integer("major"),
    Field::integer("minor"),
    Field::integer("build_number"),
    Field::integer("revision_number"),
];

const ASSEMBLY: &[Field] =
    &[Field::structure("version", VERSION), Field::text("name"), Field::text("culture")];

const REFERENCE: &[Field] =
    &[Field::structure("version", VERSION), Field::text("public_key_or_token"), Field::text("name")];

pub(super) const FIELDS: &[Field] = &[
    Field::integer("is_dotnet"),
    Field::text("version"),
    Field::text("module_name"),
    Field::array("streams", &Kind::Structure(STREAM)),
    Field::integer("number_of_streams"),
    Field::array("guids", &Kind::Text),
    Field::integer("number_of_guids"),
    Field::array("resources", &Kind::Structure(RESOURCE)),
    Field::integer("number_of_resources"),
    Field::array("assembly_refs", &Kind::Structure(REFERENCE)),
    Field::integer("number_of_assembly_refs"),
    Field::structure("assembly", ASSEMBLY),
    Field::array("modulerefs", &Kind::Text),
    Field::integer("number_of_modulerefs"),
    Field::array("user_strings", &Kind::Text),
    Field::integer("number_of_user_strings"),
    Field::text("typelib"),
    Field::array("constants", &Kind::Text),
    Field::integer("number_of_constants"),
    Field::array("field_offsets", &Kind::Integer),
    Field::integer("number_of_field_offsets"),
];
