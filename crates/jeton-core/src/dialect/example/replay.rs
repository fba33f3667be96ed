//! A case played again: read both ways, written both ways, byte for byte.

use super::{Example, Reply};
use crate::dialect::message::{Answer, Place, ReadError, Reading, Shown, Slot};
use crate::dialect::noun::Kind;
use crate::dialect::values::{Value, Values};
use crate::dialect::{Dialect, Exchange};
use crate::domain::refusal::Refusal;

type Outcome = Result<(), String>;

impl Example {
    /// Reads and writes the case by `dialect`; the order of headers and the case of their names do not matter.
    ///
    /// # Errors
    /// A sentence about the first difference.
    pub fn replay(&self, dialect: &Dialect) -> Outcome {
        let played = if self.has("call") { self.call(dialect) } else { self.exchange(dialect) };
        played.map_err(|what| format!("{}: {what}", self.title))
    }

    /// Reads what another client sent and another server answered. There may be more in it than the dialect says, and
    /// it may be written otherwise.
    ///
    /// # Errors
    /// A sentence about the first value that is not read as the case says.
    pub fn replay_foreign(&self, dialect: &Dialect) -> Outcome {
        self.foreign(dialect).map_err(|what| format!("{}: {what}", self.title))
    }

    fn exchange(&self, dialect: &Dialect) -> Outcome {
        let settings = self.settings();
        dialect.check_settings(&settings)?;
        match dialect.read_request(&self.request(), &settings) {
            Reading::NotMine => Err("no exchange is at this address".to_owned()),
            Reading::Refused { place, refusal } => {
                self.same_refusal(&refusal)?;
                let reply = self.reply.as_ref().ok_or("a refused request needs its answer")?;
                same_answer(&dialect.write_refusal(place, &refusal, &Values::new()), reply)?;
                let read = dialect.read_refusal(place, &reply.parts()).ok_or("the answer is not read as a refusal")?;
                same("the answer's reason", &read.reason, &self.read_as(refusal.reason)?)
            }
            Reading::Exchange { index, values, .. } => {
                same("the request is refused", &None, &self.refused()?)?;
                let exchange = dialect.exchanges.get(index).ok_or("no such exchange")?;
                let (asked, answered) = (asked(exchange), exchange.answer_slots());
                self.check_names(&[asked.as_slice(), answered.as_slice()].concat())?;
                let expected = self.values(&asked, dialect.policy.lifetime)?;
                same("the request's values", &sorted_values(&values), &sorted_values(&expected))?;
                if !self.has("read_only") {
                    self.written(dialect, index, &expected, &settings)?;
                }
                match &self.reply {
                    Some(reply) => self.answered(dialect, index, reply, &answered),
                    None => Ok(()),
                }
            }
        }
    }

    /// Whether a client would write this request.
    fn written(&self, dialect: &Dialect, index: usize, values: &Values, settings: &Values) -> Outcome {
        let mut request = dialect.write_request(index, values, settings).map_err(|error| error.to_string())?;
        let exchange = dialect.exchanges.get(index).ok_or("no such exchange")?;
        if let (true, Some(token)) = (finds_token_shown(exchange), values.secret("access_token")) {
            let placed = dialect.place_token(&self.method, self.request().path, token, values);
            let placed = placed.map_err(|error| error.to_string())?;
            request.headers.extend(placed.headers);
            for (name, value) in placed.query {
                let mark = if request.target.contains('?') { '&' } else { '?' };
                request.target = format!("{}{mark}{name}={value}", request.target);
            }
        }
        same("the request line", &(&request.method, &request.target), &(&self.method, &self.target))?;
        same("the request's headers", &sorted(&request.headers), &sorted(&self.headers))?;
        same("the request's body", &request.body, &self.body)
    }

    fn answered(&self, dialect: &Dialect, index: usize, reply: &Reply, slots: &[Slot]) -> Outcome {
        if let Some(refusal) = self.answers()? {
            same_answer(&dialect.write_refusal(Place::Exchange(index), &refusal, &Values::new()), reply)?;
            return match dialect.read_answer(index, &reply.parts()) {
                Err(ReadError::Refused(read)) => {
                    same("the answer's reason", &read.reason, &self.read_as(refusal.reason)?)?;
                    same("the answer's Retry-After", &read.retry_after, &refusal.retry_after)
                }
                Err(error) => Err(error.to_string()),
                Ok(_) => Err("the answer is read as a success".to_owned()),
            };
        }
        let (settings, expected) = (self.settings(), self.values(slots, dialect.policy.lifetime)?);
        let answer = dialect.write_answer(index, &expected, &settings).map_err(|error| error.to_string())?;
        same_answer(&answer, reply)?;
        let mut read = dialect.read_answer(index, &reply.parts()).map_err(|error| error.to_string())?;
        // Reading tells which alternative an answer was written by.
        for (name, _) in sorted_values(&settings) {
            if let Some(way) = read.remove(name) {
                same("the alternative", &Some(&way), &settings.get(name))?;
            }
        }
        let known = |name: &str| slots.iter().any(|slot| slot.name == name);
        let chosen: Vec<String> = read.iter().map(|(name, _)| name.to_owned()).filter(|name| !known(name)).collect();
        chosen.iter().for_each(|name| drop(read.remove(name)));
        same("the answer's values", &sorted_values(&read), &sorted_values(&expected))
    }

