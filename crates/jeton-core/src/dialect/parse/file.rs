//! The file as a whole, from its top.

use super::super::json::Escape;
use super::super::message::GrantName;
use super::super::noun::{self, Field, Kind, Origin};
use super::super::refuse::Refusals;
use super::super::template::{AnswerTemplate, RequestTemplate};
use super::super::values::Value;
use super::super::{Dialect, End, Exchange};
use super::message::{METHODS, method_named};
use super::table::{Entry, Keys};
use super::{Parser, Part, Ways};
use crate::domain::policy::Format;

const KEYS: [&str; 16] = [
    "jeton",
    "name",
    "json",
    "methods",
    "prefixes",
    "headers",
    "token",
    "refresh",
    "target",
    "limits",
    "field",
    "part",
    "exchange",
    "refusal",
    "show",
    "environment",
];

/// The version of the notation.
const VERSION: i64 = 1;

impl Parser<'_> {
    pub(super) fn file(&mut self, root: Keys<'_>) -> Option<Dialect> {
        self.only(root, &KEYS);
        self.version(root);
        let name = self.needed(root, "name", "name = \"…\"").and_then(|entry| self.text_of(entry)).unwrap_or_default();
        let mut nonce_once_within = None;
        if let Some(fields) = root.get("field").and_then(|entry| self.table(entry)) {
            for entry in fields.entries() {
                self.field(entry, &mut nonce_once_within);
            }
            self.check_required_if(fields);
        }
        if let Some(parts) = root.get("part").and_then(|entry| self.table(entry)) {
            self.parts(parts);
        }
        let (mut policy, jwt) = self.policy(root);
        policy.nonce_once_within = nonce_once_within;
        let refusals = self.refusals(root, &Refusals::default());
        let exchanges = self.exchanges(root, &policy.format, &refusals);
        let shows = self.tables(root, "show").into_iter().filter_map(|keys| self.show(keys, &refusals)).collect();
        let headers = root.get("headers").and_then(|entry| self.source(entry));
        let dialect = Dialect {
            name: name.to_owned(),
            policy,
            exchanges,
            shows,
            fields: Vec::new(),
            url: root.get("token").and_then(|entry| self.learnt_url(entry)),
            environments: root.get("environment").map(|entry| self.environments(entry)).unwrap_or_default(),
            methods: root.get("methods").map(|entry| self.methods(entry)).unwrap_or_default(),
            prefixes: root.get("prefixes").map(|entry| self.prefixes(entry)).unwrap_or_default(),
            headers: headers.map(|source| self.headers(source.snippet())).unwrap_or_default(),
            escape: root.get("json").and_then(|entry| self.word(entry, &Escape::NAMED)).unwrap_or_default(),
            refusals,
            jwt,
        };
        self.check_places();
        // What a broken piece leaves behind is no mistake of its own.
        if self.mistakes.is_empty() {
            self.check_whole(root, &dialect);
        }
        Some(Dialect { fields: std::mem::take(&mut self.fields), ..dialect })
    }

    /// `[token] url = "FIELD"`: a text that the server gives.
    fn learnt_url(&mut self, token: Entry<'_>) -> Option<String> {
        let entry = self.table(token)?.get("url")?;
        let name = self.text_of(entry)?;
        let given = |field: &Field| field.name == name && field.origin == Origin::Server && field.kind == Kind::Text;
        if !self.fields.iter().any(given) {
            let help = format!("write {name} = {{ from = \"server\" }} in [field]");
            self.mistake_help(entry.at, format!("`{name}` is no text that the server gives"), help);
        }
        Some(name.to_owned())
    }

    fn version(&mut self, root: Keys<'_>) {
        let Some(entry) = self.needed(root, "jeton", "jeton = 1") else { return };
        if entry.item.as_integer() != Some(VERSION) {
            self.mistake_help(entry.at, "this version of the notation is not known", "write jeton = 1");
        }
    }

    fn field(&mut self, entry: Entry<'_>, nonce_once_within: &mut Option<std::time::Duration>) {
        let Some(keys) = self.table(entry) else { return };
        self.only(keys, &["from", "type", "make", "once_within", "default", "required_if"]);
        if noun::kind_of(entry.name).is_some() {
            self.mistake(entry.key_at, format!("`{}` is a noun of Jeton and needs no declaration", entry.name));
        }
        let origin = self
            .needed(keys, "from", "from = \"setting\", \"client\", \"server\", \"person\", \"token\" or \"step\"")
            .and_then(|from| self.word(from, &Origin::NAMED))
            .unwrap_or(Origin::Server);
        let made = keys.get("make").and_then(|make| self.word(make, &[("uuid4", Kind::Uuid4)]));
        let named = keys.get("type").and_then(|kind| self.word(kind, &Kind::NAMED));
        if let Some(make) = keys.get("make").filter(|_| origin != Origin::Client) {
            self.mistake(make.key_at, "only a client makes values");
        }
        let kind = named.or(made).unwrap_or(Kind::Text);
        if let Some(once) = keys.get("once_within") {
            if entry.name == "nonce" {
                *nonce_once_within = self.duration(once);
            } else {
                self.mistake(once.key_at, "`once_within` goes with the field `nonce`");
            }
        }
        let default = keys.get("default").and_then(|default| self.default(default, origin, kind));
        let required_if = keys.get("required_if").and_then(|entry| self.text_of(entry)).map(str::to_owned);
        self.fields.push(Field {
            name: entry.name.to_owned(),
            origin,
            kind,
            made: made.is_some(),
            default,
            required_if,
        });
    }

    fn default(&mut self, entry: Entry<'_>, origin: Origin, kind: Kind) -> Option<Value> {
        if origin != Origin::Setting {
            self.mistake(entry.key_at, "only a setting has a default here; in a hole write `{{name=text}}`");
            return None;
        }
        let value = match entry.item.as_value() {
            Some(toml_edit::Value::String(text)) => kind.read(text.value()),
            Some(toml_edit::Value::Integer(number)) => Some(Value::Number(*number.value())),
            Some(toml_edit::Value::Boolean(flag)) => Some(Value::Bool(*flag.value())),
            _ => None,
        };
        let fitting = value.filter(|value| kind.fits(value));
        if fitting.is_none() {
            self.mistake(entry.at, format!("the default {}", kind.demand()));
        }
        fitting
    }

    fn check_required_if(&mut self, fields: Keys<'_>) {
        for entry in fields.entries() {
            let required_if = entry.item.as_table_like().and_then(|table| table.get("required_if"));
            let Some((item, name)) = required_if.and_then(|item| Some((item, item.as_str()?))) else { continue };
            let known = |field: &Field| field.origin == Origin::Setting && field.kind == Kind::Bool;
            if !self.fields.iter().any(|field| field.name == name && known(field)) {
                let at = item.span().map_or(entry.at, |span| span.start);
                let help = format!("write {name} = {{ from = \"setting\", type = \"bool\", default = false }}");
                self.mistake_help(at, format!("`{name}` is no setting of type bool"), help);
            }
        }
    }

    fn parts(&mut self, keys: Keys<'_>) {
        for entry in keys.entries() {
            if noun::kind_of(entry.name).is_some() || self.fields.iter().any(|field| field.name == entry.name) {
                self.mistake(entry.key_at, format!("`{}` is the name of a value already", entry.name));
            }
            let ways = match entry.item.as_table_like() {
                Some(table) => {
                    let ways = Keys { table, at: entry.at };
                    let ways: Vec<_> = ways
                        .entries()
                        .into_iter()
                        .filter_map(|way| Some((way.name.to_owned(), self.source(way)?)))
                        .collect();
                    if ways.is_empty() { None } else { Some(Ways::Named(ways)) }
                }
                None => Some(self.sources(entry)).filter(|sources| !sources.is_empty()).map(Ways::Listed),
            };
            if let Some(ways) = ways {
                self.parts.push(Part { name: entry.name.to_owned(), at: entry.key_at, ways, used: false });
            }
        }
    }

    fn exchanges(&mut self, root: Keys<'_>, format: &Format, of_all: &Refusals) -> Vec<Exchange> {
        let mut exchanges = Vec::new();
        let mut places = Vec::new();
        for keys in self.tables(root, "exchange") {
            let (before, one_way) = (self.mistakes.len(), self.one_way.len());
            self.only(keys, &["grant", "only", "request", "must", "answer", "refusal", "step"]);
            let grants = GrantName::ALL.map(|grant| (grant.name(), grant));
            let grant = self.needed(keys, "grant", "grant = \"password\"").and_then(|entry| self.word(entry, &grants));
            let only = keys.get("only").and_then(|entry| self.word(entry, &End::NAMED));
            let refusals = self.refusals(keys, of_all);
            let first = exchanges.len();
            for step in self.tables(keys, "step") {
                self.only(step, &["request", "must", "answer"]);
                if let Some((requests, answers)) = self.messages(step) {
                    let refusals = refusals.clone();
                    exchanges.push(Exchange { grant: GrantName::Step, only, steps: 0..0, requests, answers, refusals });
                    places.push(step.get("request").map_or(step.at, |entry| entry.at));
                }
            }
            let messages = self.messages(keys);
            // What a server never reads may be a hash or a signature.
            let signed = only == Some(End::Client) && self.one_way.len() > one_way;
            if signed {
                self.one_way.truncate(one_way);
            }
            if let (Some(grant), Some((requests, answers))) = (grant, messages) {
                let steps = first..exchanges.len();
                let exchange = Exchange { grant, only, steps, requests, answers, refusals };
                if self.mistakes.len() == before {
                    self.check_exchange(keys, &exchange, &exchanges[first..], signed);
                }
                exchanges.push(exchange);
                places.push(keys.get("request").map_or(keys.at, |entry| entry.at));
            }
        }
        if self.mistakes.is_empty() {
            self.check_routes(&mut exchanges, &places, format);
        }
        exchanges
    }

    /// The requests and answers of an exchange or a step; nothing if one of them is wrong.
    fn messages(&mut self, keys: Keys<'_>) -> Option<(Vec<RequestTemplate>, Vec<AnswerTemplate>)> {
        let must: Vec<String> = match keys.get("must") {
            Some(entry) => self.sources(entry).iter().map(|name| name.snippet().as_str().to_owned()).collect(),
            None => Vec::new(),
        };
        let asked = self.needed(keys, "request", "request = '''…'''").map(|entry| self.sources(entry));
        let asked = asked.unwrap_or_default();
        let requests: Vec<_> = asked.iter().filter_map(|source| self.request(source.snippet(), &must)).collect();
        let told = self.needed(keys, "answer", "answer = '''…'''").map(|entry| self.sources(entry));
        let told = told.unwrap_or_default();
        let answers: Vec<_> = told.iter().filter_map(|source| self.answer(source.snippet())).collect();
        let whole = requests.len() == asked.len() && answers.len() == told.len() && !answers.is_empty();
        whole.then_some((requests, answers))
    }

    pub(super) fn methods(&mut self, entry: Entry<'_>) -> Vec<http::Method> {
        let mut methods = Vec::new();
        for source in self.sources(entry) {
            let name = source.snippet();
            match method_named(name.as_str()) {
                Some(method) => methods.push(method),
                None => {
                    self.unknown(name.offset(0), "method", name.as_str(), METHODS.iter().map(http::Method::as_str));
                }
            }
        }
        methods
    }

    fn environments(&mut self, entry: Entry<'_>) -> Vec<(String, Vec<(String, String)>)> {
        let Some(keys) = self.table(entry) else { return Vec::new() };
        let mut environments = Vec::new();
        for environment in keys.entries() {
            let Some(addresses) = self.table(environment) else { continue };
            let mut set = Vec::new();
            for address in addresses.entries() {
                let Some(text) = self.text_of(address) else { continue };
                if !text.starts_with("https://") {
                    self.mistake(address.at, format!("the address `{}` must begin with https://", address.name));
                }
                set.push((address.name.to_owned(), text.to_owned()));
            }
            environments.push((environment.name.to_owned(), set));
        }
        environments
    }
}
