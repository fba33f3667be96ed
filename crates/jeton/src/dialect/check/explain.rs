//! A dialect in plain words.

use std::time::Duration;

use jeton_core::dialect::{Described, Dialect, Exchange, GrantName, MessagePart, Place};
use jeton_core::domain::policy::{Format, Policy, Refresh};

/// What was understood, a line for each thing that the file says.
pub(super) fn explain(dialect: &Dialect) -> Vec<String> {
    let mut lines = vec![token(&dialect.policy), refresh(&dialect.policy)];
    lines.extend(dialect.exchanges.iter().map(exchange));
    for show in 0..dialect.shows.len() {
        let ways = dialect.describe_show(show).unwrap_or_default();
        let ways: Vec<String> =
            ways.iter().map(|places| places.iter().map(place).collect::<Vec<_>>().join(" and ")).collect();
        lines.push(format!("a call shows its token in {}", ways.join(", or ")));
    }
    if dialect.exchanges.is_empty() {
        lines.push("it has no sign-in of its own: an OAuth issuer gives its tokens".to_owned());
    }
    let reasons: Vec<_> = dialect.reasons(Place::Dialect).into_iter().map(|reason| reason.name()).collect();
    if !reasons.is_empty() {
        lines.push(format!("it says no for: {}", reasons.join(", ")));
    }
    lines
}

fn token(policy: &Policy) -> String {
    let form = match &policy.format {
        Format::Jwt(alg) => format!("a JWT signed with {}", alg.name()),
        Format::Opaque(_) => "random text".to_owned(),
    };
    let idle = policy.idle.map(|idle| format!(", and {} without use", span(idle))).unwrap_or_default();
    format!("a token is {form}, good for {}{idle}", span(policy.lifetime))
}

fn refresh(policy: &Policy) -> String {
    match &policy.refresh {
        Refresh::None => "no refresh: sign in again".to_owned(),
        Refresh::Keep { end } => {
            let midnight = end.midnight_in.as_ref().map(|zone| format!(", up to midnight in {zone}"));
            let midnight = midnight.unwrap_or_default();
            format!("the refresh token stays the same, for {}{midnight}", span(end.after))
        }
        Refresh::Rotate { within, .. } => {
            format!("each refresh token is good once, within {} of its issue", span(*within))
        }
        Refresh::Extend => "the same token goes on for another time without use".to_owned(),
        Refresh::Renew { within, .. } => {
            format!("the access token itself is renewed, within {} of its issue", span(*within))
        }
    }
}

fn exchange(exchange: &Exchange) -> String {
    let what = match exchange.grant {
        GrantName::Password => "a person signs in",
        GrantName::Refresh => "a refresh token gives a new token",
        GrantName::Renew => "an old token gives a new one",
        GrantName::ApiKey => "an API key signs in",
        GrantName::ClientCredentials => "a client signs in",
        GrantName::UserInfo => "a token tells whom it speaks for",
        GrantName::End => "a token ends",
        GrantName::Step => "first, for the exchange after it",
    };
    let requests = exchange.describe_requests();
    let first = requests.first();
    let line = first.and_then(|request| request.starts.first());
    let line = line.map(|(method, path)| format!("{method} {path}")).unwrap_or_default();
    let asked = first.map(|request| places(&request.places)).unwrap_or_default();
    let answers = exchange.describe_answers();
    let told = answers.first().map(|answer| {
        let status = answer.status.map(|status| status.to_string()).unwrap_or_default();
        let gives = places(&answer.places);
        if gives.is_empty() { status } else { format!("{status} with {gives}") }
    });
    let with = if asked.is_empty() { String::new() } else { format!(" with {asked}") };
    let more = if requests.len() > 1 { ", or another way" } else { "" };
    format!("{what}: {line}{with}{more} → {}", told.unwrap_or_default())
}

/// The places that hold values.
fn places(all: &[Described]) -> String {
    let texts: Vec<String> = all.iter().filter(|place| !place.values.is_empty()).map(place).collect();
    texts.join(", ")
}

fn place(place: &Described) -> String {
    let part = match place.part {
        MessagePart::Path => "path",
        MessagePart::Query => "query",
        MessagePart::Header => "header",
        MessagePart::Cookie => "cookie",
        MessagePart::Form => "form",
        MessagePart::Json => "JSON",
        MessagePart::Xml => "XML",
        MessagePart::Text => "body",
        MessagePart::ReasonPhrase => "reason phrase",
    };
    let optional = if place.required { "" } else { "?" };
    match place.name.as_str() {
        "" => format!("{part} {}{optional}", place.text),
        name => format!("{part} {name} = {}{optional}", place.text),
    }
}

/// A span in its largest whole unit.
fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    let units = [(86_400, "d"), (3600, "h"), (60, "min")];
    match units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{seconds} s"),
    }
}
