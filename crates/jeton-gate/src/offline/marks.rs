//! What the feed has named, as far as it has to be known.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use jeton_core::domain::revocation::Revocation;
use jeton_core::time::Timestamp;

use super::token::Candidate;

/// More is not held: at about 150 bytes each, thirty megabytes.
const MOST: usize = 200_000;

/// Names by their kind. It may hold too many, and never too few.
#[derive(Debug, Default)]
pub(super) struct Marks {
    by_kind: HashMap<&'static str, HashMap<String, Mark>>,
    count: usize,
    /// What was named when there was no room: until then everything is.
    all_until: Timestamp,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// Tokens that were issued before this.
    before: Timestamp,
    /// From then on there are none left.
    expires_at: Timestamp,
}

impl Marks {
    /// Notes what was named.
    pub(super) fn add(&mut self, revocation: Revocation) {
        let Revocation { named, before, expires_at } = revocation;
        let before = before.unwrap_or(Timestamp::MAX);
        match self.by_kind.entry(named.kind()).or_default().entry(named.name().to_owned()) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.before = known.before.max(before);
                known.expires_at = known.expires_at.max(expires_at);
            }
            Entry::Vacant(free) if self.count < MOST => {
                free.insert(Mark { before, expires_at });
                self.count += 1;
            }
            Entry::Vacant(_) => self.all_until = self.all_until.max(expires_at),
        }
    }

    /// Whether a token is named.
    pub(super) fn name(&self, token: &Candidate, now: Timestamp) -> bool {
        let claims = [
            ("token", Some(token.jti.as_str())),
            ("session", token.sid.as_deref()),
            ("principal", Some(token.claims.sub.as_str())),
            ("client", Some(token.client_id.as_str())),
            ("key", Some(token.kid.as_str())),
            ("realm", Some("")),
        ];
        let issued_at = token.claims.issued_at();
        let is_marked = |(kind, name): (&str, Option<&str>)| {
            let mark = name.and_then(|name| self.by_kind.get(kind)?.get(name));
            mark.is_some_and(|mark| issued_at < mark.before && now < mark.expires_at)
        };
        now < self.all_until || claims.into_iter().any(is_marked)
    }

    /// Forgets what no token can have any more.
    pub(super) fn forget(&mut self, now: Timestamp) {
        for marks in self.by_kind.values_mut() {
            marks.retain(|_, mark| now < mark.expires_at);
        }
        self.count = self.by_kind.values().map(HashMap::len).sum();
    }
}

#[cfg(test)]
mod tests {
    use jeton_core::domain::revocation::Named;
    use jeton_core::token::jwt::Claims;

    use super::*;

    fn token() -> Candidate {
        let text = |text: &str| text.to_owned();
        let claims = Claims { sub: text("p"), iat: 50, exp: 90, ..Claims::default() };
        Candidate { kid: text("k"), jti: text("j"), sid: Some(text("s")), client_id: text("c"), claims }
    }

    fn told(named: Named, before: Option<i64>, expires_at: i64) -> Revocation {
        let (before, expires_at) = (before.map(Timestamp::from_secs), Timestamp::from_secs(expires_at));
        Revocation { named, before, expires_at }
    }

    #[test]
    fn a_token_is_named_by_each_of_its_claims() {
        let rows: [(Named, Option<i64>, i64, bool); 14] = [
            (Named::Token("j".into()), None, 99, true),
            (Named::Token("s".into()), None, 99, false),
            (Named::Session("s".into()), None, 99, true),
            (Named::Session("j".into()), None, 99, false),
            (Named::Subject("p".into()), None, 99, true),
            (Named::Subject("p".into()), Some(51), 99, true),
            (Named::Subject("p".into()), Some(50), 99, false),
            (Named::Client("c".into()), None, 99, true),
            (Named::Client("C".into()), None, 99, false),
            (Named::Key("k".into()), None, 99, true),
            (Named::Key("p".into()), None, 99, false),
            (Named::Realm, Some(51), 99, true),
            (Named::Realm, Some(50), 99, false),
            (Named::Realm, Some(51), 60, false),
        ];
        let now = Timestamp::from_secs(60);
        assert!(!Marks::default().name(&token(), now));
        for (named, before, expires_at, expected) in rows {
            let mut marks = Marks::default();
            let row = format!("{named:?} {before:?} {expires_at}");
            marks.add(told(named, before, expires_at));
            assert_eq!(marks.name(&token(), now), expected, "{row}");
            marks.forget(now);
            assert_eq!(marks.name(&token(), now), expected, "{row}");
        }
    }

    #[test]
    fn what_is_named_twice_is_named_as_both_say() {
        for rows in [[(Some(51), 61), (Some(40), 99)], [(Some(40), 99), (Some(51), 61)], [(None, 61), (Some(1), 99)]] {
            let mut marks = Marks::default();
            for (before, expires_at) in rows {
                marks.add(told(Named::Realm, before, expires_at));
            }
            assert!(marks.name(&token(), Timestamp::from_secs(98)), "{rows:?}");
        }
    }

    #[test]
    fn without_room_everything_is_named() {
        let mut marks = Marks::default();
        for n in 0..MOST {
            marks.add(told(Named::Token(format!("t{n}")), None, 70));
        }
        assert!(!marks.name(&token(), Timestamp::from_secs(60)));
        marks.add(told(Named::Token("one more".into()), None, 80));
        assert!(marks.name(&token(), Timestamp::from_secs(60)));
        assert_eq!(marks.count, MOST);
        marks.forget(Timestamp::from_secs(80));
        assert!(!marks.name(&token(), Timestamp::from_secs(80)));
        assert_eq!(marks.count, 0);
    }
}
