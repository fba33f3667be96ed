//! The shell around a token's state: read, verify, load, decide. Every yes to a presented token comes from here.

use jeton_core::dialect::Values;
use jeton_core::domain::client::Client;
use jeton_core::domain::policy::{Format, Limited};
use jeton_core::domain::principal::canonical_username;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::{Facts, Query};
use jeton_core::rules::Shape;
use jeton_core::rules::issue::digest_opaque;
use jeton_core::rules::state::{self, Live};
use jeton_core::secret::Secret;
use jeton_core::token::jwt::Claims;
use jeton_gate::{Caller, CheckToken};

use crate::app::App;
use crate::exchange::{Ended, take};
use crate::present::present;

/// Whether a token of `realm` is good now; `view` makes of it what the caller needs.
///
/// The reason of a no is for API calls, whose dialects tell reasons apart; introspection tells nobody.
pub async fn inspect<T>(
    app: &App,
    realm: &str,
    token: &Secret<String>,
    view: impl FnOnce(&Live<'_>, Option<&Claims>, &Facts) -> T,
) -> Result<T, Ended> {
    let mut query = Query { realm, ..Query::default() };
    let facts = app.store.load(&query).await?.ok_or(Reason::NoRealm)?;
    if !facts.realm.enabled {
        return Err(Reason::NoRealm.into());
    }
    let keys = app.keys(facts.realm.id).await?;
    let presented = present(token.expose(), &keys, &app.pepper)?;
    query.token = Some(presented.digest);
    query.ended = presented.jti;
    let claims = presented.claims;
    query.client_id = claims.as_ref().and_then(|claims| claims.client_id.as_deref());
    let facts = app.store.load(&query).await?.ok_or(Reason::NoRealm)?;
    let now = app.clock.now();

    if let Some(row) = &facts.token {
        let mounts = app.mounts().await?;
        let dialect = mounts.dialect(realm, &row.session.dialect);
        let shape = dialect.map_or(Shape::OAuth, |dialect| Shape::Dialect(dialect));
        let issuer = facts.realm.issuer(&app.site.public_url);
        let jwt = claims.as_ref().map(|claims| (claims, issuer.as_str()));
        let decision = state::of_session_token(&facts.realm, row, shape, jwt, now);
        let live = decision.answer?;
        if let Some(policy) = shape.policy() {
            let username = canonical_username(&live.principal.username);
            let wait = take(app, realm, policy, Limited::All, live.key_id.unwrap_or(&username));
            wait.map_or(Ok(()), |wait| Err(Refusal::new(Reason::Throttled).retry_after(wait)))?;
        }
        if !decision.changes.is_empty() {
            // A store that cannot write can still say what is live. And noting a use may lose a race against a
            // renewal or an end: then the other has noted it.
            match app.store.commit(decision.changes).await {
                Ok(()) | Err(jeton_store::Error::Conflict) => {}
                Err(error) => tracing::warn!(%error, "a token's use could not be noted"),
            }
        }
        return Ok(view(&live, claims.as_ref(), &facts));
    }
    match &claims {
        Some(claims) => {
            let issuer = facts.realm.issuer(&app.site.public_url);
            let live = state::of_client_token(&facts, facts.client.as_deref(), claims, &issuer, now)?;
            Ok(view(&live, Some(claims), &facts))
        }
        None => Err(unknown(app, realm).await?.into()),
    }
}

/// Whether a refresh token of OAuth is good now, for the client that asks and that it must belong to. It opens no API:
/// no gate asks this.
pub async fn inspect_refresh_token<T>(
    app: &App,
    realm: &str,
    token: &Secret<String>,
    client: &Client,
    view: impl FnOnce(&Live<'_>) -> T,
) -> Result<T, Ended> {
    let query = Query { realm, token: Some(digest_opaque(&app.pepper, token.expose())), ..Query::default() };
    let facts = app.store.load(&query).await?.ok_or(Reason::NoRealm)?;
    let live = state::of_refresh_token(&facts, client, app.clock.now())?;
    Ok(view(&live))
}

/// Why a text that is no token of ours is refused: where tokens are JWTs, it cannot be read.
async fn unknown(app: &App, realm: &str) -> Result<Reason, Ended> {
    let mounts = app.mounts().await?;
    let opaque = mounts.main_dialect(realm).is_some_and(|dialect| matches!(dialect.policy.format, Format::Opaque(_)));
    Ok(if opaque { Reason::InvalidToken } else { Reason::Unreadable })
}

/// The gate's view of a token.
pub fn caller(live: &Live<'_>, facts: &Facts) -> Caller {
    Caller {
        realm: facts.realm.name.clone(),
        subject: live.principal.id.to_string(),
        number: Some(live.principal.number),
        username: Some(live.principal.username.clone()),
        client_id: live.client.map(|client| client.client_id.clone()),
        key_id: live.key_id.map(str::to_owned),
        scope: live.scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect(),
        target: live.target,
        level: live.level.map(str::to_owned),
        actor: live.actor.map(|actor| actor.id.to_string()),
        cnf: live.cnf.cloned(),
        expires_at: live.expires_at,
    }
}

/// Tokens checked in this process, over the store.
#[derive(Clone)]
pub struct StoreCheck {
    /// The server's parts.
    pub app: App,
    /// The realm whose tokens count.
    pub realm: String,
}

impl CheckToken for StoreCheck {
    async fn check(&self, token: &Secret<String>, _also: &Values) -> Result<Caller, Refusal> {
        let checked = inspect(&self.app, &self.realm, token, |live, _, facts| {
            let issuer = facts.realm.issuer(&self.app.site.public_url);
            state::is_for_api(live, &facts.realm, &issuer).then(|| caller(live, facts))
        });
        let checked = checked.await.and_then(|caller| caller.ok_or(Reason::InvalidToken.into()));
        checked.map_err(|ended| match ended {
            Ended::Refused(refusal) => refusal,
            Ended::Broken(fault) => {
                tracing::error!(%fault, "a token could not be checked");
                Refusal::new(Reason::Unavailable).retry_after(std::time::Duration::from_secs(1))
            }
        })
    }
}
