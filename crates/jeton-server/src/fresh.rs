//! Tokens that a client may get once more: for the same request, while half of their life is left.
//!
//! They stand in this process alone, in memory that has an end. That one was ended meanwhile is asked of the store.

use std::time::Duration;

use jeton_core::domain::id::Id;
use jeton_core::domain::session::Confirmation;
use jeton_core::facts::{Facts, Query};
use jeton_core::rules::{Access, Grant, Issue, Request, Shape};
use jeton_core::time::Timestamp;
use jeton_core::token::pepper::Purpose;

use crate::app::App;
use crate::exchange::{Ended, Granted};

/// How many tokens are kept.
const KEPT: usize = 1024;

/// What makes two requests the same: who asks, for what, and by which configuration that was granted.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Same {
    client: Id,
    version: i64,
    scope: String,
    resources: Vec<String>,
    cnf: Option<Confirmation>,
}

/// The tokens.
pub(crate) struct FreshTokens(quick_cache::sync::Cache<Same, Granted>);

impl Default for FreshTokens {
    fn default() -> Self {
        Self(quick_cache::sync::Cache::new(KEPT))
    }
}

impl FreshTokens {
    /// The token to send in place of this one that was not signed yet, if there is one that is as good.
    pub(crate) async fn instead(
        &self,
        app: &App,
        facts: &Facts,
        request: &Request<'_>,
        issue: &Issue,
    ) -> Result<Option<Granted>, Ended> {
        let Some(same) = same(facts, request, issue) else { return Ok(None) };
        let Some(kept) = self.0.get(&same).filter(|kept| is_fresh(&kept.issue, issue.issued_at)) else {
            return Ok(None);
        };
        let jti = app.pepper.digest(Purpose::Jti, &[kept.issue.id.to_string().as_bytes()]);
        let query = Query { realm: &facts.realm.name, ended: Some(jti), ..Query::default() };
        let ended = app.store.load(&query).await?.is_none_or(|facts| facts.ended);
        Ok((!ended).then_some(kept))
    }

    /// Keeps a token that was sent, if it may be sent again.
    pub(crate) fn keep(&self, facts: &Facts, request: &Request<'_>, granted: &Granted) {
        if let Some(same) = same(facts, request, &granted.issue) {
            self.0.insert(same, granted.clone());
        }
    }
}

fn same(facts: &Facts, request: &Request<'_>, issue: &Issue) -> Option<Same> {
    let client = facts.client.as_deref().filter(|client| client.settings.reuse)?;
    let plain = matches!((request.shape, &request.grant), (Shape::OAuth, Grant::ClientCredentials));
    // What can be told good or bad without a row: opaque tokens are had anew.
    if !plain || !matches!(issue.access, Access::Jwt { .. }) {
        return None;
    }
    Some(Same {
        client: client.id,
        version: facts.config_version,
        scope: issue.scope.clone(),
        resources: request.resources.clone(),
        cnf: issue.cnf.clone(),
    })
}

fn is_fresh(issue: &Issue, now: Timestamp) -> bool {
    let life = issue.expires_at.as_secs() - issue.issued_at.as_secs();
    let half = Duration::from_secs(u64::try_from(life / 2).unwrap_or(0));
    // A clock that was set back makes nothing younger.
    issue.issued_at <= now && now <= issue.issued_at + half
}
