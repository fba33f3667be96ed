//! `jeton client trust`: whose assertions stand for a client's secret, and why one does not.

use serde_json::{Value, json};

use crate::harness::{FORM, Place, Request, post, text, write};
use crate::signer::{Signer, now};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const LIST: [&str; 5] = ["client", "trust", "list", "shop", "job"];

/// A realm and a client that may show assertions.
fn shop() -> Place {
    let place = Place::new();
    place.run(&["realm", "add", "shop", "--grant", "client_credentials", "--grant", GRANT], "");
    place.run(&["client", "add", "shop", "job", "--auth", "none", "--grant", GRANT], "");
    place
}

fn add<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["client", "trust", "add", "shop", "job"], more].concat()
}

/// A file with the public keys of an issuer.
fn jwks(place: &Place, signer: &Signer) -> String {
    write(&place.path("jwks.json"), &json!({ "keys": [signer.jwk()] }).to_string())
}

#[test]
fn trusts_are_added_listed_and_removed_by_their_number() {
    let place = shop();
    assert_eq!(place.json(&LIST), json!([]));
    let file = jwks(&place, &Signer::new());
    let (keys, pods, other) = ("https://keys.example/jwks", "https://pods.example", "https://other.example");
    let rows: [(&[&str], Value); 4] = [
        (
            &["--github", "org/repo", "--environment", "prod", "--ref", "refs/heads/main"],
            json!({
                "number": 1,
                "issuer": "https://token.actions.githubusercontent.com",
                "conditions": ["environment=prod", "ref=refs/heads/main", "repository=org/repo"],
                "audience": null,
                "keys": "by its metadata",
                "longest_secs": 3600,
                "reusable": false,
            }),
        ),
        (
            &["--gitlab", "group/project", "--audience", "https://shop.example", "--longest", "5m"],
            json!({
                "number": 2,
                "issuer": "https://gitlab.com",
                "conditions": ["project_path=group/project"],
                "audience": "https://shop.example",
                "keys": "by its metadata",
                "longest_secs": 300,
                "reusable": false,
            }),
        ),
        (
            &["--kubernetes", "prod/job", "--issuer", pods, "--jwks-file", &file],
            json!({
                "number": 3,
                "issuer": pods,
                "conditions": ["sub=system:serviceaccount:prod:job"],
                "audience": null,
                "keys": "1 given",
                "longest_secs": 3600,
                "reusable": true,
            }),
        ),
        (
            &["--issuer", other, "--claim", "sub=job:*", "--claim", "env=prod", "--jwks-uri", keys, "--reusable"],
            json!({
                "number": 4,
                "issuer": other,
                "conditions": ["env=prod", "sub=job:*"],
                "audience": null,
                "keys": keys,
                "longest_secs": 3600,
                "reusable": true,
            }),
        ),
    ];
    for (options, expected) in &rows {
        let listed = place.json(&add(options));
        assert_eq!(listed.as_array().unwrap().last(), Some(expected), "{options:?}");
    }
    let listed = place.json(&LIST);
    assert_eq!(listed, Value::from(rows.map(|(_, expected)| expected).to_vec()));

    for number in ["0", "5"] {
        let said = place.fail(&["client", "trust", "remove", "shop", "job", number], "");
        assert!(said.contains("jeton client trust list shop job"), "{said}");
    }
    place.run(&["client", "trust", "remove", "shop", "job", "2"], "");
    let left: Vec<String> = place.json(&LIST).as_array().unwrap().iter().map(|row| text(row, "/issuer")).collect();
    assert_eq!(left, ["https://token.actions.githubusercontent.com", pods, other]);
}

