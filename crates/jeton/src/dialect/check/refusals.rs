//! Every refusal that a request can provoke, provoked.

use std::collections::BTreeSet;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jeton_client::flow::Response;
use jeton_core::dialect::{
    AnswerParts, Description, Dialect, GrantName, MessagePart, OwnedRequest, Place, Value, Values,
};
use jeton_core::domain::policy::Limited;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::secret::Secret;

use super::journey::{Bearer, ask_raw, confirm, needs_refresh_token, of_grants, parts, sign_in, sign_ins};
use super::report::Section;
use super::world::{API, World};

/// More wrong passwords than an account is allowed, from one place.
const GUESSES: usize = 12;
/// A secret that is found again in what was written with it.
const MARK: &str = "JetonChecksWhatIsMissing";
/// More calls than these are not made to see a rate used up.
const MOST_CALLS: u32 = 500;
/// Longer than any request that is read.
const TOO_LARGE: usize = 100 * 1024;

/// Provokes what can be provoked. What has a row in the file and could not be is written and read without a server.
pub(super) async fn provoke(dialect: &Dialect, world: &World) -> anyhow::Result<Section> {
    let mut told = Told { dialect, section: Section::new("Refusals"), seen: BTreeSet::new() };
    for index in served(dialect) {
        for (reason, request) in wrong_requests(dialect, world, index) {
            let method = request.method.clone();
            let what = format!("{}, {method} {}", reason.name(), request.target);
            match world.send(request).await {
                Ok(response) => told.note(Place::Exchange(index), reason, what, read(dialect, index, &response)),
                Err(why) => told.section.check(what, Err(why)),
            }
        }
    }
    tokens(dialect, world, &mut told).await?;
    guesses(dialect, world, &mut told).await;
    let Told { mut section, seen, .. } = told;
    for (place, reason) in rows(dialect).into_iter().filter(|(_, reason)| !seen.contains(reason)) {
        section
            .check(format!("{}, written and read without a server", reason.name()), by_itself(dialect, place, reason));
    }
    Ok(section)
}

/// Whether a client reads the answer that is written for a reason which no request provokes.
fn by_itself(dialect: &Dialect, place: Place, reason: Reason) -> Result<(), String> {
    let refusal = Refusal::new(reason).field("field").detail("detail");
    let answer = dialect.write_refusal(place, &refusal, &Values::new());
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is no name of a header"))?;
        headers.append(name, HeaderValue::from_str(value).map_err(|_| format!("`{value}` cannot stand in a header"))?);
    }
    let reason_phrase = answer.reason_phrase.as_deref();
    let parts = AnswerParts { status: answer.status, reason_phrase, headers: &headers, body: answer.body.as_bytes() };
    match dialect.read_refusal(place, &parts) {
        Some(read) if is_read_as(dialect, place, reason, read.reason) => Ok(()),
        Some(read) => Err(format!("a client reads `{}`", read.reason.name())),
        None => Err(format!("{} is not read as a refusal", answer.status)),
    }
}

/// What was provoked so far.
struct Told<'d> {
    dialect: &'d Dialect,
    section: Section,
    seen: BTreeSet<Reason>,
}

impl Told<'_> {
    /// Notes how the answer to a request that must be refused for `expected` was read.
    fn note(&mut self, place: Place, expected: Reason, what: String, read: Result<Reason, String>) {
        self.seen.extend(up(expected));
        let held = read.and_then(|read| match is_read_as(self.dialect, place, expected, read) {
            true => Ok(()),
            false => Err(format!("a client reads `{}`", read.name())),
        });
        self.section.check(what, held);
    }
}

/// Whether a client that reads `read` understands an answer for `written` as well as the file lets it: the same reason,
/// a more general one, or one that is answered alike.
pub(super) fn is_read_as(dialect: &Dialect, place: Place, written: Reason, read: Reason) -> bool {
    let answer = |reason: Reason| {
        let refusal = Refusal::new(reason).field("field").detail("detail");
        dialect.write_refusal(place, &refusal, &Values::new())
    };
    up(written).any(|above| above == read) || answer(written) == answer(read)
}

/// A reason and the more general ones above it.
fn up(reason: Reason) -> impl Iterator<Item = Reason> {
    std::iter::successors(Some(reason), |reason| reason.parent())
}

/// The exchanges that a client writes and a server answers.
fn served(dialect: &Dialect) -> Vec<usize> {
    let all = dialect.exchanges.iter().enumerate();
    all.filter(|(_, exchange)| exchange.only.is_none()).map(|(index, _)| index).collect()
}

/// The reasons that have a row somewhere in the file, and where.
fn rows(dialect: &Dialect) -> Vec<(Place, Reason)> {
    let exchanges = (0..dialect.exchanges.len()).map(Place::Exchange);
    let shows = (0..dialect.shows.len()).map(Place::Show);
    let places = std::iter::once(Place::Dialect).chain(exchanges).chain(shows);
    let mut rows: Vec<(Place, Reason)> = Vec::new();
    for place in places {
        // Where a place has no rows of its own, it has the dialect's.
        let new = dialect.reasons(place).into_iter().filter(|reason| rows.iter().all(|(_, known)| known != reason));
        let new: Vec<_> = new.map(|reason| (place, reason)).collect();
        rows.extend(new);
    }
    rows
}

