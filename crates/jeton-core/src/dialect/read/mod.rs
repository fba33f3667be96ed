//! Reading by the tree: what a message says, found by structure, in any order, unknown names ignored.

mod json;
mod xml;

use super::message::{Deviation, ReadAnswer};
use super::noun::{self, Field, Kind};
use super::template::{Content, Guard, Header, HeaderValue, Hole, Mark, Pair, Piece, Text};
use super::transform;
use super::values::{Value, Values};
use crate::domain::refusal::{Reason, Refusal};

/// Why reading one message by one template ended.
pub(super) enum Stop {
    /// A literal says that the message is another one.
    Elsewhere { field: String, reason: Reason },
    /// The message is this one, and wrong.
    Refused(Refusal),
}

pub(super) type Step = Result<(), Stop>;

/// A name and its decoded text; nothing where that cannot be decoded.
pub(super) type Found = (String, Option<String>);

/// One message being read.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    fields: &'a [Field],
    settings: &'a Values,
    /// Values that must have their form, or the message is another one.
    guards: &'a [Guard],
    /// Whether a literal that differs means another message.
    binding: bool,
    /// Whether a wrong type or a second, different value is refused (in requests), or passed over (in answers).
    strict: bool,
    values: Values,
    /// What was found otherwise than described, in an answer.
    deviations: Vec<Deviation>,
    /// Required values that their place did not have, by name and name on the wire.
    missing: Vec<(String, String)>,
    /// Whether a place for a secret had something in it. Then the message is meant for this template,
    /// and a broken credential is never taken for none.
    pub(super) secret_seen: bool,
}

impl<'a> Reader<'a> {
    /// For a request: literals are conditions, and what is wrong is refused.
    pub(super) fn of_request(fields: &'a [Field], settings: &'a Values) -> Self {
        Self::new(fields, settings, true, true)
    }

    /// For an answer: with `binding`, literals tell it from others.
    pub(super) fn of_answer(fields: &'a [Field], settings: &'a Values, binding: bool) -> Self {
        Self::new(fields, settings, binding, false)
    }

    fn new(fields: &'a [Field], settings: &'a Values, binding: bool, strict: bool) -> Self {
        let (values, deviations, missing) = (Values::new(), Vec::new(), Vec::new());
        Self { fields, settings, guards: &[], binding, strict, values, deviations, missing, secret_seen: false }
    }

    /// The same, with values that tell the message from others.
    pub(super) fn guarded_by(self, guards: &'a [Guard]) -> Self {
        Self { guards, ..self }
    }

    /// Whether something can be read just as it is described, its literals included. Nothing is kept of it.
    pub(super) fn would(&self, read: impl FnOnce(&mut Self) -> bool) -> bool {
        let mut trial = Self { binding: true, deviations: Vec::new(), missing: Vec::new(), ..self.clone() };
        read(&mut trial) && trial.deviations.is_empty() && trial.missing.is_empty()
    }

    /// All values, if none that is required is missing.
    pub(super) fn finish(self) -> Result<Values, Stop> {
        match self.missing.into_iter().find(|(name, _)| self.values.get(name).is_none()) {
            Some((_, wire)) => Err(refuse(Reason::Missing, &wire, "is missing")),
            None => Ok(self.values),
        }
    }

    /// The same for an answer, with what was put up with.
    pub(super) fn finish_answer(mut self) -> Result<ReadAnswer, Stop> {
        let deviations = std::mem::take(&mut self.deviations);
        Ok(ReadAnswer { values: self.finish()?, deviations })
    }

    /// What was found, complete or not.
    pub(super) fn into_values(self) -> Values {
        self.values
    }

    /// Text in a place that is called `wire`.
    pub(super) fn text(&mut self, text: &Text, found: Option<&str>, wire: &str) -> Step {
        if let Some(literal) = text.literal() {
            if found.is_some_and(|found| found != literal && found.eq_ignore_ascii_case(literal)) && !self.binding {
                self.deviate("case", wire, "in other case");
                return Ok(());
            }
            return self.literal(found == Some(literal), found.is_none_or(str::is_empty), wire);
        }
        let Some(found) = found.filter(|found| !found.is_empty()) else {
            text.own_holes().for_each(|hole| self.absent(hole, wire));
            return Ok(());
        };
        match self.captures(text, found, false) {
            Some(captures) => captures.into_iter().try_for_each(|(hole, captured)| self.hole(hole, captured, wire)),
            None => self.misfit(text, wire, "is invalid"),
        }
    }

