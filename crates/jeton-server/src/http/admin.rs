//! The operator's listener: `/live`, `/ready`, `/metrics`. Never on the peers' listener.

use axum::Router;
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::app::App;
use crate::metrics;

/// Health and metrics.
pub fn admin_router(app: App) -> Router {
    Router::new()
        .route("/live", get(async || StatusCode::OK))
        .route("/ready", get(ready))
        .route("/metrics", get(scrape))
        .with_state(app)
}

/// Ready when the store answers.
async fn ready(State(app): State<App>) -> StatusCode {
    match app.store.config_version().await {
        Ok(_) => StatusCode::OK,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

async fn scrape(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics.encode(app.hashing.load()))
}