/// Requests that are wrong in one way each.
fn wrong_requests(dialect: &Dialect, world: &World, index: usize) -> Vec<(Reason, OwnedRequest)> {
    let Some(exchange) = dialect.exchanges.get(index) else { return Vec::new() };
    let slots = exchange.request_slots();
    let mut values = world.values(dialect, &slots);
    for name in ["access_token", "refresh_token"] {
        if slots.iter().any(|slot| slot.name == name) {
            values.set(name, Secret::from("not-a-token"));
        }
    }
    let write = |values: &Values| dialect.write_request(index, values, &world.settings).ok();
    let Some(good) = write(&values) else { return Vec::new() };
    let mut wrong = Vec::new();

    let secret = ["password", "key_secret", "client_secret"].into_iter().find(|name| values.secret(name).is_some());
    if let Some(name) = secret {
        let other = values.clone().with(name, Value::Secret(Secret::from("another-secret-altogether")));
        let reason = if name == "client_secret" { Reason::InvalidClient } else { Reason::WrongCredentials };
        wrong.extend(write(&other).map(|request| (reason, request)));
        // A client of ours would not write it: so the secret is cut out of what it writes.
        let marked = write(&values.clone().with(name, Value::Secret(Secret::from(MARK))));
        wrong.extend(marked.and_then(without_mark).map(|request| (Reason::Missing, request)));
    }
    if exchange.grant == GrantName::ClientCredentials && slots.iter().any(|slot| slot.name == "scope") {
        wrong.extend(write(&values.clone().with("scope", "not-this")).map(|request| (Reason::DeniedScope, request)));
    }
    let description = exchange.describe_requests().into_iter().next();
    let body = description.as_ref().and_then(|description| description.types.first());
    if body.is_some() && !good.body.is_empty() {
        let other = |media_type: &str| -> Vec<(String, String)> {
            let retype = |(name, value): &(String, String)| match name.eq_ignore_ascii_case("content-type") {
                true => (name.clone(), media_type.to_owned()),
                false => (name.clone(), value.clone()),
            };
            good.headers.iter().map(retype).collect()
        };
        let unknown = other("application/x-unknown");
        wrong.push((Reason::UnsupportedType, OwnedRequest { headers: unknown, ..good.clone() }));
        let long = format!("{}{}", good.body, " ".repeat(TOO_LARGE));
        wrong.push((Reason::TooLarge, OwnedRequest { body: long, ..good.clone() }));
        let structured = |part: MessagePart| matches!(part, MessagePart::Json | MessagePart::Xml);
        let places = description.iter().flat_map(|description| &description.places);
        if places.into_iter().any(|place| structured(place.part)) {
            let cut = good.body.get(..good.body.len() - 1).unwrap_or_default().to_owned();
            wrong.push((Reason::Malformed, OwnedRequest { body: cut, ..good.clone() }));
        }
    }
    wrong.extend(twice(&good, description.as_ref()).map(|request| (Reason::Repeated, request)));
    let path = good.target.split('?').next().unwrap_or_default();
    if let Some(method) = unused_method(dialect, path) {
        wrong.push((Reason::WrongMethod, OwnedRequest { method, ..good }));
    }
    wrong
}

/// The request with nothing where [`MARK`] was; nothing if it does not stand there as it is.
fn without_mark(request: OwnedRequest) -> Option<OwnedRequest> {
    let OwnedRequest { method, target, headers, body } = request;
    let found = target.contains(MARK) || body.contains(MARK) || headers.iter().any(|(_, value)| value.contains(MARK));
    let headers = headers.into_iter().map(|(name, value)| (name, value.replace(MARK, ""))).collect();
    found.then(|| OwnedRequest { method, target: target.replace(MARK, ""), headers, body: body.replace(MARK, "") })
}

/// The request with one of its values twice, and not alike.
fn twice(good: &OwnedRequest, description: Option<&Description>) -> Option<OwnedRequest> {
    let places = &description?.places;
    let in_part = |part: MessagePart| {
        places.iter().find(|place| place.part == part && place.required && !place.values.is_empty())
    };
    if let Some(place) = in_part(MessagePart::Form) {
        return Some(OwnedRequest { body: format!("{}&{}=twice", good.body, place.name), ..good.clone() });
    }
    let place = in_part(MessagePart::Json).filter(|place| !place.name.contains(['.', '[']))?;
    let rest = good.body.strip_prefix('{')?;
    Some(OwnedRequest { body: format!("{{\"{}\":\"twice\",{rest}", place.name), ..good.clone() })
}

/// A method that no exchange has at this path.
fn unused_method(dialect: &Dialect, path: &str) -> Option<Method> {
    let taken: Vec<Method> = dialect
        .exchanges
        .iter()
        .flat_map(|exchange| exchange.describe_requests())
        .flat_map(|request| request.starts)
        .filter(|(_, known)| known.split('?').next() == Some(path) || known.contains('{'))
        .map(|(method, _)| method)
        .collect();
    [Method::DELETE, Method::PATCH, Method::PUT].into_iter().find(|method| !taken.contains(method))
}

