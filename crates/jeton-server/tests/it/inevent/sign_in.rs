//! `person.signIn`: addresses, passwords, the answer, and everything that can be wrong (contracts/inevent.md §1–§3, §8).

use super::assert_refused;
use crate::harness::{ADA, EVENT, EVENT_PASSWORD, Person, SECOND, Server, form};

/// §2: the sixteen members of `data[0]`, in order, with the values of Ada's sign-in; the token is left out.
const SIXTEEN: [(&str, Option<&str>); 16] = [
    ("personID", Some("4711")),
    ("firstName", Some("Ada")),
    ("lastName", Some("Example")),
    ("name", Some("Ada Example")),
    ("username", Some(ADA.username)),
    ("email", Some("ada@example.org")),
    ("image", Some("")),
    ("timezone", Some("")),
    ("telephone", Some("")),
    ("facebookID", Some("")),
    ("linkedInID", Some("")),
    ("twitterID", Some("")),
    ("date", Some("1768489200")),
    ("tokenID", None),
    ("scope", Some("system")),
    ("targetID", Some("0")),
];

#[tokio::test]
async fn both_spellings_of_the_address_work_at_the_root_and_below_api() {
    let server = Server::start().await;
    let name = form(&[("username", ADA.username)]);
    for target in [
        format!("/?action=person.signIn&{name}"),
        format!("/?{name}&action=person.signIn"),
        format!("/?action=person%2EsignIn&{name}"),
        format!("/person/signIn?{name}"),
        format!("/api?action=person.signIn&{name}"),
        format!("/api/?action=person.signIn&{name}"),
        format!("/api/person/signIn?{name}"),
        format!("/?action=person.signIn&{name}&apiVersion=2&format=json&lang=pt&timezone=&limit=1&companyID=9"),
        format!("/?action=person.signIn&{name}&eventID="),
    ] {
        let answer = server.post(&target).form(&[("password", ADA.password)]).await;
        assert_eq!(answer.status, 200, "{target}: {answer:?}");
        assert_eq!(answer.text("/data/0/scope"), "system", "{target}");
    }
}

