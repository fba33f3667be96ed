//! The draft of `[token]`, from a sample token.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jeton_core::dialect::GrantName;
use jeton_core::domain::policy::Alg;
use serde_json::{Map, Value};

use super::answer::{self, Told, is_jwt};
use super::names::{placeholder, plain};
use super::time::span;

/// The table `[token]`. `renewed`: a session has several tokens in turn, so each needs an id.
pub(super) fn table(told: &Told, grant: GrantName, renewed: bool) -> String {
    let sample = told.access_token.as_deref().unwrap_or_default();
    let parts = if is_jwt(sample) { jwt(sample) } else { None };
    let mut lines = vec!["[token]".to_owned()];
    let lives = parts.as_ref().and_then(|Sample { claims, .. }| {
        Some(claims.get("exp")?.as_u64()?.saturating_sub(claims.get("iat")?.as_u64()?))
    });
    let lifetime = match told.lifetime.or(lives.filter(|seconds| *seconds >= 60)) {
        Some(seconds) => format!("lifetime = \"{}\"", span(seconds)),
        None => "lifetime = \"1h\"                          # guessed: the sample does not tell".to_owned(),
    };
    match parts {
        Some(sample) => jwt_lines(&mut lines, &lifetime, &sample, grant, renewed),
        None if plain(&told.token_name).contains("jwt") || plain(&told.token_name) == "idtoken" => {
            jwt_lines(&mut lines, &lifetime, &Sample::default(), grant, renewed);
        }
        None => {
            let known = is_base62(sample) && placeholder(sample).is_none();
            lines.push(
                "format   = \"opaque\"                      # guessed: by the sample; \"jwt\" needs alg and claims"
                    .to_owned(),
            );
            if known && (43..=255).contains(&sample.len()) {
                lines.push(format!("text     = \"{{{{random:{}}}}}\"", sample.len()));
            }
            lines.push(lifetime);
        }
    }
    if let Some(word) = &told.scope {
        lines.push(format!("scope    = {{ realm = {} }}", Value::from(word.as_str())));
    }
    lines.join("\n")
}

fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// A sample token.
#[derive(Default)]
struct Sample {
    header: Map<String, Value>,
    claims: Map<String, Value>,
    /// Whether its slashes are escaped, as PHP does it.
    slashes: bool,
}

/// Header and claims of a sample token; nothing if they cannot be read, for pages shorten their samples.
fn jwt(token: &str) -> Option<Sample> {
    let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok());
    let header = String::from_utf8(parts.next()??).ok()?;
    let claims = String::from_utf8(parts.next()??).ok()?;
    let slashes = claims.contains("\\/");
    Some(Sample { header: serde_json::from_str(&header).ok()?, claims: serde_json::from_str(&claims).ok()?, slashes })
}

fn jwt_lines(lines: &mut Vec<String>, lifetime: &str, sample: &Sample, grant: GrantName, renewed: bool) {
    let fields = &sample.header;
    let alg = fields.get("alg").and_then(Value::as_str).unwrap_or("ES256");
    lines.push("format   = \"jwt\"".to_owned());
    lines.push(match Alg::named(alg) {
        Some(known) => format!("alg      = \"{}\"", known.name()),
        None => format!("alg      = \"ES256\"                       # guessed: the sample's {alg} is not offered"),
    });
    lines.push(lifetime.to_owned());
    let ordered = || {
        fields.keys().map(|name| match name.as_str() {
            "kid" => "\"kid\":\"{{key.id}}\"".to_owned(),
            name => format!("{}:{}", Value::from(name), fields[name]),
        })
    };
    let usual = ["alg", "typ", "kid"].iter().eq(fields.keys());
    if fields.contains_key("kid") && !usual && Alg::named(alg).is_some() {
        lines.push(format!("header   = '''{{{}}}'''", ordered().collect::<Vec<_>>().join(",")));
    }
    if sample.slashes {
        lines.push("json     = \"php\"".to_owned());
    }
    lines.push(format!("claims   = '''{{{}}}'''", members(&sample.claims, grant, renewed).join(",")));
}

/// The claims with holes: those of the sample in its order, then those that every token needs.
fn members(claims: &Map<String, Value>, grant: GrantName, renewed: bool) -> Vec<String> {
    let mut members: Vec<(String, String)> = Vec::new();
    for (name, value) in claims {
        members.push((name.clone(), claim(name, value, claims, grant)));
    }
    let id = renewed.then_some(("jti", "\"{{token.id}}\""));
    let needed = [
        ("iss", "\"{{issuer}}\""),
        ("sub", &subject(None, grant)),
        ("iat", "{{issued_at|epoch}}"),
        ("exp", "{{expires_at|epoch}}"),
    ];
    for (name, text) in needed.into_iter().chain(id) {
        if members.iter().all(|(known, _)| known != name) {
            members.push((name.to_owned(), text.to_owned()));
        }
    }
    members.into_iter().map(|(name, text)| format!("{}:{text}", Value::from(name))).collect()
}

fn claim(name: &str, value: &Value, claims: &Map<String, Value>, grant: GrantName) -> String {
    let of_person = grant == GrantName::Password;
    let contained = |text: &str| claims.get("iss").and_then(Value::as_str).is_some_and(|issuer| issuer.contains(text));
    match (name, value) {
        ("iss", _) => "\"{{issuer}}\"".to_owned(),
        ("sub", _) => subject(value.as_str(), grant),
        ("iat" | "nbf", _) => "{{issued_at|epoch}}".to_owned(),
        ("exp", _) => "{{expires_at|epoch}}".to_owned(),
        ("auth_time", Value::Number(_)) => "{{session.started|epoch}}".to_owned(),
        ("jti", Value::String(_)) => "\"{{token.id}}\"".to_owned(),
        ("aud", Value::String(audience)) if contained(audience) => "\"{{realm}}\"".to_owned(),
        ("scope" | "scp", Value::String(_)) => "\"{{scope=}}\"".to_owned(),
        ("azp" | "client_id" | "cid", Value::String(_)) if grant == GrantName::ClientCredentials => {
            "\"{{client_id}}\"".to_owned()
        }
        (_, Value::Bool(_)) if of_person => {
            answer::claim(name, value).map_or_else(|| value.to_string(), |hole| format!("{{{{{hole}}}}}"))
        }
        (_, Value::String(_)) if of_person => match answer::claim(name, value) {
            // A claim without a value is left out.
            Some(hole) => {
                format!("\"{{{{{}}}}}\"", hole.strip_suffix('=').map_or(hole.clone(), |noun| format!("{noun}?")))
            }
            None => value.to_string().replace("{{", "{\\u007b"),
        },
        _ => value.to_string().replace("{{", "{\\u007b"),
    }
}

/// Whom the token speaks for; what stands before the last mark of a person's `auth0|1223` is the API's own.
fn subject(sample: Option<&str>, grant: GrantName) -> String {
    let hole = match grant {
        GrantName::ApiKey => return "\"{{key_id}}\"".to_owned(),
        GrantName::ClientCredentials => return "\"{{client_id}}\"".to_owned(),
        _ => |id: &str| if id.parse::<i64>().is_ok() { "{{person.number}}" } else { "{{person.id}}" },
    };
    match sample.and_then(|sample| sample.rsplit_once('|')) {
        Some((before, id)) => format!("\"{before}|{}\"", hole(id)),
        None => format!("\"{}\"", hole(sample.unwrap_or_default())),
    }
}
