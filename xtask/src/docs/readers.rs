//! The table of readers of an inventory.

use std::fmt::Write as _;

use candor_policy::inventory::READERS;

pub(super) fn page() -> String {
    let mut page = String::from(
        "<!-- Written by `cargo xtask docs`; do not edit. -->\n\n\
         # What an inventory reads\n\n\
         `candor audit` walks a root by name: it opens a file only when its path has one of these readers, or when an\n\
         identifier of a vendor names it. It follows no link, and nothing leads out of the root. Files are read in a\n\
         jail; what could not be read, or not wholly, stands in the report as coverage.\n\n\
         A file that comes without a place (`candor audit FILE`) is known by its bytes and its name. A tar archive of\n\
         `docker save` or with an OCI layout is read layer by layer, from the top, so that what upper layers hide is\n\
         not there.\n\n\
         | reader | reads | up to |\n|---|---|---|\n",
    );
    for row in &READERS {
        // Writing to a string does not fail.
        let _ = writeln!(page, "| `{}` | {} | {} MiB |", row.name, row.what, row.most >> 20);
    }
    page.push_str(
        "\n## What is not read, and what is not proved\n\n\
         * Disk images, `.snap` files, compressed archives of images and folders with an OCI layout: mount or unpack them,\n  \
         and give the folder (`tar -C LAYOUT -cf image.tar .` for a layout).\n\
         * The log of a hive or of an SQLite database that was not closed. A hive says so itself, and is told as partly\n  \
         read.\n\
         * Programs for Windows outside of `Program Files`, `ProgramData` and drivers, unless an identifier names them.\n\
         * A signature of a Windows program is verified as far as the file allows; whether somebody trusts the certificate\n  \
         at the end of its chain is not known. One that does not verify names nobody.\n\
         * The team of a program for macOS is what its code directory says; the signature over it is not verified.\n\
         * A key of an rpm package is the one that the signature names; it is not verified either.\n\
         * Of one source come 250,000 items at most, of one inventory two million; more is told.\n",
    );
    page
}
