//! What must hold for the whole file, beyond each piece being well formed.

use super::super::message::Slot;
use super::super::template::{AnswerTemplate, Mark, Start, Status};
use super::super::{Dialect, End, Exchange};
use super::Parser;
use super::table::Keys;
use crate::domain::policy::Format;

impl Parser<'_> {
    /// Whether the messages of an exchange and its steps carry what its grant needs. What a client
    /// signs stands for its name and secret.
    pub(super) fn check_exchange(&mut self, keys: Keys<'_>, exchange: &Exchange, steps: &[Exchange], signed: bool) {
        let at = keys.get("request").map_or(keys.at, |entry| entry.at);
        let grant = exchange.grant.name();
        let needs = if signed { &[] } else { exchange.grant.needs() };
        for need in needs {
            if ![steps, std::slice::from_ref(exchange)].concat().iter().any(|part| part.requires(need)) {
                self.mistake(at, format!("a request of the grant `{grant}` needs the hole {{{{{need}}}}}"));
            }
        }
        let at = keys.get("answer").map_or(keys.at, |entry| entry.at);
        let token = |answer: &AnswerTemplate| {
            let mut there = false;
            answer.message.each_slot(&mut |hole, _| {
                there |= hole.name == "access_token" && hole.mark == Mark::Required;
            });
            there
        };
        if exchange.grant.issues() && !exchange.answers.iter().all(token) {
            self.mistake(at, format!("an answer of the grant `{grant}` needs the hole {{{{access_token}}}}"));
        }
        let parts = steps.iter().chain([exchange]);
        if parts.flat_map(|part| &part.answers).any(|answer| answer.status == Status::Row) {
            self.mistake_help(at, "the status of a success is fixed", "write 200");
        }
    }

    /// What may not stand everywhere.
    pub(super) fn check_places(&mut self) {
        for at in std::mem::take(&mut self.repeats) {
            let help = "it repeats a pair of a query or form, an element of a JSON list, or an XML element with nothing else in it";
            self.mistake_help(at, "`*` cannot stand here", help);
        }
        for at in std::mem::take(&mut self.one_way) {
            let help = "write only = \"client\" in this exchange";
            self.mistake_help(at, "a server cannot read back what a client hashes, signs or dates", help);
        }
    }

    pub(super) fn check_whole(&mut self, root: Keys<'_>, dialect: &Dialect) {
        let token = root.get("token");
        if !dialect.exchanges.is_empty() && token.is_none() {
            self.mistake_help(root.at, "`token` is missing", "write [token] with format and lifetime");
        }
        if let (Some(token), Format::Jwt(_), None) = (token, &dialect.policy.format, &dialect.jwt.claims) {
            self.mistake_help(token.key_at, "a JWT needs `claims`", "write claims = '{\"iss\":\"{{issuer}}\",…}'");
        }
        self.check_renewed_jwt(root, dialect);
        self.check_chains(root, dialect);
        self.check_shown(root, dialect);
        if let (Some(token), Some(url)) = (token, &dialect.url) {
            let tells = |exchange: &Exchange| exchange.answer_slots().iter().any(|slot| slot.name == *url);
            if !dialect.exchanges.iter().any(|exchange| exchange.grant.issues() && tells(exchange)) {
                self.mistake_help(
                    token.key_at,
                    format!("no answer says `{url}`"),
                    format!("write {{{{{url}}}}} in one"),
                );
            }
        }
        let unused: Vec<_> =
            self.parts.iter().filter(|part| !part.used).map(|part| (part.at, part.name.clone())).collect();
        for (at, name) in unused {
            self.mistake(at, format!("the part `{name}` is used nowhere"));
        }
    }
}

impl Parser<'_> {
    /// What is asked about a token, without a hole for it, shows it as a call does: both ends need a show that is for it.
    fn check_shown(&mut self, root: Keys<'_>, dialect: &Dialect) {
        let at = root.get("show").map_or(root.at, |entry| entry.key_at);
        let own = |slot: &Slot| slot.name == "access_token" || slot.name == "refresh_token";
        let asking = dialect.exchanges.iter().filter(|exchange| exchange.grant.shows_token());
        for exchange in asking.filter(|exchange| !exchange.request_slots().iter().any(own)) {
            let grant = exchange.grant.name();
            let speaks = |end: &End| exchange.only.is_none_or(|only| only == *end);
            for end in [End::Client, End::Server].into_iter().filter(speaks) {
                let starts = exchange.requests.iter().flat_map(|request| &request.starts);
                let unshown = |start: &&Start| !dialect.shows.iter().any(|show| show.calls.have(end, start));
                if let Some(start) = starts.into_iter().find(unshown) {
                    let message =
                        format!("the grant `{grant}` finds its token by [[show]], and none is for {}", spelt(start));
                    self.mistake_help(at, message, "write [[show]] for it too, or a hole for the token in the request");
                    return;
                }
            }
        }
    }
}

/// A start line as a reader of the file knows it.
pub(super) fn spelt(start: &Start) -> String {
    let path: Vec<&str> = start.path.iter().map(|text| text.literal().unwrap_or("{{…}}")).collect();
    format!("{} /{}", start.method, path.join("/"))
}
