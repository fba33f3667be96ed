//! Headers and values from texts.

use http::{HeaderMap, HeaderName, HeaderValue};
use jeton_core::dialect::{Kind, Value};
use jeton_core::secret::Secret;

pub(crate) fn header_map(headers: &[(String, String)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    map
}

pub(crate) fn value(kind: Kind, text: &str) -> Value {
    match kind {
        Kind::Secret => Value::Secret(Secret::from(text)),
        Kind::Number => Value::Number(text.parse().unwrap()),
        Kind::Bool => Value::Bool(text.parse().unwrap()),
        Kind::Time => {
            let time: jiff::Timestamp = text.parse().unwrap();
            Value::Time(jeton_core::time::Timestamp::from_micros(time.as_microsecond()))
        }
        Kind::Text | Kind::Uuid | Kind::Uuid4 | Kind::Dotted => Value::from(text),
    }
}
