//! The JSON of tokens, in the order and with the escapes that each API documents.

use jeton_core::dialect::{Dialect, Value, Values, WriteError};
use jeton_core::domain::policy::{Alg, Format, Limited, Refresh, TokenText};
use jeton_core::time::Timestamp;

use super::goldens::built_in;

fn named(name: &str) -> &'static Dialect {
    built_in().iter().find(|dialect| dialect.name == name).unwrap()
}

fn at(secs: i64) -> Value {
    Value::Time(Timestamp::from_micros(secs * 1_000_000 + 999_999))
}

#[test]
fn claims_of_a_person() {
    let dialect = named("pitchpoint");
    let values = Values::new()
        .with("realm", "tenant-1")
        .with("person.number", 1223)
        .with("person.email_verified", true)
        .with("person.email", "ada@example.org")
        .with("session.started", at(1_700_000_000))
        .with("issued_at", at(1_700_003_600))
        .with("expires_at", at(1_700_007_200))
        .with("issuer", "https://id.example.org/realms/tenant-1")
        .with("key.id", "12345");
    let (header, claims) = dialect.jwt(&values, &Values::new()).unwrap();
    assert_eq!(header, r#"{"kid":"12345","typ":"JWT","alg":"RS256"}"#);
    let until_email = r#"{"aud":"tenant-1","sub":"xpps|1223","email_verified":true,"user_id":"1223","auth_time":1700000000,"iss":"https:\/\/id.example.org\/realms\/tenant-1","exp":1700007200,"iat":1700003600"#;
    assert_eq!(claims, format!(r#"{until_email},"email":"ada@example.org"}}"#));
    let (_, acting) = dialect.jwt(&values.clone().with("actor.number", 9), &Values::new()).unwrap();
    assert_eq!(acting, format!(r#"{until_email},"email":"ada@example.org","act":{{"sub":"xpps|9"}}}}"#));
    let mut nobody = values;
    nobody.remove("person.email");
    assert_eq!(dialect.jwt(&nobody, &Values::new()).unwrap().1, format!("{until_email}}}"));
    nobody.remove("issuer");
    assert_eq!(dialect.jwt(&nobody, &Values::new()), Err(WriteError::Missing("issuer".to_owned())));
}

#[test]
fn claims_of_an_api_key() {
    let values = Values::new()
        .with("key_id", "b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6")
        .with("token.id", "j1")
        .with("issued_at", at(100))
        .with("expires_at", at(3700))
        .with("issuer", "https://id.example.org/é")
        .with("key.id", "k1");
    let (header, claims) = named("zro").jwt(&values, &Values::new()).unwrap();
    assert_eq!(header, r#"{"alg":"EdDSA","typ":"JWT","kid":"k1"}"#);
    assert_eq!(
        claims,
        r#"{"iss":"https://id.example.org/é","sub":"b6bf15b4-e00f-4d03-8e2b-7ed8829c8ff6","jti":"j1","iat":100,"exp":3700}"#
    );
    let (header, _) = named("zro").jwt(&values.with("alg", "ES256"), &Values::new()).unwrap();
    assert_eq!(header, r#"{"alg":"ES256","typ":"JWT","kid":"k1"}"#);
    assert!(named("inevent").jwt(&Values::new(), &Values::new()).is_err());
}

#[test]
fn policies() {
    const DAY: u64 = 86_400;
    let policy = &named("inevent").policy;
    assert_eq!(policy.format, Format::Opaque(TokenText::Random { prefix: String::new(), length: 60 }));
    assert_eq!((policy.lifetime.as_secs(), policy.idle.unwrap().as_secs()), (180 * DAY, 30 * DAY));
    assert_eq!((policy.realm_scope.as_str(), policy.target_scope.as_str()), ("system", "event"));
    let target = policy.target.as_ref().unwrap();
    assert!(target.same_secret_is_realm);
    let levels: Vec<_> = target.levels.iter().map(|(name, number)| (name.as_str(), *number)).collect();
    assert_eq!(levels, [("User", 1), ("Admin", 4), ("Staff", 64), ("Presenter", 128), ("Data Collector", 256)]);
    assert_eq!((target.level_inside("Admin"), target.level_inside("Staff")), ("User", "Staff"));

    let policy = &named("pitchpoint").policy;
    assert_eq!((&policy.format, policy.lifetime.as_secs()), (&Format::Jwt(Alg::RS256), 3600));
    match &policy.refresh {
        Refresh::Keep { end } => {
            assert_eq!((end.after.as_secs(), end.midnight_in.as_deref()), (DAY, Some("America/New_York")))
        }
        other => panic!("{other:?}"),
    }

    let policy = &named("zro").policy;
    match &policy.refresh {
        Refresh::Renew { within, ends_old } => assert_eq!((within.as_secs(), *ends_old), (7 * DAY, true)),
        other => panic!("{other:?}"),
    }
    let limits: Vec<_> = policy.limits.iter().map(|limit| (limit.what, limit.count, limit.per.as_secs())).collect();
    assert_eq!(limits, [(Limited::Renew, 1, 60), (Limited::All, 400, 60)]);
    assert_eq!(policy.nonce_once_within.unwrap().as_secs(), 7200);
    assert_eq!(named("ion").environments.len(), 8);
}

#[test]
fn settings_are_checked() {
    let (pitchpoint, zro) = (named("pitchpoint"), named("zro"));
    for (dialect, name, value, good) in [
        (pitchpoint, "shape", Value::from("three"), true),
        (pitchpoint, "shape", Value::from("four"), false),
        (pitchpoint, "shpe", Value::from("three"), false),
        (zro, "require_nonce", Value::from(true), true),
        (zro, "require_nonce", Value::from("yes"), false),
        (zro, "nonce", Value::from("x"), false),
    ] {
        let settings = Values::new().with(name, value);
        assert_eq!(dialect.check_settings(&settings).is_ok(), good, "{name}: {settings:?}");
    }
}
