//! Exchanges with steps: what each request adds, and the ticket that leads to the next.

use std::net::IpAddr;

use jeton_core::change::Change;
use jeton_core::dialect::{Exchange, Kind, Part, Value, Values};
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::time::Timestamp;

use super::act::{client_beside, sign_in};
use crate::app::App;
use crate::exchange::Ended;
use crate::fault::Fault;
use crate::mounts::Mount;
use crate::ticket::{LIFE, Place, Ticket};

/// What the request of one part is answered with. The credentials are decided with the part that completes them, by the
/// same function as any; before it nothing is written to the store, and after it only that the ticket was used.
pub(super) async fn answer(
    app: &App,
    mount: &Mount,
    part: Part,
    values: &Values,
    source: IpAddr,
) -> Result<Values, Ended> {
    let exchange = mount.dialect.exchanges.get(part.exchange).ok_or(Reason::NoRoute)?;
    let now = app.clock.now();
    let shown = shown(app, mount, part, values, now)?;
    let mut ticket = shown.clone().unwrap_or_else(Ticket::new);
    add(&mut ticket, mount, values)?;
    if part.number == part.proves {
        let grant = exchange.grant;
        client_beside(app, mount, grant, &ticket.asked, source).await?;
        let used = shown.map(|shown| shown.used(place(mount, part, ""), part.number, &app.pepper));
        let said = match sign_in(app, mount, grant, &ticket.asked, source, used.map(|digest| (digest, LIFE))).await {
            Err(Ended::Refused(refusal)) if used.is_some() && is_spent(&refusal) => return Err(spent().into()),
            said => said?,
        };
        ticket.granted = Some((app.clock.now(), said));
    } else if part.number == part.last {
        use_up(app, mount, part, &ticket, now).await?;
    }
    let asked = ticket.asked.clone();
    let mut said = match part.number == part.last {
        true => last_said(ticket, now),
        false => give(app, mount, part, exchange, ticket, now)?,
    };
    if let Some(index) = mount.dialect.parts(part.exchange).nth(part.number) {
        mount.dialect.echo(index, &asked, &mut said);
    }
    Ok(said)
}

/// The ticket that this request shows. Several are of one way through the exchange, and the latest says most.
fn shown(app: &App, mount: &Mount, part: Part, values: &Values, now: Timestamp) -> Result<Option<Ticket>, Refusal> {
    let mut latest: Option<Ticket> = None;
    for (name, value) in values.iter().filter(|(name, _)| mount.dialect.is_of_step(name)) {
        let text = match value {
            Value::Text(text) => text,
            Value::Secret(secret) => secret.expose(),
            _ => return Err(spent()),
        };
        let ticket = Ticket::open(text, place(mount, part, name), &app.pepper, now).ok_or_else(spent)?;
        if latest.as_ref().is_some_and(|latest| latest.id != ticket.id) {
            return Err(spent());
        }
        if latest.as_ref().is_none_or(|latest| latest.step < ticket.step) {
            latest = Some(ticket);
        }
    }
    match &latest {
        None if part.number == 0 => Ok(None),
        Some(ticket) if ticket.step + 1 == part.number => Ok(latest),
        _ => Err(spent()),
    }
}

/// What this request says beside what was said before it, which it cannot change.
fn add(ticket: &mut Ticket, mount: &Mount, values: &Values) -> Result<(), Refusal> {
    let made = |name: &str| mount.dialect.fields.iter().any(|field| field.made && field.name == name);
    for (name, value) in values.iter().filter(|(name, _)| !mount.dialect.is_of_step(name) && !made(name)) {
        match ticket.asked.get(name) {
            Some(before) if before != value => {
                return Err(Refusal::new(Reason::Malformed).field(name).detail(format!("{name} was another before")));
            }
            _ => ticket.asked.set(name, value.clone()),
        }
    }
    Ok(())
}

