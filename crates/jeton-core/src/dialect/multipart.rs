//! `multipart/form-data` (RFC 7578) read as form fields: what a browser or PHP sends when a form may hold files.

/// More parts than any sign-in has.
const MAX_PARTS: usize = 32;

/// The fields of a body, or nothing if it is not of this form. Parts with a file name are left out.
pub(super) fn fields(content_type: &str, body: &[u8]) -> Option<Vec<(String, Option<String>)>> {
    let boundary = parameter(content_type, "boundary").filter(|text| !text.is_empty() && text.len() <= 70)?;
    let (first, between) = (format!("--{boundary}"), format!("\r\n--{boundary}"));
    let mut rest = match body.strip_prefix(first.as_bytes()) {
        Some(rest) => rest,
        // A preamble may stand before the first boundary.
        None => split_at(body, between.as_bytes())?.1,
    };
    let mut found = Vec::new();
    while !rest.starts_with(b"--") {
        let (part, after) = split_at(rest, between.as_bytes())?;
        let (head, content) = match part.strip_prefix(b"\r\n\r\n") {
            Some(content) => (&b""[..], content),
            None => split_at(part.strip_prefix(b"\r\n")?, b"\r\n\r\n")?,
        };
        found.extend(field(std::str::from_utf8(head).ok()?, content));
        if found.len() > MAX_PARTS {
            return None;
        }
        rest = after;
    }
    Some(found)
}

fn field(head: &str, content: &[u8]) -> Option<(String, Option<String>)> {
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    if parameter(disposition, "filename").is_some() {
        return None;
    }
    Some((parameter(disposition, "name")?, std::str::from_utf8(content).ok().map(str::to_owned)))
}

/// The parameter of a header value, quoted or not.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').skip(1).find_map(|part| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim();
        let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value);
        key.trim().eq_ignore_ascii_case(name).then(|| value.to_owned())
    })
}

fn split_at<'a>(bytes: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let at = bytes.windows(mark.len()).position(|window| window == mark)?;
    Some((&bytes[..at], &bytes[at + mark.len()..]))
}
