//! The demo's secrets of this run. They exist on the screen and, hashed, in the store.

use serde_json::json;

/// One run's credentials.
pub(super) struct Credentials {
    /// InEvent: a person who is also in an event.
    pub(super) events: EventCredentials,
    /// Pitchpoint: a person.
    pub(super) orders: PersonCredentials,
    /// ION: a client.
    pub(super) runs: KeyCredentials,
    /// Zro: an API key.
    pub(super) wallets: KeyCredentials,
}

/// A person with two passwords.
pub(super) struct EventCredentials {
    pub(super) username: String,
    pub(super) password: String,
    pub(super) event_id: String,
    pub(super) event_password: String,
}

/// A person.
pub(super) struct PersonCredentials {
    pub(super) username: String,
    pub(super) password: String,
}

/// A program.
pub(super) struct KeyCredentials {
    pub(super) id: String,
    pub(super) secret: String,
}

impl Credentials {
    /// The one line of `--json`.
    pub(super) fn json(&self, url: &str, admin_url: &str) -> String {
        json!({
            "url": url,
            "admin_url": admin_url,
            "realms": {
                "inevent": {
                    "username": self.events.username,
                    "password": self.events.password,
                    "event_id": self.events.event_id,
                    "event_password": self.events.event_password,
                },
                "pitchpoint": { "username": self.orders.username, "password": self.orders.password },
                "ion": { "client_id": self.runs.id, "client_secret": self.runs.secret },
                "zro": { "api_id": self.wallets.id, "api_key": self.wallets.secret },
            },
        })
        .to_string()
    }
}
