//! What a request asks for, told from the credentials in it, and which hole stands where each of them stood.

use jeton_core::dialect::GrantName;
use uuid::Uuid;

use super::body::{Leaf, Part};
use super::draft::Declared;
use super::names::{self, Role};
use super::request::{Body, Request};

/// What a curl line is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// An exchange of this grant.
    For(GrantName),
    /// A call that shows a token.
    Call,
}

/// A request with the roles of what stands in it.
pub(super) struct Credentials<'r> {
    request: &'r Request,
    roles: Vec<Role>,
    /// The roles of user and password of Basic.
    basic: Option<(Role, Role)>,
}

impl<'r> Credentials<'r> {
    /// Looks at every place of a request.
    pub(super) fn of(request: &'r Request) -> Self {
        let mut roles = Vec::new();
        request.write(&mut |leaf| {
            roles.extend(role(leaf));
            None
        });
        let basic = request.basic().map(|(user, password)| basic_roles(&user, &password, request, &roles));
        roles.extend(basic.iter().flat_map(|(user, password)| [*user, *password]));
        Self { request, roles, basic }
    }

    /// What the request asks for; nothing if no credential is in it. `gives_token`: its sample answer holds a token.
    pub(super) fn asks(&self, gives_token: bool) -> Option<Asks> {
        let path = self.request.path.to_ascii_lowercase()
            + &self.request.query.iter().map(|(_, value)| value.to_ascii_lowercase()).collect::<String>();
        let says = |words: &[&str]| words.iter().any(|word| path.contains(word));
        let ends = says(&["logout", "signout", "sign-out", "sign_out", "log-out", "revoke", "deletesession"])
            || self.request.method == "DELETE";
        let has = |role: Role| self.roles.contains(&role);
        let secret = has(Role::ClientSecret) || has(Role::KeySecret);
        let grant = match () {
            () if ends && !gives_token && (has(Role::AccessToken) || has(Role::RefreshToken)) => GrantName::End,
            () if has(Role::Username) && (has(Role::Password) || (secret && self.id().is_none())) => {
                GrantName::Password
            }
            () if has(Role::RefreshToken) => GrantName::Refresh,
            () if has(Role::ClientId) && secret => GrantName::ClientCredentials,
            () if has(Role::KeyId) && secret => GrantName::ApiKey,
            () if has(Role::AccessToken) && (gives_token || says(&["refresh", "renew", "extend"])) => GrantName::Renew,
            () if has(Role::AccessToken) => return Some(Asks::Call),
            () => return None,
        };
        Some(Asks::For(grant))
    }

    fn id(&self) -> Option<Role> {
        [Role::ClientId, Role::KeyId].into_iter().find(|role| self.roles.contains(role))
    }

    /// The request with holes.
    pub(super) fn write(&self, asks: Asks, declared: &mut Declared) -> String {
        let mut taken: Vec<(Role, String)> = Vec::new();
        self.request.write(&mut |leaf| self.hole(leaf, asks, &mut taken, declared))
    }

    /// `[part] basic`, if Basic stands in the request.
    pub(super) fn basic(&self, asks: Asks) -> Option<String> {
        let (user, password) = self.basic?;
        let noun = |role: Role| self.settled(role, asks).unwrap_or(role).noun();
        Some(format!("{{{{{}}}}}:{{{{{}}}}}", noun(user), noun(password)))
    }

