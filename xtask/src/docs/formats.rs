//! The table of formats that are opened.

use std::fmt::Write as _;

use candor_model::FileType;
use candor_unpack::{FORMATS, is_only_recognised};

pub(super) fn page() -> String {
    let mut page = String::from(
        "<!-- Written by `cargo xtask docs`; do not edit. -->\n\n\
         # Formats that are opened\n\n\
         A layer of one of these types is taken apart: its children are scanned as layers of their own, and what is\n\
         learned about it decides where signatures look. Every other layer is searched as it stands.\n\n\
         | format | types | gives | limits | read by |\n|---|---|---|---|---|\n",
    );
    for format in FORMATS {
        let types: Vec<_> = format.types.iter().map(|known| format!("`{}`", known.clamav_name())).collect();
        let library = format.library.unwrap_or("our own reader");
        let row = [format.name, &types.join(", "), format.gives, format.limits, library];
        // Writing to a string does not fail.
        let _ = writeln!(page, "| {} |", row.map(escape).join(" | "));
    }
    page.push_str(
        "\nLimits are those beyond the limits of the scan, which hold for every format. Reaching any of them is a reason\n\
         for the verdict *incomplete*.\n\n\
         # Formats that are only recognised\n\n\
         A layer of one of these types is not taken apart, and says so among its facts (`recognised`).\n\n\
         | format | type | what is done with it |\n|---|---|---|\n",
    );
    for file_type in FileType::ALL.iter().copied().filter(|known| is_only_recognised(*known)) {
        let done = if file_type.hides_content() {
            "reported as not looked at: the verdict is *incomplete*"
        } else {
            "searched as it stands"
        };
        let (name, known) = (escape(file_type.description()), file_type.clamav_name());
        let _ = writeln!(page, "| {name} | `{known}` | {done} |");
    }
    page
}

fn escape(cell: &str) -> String {
    cell.replace('|', "\\|")
}