#[tokio::test]
async fn the_answer_has_sixteen_strings_in_their_order() {
    let server = Server::start().await;
    let answer = server.inevent(ADA, ADA.password, &[]).header("Accept", "application/json").await;
    let token = answer.text("/data/0/tokenID");
    let members: Vec<String> = SIXTEEN
        .iter()
        .map(|(name, value)| {
            let value = serde_json::Value::from(value.unwrap_or(&token)).to_string();
            format!("\"{name}\":{value}")
        })
        .collect();
    assert_eq!(answer.body, format!(r#"{{"count":1,"data":[{{{}}}]}}"#, members.join(",")));
    assert_eq!((answer.status, answer.reason.as_str()), (200, "OK"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // §8: 60 URL-safe characters.
    assert!(token.len() == 60 && token.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{token}");
}

#[tokio::test]
async fn text_is_escaped_as_php_does() {
    let server = Server::start().await;
    let zoe = Person { username: "zo\u{eb}/\u{1f600}", password: "a password of hers" };
    server.seed().person("inevent", zoe, 12, &[("picture", "https://img.example.org/z.png")], &[]).await;
    let answer = server.inevent(zoe, zoe.password, &[]).await;
    assert!(answer.body.contains(r#""username":"zo\u00eb\/\ud83d\ude00""#), "{}", answer.body);
    assert!(answer.body.contains(r#""image":"https:\/\/img.example.org\/z.png""#), "{}", answer.body);
}

#[tokio::test]
async fn a_password_opens_the_realm_or_one_event() {
    let server = Server::start().await;
    server.seed().target("inevent", 7, "Nobody is there").await;
    let wrong = Err("invalid username or password");
    let rows = [
        ("the realm's password", ADA.password, None, Ok(("system", "0"))),
        ("the event's password for the event", EVENT_PASSWORD, Some(EVENT), Ok(("event", EVENT))),
        ("the realm's password for the event: the same-password rule", ADA.password, Some(EVENT), Ok(("system", "0"))),
        ("the event's password without an event", EVENT_PASSWORD, None, wrong),
        ("another password", "guess", None, wrong),
        ("another password for the event", "guess", Some(EVENT), wrong),
        ("an event that is not there", EVENT_PASSWORD, Some("99"), wrong),
        ("an event that Ada is not in", EVENT_PASSWORD, Some("7"), wrong),
    ];
    for (what, password, event, expected) in rows {
        let more: Vec<(&str, &str)> = event.into_iter().map(|event| ("eventID", event)).collect();
        let answer = server.inevent(ADA, password, &more).await;
        match expected {
            Ok((scope, target)) => {
                assert_eq!(answer.status, 200, "{what}: {answer:?}");
                assert_eq!(
                    (answer.text("/data/0/scope"), answer.text("/data/0/targetID")),
                    (scope.into(), target.into()),
                    "{what}"
                );
            }
            Err(message) => assert_refused(&answer, 401, message, what),
        }
    }
}

#[tokio::test]
async fn equal_passwords_give_the_realms_token_even_when_both_were_set() {
    let server = Server::start().await;
    server.seed().set_password("inevent", ADA.username, Some(2026), ADA.password).await;
    let answer = server.inevent(ADA, ADA.password, &[("eventID", EVENT)]).await;
    assert_eq!((answer.text("/data/0/scope"), answer.text("/data/0/targetID")), ("system".into(), "0".into()));
}

#[tokio::test]
async fn what_is_wrong_with_a_request_stands_in_the_reason_phrase() {
    let server = Server::start().await;
    let form_type = "application/x-www-form-urlencoded";
    let rows = [
        ("POST", "/?action=person.signIn", form_type, "password=p", 400, "username cannot be empty"),
        ("POST", "/?action=person.signIn&username=", form_type, "password=p", 400, "username cannot be empty"),
        ("POST", "/?action=person.signIn&username=a", form_type, "", 400, "password cannot be empty"),
        ("POST", "/?action=person.signIn&username=a", form_type, "password=", 400, "password cannot be empty"),
        ("POST", "/?action=person.signIn&username=a", "", "", 400, "password cannot be empty"),
        ("POST", "/?action=person.signIn&username=a&eventID=12x", form_type, "password=p", 400, "eventID is invalid"),
        ("POST", "/?action=person.signIn&username=a&eventID=%2B1", form_type, "password=p", 400, "eventID is invalid"),
        ("POST", "/?action=person.signIn&username=a&eventID=1.0", form_type, "password=p", 400, "eventID is invalid"),
        (
            "POST",
            "/?action=person.signIn&username=a&eventID=9999999999999999999",
            form_type,
            "password=p",
            400,
            "eventID is invalid",
        ),
        (
            "POST",
            "/?action=person.signIn&username=a&password=p",
            form_type,
            "password=p",
            400,
            "password must be sent in the body",
        ),
        (
            "POST",
            "/?action=person.signIn&username=a&password=p",
            form_type,
            "",
            400,
            "password must be sent in the body",
        ),
        (
            "POST",
            "/?action=person.signIn&username=a&username=b",
            form_type,
            "password=p",
            400,
            "username must be given once",
        ),
        (
            "POST",
            "/?action=person.signIn&username=a",
            form_type,
            "password=p&password=q",
            400,
            "password must be given once",
        ),
        ("POST", "/?action=person.signIn&username=%ff", form_type, "password=p", 400, "username is invalid"),
        ("POST", "/?action=person.signIn&username=a", form_type, "password=%ff", 400, "password is invalid"),
        (
            "POST",
            "/?action=person.signIn&username=a",
            "application/json",
            r#"{"password":"p"}"#,
            415,
            "content type is not supported",
        ),
        ("POST", "/?action=person.signIn&username=a", "text/plain", "password=p", 415, "content type is not supported"),
        ("POST", "/?username=a", form_type, "password=p", 400, "action cannot be empty"),
        ("POST", "/?action=&username=a", form_type, "password=p", 400, "action cannot be empty"),
        ("POST", "/?action=signIn&username=a", form_type, "password=p", 400, "action is invalid"),
        ("POST", "/?action=person.fly&username=a", form_type, "password=p", 404, "action is not implemented"),
        ("POST", "/?action=person.changePassword", form_type, "newPassword=p", 404, "action is not implemented"),
        ("PUT", "/?action=person.signIn&username=a", form_type, "password=p", 405, "method not allowed"),
        ("DELETE", "/person/signIn?username=a", "", "", 405, "method not allowed"),
        ("GET", "/?action=person.signIn&username=a", "", "", 405, "method not allowed"),
        ("GET", "/person/signIn?username=a", "", "", 405, "method not allowed"),
    ];
    for (method, target, content_type, body, status, message) in rows {
        let call = server.call(method, target);
        let answer = match content_type {
            "" => call.await,
            _ => call.body(content_type, body).await,
        };
        assert_refused(&answer, status, message, &format!("{method} {target} {body}"));
        let allow = match (status, method) {
            (405, "GET") => Some("POST"),
            (405, _) => Some("GET, POST"),
            _ => None,
        };
        assert_eq!(answer.header("allow"), allow, "{method} {target}");
    }
    // Not an action of the file: the rest of the address space is nobody's.
    let answer = server.get("/person/fly").await;
    assert_eq!((answer.status, answer.header("x-inevent-error"), answer.body.as_str()), (404, None, ""));
}

#[tokio::test]
async fn a_form_as_multipart_is_read() {
    let server = Server::start().await;
    let body = format!(
        "--b0\r\nContent-Disposition: form-data; name=\"password\"\r\n\r\n{}\r\n--b0\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nx\r\n--b0--\r\n",
        ADA.password
    );
    let target = format!("/person/signIn?{}", form(&[("username", ADA.username)]));
    let answer = server.post(&target).body("multipart/form-data; boundary=b0", body).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    for broken in ["multipart/form-data", "multipart/form-data; boundary=other"] {
        let answer = server.post(&target).body(broken, "--b0\r\n\r\n").await;
        assert_eq!(answer.status, 400, "{broken}: {answer:?}");
    }
}

#[tokio::test]
async fn unknown_wrong_and_disabled_cannot_be_told_apart() {
    let server = Server::start().await;
    let wrong = server.inevent(ADA, "guess", &[]).await.without_date();
    let nobody = Person { username: "nobody", password: "guess" };
    let unknown = server.inevent(nobody, nobody.password, &[]).await.without_date();
    server.seed().enable_principal("inevent", ADA.username, false).await;
    let disabled = server.inevent(ADA, ADA.password, &[]).await.without_date();
    assert_refused(&wrong, 401, "invalid username or password", "wrong");
    assert_eq!((&unknown, &disabled), (&wrong, &wrong));
}

#[tokio::test]
async fn too_many_failures_close_the_account_for_ten_minutes() {
    let server = Server::start().await;
    for _ in 0..10 {
        assert_refused(&server.inevent(ADA, "guess", &[]).await, 401, "invalid username or password", "guess");
    }
    let closed = server.inevent(ADA, ADA.password, &[]).await;
    assert_refused(&closed, 403, "too many attempts", "closed");
    assert_eq!(closed.header("retry-after"), Some("600"));
    server.clock.advance(600 * SECOND);
    assert_eq!(server.inevent(ADA, ADA.password, &[]).await.status, 200);
}
