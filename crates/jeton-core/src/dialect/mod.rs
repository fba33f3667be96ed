//! Any other API's bytes, from a file.
//!
//! A dialect file is an API's documentation page with holes in it. [`Dialect::parse`] makes one typed tree of it
//! (`template`), and four walks go over that tree: read and write a request, read and write an answer. What one
//! direction writes, the other reads. The notation is described in `docs/dialects.md`; the dialects of the
//! binary stand in `dialects/`. A dialect renames and reshapes; it never decides.

mod answer;
mod chain;
mod describe;
mod example;
mod json;
mod message;
mod multipart;
mod noun;
mod parse;
pub(crate) mod percent;
mod read;
pub mod reference;
mod refuse;
mod request;
mod settings;
mod show;
mod source;
mod template;
mod transform;
mod values;
mod write;
mod xml;

pub use chain::Part;
pub use describe::{Described, DescribedValue, Description, MessagePart};
pub use example::{Example, Reply};
pub use message::{
    Answer, AnswerParts, Carrier, Deviation, GrantName, OwnedRequest, Place, Placed, ReadAnswer, ReadError, Reading,
    Request, Shown, Sign, Slot, ToSign, WriteError,
};
pub use noun::{Field, Kind, Origin};
pub use source::Mistake;
pub use values::{Value, Values};

use std::ops::Range;

use json::Escape;
use refuse::Refusals;
use show::Show;
use template::{AnswerTemplate, Header, Node, RequestTemplate};

use crate::domain::policy::Policy;

/// A dialect: everything that one file says.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// Its name.
    pub name: String,
    /// What its tokens are and how long they live.
    pub policy: Policy,
    /// What can be asked for.
    pub exchanges: Vec<Exchange>,
    /// How a call shows its token.
    pub shows: Vec<Show>,
    /// The names it declares beside the nouns, settings among them.
    pub fields: Vec<Field>,
    /// The field in which an answer says where calls with its token go, if that is not the API's one address.
    pub url: Option<String>,
    /// Named sets of addresses, for whoever calls the API itself.
    pub environments: Vec<(String, Vec<(String, String)>)>,
    /// Methods the API knows at all; empty: each start line speaks for itself.
    methods: Vec<http::Method>,
    /// Start lines hold below each of these too, such as `/api`.
    prefixes: Vec<String>,
    /// Headers of every answer.
    headers: Vec<Header>,
    escape: Escape,
    refusals: Refusals,
    jwt: JwtTemplates,
}

/// One thing that can be asked for.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// What.
    pub grant: GrantName,
    /// The end that it is for, if not for both.
    pub only: Option<End>,
    /// The exchanges that come before it, in order: its steps, of the grant [`GrantName::Step`].
    pub steps: Range<usize>,
    /// Tried in order; the first is written.
    requests: Vec<RequestTemplate>,
    /// The first that has its values is written, any is read.
    answers: Vec<AnswerTemplate>,
    refusals: Refusals,
}

/// One end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Whoever asks.
    Client,
    /// Whoever answers.
    Server,
}

