//! A scan keeps to its limits, and says when it left something out.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use candor_database::{Builder, Image};
use candor_engine::{Options, Scanner};
use candor_model::{Interrupt, Limits, Verdict};
use candor_signature::Input;
use candor_signature::clamav::load;

fn image() -> &'static Image {
    static IMAGE: OnceLock<Image> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let inputs = [
            Input { name: "a.ndb", bytes: b"Strong:0:*:6e6565646c65\nPUA.Win.Tool:7:*:746f6f6c\n" },
            Input {
                name: "a.ldb",
                bytes: b"Again;Engine:51-255,Target:0,HandlerType:CL_TYPE_HTML;0;616761696e\n",
            },
        ];
        let mut builder = Builder::new();
        load(&inputs, candor_signature::clamav::Options::default(), &mut builder, &mut |_| {});
        Image::from_vec(builder.finish().expect("a small image fits")).expect("what was built opens")
    })
}

/// Scans with little room.
pub(crate) fn scan(bytes: &[u8]) {
    let limits = Limits {
        max_scan_size: 4 << 20,
        max_file_size: 1 << 20,
        max_depth: 5,
        max_children: 50,
        max_normalise: 1 << 16,
        // Little enough that archives are taken apart while they are read.
        max_memory: 1 << 16,
        ..Limits::default()
    };
    let options = Options { limits, all_matches: true, ..Options::default() };
    let report = Scanner::new(image(), options).scan(bytes, "file", &Interrupt::new());
    assert!(report.bytes <= limits.max_scan_size);
    assert!(report.layers.len() <= 51);
    let mut depths = BTreeMap::new();
    for layer in &report.layers {
        assert!(layer.length <= limits.max_file_size);
        let depth = layer.parent.map_or(1, |parent| depths[&parent] + 1);
        assert!(depth <= limits.max_depth);
        depths.insert(layer.id, depth);
    }
    if report.verdict == Verdict::Clean {
        assert!(report.incomplete.is_empty() && report.findings.is_empty());
    }
}
