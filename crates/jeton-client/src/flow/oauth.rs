//! Tokens from an OAuth issuer: client credentials and refresh (RFC 6749), revocation (RFC 7009), discovery (RFC 8414).

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Act, FlowError, Issued, Request, Response};
use crate::address::{self, AddressError, join};
use crate::token::Token;
use crate::vault::Secrets;

/// How a client proves itself at the token endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuth {
    /// `client_secret_basic`.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// What an issuer says of itself, as far as it is used here.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    issuer: String,
    token_endpoint: String,
    revocation_endpoint: Option<String>,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

/// Tokens of one client from one issuer.
#[derive(Clone, Debug)]
pub struct OAuthFlow {
    metadata: Metadata,
    auth: ClientAuth,
    client_id: String,
    scope: Option<String>,
}

/// The request for an issuer's metadata (OIDC Discovery §4).
pub fn discovery(issuer: &str) -> Request {
    Request {
        method: http::Method::GET,
        url: join(issuer, "/.well-known/openid-configuration"),
        headers: vec![("Accept".to_owned(), "application/json".to_owned())],
        body: Secret::default(),
    }
}

impl Metadata {
    /// Reads the answer to [`discovery`].
    ///
    /// # Errors
    /// It is no metadata, it is another issuer's (RFC 8414 §3.3), or an endpoint is one that no secret is sent to.
    pub fn read(issuer: &str, response: &Response) -> Result<Self, FlowError> {
        let shape = |why: String| FlowError::Shape { status: response.status, why };
        if let Some(refusal) = response.overload() {
            return Err(FlowError::Refused(refusal));
        }
        if response.status != 200 {
            return Err(shape(format!("`{issuer}` has no metadata")));
        }
        // Without serde's words, which quote what stands there.
        let metadata: Self = serde_json::from_slice(response.body.expose())
            .map_err(|_| shape(format!("the metadata of `{issuer}` name no token endpoint")))?;
        if metadata.issuer.trim_end_matches('/') != issuer.trim_end_matches('/') {
            return Err(shape(format!(
                "the metadata are those of the issuer `{}`, not of `{issuer}`",
                metadata.issuer
            )));
        }
        let insecure = |error: AddressError| shape(error.to_string());
        address::check(&metadata.token_endpoint).map_err(insecure)?;
        metadata.revocation_endpoint.as_deref().map_or(Ok(()), address::check).map_err(insecure)?;
        Ok(metadata)
    }

    /// The way of proof that the issuer takes; Basic where it does not say (RFC 8414 §2).
    fn auth(&self) -> ClientAuth {
        let Some(methods) = &self.token_endpoint_auth_methods_supported else { return ClientAuth::Basic };
        let has = |name: &str| methods.iter().any(|method| method == name);
        if !has("client_secret_basic") && has("client_secret_post") { ClientAuth::Post } else { ClientAuth::Basic }
    }
}

impl OAuthFlow {
    /// The flow of a client: the profile's values are `client_id` and perhaps `scope`. Without `auth`, the way of proof
    /// is the one that the metadata name.
    ///
    /// # Errors
    /// There is no `client_id`.
    pub fn new(
        metadata: Metadata,
        auth: Option<ClientAuth>,
        values: &BTreeMap<String, String>,
    ) -> Result<Self, FlowError> {
        let missing = || FlowError::Value { name: "client_id".to_owned(), demand: "given" };
        let client_id = values.get("client_id").ok_or_else(missing)?.clone();
        let auth = auth.unwrap_or_else(|| metadata.auth());
        Ok(Self { metadata, auth, client_id, scope: values.get("scope").cloned() })
    }