#[test]
fn what_would_let_everybody_in_or_nobody_is_refused() {
    let place = shop();
    let issuer = ["--issuer", "https://i.example"];
    let private = write(&place.path("private.json"), r#"{"kty":"OKP","crv":"Ed25519","x":"AA","d":"AA"}"#);
    let nothing = place.path("nothing").to_str().unwrap().to_owned();
    let rows: [(&[&str], &str); 12] = [
        (&[], "name the issuer with --issuer, --github or --gitlab"),
        (&issuer, "give a condition such as --claim sub="),
        (&[&issuer[..], &["--claim", "sub=*"]].concat(), "write what it must be or begin with"),
        (&[&issuer[..], &["--claim", "sub=a*b"]].concat(), "a * can stand once, at the end"),
        (&[&issuer[..], &["--claim", "aud=x"]].concat(), "`aud` is checked by itself"),
        (&[&issuer[..], &["--claim", "sub"]].concat(), "write a name and a value"),
        (&["--issuer", "http://i.example", "--claim", "sub=x"], "give an https:// URL"),
        (&[&issuer[..], &["--claim", "sub=x", "--jwks-uri", "http://i.example/k"]].concat(), "give an https:// URL"),
        (&[&issuer[..], &["--claim", "sub=x", "--jwks-file", &private]].concat(), "holds no public key"),
        (&[&issuer[..], &["--claim", "sub=x", "--jwks-file", &nothing]].concat(), "cannot be read"),
        (&["--kubernetes", "job", "--issuer", "https://i.example"], "--kubernetes wants NAMESPACE/ACCOUNT"),
        (&["--github", "o/r", "--gitlab", "g/p"], "cannot be used with"),
    ];
    for (options, expected) in rows {
        let said = place.fail(&add(options), "");
        assert!(said.contains(expected), "{options:?} said: {said}");
    }
    assert_eq!(place.json(&LIST), json!([]));
    // Trusted, and still of no use: the client is told what it lacks.
    place.run(&["client", "add", "shop", "other"], "");
    let options = ["client", "trust", "add", "shop", "other", "--github", "org/repo"];
    let said = String::from_utf8(place.output(&options, "").stderr).unwrap();
    assert!(said.contains(&format!("jeton client set shop other --grant {GRANT}")), "{said}");
}

/// What the command says of an assertion is what the running server does with it.
#[test]
fn explain_says_what_the_server_does() {
    let place = shop();
    let (signer, stranger) = (Signer::new(), Signer::new());
    let file = jwks(&place, &signer);
    let issuer = "https://ci.example";
    place.run(&add(&["--issuer", issuer, "--claim", "sub=repo:org/*", "--jwks-file", &file]), "");
    let server = place.serve();
    let metadata = "/realms/shop/.well-known/openid-configuration".to_owned();
    let metadata = Request { method: "GET", target: metadata, headers: Vec::new(), body: String::new() };
    let audience = text(&server.request(&metadata).json(), "/issuer");

    let good =
        |jti: &str| json!({ "iss": issuer, "sub": "repo:org/a", "aud": audience, "exp": now() + 600, "jti": jti });
    let with = |jti: &str, name: &str, value: Value| {
        let mut claims = good(jti);
        claims[name] = value;
        signer.assertion(&claims)
    };
    let rows = [
        (signer.assertion(&good("1")), Ok("accepted")),
        (stranger.assertion(&good("2")), Err("is none of the issuer's")),
        (
            with("3", "iss", json!("https://other.example")),
            Err("`https://other.example` is none that the client trusts"),
        ),
        (with("4", "sub", json!("repo:other/a")), Err("its claim `sub` is `repo:other/a`, not `repo:org/*`")),
        (with("5", "aud", json!("https://else.example")), Err("its audience is `https://else.example`, not")),
        (with("6", "exp", json!(now() - 1)), Err("it expired at")),
        (with("7", "exp", json!(now() + 7200)), Err("further off than 3600 s")),
        (with("8", "nbf", json!(now() + 300)), Err("it is not good before")),
        ("made-up".to_owned(), Err("it is no signed JWT")),
    ];
    let explain = ["client", "trust", "explain", "shop", "job", "--json", "--file"];
    for (assertion, expected) in rows {
        let file = write(&place.path("assertion"), &format!("{assertion}\n"));
        let by_file = place.output(&[&explain[..], &[&file]].concat(), "");
        let piped = place.output(&[&explain[..], &["-"]].concat(), &assertion);
        assert_eq!((&by_file.status, &by_file.stdout), (&piped.status, &piped.stdout), "{expected:?}");
        let rows: Value = serde_json::from_slice(&by_file.stdout).unwrap();
        let verdict = text(&rows, "/0/verdict");
        assert!(verdict.contains(expected.unwrap_or_else(|why| why)), "{expected:?}: {verdict}");
        assert_eq!(by_file.status.success(), expected.is_ok(), "{by_file:?}");

        let form = format!("client_id=job&grant_type={GRANT}&assertion={assertion}");
        let answer = server.request(&post("/realms/shop/protocol/openid-connect/token", FORM, &form));
        assert_eq!(answer.status == 200, expected.is_ok(), "{expected:?}: {}", answer.body);
    }

    // It was only looked at: the server is shown it for the first time.
    let assertion = signer.assertion(&good("9"));
    place.run(&["client", "trust", "explain", "shop", "job", "--file", "-"], &assertion);
    place.run(&["realm", "set", "shop", "--grant", "client_credentials"], "");
    let said = place.fail(&["client", "trust", "explain", "shop", "job", "--file", "-"], &assertion);
    assert!(said.contains(&format!("must both have the grant {GRANT}")), "{said}");
}
