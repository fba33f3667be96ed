//! Who a checked token speaks for.

use jeton_core::domain::session::Confirmation;
use jeton_core::time::Timestamp;
use serde::{Deserialize, Serialize};

/// What a valid token says. The identity headers are made from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    /// The realm that issued the token.
    pub realm: String,
    /// The principal, by its id.
    pub subject: String,
    /// The principal's number in its realm, for APIs whose ids are numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<i64>,
    /// The principal's sign-in name, if it is a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// The client that asked for the token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The API key that signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The scopes the token has.
    #[serde(default)]
    pub scope: Vec<String>,
    /// The number of the target the token is limited to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<i64>,
    /// The principal's level at that target, or in the realm.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<String>,
    /// Who acts in the subject's name (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// What whoever shows the token must prove to hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cnf: Option<Confirmation>,
    /// When the token ends; whole seconds since the epoch to serde.
    #[serde(with = "epoch_seconds")]
    pub expires_at: Timestamp,
}

mod epoch_seconds {
    use jeton_core::time::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(time.as_secs())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        i64::deserialize(deserializer).map(Timestamp::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_holds_what_is_there() {
        let text = r#"{"realm":"r","subject":"7","scope":["a"],"target":12,"expires_at":60}"#;
        let caller: Caller = serde_json::from_str(text).unwrap();
        assert_eq!(
            (caller.target, caller.expires_at, caller.username.as_deref()),
            (Some(12), Timestamp::from_secs(60), None)
        );
        assert_eq!(serde_json::to_string(&caller).unwrap(), text);
    }
}
