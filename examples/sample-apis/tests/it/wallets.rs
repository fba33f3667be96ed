use jeton_sample_apis::Api::Wallets;
use serde_json::{Value, json};

use crate::call::call;

#[tokio::test]
async fn health_needs_nobody() {
    let answer = call(Wallets, "GET /health", &[], b"").await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.text,
        r#"{"status":"ok","info":{"database":{"status":"up"}},"error":{},"details":{"database":{"status":"up"}}}"#
    );
}

#[tokio::test]
async fn pages_come_in_the_envelope() {
    // path and query, page, size, pages, rows in all, rows here
    for (target, page, size, pages, total, rows) in [
        ("/operations/wallets", 1, 20, 1, 3, 3),
        ("/operations/wallets?page=2&size=2&other=1", 2, 2, 2, 3, 1),
        ("/operations/wallets?page=9", 9, 20, 1, 3, 0),
        ("/operations/wallets?page=4294967296&size=100", 4_294_967_296_u64, 100, 1, 3, 0),
        ("/operations/wallet-accounts?size=4", 1, 4, 2, 6, 4),
    ] {
        let answer = call(Wallets, &format!("GET {target}"), &[], b"").await;
        assert_eq!(answer.status, 200, "{target}");
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        let mut body = answer.json();
        let here = body["data"]["data"].take();
        assert_eq!(here.as_array().map(Vec::len), Some(rows), "{target}");
        assert_eq!(
            body,
            json!({
                "success": true,
                "data": { "page": page, "page_size": size, "page_total": pages, "total": total, "data": null },
                "error": null,
            }),
            "{target}"
        );
    }
}

#[tokio::test]
async fn rows_are_sorted_as_asked() {
    let newest = |body: &Value| body["data"]["data"][0]["name"].clone();
    for (query, name) in [
        ("", "Sample wallet 1"),
        ("?order=asc", "Sample wallet 1"),
        ("?order=desc", "Sample wallet 3"),
        ("?sort=id&order=desc", "Sample wallet 3"),
    ] {
        let answer = call(Wallets, &format!("GET /operations/wallets{query}"), &[], b"").await;
        assert_eq!(newest(&answer.json()), name, "{query}");
    }
}

#[tokio::test]
async fn every_account_belongs_to_a_wallet() {
    let wallets = call(Wallets, "GET /operations/wallets", &[], b"").await.json();
    let accounts = call(Wallets, "GET /operations/wallet-accounts", &[], b"").await.json();
    let ids: Vec<&Value> =
        wallets["data"]["data"].as_array().expect("a list").iter().map(|wallet| &wallet["id"]).collect();
    for account in accounts["data"]["data"].as_array().expect("a list") {
        assert!(ids.contains(&&account["wallet_id"]), "{account}");
    }
}

#[tokio::test]
async fn bad_values_are_validation_errors() {
    let page = "The page value must be a whole number, 1 or more.";
    let size = "The size value must be a whole number from 1 to 100.";
    for (query, message) in [
        ("page=0", page),
        ("page=-1", page),
        ("page=", page),
        ("page=99999999999999999999", page),
        ("size=0", size),
        ("size=101", size),
        ("size=ten", size),
        ("sort=name", "The sort value must be created_at, id or state."),
        ("order=up", "The order value must be asc or desc."),
        ("page=1&page=2", "The field page was informed twice."),
    ] {
        let answer = call(Wallets, &format!("GET /operations/wallets?{query}"), &[], b"").await;
        assert_eq!(answer.status, 422, "{query}");
        assert_eq!(
            answer.text,
            format!(r#"{{"success":false,"data":null,"error":"USER","message":"{message}","code":"VALIDATION"}}"#),
            "{query}"
        );
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused_in_the_envelope() {
    for (line, status, code, allow) in [
        ("POST /operations/wallets", 405, "METHOD_NOT_ALLOWED", "GET, HEAD"),
        ("DELETE /health", 405, "METHOD_NOT_ALLOWED", "GET, HEAD"),
        ("GET /operations", 404, "NOT_FOUND", ""),
    ] {
        let answer = call(Wallets, line, &[], b"").await;
        assert_eq!(answer.status, status, "{line}");
        assert_eq!(answer.json()["code"], code, "{line}");
        assert_eq!(answer.header("allow"), allow, "{line}");
    }
}
