//! What a dialect says of itself: the places of its messages, which documentation is made from.

use jeton_core::dialect::{Described, Description, Dialect, MessagePart, Place};
use jeton_core::domain::refusal::Reason;

use super::goldens::built_in;

/// One line for a place: part, name, mark and what stands there.
fn line(place: &Described) -> String {
    let part = match place.part {
        MessagePart::Path => "path",
        MessagePart::Query => "query",
        MessagePart::Header => "header",
        MessagePart::Cookie => "cookie",
        MessagePart::Form => "form",
        MessagePart::Json => "json",
        MessagePart::Xml => "xml",
        MessagePart::Text => "text",
        MessagePart::ReasonPhrase => "phrase",
    };
    let mark = if place.required { "" } else { "?" };
    format!("{part} {}{mark} = {}", place.name, place.text)
}

fn lines(description: &Description) -> Vec<String> {
    let starts = description.starts.iter().map(|(method, path)| format!("{method} {path}"));
    starts.chain(description.places.iter().map(line)).collect()
}

#[test]
fn every_place_of_a_message() {
    let valley = Dialect::parse(include_str!("valley.toml")).unwrap();
    let request = |index: usize| lines(&valley.exchanges[index].describe_requests()[0]);
    let answer = |index: usize| lines(&valley.exchanges[index].describe_answers()[0]);
    let rows: [(&str, Vec<String>, &[&str]); 6] = [
        (
            "XML",
            request(0),
            &[
                "POST /soap",
                "header Content-Type = application/soap+xml",
                "xml Envelope/Body/@kind = login",
                "xml Envelope/Body/login/@user = {username}",
                "xml Envelope/Body/login/@word? = {code_word}",
                "xml Envelope/Body/login/pin = {password}",
                "xml Envelope/Body/login/pin = again",
                "xml Envelope/Body/login/role? = {scope}",
                "xml Envelope/Body/login/on/behalf/of? = {act_as}",
            ],
        ),
        (
            "transforms in XML",
            answer(0),
            &[
                "header Content-Type = text/xml",
                "xml r/token/@end = http_date({expires_at})",
                "xml r/token/@life = iso8601({expires_in})",
                "xml r/token = {access_token}",
                "xml r/name? = {person.name}",
                "xml r/may? = {scope}",
            ],
        ),
        (
            "a query and a body of text",
            request(1),
            &[
                "PUT /token?kind=a&kind=b",
                "query kind = a",
                "query kind = b",
                "query kind? = {code_word}",
                "query scope? = {scope}",
                "header Content-Type = text/plain",
                "text  = {refresh_token}",
            ],
        ),
        (
            "a part, lists and members in members",
            request(2),
            &[
                "POST /token",
                "header Authorization = Basic base64({key_id}:{key_secret})",
                "header Content-Type = application/json",
                "json scopes[0] = all",
                "json scopes[1]? = to:{scope}",
                "json for.word? = hex({code_word})",
            ],
        ),
        ("one string", answer(2), &["header Content-Type = application/json", "json  = {access_token}"]),
        (
            "a form",
            request(3),
            &[
                "POST /clients",
                "header Content-Type = application/x-www-form-urlencoded",
                "form id = {client_id}",
                "form secret = {client_secret}",
                "form scope = all",
                "form scope? = {scope}",
            ],
        ),
    ];
    for (what, is, should) in rows {
        assert_eq!(is, should, "{what}");
    }
}

#[test]
fn alternatives_ask_for_what_all_of_them_need() {
    let dialect = built_in().iter().find(|dialect| dialect.name == "pitchpoint").unwrap();
    let places = lines(&dialect.exchanges[0].describe_answers()[0]);
    let should = [
        "header Content-Type = application/json",
        "json access_token = {access_token}",
        "json refresh_token = {refresh_token}",
        "json scope? = {scope}",
        "json token_type? = Bearer",
        "json expires_in = {expires_in}",
    ];
    assert_eq!(places, should);
    assert_eq!(dialect.reasons(Place::Show(0)), [Reason::InvalidToken]);
}

#[test]
fn how_a_call_shows_its_token() {
    let shows = |name: &str| {
        let dialect = built_in().iter().find(|dialect| dialect.name == name).unwrap();
        let ways = dialect.describe_show(0).unwrap();
        ways.iter().map(|places| places.iter().map(line).collect()).collect::<Vec<Vec<_>>>()
    };
    let bearer = "header Authorization = Bearer {access_token}";
    assert_eq!(shows("zro"), [[bearer, "header nonce = {nonce}"]]);
    assert_eq!(shows("inevent"), [[bearer], ["query tokenID = {access_token}"]]);
}
