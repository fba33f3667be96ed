//! The reference of the dialect language, made from the lists that the language itself is read by.
//!
//! What each name means stands here; that no name is missing, the compiler sees where the list is an enum, and a test
//! where it is not.

use super::json::Escape;
use super::message::GrantName;
use super::noun::{Kind, NOUNS, Origin};
use super::parse::METHODS;
use super::refuse::sentence;
use super::transform::{self, Takes, Transform};
use super::values::Value;
use crate::domain::policy::Alg;
use crate::domain::refusal::Reason;
use crate::time::Timestamp;

/// A table of a dialect file with its keys and what each says.
pub type Table = (&'static str, &'static [(&'static str, &'static str)]);

/// Every table of a dialect file.
pub const TABLES: [Table; 14] = [
    (
        "the file",
        &[
            ("jeton", "the version of the notation: `1`"),
            ("name", "the name of the dialect"),
            ("json", "how holes in JSON are escaped: see [JSON](#json)"),
            ("methods", "the only methods that the API knows"),
            ("prefixes", "every start line is served below these too, such as `\"/api\"`"),
            ("headers", "header lines of every answer"),
            ("token", "what an access token is"),
            ("refresh", "how a token is renewed"),
            ("target", "parts of a realm that a token can be limited to"),
            ("limits", "how often something may be asked"),
            ("field", "names beside the nouns"),
            ("part", "texts with holes, to be used in holes"),
            ("exchange", "what can be asked for, each a request and its answer"),
            ("refusal", "how the API says no"),
            ("show", "where the token stands in a call"),
            ("environment", "named sets of `https://` addresses"),
        ],
    ),
    (
        "[token]",
        &[
            ("format", "`\"jwt\"` or `\"opaque\"`"),
            ("alg", "the algorithm that signs a JWT: see [Algorithms](#algorithms)"),
            ("text", "the make-up of an opaque token: `\"{{random:60}}\"`, with a fixed text before it if it has one"),
            ("lifetime", "how long it is good: `\"1h\"`, or `{ idle, max }`"),
            ("scope", "the word of `{{scope}}`: `{ realm, target }`"),
            ("json", "how the JSON of a JWT is escaped"),
            ("header", "the header of a JWT, where it is not the usual one"),
            ("claims", "the claims of a JWT, with `iss`, `sub`, `iat` and `exp`"),
            ("url", "the field in which an answer says where calls with its token go"),
        ],
    ),
    ("[token] lifetime", &[("idle", "the longest time without use"), ("max", "the longest time")]),
    (
        "[token] scope",
        &[("realm", "the word of a token for the whole realm"), ("target", "the word of a token for one target")],
    ),
    (
        "[refresh]",
        &[
            (
                "how",
                "`\"none\"`, `\"keep\"` (the same refresh token), `\"rotate\"` (each is good once), `\"extend\"` (the access token goes on as it is) or `\"renew\"` (the old access token is the credential)",
            ),
            ("within", "for `rotate` and `renew`: how long after its issue"),
            ("end", "for `keep` and `rotate`: when the session ends: `{ after, round_up_to, zone }`"),
            ("ends_old", "for `renew`: always `true`"),
        ],
    ),
    (
        "[refresh] end",
        &[
            ("after", "how long after the sign-in"),
            ("round_up_to", "`\"midnight\"`"),
            ("zone", "whose midnight, by its IANA name"),
        ],
    ),
    (
        "[target]",
        &[
            ("secret", "`\"own\"`: a target has passwords of its own"),
            ("same_secret", "what a target's password opens that is also the realm's: `\"realm\"` or `\"target\"`"),
            ("levels", "names of levels with their numbers"),
            ("inside", "the level that holds under a target's token, where it is another"),
        ],
    ),
    (
        "[limits]",
        &[
            ("renew", "refreshes and renewals: `\"1/m per principal\"`"),
            ("all", "everything else: `\"400/m per principal\"`"),
            ("sessions", "how many sessions a person may have at once"),
        ],
    ),
    (
        "[field]",
        &[
            ("from", "where its value comes from: see [Origins](#origins)"),
            ("type", "see [Types](#types); text, if nothing is said"),
            ("make", "`\"uuid4\"`: a client makes a new one for each message"),
            ("once_within", "of the field `nonce`: each value counts once in this time"),
            ("default", "what a setting is where the realm does not say"),
            ("required_if", "the setting under which the field must be there though a hole marks it `?`"),
        ],
    ),
    (
        "[[exchange]]",
        &[
            ("grant", "what is asked for: see [Grants](#grants)"),
            ("only", "`\"client\"`: the server does not answer it; `\"server\"`: a client does not write it"),
            ("request", "the request, or a list of alternatives: the first is written, any is read"),
            ("must", "headers that tell this request from others at the same address"),
            ("answer", "the answer, or a list: the first that has its values is written, any is read"),
            ("refusal", "refusals of this exchange, before those of the file"),
            ("step", "what comes before it: `[[exchange.step]]`, once or twice"),
        ],
    ),
    (
        "[[exchange.step]]",
        &[
            ("request", "the request, or a list of alternatives"),
            ("must", "headers that tell this request from others at the same address"),
            ("answer", "the answer, which gives what a later request takes"),
        ],
    ),
    (
        "[refusal]",
        &[
            ("answer", "the frame that rows fill"),
            ("by", "holes of the frame that tell reasons apart where texts differ"),
        ],
    ),
    (
        "[[show]]",
        &[
            ("methods", "the methods of the calls that it is for"),
            ("path", "their path: `/v2/me`, or `/v2/*` for all below"),
            ("only", "the end that it is for"),
            (
                "token",
                "a placement, or several: a header line, `Cookie: name=…` or `?name=…`; the first is written, any is read",
            ),
            ("also", "values that stand beside the token"),
            ("returned", "for a client: headers in which the answer to any call may give the next token"),
            ("refusal", "refusals of calls, before those of the file"),
        ],
    ),
    ("[environment]", &[("*", "a name, and addresses by name: `{ api_url = \"https://…\" }`")]),
];

