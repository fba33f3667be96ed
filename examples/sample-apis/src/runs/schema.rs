//! The schema: what can be asked, how deep and how much of it.

use async_graphql::{Context, EmptyMutation, EmptySubscription, Object, Result, Schema, SimpleObject};

use super::connection::{self, RunConnection, Window};
use crate::caller::Caller;

pub(super) type RunsSchema = Schema<Query, EmptyMutation, EmptySubscription>;

/// Deep enough for the introspection query that GraphQL tools send, which nests thirteen fields.
const MAX_DEPTH: usize = 16;
/// Fields of one answer; a hundred runs with all their steps are about 1,500.
const MAX_FIELDS: usize = 5_000;

pub(super) fn build() -> RunsSchema {
    Schema::build(Query, EmptyMutation, EmptySubscription).limit_depth(MAX_DEPTH).limit_complexity(MAX_FIELDS).finish()
}

/// Everything that can be read.
pub(super) struct Query;

#[Object]
impl Query {
    /// Runs in the order of their ids, by pages.
    #[graphql(complexity = "connection::page_size(first, last).saturating_mul(child_complexity)")]
    async fn runs(
        &self,
        first: Option<i32>,
        last: Option<i32>,
        before: Option<String>,
        after: Option<String>,
    ) -> Result<RunConnection> {
        Ok(connection::runs(&Window::new(first, last, before, after)?))
    }

    /// Who asks.
    async fn me(&self, context: &Context<'_>) -> Result<User> {
        User::of(context.data::<Caller>()?)
    }

    /// Who asks, under its older name.
    async fn current_user(&self, context: &Context<'_>) -> Result<User> {
        User::of(context.data::<Caller>()?)
    }
}

/// A user: a person, or the service account of an API key.
#[derive(SimpleObject)]
struct User {
    id: i64,
    name: String,
    /// Absent for service accounts.
    email: Option<String>,
    organization: Organization,
}

/// The organisation that a user belongs to.
#[derive(SimpleObject)]
struct Organization {
    id: i64,
    domain: &'static str,
}

impl User {
    fn of(caller: &Caller) -> Result<Self> {
        let subject = caller.subject.as_deref().ok_or("No user is known here: call this API through the gate")?;
        let name = [&caller.username, &caller.client_id].into_iter().flatten().next();
        Ok(Self {
            id: number(caller.number.as_deref().unwrap_or(subject)),
            name: name.map_or(subject, String::as_str).to_owned(),
            email: caller.username.clone().filter(|name| name.contains('@')),
            organization: Organization { id: 1, domain: "example.org" },
        })
    }
}

/// The number by which this API knows a user: the principal's own where it has one, else something stable
/// made of its id (FNV-1a), since ids here are numbers.
fn number(subject: &str) -> i64 {
    let fold = |hash: u32, byte: u8| (hash ^ u32::from(byte)).wrapping_mul(16_777_619);
    subject.parse().unwrap_or_else(|_| i64::from(subject.bytes().fold(2_166_136_261, fold)))
}
