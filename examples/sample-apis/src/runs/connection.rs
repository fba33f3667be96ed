//! Pages of runs, by cursors.

use async_graphql::{Result, SimpleObject};

const RUNS: u16 = 24;
const DEFAULT_PAGE: usize = 20;
const MAX_PAGE: usize = 100;
const STEPS: [&str; 3] = ["Prepare", "Assemble", "Inspect"];
const STATUSES: [&str; 3] = ["todo", "in_progress", "complete"];

/// A page of runs.
#[derive(SimpleObject)]
pub(super) struct RunConnection {
    edges: Vec<RunEdge>,
    page_info: PageInfo,
}

/// A run and where it stands in the list.
#[derive(SimpleObject)]
struct RunEdge {
    cursor: String,
    node: Run,
}

/// One production of something.
#[derive(SimpleObject)]
struct Run {
    id: i64,
    title: String,
    status: &'static str,
    steps: Vec<Step>,
}

/// One step of a run.
#[derive(SimpleObject)]
struct Step {
    id: i64,
    title: &'static str,
}

/// Where a page stands in the whole list.
#[derive(SimpleObject)]
struct PageInfo {
    start_cursor: Option<String>,
    end_cursor: Option<String>,
    has_next_page: bool,
    has_previous_page: bool,
    /// Runs in the whole list.
    total_count: usize,
    /// Runs on this page.
    count: usize,
}

/// Which runs a query asks for: the runs between two ids, from one end.
pub(super) struct Window {
    /// Ids above this one.
    after: u16,
    /// Ids below this one.
    before: u16,
    size: usize,
    /// Whether to count from the end.
    backward: bool,
}

impl Window {
    /// # Errors
    ///
    /// Refuses `first` beside `last`, a size that is negative or above 100, and cursors that no
    /// answer held.
    pub(super) fn new(
        first: Option<i32>,
        last: Option<i32>,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<Self> {
        if first.is_some() && last.is_some() {
            return Err("Give first or last, not both".into());
        }
        if first.or(last).is_some_and(|size| !(0..=100).contains(&size)) {
            return Err("first and last must be from 0 to 100".into());
        }
        Ok(Self {
            after: after.as_deref().map_or(Ok(0), id_of)?,
            before: before.as_deref().map_or(Ok(RUNS + 1), id_of)?,
            size: page_size(first, last),
            backward: last.is_some(),
        })
    }
}

/// Runs on a page, before anything is known of the list. Out-of-range sizes, which are refused
/// when the query runs, count as the largest.
pub(super) fn page_size(first: Option<i32>, last: Option<i32>) -> usize {
    first.or(last).map_or(DEFAULT_PAGE, |size| usize::try_from(size).map_or(MAX_PAGE, |size| size.min(MAX_PAGE)))
}

/// The page that a window shows.
pub(super) fn runs(window: &Window) -> RunConnection {
    let between: Vec<u16> = (1..=RUNS).filter(|id| *id > window.after && *id < window.before).collect();
    let size = window.size.min(between.len());
    let start = if window.backward { between.len() - size } else { 0 };
    let page = &between[start..start + size];
    RunConnection {
        page_info: PageInfo {
            start_cursor: page.first().map(|id| cursor(*id)),
            end_cursor: page.last().map(|id| cursor(*id)),
            has_next_page: page.last().map_or(window.after, |id| *id) < RUNS,
            has_previous_page: page.first().is_some_and(|id| *id > 1),
            total_count: usize::from(RUNS),
            count: page.len(),
        },
        edges: page.iter().map(|id| edge(*id)).collect(),
    }
}

fn edge(id: u16) -> RunEdge {
    RunEdge {
        cursor: cursor(id),
        node: Run {
            id: id.into(),
            title: format!("Sample run {id}"),
            status: STATUSES[usize::from(id) % STATUSES.len()],
            steps: (1..).zip(STEPS).map(|(step, title)| Step { id: i64::from(id) * 100 + step, title }).collect(),
        },
    }
}

fn cursor(id: u16) -> String {
    format!("run:{id}")
}

fn id_of(cursor: &str) -> Result<u16> {
    cursor
        .strip_prefix("run:")
        .and_then(|id| id.parse().ok())
        .filter(|id| (1..=RUNS).contains(id))
        .ok_or_else(|| "Unknown cursor: send the endCursor of an answer".into())
}
