//! OAuth's own sessions: begun with a password, refreshed, narrowed, ended.

mod assertion;
mod certificate_bound;
mod device;
mod dpop;
mod introspection;
mod logout;
mod metadata;
mod mtls;
mod protected_resource;
mod refresh;
mod registration;
mod resources;
mod reuse;
mod revocation;
mod storm;
mod token_exchange;

use jeton_core::domain::client::{AuthMethod, ClientSettings, RefreshSettings, TokenFormat};
use jeton_core::domain::grant::GrantType::{ClientCredentials, Password, RefreshToken};
use jeton_core::domain::realm::Settings;

use crate::harness::{ADA, Answer, BOB, Key, Options, Person, Server};

const REALM: &str = "shop";

/// A realm with every way to a session: `web` rotates, `keep` does not, `opaque` has random texts, `app` is public.
struct Shop {
    server: Server,
    web: Key,
    keep: Key,
    opaque: Key,
    app: Key,
    api: Key,
}

async fn shop() -> Shop {
    shop_on(Server::start().await).await
}

async fn shop_on(server: Server) -> Shop {
    let settings = Settings { grants: vec![ClientCredentials, RefreshToken, Password], ..Settings::default() };
    let seed = server.seed();
    seed.realm(REALM, settings).await;
    seed.person(REALM, ADA, 1, &[], &[]).await;
    seed.person(REALM, BOB, 2, &[], &[]).await;
    let web = ClientSettings {
        grants: vec![RefreshToken, Password],
        scopes: ["read", "write", "admin"].map(str::to_owned).to_vec(),
        audiences: ["https://orders.example", "https://bills.example"].map(str::to_owned).to_vec(),
        ..ClientSettings::default()
    };
    let keep =
        ClientSettings { refresh: RefreshSettings { rotate: false, ..RefreshSettings::default() }, ..web.clone() };
    let opaque = ClientSettings {
        grants: vec![ClientCredentials, RefreshToken, Password],
        access_token: TokenFormat::Opaque,
        ..web.clone()
    };
    let app = ClientSettings { auth: Some(AuthMethod::None), ..keep.clone() };
    let api = ClientSettings { resource_server: true, ..ClientSettings::default() };
    let keys = [
        seed.client(REALM, "web", web).await,
        seed.client(REALM, "keep", keep).await,
        seed.client(REALM, "opaque", opaque).await,
        seed.client(REALM, "app", app).await,
        seed.client(REALM, "api", api).await,
    ];
    let [web, keep, opaque, app, api] = keys;
    // A public client has nothing to show.
    let app = Key { secret: String::new(), ..app };
    Shop { server, web, keep, opaque, app, api }
}

impl Shop {
    async fn token(&self, client: &Key, fields: &[(&str, &str)]) -> Answer {
        self.server.oauth(REALM, "token", client, fields).await
    }

    async fn sign_in(&self, client: &Key, person: Person) -> Answer {
        self.sign_in_for(client, person, &[]).await
    }

    async fn sign_in_for(&self, client: &Key, person: Person, more: &[(&str, &str)]) -> Answer {
        let fields = [("grant_type", "password"), ("username", person.username), ("password", person.password)];
        self.token(client, &[&fields, more].concat()).await
    }

    async fn refresh(&self, client: &Key, token: &str, more: &[(&str, &str)]) -> Answer {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.token(client, &[&fields, more].concat()).await
    }

    async fn introspect(&self, token: &str) -> serde_json::Value {
        self.server.oauth(REALM, "token/introspect", &self.api, &[("token", token)]).await.json()
    }

    async fn lives(&self, token: &str) -> bool {
        self.introspect(token).await["active"] == true
    }

    /// Why sessions were ended for reuse, newest first.
    async fn reuses(&self) -> Vec<String> {
        let lines = self.server.app.store.newest_audit(999).await.unwrap();
        lines.into_iter().filter(|line| line.event == "token.reused").map(|line| line.detail).collect()
    }
}

fn access(answer: &Answer) -> String {
    answer.text("/access_token")
}

fn refresh_of(answer: &Answer) -> String {
    answer.text("/refresh_token")
}

/// Status and `error`.
fn no(answer: &Answer) -> (u16, String) {
    (answer.status, answer.text("/error"))
}

fn invalid_grant() -> (u16, String) {
    (400, "invalid_grant".to_owned())
}

/// The realm on a server that takes load.
async fn busy() -> Shop {
    shop_on(Server::start_with(Options::default()).await).await
}

/// The claims of a JWT, unverified.
pub(crate) fn claims(token: &str) -> serde_json::Value {
    use base64::Engine;
    let payload = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
