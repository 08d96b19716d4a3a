//! What is told by its type and not taken apart. Nobody has to guess which formats these are: a layer of one says so
//! among its facts, and the reference of formats lists them.

use candor_model::{FileType, Sink};

use crate::formats::parser;

/// Whether layers of this type are told by it and not taken apart. Nothing is said of types that are no format, like
/// data of which nothing is known.
#[must_use]
pub const fn is_only_recognised(file_type: FileType) -> bool {
    let is_format = !matches!(
        file_type,
        FileType::BinaryData
            | FileType::Any
            | FileType::Error
            | FileType::PartAny
            | FileType::Ignored
            | FileType::Internal
            | FileType::Other
            // What rules of types call an archive behind something else; it is opened as what it is.
            | FileType::EggSfx
            | FileType::ZipSfx
    );
    is_format && parser(file_type).is_none()
}

/// Says of a layer that it is only recognised.
pub(crate) fn tell(file_type: FileType, sink: &mut dyn Sink) {
    if is_only_recognised(file_type) {
        let how =
            if file_type.hides_content() { "nothing of it was looked at" } else { "searched as it stands" };
        sink.detail("recognised", format!("{}: not taken apart, {how}", file_type.description()));
    }
}

#[cfg(test)]
mod tests {
    use candor_model::FileType;

    use super::is_only_recognised;
    use crate::collected::Collected;

    #[test]
    fn what_is_only_recognised_says_so() {
        for &file_type in FileType::ALL {
            let found = Collected::of(file_type, b"\0\0\0\0");
            let is_told = found.details.iter().any(|(key, _)| *key == "recognised");
            assert_eq!(is_told, is_only_recognised(file_type), "{file_type}");
            if is_told {
                assert!(found.children.is_empty() && found.facts.is_none(), "{file_type}");
                assert_eq!(!found.incomplete.is_empty(), file_type.hides_content(), "{file_type}");
            }
        }
        for file_type in [FileType::Wasm, FileType::PythonCompiled, FileType::Ace] {
            assert!(is_only_recognised(file_type), "{file_type}");
        }
    }
}