/// Writes down that the ticket led to a token, which it does once.
async fn use_up(app: &App, mount: &Mount, part: Part, ticket: &Ticket, now: Timestamp) -> Result<(), Ended> {
    let digest = ticket.used(place(mount, part, ""), part.number, &app.pepper);
    match app.store.commit(vec![Change::UseNonce { digest, expires_at: now + LIFE }]).await {
        Err(jeton_store::Error::Conflict) => Err(spent().into()),
        committed => Ok(committed?),
    }
}

/// What the last answer says: what was granted, with the time that has passed since taken off its life.
fn last_said(ticket: Ticket, now: Timestamp) -> Values {
    let Some((at, mut said)) = ticket.granted else { return Values::new() };
    if let Some(left) = said.number("expires_in") {
        let passed = i64::try_from(now.since(at).as_secs()).unwrap_or(i64::MAX);
        said.set("expires_in", left.saturating_sub(passed).max(0));
    }
    said
}

/// The answer of a step: a ticket in each place for one.
fn give(
    app: &App,
    mount: &Mount,
    part: Part,
    exchange: &Exchange,
    ticket: Ticket,
    now: Timestamp,
) -> Result<Values, Ended> {
    let ticket = Ticket { step: part.number, at: now, ..kept(ticket, mount, part) };
    let step = mount.dialect.exchanges.get(exchange.steps.start + part.number).ok_or(Reason::NoRoute)?;
    let mut said = ticket.granted.as_ref().map(|(_, said)| said.clone()).unwrap_or_default();
    said.set("issued_at", now);
    said.set("expires_at", now + LIFE);
    said.set("expires_in", i64::try_from(LIFE.as_secs()).unwrap_or_default());
    for slot in step.answer_slots().iter().filter(|slot| mount.dialect.is_of_step(&slot.name)) {
        let text = ticket.seal(place(mount, part, &slot.name), &app.pepper);
        let text = text.ok_or(Fault::new("a ticket could not be sealed"))?;
        match slot.kind {
            Kind::Secret => said.set(slot.name.as_str(), text),
            _ => said.set(slot.name.as_str(), text.expose().as_str()),
        }
    }
    Ok(said)
}

/// What later answers need of a ticket. Once they are proven, the credentials are not carried on.
fn kept(mut ticket: Ticket, mount: &Mount, part: Part) -> Ticket {
    let Some((_, said)) = &mut ticket.granted else { return ticket };
    let later: Vec<&Exchange> = mount
        .dialect
        .parts(part.exchange)
        .skip(part.number + 1)
        .filter_map(|index| mount.dialect.exchanges.get(index))
        .collect();
    let told = |name: &str| later.iter().any(|part| part.answer_slots().iter().any(|slot| slot.name == name));
    let asked = |name: &str| later.iter().any(|part| part.request_slots().iter().any(|slot| slot.name == name));
    *said = only(said, |name, _| told(name));
    ticket.asked = only(&ticket.asked, |name, value| !matches!(value, Value::Secret(_)) && (told(name) || asked(name)));
    ticket
}

fn only(values: &Values, keep: impl Fn(&str, &Value) -> bool) -> Values {
    let kept = values.iter().filter(|(name, value)| keep(name, value));
    kept.fold(Values::new(), |kept, (name, value)| kept.with(name, value.clone()))
}

fn place<'a>(mount: &'a Mount, part: Part, field: &'a str) -> Place<'a> {
    Place { realm: &mount.realm, dialect: &mount.dialect.name, exchange: part.exchange, field }
}

/// One answer for a ticket that is forged, too old, used up, or of another place.
fn spent() -> Refusal {
    Refusal::new(Reason::WrongCredentials).detail("the value of the step before is not good any more: begin again")
}

/// Whether the core refused for the nonce that the ticket was given to it as.
fn is_spent(refusal: &Refusal) -> bool {
    refusal.reason == Reason::Malformed && refusal.field.as_deref() == Some("nonce")
}
