//! The tables of policy: `[token]`, `[refresh]`, `[target]`, `[limits]`.

use std::time::Duration;

use super::super::JwtTemplates;
use super::super::json::Escape;
use super::super::percent::Coding;
use super::table::{Entry, Keys};
use super::{Parser, table};
use crate::domain::policy::{Alg, End, Format, Limit, Limited, Policy, Refresh, TargetPolicy, TokenText};
use crate::token::opaque;

impl Parser<'_> {
    /// Everything about tokens that is not a message.
    pub(super) fn policy(&mut self, root: Keys<'_>) -> (Policy, JwtTemplates) {
        let mut policy = Policy {
            format: Format::Jwt(Alg::ES256),
            lifetime: Duration::from_secs(300),
            idle: None,
            refresh: Refresh::None,
            realm_scope: String::new(),
            target_scope: String::new(),
            target: None,
            limits: Vec::new(),
            nonce_once_within: None,
            sessions: None,
        };
        let mut jwt = self.jwt_defaults();
        if let Some(token) = root.get("token").and_then(|entry| self.table(entry)) {
            self.token(token, &mut policy, &mut jwt);
        }
        if let Some(refresh) = root.get("refresh").and_then(|entry| self.table(entry)) {
            policy.refresh = self.refresh(refresh, policy.idle).unwrap_or(Refresh::None);
        }
        policy.target = root.get("target").and_then(|entry| self.table(entry)).and_then(|keys| self.target(keys));
        if let Some(limits) = root.get("limits").and_then(|entry| self.table(entry)) {
            policy.limits = self.limits(limits);
            policy.sessions = limits.get("sessions").and_then(|entry| self.sessions(entry));
        }
        (policy, jwt)
    }

    fn token(&mut self, keys: Keys<'_>, policy: &mut Policy, jwt: &mut JwtTemplates) {
        self.only(keys, &["format", "alg", "text", "lifetime", "scope", "json", "header", "claims", "url"]);
        let is_jwt = self
            .needed(keys, "format", "format = \"jwt\" or \"opaque\"")
            .and_then(|entry| self.word(entry, &[("jwt", true), ("opaque", false)]));
        policy.format = match is_jwt {
            Some(false) => Format::Opaque(self.token_text(keys)),
            _ => Format::Jwt(self.alg(keys)),
        };
        let foreign: &[&str] = if is_jwt == Some(false) { &["alg", "json", "header", "claims"] } else { &["text"] };
        for entry in foreign.iter().filter_map(|name| keys.get(name)) {
            self.mistake(entry.key_at, format!("`{}` does not go with this format of tokens", entry.name));
        }
        if let Some(entry) = self.needed(keys, "lifetime", "lifetime = \"1h\"") {
            self.lifetime(entry, policy);
        }
        if let Some(scope) = keys.get("scope").and_then(|entry| self.table(entry)) {
            self.only(scope, &["realm", "target"]);
            let mut word = |name| scope.get(name).and_then(|entry| self.text_of(entry)).unwrap_or_default().to_owned();
            (policy.realm_scope, policy.target_scope) = (word("realm"), word("target"));
        }
        if let Some(escape) = keys.get("json").and_then(|entry| self.word(entry, &Escape::NAMED)) {
            jwt.escape = escape;
        }
        self.jwt(keys, policy, jwt);
    }

    fn alg(&mut self, keys: Keys<'_>) -> Alg {
        let named = Alg::ALL.map(|alg| (alg.name(), alg));
        keys.get("alg").and_then(|entry| self.word(entry, &named)).unwrap_or(Alg::ES256)
    }

    fn token_text(&mut self, keys: Keys<'_>) -> TokenText {
        let Some(entry) = keys.get("text") else { return TokenText::Checked };
        let Some(text) = self.text_of(entry) else { return TokenText::Checked };
        let made = text.split_once("{{random:").and_then(|(prefix, rest)| {
            let length = rest.strip_suffix("}}")?.parse().ok().filter(|length| *length >= 43)?;
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
            prefix.bytes().all(plain).then(|| TokenText::Random { prefix: prefix.to_owned(), length })
        });
        let Some(TokenText::Random { prefix, length }) = made else {
            let message = "a token's text is one run of random characters, perhaps with letters and digits before it";
            let help = "write \"{{random:N}}\" or \"sk_{{random:N}}\" with N from 43 (256 bits) to 255";
            self.mistake_help(entry.at, message, help);
            return TokenText::Checked;
        };
        if let Some(own) = opaque::PREFIXES.into_iter().find(|own| prefix.starts_with(own)) {
            self.mistake_help(
                entry.at,
                format!("`{own}` is what Jeton's own texts begin with"),
                "choose another prefix",
            );
        }
        TokenText::Random { prefix, length }
    }

    /// `"1h"`, or `{ idle = "30d", max = "180d" }`.
    fn lifetime(&mut self, entry: Entry<'_>, policy: &mut Policy) {
        if entry.item.as_str().is_some() {
            policy.lifetime = self.duration(entry).unwrap_or(policy.lifetime);
            return;
        }
        let Some(keys) = self.table(entry) else { return };
        self.only(keys, &["idle", "max"]);
        if let Some(max) = self.needed(keys, "max", "max = \"180d\"") {
            policy.lifetime = self.duration(max).unwrap_or(policy.lifetime);
        }
        policy.idle = keys.get("idle").and_then(|idle| self.duration(idle));
    }

    fn refresh(&mut self, keys: Keys<'_>, idle: Option<Duration>) -> Option<Refresh> {
        #[derive(Clone, Copy)]
        enum How {
            None,
            Keep,
            Rotate,
            Extend,
            Renew,
        }
        const NAMED: [(&str, How); 5] = [
            ("none", How::None),
            ("keep", How::Keep),
            ("rotate", How::Rotate),
            ("extend", How::Extend),
            ("renew", How::Renew),
        ];
        let entry = self.needed(keys, "how", "how = \"keep\", \"rotate\", \"extend\", \"renew\" or \"none\"")?;
        match self.word(entry, &NAMED)? {
            How::None => {
                self.only(keys, &["how"]);
                Some(Refresh::None)
            }
            How::Keep => {
                self.only(keys, &["how", "end"]);
                let end = self.needed(keys, "end", "end = { after = \"24h\" }")?;
                let end = self.table(end)?;
                Some(Refresh::Keep { end: self.end(end)? })
            }
            How::Rotate => {
                self.only(keys, &["how", "within", "end"]);
                let within = self.needed(keys, "within", "within = \"30d\"")?;
                let within = self.duration(within)?;
                let end = keys.get("end").and_then(|end| self.table(end)).and_then(|end| self.end(end));
                Some(Refresh::Rotate { within, end })
            }
            How::Extend => {
                self.only(keys, &["how"]);
                if idle.is_none() {
                    let message = "a token that is extended has a time without use";
                    self.mistake_help(
                        entry.at,
                        message,
                        "write lifetime = { idle = \"30m\", max = \"12h\" } in [token]",
                    );
                }
                Some(Refresh::Extend)
            }
            How::Renew => {
                self.only(keys, &["how", "within", "ends_old"]);
                let within = self.needed(keys, "within", "within = \"7d\"")?;
                let within = self.duration(within)?;
                let entry = keys.get("ends_old");
                let ends_old = entry.and_then(|entry| self.flag(entry)).unwrap_or(true);
                if let (Some(entry), false) = (entry, ends_old) {
                    let message = "a renewal always ends the old token";
                    self.mistake_help(entry.at, message, "write ends_old = true, or leave it out");
                }
                Some(Refresh::Renew { within, ends_old })
            }
        }
    }

    fn end(&mut self, keys: Keys<'_>) -> Option<End> {
        self.only(keys, &["after", "round_up_to", "zone"]);
        let after = self.needed(keys, "after", "after = \"24h\"")?;
        let after = self.duration(after)?;
        let Some(round) = keys.get("round_up_to") else {
            if let Some(zone) = keys.get("zone") {
                self.mistake_help(zone.key_at, "`zone` needs `round_up_to`", "write round_up_to = \"midnight\"");
            }
            return Some(End { after, midnight_in: None });
        };
        self.word(round, &[("midnight", ())])?;
        let zone = self.needed(keys, "zone", "zone = \"America/New_York\"")?;
        let name = self.text_of(zone)?;
        if jiff::tz::db().get(name).is_err() {
            self.mistake_help(
                zone.at,
                format!("`{name}` is no IANA time zone"),
                "such as \"America/New_York\" or \"UTC\"",
            );
            return None;
        }
        Some(End { after, midnight_in: Some(name.to_owned()) })
    }

    fn target(&mut self, keys: Keys<'_>) -> Option<TargetPolicy> {
        self.only(keys, &["secret", "same_secret", "levels", "inside"]);
        if let Some(secret) = keys.get("secret") {
            self.word(secret, &[("own", ())]);
        }
        let same = keys.get("same_secret").and_then(|entry| self.word(entry, &[("realm", true), ("target", false)]));
        let mut policy =
            TargetPolicy { same_secret_is_realm: same.unwrap_or(false), levels: Vec::new(), inside: Vec::new() };
        if let Some(levels) = keys.get("levels").and_then(|entry| self.table(entry)) {
            for entry in levels.entries() {
                match entry.item.as_integer() {
                    Some(number) => policy.levels.push((entry.name.to_owned(), number)),
                    None => self.mistake(entry.at, format!("the level `{}` must be a number", entry.name)),
                }
            }
        }
        if let Some(inside) = keys.get("inside").and_then(|entry| self.table(entry)) {
            for entry in inside.entries() {
                let Some(acts_as) = self.text_of(entry) else { continue };
                for (at, name) in [(entry.key_at, entry.name), (entry.at, acts_as)] {
                    if !policy.levels.iter().any(|(level, _)| level == name) {
                        self.unknown(at, "level", name, policy.levels.iter().map(|(level, _)| level.as_str()));
                    }
                }
                policy.inside.push((entry.name.to_owned(), acts_as.to_owned()));
            }
        }
        Some(policy)
    }

    fn limits(&mut self, keys: Keys<'_>) -> Vec<Limit> {
        const KNOWN: [(&str, Limited); 2] = [("renew", Limited::Renew), ("all", Limited::All)];
        self.only(keys, &[KNOWN[0].0, KNOWN[1].0, "sessions"]);
        KNOWN
            .into_iter()
            .filter_map(|(name, what)| {
                let entry = keys.get(name)?;
                let text = self.text_of(entry)?;
                let limit = rate(text).map(|(count, per)| Limit { what, count, per });
                if limit.is_none() {
                    let help = "write a count and a time, such as \"400/m per principal\"";
                    self.mistake_help(entry.at, format!("`{text}` is not a limit"), help);
                }
                limit
            })
            .collect()
    }

    /// How many sessions a principal may have.
    fn sessions(&mut self, entry: Entry<'_>) -> Option<u32> {
        let count = entry.item.as_integer().and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        if count.is_none() {
            self.mistake_help(entry.at, "the number of sessions is a whole number from 1", "write sessions = 1");
        }
        count
    }

    /// A list of path prefixes.
    pub(super) fn prefixes(&mut self, entry: Entry<'_>) -> Vec<String> {
        let mut prefixes = Vec::new();
        for source in self.sources(entry) {
            let prefix = source.snippet();
            let text = self.text(prefix, Coding::Path);
            match text.literal() {
                Some(literal) if literal.starts_with('/') && !literal.ends_with('/') => {
                    prefixes.push(literal.to_owned())
                }
                _ => self.mistake_help(
                    prefix.offset(0),
                    format!("`{}` is not a prefix of paths", prefix.as_str()),
                    "it begins with a slash and ends with none, such as \"/api\"",
                ),
            }
        }
        prefixes
    }
}

/// `400/m per principal`
fn rate(text: &str) -> Option<(u32, Duration)> {
    let (count, per) = text.strip_suffix(" per principal")?.split_once('/')?;
    let per = if per.starts_with(|first: char| first.is_ascii_digit()) {
        table::duration(per)?
    } else {
        table::duration(&format!("1{per}"))?
    };
    Some((count.parse().ok().filter(|count| *count > 0)?, per))
}
