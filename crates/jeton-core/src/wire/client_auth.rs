//! How a client proves itself at OAuth's endpoints (RFC 6749 §2.3).

use http::HeaderMap;
use http::header::AUTHORIZATION;

use super::form::{Form, basic};
use crate::domain::certificate::Certificate;
use crate::domain::client::AuthMethod;
use crate::rules::ClientProof;
use crate::secret::Secret;
use crate::token::assertion::Assertion;

/// Who asks: a client's id and its proof, from the form or, if that names none, from Basic.
pub struct ClientAuth {
    /// The client's id.
    pub client_id: Option<String>,
    /// What it proves itself with.
    pub proof: ClientProof,
    /// There is an `Authorization` header of another scheme and nothing else: answered with a challenge.
    pub challenge: bool,
}

impl ClientAuth {
    /// The certificate of the connection is the proof of a client that sends none (RFC 8705 §2). Only what the TLS
    /// handshake itself brought counts: a header would be anyone's to write (security.md C12).
    #[must_use]
    pub fn over(mut self, certificate: Option<&Certificate>) -> Self {
        if let (ClientProof::None, Some(certificate)) = (&self.proof, certificate) {
            self.proof = ClientProof::Certificate(certificate.clone());
        }
        self
    }
}

/// `client_assertion_type` (RFC 7523 §2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Who asks. The form wins over Basic where both are there, as in Keycloak.
pub fn client_auth(headers: &HeaderMap, form: &Form) -> ClientAuth {
    let header = authorization(headers);
    if let (Some(JWT_BEARER), Some(assertion)) = (form.field("client_assertion_type"), form.field("client_assertion")) {
        // It names the client itself; a `client_id` beside it must be the same, which the rules see to.
        let client_id = form.field("client_id").map(str::to_owned);
        let client_id = client_id.or_else(|| Assertion::read(assertion).map(|assertion| assertion.claims.sub));
        let proof = ClientProof::Assertion(Secret::from(assertion));
        return ClientAuth { client_id, proof, challenge: false };
    }
    let in_header = header.and_then(basic);
    if let Some(client_id) = form.field("client_id") {
        let in_form = form.field("client_secret").map(Secret::from);
        let proof = match (in_form, in_header) {
            (Some(secret), _) => ClientProof::Secret { secret, method: Some(AuthMethod::ClientSecretPost) },
            // RFC 6749 §2.3.1 with the id repeated in the form: the secret still stands in the header.
            (None, Some((user, secret))) if user == client_id => by_basic(secret),
            (None, _) => ClientProof::None,
        };
        return ClientAuth { client_id: Some(client_id.to_owned()), proof, challenge: false };
    }
    match in_header {
        Some((client_id, secret)) => {
            ClientAuth { client_id: Some(client_id), proof: by_basic(secret), challenge: false }
        }
        None => ClientAuth { client_id: None, proof: ClientProof::None, challenge: header.is_some() },
    }
}

/// RFC 6749 §2.3.1 lets a secret that is empty be left out: some libraries write Basic for public clients as well.
fn by_basic(secret: Secret<String>) -> ClientProof {
    if secret.expose().is_empty() {
        return ClientProof::None;
    }
    ClientProof::Secret { secret, method: Some(AuthMethod::ClientSecretBasic) }
}

/// The one `Authorization` header; two of them are as good as none.
pub(super) fn authorization(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let first = values.next()?;
    if values.next().is_some() {
        return None;
    }
    first.to_str().ok()
}

/// Whether a text can be a token in an `Authorization` header (RFC 6750 §2.1, `b64token`; RFC 9110 §11.2, `token68`).
pub fn is_token68(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    !body.is_empty()
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'+' | b'/'))
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use http::HeaderValue;

    use super::*;

    #[test]
    fn who_asks() {
        // Basic, form, the client, the secret and how it came.
        let rows = [
            ("a:s", "", Some("a"), Some(("s", AuthMethod::ClientSecretBasic))),
            ("a:s", "client_id=a", Some("a"), Some(("s", AuthMethod::ClientSecretBasic))),
            ("a:s", "client_id=b", Some("b"), None),
            ("a:s", "client_id=b&client_secret=t", Some("b"), Some(("t", AuthMethod::ClientSecretPost))),
            ("a:", "", Some("a"), None),
            ("a:", "client_id=a", Some("a"), None),
            ("", "client_id=a&client_secret=", Some("a"), None),
            ("", "", None, None),
        ];
        for (basic, form, client_id, secret) in rows {
            let mut headers = HeaderMap::new();
            if !basic.is_empty() {
                let value = format!("Basic {}", BASE64.encode(basic));
                headers.insert(AUTHORIZATION, HeaderValue::from_str(&value).unwrap());
            }
            let read = client_auth(&headers, &Form::parse(form.as_bytes()).ok().unwrap());
            let presented = match &read.proof {
                ClientProof::Secret { secret, method } => method.map(|method| (secret.expose().as_str(), method)),
                _ => None,
            };
            assert_eq!((read.client_id.as_deref(), presented), (client_id, secret), "{basic} {form}");
        }
    }
}
