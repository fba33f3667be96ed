//! A call as a program of four languages. Each runs as it stands, and ends with a failure when the answer is an error.

use serde_json::Value;

use super::call::{Body, Call, Prints};

/// Stands where a program makes a new UUID for each request.
pub(super) const NEW_UUID: &str = "NEW-UUID";

/// The languages: what a reader calls them, what a Markdown fence calls them, and how each is written.
pub(super) const LANGUAGES: [(&str, &str, fn(&Call) -> String); 4] =
    [("curl", "sh", curl), ("Python", "python", python), ("JavaScript", "js", javascript), ("PHP", "php", php)];

fn curl(call: &Call) -> String {
    let get = call.method == "GET";
    let mut parts = vec![if get {
        "curl --fail-with-body".to_owned()
    } else {
        format!("curl --fail-with-body --request {}", call.method)
    }];
    parts.push(shell(&call.address()));
    parts.extend(call.headers.iter().map(|(name, value)| format!("--header {}", shell(&format!("{name}: {value}")))));
    parts.extend(call.basic.iter().map(|(user, password)| format!("--user {}", shell(&format!("{user}:{password}")))));
    match &call.body {
        Body::None => {}
        Body::Form(pairs) => {
            parts.extend(
                pairs.iter().map(|(name, value)| format!("--data-urlencode {}", shell(&format!("{name}={value}")))),
            );
        }
        Body::Json(value) => parts.push(format!("--data {}", shell(&value.to_string()))),
        Body::Text(text) => parts.push(format!("--data-binary {}", shell(text))),
    }
    match &call.prints {
        Prints::Header(_) => parts.push("--silent --output /dev/null --dump-header -".to_owned()),
        Prints::Status => parts.push("--silent --write-out '%{http_code}'".to_owned()),
        Prints::Json | Prints::Text => {}
    }
    parts.join(" \\\n  ")
}

fn shell(text: &str) -> String {
    let quoted = format!("'{}'", text.replace('\'', "'\\''"));
    let made = quoted.replace(NEW_UUID, "'\"$(uuidgen)\"'");
    made.strip_suffix("\"''").map_or(made.clone(), |made| format!("{made}\""))
}

fn python(call: &Call) -> String {
    let mut lines = Vec::new();
    let mut arguments = vec![python_text(&call.url)];
    let dict = |pairs: &[(String, String)]| {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}: {}", python_text(name), python_text(value))).collect();
        format!("{{{}}}", pairs.join(", "))
    };
    if !call.query.is_empty() {
        arguments.push(format!("params={}", pairs_or(&call.query, dict, python_list)));
    }
    if !call.headers.is_empty() {
        arguments.push(format!("headers={}", dict(&call.headers)));
    }
    if let Some((user, password)) = &call.basic {
        arguments.push(format!("auth=({}, {})", python_text(user), python_text(password)));
    }
    match &call.body {
        Body::None => {}
        Body::Form(pairs) => arguments.push(format!("data={}", pairs_or(pairs, dict, python_list))),
        Body::Json(value) => arguments.push(format!("json={}", python_value(value))),
        Body::Text(text) => arguments.push(format!("data={}.encode()", python_text(text))),
    }
    if arguments.iter().any(|argument| argument.contains("uuid.uuid4()")) {
        lines.push("import uuid\n".to_owned());
    }
    lines.push("import requests\n".to_owned());
    lines.push(format!(
        "response = requests.{}(\n    {},\n)",
        call.method.to_ascii_lowercase(),
        arguments.join(",\n    ")
    ));
    lines.push("response.raise_for_status()".to_owned());
    lines.push(match &call.prints {
        Prints::Json => "print(response.json())".to_owned(),
        Prints::Text => "print(response.text)".to_owned(),
        Prints::Header(name) => format!("print(response.headers[{}])", python_text(name)),
        Prints::Status => "print(response.status_code)".to_owned(),
    });
    lines.join("\n").replace("\n\nimport", "\nimport")
}

fn python_list(pairs: &[(String, String)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(name, value)| format!("({}, {})", python_text(name), python_text(value))).collect();
    format!("[{}]", pairs.join(", "))
}

fn python_value(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(flag) => if *flag { "True" } else { "False" }.to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => python_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(python_value).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{}: {}", python_text(name), python_value(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A string of JSON is one of Python too.
fn python_text(text: &str) -> String {
    if text == NEW_UUID { "str(uuid.uuid4())".to_owned() } else { Value::from(text).to_string() }
}

fn javascript(call: &Call) -> String {
    let object = |pairs: &[(String, String)]| {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{}: {}", js_name(name), js_text(value))).collect();
        format!("{{ {} }}", pairs.join(", "))
    };
    let list = |pairs: &[(String, String)]| {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("[{}, {}]", js_text(name), js_text(value))).collect();
        format!("[{}]", pairs.join(", "))
    };
    let address = match call.query.is_empty() {
        true => js_text(&call.url),
        false => format!(
            "{} + new URLSearchParams({})",
            js_text(&format!("{}?", call.url)),
            pairs_or(&call.query, object, list)
        ),
    };
    let mut options = Vec::new();
    if call.method != "GET" {
        options.push(format!("method: {}", js_text(&call.method)));
    }
    let mut headers: Vec<String> =
        call.headers.iter().map(|(name, value)| format!("{}: {}", js_name(name), js_text(value))).collect();
    if let Some((user, password)) = &call.basic {
        headers.push(format!("Authorization: \"Basic \" + btoa({})", js_text(&format!("{user}:{password}"))));
    }
    if !headers.is_empty() {
        options.push(format!("headers: {{ {} }}", headers.join(", ")));
    }
    match &call.body {
        Body::None => {}
        Body::Form(pairs) => options.push(format!("body: new URLSearchParams({})", pairs_or(pairs, object, list))),
        Body::Json(value) => options.push(format!("body: JSON.stringify({})", js_value(value))),
        Body::Text(text) => options.push(format!("body: {}", js_text(text))),
    }
    let options = if options.is_empty() { String::new() } else { format!(", {{\n  {},\n}}", options.join(",\n  ")) };
    let prints = match &call.prints {
        Prints::Json => "await response.json()".to_owned(),
        Prints::Text => "await response.text()".to_owned(),
        Prints::Header(name) => format!("response.headers.get({})", js_text(name)),
        Prints::Status => "response.status".to_owned(),
    };
    format!(
        "const response = await fetch({address}{options});\nif (!response.ok) {{\n  throw new Error(`${{response.status}}: ${{await response.text()}}`);\n}}\nconsole.log({prints});"
    )
}