    /// What stands in a place: a noun, a field of the client's, or nothing where the text belongs to the API.
    pub(super) fn hole(
        &self,
        leaf: &Leaf<'_>,
        asks: Asks,
        taken: &mut Vec<(Role, String)>,
        declared: &mut Declared,
    ) -> Option<String> {
        let found = role(leaf).and_then(|role| self.settled(role, asks));
        let repeated = |role: Role| taken.iter().any(|(known, value)| *known == role && value != leaf.value);
        if let Some(role) = found.filter(|role| !repeated(*role)) {
            taken.push((role, leaf.value.to_owned()));
            if names::plain(leaf.own_name()) != names::plain(role.noun()) {
                declared.note(format!("`{}` is the {}", leaf.own_name(), role.noun()));
            }
            return Some(marked(role, leaf.value));
        }
        if leaf.part == Part::Path && matches!(names::plain(leaf.name).as_str(), "realm" | "tenant") {
            return Some("realm".to_owned());
        }
        // A flag says how the program likes its answer; another program may like it otherwise.
        if leaf.native && leaf.value.parse::<bool>().is_ok() {
            return Some(format!("_={}", leaf.value));
        }
        let is_secret = role(leaf).is_some();
        let belongs_to_caller =
            leaf.part == Part::Path || (is_secret && !leaf.native) || names::has_placeholder(leaf.value);
        (belongs_to_caller && !names::is_fixed(leaf.own_name())).then(|| {
            let name = declared.field(leaf.own_name(), "client");
            declared.note(format!("`{}` is given by the caller", leaf.own_name()));
            name
        })
    }

    /// The role under a grant; nothing if the grant has no such thing.
    fn settled(&self, role: Role, asks: Asks) -> Option<Role> {
        let has = |role: Role| self.roles.contains(&role);
        let instead = |other: Role| if has(other) { None } else { Some(other) };
        let Asks::For(grant) = asks else {
            return Some(role).filter(|role| *role == Role::AccessToken);
        };
        match (grant, role) {
            (_, Role::ActAs | Role::Scope) => Some(role),
            (GrantName::Password, Role::Username | Role::Password | Role::ClientId | Role::ClientSecret)
                if role != Role::ClientSecret || has(Role::Password) =>
            {
                Some(role)
            }
            (GrantName::Password, Role::KeySecret | Role::ClientSecret) => instead(Role::Password),
            (GrantName::Refresh, Role::RefreshToken | Role::ClientId | Role::ClientSecret) => Some(role),
            (GrantName::ClientCredentials, Role::ClientId | Role::ClientSecret) => Some(role),
            (GrantName::ClientCredentials, Role::KeySecret) => instead(Role::ClientSecret),
            (GrantName::ApiKey, Role::KeyId | Role::KeySecret) => Some(role),
            (GrantName::ApiKey, Role::ClientSecret) => instead(Role::KeySecret),
            (GrantName::Renew, Role::AccessToken) | (GrantName::End, Role::AccessToken | Role::RefreshToken) => {
                Some(role)
            }
            _ => None,
        }
    }
}

/// A place's role. Numbers and flags have none, nor has a text that goes on over lines.
fn role(leaf: &Leaf<'_>) -> Option<Role> {
    match (leaf.native, leaf.part) {
        (true, _) => None,
        (_, Part::Header) if leaf.name.eq_ignore_ascii_case("accept") => None,
        _ => names::role(leaf.own_name(), leaf.value),
    }
}

fn marked(role: Role, value: &str) -> String {
    match role {
        Role::ActAs | Role::Scope => format!("{}?", role.noun()),
        Role::KeyId if Uuid::try_parse(value).is_ok() && value.len() == 36 => "key_id|uuid".to_owned(),
        role => role.noun().to_owned(),
    }
}

/// Who signs in by Basic: a client if the request says so or has a person beside it, a key if its name says so.
fn basic_roles(user: &str, password: &str, request: &Request, roles: &[Role]) -> (Role, Role) {
    let grants =
        |pairs: &[(String, String)]| pairs.iter().any(|(name, value)| name == "grant_type" && value != "password");
    let for_client = match &request.body {
        Body::Form(pairs) | Body::Multipart(pairs) => grants(pairs),
        Body::Json(value) => value.get("grant_type").is_some_and(|grant| grant != "password"),
        _ => grants(&request.query),
    };
    let beside = roles.contains(&Role::Username) || roles.contains(&Role::RefreshToken);
    let user = user.to_ascii_lowercase();
    let named =
        |words: &[&str]| words.iter().any(|word| user.contains(word) || password.to_ascii_lowercase().contains(word));
    match () {
        () if for_client || beside || named(&["client", "consumer", "app_id", "appid"]) => {
            (Role::ClientId, Role::ClientSecret)
        }
        () if named(&["key", "secret"]) => (Role::KeyId, Role::KeySecret),
        () => (Role::Username, Role::Password),
    }
}
