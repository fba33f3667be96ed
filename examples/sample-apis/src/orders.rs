//! Orders, in Pitchpoint's shape: one call that pages through them.

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use axum::routing::post;
use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value, json};

use crate::message::{allow, is_json, json as json_answer, read_body};

const PATH: &str = "/riskinsight-services-ws/resources/v1/orders/query";
const MAX_LIMIT: usize = 100;
const ORDERS: usize = 250;
const FIRST_ID: usize = 10_001;
const PRODUCTS: [&str; 3] = ["identity", "income", "property"];
const STATUSES: [&str; 4] = ["created", "in_progress", "completed", "cancelled"];

pub(crate) fn router() -> Router {
    Router::new().route(PATH, post(query).fallback(wrong_method)).fallback(unknown_path)
}

async fn query(headers: HeaderMap, body: Body) -> Response {
    let Some(body) = read_body(body).await else {
        return refuse(StatusCode::PAYLOAD_TOO_LARGE, "The body is longer than 64 KiB");
    };
    let page = if body.is_empty() {
        Ok(Page::default())
    } else if is_json(&headers) {
        Page::read(&body)
    } else {
        Err("Content-Type must be application/json".to_owned())
    };
    match page {
        Ok(page) => page.answer(),
        Err(message) => refuse(StatusCode::BAD_REQUEST, &message),
    }
}

/// Which orders a caller asks for.
struct Page {
    limit: usize,
    /// Index of the first order.
    start: usize,
    /// Members that an order must have.
    filters: Map<String, Value>,
}

impl Default for Page {
    fn default() -> Self {
        Self { limit: MAX_LIMIT, start: 0, filters: Map::new() }
    }
}

impl Page {
    fn read(body: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(body).map_err(|_| "The body is not valid JSON")?;
        let Value::Object(mut members) = value else {
            return Err("The body must be a JSON object".to_owned());
        };
        let mut page = Self::default();
        match members.remove("limit") {
            None | Some(Value::Null) => {}
            Some(Value::Number(limit)) => page.limit = clamp(&limit),
            Some(_) => return Err("limit must be a number".to_owned()),
        }
        match members.remove("marker") {
            None | Some(Value::Null) => {}
            Some(Value::String(marker)) => page.start = position(&marker)?,
            Some(_) => return Err("marker must be a string".to_owned()),
        }
        match members.remove("filters") {
            None | Some(Value::Null) => {}
            Some(Value::Object(filters)) => page.filters = known(filters)?,
            Some(_) => return Err("filters must be an object".to_owned()),
        }
        Ok(page)
    }

    fn answer(&self) -> Response {
        let mut matching = (self.start..ORDERS)
            .map(|index| (index, order(index)))
            .filter(|(_, order)| self.filters.iter().all(|(name, wanted)| order.get(name) == Some(wanted)));
        let results: Vec<Value> = matching.by_ref().take(self.limit).map(|(_, order)| order).collect();
        let next = matching.next().map(|(index, _)| marker(index));
        json_answer(
            StatusCode::OK,
            "application/json",
            json!({
                "count": results.len(),
                "limit": self.limit,
                "nextMarker": next,
                "results": results,
            })
            .to_string(),
        )
    }
}

/// A limit outside 1–100 counts as 100.
fn clamp(limit: &serde_json::Number) -> usize {
    limit
        .as_u64()
        .and_then(|limit| usize::try_from(limit).ok())
        .filter(|limit| (1..=MAX_LIMIT).contains(limit))
        .unwrap_or(MAX_LIMIT)
}

fn marker(index: usize) -> String {
    format!("o{}", FIRST_ID + index)
}

fn position(marker: &str) -> Result<usize, String> {
    marker
        .strip_prefix('o')
        .and_then(|id| id.parse::<usize>().ok())
        .and_then(|id| id.checked_sub(FIRST_ID))
        .filter(|index| *index < ORDERS)
        .ok_or_else(|| "marker is not one of ours: send the nextMarker of an answer".to_owned())
}

fn known(filters: Map<String, Value>) -> Result<Map<String, Value>, String> {
    if filters.keys().any(|name| !["orderId", "product", "status"].contains(&name.as_str())) {
        return Err("filters may hold orderId, product and status".to_owned());
    }
    Ok(filters)
}

fn order(index: usize) -> Value {
    json!({
        "orderId": (FIRST_ID + index).to_string(),
        "product": PRODUCTS[index % PRODUCTS.len()],
        "status": STATUSES[index % STATUSES.len()],
        "createdAt": format!("2026-{:02}-{:02}T09:00:00Z", 1 + index / 28, 1 + index % 28),
    })
}

async fn wrong_method() -> Response {
    allow(refuse(StatusCode::METHOD_NOT_ALLOWED, "Orders are queried by POST"), "POST")
}

async fn unknown_path() -> Response {
    refuse(StatusCode::NOT_FOUND, "There is nothing at this path")
}

fn refuse(status: StatusCode, message: &str) -> Response {
    json_answer(
        status,
        "application/json",
        json!({ "error_description": message, "error": "invalid_request" }).to_string(),
    )
}
