//! The shell around the one decision: load, decide, sign, commit. Every token goes out through here.

use std::sync::Arc;
use std::time::Duration;

use jeton_core::change::{Audit, Change};
use jeton_core::dialect::Values;
use jeton_core::domain::client::{IssueLimit, TokenFormat};
use jeton_core::domain::id::Id;
use jeton_core::domain::policy::{Alg, Format, Limited, Policy};
use jeton_core::domain::principal::canonical_username;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::domain::session::TokenKind;
use jeton_core::facts::{Facts, Query};
use jeton_core::rules::{self, Access, Grant, Issue, Known, PasswordCheck, Request, Shape, throttle};
use jeton_core::secret::Secret;
use jeton_core::time::Timestamp;
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
#[derive(Clone)]
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
    let mut counted = false;
    for _ in 0..TRIES {
        let now = app.clock.now();
        let signing = signing(app, &facts, request).await?;
        let issuer = facts.realm.issuer(&app.site.public_url);
        let known = Known {
            facts: &facts,
            pepper: &app.pepper,
            issuer: &issuer,
            kid: signing.as_ref().map_or("", |(_, signer)| &signer.kid),
            password: checked,
            limited,
            settings,
        };
        let decision = rules::exchange(&known, request, now, &mut SystemRng::new());
        let why = decision.answer.is_err().then(|| recorded(&decision.changes)).flatten();
        // How long what is signed now has to verify.
        let mut life = Duration::ZERO;
        let signed = match decision.answer {
            Err(refusal) => Err(refusal),
            Ok(issue) => match app.fresh.instead(app, &facts, request, &issue).await? {
                // Nothing is issued; what proved the client is used up all the same.
                Some(kept) => Ok(kept),
                None => {
                    if let Some(wait) = over_limit(app, &facts, request, &mut counted) {
                        let refusal = Refusal::new(Reason::Throttled).retry_after(wait);
                        note(app, &facts, request, &Err(refusal.clone()), None);
                        return Err(refusal.into());
                    }
                    life = verified_until(&issue, &decision.changes).since(now);
                    let granted = sign(issue, signing.as_ref().map(|(_, signer)| &**signer))?;
                    app.fresh.keep(&facts, request, &granted);
                    Ok(granted)
                }
            },
        };
        let covered = match &signing {
            Some((alg, signer)) => app.cover(facts.realm.id, *alg, signer, life).await,
            None => Ok(()),
        };
        let committed = match covered {
            Ok(()) => app.store.commit(decision.changes).await,
            no => no,
        };
        match committed {
            Ok(()) => {
                note(app, &facts, request, &signed, why.as_deref());
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

/// Takes a token from what the client's settings allow it, once for each request; how long to wait if nothing is left.
/// It is the client that asks: strangers use up nobody's.
fn over_limit(app: &App, facts: &Facts, request: &Request<'_>, counted: &mut bool) -> Option<Duration> {
    let client = facts.client.as_deref().filter(|_| matches!(request.shape, Shape::OAuth))?;
    let IssueLimit { count, per_secs } = client.settings.issue_limit.filter(|_| !*counted)?;
    *counted = true;
    let key = (facts.realm.name.as_str(), Limited::Issue, client.client_id.as_str());
    app.limiter.take(key, count, Duration::from_secs(u64::from(per_secs)), app.clock.now()).err()
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

/// What signs the access token that is asked for, if it is to be signed: the current key, or for an answer that is given
/// again the one that was current then.
async fn signing(app: &App, facts: &Facts, request: &Request<'_>) -> Result<Option<(Alg, Arc<Signer>)>, Ended> {
    let Some(alg) = signing_alg(facts, request) else { return Ok(None) };
    let usual = Duration::from_secs(u64::from(facts.realm.settings.access_token_secs));
    let current = app.signer_at(facts.config_version, facts.realm.id, alg, usual).await?;
    let then = match answered_at(facts).filter(|_| matches!(request.grant, Grant::Refresh)) {
        Some(at) => app.keys(facts.realm.id).await?.signer_of(alg, at),
        None => None,
    };
    Ok(Some((alg, then.unwrap_or(current))))
}

/// The algorithm that the access token asked for is signed with, if it is signed. A client's own token is OAuth's,
/// by its and the realm's settings, whatever the dialect it is asked for in.
fn signing_alg(facts: &Facts, request: &Request<'_>) -> Option<Alg> {
    match (&request.grant, request.shape.policy().map(|policy| &policy.format)) {
        (Grant::ClientCredentials, _) | (_, None) => {
            let settings = &facts.client.as_ref()?.settings;
            let signed = settings.access_token == TokenFormat::Jwt;
            signed.then(|| settings.alg.unwrap_or(facts.realm.settings.alg))
        }
        (_, Some(Format::Jwt(alg))) => Some(*alg),
        (_, Some(Format::Opaque(_))) => None,
    }
}

/// When the presented token was answered, if it was: what goes out again is signed with the key of that moment, or it
/// would be another token.
fn answered_at(facts: &Facts) -> Option<Timestamp> {
    facts.token.as_ref().filter(|token| token.successor.is_some())?.session.renewed_at
}

/// Until when the signature of what is issued may have to be checked: to its end, or to the end of the time in which
/// it can be renewed though it has ended.
fn verified_until(issue: &Issue, changes: &[Change]) -> Timestamp {
    let renewed = changes.iter().filter_map(|change| match change {
        Change::PutToken(token) if token.kind == TokenKind::Access => Some(token.forget_at),
        _ => None,
    });
    renewed.fold(issue.expires_at, Timestamp::max)
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

/// What the audit trail says of a refusal.
fn recorded(changes: &[Change]) -> Option<String> {
    changes.iter().find_map(|change| match change {
        Change::Audit(record) => Some(record.detail.clone()),
        _ => None,
    })
}

/// Counts the outcome and writes one line of log: names and reasons, never a credential.
fn note(app: &App, facts: &Facts, request: &Request<'_>, outcome: &Result<Granted, Refusal>, why: Option<&str>) {
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
            tracing::info!(realm, grant, dialect, reason, why, subject = subject(facts), "token refused");
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