/// The reference as Markdown, ending with a line break.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Reference of the dialect language\n\nMade by `jeton dialect reference`; [dialects.md](dialects.md) explains the language, and \
         [tutorial.md](tutorial.md) begins with a curl line.\n\n## Keys\n",
    );
    for (name, keys) in TABLES {
        out.push_str(&format!("\n### {name}\n\n"));
        table(&mut out, &["Key", "What it says"], keys.iter().map(|(key, says)| vec![code(key), (*says).to_owned()]));
    }
    out.push_str("\nRows of `[refusal]` are named by their [reason](#reasons).\n\n## Grants\n\n");
    table(&mut out, &["Grant", "What is asked for", "The request needs"], GrantName::ALL.into_iter().map(grant));
    out.push_str("\n## Reasons\n\nA reason without a row is answered as the one above it.\n\n");
    table(
        &mut out,
        &["Reason", "Above it", "Status without a row", "`{{detail}}`"],
        Reason::ALL.into_iter().map(reason),
    );
    out.push_str("\n## Nouns\n\n");
    table(
        &mut out,
        &["Noun", "Type", "What it is"],
        NOUNS
            .iter()
            .map(|(name, kind)| vec![code(name), code(named(&Kind::NAMED, *kind)), noun(name).unwrap_or_default()]),
    );
    out.push_str("\n## Types\n\n");
    table(
        &mut out,
        &["Type", "What it is"],
        Kind::NAMED.into_iter().map(|(name, kind)| vec![code(name), kind_says(kind).to_owned()]),
    );
    out.push_str("\n## Origins\n\n");
    table(
        &mut out,
        &["`from`", "Who gives the value"],
        Origin::NAMED.into_iter().map(|(name, origin)| vec![code(name), origin_says(origin).to_owned()]),
    );
    out.push_str("\n## Transforms\n\nA time is written through one of the first five.\n\n");
    let transforms = Transform::NAMED.iter().map(|(name, transform)| transform_row(name, transform));
    table(&mut out, &["Transform", "Of", "Written", "Read back"], transforms.chain(with_names()));
    out.push_str("\n## JSON\n\n");
    table(
        &mut out,
        &["`json`", "A hole's `é/`"],
        Escape::NAMED.into_iter().map(|(name, escape)| vec![code(name), code(&escape.apply("é/"))]),
    );
    out.push_str("\n## Algorithms\n\n");
    let algs: Vec<String> = Alg::ALL.into_iter().map(|alg| code(alg.name())).collect();
    let methods: Vec<String> = METHODS.iter().map(|method| code(method.as_str())).collect();
    out.push_str(&format!("{}.\n\n## Methods\n\n{}.\n", algs.join(", "), methods.join(", ")));
    out
}

