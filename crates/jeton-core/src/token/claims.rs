//! Claims of OAuth's access tokens.

use serde::Serialize;

use crate::domain::client::Client;
use crate::domain::id::Id;
use crate::domain::policy::Alg;
use crate::domain::principal::{Kind, Principal};
use crate::domain::realm::Profile;
use crate::domain::session::{Confirmation, Session};
use crate::time::Timestamp;

#[derive(Serialize)]
struct Header<'a> {
    alg: &'a str,
    typ: &'a str,
    kid: &'a str,
}

/// Keycloak's members in Keycloak's order.
#[derive(Serialize)]
struct Keycloak<'a> {
    exp: i64,
    iat: i64,
    jti: String,
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Audience<'a>>,
    sub: String,
    typ: &'a str,
    azp: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    acr: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    scope: &'a str,
    email_verified: bool,
    preferred_username: String,
    client_id: &'a str,
}

/// RFC 9068 §2.2, with the session of OIDC (Front-Channel Logout §3) and the binding of RFC 7800.
#[derive(Serialize)]
struct Rfc9068<'a> {
    iss: &'a str,
    exp: i64,
    aud: Audience<'a>,
    sub: String,
    client_id: &'a str,
    iat: i64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<&'a Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Act>,
    #[serde(skip_serializing_if = "str::is_empty")]
    scope: &'a str,
}

/// A string for one audience, an array for several (RFC 7519 §4.1.3).
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Audience<'a> {
    One(&'a str),
    Many(&'a [String]),
}

/// Who acts with a token, and who did before (RFC 8693 §4.1).
#[derive(Serialize)]
pub(crate) struct Act {
    sub: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    act: Option<Box<Act>>,
}

impl Act {
    /// Of a session with this actor: with those of the tokens that it was exchanged for, each once in a row.
    pub(crate) fn of(actor: &Principal, session: Option<&Session>) -> Self {
        let exchanged = session.map(|session| session.bounds.exchanged.as_slice()).unwrap_or_default();
        let mut chain: Vec<Id> = exchanged.iter().filter_map(|token| token.actor_id).chain([actor.id]).collect();
        chain.dedup();
        let earlier = chain.iter().fold(None, |act, id| Some(Box::new(Self { sub: id.to_string(), act })));
        Self { sub: actor.id.to_string(), act: earlier.and_then(|latest| latest.act) }
    }
}

/// What an access token of OAuth says.
pub(crate) struct AccessToken<'a> {
    pub(crate) iss: &'a str,
    pub(crate) kid: &'a str,
    pub(crate) alg: Alg,
    /// Whom it is issued to.
    pub(crate) client: &'a Client,
    /// Whom it speaks for.
    pub(crate) subject: &'a Principal,
    /// Who acts for it, where that is somebody else.
    pub(crate) actor: Option<&'a Principal>,
    pub(crate) session: Option<&'a Session>,
    pub(crate) scope: &'a str,
    pub(crate) audience: &'a [String],
    pub(crate) cnf: Option<&'a Confirmation>,
    /// Issue and expiry.
    pub(crate) times: (Timestamp, Timestamp),
    pub(crate) id: Id,
}

impl AccessToken<'_> {
    /// Header and claims as JSON.
    pub(crate) fn write(&self, profile: Profile) -> (String, String) {
        let (issued_at, expires_at) = self.times;
        let (exp, iat, jti) = (expires_at.as_secs(), issued_at.as_secs(), self.id.to_string());
        let (iss, scope, cnf) = (self.iss, self.scope, self.cnf);
        let (sub, client_id) = (self.subject.id.to_string(), self.client.client_id.as_str());
        let sid = self.session.map(|session| session.id.to_string());
        let act = self.actor.map(|actor| Act::of(actor, self.session));
        let aud = match self.audience {
            [] => None,
            [one] => Some(Audience::One(one)),
            many => Some(Audience::Many(many)),
        };
        let (typ, claims) = match profile {
            Profile::Keycloak => (
                "JWT",
                json(&Keycloak {
                    exp,
                    iat,
                    jti,
                    iss,
                    aud,
                    sub,
                    typ: "Bearer",
                    azp: client_id,
                    sid,
                    acr: "1",
                    cnf,
                    act,
                    scope,
                    email_verified: self.subject.attribute("email_verified") == Some("true"),
                    preferred_username: username(self.subject, Some(self.client)),
                    client_id,
                }),
            ),
            // RFC 9068 §3: without a resource asked for, a default audience stands: the realm itself.
            Profile::Rfc9068 => {
                let aud = aud.unwrap_or(Audience::One(iss));
                ("at+jwt", json(&Rfc9068 { iss, exp, aud, sub, client_id, iat, jti, sid, cnf, act, scope }))
            }
        };
        (json(&Header { alg: self.alg.name(), typ, kid: self.kid }), claims)
    }
}

/// What whom a token speaks for is called: a client's own service as Keycloak calls it.
pub(crate) fn username(subject: &Principal, client: Option<&Client>) -> String {
    match (subject.kind, client) {
        (Kind::Service, Some(client)) if client.service.id == subject.id => service_account(&client.client_id),
        _ => subject.username.clone(),
    }
}

/// The username that Keycloak gives to a client's service account.
pub fn service_account(client_id: &str) -> String {
    format!("service-account-{}", client_id.to_lowercase())
}

/// Strings, numbers and booleans only: writing them cannot fail.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}
