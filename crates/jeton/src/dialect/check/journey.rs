//! A token's way from its sign-in to its end.

use http::Method;
use jeton_client::flow::Response;
use jeton_client::vault::Secrets;
use jeton_client::{Clock, Ended, Profile, Profiles, TokenSource};
use jeton_core::dialect::{
    AnswerParts, Dialect, End, Exchange, Field, GrantName, OwnedRequest, Place, Placed, ReadError, Slot, Value, Values,
    WriteError,
};
use jeton_core::domain::policy::Limited;
use jeton_core::domain::refusal::Reason;
use jeton_core::secret::Secret;

use super::refusals;
use super::report::Section;
use super::world::{API, REALM, World};

/// The exchanges that give a first token, at both ends.
pub(super) fn sign_ins(dialect: &Dialect) -> Vec<usize> {
    let grants = [GrantName::Password, GrantName::ApiKey, GrantName::ClientCredentials];
    of_grants(dialect, &grants)
}

/// The exchanges of these grants that a client writes and a server answers.
pub(super) fn of_grants(dialect: &Dialect, grants: &[GrantName]) -> Vec<usize> {
    let exchanges = dialect.exchanges.iter().enumerate();
    let both = exchanges.filter(|(_, exchange)| exchange.only.is_none() && grants.contains(&exchange.grant));
    both.map(|(index, _)| index).collect()
}

/// The client as its users have it: a profile, a token from it, from its cache, refreshed, ended.
pub(super) async fn client(dialect: &Dialect, world: &World) -> anyhow::Result<Section> {
    let mut section = Section::new("The client, with a profile");
    let by_itself = sign_ins(dialect);
    let client_side = |exchange: &Exchange| exchange.only != Some(End::Server);
    if by_itself.is_empty() && dialect.exchanges.iter().any(client_side) {
        section.skip("a token", "no sign-in is for both ends");
        return Ok(section);
    }
    let slots = by_itself.first().map(|index| dialect.whole_request_slots(*index));
    let wanted = |name: &str| match &slots {
        Some(slots) => slots.iter().any(|slot| slot.name == name && slot.required),
        None => name == "client_id" || name == "client_secret",
    };
    let mut profile = Profile {
        url: world.url.clone(),
        dialect: Some(world.folder.path().join("dialect.toml").display().to_string()),
        ..Profile::default()
    };
    if by_itself.is_empty() {
        profile.issuer = Some(format!("{}/realms/{REALM}", world.url));
    }
    let mut secrets = Secrets::new();
    let mut all = world.values(dialect, slots.as_deref().unwrap_or_default());
    for name in ["client_id", "client_secret"] {
        if let Some(value) = world.right.get(name).filter(|_| by_itself.is_empty()) {
            all.set(name, value.clone());
        }
    }
    for (name, value) in all.iter().filter(|(name, _)| wanted(name)) {
        match value {
            Value::Secret(secret) => drop(secrets.insert(name.to_owned(), secret.clone())),
            Value::Text(text) => drop(profile.values.insert(name.to_owned(), text.clone())),
            Value::Number(number) => drop(profile.values.insert(name.to_owned(), number.to_string())),
            Value::Bool(flag) => drop(profile.values.insert(name.to_owned(), flag.to_string())),
            Value::Time(_) => {}
        }
    }
    let profiles = Profiles::at(world.folder.path().join("client"));
    profiles.put("check", &profile, secrets, false)?;
    let source = TokenSource::open(&profiles, "check", Clock::standing_at(world.clock.now(), 0.5))?;

    let given = match source.token().await {
        Ok(given) => given.token,
        Err(error) => {
            section.check("a token", Err(error.to_string()));
            return Ok(section);
        }
    };
    section.check("a token", Ok(()));
    let again = source.token().await.map_err(|error| error.to_string());
    let kept = again.and_then(|again| match again.token.access == given.access {
        true => Ok(()),
        false => Err("it is another one: the life that the answer gives is too short".to_owned()),
    });
    section.check("the same token again, from the cache", kept);
    match source.show(&given, &Method::GET, API) {
        Ok(placed) => section.check("the token opens the API", opens(world, placed).await),
        Err(error) => section.skip("the token opens the API", error.to_string()),
    }
    if let Some(told) = source.user_info(&given).await.transpose() {
        section.check("whom it speaks for", told.map(drop).map_err(|error| error.to_string()));
    }
    let fresh = source.refresh().await;
    section.check("a new token, by refresh or sign-in", fresh.map(drop).map_err(|error| error.to_string()));
    match source.end().await {
        Ok(Ended::AtTheApi) => section.check("signed out", Ok(())),
        Ok(_) => section.skip("signed out", "the API has no sign-out: the token is forgotten here"),
        Err(error) => section.check("signed out", Err(error.to_string())),
    }
    Ok(section)
}

