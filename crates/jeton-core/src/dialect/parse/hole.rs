//! Text with holes in it.

use super::super::noun::{self, Kind, Origin};
use super::super::percent::{self, Coding};
use super::super::source::{Snippet, Source};
use super::super::template::{Content, Hole, Mark, Piece, Text};
use super::super::transform::Transform;
use super::{Parser, Ways};

/// What may follow a hole's name.
const MARKS: [char; 4] = ['?', '*', '=', '|'];

/// How deep parts may stand in parts.
const MAX_PARTS: usize = 8;

impl Parser<'_> {
    /// Text in a place of this coding.
    pub(super) fn text(&mut self, snippet: Snippet<'_>, coding: Coding) -> Text {
        let mut text = Text::default();
        let mut rest = snippet;
        while let Some(open) = rest.as_str().find("{{") {
            let (before, hole) = (rest.slice(0..open), rest.from(open));
            text.pieces.extend(self.literal(before, coding));
            let Some(close) = hole.as_str().find("}}") else {
                self.mistake_help(hole.offset(0), "this hole has no end", "close it with `}}`");
                return text;
            };
            let touches = matches!(text.pieces.last(), Some(Piece::Hole(last)) if last.content != Content::Setting);
            if let Some(found) = self.hole(hole.slice(2..close)) {
                if touches && found.content != Content::Setting {
                    self.mistake_help(
                        hole.offset(0),
                        "two holes touch, so that nobody can tell where one value ends",
                        "put text between them",
                    );
                }
                self.check_text_hole(hole.slice(2..close), &found);
                text.pieces.push(Piece::Hole(found));
            }
            rest = hole.from(close + 2);
        }
        text.pieces.extend(self.literal(rest, coding));
        text
    }

    fn literal(&mut self, snippet: Snippet<'_>, coding: Coding) -> Option<Piece> {
        let written = snippet.as_str();
        if written.is_empty() {
            return None;
        }
        let text = match coding {
            Coding::Json => serde_json::from_str(&format!("\"{written}\"")).ok(),
            _ => percent::decode(coding, written),
        };
        match text {
            Some(text) => Some(Piece::Literal { text, written: written.to_owned() }),
            None => {
                self.mistake(snippet.offset(0), format!("`{written}` is not written as this place needs it"));
                None
            }
        }
    }

    /// What stands between `{{` and `}}`.
    pub(super) fn hole(&mut self, inside: Snippet<'_>) -> Option<Hole> {
        let text = inside.as_str();
        let end = text.find(MARKS).unwrap_or(text.len());
        let name = inside.slice(0..end);
        let (mark, through) = self.marks(inside.from(end))?;
        let content = self.content(name, &mark)?;
        if mark == Mark::Each {
            self.repeated(inside, &content);
        }
        if name.as_str() == noun::ASKED_AT {
            self.one_way.push(inside.offset(0));
        }
        Some(Hole { name: name.as_str().to_owned(), content, mark, in_some: false, through, at: self.position(inside) })
    }

    /// `*` is for a text of words; whoever reads the place that it repeats takes it off the list.
    fn repeated(&mut self, inside: Snippet<'_>, content: &Content) {
        if !matches!(content, Content::Slot(Kind::Text)) {
            self.mistake_help(inside.offset(0), "`*` repeats a text word by word", "such as `{{scope*}}`");
        }
        self.repeats.push(inside.offset(0));
    }

    /// Whether a place that can be repeated is: the only hole in it is marked `*`.
    pub(super) fn is_repeated(&mut self, text: &Text) -> bool {
        let repeated = text.repeated().is_some();
        if repeated {
            self.repeats.pop();
        }
        repeated
    }

    /// `?`, `*`, `=text` and `|transform` behind a name; `=` takes the rest.
    fn marks(&mut self, mut rest: Snippet<'_>) -> Option<(Mark, Vec<Transform>)> {
        let (mut mark, mut through) = (Mark::Required, Vec::new());
        loop {
            let text = rest.as_str();
            match text.chars().next() {
                None => return Some((mark, through)),
                Some(first @ ('?' | '*' | '=')) if mark != Mark::Required => {
                    let before = if mark == Mark::Each { '*' } else { '?' };
                    let message = format!("`{before}` and `{first}` in one hole");
                    self.mistake_help(rest.offset(0), message, "keep one of them");
                    return None;
                }
                Some('?') => {
                    mark = Mark::Optional;
                    rest = rest.from(1);
                }
                Some('*') => {
                    mark = Mark::Each;
                    rest = rest.from(1);
                }
                Some('=') => return Some((Mark::Default(text[1..].to_owned()), through)),
                Some('|') => {
                    let end = text[1..].find(MARKS).map_or(text.len(), |end| end + 1);
                    through.push(self.transform(rest.slice(1..end))?);
                    rest = rest.from(end);
                }
                Some(other) => {
                    self.mistake(rest.offset(0), format!("`{other}` stands behind a mark"));
                    return None;
                }
            }
        }
    }

    fn content(&mut self, name: Snippet<'_>, mark: &Mark) -> Option<Content> {
        let text = name.as_str();
        if text == "_" {
            if !matches!(mark, Mark::Default(_)) {
                self.mistake_help(name.offset(0), "`_` has nothing to write", "write `{{_=text}}`");
                return None;
            }
            return Some(Content::Any);
        }
        if let Some(field) = self.fields.iter().find(|field| field.name == text) {
            return Some(if field.origin == Origin::Setting { Content::Setting } else { Content::Slot(field.kind) });
        }
        if self.parts.iter().any(|part| part.name == text) {
            return self.text_parts(name).map(Content::Part);
        }
        if let Some(kind) = noun::kind_of(text) {
            return Some(Content::Slot(kind));
        }
        self.unknown_hole(name);
        None
    }

    fn unknown_hole(&mut self, name: Snippet<'_>) {
        let text = name.as_str();
        if let Some(odd) = text.find(|char: char| !(char.is_ascii_alphanumeric() || "_.".contains(char))) {
            let message =
                format!("`{}` cannot stand in the name of a hole", &text[odd..].chars().next().unwrap_or(' '));
            self.mistake_help(
                name.offset(odd),
                message,
                "a hole is `name`, `name?`, `name*`, `name=text` or `name|transform`",
            );
            return;
        }
        let declared: Vec<String> = self.fields.iter().map(|field| field.name.clone()).collect();
        let parts: Vec<String> = self.parts.iter().map(|part| part.name.clone()).collect();
        let nouns = noun::NOUNS.iter().map(|(noun, _)| *noun);
        let known = declared.iter().chain(&parts).map(String::as_str).chain(nouns);
        let message = format!("unknown hole `{text}`");
        match noun::nearest(text, known) {
            Some(near) => self.mistake_help(name.offset(0), message, format!("did you mean `{near}`?")),
            None => self.mistake_help(name.offset(0), message, "declare it in [field]"),
        }
    }

    /// A part that stands in text: one text or a list of them, read as they are before their transforms.
    fn text_parts(&mut self, name: Snippet<'_>) -> Option<Vec<Text>> {
        let ways = self.enter_part(name)?;
        let texts = match ways {
            Ways::Listed(sources) => {
                let mut texts: Vec<Text> =
                    sources.iter().map(|source| self.text(source.snippet(), Coding::Plain)).collect();
                self.check_listed(&sources, &texts);
                note_in_some(&mut texts);
                Some(texts)
            }
            Ways::Named(_) => {
                let message = format!("the part `{}` has named alternatives", name.as_str());
                self.mistake_help(name.offset(0), message, "use it as a whole JSON value, without quotes");
                None
            }
        };
        self.open.pop();
        texts
    }

    /// Of several texts, the first that has all its values is written: each but the last needs one, or a setting, that
    /// those behind it do not have.
    fn check_listed(&mut self, sources: &[Source], texts: &[Text]) {
        let required = |text: &Text| {
            let mut names = Vec::new();
            text.each_slot(&mut |hole, _| {
                if hole.mark == Mark::Required {
                    names.push(hole.name.clone());
                }
            });
            let settings =
                text.own_holes().filter(|hole| hole.content == Content::Setting && hole.mark == Mark::Required);
            names.extend(settings.map(|hole| hole.name.clone()));
            names
        };
        for (index, source) in sources.iter().enumerate() {
            let own = required(&texts[index]);
            let decides = |later: &Text| own.iter().any(|name| !required(later).contains(name));
            if !texts[index + 1..].iter().all(decides) {
                let help = "put the text with more values first";
                self.mistake_help(source.snippet().offset(0), "no hole of this text decides for it", help);
            }
        }
    }

    /// The texts of a part. Whoever gets them takes the name off `open` when they are read.
    pub(super) fn enter_part(&mut self, name: Snippet<'_>) -> Option<Ways> {
        let text = name.as_str();
        if self.open.iter().any(|open| open == text) || self.open.len() >= MAX_PARTS {
            self.mistake(name.offset(0), format!("the part `{text}` contains itself, or too many others"));
            return None;
        }
        let part = self.parts.iter_mut().find(|part| part.name == text)?;
        part.used = true;
        let ways = part.ways.clone();
        self.open.push(text.to_owned());
        Some(ways)
    }

    /// Whether type and transforms fit each other and a place for text.
    fn check_text_hole(&mut self, inside: Snippet<'_>, hole: &Hole) {
        let kind = match &hole.content {
            Content::Slot(kind) => *kind,
            _ => Kind::Text,
        };
        self.check_transforms(inside, hole, kind);
    }
}

/// Notes of each hole whether another text of the list does without it.
fn note_in_some(texts: &mut [Text]) {
    let names = |text: &Text| {
        let mut names = Vec::new();
        text.each_slot(&mut |hole, _| names.push(hole.name.clone()));
        names
    };
    let all: Vec<Vec<String>> = texts.iter().map(names).collect();
    texts
        .iter_mut()
        .for_each(|text| note(text, &|name| !all.iter().all(|names| names.iter().any(|known| known == name))));
}

fn note(text: &mut Text, in_some: &dyn Fn(&str) -> bool) {
    for piece in &mut text.pieces {
        if let Piece::Hole(hole) = piece {
            hole.in_some |= in_some(&hole.name);
            if let Content::Part(texts) = &mut hole.content {
                texts.iter_mut().for_each(|text| note(text, in_some));
            }
        }
    }
}
