//! The shell around the one decision: load, decide, sign, commit. Every token goes out through here.

use std::time::Duration;

use jeton_core::change::{Audit, Change};
use jeton_core::dialect::Values;
use jeton_core::domain::id::Id;
use jeton_core::domain::policy::{Alg, Format, Limited, Policy};
use jeton_core::domain::principal::canonical_username;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::facts::{Facts, Query};
use jeton_core::rules::{self, Access, Grant, Issue, Known, PasswordCheck, Request, throttle};
use jeton_core::secret::Secret;
use jeton_core::token::jwt;
use rand_core::Rng;
use tracing::field::{DisplayValue, display};

use crate::app::App;
use crate::fault::Fault;
use crate::hashing::needs_rehash;
use crate::keys::Signer;
use crate::random::SystemRng;

/// How often a decision is taken anew because something it assumed had changed.
const TRIES: usize = 8;

/// An issue with its finished token.
pub struct Granted {
    /// What was issued.
    pub issue: Issue,
    /// The access token as it goes out.
    pub token: Secret<String>,
}

/// What ends a request without a token: no, or not now.
pub enum Ended {
    /// The peer is told why.
    Refused(Refusal),
    /// The operator is told why; the peer shall come back.
    Broken(Fault),
}

impl From<Fault> for Ended {
    fn from(fault: Fault) -> Self {
        Self::Broken(fault)
    }
}

impl From<jeton_store::Error> for Ended {
    fn from(error: jeton_store::Error) -> Self {
        Self::Broken(error.into())
    }
}

