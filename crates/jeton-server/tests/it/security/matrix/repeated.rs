//! Every parameter of every request of OAuth's, written twice (A13).

use super::oauth;
use super::rows::rows;
use super::world::World;
use crate::harness::MINUTE;

/// Parameters that may stand several times (RFC 8707 §2, RFC 8693 §2.1), and one that nobody knows.
const MAY_REPEAT: [&str; 3] = ["resource", "audience", "flavour"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a13_no_parameter_stands_twice_and_unknown_ones_are_ignored() {
    let world = World::new().await;
    let (rows, _) = rows();
    let (mut asked, mut wrong) = (0, Vec::new());
    for row in rows.iter().filter(|row| row.realm == oauth::REALM) {
        let fields = (row.ask)(&world.server, row, &world.proof(row).await).fields();
        // Without a form there is nothing to add to.
        for field in fields.iter().map(String::as_str).chain(fields.first().map(|_| "flavour=plain")) {
            let name = field.split('=').next().unwrap();
            world.server.clock.advance(MINUTE * 2);
            let answer = (row.ask)(&world.server, row, &world.proof(row).await).and(field).await;
            asked += 1;
            let as_expected =
                if MAY_REPEAT.contains(&name) { (row.yes)(&answer) } else { matches!(answer.status, 400 | 401) };
            if !as_expected {
                wrong.push(format!("{} as {:?} with {name} once more: {answer:?}", row.way, row.kind));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {asked}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 200, "only {asked} requests");
}
