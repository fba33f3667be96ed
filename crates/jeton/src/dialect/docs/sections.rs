//! The sections of the page: sign in, use the token, keep it fresh, sign out, errors.

use std::time::Duration;

use jeton_core::dialect::{
    Described, DescribedValue, Description, Dialect, End, Exchange, GrantName, Kind, MessagePart, OwnedRequest, Placed,
};
use jeton_core::domain::policy::{End as SessionEnd, Format, Refresh};

use super::call::{Call, Prints};
use super::errors::errors;
use super::languages::LANGUAGES;
use super::page::{Block, Inline, Page, code, inline};
use super::sample;

/// The page of an API at this address.
pub(super) fn page(dialect: &Dialect, url: &str) -> Page {
    let mut blocks = Vec::new();
    let written = |exchange: &Exchange| exchange.only != Some(End::Server);
    let of = |signs_in: bool| {
        let all = dialect.exchanges.iter().enumerate().filter(|(_, exchange)| written(exchange));
        all.filter(move |(_, exchange)| signs_in == (exchange.grant.signs_in() || exchange.grant == GrantName::Step))
    };
    if dialect.exchanges.iter().all(|exchange| !exchange.grant.issues()) {
        oauth(url, &mut blocks);
    }
    for (index, exchange) in of(true) {
        section(dialect, index, exchange, url, &mut blocks);
    }
    use_it(dialect, url, &mut blocks);
    life(dialect, &mut blocks);
    for (index, exchange) in of(false) {
        section(dialect, index, exchange, url, &mut blocks);
    }
    errors(dialect, &mut blocks);
    Page { title: format!("{}: get an access token", dialect.name), blocks }
}

/// What an exchange is called, and what it is for.
pub(super) fn purpose(grant: GrantName) -> (&'static str, &'static str) {
    match grant {
        GrantName::Password => {
            ("Sign in with a username and a password", "A person's username and password give an access token.")
        }
        GrantName::ApiKey => ("Sign in with an API key", "The id and the secret of an API key give an access token."),
        GrantName::ClientCredentials => ("Sign in as a client", "A client's id and secret give an access token."),
        GrantName::Refresh => (
            "Get a new token with the refresh token",
            "When the access token has expired, the refresh token gives a new one.",
        ),
        GrantName::Renew => {
            ("Get a new token with the old one", "The access token itself gives a new one; the old one then ends.")
        }
        GrantName::UserInfo => ("Ask whom the token is for", "The access token tells for whom it speaks."),
        GrantName::End => ("Sign out", "Ends the token, and with it the session."),
        GrantName::Step => ("Before you sign in", "The answer gives what a request after it needs."),
    }
}

fn section(dialect: &Dialect, index: usize, exchange: &Exchange, url: &str, blocks: &mut Vec<Block>) {
    let (title, sentence) = purpose(exchange.grant);
    let requests = exchange.describe_requests();
    let Some(request) = requests.first() else { return };
    let again = blocks.iter().any(|block| matches!(block, Block::Heading(_, known) if known == title));
    let start = |(method, path): &(http::Method, String)| format!("`{method} {path}`");
    let title = if again { format!("{title}, another way") } else { title.to_owned() };
    blocks.push(Block::Heading(2, title));
    blocks.push(Block::paragraph(sentence));
    blocks.push(Block::paragraph(&request.starts.iter().take(1).map(start).collect::<String>()));
    if request.starts.len() > 1 {
        let others: Vec<String> = request.starts.iter().skip(1).map(start).collect();
        blocks.push(Block::paragraph(&format!("The same is served at {}.", others.join(", "))));
    }
    parameters(request, blocks);
    if request.types.len() > 1 {
        let types: Vec<String> = request.types.iter().map(|known| format!("`{known}`")).collect();
        blocks.push(Block::paragraph(&format!("The body may be {}.", types.join(" or "))));
    }
    programs(dialect, index, exchange, request, url, blocks);
    answer(dialect, index, exchange, blocks);
}

