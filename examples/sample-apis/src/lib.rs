//! Four small APIs for the demo to protect, one for each of the first dialects.
//!
//! They hold no token code: whoever calls them is told by the identity headers that the gate sets
//! (`X-Jeton-Subject` and its kin), and what they answer is sample data compiled in, the same at every start.
//! They must not be reachable except through the gate, since anybody could write those headers.

mod caller;
mod events;
mod message;
mod orders;
mod runs;
mod wallets;

use axum::Router;

/// Which sample API to build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// People and operations in InEvent's shape: `/?action=person.get` or `/person/get`.
    Events,
    /// Orders in Pitchpoint's shape: `POST /riskinsight-services-ws/resources/v1/orders/query`.
    Orders,
    /// Production runs in ION's shape: `POST /graphql`.
    Runs,
    /// Wallets in Zro's shape: `GET /operations/wallets`.
    Wallets,
}

impl Api {
    /// Every sample API, in the order of the demo's realms.
    pub const ALL: [Self; 4] = [Self::Events, Self::Orders, Self::Runs, Self::Wallets];
}

/// The routes of one sample API, to be put behind the gate of its realm.
///
/// No request makes it answer with a 5xx status.
pub fn router(api: Api) -> Router {
    match api {
        Api::Events => events::router(),
        Api::Orders => orders::router(),
        Api::Runs => runs::router(),
        Api::Wallets => wallets::router(),
    }
}
