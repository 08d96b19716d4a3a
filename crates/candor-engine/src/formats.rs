//! Which parsers there are. A scan reaches them through a trait so that tests of the loop can put
//! trees of layers in front of it that no real format could express.

use std::fmt::Debug;

use candor_model::{CertificateRule, FileType, Module, ModuleValue, PerceptualHash, Sink};
use candor_unpack::Cut;

/// What a scan needs to know about formats.
pub(crate) trait Formats: Debug + Sync {
    /// What `bytes` are.
    fn identify(&self, bytes: &[u8]) -> FileType;

    /// Hands children, facts and troubles of a layer to `sink`.
    fn unpack(&self, file_type: FileType, bytes: &[u8], sink: &mut dyn Sink);

    /// Where an archive may be cut that `bytes` are the beginning of.
    fn cut(&self, _file_type: FileType, _bytes: &[u8]) -> Option<Cut> {
        None
    }

    /// What a text says that a password is.
    fn mentioned_passwords(&self, _text: &[u8]) -> Vec<Vec<u8>> {
        Vec::new()
    }

    /// The perceptual hash of an image.
    fn image_hash(&self, bytes: &[u8], file_type: FileType) -> Option<PerceptualHash>;

    /// What a module of YARA offers for a layer.
    fn module(&self, _module: Module, _bytes: &[u8]) -> ModuleValue {
        ModuleValue::Undefined
    }

    /// The digests of programs that a catalogue vouches for.
    fn catalogue(&self, _bytes: &[u8], _rules: &[CertificateRule]) -> Vec<Vec<u8>> {
        Vec::new()
    }
}

/// The formats of the product.
#[derive(Debug)]
pub(crate) struct Builtin;

impl Formats for Builtin {
    fn identify(&self, bytes: &[u8]) -> FileType {
        candor_identify::identify(bytes)
    }

    fn unpack(&self, file_type: FileType, bytes: &[u8], sink: &mut dyn Sink) {
        candor_unpack::unpack(file_type, bytes, sink);
        for image in candor_identify::images(file_type, bytes) {
            candor_unpack::unpack(image, bytes, sink);
        }
        if candor_identify::has_page(file_type, bytes) {
            candor_unpack::page_in_front(bytes, sink);
        }
    }

    fn cut(&self, file_type: FileType, bytes: &[u8]) -> Option<Cut> {
        candor_unpack::cut(file_type, bytes)
    }

    fn mentioned_passwords(&self, text: &[u8]) -> Vec<Vec<u8>> {
        candor_unpack::mentioned_passwords(text)
    }

    fn image_hash(&self, bytes: &[u8], file_type: FileType) -> Option<PerceptualHash> {
        candor_unpack::image_hash(bytes, file_type)
    }

    fn module(&self, module: Module, bytes: &[u8]) -> ModuleValue {
        candor_unpack::module(module, bytes)
    }

    fn catalogue(&self, bytes: &[u8], rules: &[CertificateRule]) -> Vec<Vec<u8>> {
        candor_unpack::catalogue(bytes, rules)
    }
}