    pub(super) fn write(&self, act: Act, secrets: &Secrets, token: Option<&Token>) -> Option<Request> {
        let scope = self.scope.as_deref().map(|scope| ("scope", scope));
        match (act, token) {
            (Act::SignIn, _) => {
                let mut fields = vec![("grant_type", "client_credentials")];
                fields.extend(scope);
                Some(self.request(&self.metadata.token_endpoint, fields, secrets))
            }
            (Act::Refresh, token) => {
                let refresh = token?.refresh.as_ref()?;
                let fields = vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose())];
                Some(self.request(&self.metadata.token_endpoint, fields, secrets))
            }
            (Act::End, token) => {
                let token = token?;
                // RFC 7009 §2.1: with the refresh token the access tokens of the same grant end too.
                let ended = token.refresh.as_ref().unwrap_or(&token.access);
                let endpoint = self.metadata.revocation_endpoint.as_ref()?;
                Some(self.request(endpoint, vec![("token", ended.expose())], secrets))
            }
            (Act::UserInfo, _) => None,
        }
    }

    fn request<'a>(&'a self, url: &str, mut fields: Vec<(&'a str, &'a str)>, secrets: &'a Secrets) -> Request {
        let secret = secrets.get("client_secret").map_or("", |secret| secret.expose());
        let mut headers = vec![
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
            ("Accept".to_owned(), "application/json".to_owned()),
        ];
        match self.auth {
            ClientAuth::Basic => {
                // RFC 6749 §2.3.1: both halves are form-encoded before they are joined.
                let pair = Secret::new(format!("{}:{}", form_encode(&self.client_id), form_encode(secret)));
                headers.push(("Authorization".to_owned(), format!("Basic {}", STANDARD.encode(pair.expose()))));
            }
            ClientAuth::Post => fields.extend([("client_id", self.client_id.as_str()), ("client_secret", secret)]),
        }
        let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", form_encode(value))).collect();
        Request { method: http::Method::POST, url: url.to_owned(), headers, body: Secret::new(fields.join("&")) }
    }

    pub(super) fn read(&self, act: Act, response: &Response) -> Result<Issued, FlowError> {
        #[derive(Deserialize)]
        struct Answer {
            access_token: String,
            token_type: String,
            refresh_token: Option<String>,
            expires_in: Option<Value>,
        }
        if response.status != 200 {
            return Err(refused(act, response));
        }
        let shape = |why: &str| FlowError::Shape { status: response.status, why: why.to_owned() };
        let answer: Answer = serde_json::from_slice(response.body.expose())
            .map_err(|_| shape("it is not a token answer as in RFC 6749 §5.1"))?;
        let access = Secret::new(answer.access_token);
        let refresh = answer.refresh_token.map(Secret::new);
        if !answer.token_type.eq_ignore_ascii_case("bearer") {
            return Err(shape("its token type is not Bearer, the only one that is known here"));
        }
        // Some servers write the number as a string.
        let seconds = answer.expires_in.and_then(|value| value.as_u64().or_else(|| value.as_str()?.parse().ok()));
        Ok(Issued { access, refresh, lifetime: seconds.map(Duration::from_secs), expires_at: None })
    }

    pub(super) fn read_end(&self, response: &Response) -> Result<(), FlowError> {
        if response.status == 200 { Ok(()) } else { Err(refused(Act::End, response)) }
    }
}

