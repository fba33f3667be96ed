//! Whom a token speaks for: a person or a service.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use super::id::Id;
use crate::time::Timestamp;

/// A principal as the store keeps it.
#[derive(Clone, Debug, PartialEq)]
pub struct Principal {
    /// Its row, and the subject of its OAuth tokens. Never reused.
    pub id: Id,
    /// The realm it belongs to.
    pub realm_id: Id,
    /// Person or service: two kinds, one namespace of ids, so that neither can pass for the other.
    pub kind: Kind,
    /// A small number, unique in the realm, for dialects whose ids are numbers.
    pub number: i64,
    /// The name to sign in with, as written. For a service: its own name.
    pub username: String,
    /// A disabled principal gets nothing, and its tokens are refused.
    pub enabled: bool,
    /// Tokens and sessions begun before this instant are refused.
    pub not_before: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
    /// Everything else that is known of it.
    pub profile: PersonProfile,
    /// Goes up with every change: what a decision assumes.
    pub version: i64,
}

/// Person or service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signs in with a password.
    Person,
    /// A program; its clients and API keys prove it.
    Service,
}

/// What is known of a person beyond the name. Kept as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PersonProfile {
    /// OIDC standard claims by their names (`given_name`, `email`, `phone_number`, …), and whatever
    /// a dialect's `[field]` table says comes from the person.
    pub attributes: BTreeMap<String, String>,
    /// Usernames of the accounts this one may act as.
    pub may_act_as: Vec<String>,
}

impl Principal {
    /// The attribute of this name, or nothing.
    pub fn attribute(&self, name: &str) -> Option<&str> {
        self.profile.attributes.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// First and last name with a space between, if `name` itself is not known.
    pub fn display_name(&self) -> String {
        if let Some(name) = self.attribute("name") {
            return name.to_owned();
        }
        let parts = [self.attribute("given_name"), self.attribute("family_name")];
        parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

/// A username as it is compared: NFKC, lower case, trimmed. One account, one key, however it is typed.
pub fn canonical_username(name: &str) -> String {
    name.trim().nfkc().flat_map(char::to_lowercase).nfkc().collect()
}
