//! Values with names, one after another.

use candor_model::ModuleValue;

/// The fields of a structure. A field that is not given has no value.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(&'static str, ModuleValue)>);

impl Fields {
    /// With a value of any kind.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<ModuleValue>) -> Self {
        self.0.push((name, value.into()));
        self
    }

    /// With a number.
    pub(crate) fn integer(self, name: &'static str, value: impl Into<i64>) -> Self {
        self.with(name, ModuleValue::Integer(value.into()))
    }

    /// With a number of eight bytes; the largest ones are negative, as numbers of rules have a sign.
    pub(crate) fn wide(self, name: &'static str, value: u64) -> Self {
        self.integer(name, value.cast_signed())
    }

    /// With how many there are.
    pub(crate) fn count(self, name: &'static str, value: usize) -> Self {
        self.integer(name, i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// With a number that may be missing.
    pub(crate) fn integer_if(self, name: &'static str, value: Option<u64>) -> Self {
        match value {
            Some(value) => self.wide(name, value),
            None => self,
        }
    }

    /// With a text.
    pub(crate) fn text(self, name: &'static str, bytes: impl Into<Vec<u8>>) -> Self {
        self.with(name, ModuleValue::Text(bytes.into()))
    }

    /// With a text that may be missing.
    pub(crate) fn text_if(self, name: &'static str, bytes: Option<impl Into<Vec<u8>>>) -> Self {
        match bytes {
            Some(bytes) => self.text(name, bytes),
            None => self,
        }
    }

    /// With values by number.
    pub(crate) fn array(self, name: &'static str, values: Vec<ModuleValue>) -> Self {
        self.with(name, ModuleValue::Array(values))
    }
}

impl From<Fields> for ModuleValue {
    fn from(fields: Fields) -> Self {
        Self::Structure(fields.0)
    }
}
