//! No request makes a sample API panic or answer 5xx.

use jeton_sample_apis::Api;
use proptest::prelude::*;

use crate::call::call;

const METHODS: [&str; 5] = ["GET", "POST", "PUT", "HEAD", "OPTIONS"];
const PATHS: [&str; 9] = [
    "/",
    "/api",
    "/api/describe",
    "/person/get",
    "/graphql",
    "/health",
    "/operations/wallets",
    "/operations/wallet-accounts",
    "/riskinsight-services-ws/resources/v1/orders/query",
];

fn body() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..64),
        Just("[".repeat(5_000).into_bytes()),
        Just(format!(r#"{{"query":"{}"}}"#, "{me".repeat(5_000)).into_bytes()),
        (any::<i64>(), "\\PC{0,20}").prop_map(|(limit, marker)| {
            serde_json::json!({ "limit": limit, "marker": marker, "filters": { marker.clone(): limit } })
                .to_string()
                .into_bytes()
        }),
        (any::<i32>(), any::<i32>(), "[a-z:0-9]{0,12}").prop_map(|(first, last, cursor)| {
            let query = format!(
                "{{ a: runs(first: {first}, after: \"{cursor}\") {{ edges {{ node {{ id }} }} }} \
                 b: runs(last: {last}, before: \"run:{first}\") {{ pageInfo {{ count }} }} }}"
            );
            serde_json::json!({ "query": query }).to_string().into_bytes()
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn is_never_a_fault_of_ours(
        api in prop::sample::select(&Api::ALL[..]),
        method in prop::sample::select(&METHODS[..]),
        path in prop::sample::select(&PATHS[..]),
        query in "(action|page|size|sort|order|x)=[a-z0-9.%_-]{0,24}(&(page|size|action)=[0-9.-]{0,24})?",
        json in any::<bool>(),
        body in body(),
    ) {
        let line = format!("{method} {path}?{query}");
        let headers: &[&str] = if json { &["Content-Type: application/json", "X-Jeton-Subject: 7"] } else { &[] };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let answer = runtime.block_on(call(api, &line, headers, &body));
        prop_assert!(answer.status.as_u16() < 500, "{api:?} {line}: {}", answer.status);
    }
}
