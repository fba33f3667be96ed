//! The templates of a JWT: what every token needs, so that whoever verifies it accepts it.

use super::super::json::Escape;
use super::super::source::Source;
use super::super::template::{Content, Hole, Mark, Node, Text};
use super::super::transform::Transform;
use super::super::{Dialect, JwtTemplates};
use super::Parser;
use super::table::{Entry, Keys};
use crate::domain::policy::{Format, Policy, Refresh};

/// The header of a JWT where the dialect gives none, as it would stand in a file.
const DEFAULT_HEADER: &str = r#"'{"alg":"{{alg}}","typ":"JWT","kid":"{{key.id}}"}'"#;

impl Parser<'_> {
    /// The default header, and no claims.
    pub(super) fn jwt_defaults(&mut self) -> JwtTemplates {
        let source = Source::of_toml(DEFAULT_HEADER, 0..DEFAULT_HEADER.len(), DEFAULT_HEADER.trim_matches('\''));
        let none = Node::Object { members: Vec::new(), end: String::new() };
        let header = self.json(source.snippet()).unwrap_or(none);
        JwtTemplates { header, claims: None, escape: Escape::Plain }
    }

    /// `header` and `claims` of `[token]`.
    pub(super) fn jwt(&mut self, keys: Keys<'_>, policy: &Policy, jwt: &mut JwtTemplates) {
        if let Some(header) = keys.get("header").and_then(|entry| self.jwt_header(entry, policy)) {
            jwt.header = header;
        }
        jwt.claims = keys.get("claims").and_then(|entry| {
            let source = self.source(entry)?;
            let claims = self.json_object(entry, &source)?;
            self.check_claims(entry, &claims);
            self.check_kind(entry, &jwt.header, &claims);
            Some(claims)
        });
    }

    fn json_object(&mut self, entry: Entry<'_>, source: &Source) -> Option<Node> {
        let node = self.json(source.snippet())?;
        if !matches!(node, Node::Object { .. }) {
            self.mistake(entry.at, format!("`{}` must be a JSON object", entry.name));
            return None;
        }
        Some(node)
    }

    /// A header of a JWT's own: it names the key by `kid`, and the algorithm that `alg` says.
    fn jwt_header(&mut self, entry: Entry<'_>, policy: &Policy) -> Option<Node> {
        let source = self.source(entry)?;
        let node = self.json_object(entry, &source)?;
        let text = |name: &str| match member(&node, name) {
            Some(Node::Text(text)) => Some(text),
            _ => None,
        };
        let names_key = text("kid").is_some_and(|kid| kid.own_holes().any(|hole| hole.name == "key.id"));
        let names_alg = text("alg").is_some_and(|alg| match policy.format {
            Format::Jwt(known) => {
                alg.literal() == Some(known.name())
                    || alg.own_holes().any(|hole| hole.name == "alg" && matches!(hole.content, Content::Slot(_)))
            }
            Format::Opaque(_) => true,
        });
        if !names_key {
            self.mistake_help(entry.at, "the header does not name the key", "write \"kid\":\"{{key.id}}\"");
        }
        if !names_alg {
            self.mistake_help(entry.at, "the header does not name the algorithm of `alg`", "write \"alg\":\"{{alg}}\"");
        }
        Some(node)
    }

    /// A token without one of these claims is refused by whoever verifies it ([`crate::token::jwt::Claims`]).
    fn check_claims(&mut self, entry: Entry<'_>, claims: &Node) {
        let text = |name: &str| match member(claims, name) {
            Some(Node::Text(text)) => Some(text),
            _ => None,
        };
        let time = |name: &str, value: &str| match member(claims, name) {
            Some(Node::Native(hole)) => {
                hole.name == value && hole.through == [Transform::Epoch] && hole.mark == Mark::Required
            }
            _ => false,
        };
        let certain = |text: &Text| text.own_holes().all(|hole| hole.mark == Mark::Required);
        let only_issuer = |text: &Text| text.pieces.len() == 1 && text.own_holes().any(|hole| hole.name == "issuer");
        let rows = [
            ("iss", text("iss").is_some_and(only_issuer), "\"iss\":\"{{issuer}}\""),
            ("sub", text("sub").is_some_and(certain), "\"sub\":\"{{person.id}}\""),
            ("iat", time("iat", "issued_at"), "\"iat\":{{issued_at|epoch}}"),
            ("exp", time("exp", "expires_at"), "\"exp\":{{expires_at|epoch}}"),
        ];
        for (name, _, example) in rows.into_iter().filter(|(_, good, _)| !good) {
            let message = format!("a token is refused without the claim `{name}` in this form");
            self.mistake_help(entry.at, message, format!("write {example}"));
        }
    }

    /// Tokens with this `typ` and a client's id are OAuth's (RFC 9068 §2), which gates judge by claims that a dialect's
    /// tokens need not have.
    fn check_kind(&mut self, entry: Entry<'_>, header: &Node, claims: &Node) {
        let is_oauths = match member(header, "typ") {
            Some(Node::Text(typ)) => typ.literal().is_none_or(|typ| typ.to_ascii_lowercase().ends_with("at+jwt")),
            other => other.is_some(),
        };
        if is_oauths && member(claims, "client_id").is_some() {
            let message = "a token whose `typ` is `at+jwt`, or not fixed, cannot have the claim `client_id`: it would pass \
                           for one of OAuth's";
            self.mistake_help(entry.at, message, "write \"typ\":\"JWT\" in the header, or leave the claim out");
        }
    }

    /// A token renewed within the second of its issue differs from the old one, which has ended, by its id alone.
    pub(super) fn check_renewed_jwt(&mut self, root: Keys<'_>, dialect: &Dialect) {
        let (Refresh::Renew { .. } | Refresh::Rotate { .. }, Format::Jwt(_), Some(claims)) =
            (&dialect.policy.refresh, &dialect.policy.format, &dialect.jwt.claims)
        else {
            return;
        };
        let mut has_id = false;
        claims.each_slot(&mut |hole: &Hole, _| has_id |= hole.name == "token.id" && hole.mark == Mark::Required);
        let claims = root.get("token").and_then(|token| token.item.as_table_like()?.get("claims")?.span());
        if !has_id {
            let message =
                "a JWT that is renewed needs the hole {{token.id}}: without it, two of one second are the same";
            self.mistake_help(claims.map_or(root.at, |span| span.start), message, "write \"jti\":\"{{token.id}}\"");
        }
    }
}

fn member<'n>(node: &'n Node, name: &str) -> Option<&'n Node> {
    match node {
        Node::Object { members, .. } => members.iter().find(|member| member.name == name).map(|member| &member.node),
        _ => None,
    }
}