/// One sign-in and everything that its token can do.
pub(super) async fn exchange(dialect: &Dialect, world: &World, index: usize) -> anyhow::Result<Section> {
    let grant = dialect.exchanges.get(index).map_or("", |exchange| exchange.grant.name());
    let mut section = Section::new(format!("Exchange {}: {grant}", index + 1));
    let token = match sign_in(dialect, world, index).await {
        Ok(values) => {
            section.check("a token", Ok(()));
            Bearer::of(&values)
        }
        Err(why) => {
            section.check("a token", Err(why));
            return Ok(section);
        }
    };
    if let Some(what) = confirm(dialect, world, &token.access).await {
        section.check("the token opens the API", what.and_then(let_in));
    }
    for index in of_grants(dialect, &[GrantName::UserInfo]) {
        section.check("whom it speaks for", ask(dialect, world, index, &token).await.map(drop));
    }
    let mut newest = token;
    for index in of_grants(dialect, &[GrantName::Refresh, GrantName::Renew]) {
        if newest.refresh.is_none() && needs_refresh_token(dialect, index) {
            section.skip("a new token by refresh", "this sign-in gives no refresh token");
            continue;
        }
        // The last renewal may have been a moment ago.
        dialect
            .policy
            .limits
            .iter()
            .filter(|limit| limit.what == Limited::Renew)
            .for_each(|limit| world.clock.advance(limit.per));
        match ask(dialect, world, index, &newest).await {
            Ok(values) => {
                section.check("a new token by refresh", Ok(()));
                newest = Bearer {
                    refresh: values.secret("refresh_token").cloned().or(newest.refresh),
                    ..Bearer::of(&values)
                };
                if let Some(what) = confirm(dialect, world, &newest.access).await {
                    section.check("the new token opens the API", what.and_then(let_in));
                }
            }
            Err(why) => section.check("a new token by refresh", Err(why)),
        }
    }
    for index in of_grants(dialect, &[GrantName::End]) {
        if newest.refresh.is_none() && needs_refresh_token(dialect, index) {
            section.skip("the token ends", "this sign-in gives no refresh token");
            continue;
        }
        section.check("the token ends", ask(dialect, world, index, &newest).await.map(drop));
        if let Some(what) = confirm(dialect, world, &newest.access).await {
            section.check("an ended token is refused", what.and_then(refused(dialect, Reason::Revoked)));
        }
    }
    if let Ok(values) = sign_in(dialect, world, index).await {
        world.clock.advance(dialect.policy.lifetime);
        if let Some(what) = confirm(dialect, world, &Bearer::of(&values).access).await {
            section.check("a token is refused when its life is over", what.and_then(refused(dialect, Reason::Expired)));
        }
    }
    Ok(section)
}

/// Whether a request of the exchange cannot be written without a refresh token.
pub(super) fn needs_refresh_token(dialect: &Dialect, index: usize) -> bool {
    let slots = dialect.exchanges.get(index).map(Exchange::request_slots).unwrap_or_default();
    slots.iter().any(|slot| slot.name == "refresh_token" && slot.required)
}

/// A token, and what it is refreshed with.
pub(super) struct Bearer {
    pub(super) access: Secret<String>,
    pub(super) refresh: Option<Secret<String>>,
}

impl Bearer {
    pub(super) fn of(values: &Values) -> Self {
        let secret = |name: &str| values.secret(name).cloned();
        Self { access: secret("access_token").unwrap_or_default(), refresh: secret("refresh_token") }
    }
}

/// What the answer to this sign-in says, after its steps.
pub(super) async fn sign_in(dialect: &Dialect, world: &World, index: usize) -> Result<Values, String> {
    let mut given = Values::new();
    for part in dialect.parts(index) {
        let exchange = dialect.exchanges.get(part).ok_or("no such exchange")?;
        let mut values = world.values(dialect, &exchange.request_slots());
        given.iter().for_each(|(name, value)| values.set(name, value.clone()));
        let request = dialect.write_request(part, &values, &world.settings).map_err(|error| error.to_string())?;
        let said = read(dialect, part, &world.send(request).await?)?;
        if part == index {
            return Ok(said);
        }
        said.iter()
            .filter(|(name, _)| dialect.is_of_step(name))
            .for_each(|(name, value)| given.set(name, value.clone()));
    }
    Err("no such exchange".to_owned())
}

