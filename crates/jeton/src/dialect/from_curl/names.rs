//! What a name means. Pages call the same few things by many names; this is the list of them.

/// What a place of a request holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Role {
    Username,
    Password,
    ClientId,
    ClientSecret,
    KeyId,
    KeySecret,
    RefreshToken,
    AccessToken,
    ActAs,
    Scope,
}

impl Role {
    /// The noun of the dialect language.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Username => "username",
            Self::Password => "password",
            Self::ClientId => "client_id",
            Self::ClientSecret => "client_secret",
            Self::KeyId => "key_id",
            Self::KeySecret => "key_secret",
            Self::RefreshToken => "refresh_token",
            Self::AccessToken => "access_token",
            Self::ActAs => "act_as",
            Self::Scope => "scope",
        }
    }
}

/// Names in requests, without case and punctuation.
const ROLES: [(Role, &str); 10] = [
    (
        Role::Username,
        "username user login email mail identity identifier handle userid loginid userlogin useremail emailaddress loginname account accountname usr principal",
    ),
    (Role::Password, "password pass passwd pwd passphrase passcode userpassword userpass"),
    (Role::ClientId, "clientid appid applicationid consumerkey appkey integrationid"),
    (Role::ClientSecret, "clientsecret appsecret consumersecret applicationsecret"),
    (Role::KeyId, "apiid keyid apikeyid accesskey accesskeyid id"),
    (
        Role::KeySecret,
        "apikey apisecret keysecret secretkey accesssecret secretaccesskey secret key xapikey apitoken anonkey",
    ),
    (Role::RefreshToken, "refreshtoken refresh refreshjwt renewtoken"),
    (
        Role::AccessToken,
        "accesstoken token jwt accessjwt authtoken xaccesstoken xauthtoken sessiontoken sessionid tokenid idtoken bearertoken authorization accesskeytoken yourtoken bearer",
    ),
    (Role::ActAs, "actas useralias onbehalfof impersonate runas"),
    (Role::Scope, "scope scopes"),
];

/// Names whose text belongs to the API, however it looks.
const FIXED: &str =
    "granttype type action method jsonrpc version apiversion authflow responsetype format accept contenttype tokentype";

/// What a place of a request holds, by its name, else by the name in its placeholder.
pub(super) fn role(name: &str, value: &str) -> Option<Role> {
    let named = |text: &str| {
        let plain = plain(text);
        ROLES.iter().find(|(_, names)| names.split(' ').any(|known| known == plain)).map(|(role, _)| *role)
    };
    if is_fixed(name) {
        return None;
    }
    // A header that may hold either says which by its placeholder: `Authorization: Bearer <refresh token>`.
    let inside = placeholder(value).and_then(|inside| named(&inside));
    match named(name) {
        Some(Role::AccessToken) if inside == Some(Role::RefreshToken) => inside,
        Some(role) => Some(role),
        None => inside,
    }
}

/// Whether a name's text is part of the API.
pub(super) fn is_fixed(name: &str) -> bool {
    let name = plain(name);
    FIXED.split(' ').any(|known| known == name)
}

/// What a placeholder stands for, if the value is one: `<X>`, `{x}`, `{{x}}`, `$X`, `${X}`, `[X]`, `YOUR_X`, `string`.
pub(super) fn placeholder(value: &str) -> Option<String> {
    let value = value.trim();
    for (open, close) in [("{{", "}}"), ("${", "}"), ("<", ">"), ("{", "}"), ("[", "]"), ("%", "%"), ("$", "")] {
        let inside = value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
        if let Some(inside) = inside.map(str::trim).filter(|inside| !inside.is_empty() && !inside.contains('"')) {
            return Some(stripped(inside));
        }
    }
    let lower = value.to_ascii_lowercase();
    let yours = ["your_", "your-", "your ", "my_", "enter_", "insert_"].iter().any(|start| lower.starts_with(start));
    let here = ["_here", "-here", " here"].iter().any(|end| lower.ends_with(end));
    let empty = matches!(lower.as_str(), "string" | "..." | "…" | "xxx" | "xxxx" | "xxxxxx" | "********");
    (yours || here || empty || lower.starts_with("...") || lower.ends_with("...")).then(|| stripped(value))
}

/// Whether some of the text is a placeholder, as in `https://YOUR_DOMAIN/api/`.
pub(super) fn has_placeholder(value: &str) -> bool {
    placeholder(value).is_some()
        || value.contains("YOUR_")
        || value.contains("{{")
        || value.contains("${")
        || (value.contains('<') && value.contains('>'))
        || value.split(['/', '?', '&', '=']).any(|part| placeholder(part).is_some())
}

/// Without the words around it that say nothing.
fn stripped(text: &str) -> String {
    let words = text.split(['_', '-', ' ']);
    let kept: Vec<&str> = words
        .filter(|word| {
            !matches!(word.to_ascii_lowercase().as_str(), "your" | "my" | "here" | "enter" | "insert" | "the" | "a")
        })
        .collect();
    kept.join("_")
}

/// Lower case, letters and digits alone; of `user[email]` the last part.
pub(super) fn plain(name: &str) -> String {
    let name = name.trim_end_matches(']').rsplit('[').next().unwrap_or(name);
    name.chars().filter(char::is_ascii_alphanumeric).map(|char| char.to_ascii_lowercase()).collect()
}

/// A name for `[field]`: `deviceName` becomes `device_name`.
pub(super) fn field(name: &str) -> String {
    let mut out = String::new();
    let mut small = false;
    for char in name.chars() {
        if char.is_ascii_uppercase() && small {
            out.push('_');
        }
        small = char.is_ascii_lowercase() || char.is_ascii_digit();
        match char.is_ascii_alphanumeric() {
            true => out.push(char.to_ascii_lowercase()),
            false if !out.is_empty() && !out.ends_with('_') => out.push('_'),
            false => {}
        }
    }
    let out = out.trim_matches('_').to_owned();
    match out.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => out,
        false => format!("field_{out}"),
    }
}
