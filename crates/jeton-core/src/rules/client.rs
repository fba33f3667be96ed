//! The client that asks: what it must prove before any grant of OAuth is looked at.

use std::borrow::Cow;

use super::authenticate::Authenticated;
use super::issue::Subject;
use super::{Grant, Known, Proven, Request, Shape, SubjectToken, Terms, Unproven, authenticate, failed, oauth};
use crate::change::Change;
use crate::domain::client::Client;
use crate::domain::grant::GrantType;
use crate::domain::refusal::{Reason, Refusal};
use crate::domain::session::Confirmation;
use crate::time::Timestamp;
use crate::token::claims::service_account;
use crate::token::dpop::DpopError;

/// The terms of the client that has proven itself and may use the grant, and what is written because it has.
pub(super) fn prove<'a>(
    known: &Known<'a>,
    request: &Request<'_>,
    now: Timestamp,
) -> Result<(Terms<'a>, Vec<Change>), Unproven> {
    let facts = known.facts;
    let proven = authenticate::client(facts, known.pepper, known.issuer, &request.client, now);
    let Authenticated { client, change } = proven.map_err(|reason| match authenticate::counts(reason) {
        true => failed(known, request, reason, now),
        false => reason.into(),
    })?;
    let cnf = match may_ask(known, request, client) {
        Ok(cnf) => cnf,
        // What it proved itself with is used up by this request, whatever becomes of it.
        Err(refusal) => return Err(Unproven { refusal, changes: change.into_iter().collect() }),
    };
    let recovered = request.throttle.filter(|_| facts.throttle.pair.count > 0);
    let recovered = recovered.filter(|_| by_client(&request.grant));
    let recovered = recovered.map(|keys| Change::Succeed { keys, at: now });
    let policy = Cow::Owned(oauth::policy(&facts.realm.settings, client));
    Ok((Terms { client: Some(client), policy, cnf }, change.into_iter().chain(recovered).collect()))
}

/// A client speaks for itself (RFC 6749 §4.4). As a JWT: no session, no refresh token, no row.
pub(super) fn for_itself(client: &Client) -> Result<Proven<'_>, Unproven> {
    if !client.service.enabled {
        // Told to the client alone, which has proven itself; in Keycloak's words.
        let name = service_account(&client.client_id);
        return Err(Refusal::new(Reason::Disabled).detail(format!("User '{name}' disabled")).into());
    }
    Ok(Proven { subject: Subject::Client(client), changes: Vec::new() })
}

/// Whether the client has proven itself with what is counted: and neither a person, nor with an assertion that is still to
/// be looked at.
fn by_client(grant: &Grant) -> bool {
    let foreign = matches!(grant, Grant::Assertion(_) | Grant::TokenExchange(SubjectToken::Foreign(_)));
    !foreign && !matches!(grant, Grant::Password { .. })
}

/// What the token will be bound to, if the client may ask for one so.
fn may_ask(known: &Known<'_>, request: &Request<'_>, client: &Client) -> Result<Option<Confirmation>, Refusal> {
    if request.repeated {
        return Err(Reason::Repeated.into());
    }
    may_use(known, request, client)?;
    binding(request, client)
}

/// What a client's tokens are bound to: its certificate, where that is set, else the key of a DPoP proof.
fn binding(request: &Request<'_>, client: &Client) -> Result<Option<Confirmation>, Refusal> {
    let settings = &client.settings;
    match (settings.certificate_bound, &request.cnf, &request.certificate) {
        (true, Some(_), _) => {
            Err(DpopError::Invalid("this client's tokens are bound to its certificate; send no DPoP proof").into())
        }
        (true, None, None) => Err(Refusal::new(Reason::Missing)
            .field("certificate")
            .detail("this client's tokens are bound to its certificate; show it in the TLS handshake")),
        (true, None, certificate) => Ok(certificate.clone()),
        (false, None, _) if settings.dpop => Err(DpopError::Invalid("this client's requests need a DPoP proof").into()),
        (false, key, _) => Ok(key.clone()),
    }
}

/// Whether realm and client know the grant (security.md C8).
fn may_use(known: &Known<'_>, request: &Request<'_>, client: &Client) -> Result<(), Refusal> {
    let Some(grant) = request.grant.grant_type() else { return Err(Reason::UnsupportedGrant.into()) };
    if matches!(request.shape, Shape::OAuth) && !known.facts.realm.settings.grants.contains(&grant) {
        return Err(Reason::UnsupportedGrant.into());
    }
    // Who proves nothing has nothing of its own to speak for.
    let public = client.is_public() && grant == GrantType::ClientCredentials;
    if public || !client.settings.grants.contains(&grant) {
        let refusal = Refusal::new(Reason::DeniedGrant);
        return Err(match grant {
            GrantType::ClientCredentials => refusal,
            other => refusal.detail(format!("Client not allowed to use {}", other.name())),
        });
    }
    Ok(())
}