fn js_value(value: &Value) -> String {
    match value {
        Value::String(text) => js_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(js_value).collect::<Vec<_>>().join(", ")),
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(name, value)| format!("{}: {}", js_name(name), js_value(value))).collect();
            if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) }
        }
        other => other.to_string(),
    }
}

fn js_text(text: &str) -> String {
    if text == NEW_UUID { "crypto.randomUUID()".to_owned() } else { Value::from(text).to_string() }
}

fn js_name(name: &str) -> String {
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit());
    if plain { name.to_owned() } else { Value::from(name).to_string() }
}

fn php(call: &Call) -> String {
    let array = |pairs: &[(String, String)]| {
        let pairs: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{} => {}", php_text(name), php_text(value))).collect();
        format!("[{}]", pairs.join(", "))
    };
    // PHP's own function writes a name once.
    let built = |pairs: &[(String, String)]| format!("http_build_query({})", array(pairs));
    let address = match call.query.is_empty() || repeats(&call.query) {
        true => php_text(&call.address()),
        false => format!("{} . {}", php_text(&format!("{}?", call.url)), built(&call.query)),
    };
    let mut options = Vec::new();
    if call.method != "GET" {
        options.push(format!("CURLOPT_CUSTOMREQUEST => {}", php_text(&call.method)));
    }
    options.push("CURLOPT_RETURNTRANSFER => true".to_owned());
    if let Prints::Header(_) = call.prints {
        options.push("CURLOPT_HEADER => true".to_owned());
    }
    if !call.headers.is_empty() {
        let headers: Vec<String> = call
            .headers
            .iter()
            .map(|(name, value)| match value == NEW_UUID {
                true => format!("{} . $uuid", php_text(&format!("{name}: "))),
                false => php_text(&format!("{name}: {value}")),
            })
            .collect();
        options.push(format!("CURLOPT_HTTPHEADER => [{}]", headers.join(", ")));
    }
    if let Some((user, password)) = &call.basic {
        options.push(format!("CURLOPT_USERPWD => {}", php_text(&format!("{user}:{password}"))));
    }
    match &call.body {
        Body::None => {}
        Body::Form(pairs) if repeats(pairs) => {
            options.push(format!("CURLOPT_POSTFIELDS => {}", php_text(&form(pairs))))
        }
        Body::Form(pairs) => options.push(format!("CURLOPT_POSTFIELDS => {}", built(pairs))),
        Body::Json(value) => options.push(format!("CURLOPT_POSTFIELDS => json_encode({})", php_value(value))),
        Body::Text(text) => options.push(format!("CURLOPT_POSTFIELDS => {}", php_text(text))),
    }
    let request = format!(
        "$request = curl_init({address});\ncurl_setopt_array($request, [\n    {},\n]);",
        options.join(",\n    ")
    );
    let uuid = match request.contains("$uuid") {
        true => {
            "$random = random_bytes(16);\n$random[6] = chr(ord($random[6]) & 0x0f | 0x40);\n$random[8] = chr(ord($random[8]) & 0x3f | 0x80);\n$uuid = vsprintf('%s%s-%s-%s-%s-%s%s%s', str_split(bin2hex($random), 4));\n"
        }
        false => "",
    };
    let prints = match call.prints {
        Prints::Status => "echo $status;",
        _ => "echo $answer;",
    };
    format!(
        "<?php\n{uuid}{request}\n$answer = curl_exec($request);\n$status = curl_getinfo($request, CURLINFO_RESPONSE_CODE);\nif ($answer === false || $status >= 400) {{\n    throw new RuntimeException(\"$status: \" . curl_error($request) . $answer);\n}}\n{prints}"
    )
}

fn php_value(value: &Value) -> String {
    match value {
        Value::String(text) => php_text(text),
        Value::Array(items) => format!("[{}]", items.iter().map(php_value).collect::<Vec<_>>().join(", ")),
        Value::Object(members) if members.is_empty() => "new stdClass()".to_owned(),
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{} => {}", php_text(name), php_value(value)));
            format!("[{}]", members.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

fn php_text(text: &str) -> String {
    match text == NEW_UUID {
        true => "$uuid".to_owned(),
        false => format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'")),
    }
}

/// Pairs as a map where each name stands once, else as a list.
fn pairs_or(
    pairs: &[(String, String)],
    map: impl Fn(&[(String, String)]) -> String,
    list: impl Fn(&[(String, String)]) -> String,
) -> String {
    if repeats(pairs) { list(pairs) } else { map(pairs) }
}

fn repeats(pairs: &[(String, String)]) -> bool {
    pairs.iter().enumerate().any(|(index, (name, _))| pairs[..index].iter().any(|(known, _)| known == name))
}

/// A form as it is sent.
fn form(pairs: &[(String, String)]) -> String {
    let encode =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}
