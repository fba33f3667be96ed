//! How a dialect says no: a frame, and a row for each reason. (What such an answer says is read in `answer`.)

use super::Dialect;
use super::message::{Answer, Place};
use super::percent::Coding;
use super::template::{AnswerTemplate, Status, Text};
use super::values::{Value, Values};
use super::write::Writer;
use crate::domain::refusal::{Reason, Refusal};

/// The refusals of a dialect, an exchange or a show.
#[derive(Clone, Debug, Default)]
pub(super) struct Refusals {
    pub(super) frame: Option<AnswerTemplate>,
    pub(super) rows: Vec<Row>,
    /// Holes of the frame that still tell reasons apart when running text differs.
    pub(super) by: Vec<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) reason: Reason,
    pub(super) says: Says,
}

#[derive(Clone, Debug)]
pub(super) enum Says {
    /// What stands in the holes of the frame.
    Keys(Vec<(String, Text)>),
    /// An answer of its own.
    Whole(AnswerTemplate),
}

impl Refusals {
    /// The rows of this reason and of the more general ones, the nearest first.
    fn rows_for(&self, reason: Reason) -> impl Iterator<Item = &Row> {
        std::iter::successors(Some(reason), |reason| reason.parent())
            .filter_map(|reason| self.rows.iter().find(|row| row.reason == reason))
    }

    /// Whether a refusal can come with this status.
    pub(super) fn may_have(&self, status: u16) -> bool {
        let of = |template: &AnswerTemplate| template.status == Status::Fixed(status);
        self.frame.as_ref().is_some_and(of)
            || self.rows.iter().any(|row| match &row.says {
                Says::Whole(template) => of(template),
                Says::Keys(keys) => keys.iter().any(|(name, text)| {
                    name == "status" && text.literal().and_then(|text| text.parse().ok()) == Some(status)
                }),
            })
    }
}

impl Dialect {
    /// Whether a refusal of this dialect is told in the reason phrase, which HTTP/2 does not have.
    pub fn uses_reason_phrase(&self) -> bool {
        let own = self.exchanges.iter().map(|exchange| &exchange.refusals);
        let tables = std::iter::once(&self.refusals).chain(own).chain(self.shows.iter().map(|show| &show.refusals));
        tables.filter_map(|table| table.frame.as_ref()).any(|frame| frame.reason.is_some())
    }

    /// The answer that says no.
    ///
    /// A reason without a row is answered as its parent is, first by the rows of `place`, then by the dialect's;
    /// a row that speaks of a `{{field}}` is passed over if the refusal names none. Without any, the reason's own
    /// status and an empty body say it.
    /// `Allow` and `Retry-After` are added wherever the refusal has them.
    pub fn write_refusal(&self, place: Place, refusal: &Refusal, values: &Values) -> Answer {
        let tables = [self.refusals_of(place), Some(&self.refusals)];
        let mut rows =
            tables.into_iter().flatten().flat_map(|table| table.rows_for(refusal.reason).map(move |row| (table, row)));
        let written = rows.find_map(|(table, row)| self.write_row(table, row, refusal, values));
        let mut answer = written.unwrap_or_else(|| Answer {
            status: refusal.reason.status(),
            reason_phrase: None,
            headers: Vec::new(),
            body: String::new(),
        });
        if !refusal.allow.is_empty() {
            answer.headers.push(("Allow".to_owned(), refusal.allow.join(", ")));
        }
        if let Some(wait) = refusal.retry_after {
            let secs = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            answer.headers.push(("Retry-After".to_owned(), secs.to_string()));
        }
        answer
    }

    pub(super) fn refusals_of(&self, place: Place) -> Option<&Refusals> {
        match place {
            Place::Dialect => None,
            Place::Exchange(index) => self.exchanges.get(index).map(|exchange| &exchange.refusals),
            Place::Show(index) => self.shows.get(index).map(|show| &show.refusals),
        }
    }

    fn write_row(&self, table: &Refusals, row: &Row, refusal: &Refusal, values: &Values) -> Option<Answer> {
        let none = Values::new();
        let mut known = values.clone();
        if let Some(field) = &refusal.field {
            known.set("field", field.as_str());
        }
        known.set("detail", refusal.detail.as_deref().unwrap_or(sentence(refusal.reason)));
        let (template, status) = match &row.says {
            Says::Whole(template) => (template, None),
            Says::Keys(keys) => {
                let mut status = None;
                for (name, text) in keys {
                    let text = self.writer(&known, &none).text(text, Coding::Plain).ok()?.unwrap_or_default();
                    if name == "status" {
                        status = text.parse().ok();
                        known.set("status", Value::Number(i64::from(status?)));
                    } else {
                        known.set(name.as_str(), text);
                    }
                }
                (table.frame.as_ref()?, status)
            }
        };
        let status = match template.status {
            Status::Fixed(status) => status,
            Status::Row => status?,
        };
        let writer = Writer { values: &known, ..self.writer(values, &none) };
        writer.answer(status, template.reason.as_ref(), &template.message, &self.headers).ok()
    }
}

/// What `{{detail}}` says where the refusal has no sentence of its own.
pub(super) fn sentence(reason: Reason) -> &'static str {
    match reason {
        Reason::InvalidRequest => "the request is invalid",
        Reason::Missing => "a required value is missing",
        Reason::Malformed => "a value has the wrong form",
        Reason::Repeated => "a value is given twice",
        Reason::Exposed => "a secret must be sent in the body",
        Reason::UnsupportedType => "the content type is not supported",
        Reason::UnsupportedGrant => "the grant type is not supported",
        Reason::TooLarge => "the request is too large",
        Reason::WrongMethod => "the method is not allowed",
        Reason::NoRoute => "nothing is served at this address",
        Reason::NoRealm => "there is no such realm",
        Reason::Insecure => "HTTPS is required",
        Reason::WrongCredentials => "the credentials are wrong",
        Reason::InvalidClient => "the client is not known",
        Reason::Locked => "there were too many attempts",
        Reason::InvalidToken => "the token is invalid",
        Reason::NoToken => "a token is required",
        Reason::Unreadable => "the token cannot be read",
        Reason::UnknownKey => "the token is signed with an unknown key",
        Reason::Expired => "the token has expired",
        Reason::Revoked => "the token was revoked",
        Reason::Disabled => "the account is disabled",
        Reason::Denied => "this is not allowed",
        Reason::DeniedScope => "the scope is not allowed",
        Reason::DeniedGrant => "the grant is not allowed",
        Reason::DeniedTarget => "the token is for another target",
        Reason::DeniedAudience => "the audience is not allowed",
        Reason::Throttled => "there were too many requests",
        Reason::Pending => "somebody has to decide first",
        Reason::Unavailable => "the service is not available",
    }
}