/// RFC 6749 §5.2.
fn refused(act: Act, response: &Response) -> FlowError {
    #[derive(Deserialize)]
    struct Answer {
        error: String,
        error_description: Option<String>,
    }
    if let Some(refusal) = response.overload() {
        return FlowError::Refused(refusal);
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(response.body.expose()) else {
        let why = "it is neither a token nor an error as in RFC 6749 §5.2".to_owned();
        return FlowError::Shape { status: response.status, why };
    };
    let reason = match answer.error.as_str() {
        "invalid_client" => Reason::InvalidClient,
        "invalid_grant" if act == Act::Refresh => Reason::InvalidToken,
        "invalid_grant" => Reason::WrongCredentials,
        "unauthorized_client" => Reason::DeniedGrant,
        "unsupported_grant_type" => Reason::UnsupportedGrant,
        "invalid_scope" => Reason::DeniedScope,
        "temporarily_unavailable" | "server_error" => Reason::Unavailable,
        _ => Reason::InvalidRequest,
    };
    let detail = answer.error_description.unwrap_or(answer.error);
    FlowError::Refused(Refusal::new(reason).detail(detail))
}

fn form_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'*' => out.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => out.push(char::from(byte)),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use jeton_core::time::Timestamp;

    const ISSUER: &str = "https://id.example.com/realms/meadow";

    fn answer(status: u16, body: &str) -> Response {
        let body = Secret::new(body.as_bytes().to_vec());
        Response { status, reason_phrase: None, headers: http::HeaderMap::new(), body }
    }

    fn metadata(more: &str) -> Metadata {
        let text = format!(r#"{{"issuer":"{ISSUER}","token_endpoint":"{ISSUER}/token"{more}}}"#);
        Metadata::read(ISSUER, &answer(200, &text)).unwrap()
    }

    fn flow(metadata: Metadata) -> OAuthFlow {
        let values = [("client_id", "me & you"), ("scope", "a b")];
        let values = values.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect();
        OAuthFlow::new(metadata, None, &values).unwrap()
    }

    #[test]
    fn metadata_of_others_and_insecure_endpoints_are_refused() {
        assert_eq!(discovery(&format!("{ISSUER}/")).url, format!("{ISSUER}/.well-known/openid-configuration"));
        for (status, issuer, endpoint, part) in [
            (200, "https://id.example.com/realms/other", "https://id.example.com/token", "not of"),
            (200, ISSUER, "http://id.example.com/token", "plain HTTP"),
            (200, ISSUER, "token", "not an address"),
            (404, ISSUER, "https://id.example.com/token", "no metadata"),
            (503, ISSUER, "https://id.example.com/token", "unavailable"),
        ] {
            let text = format!(r#"{{"issuer":"{issuer}","token_endpoint":"{endpoint}"}}"#);
            let error = Metadata::read(ISSUER, &answer(status, &text)).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn requests_prove_the_client_as_the_issuer_asks() {
        let secrets: Secrets = [("client_secret".to_owned(), Secret::from("s:%"))].into_iter().collect();
        let issued = Issued {
            access: Secret::from("acc"),
            refresh: Some(Secret::from("r/1")),
            lifetime: None,
            expires_at: None,
        };
        let token = Token::new(issued, Timestamp::EPOCH, 0, 0.0);
        let post = r#","token_endpoint_auth_methods_supported":["client_secret_post"]"#;
        let revoke = format!(r#","revocation_endpoint":"{ISSUER}/revoke""#);
        let basic = format!("Basic {}", STANDARD.encode("me+%26+you:s%3A%25"));
        let proof = "&client_id=me+%26+you&client_secret=s%3A%25";
        for (more, act, expected) in [
            ("", Act::SignIn, Some(("token", "grant_type=client_credentials&scope=a+b".to_owned(), true))),
            (post, Act::SignIn, Some(("token", format!("grant_type=client_credentials&scope=a+b{proof}"), false))),
            ("", Act::Refresh, Some(("token", "grant_type=refresh_token&refresh_token=r%2F1".to_owned(), true))),
            (revoke.as_str(), Act::End, Some(("revoke", "token=r%2F1".to_owned(), true))),
            ("", Act::End, None),
        ] {
            let written = flow(metadata(more)).write(act, &secrets, Some(&token));
            assert_eq!(written.is_some(), expected.is_some(), "{act:?}");
            if let Some((request, (path, body, in_header))) = written.zip(expected) {
                assert_eq!((request.url, request.body.expose()), (format!("{ISSUER}/{path}"), &body));
                let header = request.headers.iter().find(|(name, _)| name == "Authorization");
                assert_eq!(header.map(|(_, value)| value.as_str()), in_header.then_some(basic.as_str()));
            }
        }
    }

    #[test]
    fn answers_are_read_by_the_standard() {
        let flow = flow(metadata(""));
        for (act, status, body, expected) in [
            (Act::SignIn, 200, r#"{"access_token":"a","token_type":"bearer","expires_in":60}"#, Ok(Some(60))),
            (Act::SignIn, 200, r#"{"access_token":"a","token_type":"Bearer","expires_in":"60"}"#, Ok(Some(60))),
            (Act::SignIn, 200, r#"{"access_token":"a","token_type":"Bearer"}"#, Ok(None)),
            (Act::SignIn, 200, r#"{"access_token":"a","token_type":"mac"}"#, Err("Bearer")),
            (Act::SignIn, 200, "{}", Err("RFC 6749")),
            (Act::SignIn, 401, r#"{"error":"invalid_client"}"#, Err("invalid_client")),
            (Act::Refresh, 400, r#"{"error":"invalid_grant"}"#, Err("invalid_token")),
            (Act::SignIn, 400, r#"{"error":"invalid_scope","error_description":"no a"}"#, Err("denied_scope (no a)")),
            (Act::SignIn, 429, "", Err("throttled")),
            (Act::SignIn, 403, "<html>", Err("RFC 6749")),
        ] {
            match (flow.read(act, &answer(status, body)), expected) {
                (Ok(issued), Ok(seconds)) => assert_eq!(issued.lifetime, seconds.map(Duration::from_secs), "{body}"),
                (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
                (read, _) => panic!("{body}: {read:?}"),
            }
        }
    }
}
