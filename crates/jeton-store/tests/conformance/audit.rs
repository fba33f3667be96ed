use jeton_core::change::{Audit, Change};

use crate::world::{at, audit, id, worlds};

#[tokio::test]
async fn the_newest_lines_in_the_order_they_were_written() {
    for world in worlds().await {
        let full = Audit {
            at: at(9),
            realm_id: Some(world.realm.id),
            principal_id: Some(world.ann.id),
            session_id: Some(id(40)),
            source: "192.0.2.1".to_owned(),
            detail: "a 'quoted' word".to_owned(),
            ..audit("session.started")
        };
        let lines = ["one", "two", "three"].map(|event| Change::Audit(Audit { event, at: at(5), ..audit("") }));
        world.store.append_audit(full.clone()).await.expect("a line");
        world.store.commit(lines.to_vec()).await.expect("three lines");
        let trail = world.store.newest_audit(4).await.expect("the trail");
        assert_eq!(
            trail.iter().map(|line| line.event.as_str()).collect::<Vec<_>>(),
            ["session.started", "three", "two", "one"]
        );
        let newest = &trail[0];
        assert_eq!((newest.at, newest.realm_id, newest.principal_id), (full.at, full.realm_id, full.principal_id));
        assert_eq!((newest.session_id, &newest.source, &newest.detail), (full.session_id, &full.source, &full.detail));
    }
}

#[tokio::test]
async fn a_refused_change_leaves_no_line() {
    for world in worlds().await {
        let before = world.store.newest_audit(99).await.expect("the trail");
        assert!(world.store.set_client_enabled(id(99), false, audit("client.disabled")).await.is_err());
        assert_eq!(world.store.newest_audit(99).await, Ok(before.clone()));
        world.store.set_client_enabled(world.client.id, false, audit("client.disabled")).await.expect("disabled");
        assert_eq!(world.store.newest_audit(99).await.expect("the trail").len(), before.len() + 1);
    }
}
