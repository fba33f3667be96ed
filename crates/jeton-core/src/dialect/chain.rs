//! Exchanges of several requests: which part of the whole a request is, and where its credentials are complete.

use std::collections::BTreeSet;

use super::message::Slot;
use super::{Dialect, Exchange};

/// One request of an exchange that has steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The exchange that the steps lead to, by its index.
    pub exchange: usize,
    /// Which of its requests this is, from 0.
    pub number: usize,
    /// The number of the request whose answer brings the token.
    pub last: usize,
    /// The number of the request with which the credentials are complete.
    pub proves: usize,
}

impl Dialect {
    /// Which part of an exchange with steps the exchange of this index is; nothing if it is whole by itself.
    pub fn part(&self, index: usize) -> Option<Part> {
        let belongs = |(last, exchange): &(usize, &Exchange)| {
            !exchange.steps.is_empty() && (exchange.steps.contains(&index) || *last == index)
        };
        let (exchange, whole) = self.exchanges.iter().enumerate().find(belongs)?;
        let number = if exchange == index { whole.steps.len() } else { index - whole.steps.start };
        Some(Part { exchange, number, last: whole.steps.len(), proves: self.proves(exchange) })
    }

    /// The parts of an exchange, the last of them the exchange itself: indices into [`exchanges`](Self::exchanges).
    pub fn parts(&self, exchange: usize) -> impl Iterator<Item = usize> {
        self.exchanges.get(exchange).map_or(0..0, |whole| whole.steps.clone()).chain([exchange])
    }

    /// What the parts of an exchange ask for together: every value once, those left out that a step gives.
    pub fn whole_request_slots(&self, exchange: usize) -> Vec<Slot> {
        let mut slots: Vec<Slot> = Vec::new();
        for part in self.parts(exchange).filter_map(|index| self.exchanges.get(index)) {
            for slot in part.request_slots().into_iter().filter(|slot| !self.is_of_step(&slot.name)) {
                match slots.iter_mut().find(|known| known.name == slot.name) {
                    Some(known) => known.required |= slot.required,
                    None => slots.push(slot),
                }
            }
        }
        slots
    }

    /// Whether the value of this name is given by a step.
    pub fn is_of_step(&self, name: &str) -> bool {
        self.fields.iter().any(|field| field.name == name && field.origin == super::Origin::Step)
    }

    /// The number of the part after which every value that the grant needs was sent.
    fn proves(&self, exchange: usize) -> usize {
        let Some(whole) = self.exchanges.get(exchange) else { return 0 };
        let mut missing: BTreeSet<&str> = whole.grant.needs().iter().copied().collect();
        for (number, index) in self.parts(exchange).enumerate() {
            missing.retain(|need| !self.exchanges.get(index).is_some_and(|part| part.requires(need)));
            if missing.is_empty() {
                return number;
            }
        }
        whole.steps.len()
    }
}

impl Exchange {
    /// Whether every request for this has the value.
    pub(super) fn requires(&self, name: &str) -> bool {
        let mut starts =
            self.requests.iter().flat_map(|request| request.starts.iter().map(move |start| (request, start)));
        starts.all(|(request, start)| {
            let mut there = false;
            request.each_slot(start, &mut |hole, _| there |= hole.name == name && hole.is_required());
            there
        })
    }

    /// Whether its answers have the value.
    pub(super) fn gives(&self, name: &str) -> bool {
        self.answer_slots().iter().any(|slot| slot.name == name)
    }
}