impl From<Refusal> for Ended {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Reason> for Ended {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}

/// Answers one token request. `query` names what it is about; `password` is what a person presented.
pub async fn exchange(
    app: &App,
    query: &Query<'_>,
    request: &Request<'_>,
    password: Option<&Secret<String>>,
    settings: &Values,
) -> Result<Granted, Ended> {
    let _turn = match query.username {
        Some(username) => Some(app.account_lock(username.as_bytes()).await),
        None => None,
    };
    let mut facts = load(app, query).await?;
    let limited = take_rate(app, query, &facts, request);
    let mut checked = match password {
        Some(password) if limited.is_none() => check_password(app, &facts, request, password).await?,
        _ => PasswordCheck::default(),
    };
    for _ in 0..TRIES {
        let now = app.clock.now();
        let alg = signing_alg(&facts, request);
        let signer = match alg {
            Some(alg) => Some(app.signer_at(facts.config_version, facts.realm.id, alg).await?),
            None => None,
        };
        let issuer = facts.realm.issuer(&app.site.public_url);
        let known = Known {
            facts: &facts,
            pepper: &app.pepper,
            issuer: &issuer,
            kid: signer.as_ref().map_or("", |signer| &signer.kid),
            password: checked,
            limited,
            settings,
        };
        let decision = rules::exchange(&known, request, now, &mut SystemRng::new());
        let signed = match decision.answer {
            Ok(issue) => Ok(sign(issue, signer.as_deref())?),
            Err(refusal) => Err(refusal),
        };
        match commit(app, decision.changes).await {
            Ok(()) => {
                note(app, &facts, request, &signed);
                if let (Some(password), true) = (password, signed.is_ok()) {
                    renew_hash(app, &facts, checked, password).await;
                }
                return signed.map_err(Ended::Refused);
            }
            Err(jeton_store::Error::Conflict) => {
                let fresh = load(app, query).await?;
                // Checked once, unless it is the password itself that has changed.
                if let Some(password) = password.filter(|_| hashes(&fresh) != hashes(&facts)) {
                    checked = check_password(app, &fresh, request, password).await?;
                }
                facts = fresh;
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::new("a token request lost every race for its session").into())
}

async fn load(app: &App, query: &Query<'_>) -> Result<Facts, Ended> {
    app.store.load(query).await?.ok_or(Ended::Refused(Reason::NoRealm.into()))
}

async fn commit(app: &App, changes: Vec<Change>) -> Result<(), jeton_store::Error> {
    if changes.is_empty() { Ok(()) } else { app.store.commit(changes).await }
}

/// Takes this request from the dialect's rate, if it has one. Names count, known or not, so that a used-up
/// rate does not tell that an account exists.
fn take_rate(app: &App, query: &Query<'_>, facts: &Facts, request: &Request<'_>) -> Option<Duration> {
    let policy = request.shape.policy()?;
    match (query.key_id.or(query.username).or(query.client_id), &facts.token) {
        (Some(name), _) => take(app, query.realm, policy, Limited::All, name),
        (None, Some(token)) => {
            let key_id = token.api_key.as_ref().map(|key| key.key_id.as_str());
            take(
                app,
                query.realm,
                policy,
                Limited::Renew,
                key_id.unwrap_or(&canonical_username(&token.principal.username)),
            )
        }
        (None, None) => None,
    }
}

/// Takes one from the rate of `name`, an API key's id or a username in canonical form; how long to wait if
/// nothing is left.
pub(crate) fn take(app: &App, realm: &str, policy: &Policy, what: Limited, name: &str) -> Option<Duration> {
    let (count, per) = rules::limit(policy, what)?;
    app.limiter.take((realm, what, name), count, per, app.clock.now()).err()
}

/// Compares the password with the realm's and, where a target is named, with the target's: always as many
/// checks as the request names places, whatever exists, so that time tells nothing.
async fn check_password(
    app: &App,
    facts: &Facts,
    request: &Request<'_>,
    password: &Secret<String>,
) -> Result<PasswordCheck, Ended> {
    let Grant::Password { target, .. } = request.grant else { return Ok(PasswordCheck::default()) };
    if throttle::person(&facts.throttle, app.clock.now()).is_some() {
        return Ok(PasswordCheck::default());
    }
    let verify = async |hash: Option<String>| {
        let busy = |busy: crate::hashing::Busy| {
            Ended::Refused(Refusal::new(Reason::Unavailable).retry_after(busy.retry_after))
        };
        app.hashing.verify(password.clone(), hash).await.map_err(busy)
    };
    let realm = verify(hashes(facts).0.map(str::to_owned)).await?;
    let target = match target {
        true => verify(hashes(facts).1.map(str::to_owned)).await?,
        false => false,
    };
    Ok(PasswordCheck { realm, target })
}

/// The hashes that a password is compared with: the realm's and the target's.
fn hashes(facts: &Facts) -> (Option<&str>, Option<&str>) {
    let realm = facts.person.as_ref().and_then(|person| person.password.as_deref());
    (realm, facts.membership.as_ref().and_then(|member| member.password.as_deref()))
}

/// Hashes a password anew that proved right, if its hash was made otherwise than today's (security.md H5).
/// A failure costs nothing: the next sign-in tries again.
async fn renew_hash(app: &App, facts: &Facts, checked: PasswordCheck, password: &Secret<String>) {
    let (realm, within) = hashes(facts);
    let (hash, target) = match (checked.realm, &facts.target) {
        (true, _) => (realm, None),
        (false, target) => (within, target.as_ref().map(|target| target.id)),
    };
    let (Some(person), Some(old)) = (&facts.person, hash.filter(|hash| needs_rehash(hash))) else { return };
    let mut salt = [0; 16];
    SystemRng::new().fill_bytes(&mut salt);
    let Ok(fresh) = app.hashing.hash(password.clone(), salt).await else { return };
    let id = person.principal.id;
    let record = Audit {
        at: app.clock.now(),
        realm_id: Some(facts.realm.id),
        event: "password.rehashed",
        principal_id: Some(id),
        session_id: None,
        source: "local".to_owned(),
        detail: String::new(),
    };
    match app.store.renew_password_hash(id, target, old, &fresh, record).await {
        // On a conflict the password itself was changed meanwhile, and is hashed as today's are.
        Ok(()) | Err(jeton_store::Error::Conflict) => {}
        Err(error) => tracing::warn!(%error, "a password's hash could not be renewed"),
    }
}

/// The algorithm that the access token asked for is signed with, if it is signed. A client's own token is OAuth's,
/// by the realm's settings, whatever the dialect it is asked for in.
fn signing_alg(facts: &Facts, request: &Request<'_>) -> Option<Alg> {
    match (&request.grant, request.shape.policy().map(|policy| &policy.format)) {
        (Grant::ClientCredentials { .. }, _) | (_, None) => Some(facts.realm.settings.alg),
        (_, Some(Format::Jwt(alg))) => Some(*alg),
        (_, Some(Format::Opaque(_))) => None,
    }
}

/// The finished token. A failed signature leaves no trace: nothing was committed.
fn sign(mut issue: Issue, signer: Option<&Signer>) -> Result<Granted, Fault> {
    let token = match &issue.access {
        Access::Opaque(token) => token.clone(),
        // Whoever asks has it, and nobody else.
        Access::Presented => return Ok(Granted { issue, token: Secret::default() }),
        Access::Jwt { signing_input, .. } => {
            let signer = signer.ok_or(Fault::new("there is no key to sign with"))?;
            let signature = signer.sign(signing_input.as_bytes())?;
            Secret::new(jwt::assemble(signing_input, &signature))
        }
    };
    issue.values.set("access_token", token.clone());
    Ok(Granted { issue, token })
}

/// Counts the outcome and writes one line of log: names and reasons, never a credential.
fn note(app: &App, facts: &Facts, request: &Request<'_>, outcome: &Result<Granted, Refusal>) {
    let (realm, grant, dialect) = (facts.realm.name.as_str(), request.grant.name(), request.shape.name());
    match outcome {
        Ok(_) => {
            app.metrics.tokens_issued(realm, grant, dialect).inc();
            tracing::info!(realm, grant, dialect, subject = subject(facts), "token issued");
        }
        Err(refusal) => {
            let reason = refusal.reason.name();
            if refusal.reason == Reason::Unavailable {
                tracing::error!(realm, grant, dialect, detail = refusal.detail, "a token could not be issued");
            }
            app.metrics.refusals(reason).inc();
            tracing::info!(realm, grant, dialect, reason, subject = subject(facts), "token refused");
        }
    }
}

/// Whom a request is about, by row id; nothing where there is no such row.
fn subject(facts: &Facts) -> Option<DisplayValue<Id>> {
    let id = facts.client.as_ref().map(|client| client.service.id);
    let id = id.or(facts.api_key.as_ref().map(|key| key.service.id));
    let id = id.or(facts.person.as_ref().map(|person| person.principal.id));
    let id = id.or(facts.token.as_ref().map(|token| token.principal.id));
    id.map(display)
}