impl End {
    /// The ends by the names they have in `only`.
    const NAMED: [(&'static str, Self); 2] = [("client", Self::Client), ("server", Self::Server)];
}

/// The JSON of a JWT, before it is signed.
#[derive(Clone, Debug)]
struct JwtTemplates {
    header: Node,
    claims: Option<Node>,
    escape: Escape,
}

impl Exchange {
    /// Whether a server answers it.
    fn is_served(&self) -> bool {
        self.only != Some(End::Client)
    }

    /// What its requests can say: every value once, required if the first start line and message need it.
    pub fn request_slots(&self) -> Vec<Slot> {
        let mut slots = Vec::new();
        let starts = self.requests.iter().flat_map(|request| request.starts.iter().map(move |start| (request, start)));
        for (index, (request, start)) in starts.enumerate() {
            request.each_slot(start, &mut |hole, kind| {
                add_slot(&mut slots, &hole.name, kind, index == 0 && hole.is_required());
            });
        }
        slots
    }

    /// What its answer can say; required is what every alternative needs.
    pub fn answer_slots(&self) -> Vec<Slot> {
        let mut all: Vec<Slot> = Vec::new();
        let ways = self.answers.iter().flat_map(|answer| {
            let bodies = answer.message.body.alternatives().into_iter();
            bodies.map(move |body| (answer, body))
        });
        for (index, (answer, body)) in ways.enumerate() {
            let mut slots = Vec::new();
            let mut add = |hole: &template::Hole, kind| add_slot(&mut slots, &hole.name, kind, hole.is_required());
            if let Some(reason) = &answer.reason {
                reason.each_slot(&mut add);
            }
            answer.message.headers.iter().for_each(|header| header.each_slot(&mut add));
            body.each_slot(&mut add);
            let required = |slots: &[Slot], name: &str| slots.iter().any(|slot| slot.name == name && slot.required);
            all.iter_mut().for_each(|slot| slot.required &= required(&slots, &slot.name));
            let known = all.len();
            for slot in slots {
                if all[..known].iter().all(|other| other.name != slot.name) {
                    all.push(Slot { required: slot.required && index == 0, ..slot });
                }
            }
        }
        all
    }
}

fn add_slot(slots: &mut Vec<Slot>, name: &str, kind: Kind, required: bool) {
    match slots.iter_mut().find(|slot| slot.name == name) {
        Some(slot) => slot.required |= required,
        None => slots.push(Slot { name: name.to_owned(), kind, required }),
    }
}

impl Dialect {
    /// Reads a dialect file.
    ///
    /// # Errors
    /// All mistakes that can be found, in the order of the file.
    pub fn parse(text: &str) -> Result<Self, Vec<Mistake>> {
        parse::dialect(text)
    }

    /// The dialects compiled into the binary: name and text of each file.
    pub fn built_in() -> &'static [(&'static str, &'static str)] {
        include!("../../../../dialects/built_in.rs")
    }

    /// Adds to what an answer is to say what it repeats of the request: who asked, and the fields that are from the
    /// client (the `id` of a JSON-RPC call). What the core decides is never taken from a request, nor is a secret.
    pub fn echo(&self, exchange: usize, asked: &Values, said: &mut Values) {
        const WHO: [&str; 5] = ["realm", "username", "act_as", "client_id", "key_id"];
        let of_client = |name: &str| {
            WHO.contains(&name) || self.fields.iter().any(|field| field.name == name && field.origin == Origin::Client)
        };
        let slots = self.exchanges.get(exchange).map(Exchange::answer_slots).unwrap_or_default();
        for Slot { name, kind, .. } in slots {
            let new = said.get(&name).is_none() && kind != Kind::Secret && of_client(&name);
            if let Some(value) = asked.get(&name).filter(|_| new) {
                said.set(name, value.clone());
            }
        }
    }

    /// The names that an answer needs, that a client makes, and that this one did not: whoever answers makes them.
    pub fn unmade(&self, exchange: usize, said: &Values) -> Vec<String> {
        let slots = self.exchanges.get(exchange).map(Exchange::answer_slots).unwrap_or_default();
        let made = |name: &str| self.fields.iter().any(|field| field.made && field.name == name);
        let unmade =
            slots.into_iter().filter(|slot| slot.required && made(&slot.name) && said.get(&slot.name).is_none());
        unmade.map(|slot| slot.name).collect()
    }

    /// Whether these settings are ones this dialect has, and of the right type.
    ///
    /// # Errors
    /// A sentence about the first that is not.
    pub fn check_settings(&self, settings: &Values) -> Result<(), String> {
        for (name, value) in settings.iter() {
            let ways = self.choices(name);
            let field = self.fields.iter().find(|field| field.name == name && field.origin == Origin::Setting);
            match (field, value) {
                _ if !ways.is_empty() => match value {
                    Value::Text(way) if ways.contains(&way.as_str()) => {}
                    _ => return Err(format!("the setting `{name}` must be one of {}", ways.join(", "))),
                },
                (None, _) => return Err(format!("the dialect `{}` has no setting `{name}`", self.name)),
                (Some(field), value) if !field.kind.fits(value) => {
                    return Err(format!("the setting `{name}` {}", field.kind.demand()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The names of the alternatives that the setting `name` chooses from.
    fn choices(&self, name: &str) -> Vec<&str> {
        let answers = self.exchanges.iter().flat_map(|exchange| &exchange.answers);
        let choices = answers.map(|answer| match &answer.message.body {
            template::Body::Json(node) => node.choices(name),
            template::Body::Choice { setting, ways } if setting == name => {
                ways.iter().map(|(way, _)| way.as_str()).collect()
            }
            _ => Vec::new(),
        });
        choices.flatten().collect()
    }
}
