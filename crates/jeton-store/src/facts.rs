//! Everything that a decision can depend on, of one moment.
//!
//! What is configured comes from memory while the version of the configuration stands; sessions, tokens, counters
//! and passwords are always read.

use jeton_core::domain::id::{Digest, Id};
use jeton_core::domain::realm::Realm;
use jeton_core::domain::throttle::Throttle;
use jeton_core::facts::{Facts, Query, TokenFacts};

use crate::cache::Cache;
use crate::db::statements;
use crate::error::Error;
use crate::readers::Snapshot;
use crate::{api_key, client, principal, realm, session, target, throttle};

statements! {
    IS_ENDED = "SELECT 1 FROM ended_token WHERE digest = $1";
    IS_USED = "SELECT 1 FROM nonce WHERE digest = $1";
}

/// The facts for `query`; nothing if there is no such realm.
pub(crate) fn load(tx: &Snapshot<'_>, cache: &Cache, version: i64, query: &Query<'_>) -> Result<Option<Facts>, Error> {
    let Some(realm) = cache.realms.get(query.realm.to_owned(), version, |name| realm::named(tx, name))? else {
        return Ok(None);
    };
    Loader { tx, cache, version, realm_id: realm.id }.facts(realm, query).map(Some)
}

/// The facts for `query` from memory alone, if all of them are there: `quiet` says that nothing was counted under
/// its keys.
pub(crate) fn from_memory(cache: &Cache, version: i64, query: &Query<'_>, quiet: bool) -> Option<Facts> {
    let Query { realm, client_id, key_id, username, act_as, target, token, ended, nonce, throttle } = query;
    let read_anew = username.is_some() || act_as.is_some() || target.is_some() || token.is_some() || nonce.is_some();
    if read_anew || ended.is_some() || (throttle.is_some() && !quiet) {
        return None;
    }
    let realm = cache.realms.kept(&(*realm).to_owned(), version)?;
    let client = match client_id {
        Some(name) => Some(cache.clients.kept(&(realm.id, (*name).to_owned()), version)?),
        None => None,
    };
    let api_key = match key_id {
        Some(name) => Some(cache.api_keys.kept(&(realm.id, (*name).to_owned()), version)?),
        None => None,
    };
    Some(Facts {
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
    tx: &'a Snapshot<'a>,
    cache: &'a Cache,
    version: i64,
    realm_id: Id,
}

impl Loader<'_> {
    fn facts(&self, realm: Realm, query: &Query<'_>) -> Result<Facts, Error> {
        let Self { tx, cache, version, realm_id } = *self;
        let key = |name: &str| (realm_id, name.to_owned());
        let client = query
            .client_id
            .map(|name| cache.clients.get(key(name), version, |(realm_id, name)| client::named(tx, *realm_id, name)));
        let api_key = query
            .key_id
            .map(|name| cache.api_keys.get(key(name), version, |(realm_id, name)| api_key::named(tx, *realm_id, name)));
        let target = query.target.map(|number| {
            cache
                .targets
                .get((realm_id, number), version, |(realm_id, number)| target::numbered(tx, *realm_id, *number))
        });
        let person = query.username.map(|name| principal::person(tx, realm_id, name)).transpose()?.flatten();
        let target = target.transpose()?.flatten();
        let membership = match (&target, &person) {
            (Some(target), Some(person)) => target::membership(tx, target.id, person.principal.id)?,
            _ => None,
        };
        let act_as = query.act_as.map(|name| principal::person(tx, realm_id, name)).transpose()?.flatten();
        Ok(Facts {
            realm,
            client: client.transpose()?.flatten(),
            api_key: api_key.transpose()?.flatten(),
            person,
            act_as: act_as.map(|person| person.principal),
            target,
            membership,
            token: query.token.map(|digest| self.token(digest)).transpose()?.flatten(),
            ended: query
                .ended
                .map(|digest| tx.one(IS_ENDED, &[digest.into()], |_| Ok(())))
                .transpose()?
                .flatten()
                .is_some(),
            nonce_used: query
                .nonce
                .map(|digest| tx.one(IS_USED, &[digest.into()], |_| Ok(())))
                .transpose()?
                .flatten()
                .is_some(),
            throttle: query.throttle.map(|keys| throttle::find(tx, &keys)).transpose()?.unwrap_or_default(),
        })
    }

    /// The token of this digest and all it hangs on.
    fn token(&self, digest: Digest) -> Result<Option<TokenFacts>, Error> {
        let Self { tx, cache, version, realm_id } = *self;
        let Some((token, session)) = session::of_token(tx, realm_id, digest)? else { return Ok(None) };
        let principal = |id: Id| cache.principals.get(id, version, |id| principal::by_id(tx, *id));
        let target = match session.target_id {
            None => None,
            Some(id) => {
                let target = cache.targets_by_row.get(id, version, |id| target::by_id(tx, *id))?.ok_or_else(gone)?;
                let key = (id, session.principal_id);
                let membership = cache
                    .memberships
                    .get(key, version, |(target_id, principal_id)| target::membership(tx, *target_id, *principal_id))?;
                Some((target, membership))
            }
        };
        let client = session
            .client_id
            .map(|id| cache.clients_by_row.get(id, version, |id| client::by_id(tx, *id))?.ok_or_else(gone));
        let api_key = session
            .api_key_id
            .map(|id| cache.api_keys_by_row.get(id, version, |id| api_key::by_id(tx, *id))?.ok_or_else(gone));
        let successor = match token.generation < session.generation {
            true => session::newest_access_token(tx, session.id, session.generation)?,
            false => None,
        };
        Ok(Some(TokenFacts {
            principal: principal(session.principal_id)?.ok_or_else(gone)?,
            actor: session.actor_id.map(|id| principal(id)?.ok_or_else(gone)).transpose()?,
            client: client.transpose()?,
            api_key: api_key.transpose()?,
            target,
            successor,
            token,
            session,
        }))
    }
}

/// Foreign keys keep a session and what it refers to together.
fn gone() -> Error {
    Error::Corrupt("a session refers to something that is gone".to_owned())
}
