use jeton_sample_apis::Api::Orders;
use serde_json::json;

use crate::call::{Answer, call};

const LINE: &str = "POST /riskinsight-services-ws/resources/v1/orders/query";
const JSON: [&str; 1] = ["Content-Type: application/json"];

async fn query(body: &str) -> Answer {
    call(Orders, LINE, &JSON, body.as_bytes()).await
}

#[tokio::test]
async fn pages_have_the_size_asked_for() {
    // body, count, limit, next marker
    for (body, count, limit, next) in [
        ("", 100, 100, json!("o10101")),
        ("{}", 100, 100, json!("o10101")),
        (r#"{"limit":1}"#, 1, 1, json!("o10002")),
        (r#"{"limit":null,"marker":null,"filters":null}"#, 100, 100, json!("o10101")),
        (r#"{"limit":100,"other":[1]}"#, 100, 100, json!("o10101")),
        (r#"{"limit":0}"#, 100, 100, json!("o10101")),
        (r#"{"limit":101}"#, 100, 100, json!("o10101")),
        (r#"{"limit":-3}"#, 100, 100, json!("o10101")),
        (r#"{"limit":1.5}"#, 100, 100, json!("o10101")),
        (r#"{"limit":10,"marker":"o10245"}"#, 6, 10, json!(null)),
        (r#"{"limit":2,"filters":{"status":"completed"}}"#, 2, 2, json!("o10011")),
        (r#"{"filters":{"orderId":"10007","status":"completed"}}"#, 1, 100, json!(null)),
        (r#"{"filters":{"status":7}}"#, 0, 100, json!(null)),
    ] {
        let answer = query(body).await;
        assert_eq!(answer.status, 200, "{body}");
        let page = answer.json();
        assert_eq!(page["count"], count, "{body}");
        assert_eq!(page["limit"], limit, "{body}");
        assert_eq!(page["nextMarker"], next, "{body}");
        assert_eq!(page["results"].as_array().map(Vec::len), Some(count), "{body}");
        let names: Vec<&String> = page.as_object().expect("an object").keys().collect();
        assert_eq!(names, ["count", "limit", "nextMarker", "results"]);
    }
}

#[tokio::test]
async fn following_markers_sees_every_order_once() {
    let mut seen = Vec::new();
    let mut body = json!({ "limit": 60 });
    loop {
        let page = query(&body.to_string()).await.json();
        for order in page["results"].as_array().expect("a list") {
            seen.push(order["orderId"].as_str().expect("a string").to_owned());
        }
        if page["nextMarker"].is_null() {
            break;
        }
        body["marker"] = page["nextMarker"].clone();
    }
    let expected: Vec<String> = (10_001..10_251).map(|id| id.to_string()).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn refusals_say_what_is_wrong() {
    let form: &[&str] = &["Content-Type: application/x-www-form-urlencoded"];
    let other: &[&str] = &["Content-Type: application/json; charset=utf-8"];
    let long = format!(r#"{{"marker":"{}"}}"#, "x".repeat(70_000));
    let deep = "[".repeat(1_000);
    for (line, headers, body, status, description) in [
        (LINE, other, "{", 400, "The body is not valid JSON"),
        (LINE, other, &deep, 400, "The body is not valid JSON"),
        (LINE, other, "[]", 400, "The body must be a JSON object"),
        (LINE, form, "a=b", 400, "Content-Type must be application/json"),
        (LINE, &[], "{}", 400, "Content-Type must be application/json"),
        (LINE, other, r#"{"limit":"9"}"#, 400, "limit must be a number"),
        (LINE, other, r#"{"marker":9}"#, 400, "marker must be a string"),
        (LINE, other, r#"{"marker":"o10251"}"#, 400, "marker is not one of ours: send the nextMarker of an answer"),
        (LINE, other, r#"{"filters":[]}"#, 400, "filters must be an object"),
        (LINE, other, r#"{"filters":{"x":1}}"#, 400, "filters may hold orderId, product and status"),
        (LINE, other, &long, 413, "The body is longer than 64 KiB"),
        ("POST /orders", other, "", 404, "There is nothing at this path"),
        ("GET /riskinsight-services-ws/resources/v1/orders/query", &[], "", 405, "Orders are queried by POST"),
    ] {
        let answer = call(Orders, line, headers, body.as_bytes()).await;
        assert_eq!(answer.status, status, "{description}");
        assert_eq!(answer.text, format!(r#"{{"error_description":"{description}","error":"invalid_request"}}"#));
        assert_eq!(answer.header("allow"), if status == 405 { "POST" } else { "" });
    }
}
