//! The four ways in, as a client of each API goes them, and one protected call of each.

use serde_json::json;

use super::client::{Answer, Call, form};
use super::seed::{ADA, GRACE, Key, Person};
use super::server::Server;

/// Pitchpoint's sign-in.
pub(crate) const SIGN_IN: &str = "/user-management-services-ws/oauth2/002/signInWithPassword";
/// Pitchpoint's refresh.
pub(crate) const REFRESH: &str = "/user-management-services-ws/oauth2/002/refreshIdToken";
/// Pitchpoint's protected call.
pub(crate) const ORDERS: &str = "/riskinsight-services-ws/resources/v1/orders/query";

/// An access token and its refresh token.
#[derive(Clone, Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
}

impl Server {
    /// InEvent: asks for a token; with an event in `more`, for that event's.
    pub(crate) fn inevent(&self, person: Person, password: &str, more: &[(&str, &str)]) -> Call {
        let query = [&[("action", "person.signIn"), ("username", person.username)], more].concat();
        self.post(&format!("/?{}", form(&query))).form(&[("password", password)])
    }

    /// InEvent: Ada's token for the whole realm.
    pub(crate) async fn inevent_token(&self) -> String {
        self.inevent(ADA, ADA.password, &[]).await.text("/data/0/tokenID")
    }

    /// InEvent: `person.get` with this token in the query.
    pub(crate) async fn person_get(&self, token: &str) -> Answer {
        self.get(&format!("/?action=person.get&tokenID={token}")).await
    }

    /// Pitchpoint: asks for a token.
    pub(crate) fn pitchpoint(&self, username: &str, password: &str) -> Call {
        self.post(SIGN_IN).json(json!({ "username": username, "password": password }).to_string())
    }

    /// Pitchpoint: Grace's tokens.
    pub(crate) async fn pitchpoint_tokens(&self) -> Tokens {
        let answer = self.pitchpoint(GRACE.username, GRACE.password).await;
        Tokens { access: answer.text("/access_token"), refresh: answer.text("/refresh_token") }
    }

    /// Pitchpoint: refreshes.
    pub(crate) fn refresh(&self, refresh_token: &str) -> Call {
        self.post(REFRESH).json(json!({ "refresh_token": refresh_token }).to_string())
    }

    /// Pitchpoint: a protected call with this token.
    pub(crate) async fn orders(&self, token: &str) -> Answer {
        self.post(ORDERS).bearer(token).json("{}").await
    }

    /// OAuth: an endpoint of a realm (`token`, `token/introspect`, `revoke`) with a form in which the client proves itself.
    pub(crate) fn oauth(&self, realm: &str, endpoint: &str, client: &Key, more: &[(&str, &str)]) -> Call {
        let fields = [&[("client_id", client.id.as_str()), ("client_secret", &client.secret)], more].concat();
        self.post(&format!("/realms/{realm}/protocol/openid-connect/{endpoint}")).form(&fields)
    }

    /// OAuth: a client's own token.
    pub(crate) async fn client_token(&self, realm: &str, client: &Key) -> String {
        self.oauth(realm, "token", client, &[("grant_type", "client_credentials")]).await.text("/access_token")
    }

    /// ION: the seeded client's token.
    pub(crate) async fn ion_token(&self) -> String {
        self.client_token("api-keys", &self.ion).await
    }

    /// ION: a GraphQL call with this `Authorization`.
    pub(crate) async fn graphql(&self, authorization: &str) -> Answer {
        self.post("/graphql").header("Authorization", authorization).json(r#"{"query":"{ me { id } }"}"#).await
    }

    /// Zro: asks for a token.
    pub(crate) fn zro_sign_in(&self, key: &Key) -> Call {
        self.post("/auth/signin").json(json!({ "api_id": key.id, "api_key": key.secret }).to_string())
    }

    /// Zro: the seeded key's token.
    pub(crate) async fn zro_token(&self) -> String {
        self.zro_sign_in(&self.zro).await.text("/access_token")
    }

    /// Zro: renews a token.
    pub(crate) fn renew(&self, token: &str) -> Call {
        self.post("/auth/refresh-token").header("x-access-token", token)
    }

    /// Zro: a protected call with this token.
    pub(crate) async fn wallets(&self, token: &str) -> Answer {
        let nonce = "0f8fad5b-d9cb-469f-a165-70867728950e";
        self.get("/operations/wallets").bearer(token).header("nonce", nonce).await
    }
}