/// The table of parameters; those whose text is fixed are in the programs.
fn parameters(request: &Description, blocks: &mut Vec<Block>) {
    let rows: Vec<_> = request
        .places
        .iter()
        .filter(|place| !place.values.is_empty())
        .map(|place| {
            let mut kinds: Vec<_> = place.values.iter().map(kind).collect();
            kinds.dedup();
            let required = if place.required { "yes" } else { "no" };
            let holds = place.values.iter().fold(place.text.clone(), |text, value| {
                text.replace(&format!("{{{}}}", value.name), &sample::placeholder(&value.name))
            });
            vec![code(&place.name), inline(part(place.part)), inline(&kinds.join(", ")), inline(required), code(&holds)]
        })
        .collect();
    if !rows.is_empty() {
        blocks.push(Block::Table { head: vec!["Parameter", "In", "Type", "Required", "Holds"], rows });
    }
}

fn part(part: MessagePart) -> &'static str {
    match part {
        MessagePart::Path => "path",
        MessagePart::Query => "query",
        MessagePart::Header => "header",
        MessagePart::Cookie => "cookie",
        MessagePart::Form => "form",
        MessagePart::Json => "JSON body",
        MessagePart::Xml => "XML body",
        MessagePart::Text => "body",
        MessagePart::ReasonPhrase => "reason phrase",
    }
}

fn kind(value: &DescribedValue) -> &'static str {
    match value.kind {
        _ if value.through.iter().any(|transform| transform.starts_with("uuid")) => "UUID",
        Kind::Text | Kind::Secret => "text",
        Kind::Number => "number",
        Kind::Bool => "`true` or `false`",
        Kind::Time => "time",
        Kind::Uuid => "UUID",
        Kind::Uuid4 => "random UUID",
        Kind::Dotted => "`word.word`",
    }
}

fn programs(
    dialect: &Dialect,
    index: usize,
    exchange: &Exchange,
    described: &Description,
    url: &str,
    blocks: &mut Vec<Block>,
) {
    let shows = exchange.grant.shows_token()
        && !exchange.request_slots().iter().any(|slot| slot.name == "access_token" || slot.name == "refresh_token");
    let made = sample::request(dialect, index, exchange).filter(|_| !is_computed(described)).and_then(|request| {
        let path = request.target.split('?').next().unwrap_or_default();
        let placed = if shows { sample::placed(dialect, &request.method, path)? } else { Placed::default() };
        Some((request, placed))
    });
    match made {
        Some((request, placed)) => write_programs(&Call::of(&request, &placed, url, prints(exchange)), blocks),
        None => blocks
            .push(Block::paragraph("This request holds a value that is computed from others; `jeton token` makes it.")),
    }
}

fn write_programs(call: &Call, blocks: &mut Vec<Block>) {
    for (name, fence, write) in LANGUAGES {
        blocks.push(Block::Heading(3, name.to_owned()));
        blocks.push(Block::Code { language: fence, text: write(call) });
    }
}

/// Whether a value stands in the request in a form that a placeholder cannot show. (Basic can: every library writes it.)
fn is_computed(request: &Description) -> bool {
    const SHOWN: [&str; 6] = ["uuid", "uuid4", "form", "percent", "epoch", "ms"];
    let of_value = request.places.iter().flat_map(|place| &place.values).flat_map(|value| &value.through);
    let written = |place: &Described| {
        ["base64(", "base64url(", "hex(", "sha256(", "sha512("].iter().any(|word| place.text.contains(word))
            && !place.text.starts_with("Basic base64(")
    };
    of_value.into_iter().any(|transform| !SHOWN.contains(&transform.as_str())) || request.places.iter().any(written)
}

