//! Every OAuth flow against a server that is not ours. `interop/oidc-provider/run` starts that server and this.

#![expect(clippy::unwrap_used, reason = "a panic is the failure")]

use std::path::Path;
use std::process::{Child, Command, Stdio};

use jeton_client::flow::{ClientAuth, Grant, Request};
use jeton_client::transport::Transport;
use jeton_client::{Clock, Ended, Profile, Profiles, Prompt, TokenSource};
use jeton_core::dialect::Values;
use jeton_core::secret::Secret;

/// What the provider's first line says.
fn provider() -> serde_json::Value {
    let file = std::env::var_os("JETON_OIDC_PROVIDER").expect("start this by interop/oidc-provider/run");
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(text.lines().next().unwrap()).unwrap()
}

struct Client {
    source: TokenSource,
    _folder: tempfile::TempDir,
}

fn client(id: &str, profile: Profile, secrets: &[(&str, &str)]) -> Client {
    let folder = tempfile::tempdir().unwrap();
    let issuer = provider()["issuer"].as_str().unwrap().to_owned();
    let mut profile = Profile { url: issuer.clone(), issuer: Some(issuer), ..profile };
    profile.values.insert("client_id".to_owned(), id.to_owned());
    let profiles = Profiles::at(folder.path());
    let secrets = secrets.iter().map(|(name, text)| ((*name).to_owned(), Secret::from(*text))).collect();
    profiles.put("provider", &profile, secrets, false).unwrap();
    Client { source: TokenSource::open(&profiles, "provider", Clock::system()).unwrap(), _folder: folder }
}

