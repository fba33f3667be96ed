//! The forms that other programs take a token in.

use anyhow::{Context, bail};
use clap::ValueEnum;
use http::Uri;
use jeton_client::{Profile, Token};
use jeton_core::secret::Secret;
use serde::Deserialize;
use serde_json::json;

use crate::client::credential::user_name;

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// The token alone
    Plain,
    /// An object with `access_token`, `expires_at` and `url`
    Json,
    /// A line for `.netrc`, for programs that send it as a password
    Netrc,
    /// What an `exec` plugin of a kubeconfig prints (`ExecCredential`)
    Kubernetes,
    /// What a `credential_process` of AWS prints: the token exchanged for keys of the role --aws-role
    Aws,
}

/// `url` is where calls with the token go.
pub(super) fn json(url: &str, token: &Token) -> Secret<String> {
    let object = json!({ "access_token": token.access.expose(), "expires_at": expires_at(token), "url": url });
    Secret::new(object.to_string())
}

pub(super) fn netrc(url: &str, profile: &Profile, token: &Token) -> anyhow::Result<Secret<String>> {
    let (uri, access, user) = (url.parse::<Uri>()?, token.access.expose(), user_name(profile));
    // The words of a .netrc end at white space, and there is no way to quote that all readers know.
    if access.contains([' ', '"', '\\']) || user.contains([' ', '"', '\\']) {
        bail!(
            "the token or the username has spaces or quotes in it, which cannot stand in a .netrc; try another format"
        );
    }
    let host = uri.host().context("the profile's URL has no host")?;
    Ok(Secret::new(format!("machine {host} login {user} password {access}")))
}

/// <https://kubernetes.io/docs/reference/access-authn-authz/authentication/#input-and-output-formats>
pub(super) fn kubernetes(token: &Token, exec_info: Option<&str>) -> anyhow::Result<Secret<String>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ExecInfo {
        api_version: String,
    }
    // The answer must have the version that was asked for; by hand nobody asks for any.
    let version = match exec_info {
        Some(text) => {
            let info: ExecInfo = serde_json::from_str(text).context("KUBERNETES_EXEC_INFO cannot be read")?;
            info.api_version
        }
        None => "client.authentication.k8s.io/v1".to_owned(),
    };
    if !version.starts_with("client.authentication.k8s.io/v1") {
        bail!("`{version}` is not known; write client.authentication.k8s.io/v1 in the kubeconfig");
    }
    let mut status = json!({ "token": token.access.expose() });
    if let Some(end) = expires_at(token) {
        status["expirationTimestamp"] = end.into();
    }
    let object = json!({ "apiVersion": version, "kind": "ExecCredential", "status": status });
    Ok(Secret::new(object.to_string()))
}

fn expires_at(token: &Token) -> Option<String> {
    token.expires_at.map(|end| end.whole_secs().to_string())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jeton_client::flow::Issued;
    use jeton_core::time::Timestamp;

    use super::*;

    fn token(access: &str, lifetime: Option<u64>) -> Token {
        let lifetime = lifetime.map(Duration::from_secs);
        let issued = Issued { access: Secret::from(access), lifetime, ..Issued::default() };
        Token::new(issued, Timestamp::from_secs(1_700_000_000), 0, 0.0)
    }

    fn profile() -> Profile {
        let values = [("username".to_owned(), "ada".to_owned())].into_iter().collect();
        Profile { url: "https://api.example.com:8443/v1".to_owned(), values, ..Profile::default() }
    }

    #[test]
    fn what_other_programs_read() {
        let asked = r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{"interactive":false}}"#;
        for (written, expected) in [
            (
                Ok(json(&profile().url, &token("t", Some(3600)))),
                Some(
                    r#"{"access_token":"t","expires_at":"2023-11-14T23:13:20Z","url":"https://api.example.com:8443/v1"}"#,
                ),
            ),
            (
                Ok(json(&profile().url, &token("t", None))),
                Some(r#"{"access_token":"t","expires_at":null,"url":"https://api.example.com:8443/v1"}"#),
            ),
            (
                netrc(&profile().url, &profile(), &token("t", None)),
                Some("machine api.example.com login ada password t"),
            ),
            (netrc(&profile().url, &profile(), &token("t t", None)), None),
            (
                kubernetes(&token("t", Some(3600)), None),
                Some(
                    r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t","expirationTimestamp":"2023-11-14T23:13:20Z"}}"#,
                ),
            ),
            (
                kubernetes(&token("t", None), Some(asked)),
                Some(
                    r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","status":{"token":"t"}}"#,
                ),
            ),
            (kubernetes(&token("t", None), Some(r#"{"apiVersion":"other/v1"}"#)), None),
            (kubernetes(&token("t", None), Some("no")), None),
        ] {
            assert_eq!(written.ok().as_ref().map(|text| text.expose().as_str()), expected);
        }
    }
}