fn read(dialect: &Dialect, index: usize, response: &Response) -> Result<Reason, String> {
    let parts = parts(response);
    match dialect.read_answer(index, &parts) {
        Ok(_) => Err(format!("it is answered with {}, as a success", response.status)),
        // What is wrong before an exchange is found is answered in the dialect's own words.
        Err(_) => [Place::Exchange(index), Place::Dialect]
            .into_iter()
            .find_map(|place| dialect.read_refusal(place, &parts))
            .map(|refusal| refusal.reason)
            .ok_or_else(|| format!("its answer {} is not read as a refusal", response.status)),
    }
}

/// What is wrong with a token: none, not one, its time is over, its owner is disabled.
async fn tokens(dialect: &Dialect, world: &World, told: &mut Told<'_>) -> anyhow::Result<()> {
    let Some(first) = sign_ins(dialect).first().copied() else { return Ok(()) };
    let about = of_grants(dialect, &[GrantName::Refresh, GrantName::Renew, GrantName::UserInfo]);
    let nobody = Bearer { access: Secret::from("not-a-token"), refresh: Some(Secret::from("not-a-token")) };
    for index in &about {
        note_ask(dialect, world, told, *index, &nobody, Reason::InvalidToken).await;
    }
    note_call(dialect, world, told, &nobody.access, Reason::InvalidToken).await;
    if !dialect.shows.is_empty() {
        let bare = world.send(bare_call()).await;
        note_answer(dialect, told, bare, Reason::NoToken);
    }

    if let Ok(values) = sign_in(dialect, world, first).await {
        let token = Bearer::of(&values);
        world.set_enabled(false).await?;
        for index in &about {
            if token.refresh.is_none() && needs_refresh_token(dialect, *index) {
                continue;
            }
            note_ask(dialect, world, told, *index, &token, Reason::Disabled).await;
        }
        note_call(dialect, world, told, &token.access, Reason::Disabled).await;
        world.set_enabled(true).await?;
        world.clock.advance(dialect.policy.lifetime);
        note_call(dialect, world, told, &token.access, Reason::Expired).await;
    }
    if let Some(limit) =
        dialect.policy.limits.iter().find(|limit| limit.what == Limited::All && limit.count <= MOST_CALLS)
        && let Ok(values) = sign_in(dialect, world, first).await
    {
        let token = Bearer::of(&values);
        for _ in 0..limit.count {
            confirm(dialect, world, &token.access).await;
        }
        note_call(dialect, world, told, &token.access, Reason::Throttled).await;
        world.clock.advance(limit.per);
    }
    Ok(())
}

fn bare_call() -> OwnedRequest {
    OwnedRequest { method: Method::GET, target: API.to_owned(), headers: Vec::new(), body: String::new() }
}

async fn note_ask(dialect: &Dialect, world: &World, told: &mut Told<'_>, index: usize, token: &Bearer, reason: Reason) {
    let grant = dialect.exchanges.get(index).map_or("", |exchange| exchange.grant.name());
    let what = format!("{}, {grant}", reason.name());
    match ask_raw(dialect, world, index, token).await {
        Ok(response) => told.note(Place::Exchange(index), reason, what, read(dialect, index, &response)),
        Err(why) => told.section.check(what, Err(why)),
    }
}

async fn note_call(dialect: &Dialect, world: &World, told: &mut Told<'_>, token: &Secret<String>, reason: Reason) {
    if let Some(answered) = confirm(dialect, world, token).await {
        note_answer(dialect, told, answered, reason);
    }
}

fn note_answer(dialect: &Dialect, told: &mut Told<'_>, answered: Result<Response, String>, reason: Reason) {
    let what = format!("{}, a call", reason.name());
    let shows = (0..dialect.shows.len()).map(Place::Show);
    let read = answered.and_then(|response| {
        let read = shows.into_iter().find_map(|place| dialect.read_refusal(place, &parts(&response)));
        match read {
            Some(refusal) => Ok(refusal.reason),
            None if response.status == reason.status() => Ok(reason),
            None => Err(format!("its answer {} is not read as a refusal", response.status)),
        }
    });
    told.note(Place::Show(0), reason, what, read);
}

/// Wrong secrets, until the account is locked for whoever tries them.
async fn guesses(dialect: &Dialect, world: &World, told: &mut Told<'_>) {
    for index in sign_ins(dialect) {
        let wrong = wrong_requests(dialect, world, index).into_iter();
        let Some((_, request)) =
            wrong.into_iter().find(|(reason, _)| [Reason::WrongCredentials, Reason::InvalidClient].contains(reason))
        else {
            continue;
        };
        let mut last = None;
        for _ in 0..GUESSES {
            last = Some(world.send(request.clone()).await);
        }
        let what = format!("locked, {} {}", request.method, request.target);
        match last {
            Some(Ok(response)) => {
                told.note(Place::Exchange(index), Reason::Locked, what, read(dialect, index, &response))
            }
            Some(Err(why)) => told.section.check(what, Err(why)),
            None => {}
        }
    }
}