fn values(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// A browser without a screen, which signs in and agrees or not.
struct Browser {
    answer: &'static str,
    process: Option<Child>,
}

impl Browser {
    fn that_will(answer: &'static str) -> Self {
        Self { answer, process: None }
    }

    fn follow(&mut self, prompt: &Prompt) {
        let url = match prompt {
            Prompt::Browse { url } => url,
            Prompt::Type { url, code, url_with_code, .. } => {
                let whole = url_with_code.as_ref().unwrap();
                assert!(whole.starts_with(url.as_str()) && whole.contains(code.as_str()), "{prompt:?}");
                whole
            }
        };
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../interop/oidc-provider/browser.mjs");
        let mut command = Command::new("node");
        self.process = Some(command.arg(script).args([url, self.answer]).stdout(Stdio::piped()).spawn().unwrap());
    }

    /// The heading of the last page.
    fn ends_at(self) -> String {
        let output = self.process.unwrap().wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// Whom the provider takes the bearer of this token for.
async fn subject(token: &str) -> Option<String> {
    let request = Request {
        method: http::Method::GET,
        url: format!("{}/me", provider()["issuer"].as_str().unwrap()),
        headers: vec![("Authorization".to_owned(), format!("Bearer {token}"))],
        body: Secret::default(),
        asked: Values::new(),
    };
    let response = Transport::new(None).unwrap().send(request).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(response.body.expose()).ok()?;
    Some(answer.get("sub")?.as_str()?.to_owned())
}

#[tokio::test]
#[ignore = "interop/oidc-provider/run starts the provider"]
async fn client_credentials_by_every_proof() {
    let said = provider();
    let (secret, keys) = (said["secret"].as_str().unwrap(), &said["privateKeys"]);
    let key = |alg: &str| ("private_key", keys[alg].as_str().unwrap());
    for (id, auth, secret, gives) in [
        ("basic & co", None, ("client_secret", secret), true),
        ("basic & co", Some(ClientAuth::Basic), ("client_secret", secret), true),
        ("basic & co", None, ("client_secret", "wrong"), false),
        ("post", Some(ClientAuth::Post), ("client_secret", secret), true),
        ("post", Some(ClientAuth::Post), ("client_secret", "wrong"), false),
        ("key-ES256", None, key("ES256"), true),
        ("key-RS256", None, key("RS256"), true),
        ("key-EdDSA", None, key("EdDSA"), true),
        ("key-ES256", None, key("RS256"), false),
    ] {
        let profile = Profile { auth, values: values(&[("scope", "read"), ("key_id", "k1")]), ..Profile::default() };
        let client = client(id, profile, &[secret]);
        let given = client.source.token().await;
        match (gives, given) {
            (true, Ok(given)) => {
                assert!(given.token.expires_at.is_some(), "{id}");
                assert_ne!(client.source.refresh().await.unwrap().access, given.token.access, "{id}");
                assert_eq!(client.source.end().await.unwrap(), Ended::AtTheApi, "{id}");
            }
            (false, Err(error)) => assert!(error.to_string().contains("invalid_client"), "{id}: {error}"),
            (_, given) => panic!("{id}: {given:?}"),
        }
    }
}

#[tokio::test]
#[ignore = "interop/oidc-provider/run starts the provider"]
async fn authorization_code_with_pkce_over_a_loopback_redirect() {
    let said = provider();
    let secret = ("client_secret", said["secret"].as_str().unwrap());
    for (id, secrets) in [("public", &[][..]), ("confidential", &[secret])] {
        let profile = Profile {
            grant: Some(Grant::AuthorizationCode),
            values: values(&[("scope", "openid offline_access")]),
            ..Profile::default()
        };
        let client = client(id, profile, secrets);
        let error = client.source.token().await.unwrap_err().to_string();
        assert!(error.contains("jeton login provider"), "{error}");
        let mut browser = Browser::that_will("agree");
        let token = client.source.sign_in(|prompt| browser.follow(prompt)).await.unwrap();
        assert_eq!(browser.ends_at(), "Signed in");
        assert_eq!(subject(token.access.expose()).await.as_deref(), Some("ada"), "{id}");
        assert_eq!(client.source.token().await.unwrap().token, token, "{id}");
        // Twice: the second has the refresh token of the first.
        for _ in 0..2 {
            let refreshed = client.source.refresh().await.unwrap();
            assert_ne!(refreshed.access, token.access, "{id}");
            assert_eq!(subject(refreshed.access.expose()).await.as_deref(), Some("ada"), "{id}");
        }
        assert_eq!(client.source.end().await.unwrap(), Ended::AtTheApi, "{id}");
        assert!(client.source.token().await.is_err(), "{id}");

        let mut browser = Browser::that_will("deny");
        let error = client.source.sign_in(|prompt| browser.follow(prompt)).await.unwrap_err().to_string();
        assert!(error.contains("denied"), "{error}");
        assert_eq!(browser.ends_at(), "Not signed in");
    }
}

#[tokio::test]
#[ignore = "interop/oidc-provider/run starts the provider"]
async fn device_code() {
    let profile = Profile {
        grant: Some(Grant::DeviceCode),
        values: values(&[("scope", "openid offline_access")]),
        ..Profile::default()
    };
    let client = client("device", profile, &[]);
    let mut browser = Browser::that_will("agree");
    let token = client.source.sign_in(|prompt| browser.follow(prompt)).await.unwrap();
    assert_eq!(browser.ends_at(), "Sign-in Success");
    assert_eq!(subject(token.access.expose()).await.as_deref(), Some("ada"));
    assert_ne!(client.source.refresh().await.unwrap().access, token.access);
    let mut browser = Browser::that_will("deny");
    let error = client.source.sign_in(|prompt| browser.follow(prompt)).await.unwrap_err().to_string();
    assert!(error.contains("denied"), "{error}");
    browser.ends_at();
}

#[tokio::test]
#[ignore = "interop/oidc-provider/run starts the provider"]
async fn token_exchange() {
    let said = provider();
    let secret = ("client_secret", said["secret"].as_str().unwrap());
    let service = client("basic & co", Profile::default(), &[secret]);
    let subject_token = service.source.token().await.unwrap().token.access;
    for (subject_token, gives) in [(subject_token.expose().as_str(), true), ("unknown", false)] {
        let profile = Profile { grant: Some(Grant::TokenExchange), ..Profile::default() };
        let exchange = client("exchange", profile, &[secret, ("subject_token", subject_token)]);
        match (gives, exchange.source.token().await) {
            (true, Ok(given)) => assert_ne!(given.token.access.expose(), subject_token),
            (false, Err(error)) => assert!(error.to_string().contains("wrong_credentials"), "{error}"),
            (_, given) => panic!("{given:?}"),
        }
    }
}
