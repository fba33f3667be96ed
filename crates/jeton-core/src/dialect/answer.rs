//! What an answer says: the values of a success, or the reason of a refusal.

use super::Dialect;
use super::json::Json;
use super::message::{AnswerParts, GrantName, Place, ReadAnswer, ReadError};
use super::noun::Origin;
use super::percent::Coding;
use super::read::{Reader, Stop};
use super::refuse::{Refusals, Row, Says};
use super::request::pairs;
use super::template::{AnswerTemplate, Body, Message, Piece, Status, Text};
use super::values::{Value, Values};
use super::xml::Xml;
use crate::domain::refusal::{Reason, Refusal};

/// A row's own values, if it says what the answer does.
type Pass<'p> = &'p dyn Fn(&Row) -> Option<Values>;

/// How often a table is looked through, each time less exactly.
const PASSES: usize = 4;

impl Dialect {
    /// What an answer to an exchange says: the values of a success, or why not.
    ///
    /// # Errors
    /// [`ReadError::Refused`] with the reason, as near as the answer tells it; [`ReadError::Shape`] if it is neither.
    pub fn read_answer(&self, exchange: usize, answer: &AnswerParts<'_>) -> Result<Values, ReadError> {
        Ok(self.read_answer_to(exchange, &Values::new(), answer)?.values)
    }

    /// The same for the answer to what was `asked`, with what had to be put up with.
    ///
    /// # Errors
    /// Those of [`read_answer`](Self::read_answer), and [`ReadError::Shape`] if the answer repeats a field that is from
    /// the client (the `id` of a JSON-RPC call) and was sent as another value: it answers another request.
    pub fn read_answer_to(
        &self,
        exchange: usize,
        asked: &Values,
        answer: &AnswerParts<'_>,
    ) -> Result<ReadAnswer, ReadError> {
        let Some(found) = self.exchanges.get(exchange) else {
            return Err(ReadError::Shape("there is no such exchange".to_owned()));
        };
        let settings = Values::new();
        // Where a refusal comes with the status of success, only literals can tell them apart.
        let ambiguous = [&found.refusals, &self.refusals].into_iter().any(|table| table.may_have(answer.status));
        let mut missing = "its status is not that of a success, nor that of a refusal".to_owned();
        for template in found.answers.iter().filter(|template| template.status == Status::Fixed(answer.status)) {
            let mut reader = Reader::of_answer(&self.fields, &settings, ambiguous);
            match read_message(&mut reader, template, answer) {
                Ok(()) => match reader.finish_answer() {
                    Ok(read) => match self.not_repeated(asked, &read.values) {
                        None => return Ok(read),
                        Some(name) => missing = format!("its `{name}` is not the one that was sent"),
                    },
                    Err(Stop::Refused(refusal)) => {
                        missing = format!("{} is missing", refusal.field.unwrap_or_default());
                    }
                    Err(Stop::Elsewhere { .. }) => {}
                },
                Err(why) => missing = why,
            }
        }
        match self.read_refusal(Place::Exchange(exchange), answer) {
            Some(refusal) => Err(ReadError::Refused(refusal)),
            None => Err(ReadError::Shape(missing)),
        }
    }

