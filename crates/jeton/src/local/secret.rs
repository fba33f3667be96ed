//! Secrets of clients and API keys: made here, shown once, kept as keyed hashes.

use std::time::Duration;

use anyhow::bail;
use jeton_core::change::Audit;
use jeton_core::domain::client::StoredSecret;
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::Principal;
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
use jeton_core::token::opaque;
use jeton_core::token::pepper::Purpose;
use jeton_server::random::SystemRng;
use jeton_store::Owner;
use serde_json::Value;

use super::Local;
use super::arguments::span;
use super::print::{maybe_time, record, time};

/// How a secret is added beside another.
#[derive(clap::Args)]
pub(crate) struct Adding {
    /// The new secret proves nothing after this time, such as 90d
    #[arg(long, value_name = "TIME", value_parser = span)]
    expires_in: Option<Duration>,
    /// The secrets that are there already prove nothing after this time, such as 7d
    #[arg(long, value_name = "TIME", value_parser = span)]
    others_end_in: Option<Duration>,
}

/// A secret that was just made.
pub(super) struct NewSecret {
    /// What is kept of it.
    pub(super) stored: StoredSecret,
    /// What is shown of it, once.
    pub(super) value: Secret<String>,
}

impl Local {
    /// A secret of 256 bits.
    pub(super) fn new_secret(&self, expires_in: Option<Duration>) -> NewSecret {
        let value = opaque::new_secret(&mut SystemRng::new());
        let now = self.now();
        let stored = StoredSecret {
            id: self.new_id(),
            digest: self.app.pepper.digest(Purpose::Secret, &[value.expose().as_bytes()]),
            created_at: now,
            expires_at: expires_in.map(|span| now + span),
        };
        NewSecret { stored, value }
    }

    /// Adds a secret beside those in `secrets`. At most two live side by side: one that goes and one that comes.
    pub(super) async fn add_secret(
        &self,
        owner: Owner,
        secrets: &[StoredSecret],
        adding: &Adding,
        record: Audit,
    ) -> anyhow::Result<NewSecret> {
        let now = self.now();
        if secrets.iter().filter(|secret| is_live(secret, now)).count() >= 2 {
            bail!("there are two live secrets already; `show` lists them, `remove-secret` removes one");
        }
        let new = self.new_secret(adding.expires_in);
        let others_until = adding.others_end_in.map(|span| now + span);
        self.store().add_secret(owner, &new.stored, others_until, record).await?;
        Ok(new)
    }

    /// Removes the secret of this id, if it is one of `secrets`.
    pub(super) async fn remove_secret(&self, secrets: &[StoredSecret], id: &str, record: Audit) -> anyhow::Result<()> {
        let id: Option<Id> = id.parse().ok();
        let Some(secret) = secrets.iter().find(|secret| Some(secret.id) == id) else {
            bail!("there is no secret of this id; `show` lists them");
        };
        Ok(self.store().remove_secret(secret.id, record).await?)
    }

    /// Whether more than one client or API key speaks for a service.
    pub(super) async fn is_shared(&self, service: &Principal) -> anyhow::Result<bool> {
        let clients = self.store().clients(service.realm_id).await?;
        let keys = self.store().api_keys(service.realm_id).await?;
        let clients = clients.iter().filter(|client| client.service.id == service.id).count();
        Ok(clients + keys.iter().filter(|key| key.service.id == service.id).count() > 1)
    }

    /// What may be shown of stored secrets.
    pub(super) fn secrets_shown(&self, secrets: &[StoredSecret]) -> Value {
        let now = self.now();
        let shown = secrets.iter().map(|secret| {
            Value::Object(record! {
                "id": secret.id.to_string(),
                "live": is_live(secret, now),
                "created": time(secret.created_at),
                "expires": maybe_time(secret.expires_at),
            })
        });
        Value::Array(shown.collect())
    }
}

fn is_live(secret: &StoredSecret, now: Timestamp) -> bool {
    secret.expires_at.is_none_or(|end| now < end)
}
