//! Everything that a decision can depend on, of one moment.
//!
//! What is configured comes from memory while the version of the configuration stands; sessions, tokens, counters
//! and passwords are always read.

use std::sync::Arc;

use jeton_core::domain::client::{ApiKey, Client};
use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::principal::Principal;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::target::Target;
use jeton_core::domain::throttle::Throttle;
use jeton_core::facts::{Facts, Query, TokenFacts};

use crate::cache::Cache;
use crate::db::statements;
use crate::error::Error;
use crate::snapshot::Snapshot;
use crate::{api_key, client, principal, realm, session, target, throttle};

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
    let Query { realm, client_id, key_id, username, act_as, target, token, ended, nonce, throttle } = query;
    let read_anew = username.is_some() || act_as.is_some() || target.is_some() || token.is_some() || nonce.is_some();
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
        ended: false,
        nonce_used: false,
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
        let Query { realm: _, client_id, key_id, username, act_as, target, token, ended, nonce, throttle } = query;
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
            ended: false,
            nonce_used: false,
            throttle: Throttle::default(),
        };
        if let Some(name) = client_id {
            facts.client = self.client(name).await?;
        }
        if let Some(name) = key_id {
            facts.api_key = self.api_key(name).await?;
        }
        if let Some(name) = username {
            facts.person = principal::person(self.tx, self.realm_id, name).await?;
        }
        if let Some(number) = target {
            facts.target = self.target(*number).await?;
        }
        if let (Some(target), Some(person)) = (&facts.target, &facts.person) {
            facts.membership = target::membership(self.tx, target.id, person.principal.id).await?;
        }
        if let Some(name) = act_as {
            facts.act_as = principal::person(self.tx, self.realm_id, name).await?.map(|person| person.principal);
        }
        if let Some(digest) = token {
            facts.token = self.token(*digest).await?;
        }
        if let Some(digest) = ended {
            facts.ended = self.tx.one(IS_ENDED, &[(*digest).into()], |_| Ok(())).await?.is_some();
        }
        if let Some(digest) = nonce {
            facts.nonce_used = self.tx.one(IS_USED, &[(*digest).into()], |_| Ok(())).await?.is_some();
        }
        if let Some(keys) = throttle {
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
        Ok(Some(TokenFacts { principal, actor, client, api_key, target, successor, token, session }))
    }

    async fn principal(&mut self, id: Id) -> Result<Arc<Principal>, Error> {
        self.cache.principals.get(id, self.version, principal::by_id(self.tx, id)).await?.ok_or_else(gone)
    }
}

/// Foreign keys keep a session and what it refers to together.
fn gone() -> Error {
    Error::Corrupt("a session refers to something that is gone".to_owned())
}