    /// The field that is the client's own and comes back as another value.
    fn not_repeated<'v>(&self, asked: &Values, said: &'v Values) -> Option<&'v str> {
        let own = |name: &str| self.fields.iter().any(|field| field.name == name && field.origin == Origin::Client);
        let differs = |(name, value): &(&str, &Value)| asked.get(name).is_some_and(|sent| sent != *value) && own(name);
        said.iter().find(differs).map(|(name, _)| name)
    }

    /// The reason that an answer gives, as near as it tells; nothing if it is no refusal of this dialect.
    pub fn read_refusal(&self, place: Place, answer: &AnswerParts<'_>) -> Option<Refusal> {
        let can_say = |reason: Reason| match place {
            Place::Dialect => true,
            Place::Exchange(index) => self.exchanges.get(index).is_some_and(|exchange| says(exchange.grant, reason)),
            Place::Show(_) => root(reason) != Reason::WrongCredentials,
        };
        let tables = [self.refusals_of(place), Some(&self.refusals)];
        // What one table says exactly goes before what the other might have meant.
        let passes = (0..PASSES).flat_map(|pass| tables.into_iter().flatten().map(move |table| (pass, table)));
        let mut refusal = passes.into_iter().find_map(|(pass, table)| self.read_rows(table, pass, &can_say, answer))?;
        let seconds = answer.headers.get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        refusal.retry_after = seconds.map(std::time::Duration::from_secs);
        Some(refusal)
    }

    /// By all keys of a row, rows without holes first; then by the keys of `by`; then by the status alone.
    fn read_rows(
        &self,
        table: &Refusals,
        pass: usize,
        can_say: &dyn Fn(Reason) -> bool,
        answer: &AnswerParts<'_>,
    ) -> Option<Refusal> {
        let settings = Values::new();
        let said = table.frame.as_ref().and_then(|frame| {
            let mut reader = Reader::of_answer(&self.fields, &settings, false);
            // What can be read of it is enough: the status alone may tell.
            let _ = read_message(&mut reader, frame, answer);
            let fits = frame.status == Status::Row || frame.status == Status::Fixed(answer.status);
            fits.then(|| reader.into_values().with("status", Value::Number(i64::from(answer.status))))
        });
        let rows: Vec<&Row> = table.rows.iter().filter(|row| can_say(row.reason)).collect();
        let passes: [Pass<'_>; PASSES] = [
            &|row| self.row_says(row, said.as_ref(), answer, &|_| true).filter(Values::is_empty),
            &|row| self.row_says(row, said.as_ref(), answer, &|_| true),
            &|row| {
                let by = |key: &str| table.by.iter().any(|by| by == key);
                if table.by.is_empty() { None } else { self.row_says(row, said.as_ref(), answer, &by) }
            },
            &|row| {
                // Alone, a status of success says nothing about a refusal.
                let telling = !(200..300).contains(&answer.status);
                if telling { self.row_says(row, said.as_ref(), answer, &|key| key == "status") } else { None }
            },
        ];
        let pass = passes.get(pass)?;
        let found: Vec<_> = rows.iter().filter_map(|row| Some((row.reason, pass(row)?))).collect();
        let (_, values) = found.first()?;
        let mut refusal = Refusal::new(cautious(found.iter().map(|(reason, _)| *reason))?);
        refusal.field = values.text("field").filter(|_| found.len() == 1).map(str::to_owned);
        let detail = values.text("detail").or(said.as_ref().and_then(|said| said.text("detail")));
        refusal.detail = detail.map(crate::domain::refusal::echo);
        Some(refusal)
    }

    /// What stands in a row's own holes, if the answer says what the row does in these keys.
    fn row_says(
        &self,
        row: &Row,
        said: Option<&Values>,
        answer: &AnswerParts<'_>,
        key: &dyn Fn(&str) -> bool,
    ) -> Option<Values> {
        let settings = Values::new();
        match &row.says {
            Says::Whole(template) => {
                let mut reader = Reader::of_answer(&self.fields, &settings, true);
                let same = template.status == Status::Fixed(answer.status);
                (same && read_message(&mut reader, template, answer).is_ok()).then(|| reader.into_values())
            }
            Says::Keys(keys) => {
                let said = said?;
                let mut reader = Reader::of_answer(&self.fields, &settings, true);
                // A row without a text is not the row of an answer that has one.
                let silent = |name: &str| IN_ROWS.contains(&name) && keys.iter().all(|(known, _)| known != name);
                if said.iter().any(|(name, _)| key(name) && silent(name)) {
                    return None;
                }
                for (name, text) in keys.iter().filter(|(name, _)| key(name)) {
                    let found = match said.get(name) {
                        Some(Value::Text(text)) => Some(text.clone()),
                        Some(Value::Number(number)) => Some(number.to_string()),
                        _ => None,
                    };
                    if text.literal().is_none() {
                        reader.captures(text, found.as_deref()?, false)?;
                    }
                    reader.text(text, found.as_deref(), name).ok()?;
                }
                Some(reader.into_values())
            }
        }
    }
}

