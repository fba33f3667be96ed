//! What may be pasted, and what is said of what cannot be used.

use super::{from_curl, load};

/// A page with a head, to put one request into.
fn drafted(curl: &str) -> String {
    let draft = from_curl(curl, &["--name", "meadow"]).unwrap_or_else(|error| panic!("{curl}: {error}"));
    load("meadow", &draft);
    draft
}

#[test]
fn every_way_to_write_a_curl_line() {
    let url = "https://api.meadow.example/login";
    let json = "\nContent-Type: application/json\n\n{\"email\":\"{{username}}\",\"password\":\"{{password}}\"}'''";
    let form = "\nContent-Type: application/x-www-form-urlencoded\n\nuser={{username}}&pass={{password}}'''";
    let rows: [(&str, String, &str); 18] = [
        ("--json", format!("curl {url} --json '{{\"email\":\"a\",\"password\":\"b\"}}'"), json),
        (
            "double quotes",
            format!(
                "curl {url} -H \"Content-Type: application/json\" -d \"{{\\\"email\\\":\\\"a\\\",\\\"password\\\":\\\"b\\\"}}\""
            ),
            json,
        ),
        (
            "attached values",
            format!("curl -sSXPOST {url} -HContent-Type:application/json -d'{{\"email\":\"a\",\"password\":\"b\"}}'"),
            json,
        ),
        ("no type", format!("curl {url} --data-raw '{{\"email\":\"a\",\"password\":\"b\"}}'"), json),
        (
            "placeholders without quotes",
            format!("curl --json '{{\"email\": <EMAIL>, \"password\": $PASSWORD,}}' {url}"),
            json,
        ),
        (
            "spaces behind a backslash",
            format!(
                "curl \\ \n  -H 'Content-Type: application/json' \\  \n  --data-binary '{{\"email\":\"a\",\n\"password\":\"b\"}}' \\\n {url}"
            ),
            json,
        ),
        (
            "no backslash at all",
            format!("curl {url}\n-H 'Content-Type: application/json'\n-d '{{\"email\":\"a\",\"password\":\"b\"}}'"),
            json,
        ),
        (
            "a pipe behind it",
            format!("curl {url} --json '{{\"email\":\"a\",\"password\":\"b\"}}' | jq -r .token"),
            json,
        ),
        ("several -d", format!("curl {url} -d user=a -d pass=b"), form),
        ("--data-urlencode", format!("curl --url {url} --data-urlencode 'user=a b' --data-urlencode pass=b"), form),
        ("a prompt", format!("$ curl -k -L {url} -d 'user=$USER&pass=${{PASS}}'"), form),
        (
            "--form",
            format!("curl {url} -F user=a -F 'pass=b;type=text/plain'"),
            "\nContent-Type: application/x-www-form-urlencoded\nContent-Type: multipart/form-data\n\nuser={{username}}&pass={{password}}'''",
        ),
        ("-G", format!("curl -G {url} -d user=a -d pass=b"), "GET /login?user={{username}}&pass={{password}}'''"),
        (
            "-u",
            format!("curl -X POST {url} -u \"$USER:$PASSWORD\""),
            "POST /login\nAuthorization: Basic {{basic|base64}}'''",
        ),
        (
            "a body of XML",
            format!(
                "curl {url} -H 'Content-Type: text/xml' -d '<login xmlns=\"urn:m\" user=\"a\"><password>b</password></login>'"
            ),
            "<login xmlns=\"urn:m\" user=\"{{username}}\"><password>{{password}}</password></login>'''",
        ),
        (
            "brackets in names",
            format!("curl {url} -d 'session[email]=a&session[password]=b'"),
            "session%5Bemail%5D={{username}}&session%5Bpassword%5D={{password}}'''",
        ),
        ("a host that is a variable", "curl $HOST/v1/login -d user=a -d pass=b".to_owned(), "POST /v1/login\n"),
        (
            "a segment that is the caller's",
            "curl https://m.example/:org/login -d user=a -d pass=b".to_owned(),
            "POST /{{org}}/login\n",
        ),
    ];
    for (what, curl, expected) in rows {
        let draft = drafted(&curl);
        assert!(draft.contains(expected), "{what}: no {expected} in\n{draft}");
    }
}

