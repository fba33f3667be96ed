//! The server that the crates are aimed at, how an outcome is told, and what is checked of every token.

use anyhow::{Context, ensure};
use oauth2::{HttpRequest, HttpResponse, http};
use serde_json::{Value, json};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// What suite.mjs tells of the server, and a way to reach it.
pub(crate) struct Peer {
    pub(crate) told: Value,
    agent: ureq::Agent,
}

/// A check of one feature.
pub(crate) type Check = fn(&Peer) -> anyhow::Result<()>;

impl Peer {
    /// Reads the peer's file.
    pub(crate) fn open(path: &str) -> anyhow::Result<Peer> {
        let told: Value = serde_json::from_slice(&std::fs::read(path)?)?;
        let authority = std::fs::read(told["ca"].as_str().context("no authority")?)?;
        let roots = RootCerts::new_with_certs(&[Certificate::from_pem(&authority)?]);
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build()
            .new_agent();
        Ok(Peer { told, agent })
    }

    /// Runs what the server serves of a crate's features, and tells why it cannot do the others.
    pub(crate) fn run(&self, features: &[(&str, Check)], cannot: &[(&str, &str)]) {
        let served = self.told["features"].as_array().into_iter().flatten();
        let served: Vec<&str> = served.filter_map(Value::as_str).collect();
        for (feature, check) in features.iter().filter(|(feature, _)| served.contains(feature)) {
            match check(self) {
                Ok(()) => println!("{}", json!({"feature": feature, "outcome": "passed"})),
                Err(error) => {
                    let reason = format!("{error:#}");
                    println!("{}", json!({"feature": feature, "outcome": "failed", "reason": reason}));
                }
            }
        }
        for feature in self.told["allFeatures"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if features.iter().any(|(name, _)| *name == feature) {
                continue;
            }
            let own = cannot.iter().find(|(name, _)| feature.starts_with(name));
            let reason = own.map_or("it has no such request", |(_, reason)| reason);
            println!("{}", json!({"feature": feature, "outcome": "cannot", "reason": reason}));
        }
    }

    /// One exchange, for crates that leave HTTP to their user.
    pub(crate) fn http(&self, request: HttpRequest) -> Result<HttpResponse, ureq::Error> {
        let (head, mut body) = self.agent.run(request)?.into_parts();
        Ok(http::Response::from_parts(head, body.read_to_vec()?))
    }

    /// A value of the peer's file, which must be text.
    pub(crate) fn text(&self, pointer: &str) -> anyhow::Result<String> {
        let value = self.told.pointer(pointer).and_then(Value::as_str);
        Ok(value.with_context(|| format!("the peer's file has no {pointer}"))?.to_owned())
    }

    /// A client's id and secret, by its role.
    pub(crate) fn client(&self, role: &str) -> anyhow::Result<(String, String)> {
        Ok((self.text(&format!("/clients/{role}/client_id"))?, self.text(&format!("/clients/{role}/client_secret"))?))
    }

    /// A token's state as a resource server sees it, asked without either crate.
    pub(crate) fn introspected(&self, token: &str) -> anyhow::Result<Value> {
        let (id, secret) = self.client("resourceServer")?;
        let form = [("token", token), ("client_id", &id), ("client_secret", &secret)];
        let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("{id}:{secret}"));
        let request = self.agent.post(self.text("/metadata/introspection_endpoint")?);
        let mut answer =
            request.header("Authorization", format!("Basic {basic}")).send_form(form[..1].iter().copied())?;
        Ok(serde_json::from_slice(&answer.body_mut().read_to_vec()?)?)
    }

    /// A person's yes to a device; nothing where the server has no command for it.
    pub(crate) fn approve(&self, user_code: &str) -> Option<anyhow::Result<()>> {
        let words: Vec<&str> = self.told.get("approve")?.as_array()?.iter().filter_map(Value::as_str).collect();
        let (program, arguments) = words.split_first()?;
        let ended = std::process::Command::new(program).args(arguments).arg(user_code).output();
        Some(ended.map_err(Into::into).and_then(|ended| {
            ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            Ok(())
        }))
    }

    /// A token must be good, for this client and the usual scope.
    pub(crate) fn assert_token(&self, token: &str, client_id: &str) -> anyhow::Result<()> {
        let state = self.introspected(token)?;
        let expected = json!({"active": true, "client_id": client_id, "scope": self.text("/scope")?});
        let same = expected.as_object().into_iter().flatten().all(|(name, value)| state[name] == *value);
        ensure!(same, "{state} should have {expected}");
        Ok(())
    }
}

/// What was refused must carry this code of RFC 6749 §5.2 (or of another that adds to it).
pub(crate) fn assert_refused<T>(
    outcome: Result<T, oauth2::basic::BasicRequestTokenError<ureq::Error>>,
    code: &str,
) -> anyhow::Result<()> {
    match outcome {
        Ok(_) => anyhow::bail!("not refused with {code}"),
        Err(oauth2::RequestTokenError::ServerResponse(refusal)) => {
            ensure!(refusal.error().as_ref() == code, "refused with {refusal} instead of {code}");
            Ok(())
        }
        Err(other) => Err(other.into()),
    }
}
