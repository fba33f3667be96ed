//! Everything that a decision can depend on, of one moment.
//!
//! What is configured comes from memory while the version of the configuration stands; sessions, tokens, counters
//! and passwords are always read.

use std::sync::Arc;

use jeton_core::domain::client::{ApiKey, Client};
use jeton_core::domain::device::Verdict;
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::principal::Principal;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::session::{Exchanged, ExchangedToken};
use jeton_core::domain::target::Target;
use jeton_core::domain::throttle::Throttle;
use jeton_core::facts::{DeviceFacts, ExchangedFacts, Facts, Query, TokenFacts};

use crate::cache::Cache;
use crate::db::statements;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{api_key, client, device, principal, realm, session, target, throttle};

statements! {
    IS_ENDED = "SELECT 1 FROM ended_token WHERE digest = $1";
    IS_USED = "SELECT 1 FROM nonce WHERE digest = $1";
}

/// The facts for `query`; nothing if there is no such realm.
pub(crate) async fn load(
    tx: &mut Snapshot,
    cache: &Cache,
    version: i64,
    query: &Query<'_>,
) -> Result<Option<Facts>, Error> {
    let realm = realm::named(tx, query.realm);
    let Some(realm) = cache.realms.get(query.realm.to_owned(), version, realm).await? else { return Ok(None) };
    Loader { tx, cache, version, realm_id: realm.id }.facts(realm, query).await.map(Some)
}

/// The facts for `query` from memory alone, if all of them are there: `quiet` says that nothing was counted under
/// its keys.
pub(crate) fn from_memory(cache: &Cache, version: i64, query: &Query<'_>, quiet: bool) -> Option<Facts> {
    let Query {
        realm,
        client_id,
        key_id,
        username,
        act_as,
        target,
        token,
        issued_to,
        ended,
        once,
        device_code,
        user_code,
        throttle,
    } = query;
    let read_anew =
        username.is_some() || act_as.is_some() || target.is_some() || token.is_some() || issued_to.is_some();
    let read_anew = read_anew || !once.is_empty() || device_code.is_some() || user_code.is_some();
    if read_anew || ended.is_some() || (throttle.is_some() && !quiet) {
        return None;
    }
    let realm = cache.realms.kept(*realm, version)?;
    let client = match client_id {
        Some(name) => Some(cache.clients.kept(&(realm.id, (*name).to_owned()), version)?),
        None => None,
    };
    let api_key = match key_id {
        Some(name) => Some(cache.api_keys.kept(&(realm.id, (*name).to_owned()), version)?),
        None => None,
    };
    Some(Facts {
        config_version: version,
        realm,
        client,
        api_key,
        person: None,
        act_as: None,
        target: None,
        membership: None,
        token: None,
        issued_to: None,
        ended: false,
        used: Vec::new(),
        device: None,
        throttle: Throttle::default(),
    })
}

/// One reading: of this realm, at this version of the configuration.
struct Loader<'a> {
    tx: &'a mut Snapshot,
    cache: &'a Cache,
    version: i64,
    realm_id: Id,
}

