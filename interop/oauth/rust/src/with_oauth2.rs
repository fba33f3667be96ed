//! The crate `oauth2`: typed requests, the addresses given by whoever uses it.

use std::cell::OnceCell;
use std::time::Duration;

use anyhow::{Context, ensure};
use oauth2::basic::{BasicClient, BasicTokenResponse};
use oauth2::{
    AccessToken, AuthType, ClientId, ClientSecret, DeviceAuthorizationUrl, EndpointNotSet, EndpointSet,
    IntrospectionUrl, ResourceOwnerPassword, ResourceOwnerUsername, RevocationUrl, Scope,
    StandardDeviceAuthorizationResponse, TokenIntrospectionResponse, TokenResponse, TokenUrl,
};

use crate::peer::{Peer, assert_refused};

/// A client with all addresses but those for people's sign-in.
type Client = BasicClient<EndpointNotSet, EndpointNotSet, EndpointSet, EndpointSet, EndpointSet>;

/// How long a device may wait for a person who says yes at once.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn run(peer: &Peer) {
    peer.run(
        &[
            ("client_secret_basic", |peer| with_secret(peer, "basic", AuthType::BasicAuth)),
            ("client_secret_post", |peer| with_secret(peer, "post", AuthType::RequestBody)),
            ("resource", resource),
            ("introspection", introspection),
            ("revocation", revocation),
            ("password", password),
            ("refresh_token", refresh_token),
            ("device", device),
            ("wrong secret", |peer| {
                let wrong = client(peer, "basic")?.set_client_secret(ClientSecret::new("wrong".to_owned()));
                assert_refused(
                    wrong.exchange_client_credentials().request(&|request| peer.http(request)),
                    "invalid_client",
                )
            }),
            ("wrong scope", |peer| {
                let scope = Scope::new(peer.text("/forbiddenScope")?);
                let client = client(peer, "basic")?;
                let request = client.exchange_client_credentials().add_scope(scope);
                assert_refused(request.request(&|request| peer.http(request)), "invalid_scope")
            }),
            ("wrong resource", |peer| {
                let client = client(peer, "basic")?;
                let request =
                    client.exchange_client_credentials().add_extra_param("resource", peer.text("/forbiddenResource")?);
                assert_refused(request.request(&|request| peer.http(request)), "invalid_target")
            }),
        ],
        &[
            ("discovery", "it leaves addresses to its user"),
            ("JWT by JWKS", "it takes tokens for opaque"),
            ("private_key_jwt", "it signs nothing"),
            ("long assertion", "it signs nothing"),
            ("tls_client_auth", "its HTTP client is its user's"),
            ("self_signed_tls_client_auth", "its HTTP client is its user's"),
        ],
    );
}

fn client(peer: &Peer, role: &str) -> anyhow::Result<Client> {
    let (id, secret) = peer.client(role)?;
    Ok(BasicClient::new(ClientId::new(id))
        .set_client_secret(ClientSecret::new(secret))
        .set_introspection_url(IntrospectionUrl::new(peer.text("/metadata/introspection_endpoint")?)?)
        .set_revocation_url(RevocationUrl::new(peer.text("/metadata/revocation_endpoint")?)?)
        .set_token_uri(TokenUrl::new(peer.text("/metadata/token_endpoint")?)?))
}

/// A machine's token.
fn token(peer: &Peer, client: &Client) -> anyhow::Result<BasicTokenResponse> {
    let request = client.exchange_client_credentials().add_scope(Scope::new(peer.text("/scope")?));
    Ok(request.request(&|request| peer.http(request))?)
}

fn with_secret(peer: &Peer, role: &str, how: AuthType) -> anyhow::Result<()> {
    let client = client(peer, role)?.set_auth_type(how);
    peer.assert_token(token(peer, &client)?.access_token().secret(), client.client_id())
}

/// RFC 8707: the audience is the one asked for.
fn resource(peer: &Peer) -> anyhow::Result<()> {
    let asked = peer.text("/resource")?;
    let client = client(peer, "basic")?;
    let request = client.exchange_client_credentials().add_extra_param("resource", asked.clone());
    let answer = request.request(&|request| peer.http(request))?;
    let claims = answer.access_token().secret().split('.').nth(1).context("no JWT")?;
    let claims = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, claims)?;
    ensure!(serde_json::from_slice::<serde_json::Value>(&claims)?["aud"] == asked.as_str(), "another audience");
    Ok(())
}