/// What a program shows of the answer: where the token is, or the status where there is none.
fn prints(exchange: &Exchange) -> Prints {
    let answers = exchange.describe_answers();
    let places = || answers.first().into_iter().flat_map(|answer| &answer.places);
    let token = places().find(|place| place.values.iter().any(|value| value.name == "access_token"));
    match token {
        Some(place) if place.part == MessagePart::Header => Prints::Header(place.name.clone()),
        Some(place) if place.part == MessagePart::Cookie => Prints::Header("Set-Cookie".to_owned()),
        Some(place) if place.part == MessagePart::Json => Prints::Json,
        None if exchange.grant == GrantName::UserInfo => Prints::Json,
        Some(_) => Prints::Text,
        None => Prints::Status,
    }
}

fn answer(dialect: &Dialect, index: usize, exchange: &Exchange, blocks: &mut Vec<Block>) {
    blocks.push(Block::Heading(3, "Answer".to_owned()));
    if let Some(answer) = sample::answer(dialect, index, exchange) {
        let mut text = format!(
            "HTTP/1.1 {}{}\n",
            answer.status,
            answer.reason_phrase.map(|phrase| format!(" {phrase}")).unwrap_or_default()
        );
        answer.headers.iter().for_each(|(name, value)| text.push_str(&format!("{name}: {value}\n")));
        if !answer.body.is_empty() {
            let pretty = serde_json::from_str::<serde_json::Value>(&answer.body)
                .ok()
                .and_then(|value| serde_json::to_string_pretty(&value).ok());
            text.push_str(&format!("\n{}", pretty.unwrap_or(answer.body)));
        }
        blocks.push(Block::Code { language: "http", text: text.trim_end().to_owned() });
    }
    let answers = exchange.describe_answers();
    let places = answers.first().into_iter().flat_map(|answer| &answer.places);
    let rows: Vec<_> = places
        .filter_map(|place| {
            let meaning = place.values.iter().find_map(|value| meaning(&value.name, &value.through))?;
            let name = if place.name.is_empty() { inline("the whole body") } else { code(&place.name) };
            Some(vec![name, inline(&meaning)])
        })
        .collect();
    if !rows.is_empty() {
        blocks.push(Block::Table { head: vec!["Member", "What it is"], rows });
    }
}

/// What a program needs to know of an answer.
fn meaning(name: &str, through: &[String]) -> Option<String> {
    let what = match name {
        "access_token" => "the access token",
        "refresh_token" => "the refresh token, for a new access token later",
        "expires_in" => "how long the access token is good",
        "expires_at" => "when the access token ends",
        "issued_at" => "when the access token was issued",
        "scope" => "what the token is good for",
        _ => return None,
    };
    let unit = match (name, through.first().map(String::as_str)) {
        ("expires_in", None) => ", in seconds",
        (_, Some("ms")) => ", in milliseconds",
        (_, Some("minutes")) => ", in minutes",
        (_, Some("iso8601")) => ", as a duration of ISO 8601",
        (_, Some("epoch")) => ", in seconds since 1970",
        (_, Some("epoch_ms")) => ", in milliseconds since 1970",
        (_, Some("rfc3339")) => ", as RFC 3339 writes it",
        _ => "",
    };
    Some(format!("{what}{unit}"))
}

/// Tokens of an API without a sign-in of its own come from the token endpoint of OAuth.
fn oauth(url: &str, blocks: &mut Vec<Block>) {
    const TARGET: &str = "/realms/YOUR_REALM/protocol/openid-connect/token";
    blocks.push(Block::Heading(2, "Sign in as a client".to_owned()));
    blocks.push(Block::paragraph("Access tokens come from the token endpoint of OAuth, for a client's id and secret."));
    blocks.push(Block::paragraph(&format!("`POST {TARGET}`")));
    let request = OwnedRequest {
        method: http::Method::POST,
        target: TARGET.to_owned(),
        headers: vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())],
        body: "grant_type=client_credentials&client_id=YOUR_CLIENT_ID&client_secret=YOUR_CLIENT_SECRET".to_owned(),
    };
    write_programs(&Call::of(&request, &Placed::default(), url, Prints::Json), blocks);
}

