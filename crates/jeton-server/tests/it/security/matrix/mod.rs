//! Every way to a yes times every reason for a no (D8, E8, G4, G11, I8; conclusion 1 of the threat model).
//!
//! The ways are taken from the router, from OAuth's grant types and ways of authentication, from the dialects' files and
//! from the realms' gates: one without a row fails the test, or does not compile. In each cell the same request is accepted
//! first, then the one reason is given, and it is not.

mod bound;
mod by_file;
mod oauth;
mod registration;
mod repeated;
mod rows;
mod world;

use std::collections::BTreeSet;

use jeton_core::dialect::{Dialect, GrantName};
use jeton_server::http::Route;

use self::rows::rows;
use self::world::World;
use crate::harness::{MINUTE, Server};

/// Every way there is: from the router, from the dialects' files, from the realms that have an API behind a gate.
async fn ways(server: &Server) -> BTreeSet<String> {
    let mut ways: BTreeSet<String> = Route::ALL.iter().map(|route| route.path().to_owned()).collect();
    ways.extend(oauth::ways());
    for (name, text) in Dialect::built_in() {
        let dialect = Dialect::parse(text).unwrap();
        let exchanges = dialect.exchanges.iter();
        ways.extend(exchanges.map(|exchange| match exchange.grant {
            GrantName::End => format!("{name}/end"),
            grant => format!("{name}/{}", grant.name()),
        }));
    }
    let realms = server.app.store.realms().await.unwrap();
    for realm in realms.into_iter().filter(|realm| !realm.settings.gate.is_empty()) {
        ways.insert(format!("gate/{}", realm.name));
    }
    ways
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d8_e8_g4_g11_every_way_to_a_yes_knows_every_reason_for_a_no() {
    let world = World::new().await;
    let (rows, nothing) = rows();
    let mut covered: BTreeSet<String> = rows.iter().map(|row| row.way.clone()).collect();
    covered.extend(nothing);
    let missing: Vec<String> = ways(&world.server).await.difference(&covered).cloned().collect();
    assert_eq!(missing, Vec::<String>::new(), "ways without a row");

    let (mut cells, mut wrong) = (0, Vec::new());
    for row in &rows {
        for reason in World::reasons(row) {
            cells += 1;
            let what = format!("{} in {} as {:?}, {reason:?}", row.way, row.realm, row.kind);
            let proof = world.proof(row).await;
            let accepted = (row.ask)(&world.server, row, &proof).await;
            if !(row.yes)(&accepted) {
                wrong.push(format!("{what}: refused although nothing is wrong: {accepted:?}"));
            }
            world.server.clock.advance(MINUTE * 2);
            let mut proof = world.proof(row).await;
            world.spoil(row, reason, &mut proof).await;
            let refused = (row.ask)(&world.server, row, &proof).await;
            if (row.yes)(&refused) || refused.status >= 500 {
                wrong.push(format!("{what}: {refused:?}"));
            }
            world.mend(row, reason).await;
        }
    }
    assert!(wrong.is_empty(), "{} of {cells} cells:\n{}", wrong.len(), wrong.join("\n"));
    assert!(cells > 1000, "only {cells} cells");
}
