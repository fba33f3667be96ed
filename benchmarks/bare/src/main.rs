//! The least that a server must do for a token: HTTP, and the one cryptographic act that cannot be left out.
//!
//! No store, no log, no limits, one client, one person. What Jeton costs beyond this is what Jeton adds.
//! Reads the credentials it shall accept as JSON from standard input, and prints its address when it is ready.
#![expect(clippy::print_stdout, reason = "its address is what it prints")]

mod client;
mod introspect;
mod keys;
mod password;
mod token;
mod verify;

use std::sync::Arc;

use axum::Router;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio::net::TcpListener;

use self::client::Clients;
use self::introspect::Tokens;
use self::keys::Keys;
use self::password::People;

/// What is accepted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Credentials {
    client_id: String,
    client_secret: String,
    /// An opaque token that introspection calls active.
    opaque_token: String,
    /// Of every person, whatever the username.
    password: String,
}

/// What every handler is given.
struct Bare {
    clients: Clients,
    keys: Keys,
    tokens: Tokens,
    people: People,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let accepted: Credentials = serde_json::from_reader(std::io::stdin().lock())?;
    let bare = Arc::new(Bare {
        clients: Clients::with(&accepted.client_id, &accepted.client_secret),
        keys: Keys::generate()?,
        tokens: Tokens::with(&accepted.opaque_token),
        people: People::with(&accepted.password)?,
    });
    let router = Router::new()
        .route("/{alg}/token", post(token::post))
        .route("/{alg}/certs", get(keys::get))
        .route("/introspect", post(introspect::post))
        .route("/verify", get(verify::get))
        .route("/sign-in", post(password::post))
        .with_state(bare);
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", socket.local_addr()?);
    axum::serve(socket, router).await?;
    Ok(())
}

/// The headers of every answer that carries JSON.
const JSON: [(HeaderName, HeaderValue); 2] = [
    (CONTENT_TYPE, HeaderValue::from_static("application/json")),
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