/// What the answer says to a request about a token.
async fn ask(dialect: &Dialect, world: &World, index: usize, token: &Bearer) -> Result<Values, String> {
    read(dialect, index, &ask_raw(dialect, world, index, token).await?)
}

/// The answer to a request about a token.
pub(super) async fn ask_raw(
    dialect: &Dialect,
    world: &World,
    index: usize,
    token: &Bearer,
) -> Result<Response, String> {
    let exchange = dialect.exchanges.get(index).ok_or("no such exchange")?;
    let slots = exchange.request_slots();
    let mut values = world.values(dialect, &slots).with("access_token", token.access.clone());
    if let Some(refresh) = &token.refresh {
        values.set("refresh_token", refresh.clone());
    }
    let wrong = |error: WriteError| error.to_string();
    let mut request = dialect.write_request(index, &values, &world.settings).map_err(wrong)?;
    let is_token = |slot: &Slot| slot.name == "access_token" || slot.name == "refresh_token";
    if exchange.grant.shows_token() && !slots.iter().any(is_token) {
        let path = request.target.split('?').next().unwrap_or_default();
        let also = world.values(dialect, &beside(dialect));
        let placed = dialect.place_token(&request.method, path, &token.access, &also).map_err(wrong)?;
        request.target = with_query(&request.target, &placed);
        request.headers.extend(placed.headers);
    }
    world.send(request).await
}

/// The gate's answer to a call that shows the token; nothing if no call can show one.
pub(super) async fn confirm(
    dialect: &Dialect,
    world: &World,
    token: &Secret<String>,
) -> Option<Result<Response, String>> {
    let also = world.values(dialect, &beside(dialect));
    let placed = dialect.place_token(&Method::GET, API, token, &also).ok()?;
    Some(call(world, placed).await)
}

/// What may stand beside a token.
fn beside(dialect: &Dialect) -> Vec<Slot> {
    let slot = |field: &Field| Slot { name: field.name.clone(), kind: field.kind, required: false };
    dialect.fields.iter().map(slot).collect()
}

async fn call(world: &World, placed: Placed) -> Result<Response, String> {
    let target = with_query(API, &placed);
    let request = OwnedRequest { method: Method::GET, target, headers: placed.headers, body: String::new() };
    world.send(request).await
}

async fn opens(world: &World, placed: Placed) -> Result<(), String> {
    call(world, placed).await.and_then(let_in)
}

fn with_query(target: &str, placed: &Placed) -> String {
    placed.query.iter().fold(target.to_owned(), |target, (name, value)| {
        format!("{target}{}{name}={value}", if target.contains('?') { '&' } else { '?' })
    })
}

fn let_in(response: Response) -> Result<(), String> {
    match response.status {
        200 => Ok(()),
        status => Err(format!("the gate answers {status}")),
    }
}

/// Whether the gate said no, in words of the dialect that a client takes for `reason`.
fn refused(dialect: &Dialect, reason: Reason) -> impl FnOnce(Response) -> Result<(), String> {
    move |response| {
        let places = (0..dialect.shows.len()).map(Place::Show);
        match places.into_iter().find_map(|place| dialect.read_refusal(place, &parts(&response))) {
            Some(refusal) if refusals::is_read_as(dialect, Place::Show(0), reason, refusal.reason) => Ok(()),
            Some(refusal) => Err(format!("{} is read as `{}`", response.status, refusal.reason.name())),
            None if response.status == reason.status() => Ok(()),
            None => Err(format!("{} is not read as a refusal", response.status)),
        }
    }
}

pub(super) fn parts(response: &Response) -> AnswerParts<'_> {
    AnswerParts {
        status: response.status,
        reason_phrase: response.reason_phrase.as_deref(),
        headers: &response.headers,
        body: response.body.expose(),
    }
}

fn read(dialect: &Dialect, index: usize, response: &Response) -> Result<Values, String> {
    dialect.read_answer(index, &parts(response)).map_err(|error| match error {
        ReadError::Refused(refusal) => {
            let detail = refusal.detail.map(|detail| format!(" ({detail})")).unwrap_or_default();
            format!("refused with {}: {}{detail}", response.status, refusal.reason.name())
        }
        ReadError::Shape(why) => format!("the answer {} cannot be read: {why}", response.status),
    })
}
