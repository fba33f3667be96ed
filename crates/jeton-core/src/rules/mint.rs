//! Makes access tokens: as a dialect's file or as a client's settings have it.

use rand_core::CryptoRng;

use super::issue::{Access, Issue, Made, digest_jwt, digest_opaque};
use super::{Known, Request, Shape, Terms, audience};
use crate::dialect::{Dialect, Values};
use crate::domain::client::Client;
use crate::domain::id::Id;
use crate::domain::policy::{Alg, Format, Refresh};
use crate::domain::principal::Principal;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::{Bounds, Confirmation, Session, Token, TokenKind};
use crate::domain::target::Target;
use crate::time::Timestamp;
use crate::token::{claims, jwt, opaque};

/// Makes the tokens of one request.
pub(super) struct Minter<'a> {
    pub(super) known: &'a Known<'a>,
    pub(super) request: &'a Request<'a>,
    pub(super) terms: &'a Terms<'a>,
}

/// Whom a session's token speaks for.
pub(super) struct Parties<'a> {
    pub(super) principal: &'a Principal,
    pub(super) actor: Option<&'a Principal>,
    pub(super) key_id: Option<&'a str>,
    pub(super) target: Option<&'a Target>,
}

/// What an access token is limited to.
pub(super) struct Limits {
    pub(super) scope: String,
    /// Nobody in particular, if it is empty.
    pub(super) audience: Vec<String>,
    pub(super) cnf: Option<Confirmation>,
}

/// A token, and what the store keeps of it.
pub(super) struct Minted {
    pub(super) issue: Issue,
    pub(super) token: Token,
}

impl Limits {
    /// As its session.
    pub(super) fn of(session: &Session, cnf: Option<Confirmation>) -> Self {
        Self { scope: session.scope.clone(), audience: session.bounds.audience.clone().unwrap_or_default(), cnf }
    }

    /// As a token that was made before.
    pub(super) fn of_token(session: &Session, bounds: &Bounds) -> Self {
        let scope = bounds.scope.clone().unwrap_or_else(|| session.scope.clone());
        let audience = bounds.audience.as_ref().or(session.bounds.audience.as_ref());
        Self { scope, audience: audience.cloned().unwrap_or_default(), cnf: bounds.cnf.clone() }
    }

    /// What the store keeps of them: what is other than its session's.
    fn below(&self, session: &Session) -> Bounds {
        Bounds {
            scope: Some(&self.scope).filter(|scope| **scope != session.scope).cloned(),
            audience: (self.audience != session.bounds.audience.as_deref().unwrap_or_default())
                .then(|| self.audience.clone()),
            cnf: self.cnf.clone(),
            ..Bounds::default()
        }
    }
}