    fn literal(&mut self, same: bool, absent: bool, wire: &str) -> Step {
        if !same && self.binding {
            let reason = if absent { Reason::Missing } else { Reason::Malformed };
            return Err(Stop::Elsewhere { field: wire.to_owned(), reason });
        }
        if !same {
            self.deviate("literal", wire, if absent { "not there" } else { "something else" });
        }
        Ok(())
    }

    /// Notes what is not as described. Requests are not put up with so.
    fn deviate(&mut self, name: &'static str, wire: &str, found: &'static str) {
        if !self.strict {
            self.deviations.push(Deviation { name, field: wire.to_owned(), found });
        }
    }

    /// A text whose form is wrong. With a guard in it, it is that of another message.
    fn misfit(&mut self, text: &Text, wire: &str, what: &str) -> Step {
        let mut guarded = false;
        text.each_slot(&mut |hole, _| guarded |= self.guards.iter().any(|guard| guard.hole == hole.name));
        if guarded { Err(elsewhere(wire)) } else { self.unfit(text.has_secret(), wire, what) }
    }

    /// A value whose form is wrong.
    fn unfit(&mut self, secret: bool, wire: &str, what: &str) -> Step {
        self.secret_seen |= secret;
        if self.strict {
            return Err(refuse(Reason::Malformed, wire, what));
        }
        self.deviate("unreadable", wire, "of another form, and passed over");
        Ok(())
    }

    /// A name that stands more often than described.
    fn twice(&mut self, secret: bool, wire: &str) -> Step {
        self.secret_seen |= secret;
        if self.strict {
            return Err(refuse(Reason::Repeated, wire, "is given twice"));
        }
        self.deviate("repeated", wire, "there twice, and the first is taken");
        Ok(())
    }

    /// The text of each hole: the shortest up to the literal that follows.
    pub(super) fn captures<'t, 'f>(
        &self,
        text: &'t Text,
        found: &'f str,
        scheme: bool,
    ) -> Option<Vec<(&'t Hole, &'f str)>> {
        let pieces = self.resolved(text);
        let mut captures = Vec::new();
        let (mut rest, mut index) = (found, 0);
        while let Some(piece) = pieces.get(index) {
            index += 1;
            match (piece, pieces.get(index)) {
                (Resolved::Literal(literal), _) => {
                    rest = match scheme && index == 1 {
                        true => without_scheme(rest, literal)?,
                        false => rest.strip_prefix(literal.as_str())?,
                    }
                }
                (Resolved::Hole(hole), None) => captures.push((*hole, std::mem::take(&mut rest))),
                // Two holes touch only if one is a setting, and this one has no value.
                (Resolved::Hole(hole), Some(Resolved::Hole(_))) => captures.push((*hole, "")),
                (Resolved::Hole(hole), Some(Resolved::Literal(literal))) => {
                    let last = index + 1 == pieces.len();
                    let at = if last { rest.len().checked_sub(literal.len())? } else { rest.find(literal.as_str())? };
                    let value = rest.get(..at)?;
                    rest = rest[at..].strip_prefix(literal.as_str())?;
                    captures.push((*hole, value));
                    index += 1;
                }
            }
        }
        rest.is_empty().then_some(captures)
    }

