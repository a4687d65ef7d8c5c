//! The tenant's table of classification → risk level and response: our defaults, and what the tenant changed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    classification::{self, Classification, Response},
    level::RiskLevel,
    threat::Threat,
};

/// What a tenant changed in one row.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
pub struct ProtectionsRow {
    /// The level instead of the default one.
    pub level: RiskLevel,
    /// The response instead of the default one.
    pub response: Response,
}

/// The rows a tenant changed; all others have our defaults.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Protections {
    rows: BTreeMap<String, ProtectionsRow>,
}

/// Which word decided about a level.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decider {
    /// Our default for the classification.
    Default,
    /// The tenant's change of the row.
    Tenant,
    /// The source's own severity, because the tenant trusts the source.
    Source,
}

impl Protections {
    /// The row of a classification as the tenant has it; a name not in the table is rated like `unknown`.
    pub fn row(&self, classification: &str) -> (ProtectionsRow, Decider) {
        if let Some(row) = self.rows.get(classification) {
            return (*row, Decider::Tenant);
        }
        match classification::find(classification) {
            Some(known) => (default_row(known), Decider::Default),
            None if classification == classification::UNKNOWN => {
                (ProtectionsRow { level: RiskLevel::Medium, response: Response::Alert }, Decider::Default)
            }
            None => self.row(classification::UNKNOWN),
        }
    }

    /// The level a threat is rated at. `trusted` says that the tenant trusts the threat's source.
    pub fn rate(&self, threat: &Threat, trusted: bool) -> (RiskLevel, Decider) {
        match threat.severity {
            Some(severity) if trusted => (severity, Decider::Source),
            _ => {
                let (row, decider) = self.row(&threat.classification);
                (row.level, decider)
            }
        }
    }

    /// Changes a row; a row equal to its default is forgotten.
    pub fn set(&mut self, classification: &str, row: ProtectionsRow) {
        if classification::find(classification).is_some_and(|known| default_row(known) == row) {
            self.rows.remove(classification);
        } else {
            self.rows.insert(classification.to_owned(), row);
        }
    }

    /// Puts a row back to its default.
    pub fn reset(&mut self, classification: &str) {
        self.rows.remove(classification);
    }

    /// The rows that differ from the defaults.
    pub fn changed(&self) -> impl Iterator<Item = (&str, ProtectionsRow)> {
        self.rows.iter().map(|(name, row)| (name.as_str(), *row))
    }
}

/// The row a classification starts with.
pub fn default_row(classification: &Classification) -> ProtectionsRow {
    ProtectionsRow { level: classification.default_level, response: classification.default_response }
}
