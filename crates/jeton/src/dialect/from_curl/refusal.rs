//! The draft of `[refusal]`: the frame of the errors that the page shows, or one that many APIs have.

use jeton_core::domain::refusal::Reason;
use serde_json::Value;

use super::answer::Sample;
use super::body::write_json;
use super::names::plain;

/// Reasons that a draft gives a row, with what stands in it where no sample tells.
const ROWS: [(Reason, &str, &str); 7] = [
    (Reason::InvalidRequest, "invalid_request", "{{detail}}"),
    (Reason::WrongMethod, "wrong_method", "{{detail}}"),
    (Reason::WrongCredentials, "invalid_credentials", "the credentials are wrong"),
    (Reason::InvalidToken, "invalid_token", "the token is not valid"),
    (Reason::Denied, "access_denied", "this is not allowed"),
    (Reason::Throttled, "too_many_requests", "too many requests"),
    (Reason::Unavailable, "unavailable", "the service is not available"),
];

/// The frame where the page shows no error.
const USUAL: &str = r#"{"error":"{{code}}","message":"{{text}}"}"#;

/// What a sample of an error says.
struct Shown {
    status: u16,
    code: Option<String>,
    text: Option<String>,
}

/// The table `[refusal]`.
pub(super) fn table(samples: &[Sample]) -> String {
    let mut frame = None;
    let mut shown = Vec::new();
    for sample in samples {
        let Some(json) = sample.json().filter(|json| json.is_object()) else { continue };
        let (text, says) = read(sample.status, json);
        if frame.is_none() {
            frame = Some(text);
        }
        shown.push(says);
    }
    let guessed = if frame.is_none() { "                                  # guessed: no error is shown" } else { "" };
    let frame = frame.unwrap_or_else(|| USUAL.to_owned());
    let mut out =
        format!("[refusal]{guessed}\nanswer = '''\n{{{{status}}}}\nContent-Type: application/json\n\n{frame}'''\n");
    for (reason, code, text) in ROWS {
        let status = reason.status();
        let sample = shown.iter().find(|says| says.status == status && of_status(status) == reason);
        let status = sample.map_or(status, |says| says.status);
        let mut keys = vec![format!("status = {status}")];
        let mut key = |name: &str, sample: Option<&String>, default: &str| {
            if frame.contains(&format!("{{{{{name}}}}}")) {
                keys.push(format!("{name} = {}", toml(sample.map_or(default, String::as_str))));
            }
        };
        key("code", sample.and_then(|says| says.code.as_ref()), code);
        key("text", sample.and_then(|says| says.text.as_ref()), text);
        out.push_str(&format!("{:<17} = {{ {} }}\n", reason.name(), keys.join(", ")));
    }
    out
}

/// The reason that an error of a sign-in with this status most likely has.
fn of_status(status: u16) -> Reason {
    ROWS.iter().map(|(reason, ..)| *reason).find(|reason| reason.status() == status).unwrap_or(Reason::InvalidRequest)
}

/// The frame of an error, and what stands in its holes.
fn read(status: u16, json: &Value) -> (String, Shown) {
    let mut says = Shown { status, code: None, text: None };
    let texts = "message text description errordescription errormessage msg detail details title error";
    let codes = "code errorcode error errcode type name status errortype";
    let named = |names: &str, name: &str| names.split(' ').any(|known| known == name);
    let frame = write_json(json, "", &mut |leaf| {
        let name = plain(leaf.own_name());
        if leaf.native {
            let number = leaf.value.parse::<u16>().ok().filter(|number| (400..600).contains(number))?;
            says.status = number;
            return Some("status".to_owned());
        }
        let sentence = leaf.value.contains(' ');
        if says.text.is_none() && named(texts, &name) && (sentence || name != "error") {
            says.text = Some(leaf.value.to_owned());
            return Some("text".to_owned());
        }
        (says.code.is_none() && named(codes, &name)).then(|| {
            says.code = Some(leaf.value.to_owned());
            "code".to_owned()
        })
    });
    // Without a head or a number the error of a sign-in is that of wrong credentials.
    if says.status < 400 {
        says.status = 401;
    }
    (frame, says)
}

/// A string of TOML on one line.
fn toml(text: &str) -> String {
    Value::from(text).to_string()
}