    /// Pieces with settings put in, and literals side by side made one.
    fn resolved<'t>(&self, text: &'t Text) -> Vec<Resolved<'t>> {
        let mut pieces: Vec<Resolved<'t>> = Vec::new();
        for piece in &text.pieces {
            let literal = match piece {
                Piece::Literal { text, .. } => text.clone(),
                Piece::Hole(hole) => match self.setting_text(hole) {
                    Some(text) => text,
                    None => {
                        pieces.push(Resolved::Hole(hole));
                        continue;
                    }
                },
            };
            match pieces.last_mut() {
                Some(Resolved::Literal(last)) => last.push_str(&literal),
                _ => pieces.push(Resolved::Literal(literal)),
            }
        }
        pieces
    }

    fn setting_text(&self, hole: &Hole) -> Option<String> {
        match hole.content {
            Content::Setting => {
                let value = noun::setting(self.fields, self.settings, &hole.name)?;
                transform::write(value, &hole.through, transform::Keys::NONE)
            }
            _ => None,
        }
    }

    fn hole(&mut self, hole: &Hole, captured: &str, wire: &str) -> Step {
        if captured.is_empty() || matches!(&hole.mark, Mark::Default(text) if text == captured) {
            self.absent(hole, wire);
            return Ok(());
        }
        match &hole.content {
            Content::Any | Content::Setting => Ok(()),
            Content::Part(texts) => self.part(texts, transform::undo_all(captured, &hole.through), wire),
            Content::Slot(kind) => {
                let secret = *kind == Kind::Secret;
                let read = transform::read(captured, *kind, &hole.through);
                if let Some(guard) = self.guards.iter().find(|guard| guard.hole == hole.name)
                    && !read.as_ref().is_some_and(|value| guard.fits(value))
                {
                    return Err(elsewhere(wire));
                }
                if let (true, Some(Value::Text(text))) = (self.strict, &read)
                    && text.chars().any(char::is_control)
                {
                    return self.unfit(secret, wire, "is invalid");
                }
                match read {
                    Some(value) if self.strict && length(&value) > noun::longest(self.fields, &hole.name) => {
                        self.unfit(secret, wire, "is too long")
                    }
                    Some(value) => {
                        self.secret_seen |= secret;
                        self.put(&hole.name, value, wire)
                    }
                    None => self.unfit(secret, wire, kind.demand()),
                }
            }
        }
    }

    /// The first text of a part that what stands here fits.
    fn part(&mut self, texts: &[Text], plain: Option<String>, wire: &str) -> Step {
        let secret = texts.iter().any(Text::has_secret);
        let Some(plain) = plain else { return self.unfit(secret, wire, "is invalid") };
        self.secret_seen |= secret;
        let fits = |text: &&Text| self.captures(text, &plain, false).is_some();
        match texts.iter().find(fits).or(texts.first()) {
            Some(text) => self.text(text, Some(&plain), wire),
            None => Ok(()),
        }
    }

    /// A place that stands once for each word: what stands in all of them.
    fn words<'f>(&mut self, text: &Text, found: impl Iterator<Item = Option<&'f str>>, wire: &str) -> Step {
        let Some(hole) = text.repeated() else { return Ok(()) };
        let mut words: Vec<&str> = Vec::new();
        for value in found {
            let captured = value.and_then(|value| self.captures(text, value, false));
            match captured.as_deref() {
                Some([(_, word)]) if !word.is_empty() && !word.contains(' ') => words.push(word),
                _ => return self.unfit(false, wire, "is invalid"),
            }
        }
        let plain: Option<Vec<String>> = words.iter().map(|word| transform::undo_all(word, &hole.through)).collect();
        match plain.filter(|words| words.iter().all(|word| !word.contains(' '))) {
            Some(words) if words.is_empty() => Ok(()),
            Some(words) => {
                let all = Hole { through: Vec::new(), ..hole.clone() };
                self.hole(&all, &words.join(" "), wire)
            }
            None => self.unfit(false, wire, "is invalid"),
        }
    }

    pub(super) fn put(&mut self, name: &str, value: Value, wire: &str) -> Step {
        match self.values.get(name) {
            None => self.values.set(name, value),
            Some(first) if *first != value && self.strict => {
                return Err(refuse(Reason::Repeated, wire, "is given twice with different values"));
            }
            Some(first) if *first != value => self.deviate("repeated", wire, "another value than the first"),
            Some(_) => {}
        }
        Ok(())
    }

    fn absent(&mut self, hole: &Hole, wire: &str) {
        if let Content::Part(texts) = &hole.content {
            if let (Mark::Required, Some(text)) = (&hole.mark, texts.first()) {
                text.own_holes().for_each(|inner| self.absent(inner, wire));
            }
            return;
        }
        let required = match hole.mark {
            Mark::Required => matches!(hole.content, Content::Slot(_)),
            Mark::Optional => self
                .fields
                .iter()
                .any(|field| field.name == hole.name && self.strict && field.is_required(self.fields, self.settings)),
            Mark::Each | Mark::Default(_) => false,
        };
        if required {
            self.missing.push((hole.name.clone(), wire.to_owned()));
        }
    }

    /// Pairs of a query, a form or cookies. A name that stands several times in the file is read by position.
    pub(super) fn pairs(&mut self, pairs: &[Pair], found: &[Found]) -> Step {
        for (index, pair) in pairs.iter().enumerate() {
            let alike = |other: &&Pair| other.name == pair.name;
            let before = pairs[..index].iter().filter(alike).count();
            let mut values = found.iter().filter(|(name, _)| *name == pair.name).map(|(_, value)| value.as_deref());
            let mut values = values.by_ref().skip(before);
            if pair.text.repeated().is_some() {
                self.words(&pair.text, values, &pair.name)?;
                continue;
            }
            let (value, behind) = (values.next(), values.next());
            if behind.is_some() && !pairs[index + 1..].iter().any(|other| alike(&other)) {
                self.twice(pair.text.has_secret(), &pair.name)?;
            }
            match value {
                Some(None) => self.unfit(pair.text.has_secret(), &pair.name, "is not readable")?,
                Some(value) => self.text(&pair.text, value, &pair.name)?,
                None => self.text(&pair.text, None, &pair.name)?,
            }
        }
        Ok(())
    }

    /// One header of the template. Its literals bind only where the file says `must`.
    pub(super) fn header(&mut self, header: &Header, map: &http::HeaderMap) -> Step {
        match &header.value {
            HeaderValue::Cookies(pairs) => self.pairs(pairs, &cookies(map, http::header::COOKIE)),
            HeaderValue::SetCookie(pair, _) => {
                self.pairs(std::slice::from_ref(pair), &cookies(map, http::header::SET_COOKIE))
            }
            HeaderValue::Text(text) if text.literal().is_some() && !header.must => Ok(()),
            HeaderValue::Text(text) => {
                let mut values = map.get_all(&header.name).iter();
                let (first, second) = (values.next(), values.next());
                if second.is_some() {
                    self.twice(text.has_secret(), &header.name)?;
                }
                let Some(value) = first else { return self.text(text, None, &header.name) };
                match std::str::from_utf8(value.as_bytes()) {
                    // A header that must say something else routes the request to another exchange, or to nobody here.
                    Ok(value) => self.header_text(text, value.trim(), &header.name).map_err(|stop| match stop {
                        Stop::Elsewhere { field, .. } => Stop::Elsewhere { field, reason: Reason::NoRoute },
                        refused => refused,
                    }),
                    Err(_) => self.unfit(text.has_secret(), &header.name, "is not readable"),
                }
            }
        }
    }

    fn header_text(&mut self, text: &Text, value: &str, name: &str) -> Step {
        let credentials = name.eq_ignore_ascii_case("authorization");
        if !credentials || text.literal().is_some() || value.is_empty() {
            return self.text(text, Some(value), name);
        }
        if let Some(Piece::Literal { text: scheme, .. }) = text.pieces.first()
            && without_scheme(value, scheme).is_none()
        {
            // Credentials of another scheme are not this template's.
            return self.text(text, None, name);
        }
        match self.captures(text, value, true) {
            Some(captures) => captures.into_iter().try_for_each(|(hole, captured)| self.hole(hole, captured, name)),
            None => self.misfit(text, name, "is invalid"),
        }
    }
}

