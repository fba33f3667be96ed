//! Authorization code with PKCE, for a program on a person's machine (RFC 6749 §4.1, RFC 7636, RFC 8252, RFC 9207).

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;
use jeton_core::wire;

use super::super::{Act, FlowError, Fresh, Request};
use super::form::Form;
use super::{OAuthFlow, Proof, refusal};

/// A question to a person, and what its answer is recognised by.
pub struct Authorization {
    /// The page to open.
    pub url: String,
    redirect_uri: String,
    state: Secret<String>,
    verifier: Secret<String>,
}

/// What is said already, and cannot be said by the profile another time.
const OWN: [&str; 8] = [
    "response_type",
    "client_id",
    "redirect_uri",
    "state",
    "code_challenge",
    "code_challenge_method",
    "scope",
    "resource",
];

impl OAuthFlow {
    /// The page at which a person allows this client what the profile asks for, and from which the browser is sent to
    /// `redirect_uri`. The profile's values `authorize.NAME` are said there too, such as `authorize.prompt`.
    ///
    /// # Errors
    /// The issuer has no such page, or a value says what is said already.
    pub fn authorize(&self, redirect_uri: &str, fresh: Fresh<'_>) -> Result<Authorization, FlowError> {
        let missing = || FlowError::Unsupported("authorization endpoint");
        let endpoint = self.metadata.authorization_endpoint.as_deref().ok_or_else(missing)?;
        let state = Secret::new(fresh()?);
        // Two UUIDs of 122 random bits each are 72 of the 43 to 128 letters of RFC 7636 §4.1.
        let verifier = Secret::new(fresh()? + &fresh()?);
        let challenge = BASE64URL.encode(digest::digest(&digest::SHA256, verifier.expose().as_bytes()));
        let mut query = Form::default()
            .with("response_type", "code")
            .with("client_id", &self.client_id)
            .with("redirect_uri", redirect_uri)
            .with("state", state.expose())
            .with("code_challenge", &challenge)
            .with("code_challenge_method", "S256")
            .with_given("scope", self.value("scope"))
            .with_each("resource", self.value("resource"))
            .with_given("audience", self.value("audience"));
        let asks_offline = self.value("scope").unwrap_or_default().split(' ').any(|scope| scope == "offline_access");
        // OIDC Core §11: without it the issuer may give no refresh token.
        if asks_offline && self.value("authorize.prompt").is_none() {
            query = query.with("prompt", "consent");
        }
        let more = self.values.iter().filter_map(|(name, value)| Some((name.strip_prefix("authorize.")?, value)));
        for (name, value) in more {
            if OWN.contains(&name) {
                let name = format!("authorize.{name}");
                return Err(FlowError::Value { name, demand: "left out: the client says this itself" });
            }
            query = query.with(name, value);
        }
        let separator = if endpoint.contains('?') { '&' } else { '?' };
        let url = format!("{endpoint}{separator}{}", query.text());
        Ok(Authorization { url, redirect_uri: redirect_uri.to_owned(), state, verifier })
    }

    /// The code in the query that a browser came back with; nothing if it is not the answer to this question.
    ///
    /// # Errors
    /// The person or the issuer said no, or it is another issuer's answer.
    pub fn read_redirect(
        &self,
        authorization: &Authorization,
        query: &str,
    ) -> Result<Option<Secret<String>>, FlowError> {
        let Ok(fields) = wire::form::Form::parse(query.as_bytes()) else { return Ok(None) };
        let (state, expected) = (fields.field("state").unwrap_or_default(), authorization.state.expose());
        let is_answer = constant_time::verify_slices_are_equal(state.as_bytes(), expected.as_bytes()).is_ok()
            && !fields.has_repeated(&[]);
        if !is_answer {
            return Ok(None);
        }
        // RFC 9207 §2.4: an answer of another issuer is dropped, whatever it says.
        let is_from_issuer = match fields.field("iss") {
            Some(issuer) => issuer == self.metadata.issuer,
            None => !self.metadata.authorization_response_iss_parameter_supported,
        };
        if !is_from_issuer {
            let detail = "the browser came back from another issuer than the profile's";
            return Err(FlowError::Refused(Refusal::new(Reason::InvalidRequest).detail(detail)));
        }
        match (fields.field("error"), fields.field("code")) {
            (Some(error), _) => Err(FlowError::Refused(refusal(Act::SignIn, error, fields.field("error_description")))),
            (None, Some(code)) => Ok(Some(Secret::from(code))),
            (None, None) => Ok(None),
        }
    }

    /// The request that changes the code into a token; its answer is read by [`OAuthFlow::read`].
    ///
    /// # Errors
    /// What proves the client is missing or has the wrong form.
    pub fn redeem(
        &self,
        authorization: &Authorization,
        code: &Secret<String>,
        proof: Proof<'_>,
    ) -> Result<Request, FlowError> {
        let form = Form::for_grant("authorization_code")
            .with("code", code.expose())
            .with("redirect_uri", &authorization.redirect_uri)
            .with("code_verifier", authorization.verifier.expose())
            .with_each("resource", self.value("resource"));
        self.request(&self.metadata.token_endpoint, form, proof)
    }
}