impl Loader<'_> {
    async fn facts(&mut self, realm: Arc<Realm>, query: &Query<'_>) -> Result<Facts, Error> {
        let mut facts = Facts {
            config_version: self.version,
            realm,
            client: None,
            api_key: None,
            person: None,
            act_as: None,
            target: None,
            membership: None,
            token: None,
            issued_to: None,
            ended: false,
            used: Vec::new(),
            device: None,
            throttle: Throttle::default(),
        };
        if let Some(name) = query.client_id {
            facts.client = self.client(name).await?;
        }
        if let Some(name) = query.key_id {
            facts.api_key = self.api_key(name).await?;
        }
        if let Some(name) = query.username {
            facts.person = principal::person(self.tx, self.realm_id, name).await?;
        }
        if let Some(number) = query.target {
            facts.target = self.target(number).await?;
        }
        if let (Some(target), Some(person)) = (&facts.target, &facts.person) {
            facts.membership = target::membership(self.tx, target.id, person.principal.id).await?;
        }
        if let Some(name) = query.act_as {
            facts.act_as = principal::person(self.tx, self.realm_id, name).await?.map(|person| person.principal);
        }
        if let Some(digest) = query.token {
            facts.token = self.token(digest).await?;
        }
        if let Some(name) = query.issued_to {
            facts.issued_to = self.client(name).await?;
        }
        if let Some(digest) = query.ended {
            facts.ended = self.is_ended(digest).await?;
        }
        for digest in &query.once {
            if self.tx.one(IS_USED, &[(*digest).into()], |_| Ok(())).await?.is_some() {
                facts.used.push(*digest);
            }
        }
        facts.device = self.device(query.device_code, query.user_code).await?;
        if let Some(keys) = &query.throttle {
            facts.throttle = throttle::find(self.tx, keys).await?;
        }
        Ok(facts)
    }

    async fn client(&mut self, name: &str) -> Result<Option<Arc<Client>>, Error> {
        let read = client::named(self.tx, self.realm_id, name);
        self.cache.clients.get((self.realm_id, name.to_owned()), self.version, read).await
    }

    async fn api_key(&mut self, name: &str) -> Result<Option<Arc<ApiKey>>, Error> {
        let read = api_key::named(self.tx, self.realm_id, name);
        self.cache.api_keys.get((self.realm_id, name.to_owned()), self.version, read).await
    }

    async fn target(&mut self, number: i64) -> Result<Option<Arc<Target>>, Error> {
        let read = target::numbered(self.tx, self.realm_id, number);
        self.cache.targets.get((self.realm_id, number), self.version, read).await
    }

    /// The device of one of these codes and all it hangs on.
    async fn device(
        &mut self,
        device_code: Option<Digest>,
        user_code: Option<Digest>,
    ) -> Result<Option<DeviceFacts>, Error> {
        let found = match (device_code, user_code) {
            (Some(code), _) => device::by_device_code(self.tx, self.realm_id, code).await?,
            (None, Some(code)) => device::by_user_code(self.tx, self.realm_id, code).await?,
            (None, None) => None,
        };
        let Some(authorization) = found else { return Ok(None) };
        let id = authorization.client_id;
        let client = self.cache.clients_by_row.get(id, self.version, client::by_id(self.tx, id)).await?;
        let principal = match authorization.verdict {
            Some(Verdict::Approved { principal_id, .. }) => Some(self.principal(principal_id).await?),
            Some(Verdict::Denied) | None => None,
        };
        Ok(Some(DeviceFacts { client: client.ok_or_else(gone)?, principal, authorization }))
    }

    /// The token of this digest and all it hangs on.
    async fn token(&mut self, digest: Digest) -> Result<Option<TokenFacts>, Error> {
        let Some((token, session)) = session::of_token(self.tx, self.realm_id, digest).await? else { return Ok(None) };
        let (cache, version) = (self.cache, self.version);
        let principal = self.principal(session.principal_id).await?;
        let actor = match session.actor_id {
            Some(id) => Some(self.principal(id).await?),
            None => None,
        };
        let client = match session.client_id {
            Some(id) => {
                cache.clients_by_row.get(id, version, client::by_id(self.tx, id)).await?.ok_or_else(gone)?.into()
            }
            None => None,
        };
        let api_key = match session.api_key_id {
            Some(id) => {
                cache.api_keys_by_row.get(id, version, api_key::by_id(self.tx, id)).await?.ok_or_else(gone)?.into()
            }
            None => None,
        };
        let target = match session.target_id {
            Some(id) => {
                let target =
                    cache.targets_by_row.get(id, version, target::by_id(self.tx, id)).await?.ok_or_else(gone)?;
                let membership = target::membership(self.tx, id, session.principal_id);
                Some((target, cache.memberships.get((id, session.principal_id), version, membership).await?))
            }
            None => None,
        };
        let successor = match token.generation < session.generation {
            true => session::newest_access_token(self.tx, session.id, session.generation).await?,
            false => None,
        };
        let mut exchanged = Vec::new();
        for earlier in &session.bounds.exchanged {
            exchanged.push(self.exchanged(earlier).await?);
        }
        Ok(Some(TokenFacts { principal, actor, client, api_key, target, exchanged, successor, token, session }))
    }

    /// What became of a token that was exchanged. Rows that are gone were ended, or have come to their end.
    async fn exchanged(&mut self, token: &Exchanged) -> Result<ExchangedFacts, Error> {
        let client = client::by_id(self.tx, token.client_id);
        let client = self.cache.clients_by_row.get(token.client_id, self.version, client).await?;
        let ended = match token.token {
            ExchangedToken::Jti(digest) => self.is_ended(digest).await?,
            ExchangedToken::Row(digest) => {
                let found = session::of_token(self.tx, self.realm_id, digest).await?;
                found.is_none_or(|(_, session)| session.ended_at.is_some())
            }
        };
        Ok(ExchangedFacts { client, ended })
    }

    async fn is_ended(&mut self, jti: Digest) -> Result<bool, Error> {
        Ok(self.tx.one(IS_ENDED, &[jti.into()], |_| Ok(())).await?.is_some())
    }

    async fn principal(&mut self, id: Id) -> Result<Arc<Principal>, Error> {
        self.cache.principals.get(id, self.version, principal::by_id(self.tx, id)).await?.ok_or_else(gone)
    }
}

/// Foreign keys keep a session and what it refers to together.
fn gone() -> Error {
    Error::Corrupt("a session refers to something that is gone".to_owned())
}
