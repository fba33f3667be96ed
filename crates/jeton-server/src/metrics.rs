//! What an operator can graph: counters and histograms in the OpenMetrics format.
//!
//! Labels come from small sets that we or the operator choose (routes, realms, grants, dialects, reasons),
//! never from a request: no secret gets in, and the number of series stays bounded. Looking a series up takes
//! a lock, so whoever counts often asks for a handle once and keeps it.

use std::fs;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use http::StatusCode;
use jeton_core::time::Timestamp;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use crate::hashing::Load;

/// The content type of [`Metrics::encode`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All metrics of the process.
pub struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabel, Histogram, fn() -> Histogram>,
    tokens_issued: Family<IssueLabels, Counter>,
    refusals: Family<RefusalLabel, Counter>,
    hashing_queued: Gauge,
    hashing_busy: Gauge,
    hashing_begun: Gauge,
    resident: Gauge,
}

impl Metrics {
    /// All at zero, for this version of the program, started at `started`.
    pub fn new(version: &'static str, started: Timestamp) -> Self {
        let metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            tokens_issued: Family::default(),
            refusals: Family::default(),
            hashing_queued: Gauge::default(),
            hashing_busy: Gauge::default(),
            hashing_begun: Gauge::default(),
            resident: Gauge::default(),
        };
        metrics.registered(version, started)
    }

    fn registered(mut self, version: &'static str, started: Timestamp) -> Self {
        let start_time: Gauge<f64, AtomicU64> = Gauge::default();
        start_time.set(Duration::from_micros(started.as_micros().max(0).unsigned_abs()).as_secs_f64());

        let jeton = self.registry.sub_registry_with_prefix("jeton");
        jeton.register("build", "Version of the program", Info::new([("version", version)]));
        jeton.register("http_requests", "Requests answered", self.requests.clone());
        jeton.register_with_unit(
            "http_request_duration",
            "Time from a request's head to its answer",
            Unit::Seconds,
            self.durations.clone(),
        );
        jeton.register("tokens_issued", "Access tokens issued", self.tokens_issued.clone());
        jeton.register("refusals", "Requests refused", self.refusals.clone());
        jeton.register("hashing_queued", "Password checks that wait", self.hashing_queued.clone());
        jeton.register("hashing_busy", "Threads that check passwords", self.hashing_busy.clone());
        jeton.register("hashing_begun", "Password checks begun since the start", self.hashing_begun.clone());

        let process = self.registry.sub_registry_with_prefix("process");
        process.register_with_unit("start_time", "Start, since the epoch", Unit::Seconds, start_time);
        process.register_with_unit("resident_memory", "Resident memory", Unit::Bytes, self.resident.clone());
        self
    }

    /// Counts the requests of one route; keep it with the route. `route` is its name, never a path.
    pub fn route(&self, route: &'static str) -> RouteMetrics {
        let class = |class| self.requests.get_or_create_owned(&RequestLabels { route, class });
        RouteMetrics {
            classes: CLASSES.map(class),
            duration: self.durations.get_or_create_owned(&RouteLabel { route }),
        }
    }

    /// Counts the tokens issued in a realm by one grant, asked for in one dialect.
    pub fn tokens_issued(&self, realm: &str, grant: &'static str, dialect: &str) -> Counter {
        let labels = IssueLabels { realm: realm.to_owned(), grant, dialect: dialect.to_owned() };
        self.tokens_issued.get_or_create_owned(&labels)
    }

    /// Counts the refusals for one reason.
    pub fn refusals(&self, reason: &'static str) -> Counter {
        self.refusals.get_or_create_owned(&RefusalLabel { reason })
    }

    /// Everything as text; see [`CONTENT_TYPE`].
    pub fn encode(&self, hashing: Load) -> String {
        let gauge = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        self.hashing_queued.set(gauge(hashing.queued));
        self.hashing_busy.set(gauge(hashing.busy));
        self.hashing_begun.set(i64::try_from(hashing.begun).unwrap_or(i64::MAX));
        if let Some(bytes) = resident_memory() {
            self.resident.set(bytes);
        }
        let mut encoded = String::new();
        // A String takes everything that is written to it.
        let _ = text::encode(&mut encoded, &self.registry);
        encoded
    }
}

/// Handles to the metrics of one route.
#[derive(Clone)]
pub struct RouteMetrics {
    classes: [Counter; CLASSES.len()],
    duration: Histogram,
}

impl RouteMetrics {
    /// A request was answered with `status`, `took` after its head had arrived.
    pub fn observe(&self, status: StatusCode, took: Duration) {
        let class = usize::from(status.as_u16() / 100).saturating_sub(1);
        if let Some(counter) = self.classes.get(class) {
            counter.inc();
        }
        self.duration.observe(took.as_secs_f64());
    }
}

const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

/// From a signature (tens of microseconds) over a password (tens of milliseconds) to a time-out, in seconds.
const BUCKETS: [f64; 12] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 2.5, 10.0];

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    route: &'static str,
    class: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabel {
    route: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct IssueLabels {
    realm: String,
    grant: &'static str,
    dialect: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RefusalLabel {
    reason: &'static str,
}

/// In bytes; nothing where the system does not tell it in `/proc`.
fn resident_memory() -> Option<i64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_is_what_is_shown() {
        let metrics = Metrics::new("1.2.3", Timestamp::from_secs(1_700_000_000));
        let token = metrics.route("token");
        token.observe(StatusCode::OK, Duration::from_millis(3));
        token.observe(StatusCode::OK, Duration::from_millis(30));
        token.observe(StatusCode::UNAUTHORIZED, Duration::from_secs(60));
        metrics.tokens_issued("acme", "password", "pitch\"point").inc();
        metrics.refusals("wrong_password").inc_by(2);
        let text = metrics.encode(Load { queued: 7, busy: 2, begun: 40 });
        for line in [
            r#"jeton_build_info{version="1.2.3"} 1"#,
            r#"jeton_http_requests_total{route="token",class="2xx"} 2"#,
            r#"jeton_http_requests_total{route="token",class="4xx"} 1"#,
            r#"jeton_http_requests_total{route="token",class="5xx"} 0"#,
            r#"jeton_http_request_duration_seconds_bucket{le="0.005",route="token"} 1"#,
            r#"jeton_http_request_duration_seconds_bucket{le="10.0",route="token"} 2"#,
            r#"jeton_http_request_duration_seconds_count{route="token"} 3"#,
            r#"jeton_tokens_issued_total{realm="acme",grant="password",dialect="pitch\"point"} 1"#,
            r#"jeton_refusals_total{reason="wrong_password"} 2"#,
            "jeton_hashing_queued 7",
            "jeton_hashing_busy 2",
            "jeton_hashing_begun 40",
            "process_start_time_seconds 1700000000.0",
        ] {
            assert!(text.lines().any(|shown| shown == line), "{line} is missing in\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn resident_memory_is_plausible() {
        let bytes = resident_memory().unwrap();
        assert!((500_000..10_000_000_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_handle_counts_in_the_same_series() {
        let metrics = Metrics::new("1", Timestamp::EPOCH);
        metrics.refusals("limited").inc();
        metrics.refusals("limited").inc();
        assert_eq!(metrics.refusals("limited").get(), 2);
        assert_eq!(metrics.refusals("other").get(), 0);
    }
}
