//! What stands behind the bars of a hole.

use super::super::noun::Kind;
use super::super::source::Snippet;
use super::super::template::{Content, Hole, Mark, Piece, Text};
use super::super::transform::{Signed, Takes, Transform};
use super::Parser;
use super::table::duration;

impl Parser<'_> {
    pub(super) fn transform(&mut self, name: Snippet<'_>) -> Option<Transform> {
        match name.split_once(':') {
            Some((function, key)) if function.as_str() == Transform::KEYED => return self.keyed(function, key),
            Some((function, span)) if function.as_str() == Transform::LATER => return self.later(function, span),
            Some((function, rest)) if function.as_str() == Transform::SIGNED => return self.signed(function, rest),
            _ => {}
        }
        let found = Transform::NAMED.into_iter().find(|(known, _)| *known == name.as_str());
        match (&found, name.as_str()) {
            (Some(_), _) => {}
            (None, Transform::KEYED) => {
                self.mistake_help(name.offset(0), "a keyed hash needs its key", "write `hmac_sha256:client_secret`");
            }
            (None, Transform::LATER) => {
                self.mistake_help(name.offset(0), "how much later is not said", "write `plus:5m`");
            }
            (None, Transform::SIGNED) => {
                let help = "write `jwt:ES256:private_key`";
                self.mistake_help(name.offset(0), "a JWT needs its algorithm and key", help);
            }
            (None, unknown) => self.unknown(name.offset(0), "transform", unknown, Transform::names()),
        }
        found.map(|(_, transform)| transform)
    }

    /// `plus:5m`
    fn later(&mut self, function: Snippet<'_>, span: Snippet<'_>) -> Option<Transform> {
        let read = duration(span.as_str());
        if read.is_none() {
            let message = format!("`{}` is not a span of time", span.as_str());
            self.mistake_help(function.offset(0), message, "write a number and s, m, h or d, such as `plus:5m`");
        }
        read.map(Transform::Plus)
    }

    /// `jwt:ALG:NAME` or `jwt:ALG:NAME:NAME`
    fn signed(&mut self, function: Snippet<'_>, rest: Snippet<'_>) -> Option<Transform> {
        let Some((alg, names)) = rest.split_once(':') else {
            let help = "write `jwt:ES256:private_key`";
            self.mistake_help(function.offset(0), "a JWT needs its algorithm and key", help);
            return None;
        };
        let Some(known) = Transform::ALGS.into_iter().find(|known| *known == alg.as_str()) else {
            self.unknown(alg.offset(0), "algorithm", alg.as_str(), Transform::ALGS);
            return None;
        };
        let (key, kid) = names.split_once(':').map_or((names, None), |(key, kid)| (key, Some(kid)));
        let key = self.key(function, key)?;
        let kid = match kid {
            Some(kid) => Some(Hole { mark: Mark::Optional, ..self.key(function, kid)? }),
            None => None,
        };
        Some(Transform::Jwt(Box::new(Signed { alg: known, key, kid })))
    }

    /// `hmac_sha256:NAME`
    fn keyed(&mut self, function: Snippet<'_>, key: Snippet<'_>) -> Option<Transform> {
        self.key(function, key).map(|hole| Transform::HmacSha256(Box::new(hole)))
    }

    /// The name of a key: that of a noun or a field.
    fn key(&mut self, function: Snippet<'_>, key: Snippet<'_>) -> Option<Hole> {
        let hole = self.hole(key)?;
        if matches!(hole.content, Content::Slot(Kind::Secret | Kind::Text)) && hole.mark == Mark::Required {
            return Some(hole);
        }
        let message = format!("`{}` cannot be the key of `{}`", key.as_str(), function.as_str());
        self.mistake_help(key.offset(0), message, "a key is a secret, such as `client_secret`");
        None
    }

    pub(super) fn check_transforms(&mut self, inside: Snippet<'_>, hole: &Hole, kind: Kind) {
        // A point in time can be moved before it is written.
        let moved = hole.through.iter().take_while(|transform| matches!(transform, Transform::Plus(_))).count();
        let through = hole.through.get(moved..).unwrap_or_default();
        let takes = match (moved, through.first()) {
            (0, first) => first.map_or(Takes::Text, Transform::takes),
            (_, Some(first)) if first.takes() == Takes::Time => Takes::Time,
            _ if kind == Kind::Time => Takes::Text,
            _ => Takes::Time,
        };
        let late = through.iter().skip(1).find(|transform| transform.takes() != Takes::Text);
        let name = &hole.name;
        if kind == Kind::Time && takes != Takes::Time {
            let message = format!("`{name}` is a point in time");
            self.mistake_help(inside.offset(0), message, "write it through `|epoch`, `|epoch_ms` or `|rfc3339`");
        } else if late.is_some() || (takes == Takes::Time && kind != Kind::Time) {
            self.mistake(inside.offset(0), format!("`{name}` is not a point in time where this transform takes one"));
        } else if takes == Takes::Span && kind != Kind::Number {
            self.mistake(inside.offset(0), format!("`{name}` is not a number of seconds, which this transform takes"));
        }
        self.check_digest(inside, hole);
        self.check_signed(inside, hole);
    }

    /// A JWT's claims are the JSON object of a part, whatever its values are.
    fn check_signed(&mut self, inside: Snippet<'_>, hole: &Hole) {
        let Some(at) = hole.through.iter().position(|transform| matches!(transform, Transform::Jwt(_))) else { return };
        let is_object = |text: &Text| {
            let piece = |piece: &Piece| match piece {
                Piece::Literal { written, .. } => written.clone(),
                Piece::Hole(_) => "0".to_owned(),
            };
            let json: String = text.pieces.iter().map(piece).collect();
            serde_json::from_str::<serde_json::Map<_, _>>(&json).is_ok()
        };
        let fits = at == 0 && matches!(&hole.content, Content::Part(texts) if texts.iter().all(is_object));
        if !fits {
            let message = format!("`{}` is not a part with the claims of a JWT", hole.name);
            let help =
                "write a JSON object in [part], such as claims = '{\"iss\":\"{{client_id}}\"}', and `{{claims|jwt:…}}`";
            self.mistake_help(inside.offset(0), message, help);
        }
    }

    /// A hash is bytes, which need a transform that makes text of them; and nobody reads it back.
    fn check_digest(&mut self, inside: Snippet<'_>, hole: &Hole) {
        let Some(first) = hole.through.iter().position(Transform::is_one_way) else { return };
        self.one_way.push(inside.offset(0));
        let texts = [Transform::Hex, Transform::Base64, Transform::Base64Url];
        let followed =
            |at: usize| hole.through.get(at + 1).is_some_and(|next| next.makes_bytes() || texts.contains(next));
        let bare = (first..hole.through.len()).find(|at| hole.through[*at].makes_bytes() && !followed(*at));
        if bare.is_some() {
            let message = "a hash is bytes and cannot be written as it is";
            self.mistake_help(inside.offset(0), message, "write `|hex`, `|base64` or `|base64url` behind it");
        }
    }
}