/// A value that tells that the message is another one.
fn elsewhere(wire: &str) -> Stop {
    Stop::Elsewhere { field: wire.to_owned(), reason: Reason::Malformed }
}

/// How many bytes of text a value has, whatever it was encoded in.
fn length(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Secret(secret) => secret.expose().len(),
        Value::Number(_) | Value::Bool(_) | Value::Time(_) => 0,
    }
}

enum Resolved<'t> {
    Literal(String),
    Hole(&'t Hole),
}

/// What follows a scheme word, which is read in any case and with exactly the space that the template has
/// behind it: credentials that begin with a space are none.
pub(super) fn without_scheme<'v>(value: &'v str, scheme: &str) -> Option<&'v str> {
    let (head, rest) = (value.get(..scheme.len())?, &value[scheme.len()..]);
    head.eq_ignore_ascii_case(scheme).then_some(rest)
}

/// The name and value of every cookie in these headers.
pub(super) fn cookies(map: &http::HeaderMap, header: http::HeaderName) -> Vec<Found> {
    let one_each = header == http::header::SET_COOKIE;
    let values = map.get_all(header).iter().filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    let cookies = values.flat_map(|value| value.split(';').take(if one_each { 1 } else { usize::MAX }));
    let pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    pairs.map(|(name, value)| (name.to_owned(), Some(value.to_owned()))).collect()
}

/// A refusal about a field, with a sentence that names it.
pub(super) fn refuse(reason: Reason, wire: &str, what: &str) -> Stop {
    let subject = if wire.is_empty() { "the body" } else { wire };
    let refusal = Refusal::new(reason).detail(format!("{subject} {what}"));
    Stop::Refused(if wire.is_empty() { refusal } else { refusal.field(wire) })
}