/// RFC 7662.
fn introspection(peer: &Peer) -> anyhow::Result<()> {
    let owner = client(peer, "basic")?;
    let server = client(peer, "resourceServer")?;
    let good = token(peer, &owner)?;
    let state = server.introspect(good.access_token()).request(&|request| peer.http(request))?;
    ensure!(state.active() && state.client_id() == Some(owner.client_id()), "a good token is not: {state:?}");
    let garbage = AccessToken::new("garbage".to_owned());
    let state = server.introspect(&garbage).request(&|request| peer.http(request))?;
    ensure!(!state.active(), "garbage is good: {state:?}");
    Ok(())
}

/// RFC 7009.
fn revocation(peer: &Peer) -> anyhow::Result<()> {
    let client = client(peer, "basic")?;
    let ended = token(peer, &client)?.access_token().clone();
    client.revoke_token((&ended).into())?.request(&|request| peer.http(request))?;
    ensure!(peer.introspected(ended.secret())?["active"] == false, "it is good still");
    Ok(())
}

/// A person's first answer.
fn family(peer: &Peer, client: &Client) -> anyhow::Result<BasicTokenResponse> {
    let username = ResourceOwnerUsername::new(peer.text("/person/username")?);
    let password = ResourceOwnerPassword::new(peer.text("/person/password")?);
    let request = client.exchange_password(&username, &password).add_scope(Scope::new(peer.text("/scope")?));
    Ok(request.request(&|request| peer.http(request))?)
}

/// RFC 6749 §4.3.
fn password(peer: &Peer) -> anyhow::Result<()> {
    let client = client(peer, "family")?;
    peer.assert_token(family(peer, &client)?.access_token().secret(), client.client_id())?;
    let username = ResourceOwnerUsername::new(peer.text("/person/username")?);
    let wrong = ResourceOwnerPassword::new("wrong".to_owned());
    assert_refused(client.exchange_password(&username, &wrong).request(&|request| peer.http(request)), "invalid_grant")
}

/// Each refresh token has a successor; what is revoked has none.
fn refresh_token(peer: &Peer) -> anyhow::Result<()> {
    let client = client(peer, "family")?;
    let first = family(peer, &client)?;
    let first = first.refresh_token().context("no refresh token")?;
    let second = client.exchange_refresh_token(first).request(&|request| peer.http(request))?;
    peer.assert_token(second.access_token().secret(), client.client_id())?;
    let second = second.refresh_token().context("no successor")?;
    ensure!(second.secret() != first.secret(), "it succeeds itself");
    client.revoke_token(second.into())?.request(&|request| peer.http(request))?;
    assert_refused(client.exchange_refresh_token(second).request(&|request| peer.http(request)), "invalid_grant")
}

/// RFC 8628: approved between the first question and the second, where somebody can.
fn device(peer: &Peer) -> anyhow::Result<()> {
    let client = BasicClient::new(ClientId::new(peer.text("/clients/device/client_id")?))
        .set_device_authorization_url(DeviceAuthorizationUrl::new(
            peer.text("/metadata/device_authorization_endpoint")?,
        )?)
        .set_token_uri(TokenUrl::new(peer.text("/metadata/token_endpoint")?)?);
    let request = client.exchange_device_code().add_scope(Scope::new(peer.text("/scope")?));
    let started: StandardDeviceAuthorizationResponse = request.request(&|request| peer.http(request))?;
    ensure!(!started.user_code().secret().is_empty() && !started.expires_in().is_zero(), "no code: {started:?}");
    if peer.told.get("approve").is_none() {
        return Ok(());
    }
    let approved = OnceCell::new();
    let answer = client.exchange_device_access_token(&started).request(
        &|request| peer.http(request),
        |_between| {
            approved.get_or_init(|| peer.approve(started.user_code().secret()));
        },
        Some(PATIENCE),
    );
    approved.into_inner().flatten().context("it was approved before it was asked for")??;
    peer.assert_token(answer?.access_token().secret(), client.client_id())
}
