//! `[[show]]`: where the token stands in a call.

use super::super::percent::Coding;
use super::super::refuse::Refusals;
use super::super::show::{Show, Spot};
use super::super::source::Snippet;
use super::super::template::HeaderValue;
use super::Parser;
use super::table::Keys;

impl Parser<'_> {
    pub(super) fn show(&mut self, keys: Keys<'_>, of_all: &Refusals) -> Option<Show> {
        self.only(keys, &["token", "also", "refusal"]);
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
        Some(Show { placements, also, refusals })
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
