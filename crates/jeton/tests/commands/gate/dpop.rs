//! Tokens bound to a key (RFC 9449), from the token endpoint through a gate of its own to the API.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Value, json};

use super::{Gate, api};
use crate::harness::{FORM, Place, Request, Response, Server, post, text};
use crate::signer::{Signer, now};

const TOKEN: &str = "/realms/shop/protocol/openid-connect/token";

/// A token request of this client with this proof.
fn ask(server: &Server, (id, secret): (&str, &str), proof: Option<String>) -> Response {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = post(TOKEN, FORM, &form);
    let headers = request.headers.into_iter().chain(proof.map(|proof| ("DPoP", proof))).collect();
    server.request(&Request { headers, ..request })
}

fn ath(token: &str) -> String {
    BASE64URL.encode(digest(&SHA256, token.as_bytes()))
}

/// The same at a gate that asks about every token and at one that judges plain ones itself.
#[test]
fn d11_a_bound_token_opens_a_gate_of_its_own_to_its_holder_alone() {
    for offline in [None, Some("--offline")] {
        let place = Place::new();
        place.run(&["realm", "add", "shop"], "");
        let bound = text(&place.json(&["client", "add", "shop", "app", "--dpop", "true"]), "/client_secret");
        let plain = text(&place.json(&["client", "add", "shop", "plain"]), "/client_secret");
        let server = place.serve();
        let (upstream, calls) = api();
        let more: Vec<&str> = ["--rule", "* /*"].into_iter().chain(offline).collect();
        let gate = Gate::of_shop(&place, &server, upstream, &more);
        let (holder, thief) = (Signer::new(), Signer::new());

        // The realm says where it takes tokens by its configured name, which is not where this test reaches it.
        let metadata = "/realms/shop/.well-known/openid-configuration".to_owned();
        let metadata = Request { method: "GET", target: metadata, headers: Vec::new(), body: String::new() };
        let endpoint = text(&server.request(&metadata).json(), "/token_endpoint");
        let mut claims = json!({ "jti": "token-1", "htm": "POST", "htu": endpoint, "iat": now() });
        assert_eq!(ask(&server, ("app", &bound), None).status, 400, "this client has to prove a key");
        let first = ask(&server, ("app", &bound), Some(holder.proof(&claims)));
        assert_eq!((first.status, text(&first.json(), "/error").as_str()), (400, "use_dpop_nonce"));
        claims["nonce"] = first.header("dpop-nonce").into();
        let answer = ask(&server, ("app", &bound), Some(holder.proof(&claims))).json();
        assert_eq!(answer["token_type"], "DPoP", "{answer}");
        let (token, unbound) = (text(&answer, "/access_token"), ask(&server, ("plain", &plain), None).json());
        let unbound = text(&unbound, "/access_token");
        if offline.is_some() {
            // By now the gate follows, so that it could say yes by itself.
            std::thread::sleep(Duration::from_secs(1));
        }

        let htu = format!("http://{}/things/1", gate.address);
        let good = |jti: &str| json!({ "jti": jti, "htm": "GET", "htu": htu, "iat": now(), "ath": ath(&token) });
        let with = |jti: &str, name: &str, value: Value| {
            let mut claims = good(jti);
            claims[name] = value;
            vec![holder.proof(&claims)]
        };
        let (as_dpop, as_bearer) = (format!("DPoP {token}"), format!("Bearer {token}"));
        let right = holder.proof(&good("1"));
        let (proof, own) = (Err("invalid_dpop_proof"), Err("invalid_token"));
        let rows = [
            ("the right proof", &as_dpop, vec![right.clone()], Ok(())),
            ("sent again", &as_dpop, vec![right], proof),
            ("none", &as_dpop, Vec::new(), proof),
            ("two", &as_dpop, vec![holder.proof(&good("2")), holder.proof(&good("3"))], proof),
            ("as a bearer token", &as_bearer, vec![holder.proof(&good("4"))], own),
            ("as a bearer token, without", &as_bearer, Vec::new(), own),
            ("another key's", &as_dpop, vec![thief.proof(&good("5"))], own),
            ("for another method", &as_dpop, with("6", "htm", json!("POST")), proof),
            ("for another path", &as_dpop, with("7", "htu", json!(htu.replace("/1", "/2"))), proof),
            ("for another host", &as_dpop, with("8", "htu", json!("https://api.example/things/1")), proof),
            ("for another token", &as_dpop, with("9", "ath", json!(ath(&unbound))), proof),
            ("for no token", &as_dpop, with("10", "ath", Value::Null), proof),
            ("of two minutes ago", &as_dpop, with("11", "iat", json!(now() - 120)), proof),
            ("none at all", &as_dpop, vec!["made.up.proof".to_owned()], proof),
            ("a plain token's", &format!("DPoP {unbound}"), with("12", "ath", json!(ath(&unbound))), own),
            ("a new one", &as_dpop, vec![holder.proof(&good("13"))], Ok(())),
        ];
        let mut passed = 0;
        for (what, authorization, proofs, expected) in rows {
            let proofs = proofs.into_iter().map(|proof| ("DPoP", proof));
            let headers = [("Authorization", authorization.clone())].into_iter().chain(proofs).collect();
            let answer = gate.get("/things/1", headers);
            let challenge = answer.header("www-authenticate").to_owned();
            match expected {
                Ok(()) => {
                    assert_eq!(answer.status, 200, "{offline:?} {what}: {challenge}");
                    let seen = calls.lock().unwrap().pop().unwrap();
                    assert!(!seen.contains("dpop:") && !seen.contains("authorization:"), "{what}: {seen}");
                    passed += 1;
                }
                Err(error) => {
                    assert_eq!(answer.status, 401, "{offline:?} {what}");
                    let said = format!(r#"DPoP realm="shop", error="{error}""#);
                    assert!(challenge.starts_with(&said) && challenge.contains("algs=\"ES256"), "{what}: {challenge}");
                }
            }
        }
        assert_eq!((passed, calls.lock().unwrap().len()), (2, 0), "nothing else reached the API");
        assert_eq!(gate.call("/things/1", &format!("Bearer {unbound}")).0, 200, "a plain token is none of it");

        // Whether a bound token still holds is always asked.
        drop(server);
        let headers = vec![("Authorization", as_dpop), ("DPoP", holder.proof(&good("14")))];
        assert_eq!(gate.get("/things/1", headers).status, 503, "{offline:?}: nobody can tell");
    }
}