fn use_it(dialect: &Dialect, url: &str, blocks: &mut Vec<Block>) {
    let Some(ways) = dialect.describe_show(0) else { return };
    blocks.push(Block::Heading(2, "Use the token".to_owned()));
    blocks.push(Block::paragraph("Every call shows the token:"));
    let line = |place: &Described| match place.part {
        MessagePart::Query => format!("?{}={}", place.name, place.text),
        MessagePart::Cookie => format!("Cookie: {}={}", place.name, place.text),
        _ => format!("{}: {}", place.name, place.text),
    };
    let ways: Vec<String> = ways.iter().map(|places| places.iter().map(line).collect::<Vec<_>>().join("\n")).collect();
    let (first, others) = ways.split_first().map_or(("", &[][..]), |(first, others)| (first.as_str(), others));
    blocks.push(Block::Code { language: "http", text: first.to_owned() });
    if !others.is_empty() {
        let mut text = inline("It is also read from ");
        for (index, other) in others.iter().enumerate() {
            text.extend((index > 0).then(|| Inline::Text(", ".to_owned())));
            text.push(Inline::Code(other.clone()));
        }
        text.push(Inline::Text(".".to_owned()));
        blocks.push(Block::Paragraph(text));
    }
    let get = http::Method::GET;
    if let Some(placed) = sample::placed(dialect, &get, "/YOUR/CALL") {
        let request =
            OwnedRequest { method: get, target: "/YOUR/CALL".to_owned(), headers: Vec::new(), body: String::new() };
        write_programs(&Call::of(&request, &placed, url, Prints::Text), blocks);
    }
}

fn life(dialect: &Dialect, blocks: &mut Vec<Block>) {
    if dialect.exchanges.is_empty() {
        return;
    }
    let policy = &dialect.policy;
    blocks.push(Block::Heading(2, "How long it lasts".to_owned()));
    let mut text = format!("An access token is good for {}.", span(policy.lifetime));
    if let Some(idle) = policy.idle {
        text.push_str(&format!(" It also ends after {} without use.", span(idle)));
    }
    text.push_str(&match &policy.refresh {
        Refresh::None => " Then sign in again.".to_owned(),
        Refresh::Keep { end } => {
            format!(" The refresh token gives new access tokens until {}.", end_of_session(end))
        }
        Refresh::Rotate { within, end } => {
            let latest = end.as_ref().map(|end| format!(", and no session goes on after {}", end_of_session(end)));
            format!(
                " A refresh token is good once, within {}: it gives a new access token and the next refresh token{}.",
                span(*within),
                latest.unwrap_or_default()
            )
        }
        Refresh::Extend => " It can be extended: it stays the same, and that time begins anew.".to_owned(),
        Refresh::Renew { within, .. } => {
            format!(" It can be renewed until {} after its issue, also when it has expired.", span(*within))
        }
    });
    blocks.push(Block::paragraph(&text));
    if let (Format::Jwt(alg), Some(claims)) = (&policy.format, sample::claims(dialect)) {
        blocks.push(Block::paragraph(&format!("It is a JWT, signed with `{}`. Its claims:", alg.name())));
        blocks.push(Block::Code { language: "json", text: claims });
    }
}

fn end_of_session(end: &SessionEnd) -> String {
    let midnight = end.midnight_in.as_ref().map(|zone| format!(", rounded up to midnight in {zone}"));
    format!("{} after the sign-in{}", span(end.after), midnight.unwrap_or_default())
}

/// A span of time in words.
fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (count, unit) = match seconds {
        seconds if seconds > 0 && seconds.is_multiple_of(86_400) => (seconds / 86_400, "day"),
        seconds if seconds > 0 && seconds.is_multiple_of(3_600) => (seconds / 3_600, "hour"),
        seconds if seconds > 0 && seconds.is_multiple_of(60) => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
