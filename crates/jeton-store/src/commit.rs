//! Changes as statements. Each guard is an `UPDATE` or `INSERT` that must change a row; no lock is held while deciding.

use jeton_core::change::Change;
use jeton_core::domain::session::{Session, Token, TokenKind};
use jeton_core::domain::throttle::ThrottleKeys;
use jeton_core::time::Timestamp;

use crate::db::{Sql, Value, statements};
use crate::step::{Needs, Step};
use crate::{audit, device, revocation, session, throttle};

statements! {
    HOLD_PRINCIPAL = "UPDATE principal SET version = version WHERE id = $1 AND version = $2";
    START_SESSION = "INSERT INTO session (id, realm_id, principal_id, actor_id, api_key_id, client_id, target_id, \
        dialect, scope, started_at, expires_at, last_used_at, idle_secs, generation, renewed_at, ended_at, \
        bounds) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    PUT_TOKEN = "INSERT INTO token (digest, session_id, kind, generation, issued_at, expires_at, forget_at, \
        bounds) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (digest, session_id) DO NOTHING";
    // The clocks of two nodes differ a little: a use that was noted is never moved back.
    USE_SESSION = "UPDATE session SET last_used_at = CASE WHEN last_used_at > $1 THEN last_used_at ELSE $1 END \
        WHERE id = $2 AND generation = $3 AND ended_at IS NULL";
    // Of many first uses at once one writes; the others find nothing left to do.
    CONFIRM_RENEWAL = "UPDATE session SET renewed_at = NULL, \
        last_used_at = CASE WHEN last_used_at > $1 THEN last_used_at ELSE $1 END \
        WHERE id = $2 AND generation = $3 AND renewed_at IS NOT NULL AND ended_at IS NULL";
    RENEW_SESSION = "UPDATE session SET generation = generation + 1, renewed_at = $1, \
        last_used_at = CASE WHEN last_used_at > $1 THEN last_used_at ELSE $1 END \
        WHERE id = $2 AND generation = $3 AND ended_at IS NULL";
    CAP_SESSIONS = "UPDATE session SET ended_at = $1 WHERE principal_id = $2 AND ended_at IS NULL AND expires_at > $1 \
        AND (idle_secs IS NULL OR last_used_at + idle_secs * 1000000 > $1) AND id NOT IN (\
        SELECT id FROM session WHERE principal_id = $2 AND ended_at IS NULL AND expires_at > $1 \
        AND (idle_secs IS NULL OR last_used_at + idle_secs * 1000000 > $1) \
        ORDER BY started_at DESC, id DESC LIMIT $3)";
    FORGET_TOKEN = "DELETE FROM token WHERE digest = $1 AND session_id = $2";
    END_TOKEN = "INSERT INTO ended_token (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
    USE_NONCE = "INSERT INTO nonce (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING";
}

/// As `HOLD_PRINCIPAL`, but whoever else only assumes the same need not wait: thousands of sign-ins a second may
/// be those of one API key. SQLite has one writer, for whom both are one.
pub(crate) const SHARE_PRINCIPAL: Sql = Sql::per_engine(
    HOLD_PRINCIPAL.for_sqlite(),
    "SELECT version FROM principal WHERE id = $1 AND version = $2 FOR SHARE",
);