fn table(out: &mut String, head: &[&str], rows: impl Iterator<Item = Vec<String>>) {
    out.push_str(&format!("| {} |\n|{}\n", head.join(" | "), "---|".repeat(head.len())));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn named<T: PartialEq>(all: &[(&'static str, T)], wanted: T) -> &'static str {
    all.iter().find(|(_, known)| *known == wanted).map_or("", |(name, _)| name)
}

fn grant(grant: GrantName) -> Vec<String> {
    let says = match grant {
        GrantName::Password => "a person signs in",
        GrantName::Refresh => "a refresh token for an access token",
        GrantName::Renew => "the old access token for a new one",
        GrantName::ApiKey => "an API key signs in",
        GrantName::ClientCredentials => "a client signs in",
        GrantName::UserInfo => "whom a token speaks for",
        GrantName::End => "sign-out",
        GrantName::Step => "what comes before another exchange",
    };
    let needs: Vec<String> = grant.needs().iter().map(|name| format!("`{{{{{name}}}}}`")).collect();
    let needs =
        if grant.shows_token() { "the token, by a hole or where `[[show]]` says".to_owned() } else { needs.join(", ") };
    vec![code(grant.name()), says.to_owned(), needs]
}

fn reason(reason: Reason) -> Vec<String> {
    let above = reason.parent().map(|parent| code(parent.name())).unwrap_or_default();
    vec![code(reason.name()), above, code(&reason.status().to_string()), sentence(reason).to_owned()]
}

/// What a noun is; nothing for a name that is none.
pub fn noun(name: &str) -> Option<String> {
    if let Some((who, fact)) = name.split_once('.').filter(|(who, _)| matches!(*who, "person" | "actor")) {
        let whose = if who == "person" { "the person's" } else { "that of whom the person acts as:" };
        let fact = match fact {
            "id" => "id, a UUID",
            "number" => "number",
            "username" => "username",
            "given_name" => "first name",
            "family_name" => "last name",
            "name" => "full name",
            "email" => "mail address",
            "email_verified" => "mail address being proved",
            "picture" => "picture, an address",
            "zoneinfo" => "time zone",
            "phone_number" => "telephone number",
            "created_at" => "account's beginning",
            _ => return None,
        };
        return Some(format!("{whose} {fact}"));
    }
    let says = match name {
        "realm" => "the realm's name",
        "issuer" => "the realm's address, the `iss` of its tokens",
        "username" => "who signs in",
        "password" => "the person's password",
        "act_as" => "the username of whom the person wants to act as",
        "client_id" => "a client's id",
        "client_secret" => "a client's secret",
        "key_id" => "an API key's id",
        "key_secret" => "an API key's secret",
        "refresh_token" => "the refresh token",
        "access_token" => "the access token",
        "expires_in" => "how long the access token is good, in seconds",
        "expires_at" => "when the access token ends",
        "issued_at" => "when the access token was issued",
        "asked_at" => "when a client writes its request",
        "scope" => "what the token is good for: words with spaces between",
        "alg" => "the algorithm that signs the JWT",
        "token.id" => "the token's own id",
        "key.id" => "the id of the key that signs",
        "session.started" => "when the person signed in",
        "target.number" => "the number of the target that the token is limited to",
        "target.name" => "the name of that target",
        "status" => "the status of a refusal",
        "text" => "a refusal's text, from its row",
        "code" => "a refusal's code, from its row",
        "detail" => "a sentence in English about a refusal",
        "field" => "the name on the wire that a refusal is about",
        "class" => "a refusal's class, from its row",
        "message" => "a refusal's message, from its row",
        _ => return None,
    };
    Some(says.to_owned())
}

fn kind_says(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text; in a request without control characters",
        Kind::Secret => "any text, never shown",
        Kind::Number => "a whole number in 64 bits, without leading zeros",
        Kind::Bool => "`true` or `false`",
        Kind::Time => "a point in time; it needs a transform",
        Kind::Uuid => "a UUID with hyphens",
        Kind::Uuid4 => "a random UUID (version 4)",
        Kind::Dotted => "words with dots between, such as `person.get`",
    }
}

fn origin_says(origin: Origin) -> &'static str {
    match origin {
        Origin::Setting => "the realm, as a setting",
        Origin::Client => "whoever sends the request",
        Origin::Server => "whoever answers",
        Origin::Person => "the person's attributes",
        Origin::Token => "the token",
        Origin::Step => "the answer to a step",
    }
}

/// A transform with what it makes of a sample: the engine's own work.
fn transform_row(name: &str, transform: &Transform) -> Vec<String> {
    let (of, sample) = match transform.takes() {
        Takes::Time => ("a time", Value::Time(Timestamp::from_secs(1_768_489_200))),
        Takes::Span => ("a number of seconds", Value::Number(5_400)),
        Takes::Text if matches!(transform, Transform::Uuid | Transform::Uuid4) => {
            ("text", Value::from("6f1c2b7e-3a5d-4c8f-9e0a-1b2c3d4e5f60"))
        }
        Takes::Text => ("text", Value::from("a b/é")),
    };
    let through =
        if transform.is_one_way() { vec![transform.clone(), Transform::Hex] } else { vec![transform.clone()] };
    let written = transform::write(&sample, &through, transform::Keys::NONE).unwrap_or_default();
    let (written, read) = match transform.is_one_way() {
        // A hash in full would only push the table apart.
        true => (format!("{}… through `hex`", written.chars().take(12).collect::<String>()), "by nobody"),
        false => (code(&written), "yes"),
    };
    vec![code(name), of.to_owned(), written, read.to_owned()]
}

/// Those that are told more than their name.
fn with_names() -> [Vec<String>; 3] {
    let row = |name: String, of: &str, written: &str| {
        vec![code(&name), of.to_owned(), written.to_owned(), "by nobody".to_owned()]
    };
    let later = format!("{}:SPAN", Transform::LATER);
    let signed = format!("{}:ALG:NAME", Transform::SIGNED);
    let algs = Transform::ALGS.map(code).join(", ");
    [
        row(
            format!("{}:NAME", Transform::KEYED),
            "text",
            "keyed with the value of `NAME`, behind it `hex` or `base64`",
        ),
        row(later, "a time", "a time so much later, such as `plus:5m`; behind it what writes a time"),
        row(
            signed,
            "a part that is a JSON object",
            &format!("a JWT signed with the value of `NAME` by {algs}; `:NAME` behind it is the key's own name"),
        ),
    ]
}
