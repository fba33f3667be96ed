//! The query of a request, as far as a gate needs it: one attribute read with suspicion, one value taken out.

/// What a query says under one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Attribute {
    /// Nothing.
    Absent,
    /// One value, decoded.
    One(String),
    /// Several, or one that some servers read and others don't.
    Several,
}

/// Reads the attribute `name`.
///
/// Frameworks differ in which of two equal names wins, in letter case, in `;` as a separator, and in what
/// they cut from a name (`%20a`, `a[]`, `a%00`). A rule that depends on one attribute may only rely on it
/// when all of them see the same single value.
pub(crate) fn attribute(query: Option<&str>, name: &str) -> Attribute {
    let query = query.unwrap_or_default();
    let by_any_separator = query.split(['&', ';']).filter(|pair| could_mean(pair, name)).count();
    let mut by_ampersand = query.split('&').filter(|pair| could_mean(pair, name));
    match (by_any_separator, by_ampersand.next(), by_ampersand.next()) {
        (0, None, _) => Attribute::Absent,
        (1, Some(pair), None) => match pair.split_once('=') {
            Some((raw_name, value)) if decode(raw_name).as_deref() == Some(name) => {
                decode(value).map_or(Attribute::Several, Attribute::One)
            }
            _ => Attribute::Several,
        },
        _ => Attribute::Several,
    }
}

/// The names in the query, decoded.
pub(crate) fn names(query: Option<&str>) -> impl Iterator<Item = String> {
    let pairs = query.unwrap_or_default().split('&');
    pairs.filter_map(|pair| decode(pair.split('=').next().unwrap_or_default()))
}

/// The query without the attributes that `drop` picks by decoded name and value; every other byte stays as
/// it came. `None` when nothing is left.
pub fn without(query: &str, drop: impl Fn(&str, &str) -> bool) -> Option<String> {
    let kept: Vec<&str> = query
        .split('&')
        .filter(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            !drop(&decode(name).unwrap_or_default(), &decode(value).unwrap_or_default())
        })
        .collect();
    (!kept.is_empty()).then(|| kept.join("&"))
}

/// Decodes `application/x-www-form-urlencoded` text; `None` when it is broken or not UTF-8.
pub(crate) fn decode(raw: &str) -> Option<String> {
    let mut out = Vec::with_capacity(raw.len());
    let mut bytes = raw.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(out).ok()
}

/// Whether some framework would read this pair as an attribute of this name.
fn could_mean(pair: &str, name: &str) -> bool {
    let raw = pair.split('=').next().unwrap_or_default();
    let decoded = decode(raw).unwrap_or_else(|| raw.to_owned());
    let end = decoded.find(['[', '\0']).unwrap_or(decoded.len());
    decoded[..end].trim().eq_ignore_ascii_case(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_counts_only_when_all_read_the_same() {
        let one = |text: &str| Attribute::One(text.to_owned());
        let rows = [
            (None, Attribute::Absent),
            (Some(""), Attribute::Absent),
            (Some("b=1"), Attribute::Absent),
            (Some("actions=x"), Attribute::Absent),
            (Some("action=x"), one("x")),
            (Some("b=1&action=person.get&c"), one("person.get")),
            (Some("%61ction=a%2Eb"), one("a.b")),
            (Some("action="), one("")),
            (Some("action"), Attribute::Several),
            (Some("action=x&action=x"), Attribute::Several),
            (Some("action=x&%61ction=y"), Attribute::Several),
            (Some("action=x&ACTION=y"), Attribute::Several),
            (Some("ACTION=y"), Attribute::Several),
            (Some("action=x&action[]=y"), Attribute::Several),
            (Some("action=x&%20action=y"), Attribute::Several),
            (Some("action=x&action%00=y"), Attribute::Several),
            (Some("a=1;action=y&action=x"), Attribute::Several),
            (Some("a=1;action=y"), Attribute::Several),
            (Some("action=%ff"), Attribute::Several),
            (Some("action=%4"), Attribute::Several),
        ];
        for (query, expected) in rows {
            assert_eq!(attribute(query, "action"), expected, "{query:?}");
        }
    }

    #[test]
    fn what_is_dropped_goes_and_nothing_else_is_touched() {
        let rows = [
            ("tokenID=abc", None),
            ("%74okenID=other&x=%7e", Some("x=%7e")),
            ("a=1&tokenID=abc&b=%C3%A9+&&c", Some("a=1&b=%C3%A9+&&c")),
            ("a=%61bc&b=xabc&c=abcd", Some("b=xabc&c=abcd")),
            ("t=abc&tokenID&a", Some("a")),
            ("abc", Some("abc")),
            ("%zz=%f", Some("%zz=%f")),
            ("", Some("")),
        ];
        for (query, expected) in rows {
            let rest = without(query, |name, value| name == "tokenID" || value == "abc");
            assert_eq!(rest.as_deref(), expected, "{query}");
        }
    }
}
