//! `POST /realms/{realm}/protocol/openid-connect/auth/device` (RFC 8628 §3.1).

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use jeton_core::domain::client::{AuthMethod, Client};
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::realm::Realm;
use jeton_core::domain::refusal::{Reason, Refusal};
use jeton_core::rules::device;
use jeton_core::wire::device_authorization::{self, verification_uri};

use super::client::asked;
use super::realm;
use super::receive::Received;
use super::respond::refusal_of;
use super::router::Http;
use crate::app::App;
use crate::limiter::source_prefix;
use crate::random::SystemRng;

/// So many devices of public clients may ask from one source in [`PER`], which is how long their codes are good: more than
/// a house or an office has, and no more rows than that from somebody who only asks.
const DEVICES: u32 = 60;
const PER: Duration = Duration::from_secs(600);

pub(super) async fn post(State(http): State<Http>, Path(realm): Path<String>, request: Request) -> Response {
    realm::answer(&http.app, &realm, request, begin).await
}

async fn begin(app: &App, realm: &Realm, received: Received) -> Result<Response, Refusal> {
    // What is switched off is not there (security.md I1).
    if !realm.settings.grants.contains(&GrantType::DeviceCode) {
        return Err(Reason::NoRoute.into());
    }
    let (form, client) = match asked(app, realm, &received, &["resource"]).await? {
        Ok(asked) => asked,
        Err(challenge) => return Ok(challenge),
    };
    let resources: Vec<String> = form.fields("resource").map(str::to_owned).collect();
    let asked = (form.field("scope"), resources.as_slice());
    let decision = device::begin(realm, &client, &app.pepper, asked, app.clock.now(), &mut SystemRng::new());
    let begun = decision.answer?;
    take_place(app, &client, &received)?;
    // Two codes that are the same come once in a lifetime of the realm: the client asks again.
    app.store.commit(decision.changes).await.map_err(|error| refusal_of(error.into()))?;
    let page = verification_uri(realm, &app.site.public_url);
    Ok(device_authorization::answer(&begun, &page).map(Body::from))
}

/// Counts a device of a client that proves nothing where it asks from (RFC 8628 §5.1): anybody can write its name.
fn take_place(app: &App, client: &Client, received: &Received) -> Result<(), Refusal> {
    if client.settings.auth != Some(AuthMethod::None) {
        return Ok(());
    }
    let key = ("device", source_prefix(received.source));
    app.limiter.take(key, DEVICES, PER, app.clock.now()).map_err(|wait| {
        app.metrics.refusals(Reason::Throttled.name()).inc();
        Refusal::new(Reason::Throttled).retry_after(wait)
    })
}
