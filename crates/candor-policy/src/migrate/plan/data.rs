//! How products are removed, as data: `policy/removal/*.toml`, one file a vendor.

use serde::{Deserialize, Serialize};

use super::{Command, Lost, Phase};
use crate::policy::{Place, PolicyError};
use crate::vendor::{Platform, check_id};

/// How the products of a vendor are removed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Removal {
    /// The vendor's id.
    pub vendor: String,
    /// The file that it is from.
    #[serde(skip)]
    pub file: String,
    /// What is to be known of all of them.
    #[serde(default)]
    pub before: Vec<String>,
    /// How settings are exported.
    #[serde(default, rename = "export")]
    pub exports: Vec<Recipe>,
    /// How what is left behind is cleared away.
    #[serde(default, rename = "residue")]
    pub residues: Vec<Recipe>,
    /// The products.
    #[serde(default, rename = "product")]
    pub products: Vec<Product>,
}

/// How one product is removed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Product {
    /// Its name, as findings have it.
    pub name: String,
    /// On which system, when the ways differ.
    pub platform: Option<Platform>,
    /// What it is for.
    pub role: Role,
    /// The ways; the first whose conditions hold is taken.
    #[serde(default, rename = "recipe")]
    pub recipes: Vec<Recipe>,
    /// What to know before.
    #[serde(default)]
    pub before: Vec<String>,
    /// Protection that is gone with it.
    #[serde(default)]
    pub lost: Vec<Lost>,
    /// What comes after.
    #[serde(default)]
    pub after: Vec<String>,
    /// Whether the machine has to start again.
    #[serde(default)]
    pub reboot: bool,
}

/// What a product is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Protects the machine.
    Protection,
    /// Something else.
    Tool,
    /// Makes a machine manageable.
    Agent,
    /// Manages machines.
    Management,
}

impl Role {
    pub(super) const fn phase(self) -> Phase {
        match self {
            Self::Protection => Phase::Protection,
            Self::Tool => Phase::Tools,
            Self::Agent => Phase::Agents,
            Self::Management => Phase::Management,
        }
    }
}

/// A command and when it is the one.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Recipe {
    /// When.
    #[serde(default)]
    pub when: When,
    /// The command; `{package}` and `{code}` stand for what was found.
    pub command: String,
    /// Who says so.
    pub source: String,
}

/// When a recipe is the one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// Always.
    #[default]
    Always,
    /// It is a package of dpkg.
    Dpkg,
    /// It is a package of rpm.
    Rpm,
    /// The installer of Windows knows it by a code.
    Code,
    /// It is on Linux.
    Linux,
    /// It is on macOS.
    Macos,
    /// It is on Windows.
    Windows,
}

impl Removal {
    pub(crate) fn parse(place: Place<'_>) -> Result<Self, PolicyError> {
        let mut removal: Self = place.parse()?;
        place.file.clone_into(&mut removal.file);
        check_id(place, &removal.vendor)?;
        for product in &removal.products {
            let line = place.line_of(&product.name);
            let wrong = |reason: &str| Err(place.error(line, format!("{}: {reason}", product.name)));
            if product.recipes.is_empty() {
                return wrong("there is no recipe");
            }
            if product.role == Role::Protection && product.lost.is_empty() {
                return wrong("what protects is missed when it is gone, and nothing is said of that");
            }
        }
        let own = removal.products.iter().flat_map(|product| &product.recipes);
        for recipe in own.chain(&removal.exports).chain(&removal.residues) {
            if recipe.command.trim().is_empty() || recipe.source.trim().is_empty() {
                let line = place.line_where(|line| {
                    let line = line.replace(' ', "");
                    ["command=\"\"", "source=\"\""].contains(&line.as_str())
                });
                return Err(place.error(line, "a recipe has no command or no source".to_owned()));
            }
        }
        Ok(removal)
    }

    /// The product of this name, for these systems.
    pub(super) fn product(&self, name: &str, platforms: &[Platform]) -> Option<&Product> {
        let fits = |product: &&Product| {
            product.name == name
                && product.platform.is_none_or(|one| platforms.is_empty() || platforms.contains(&one))
        };
        self.products.iter().find(fits)
    }
}

impl Recipe {
    /// The command with what was found.
    pub(super) fn command(&self, package: Option<&str>, code: Option<&str>) -> Command {
        let text = self.command.replace("{package}", package.unwrap_or("<package>"));
        Command { text: text.replace("{code}", code.unwrap_or("<code>")), source: self.source.clone() }
    }
}