/// Holes of a frame that rows fill, the status left out.
const IN_ROWS: [&str; 4] = ["text", "code", "class", "message"];

/// Reads an answer's reason phrase, headers and body by its template.
fn read_message(reader: &mut Reader<'_>, template: &AnswerTemplate, answer: &AnswerParts<'_>) -> Result<(), String> {
    if let (Some(text), Some(phrase)) = (&template.reason, answer.reason_phrase) {
        reader.text(text, Some(phrase), "reason phrase").map_err(|_| "its reason phrase is another".to_owned())?;
    }
    let Message { headers, body, .. } = &template.message;
    for header in headers {
        reader.header(header, answer.headers).map_err(|_| format!("its header {} is another", header.name))?;
    }
    read_body(reader, body, answer.body)
}

fn read_body(reader: &mut Reader<'_>, body: &Body, bytes: &[u8]) -> Result<(), String> {
    let other = |_| "its body says something else".to_owned();
    match body {
        Body::None => Ok(()),
        Body::Json(node) => {
            let json = Json::parse(bytes).ok_or("its body is not JSON")?;
            reader.json(node, Some(&json), "").map_err(other)
        }
        Body::Xml(document) => {
            let root = Xml::parse(bytes).ok_or("its body is not XML")?;
            reader.xml(&document.root, &root).map_err(other)
        }
        Body::Form(template) => {
            let text = std::str::from_utf8(bytes).map_err(|_| "its body is not UTF-8")?;
            reader.pairs(template, &pairs(text, Coding::Form)).map_err(other)
        }
        Body::Text(template) => {
            let text = std::str::from_utf8(bytes).map_err(|_| "its body is not UTF-8")?;
            // Many servers end their line; no token does.
            let text = if ends_in_token(template) { text.trim_end_matches(['\r', '\n']) } else { text };
            reader.text(template, Some(text), "body").map_err(other)
        }
        Body::Choice { setting, ways } => {
            let fits = |(_, way): &&(String, Body)| reader.would(|trial| read_body(trial, way, bytes).is_ok());
            let Some((name, way)) = ways.iter().find(fits).or(ways.first()) else { return Ok(()) };
            read_body(reader, way, bytes)?;
            reader.put(setting, Value::from(name.as_str()), "").map_err(other)
        }
    }
}

fn ends_in_token(text: &Text) -> bool {
    matches!(text.pieces.last(), Some(Piece::Hole(hole)) if matches!(hole.name.as_str(), "access_token" | "refresh_token"))
}

/// Whether a request of this grant can be refused for this reason.
fn says(grant: GrantName, reason: Reason) -> bool {
    match root(reason) {
        Reason::WrongCredentials => grant.signs_in() || grant == GrantName::Step,
        Reason::InvalidToken => {
            matches!(grant, GrantName::Refresh | GrantName::Renew | GrantName::UserInfo | GrantName::End)
        }
        _ => true,
    }
}

fn root(reason: Reason) -> Reason {
    reason.parent().map_or(reason, root)
}

/// One of several reasons: what they have in common, else the one that makes a client stop soonest.
fn cautious(reasons: impl Iterator<Item = Reason>) -> Option<Reason> {
    let mut reasons: Vec<Reason> = reasons.collect();
    reasons.sort();
    reasons.dedup();
    let first = *reasons.first()?;
    let ancestors = std::iter::successors(Some(first), |reason| reason.parent());
    let over = |general: Reason, reason: Reason| {
        std::iter::successors(Some(reason), |reason| reason.parent()).any(|up| up == general)
    };
    let common = ancestors.into_iter().find(|general| reasons.iter().all(|reason| over(*general, *reason)));
    Some(common.unwrap_or(first))
}