#[test]
fn every_way_to_answer() {
    let rows = [
        (
            "{\"jwt\":\"a.b.c\",\"expires\":1768493100}",
            "{\"jwt\":\"{{access_token}}\",\"expires\":{{expires_at|epoch}}}",
        ),
        ("{\"token\":\"x\",\"expires\":1768493100123}", "\"expires\":{{expires_at|epoch_ms}}"),
        ("{\"token\":\"x\",\"expiresAt\":\"2026-01-15T15:00:00.000Z\"}", "\"expiresAt\":\"{{expires_at|rfc3339}}\""),
        ("{\"token\":\"x\",\"expires\":\"2026-01-15 15:00:00\"}", "\"expires\":\"{{expires_at|datetime}}\""),
        ("{\"token\":\"x\",\"expires\":\"Thu, 15 Jan 2026 15:00:00 GMT\"}", "\"expires\":\"{{expires_at|http_date}}\""),
        ("{\"token\":\"x\",\"validity\":\"PT1H30M\"}", "lifetime = \"90m\""),
        ("{\"token\":\"x\",\"ttl\":3600000}", "\"ttl\":{{expires_in|ms}}"),
        ("{\"token\":\"x\",\"ttl\":604800}", "lifetime = \"7d\""),
        ("{\"token\":\"x\",\"expires_in_minutes\":90}", "{{expires_in|minutes}}"),
        ("{\"result\":{\"value\":\"q8Zr1bT6yK0vXn3LmW5cPd7F\"}}", "{\"result\":{\"value\":\"{{access_token}}\"}}"),
        ("\"q8Zr1bT6yK0vXn3LmW5cPd7F\"", "\n\n\"{{access_token}}\"'''"),
        ("q8Zr1bT6yK0vXn3LmW5cPd7F", "Content-Type: text/plain\n\n{{access_token}}'''"),
        ("<session id=\"7\"><token>abc</token></session>", "<token>{{access_token}}</token>"),
        ("HTTP/1.1 201 Created\nX-Auth-Token: abc\n\n", "201\nX-Auth-Token: {{access_token}}'''"),
        (
            "HTTP/2 200\nset-cookie: session=abc; Path=/; HttpOnly\n\n{}",
            "Set-Cookie: session={{access_token}}; Path=/; HttpOnly",
        ),
        (
            "{\"token\":\"x\",\"device\":{\"kind\":\"tv\",\"label\":\"Den\"}}",
            "\"device\":{\"kind\":\"tv\",\"label\":\"{{_=Den}}\"}",
        ),
    ];
    for (answer, expected) in rows {
        let draft = drafted(&format!("curl https://m.example/login -d user=a -d pass=b\n\n{answer}\n"));
        assert!(draft.contains(expected), "{answer}: no {expected} in\n{draft}");
    }
}

#[test]
fn errors_of_the_page_become_the_frame() {
    let page = "curl https://m.example/login -d user=a -d pass=b\n\n{\"token\":\"x\"}\n\nHTTP/1.1 401 Unauthorized\n\n{\"errors\":[{\"code\":\"E7\",\"message\":\"Who are you?\"}]}\n";
    let draft = drafted(page);
    assert!(draft.contains("{\"errors\":[{\"code\":\"{{code}}\",\"message\":\"{{text}}\"}]}"), "{draft}");
    assert!(draft.contains("wrong_credentials = { status = 401, code = \"E7\", text = \"Who are you?\" }"), "{draft}");
}

#[test]
fn what_cannot_be_used_is_said() {
    let rows = [
        ("", "there is no curl command"),
        ("curl https://m.example/login -d @body.json", "reads a file"),
        ("curl https://m.example/login --hsts x -d user=a", "`--hsts` is not known here"),
        ("curl -d user=a", "has no address"),
        ("curl https://m.example/login -d", "has no value behind it"),
        ("curl https://m.example/login -d 'user=a", "a quote that is never closed"),
        ("curl https://m.example/login --json '{\"user\" 1}'", "is not JSON"),
        ("curl https://m.example/news", "no credential that is known by its name"),
    ];
    for (input, expected) in rows {
        let error = from_curl(input, &[]).unwrap_err();
        assert!(error.contains(expected), "{input}: {error}");
    }
}
