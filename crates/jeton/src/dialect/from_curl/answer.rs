//! A sample answer written down with holes: the token, its end, and what is told of the person.

use serde_json::Value;

use super::body::{self, Leaf, Part};
use super::draft::Declared;
use super::mend;
use super::names::{placeholder, plain};
use super::time;

/// A sample answer, taken apart.
pub(super) struct Sample {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    body: Body,
}

enum Body {
    None,
    Json(Value),
    Xml(String),
    Text(String),
}

/// What a sample tells beyond its shape.
#[derive(Default)]
pub(super) struct Told {
    pub(super) access_token: Option<String>,
    pub(super) refresh_token: Option<String>,
    /// The lifetime in seconds.
    pub(super) lifetime: Option<u64>,
    /// The only word of the scope.
    pub(super) scope: Option<String>,
    /// The name that the token has on the wire.
    pub(super) token_name: String,
}

const TOKENS: &str = "accesstoken accessjwt token jwt authtoken authenticationtoken xauthtoken tokenid sessiontoken jwttoken apitoken bearertoken authorizationtoken authorization access accesskey bearer idtoken sessionid session sid ticket";
const REFRESH: &str = "refreshtoken refreshjwt refresh renewtoken";
const SECRETS: &str = "idtoken refreshtokenid devicetoken csrftoken";

/// Facts about a person: names without case and punctuation, the noun, and what stands for none.
const PERSON: [(&str, &str); 13] = [
    ("username user login handle nickname userlogin preferredusername", "person.username"),
    ("firstname givenname", "person.given_name="),
    ("lastname surname familyname", "person.family_name="),
    ("name displayname fullname", "person.name="),
    ("email mail emailaddress", "person.email="),
    ("emailverified emailconfirmed verified isverified", "person.email_verified=false"),
    ("picture image avatar photo avatarurl photourl picturl profilepicture", "person.picture="),
    ("timezone zoneinfo tz", "person.zoneinfo="),
    ("phone phonenumber telephone mobile", "person.phone_number="),
    ("created createdat date registeredat createdon", "person.created_at"),
    ("id userid uid personid localid sub did usernumber accountid", "person.id"),
    ("issuedat iat issued", "issued_at"),
    ("clientid", "client_id"),
];

/// Reads a sample; nothing if it is neither JSON, XML nor one word.
pub(super) fn sample(text: &str) -> Option<Sample> {
    let mut rest = text.trim();
    let (mut status, mut headers) = (200, Vec::new());
    if rest.starts_with("HTTP/") {
        let (head, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let mut lines = head.lines();
        status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let named = lines.filter_map(|line| line.split_once(':'));
        headers = named.map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned())).collect();
        rest = body.trim();
    }
    let body = match rest {
        "" => Body::None,
        rest if rest.starts_with('<') => Body::Xml(rest.to_owned()),
        rest => match mend::json(rest) {
            Some(value @ (Value::Object(_) | Value::Array(_))) => Body::Json(value),
            Some(value @ Value::String(_)) if rest.starts_with('"') => Body::Json(value),
            _ if !rest.contains(char::is_whitespace) => Body::Text(rest.to_owned()),
            _ => return None,
        },
    };
    Some(Sample { status, headers, body })
}

impl Sample {
    /// The JSON of the body.
    pub(super) fn json(&self) -> Option<&Value> {
        match &self.body {
            Body::Json(value) => Some(value),
            _ => None,
        }
    }

    /// Whether a token is in it.
    pub(super) fn gives_token(&self) -> bool {
        self.status < 300 && self.token().is_some()
    }

