//! Wallets, in Zro's shape: pages of rows in an envelope of `success`, `data` and `error`.

use axum::Router;
use axum::response::Response;
use axum::routing::get;
use http::{StatusCode, Uri};
use serde_json::{Value, json};

use crate::message::{allow, json as json_answer, query_pairs};

const CONTENT_TYPE: &str = "application/json; charset=utf-8";
const WALLETS: usize = 3;
/// Currency, its number, what a wallet's account holds of it in its smallest unit.
const CURRENCIES: [(&str, u64, u64); 2] = [("BRL", 1, 125_000), ("BTC", 2, 4_200)];

pub(crate) fn router() -> Router {
    Router::new()
        .route("/health", get(health).fallback(wrong_method))
        .route("/operations/wallets", get(wallets).fallback(wrong_method))
        .route("/operations/wallet-accounts", get(wallet_accounts).fallback(wrong_method))
        .fallback(unknown_path)
}

async fn health() -> Response {
    let database = json!({ "database": { "status": "up" } });
    let body = json!({ "status": "ok", "info": database, "error": {}, "details": database });
    json_answer(StatusCode::OK, CONTENT_TYPE, body.to_string())
}

async fn wallets(uri: Uri) -> Response {
    let rows = (0..WALLETS).map(|index| {
        json!({
            "id": wallet_id(index),
            "name": format!("Sample wallet {}", index + 1),
            "state": "ACTIVE",
            "default": index == 0,
            "created_at": created_at(index),
        })
    });
    paged(&uri, rows.collect())
}

async fn wallet_accounts(uri: Uri) -> Response {
    let account = |index: usize| {
        let (symbol, currency, balance) = CURRENCIES[index % CURRENCIES.len()];
        let wallet = index / CURRENCIES.len();
        json!({
            "id": format!("5c0d7e1a-0000-4000-8000-{:012x}", index + 1),
            "wallet_id": wallet_id(wallet),
            "currency_id": currency,
            "currency_symbol": symbol,
            "balance": balance * (wallet as u64 + 1),
            "pending_amount": 0,
            "state": "ACTIVE",
            "created_at": created_at(wallet),
        })
    };
    paged(&uri, (0..WALLETS * CURRENCIES.len()).map(account).collect())
}

fn wallet_id(index: usize) -> String {
    format!("9a6f3b2e-0000-4000-8000-{:012x}", index + 1)
}

fn created_at(index: usize) -> String {
    format!("2026-02-{:02}T12:00:00.000Z", index + 1)
}

/// One page of the rows, as the query asks, or 422 with the first thing wrong in it.
fn paged(uri: &Uri, mut rows: Vec<Value>) -> Response {
    let Paging { page, size, sort, descending } = match Paging::read(uri) {
        Ok(paging) => paging,
        Err(message) => {
            return refuse(StatusCode::UNPROCESSABLE_ENTITY, &message, "VALIDATION");
        }
    };
    rows.sort_by_cached_key(|row| row[sort].as_str().map(str::to_owned));
    if descending {
        rows.reverse();
    }
    let total = rows.len();
    let data: Vec<Value> = rows.into_iter().skip(size.saturating_mul(page - 1)).take(size).collect();
    let body = json!({
        "success": true,
        "data": {
            "page": page,
            "page_size": size,
            "page_total": total.div_ceil(size),
            "total": total,
            "data": data,
        },
        "error": null,
    });
    json_answer(StatusCode::OK, CONTENT_TYPE, body.to_string())
}

/// Which page a caller asks for; attributes that are none of these are ignored.
struct Paging {
    /// From 1.
    page: usize,
    /// Rows of a page, 1 to 100.
    size: usize,
    /// The column.
    sort: &'static str,
    descending: bool,
}

impl Paging {
    fn read(uri: &Uri) -> Result<Self, String> {
        let pairs = query_pairs(uri).ok_or("The query is not valid UTF-8.")?;
        let mut paging = Self { page: 1, size: 20, sort: "created_at", descending: false };
        let mut seen = Vec::new();
        for (name, value) in &pairs {
            match name.as_str() {
                "page" => {
                    paging.page = value
                        .parse()
                        .ok()
                        .filter(|page| *page >= 1)
                        .ok_or("The page value must be a whole number, 1 or more.")?;
                }
                "size" => {
                    paging.size = value
                        .parse()
                        .ok()
                        .filter(|size| (1..=100).contains(size))
                        .ok_or("The size value must be a whole number from 1 to 100.")?;
                }
                "sort" => {
                    paging.sort = ["created_at", "id", "state"]
                        .into_iter()
                        .find(|column| column == value)
                        .ok_or("The sort value must be created_at, id or state.")?;
                }
                "order" => {
                    paging.descending = match value.as_str() {
                        "asc" => false,
                        "desc" => true,
                        _ => return Err("The order value must be asc or desc.".to_owned()),
                    };
                }
                _ => continue,
            }
            if seen.contains(&name) {
                return Err(format!("The field {name} was informed twice."));
            }
            seen.push(name);
        }
        Ok(paging)
    }
}

async fn wrong_method() -> Response {
    allow(refuse(StatusCode::METHOD_NOT_ALLOWED, "Unsupported method.", "METHOD_NOT_ALLOWED"), "GET, HEAD")
}

async fn unknown_path() -> Response {
    refuse(StatusCode::NOT_FOUND, "Not found.", "NOT_FOUND")
}

fn refuse(status: StatusCode, message: &str, code: &str) -> Response {
    let body = json!({
        "success": false,
        "data": null,
        "error": "USER",
        "message": message,
        "code": code,
    });
    json_answer(status, CONTENT_TYPE, body.to_string())
}