impl Minter<'_> {
    /// The dialect whose tokens are made; none where they are OAuth's.
    pub(super) fn dialect(&self) -> Option<&Dialect> {
        match (self.request.shape, self.terms.client) {
            (Shape::Dialect(dialect), None) => Some(dialect),
            _ => None,
        }
    }

    /// A JWT that a client gets for itself. It writes no row.
    pub(super) fn client_token(&self, client: &Client, alg: Alg, now: Timestamp, rng: &mut dyn CryptoRng) -> Made {
        let settings = &client.settings;
        let allowed: Vec<&str> = settings.scopes.iter().map(String::as_str).collect();
        let scope = audience::scope(self.request.scope.as_deref(), &allowed)?;
        let resources = audience::but_the_realm(&self.request.resources, &settings.audiences, self.known.issuer);
        let audience = audience::audience(resources, &settings.audiences)?;
        let limits = Limits { scope, audience, cnf: self.terms.cnf.clone() };
        let issued_at = now.whole_secs();
        let times = (issued_at, issued_at + self.terms.policy.lifetime);
        let id = Id::random(rng);
        let signing_input = self.oauth_jwt(alg, client, (&client.service, None), None, &limits, times, id);
        let mut values = Values::new();
        // OAuth's answer is not written from values; a dialect's is.
        if let Shape::Dialect(_) = self.request.shape {
            values.set("client_id", client.client_id.as_str());
            self.describe_token(&mut values, id, &limits.scope, times);
        }
        let access = Access::Jwt { alg, signing_input };
        Ok((issue(access, id, limits, times, values), Vec::new()))
    }

    /// An access token of a session.
    pub(super) fn mint(
        &self,
        session: &Session,
        parties: &Parties<'_>,
        limits: &Limits,
        issued_at: Timestamp,
        id: Id,
        rng: &mut dyn CryptoRng,
    ) -> Result<Minted, Refusal> {
        let policy = &self.terms.policy;
        let pepper = self.known.pepper;
        let mut expires_at = issued_at + policy.lifetime;
        if self.terms.client.is_some() {
            // No access token of OAuth outlives its session.
            expires_at = expires_at.min(session.expires_at.whole_secs());
        }
        let times = (issued_at, expires_at);
        let mut values = Values::new();
        if let Shape::Dialect(_) = self.request.shape {
            values = self.describe_all(session, parties, id, &limits.scope, times);
        }
        let (access, digest) = match &policy.format {
            Format::Opaque(text) => {
                let token = opaque::new_token(text, TokenKind::Access, rng);
                let digest = digest_opaque(pepper, token.expose());
                (Access::Opaque(token), digest)
            }
            Format::Jwt(alg) => {
                let signing_input = match (self.dialect(), self.terms.client) {
                    (Some(dialect), _) => self.dialect_jwt(dialect, &values)?,
                    (None, Some(client)) => {
                        let subject = (parties.principal, parties.actor);
                        self.oauth_jwt(*alg, client, subject, Some(session), limits, times, id)
                    }
                    (None, None) => return Err(Reason::DeniedGrant.into()),
                };
                let digest = digest_jwt(pepper, &signing_input);
                (Access::Jwt { alg: *alg, signing_input }, digest)
            }
        };
        let forget_at = match policy.refresh {
            Refresh::Renew { within, .. } => expires_at.max(issued_at + within),
            _ => expires_at,
        };
        let token = Token {
            digest,
            kind: TokenKind::Access,
            session_id: session.id,
            generation: session.generation,
            bounds: limits.below(session),
            issued_at,
            expires_at,
            forget_at,
        };
        let limits = Limits { scope: limits.scope.clone(), audience: Vec::new(), cnf: limits.cnf.clone() };
        Ok(Minted { issue: issue(access, id, limits, times, values), token })
    }

    /// The presented token once more: when it was issued, when this is said, when it ends unless it is used.
    pub(super) fn same(
        &self,
        session: &Session,
        parties: &Parties<'_>,
        (issued_at, now, expires_at): (Timestamp, Timestamp, Timestamp),
        rng: &mut dyn CryptoRng,
    ) -> Issue {
        let times = (issued_at, expires_at);
        let id = Id::random(rng);
        let mut values = self.describe_all(session, parties, id, &session.scope, times);
        values.set("expires_in", expires_at.as_secs() - now.as_secs());
        issue(Access::Presented, id, Limits::of(session, None), times, values)
    }

    fn dialect_jwt(&self, dialect: &Dialect, values: &Values) -> Result<String, Refusal> {
        // Dialects tell their peers nothing of this detail: it is for the log.
        let broken = |error| Refusal::new(Reason::Unavailable).detail(format!("claims not written: {error}"));
        let (header, claims) = dialect.jwt(values, self.known.settings).map_err(broken)?;
        Ok(jwt::signing_input(&header, &claims))
    }

    #[expect(clippy::too_many_arguments, reason = "each is one thing that the claims say")]
    fn oauth_jwt(
        &self,
        alg: Alg,
        client: &Client,
        (subject, actor): (&Principal, Option<&Principal>),
        session: Option<&Session>,
        limits: &Limits,
        times: (Timestamp, Timestamp),
        id: Id,
    ) -> String {
        let token = claims::AccessToken {
            iss: self.known.issuer,
            kid: self.known.kid,
            alg,
            client,
            subject,
            actor,
            session,
            scope: &limits.scope,
            audience: &limits.audience,
            cnf: limits.cnf.as_ref(),
            times,
            id,
        };
        let (header, claims) = token.write(self.known.facts.realm.settings.profile);
        jwt::signing_input(&header, &claims)
    }

    /// What can be said of a session's token: of itself, of its session, and of whom it speaks for.
    fn describe_all(
        &self,
        session: &Session,
        parties: &Parties<'_>,
        id: Id,
        scope: &str,
        times: (Timestamp, Timestamp),
    ) -> Values {
        let mut values = Values::new();
        self.describe_token(&mut values, id, scope, times);
        values.set("session.started", session.started_at);
        if let Some(key_id) = parties.key_id {
            values.set("key_id", key_id);
        }
        if let Some(client) = self.terms.client {
            values.set("client_id", client.client_id.as_str());
        }
        if let Some(target) = parties.target {
            values.set("target.number", target.number);
            values.set("target.name", target.name.as_str());
        }
        describe(&mut values, parties.principal, parties.actor);
        values
    }

    /// The values that every token has.
    fn describe_token(
        &self,
        values: &mut Values,
        id: Id,
        scope: &str,
        (issued_at, expires_at): (Timestamp, Timestamp),
    ) {
        let known = self.known;
        values.set("realm", known.facts.realm.name.as_str());
        values.set("issuer", known.issuer);
        values.set("token.id", id.to_string());
        values.set("key.id", known.kid);
        values.set("scope", scope);
        values.set("issued_at", issued_at);
        values.set("expires_at", expires_at);
        values.set("expires_in", expires_at.as_secs() - issued_at.as_secs());
    }
}

fn issue(access: Access, id: Id, limits: Limits, times: (Timestamp, Timestamp), values: Values) -> Issue {
    let Limits { scope, cnf, .. } = limits;
    let (issued_at, expires_at) = times;
    Issue { access, id, refresh: None, scope, issued_at, expires_at, refresh_expires_at: None, cnf, values }
}

/// The values of whom a token speaks for: a person's attributes too, under their own names.
pub(super) fn describe(values: &mut Values, principal: &Principal, actor: Option<&Principal>) {
    describe_as(values, "person", principal);
    for (name, value) in &principal.profile.attributes {
        if values.get(name).is_none() {
            values.set(name.as_str(), value.as_str());
        }
    }
    if let Some(actor) = actor {
        describe_as(values, "actor", actor);
    }
}

/// A principal's values under `person.` or `actor.`.
fn describe_as(values: &mut Values, role: &str, principal: &Principal) {
    values.set(format!("{role}.id"), principal.id.to_string());
    values.set(format!("{role}.number"), principal.number);
    values.set(format!("{role}.username"), principal.username.as_str());
    values.set(format!("{role}.created_at"), principal.created_at);
    // An address that is not verified is no value: a template says what stands for that (`=false`).
    if principal.attribute("email_verified") == Some("true") {
        values.set(format!("{role}.email_verified"), true);
    }
    let name = principal.display_name();
    if !name.is_empty() {
        values.set(format!("{role}.name"), name);
    }
    for attribute in ["given_name", "family_name", "email", "picture", "zoneinfo", "phone_number"] {
        if let Some(value) = principal.attribute(attribute) {
            values.set(format!("{role}.{attribute}"), value);
        }
    }
}