/// The statements of one request's changes, in their order.
pub(crate) fn steps(changes: Vec<Change>) -> Vec<Step> {
    // Those who count sessions take turns: two at once would not see each other's.
    let in_turn = changes.iter().any(|change| matches!(change, Change::CapSessions { .. }));
    let hold = if in_turn { HOLD_PRINCIPAL } else { SHARE_PRINCIPAL };
    let mut steps = Vec::with_capacity(changes.len());
    for (line, change) in (0..).zip(changes) {
        match change {
            Change::HoldPrincipal { id, version } => {
                steps.push(Step::new(hold, vec![id.into(), version.into()], Needs::Guard));
            }
            Change::StartSession(session) => steps.push(start_session(session)),
            Change::PutToken(token) => steps.push(put_token(&token)),
            Change::UseSession { id, generation, at } => {
                steps.push(Step::new(USE_SESSION, vec![at.into(), id.into(), generation.into()], Needs::Guard));
            }
            Change::ConfirmRenewal { id, generation, at } => {
                steps.push(Step::new(CONFIRM_RENEWAL, vec![at.into(), id.into(), generation.into()], Needs::Nothing));
            }
            Change::RenewSession { id, generation, at } => {
                steps.push(Step::new(RENEW_SESSION, vec![at.into(), id.into(), generation.into()], Needs::Guard));
            }
            Change::EndSession { id, at } => {
                steps.push(session::end(id, at, Needs::Nothing));
                steps.push(revocation::of_session(id, at));
            }
            Change::ForgetToken { digest, session_id } => {
                steps.push(Step::new(FORGET_TOKEN, vec![digest.into(), session_id.into()], Needs::Nothing));
            }
            Change::CapSessions { principal_id, keep, at } => {
                let values = vec![at.into(), principal_id.into(), i64::from(keep).into()];
                steps.push(Step::new(CAP_SESSIONS, values, Needs::Nothing));
                steps.push(revocation::of_capped(principal_id, at));
            }
            Change::EndToken { digest, realm_id, jti, at, expires_at } => {
                steps.push(Step::new(END_TOKEN, vec![digest.into(), expires_at.into()], Needs::Nothing));
                steps.push(revocation::of_token(realm_id, jti, at, expires_at));
            }
            Change::StartDevice(new) => steps.push(device::start(&new)),
            Change::PollDevice { device_code, at, interval_secs } => {
                steps.push(device::poll(device_code, at, interval_secs));
            }
            Change::DecideDevice { device_code, verdict } => steps.push(device::decide(device_code, verdict)),
            Change::UseDevice { device_code } => steps.push(device::take(device_code)),
            Change::UseNonce { digest, expires_at } => {
                steps.push(Step::new(USE_NONCE, vec![digest.into(), expires_at.into()], Needs::Guard));
            }
            Change::Fail { keys, at } => steps.extend(fail(keys, at)),
            Change::Succeed { keys, at } => {
                steps.push(throttle::known(keys.pair, at));
                steps.push(throttle::forget(keys.account));
            }
            Change::Audit(record) => steps.push(audit::append(record, line)),
        }
    }
    steps
}

fn start_session(session: Session) -> Step {
    let values = vec![
        session.id.into(),
        session.realm_id.into(),
        session.principal_id.into(),
        session.actor_id.into(),
        session.api_key_id.into(),
        session.client_id.into(),
        session.target_id.into(),
        session.dialect.into(),
        session.scope.into(),
        session.started_at.into(),
        session.expires_at.into(),
        session.last_used_at.into(),
        session.idle_secs.into(),
        session.generation.into(),
        session.renewed_at.into(),
        session.ended_at.into(),
        session::bounds(&session.bounds),
    ];
    // Its principal, client or target may have been removed meanwhile: then a key is missing, and it is a conflict.
    Step::new(START_SESSION, values, Needs::Guard)
}

fn put_token(token: &Token) -> Step {
    let kind = match token.kind {
        TokenKind::Access => "access",
        TokenKind::Refresh => "refresh",
    };
    let values: Vec<Value> = vec![
        token.digest.into(),
        token.session_id.into(),
        kind.into(),
        token.generation.into(),
        token.issued_at.into(),
        token.expires_at.into(),
        token.forget_at.into(),
        session::bounds(&token.bounds),
    ];
    Step::new(PUT_TOKEN, values, Needs::Nothing)
}

fn fail(keys: ThrottleKeys, at: Timestamp) -> [Step; 3] {
    [keys.pair, keys.account, keys.source].map(|key| throttle::fail(key, at))
}
