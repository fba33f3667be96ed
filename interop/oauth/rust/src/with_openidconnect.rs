//! The crate `openidconnect`: discovery, keys, registration, and the requests of `oauth2` at the addresses that it found.

use anyhow::{Context, ensure};
use oauth2::{ClientId, ClientSecret, Scope, TokenResponse};
use openidconnect::core::{
    CoreClient, CoreClientRegistrationRequest, CoreGrantType, CoreJsonWebKey, CoreJsonWebKeySet,
    CoreJwsSigningAlgorithm, CoreProviderMetadata,
};
use openidconnect::registration::EmptyAdditionalClientMetadata;
use openidconnect::{AccessToken, IssuerUrl, JsonWebKey, RegistrationUrl};
use serde_json::Value;

use crate::peer::{Check, Peer};

pub(crate) fn run(peer: &Peer) {
    let mut features: Vec<(&str, Check)> = vec![
        ("client_secret_basic", client_secret_basic),
        ("JWT by JWKS", jwt_by_jwks),
        ("registration", registration),
    ];
    if signs_people_in(peer) {
        features.push(("discovery", discovery));
    }
    peer.run(
        &features,
        &[
            ("discovery", "it wants an authorization_endpoint"),
            ("client_secret_post", "it is oauth2's"),
            ("resource", "it is oauth2's"),
            ("introspection as JWT", "it reads introspection as JSON alone"),
            ("introspection", "it is oauth2's"),
            ("revocation", "it is oauth2's"),
            ("password", "it is oauth2's"),
            ("refresh_token", "it is oauth2's"),
            ("device", "it is oauth2's"),
            ("wrong", "it is oauth2's"),
        ],
    );
}

/// The metadata with the keys.
///
/// The crate does not take a document without an address for people's sign-in, as OpenID Connect has it. A server that has
/// none, as RFC 8414 allows, is no server for discovery by this crate: then its document is completed and read as it is.
fn discovered(peer: &Peer) -> anyhow::Result<CoreProviderMetadata> {
    if signs_people_in(peer) {
        let issuer = IssuerUrl::new(peer.text("/issuer")?)?;
        return Ok(CoreProviderMetadata::discover(&issuer, &|request| peer.http(request))?);
    }
    let mut document = peer.told["metadata"].clone();
    document["authorization_endpoint"] = document["issuer"].clone();
    let metadata: CoreProviderMetadata = serde_json::from_value(document)?;
    let keys = CoreJsonWebKeySet::fetch(metadata.jwks_uri(), &|request| peer.http(request))?;
    Ok(metadata.set_jwks(keys))
}

fn signs_people_in(peer: &Peer) -> bool {
    peer.told["metadata"]["authorization_endpoint"].is_string()
}

fn discovery(peer: &Peer) -> anyhow::Result<()> {
    let metadata = discovered(peer)?;
    let found = metadata.token_endpoint().context("no token endpoint")?;
    ensure!(found.as_str() == peer.text("/metadata/token_endpoint")?, "another token endpoint: {found:?}");
    ensure!(!metadata.jwks().keys().is_empty(), "no keys");
    Ok(())
}

/// A machine's token, with what a server found by its issuer alone.
fn token(peer: &Peer, id: String, secret: String, resource: Option<String>) -> anyhow::Result<String> {
    let client =
        CoreClient::from_provider_metadata(discovered(peer)?, ClientId::new(id), Some(ClientSecret::new(secret)));
    let mut request = client.exchange_client_credentials()?.add_scope(Scope::new(peer.text("/scope")?));
    if let Some(resource) = resource {
        request = request.add_extra_param("resource", resource);
    }
    Ok(request.request(&|request| peer.http(request))?.access_token().secret().clone())
}

fn client_secret_basic(peer: &Peer) -> anyhow::Result<()> {
    let (id, secret) = peer.client("basic")?;
    peer.assert_token(&token(peer, id.clone(), secret, None)?, &id)
}

/// The signature of an access token, by the key that the token names. The crate judges the claims of ID tokens alone.
fn jwt_by_jwks(peer: &Peer) -> anyhow::Result<()> {
    let (id, secret) = peer.client("basic")?;
    let token = token(peer, id, secret, Some(peer.text("/resource")?))?;
    let (signed, signature) = token.rsplit_once('.').context("no JWT")?;
    let decode = |text: &str| base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text);
    let header: Value = serde_json::from_slice(&decode(signed.split('.').next().context("no header")?)?)?;
    let alg: CoreJwsSigningAlgorithm = serde_json::from_value(header["alg"].clone())?;
    let metadata = discovered(peer)?;
    let named = |key: &&CoreJsonWebKey| key.key_id().is_some_and(|kid| header["kid"] == kid.as_str());
    let key = metadata.jwks().keys().iter().find(named).context("the token's key is not published")?;
    let mut signature = decode(signature)?;
    key.verify_signature(&alg, signed.as_bytes(), &signature)?;
    if let Some(byte) = signature.get_mut(5) {
        *byte ^= 1;
    }
    ensure!(key.verify_signature(&alg, signed.as_bytes(), &signature).is_err(), "a forged signature is good");
    Ok(())
}

/// RFC 7591; what is registered gets a token.
fn registration(peer: &Peer) -> anyhow::Result<()> {
    let request = CoreClientRegistrationRequest::new(Vec::new(), EmptyAdditionalClientMetadata::default())
        .set_grant_types(Some(vec![CoreGrantType::ClientCredentials]))
        .set_response_types(Some(Vec::new()))
        .set_initial_access_token(Some(AccessToken::new(peer.text("/initialAccessToken")?)));
    let url = RegistrationUrl::new(peer.text("/metadata/registration_endpoint")?)?;
    let registered = request.register(&url, &|request| peer.http(request))?;
    let secret = registered.client_secret().context("no secret")?.secret().clone();
    let id = registered.client_id().to_string();
    peer.assert_token(&token(peer, id.clone(), secret, None)?, &id)
}