    fn call(&self, dialect: &Dialect) -> Outcome {
        let mut slots = vec![token_slot()];
        slots.extend(dialect.fields.iter().map(|field| Slot {
            name: field.name.clone(),
            kind: field.kind,
            required: false,
        }));
        self.check_names(&slots)?;
        let expected = self.values(&slots, dialect.policy.lifetime)?;
        let refusal = match dialect.read_token(&self.request()) {
            Shown::None => {
                same("a token is shown", &Values::new(), &expected)?;
                self.answers()?.map(|refusal| (0, refusal))
            }
            Shown::Refused { show, refusal } => {
                self.same_refusal(&refusal)?;
                Some((show, refusal))
            }
            Shown::Token { token, show, also } => {
                same("the call is refused", &None, &self.refused()?)?;
                let read = also.clone().with("access_token", token.clone());
                same("the call's values", &sorted_values(&read), &sorted_values(&expected))?;
                if !self.has("read_only") {
                    let placed = dialect.place_token(&self.method, self.request().path, &token, &also);
                    let placed = placed.map_err(|error| error.to_string())?;
                    let missing = placed.headers.iter().find(|header| !self.headers.contains(header));
                    same("a header", &missing, &None)?;
                    let query: Vec<_> = placed.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
                    same("the query", &query.iter().all(|pair| self.target.contains(pair)), &true)?;
                }
                self.answers()?.map(|refusal| (show, refusal))
            }
        };
        let Some((show, refusal)) = refusal else { return Ok(()) };
        let reply = self.reply.as_ref().ok_or("a refused call needs its answer")?;
        same_answer(&dialect.write_refusal(Place::Show(show), &refusal, &Values::new()), reply)?;
        let read =
            dialect.read_refusal(Place::Show(show), &reply.parts()).ok_or("the answer is not read as a refusal")?;
        same("the answer's reason", &read.reason, &self.read_as(refusal.reason)?)
    }

    fn foreign(&self, dialect: &Dialect) -> Outcome {
        let settings = self.settings();
        let Reading::Exchange { index, values, .. } = dialect.read_request(&self.request(), &settings) else {
            return Err("the request is not read".to_owned());
        };
        let exchange = dialect.exchanges.get(index).ok_or("no such exchange")?;
        let (asked, answered) = (asked(exchange), exchange.answer_slots());
        self.check_names(&[asked.as_slice(), answered.as_slice()].concat())?;
        same(
            "the request's values",
            &sorted_values(&values),
            &sorted_values(&self.values(&asked, dialect.policy.lifetime)?),
        )?;
        let Some(reply) = &self.reply else { return Ok(()) };
        match (dialect.read_answer(index, &reply.parts()), self.answers()?) {
            (Ok(read), None) => same(
                "the answer's values",
                &sorted_values(&read),
                &sorted_values(&self.values(&answered, dialect.policy.lifetime)?),
            ),
            (Err(ReadError::Refused(read)), Some(refusal)) => {
                same("the answer's reason", &read.reason, &self.read_as(refusal.reason)?)
            }
            (Ok(_), Some(_)) => Err("the answer is read as a success".to_owned()),
            (Err(error), _) => Err(error.to_string()),
        }
    }

    fn same_refusal(&self, refusal: &Refusal) -> Outcome {
        let read = Some((refusal.reason, refusal.field.as_deref()));
        same("the refusal", &read, &self.refused()?)
    }
}

/// What a request of the exchange can say, the token included that it shows as any call does.
fn asked(exchange: &Exchange) -> Vec<Slot> {
    let mut slots = exchange.request_slots();
    if finds_token_shown(exchange) {
        slots.push(token_slot());
    }
    slots
}

fn finds_token_shown(exchange: &Exchange) -> bool {
    let is_token = |slot: &Slot| slot.name == "access_token" || slot.name == "refresh_token";
    exchange.grant.shows_token() && !exchange.request_slots().iter().any(is_token)
}

fn token_slot() -> Slot {
    Slot { name: "access_token".to_owned(), kind: Kind::Secret, required: true }
}

fn same_answer(answer: &Answer, reply: &Reply) -> Outcome {
    same("the answer's status", &answer.status, &reply.status)?;
    same("the answer's reason phrase", &answer.reason_phrase, &reply.reason_phrase)?;
    same("the answer's headers", &sorted(&answer.headers), &sorted(&reply.headers))?;
    same("the answer's body", &answer.body, &reply.body)
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, expected: &T) -> Outcome {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, and the example has {expected:?}")) }
}

/// Headers without regard to order and case of names.
fn sorted(headers: &[(String, String)]) -> Vec<(String, &str)> {
    let mut sorted: Vec<_> = headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.as_str())).collect();
    sorted.sort();
    sorted
}

fn sorted_values(values: &Values) -> Vec<(&str, &Value)> {
    let mut sorted: Vec<_> = values.iter().collect();
    sorted.sort_by_key(|(name, _)| *name);
    sorted
}
