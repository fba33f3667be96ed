//! Whether the steps of an exchange lead to it: what one gives, a later one takes.

use super::super::message::Slot;
use super::super::noun::{self, Kind, Origin};
use super::super::{Dialect, Exchange, Part};
use super::Parser;
use super::table::Keys;

/// More steps than any API is known to need.
const MOST_STEPS: usize = 2;

impl Parser<'_> {
    /// Everything about steps. The file is well formed otherwise, so its tables are the dialect's exchanges, in order.
    pub(super) fn check_chains(&mut self, root: Keys<'_>, dialect: &Dialect) {
        let mut index = 0;
        let mut chained = false;
        for table in self.tables(root, "exchange") {
            let steps = self.tables(table, "step");
            chained |= !steps.is_empty();
            let last = index + steps.len();
            if let Some(step) = steps.get(MOST_STEPS) {
                self.mistake_help(
                    step.at,
                    "an exchange has two steps at most",
                    "leave out what no later request needs",
                );
            }
            match dialect.exchanges.get(last) {
                Some(whole) if !steps.is_empty() && !whole.grant.signs_in() => {
                    let at = table.get("grant").map_or(table.at, |entry| entry.at);
                    let message = format!("the grant `{}` has no steps", whole.grant.name());
                    let help = "steps lead to a sign-in: password, api_key or client_credentials";
                    self.mistake_help(at, message, help);
                }
                _ => {
                    let tables: Vec<Keys<'_>> = steps.iter().copied().chain([table]).collect();
                    self.check_chain(dialect, last, &tables);
                }
            }
            index = last + 1;
        }
        let unstepped = !chained && self.mistakes.is_empty();
        let fields = root.get("field").and_then(|entry| self.table(entry)).map(Keys::entries).unwrap_or_default();
        for entry in fields {
            if !unstepped || !self.is_of_step(entry.name) {
                continue;
            }
            let message = format!("`{}` is given by a step, and no exchange has one", entry.name);
            self.mistake_help(entry.key_at, message, "write [[exchange.step]] with its request and answer");
        }
    }

    fn is_of_step(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name && field.origin == Origin::Step)
    }

    /// The parts of one exchange in order, `tables` beside them.
    fn check_chain(&mut self, dialect: &Dialect, last: usize, tables: &[Keys<'_>]) {
        let parts: Vec<&Exchange> = dialect.parts(last).filter_map(|index| dialect.exchanges.get(index)).collect();
        let of = |table: &Keys<'_>, key: &str| table.get(key).map_or(table.at, |entry| entry.at);
        for (number, (part, table)) in parts.iter().zip(tables).enumerate() {
            let (before, after) =
                (parts.get(..number).unwrap_or_default(), parts.get(number + 1..).unwrap_or_default());
            for slot in part.request_slots() {
                if self.is_of_step(&slot.name) && !before.iter().any(|step| step.gives(&slot.name)) {
                    let message = format!("no step before this request gives `{}`", slot.name);
                    self.mistake_help(of(table, "request"), message, "write its hole in the answer of an earlier step");
                }
            }
            let given: Vec<Slot> = part.answer_slots().into_iter().filter(|slot| self.is_of_step(&slot.name)).collect();
            for slot in &given {
                if after.is_empty() {
                    let message = format!("`{}` is of a step, and cannot stand in the last answer", slot.name);
                    self.mistake_help(of(table, "answer"), message, "declare another name from = \"server\"");
                } else if !after.iter().any(|later| takes(later, &slot.name)) {
                    let message = format!("`{}` is given by this step, and no later request takes it", slot.name);
                    self.mistake_help(
                        of(table, "answer"),
                        message,
                        "write its hole in a later request, or leave it out",
                    );
                }
            }
            if let (Some(next), true) = (after.first(), part.is_served())
                && !given.iter().any(|slot| slot.required && next.requires(&slot.name))
            {
                let message = "nothing in the next request shows that it follows this step";
                let help = "give it a value declared from = \"step\", or write only = \"client\" in this exchange";
                self.mistake_help(of(table, "answer"), message, help);
            }
        }
        if let Some(part) = dialect.part(last).filter(|_| parts.iter().all(|part| part.is_served())) {
            self.check_served(dialect, part, &parts, tables);
        }
    }

    /// What a server could not answer.
    fn check_served(&mut self, dialect: &Dialect, chain: Part, parts: &[&Exchange], tables: &[Keys<'_>]) {
        let asked = |number: usize, name: &str| {
            parts.iter().take(number + 1).any(|part| part.request_slots().iter().any(|slot| slot.name == name))
        };
        for (number, (part, table)) in parts.iter().zip(tables).enumerate() {
            let [request, answer] = ["request", "answer"].map(|key| table.get(key).map_or(table.at, |entry| entry.at));
            for slot in part.request_slots() {
                if slot.name == "nonce" && dialect.policy.nonce_once_within.is_some() {
                    let help = "leave `nonce` out: what a step gives is good once";
                    self.mistake_help(request, "a nonce of its own in an exchange with steps", help);
                } else if number > chain.proves
                    && noun::kind_of(&slot.name).is_some()
                    && (slot.kind == Kind::Secret || !asked(chain.proves, &slot.name))
                {
                    let message = format!("`{}` comes after the credentials are complete", slot.name);
                    let help = "the token is decided with them: ask for it before, or write only = \"client\"";
                    self.mistake_help(request, message, help);
                }
            }
            for slot in part.answer_slots() {
                let known = self.is_of_step(&slot.name)
                    || LIFE.contains(&slot.name.as_str())
                    || asked(number, &slot.name)
                    || self.fields.iter().any(|field| field.name == slot.name && field.made);
                if self.is_of_step(&slot.name) && !matches!(slot.kind, Kind::Text | Kind::Secret) {
                    let message = format!("a server makes `{}` as text", slot.name);
                    self.mistake_help(
                        answer,
                        message,
                        "declare it without type or as secret, or write only = \"client\"",
                    );
                } else if number < chain.proves && slot.required && !known {
                    let message = format!("nobody is known yet whose `{}` this answer could tell", slot.name);
                    self.mistake_help(answer, message, "mark it `?`, or write only = \"client\" in this exchange");
                } else if number < chain.last && slot.name.ends_with("_token") && !known {
                    let message = format!("`{}` comes with the last answer", slot.name);
                    self.mistake_help(answer, message, "declare a name from = \"step\" for what this answer gives");
                }
            }
        }
    }
}

/// What the answer of a step says of the life of what it gives.
const LIFE: [&str; 3] = ["expires_in", "expires_at", "issued_at"];

fn takes(part: &Exchange, name: &str) -> bool {
    part.request_slots().iter().any(|slot| slot.name == name)
}