    /// The answer with holes, and what it told.
    pub(super) fn write(&self, declared: &mut Declared) -> (String, Told) {
        let token = self.token();
        let mut told = Told::default();
        if let Some((name, value)) = &token {
            (told.token_name, told.access_token) = (name.clone(), Some(value.clone()));
            if !is_named(TOKENS, name) {
                declared.note(format!("`{name}` is the token, by how it looks"));
            }
        }
        let persons = self.objects_of_a_person();
        let mut taken = Vec::new();
        let text = self.written(&mut |leaf| {
            let hole = hole(leaf, token.as_ref(), &persons, &mut told, declared)?;
            let noun = hole.split(['=', '?', '|']).next().unwrap_or_default().to_owned();
            // A fact that is told twice in different words is a field the second time.
            let differs = |(known, value): &(String, String)| noun != "_" && *known == noun && value != leaf.value;
            match taken.iter().any(differs) {
                true => Some(format!("{}=", declared.field(leaf.own_name(), "person"))),
                false => {
                    taken.push((noun, leaf.value.to_owned()));
                    Some(hole)
                }
            }
        });
        (text, told)
    }

    fn written(&self, fill: &mut dyn FnMut(&Leaf<'_>) -> Option<String>) -> String {
        let mut out = self.status.to_string();
        let (kind, body) = match &self.body {
            Body::None => (None, String::new()),
            Body::Json(value) => (Some("application/json"), body::write_json(value, "", fill)),
            Body::Xml(text) => (Some("text/xml"), body::write_xml(text, fill)),
            Body::Text(text) => {
                let hole = fill(&Leaf { part: Part::Text, name: "", value: text, native: false });
                (Some("text/plain"), hole.map_or_else(|| text.clone(), |hole| format!("{{{{{hole}}}}}")))
            }
        };
        let given = self.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        if let Some(kind) = kind {
            let kind = given.map_or(kind, |(_, kind)| kind);
            out.push_str(&format!("\nContent-Type: {kind}"));
        }
        for (name, value) in &self.headers {
            if name.eq_ignore_ascii_case("set-cookie") {
                let (cookie, attributes) = value.split_once(';').unwrap_or((value, ""));
                let (own, text) = cookie.split_once('=').unwrap_or((cookie, ""));
                if let Some(hole) = fill(&Leaf { part: Part::Cookie, name: own, value: text, native: false }) {
                    let attributes = if attributes.is_empty() { String::new() } else { format!(";{attributes}") };
                    out.push_str(&format!("\nSet-Cookie: {own}={{{{{hole}}}}}{attributes}"));
                }
            } else if is_named(TOKENS, name) || is_named(REFRESH, name) {
                let (scheme, text) = value
                    .split_once(' ')
                    .map_or(("", value.as_str()), |(_, text)| (&value[..value.len() - text.len()], text));
                if let Some(hole) = fill(&Leaf { part: Part::Header, name, value: text, native: false }) {
                    out.push_str(&format!("\n{name}: {scheme}{{{{{hole}}}}}"));
                }
            }
        }
        if !body.is_empty() {
            out.push_str(&format!("\n\n{body}"));
        }
        out
    }

    /// The token's place and text: by the best of the known names, else by its look.
    fn token(&self) -> Option<(String, String)> {
        let mut best: Option<(usize, String, String)> = None;
        let mut look: Option<(String, String)> = None;
        self.written(&mut |leaf| {
            let own = plain(leaf.own_name());
            let rank = TOKENS.split(' ').position(|known| known == own);
            if let Some(rank) = rank.filter(|_| !leaf.native && !leaf.value.is_empty())
                && best.as_ref().is_none_or(|(known, ..)| rank < *known)
            {
                best = Some((rank, leaf.own_name().to_owned(), leaf.value.to_owned()));
            }
            if look.is_none() && (is_jwt(leaf.value) || is_random(leaf.value)) && !is_named(REFRESH, &own) {
                look = Some((leaf.own_name().to_owned(), leaf.value.to_owned()));
            }
            None
        });
        let bare = || match &self.body {
            Body::Text(text) => Some((String::new(), text.clone())),
            Body::Json(Value::String(text)) => Some((String::new(), text.clone())),
            _ => None,
        };
        best.map(|(_, name, value)| (name, value)).or(look).or_else(bare)
    }

    /// The names above every fact that can only be about a person.
    fn objects_of_a_person(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.written(&mut |leaf| {
            if person(leaf).is_some() && plain(leaf.own_name()) != "id" {
                found.push(above(leaf).to_owned());
            }
            None
        });
        found
    }
}

/// What stands in a place of an answer; nothing where its text stays.
fn hole(
    leaf: &Leaf<'_>,
    token: Option<&(String, String)>,
    persons: &[String],
    told: &mut Told,
    declared: &mut Declared,
) -> Option<String> {
    let own = leaf.own_name();
    let is_token = |(name, value): &(String, String)| name == own && value == leaf.value;
    if token.is_some_and(is_token) {
        return Some("access_token".to_owned());
    }
    if is_named(REFRESH, own) && !leaf.native {
        told.refresh_token = Some(leaf.value.to_owned());
        return Some("refresh_token".to_owned());
    }
    if let Some(end) = time::end(own, leaf.value) {
        told.lifetime = end.seconds.or(told.lifetime);
        if end.hole != "expires_in" {
            declared.note(format!("`{own}` is {}", end.hole));
        }
        return Some(end.hole.to_owned());
    }
    if is_named("scope scopes", own) && !leaf.native {
        told.scope = Some(leaf.value.to_owned()).filter(|scope| !scope.is_empty() && !scope.contains([' ', ':', ',']));
        return Some("scope=".to_owned());
    }
    if let Some(noun) = person(leaf) {
        return Some(noun);
    }
    if leaf.native || is_named("tokentype type kind", own) {
        return None;
    }
    let secret = is_jwt(leaf.value) || is_named(SECRETS, own);
    if secret || placeholder(leaf.value).is_some() {
        declared.note(format!("`{own}` is left out unless the server has it"));
        return Some(format!("{}?", declared.field(own, "server")));
    }
    // What a page leaves empty beside a person's name is one more thing that it knows of people.
    if leaf.value.is_empty() && leaf.part == Part::Json && persons.iter().any(|object| object == above(leaf)) {
        declared.note(format!("`{own}` is an attribute of the person"));
        return Some(format!("{}=", declared.field(own, "person")));
    }
    let fits = !leaf.value.contains("}}") && leaf.part != Part::Xml;
    declared.note(format!("`{own}` is always the same"));
    fits.then(|| format!("_={}", leaf.value))
}

/// The noun for a fact about a person, with the mark that says what stands for none.
fn person(leaf: &Leaf<'_>) -> Option<String> {
    let (_, noun) = PERSON.iter().find(|(names, _)| is_named(names, leaf.own_name()))?;
    let number = leaf.value.parse::<i64>().is_ok();
    match *noun {
        "person.id" if number => Some("person.number".to_owned()),
        "person.email_verified=false" => {
            (leaf.native && leaf.value.parse::<bool>().is_ok()).then(|| (*noun).to_owned())
        }
        "person.created_at" | "issued_at" => time::moment(leaf.value).map(|form| format!("{noun}|{form}")),
        _ if leaf.native => None,
        noun => Some(noun.to_owned()),
    }
}

/// The names above a member.
fn above<'l>(leaf: &'l Leaf<'_>) -> &'l str {
    leaf.name.rsplit_once('.').map_or("", |(above, _)| above)
}

fn is_named(names: &str, name: &str) -> bool {
    let name = plain(name);
    names.split(' ').any(|known| known == name)
}

/// Whether a text looks like a JWT.
pub(super) fn is_jwt(text: &str) -> bool {
    text.starts_with("ey") && text.split('.').count() == 3 && !text.contains(char::is_whitespace)
}

/// Whether a text looks like nothing a person would choose: long, with letters and digits in it and no space.
fn is_random(text: &str) -> bool {
    let known = |char: char| char.is_ascii_alphanumeric() || "-_+/=~".contains(char);
    text.len() >= 24
        && text.chars().all(known)
        && text.contains(|char: char| char.is_ascii_digit())
        && text.contains(char::is_alphabetic)
}

/// The noun of a claim.
pub(super) fn claim(name: &str, value: &Value) -> Option<String> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    person(&Leaf { part: Part::Json, name, value: &text, native: !value.is_string() })
}
