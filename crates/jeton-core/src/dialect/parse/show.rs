//! `[[show]]`: where the token stands in a call.

use super::super::End;
use super::super::percent::{self, Coding};
use super::super::refuse::Refusals;
use super::super::show::{Calls, PathPattern, Show, Spot};
use super::super::source::Snippet;
use super::super::template::{Header, HeaderValue, Mark};
use super::Parser;
use super::table::{Entry, Keys};

impl Parser<'_> {
    pub(super) fn show(&mut self, keys: Keys<'_>, of_all: &Refusals) -> Option<Show> {
        self.only(keys, &["methods", "path", "only", "token", "also", "returned", "refusal"]);
        let entry = self.needed(keys, "token", "token = \"Authorization: Bearer {{access_token}}\"")?;
        let mut placements = Vec::new();
        for source in self.sources(entry) {
            let spots = self.spots(source.snippet());
            let tokens = spots.iter().filter(|spot| spot.is_for_token()).count();
            if tokens != 1 {
                self.mistake_help(
                    source.snippet().offset(0),
                    "a placement holds the token once",
                    "write {{access_token}} in one of its lines",
                );
            }
            placements.push(spots);
        }
        let mut also = Vec::new();
        if let Some(entry) = keys.get("also") {
            for source in self.sources(entry) {
                also.extend(self.spots(source.snippet()));
            }
        }
        let refusals = self.refusals(keys, of_all);
        let calls = self.calls(keys);
        let returned = keys.get("returned").map(|entry| self.returned(entry, calls.only)).unwrap_or_default();
        Some(Show { calls, placements, also, returned, refusals })
    }

    /// Headers of any answer with the next token. They are for clients: no gate here gives one.
    fn returned(&mut self, entry: Entry<'_>, only: Option<End>) -> Vec<Header> {
        let Some(source) = self.source(entry) else { return Vec::new() };
        let headers = self.headers(source.snippet());
        let mut tokens = 0;
        for header in &headers {
            header.each_slot(&mut |hole, _| {
                tokens += usize::from(hole.name == "access_token" && hole.mark == Mark::Required);
            });
        }
        if tokens != 1 {
            let help =
                "write a header such as \"X-New-Token: {{access_token}}\" or \"Set-Cookie: sid={{access_token}}\"";
            self.mistake_help(source.snippet().offset(0), "what is returned holds the next token once", help);
        }
        if only != Some(End::Client) {
            let message = "no server here gives the next token in the answer to a call";
            self.mistake_help(
                entry.key_at,
                message,
                "write only = \"client\" in this [[show]], and another for the server",
            );
        }
        headers
    }

    fn calls(&mut self, keys: Keys<'_>) -> Calls {
        Calls {
            methods: keys.get("methods").map(|entry| self.methods(entry)).unwrap_or_default(),
            path: keys.get("path").and_then(|entry| self.path_pattern(entry)),
            only: keys.get("only").and_then(|entry| self.word(entry, &End::NAMED)),
        }
    }

    /// `/v2/me` or `/v2/*`.
    fn path_pattern(&mut self, entry: Entry<'_>) -> Option<PathPattern> {
        let source = self.source(entry)?;
        let path = source.snippet();
        let text = path.as_str();
        let (literal, and_below) = text.strip_suffix("/*").map_or((text, false), |literal| (literal, true));
        let segments = match literal.strip_prefix('/') {
            Some(rest) => rest.split('/').map(|segment| percent::decode(Coding::Path, segment)).collect(),
            None => (and_below && literal.is_empty()).then(Vec::new),
        };
        if segments.is_none() || literal.contains(['*', '?', '{']) {
            let message = format!("`{text}` is not a path of calls");
            self.mistake_help(
                path.offset(0),
                message,
                "write a path such as \"/v2/me\", or \"/v2/*\" with all below it",
            );
            return None;
        }
        segments.map(|segments| PathPattern { segments, and_below })
    }

    /// Lines of headers, or `?name=text` for the query.
    fn spots(&mut self, all: Snippet<'_>) -> Vec<Spot> {
        all.split('\n').into_iter().flat_map(|line| self.spot(line)).collect()
    }

    fn spot(&mut self, line: Snippet<'_>) -> Vec<Spot> {
        if line.as_str().starts_with('?') {
            return self.pair(line.from(1), Coding::Query).map(Spot::Query).into_iter().collect();
        }
        let Some(header) = self.header(line) else { return Vec::new() };
        match header.value {
            HeaderValue::Text(text) => vec![Spot::Header(header.name, text)],
            HeaderValue::Cookies(pairs) => pairs.into_iter().map(Spot::Cookie).collect(),
            HeaderValue::SetCookie(..) => {
                self.mistake_help(line.offset(0), "a call sets no cookie", "write `Cookie: name={{access_token}}`");
                Vec::new()
            }
        }
    }
}
