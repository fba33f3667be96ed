//! The file: what was guessed, in the order of a dialect file, with a comment at each guess.

use anyhow::{Context, bail};
use jeton_core::dialect::GrantName;

use super::answer::{self, Sample, Told};
use super::command;
use super::credentials::{Asks, Credentials};
use super::names;
use super::page;
use super::request::Request;
use super::{refusal, token};

/// What a draft says beside its messages.
#[derive(Default)]
pub(super) struct Declared {
    /// Names of `[field]` and where they come from.
    fields: Vec<(String, &'static str)>,
    /// Guesses about the message that is being written.
    notes: Vec<String>,
}

impl Declared {
    /// A name in `[field]` for a name on the wire.
    pub(super) fn field(&mut self, wire: &str, from: &'static str) -> String {
        const NOUNS: [&str; 8] = ["scope", "code", "text", "status", "field", "detail", "class", "message"];
        let plain = names::field(wire);
        let name = match is_noun(&plain) || NOUNS.contains(&plain.as_str()) {
            true => format!("{plain}_of_{from}"),
            false => plain,
        };
        match self.fields.iter().find(|(known, _)| *known == name) {
            Some((_, known)) if *known != from => self.field(&format!("{wire}_of_{from}"), from),
            Some(_) => name,
            None => {
                self.fields.push((name.clone(), from));
                name
            }
        }
    }

    /// Says what was guessed.
    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

fn is_noun(name: &str) -> bool {
    const NOUNS: &str = "realm issuer username password act_as client_id client_secret key_id key_secret access_token refresh_token expires_in expires_at issued_at alg";
    NOUNS.split(' ').any(|noun| noun == name)
}

/// An exchange of the draft.
struct Exchange {
    grant: GrantName,
    notes: Vec<String>,
    request: String,
    must: Vec<String>,
    /// The part that Basic is made of.
    basic: Option<String>,
    answer: Option<String>,
}

/// The text of a dialect file.
///
/// # Errors
/// A command cannot be read, none of them carries a credential, or a sample holds what TOML cannot.
pub(super) fn draft(samples: &[page::Sample], name: Option<&str>) -> anyhow::Result<String> {
    let mut declared = Declared::default();
    let (mut exchanges, mut shows, mut errors) = (Vec::<Exchange>::new(), Vec::new(), Vec::new());
    let mut told: Option<Told> = None;
    let mut refresh_tokens: Vec<String> = Vec::new();
    let mut host = String::new();
    for (index, sample) in samples.iter().enumerate() {
        let request = command::request(&sample.words).with_context(|| format!("curl command {}", index + 1))?;
        if host.is_empty() {
            host.clone_from(&request.host);
        }
        let answers: Vec<Sample> = sample.answers.iter().filter_map(|text| answer::sample(text)).collect();
        let (good, bad): (Vec<Sample>, Vec<Sample>) = answers.into_iter().partition(|answer| answer.gives_token());
        let credentials = Credentials::of(&request);
        match credentials.asks(!good.is_empty()) {
            Some(Asks::For(grant)) => {
                let (exchange, said) = exchange(&credentials, &request, grant, good.first(), &bad, &mut declared);
                // A refresh without a sample counts as one that gives nothing new.
                let refresh_token = said.refresh_token.clone().or((grant == GrantName::Refresh).then(String::new));
                refresh_tokens.extend(refresh_token);
                if said.access_token.is_some() && told.is_none() {
                    told = Some(said);
                }
                if exchanges.iter().all(|known| known.request != exchange.request) {
                    exchanges.push(exchange);
                }
                errors.extend(bad.into_iter().filter(|_| grant != GrantName::End));
            }
            Some(Asks::Call) => shows.extend(show(&credentials, &mut declared)),
            None => bail!(
                "curl command {} carries no credential that is known by its name; name its values as username and password, \
                 client_id and client_secret, key_id and key_secret, or refresh_token, and try again",
                index + 1
            ),
        }
    }
    let told = told.unwrap_or_default();
    let first = exchanges.first().map_or(GrantName::Password, |exchange| exchange.grant);
    let renewal = renewal(&exchanges, &refresh_tokens);
    let mut out = vec![format!(
        "jeton = 1\nname  = {}\n",
        serde_json::Value::from(name.map_or_else(|| named(&host), str::to_owned))
    )];
    if !exchanges.is_empty() {
        out.push(token::table(&told, first, matches!(renewal, Renewal::Rotate | Renewal::Renew)) + "\n");
        out.push(renewal.table().to_owned());
    }
    if !declared.fields.is_empty() {
        let fields = declared.fields.iter().map(|(name, from)| format!("{name} = {{ from = \"{from}\" }}\n"));
        out.push(format!("[field]\n{}", fields.collect::<String>()));
    }
    if let Some(basic) = exchanges.iter().find_map(|exchange| exchange.basic.clone()) {
        out.push(format!("[part]\nbasic = '{basic}'\n"));
    }
    let usual = exchanges
        .iter()
        .filter(|exchange| exchange.grant != GrantName::End)
        .find_map(|exchange| exchange.answer.clone());
    out.extend(exchanges.iter().map(|exchange| exchange.text(usual.as_deref())));
    out.push(refusal::table(&errors));
    if shows.is_empty() {
        shows.push("[[show]]                                   # guessed: no call is shown\ntoken = \"Authorization: Bearer {{access_token}}\"\n".to_owned());
    }
    shows.dedup();
    out.extend(shows);
    let text = out.join("\n");
    match text.matches("'''").count() % 2 {
        0 => Ok(text),
        _ => bail!("three single quotes stand in a sample, which a dialect file cannot hold; take one out"),
    }
}

fn exchange(
    credentials: &Credentials<'_>,
    request: &Request,
    grant: GrantName,
    good: Option<&Sample>,
    bad: &[Sample],
    declared: &mut Declared,
) -> (Exchange, Told) {
    let asks = Asks::For(grant);
    declared.notes.clear();
    let text = credentials.write(asks, declared);
    let ended = bad.iter().find(|sample| sample.status < 300 && grant == GrantName::End);
    let (answer, told) = match good.or(ended) {
        Some(sample) => {
            let (answer, told) = sample.write(declared);
            (Some(answer), told)
        }
        None => (None, Told::default()),
    };
    let must = request.must().into_iter().map(str::to_owned).collect();
    let notes = std::mem::take(&mut declared.notes);
    (Exchange { grant, notes, request: text, must, basic: credentials.basic(asks), answer }, told)
}

impl Exchange {
    /// The table. `usual` is the answer of another exchange, where the page shows none for this one.
    fn text(&self, usual: Option<&str>) -> String {
        let mut out = String::from("[[exchange]]\n");
        let mut notes = self.notes.clone();
        let default = match self.grant {
            GrantName::End => "204",
            _ => usual.unwrap_or("200\nContent-Type: application/json\n\n{\"access_token\":\"{{access_token}}\",\"token_type\":\"Bearer\",\"expires_in\":{{expires_in}}}"),
        };
        if self.answer.is_none() {
            notes.push("the answer, for none is shown".to_owned());
        }
        notes.iter().for_each(|note| out.push_str(&format!("# guessed: {note}\n")));
        out.push_str(&format!("grant   = \"{}\"\nrequest = '''\n{}'''\n", self.grant.name(), self.request));
        if !self.must.is_empty() {
            let names: Vec<String> = self.must.iter().map(|name| format!("\"{name}\"")).collect();
            out.push_str(&format!("must    = [{}]\n", names.join(", ")));
        }
        out.push_str(&format!("answer  = '''\n{}'''\n", self.answer.as_deref().unwrap_or(default)));
        out
    }
}

/// How tokens are renewed, as far as the samples tell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Renewal {
    None,
    Keep,
    Rotate,
    Renew,
}

/// Two refresh tokens that differ are each good once.
fn renewal(exchanges: &[Exchange], refresh_tokens: &[String]) -> Renewal {
    let told = |token: &&String| !token.is_empty() && names::placeholder(token).is_none();
    let mut shown = refresh_tokens.iter().filter(told);
    let rotates = shown.next().is_some_and(|first| shown.any(|other| other != first));
    match () {
        () if exchanges.iter().any(|exchange| exchange.grant == GrantName::Renew) => Renewal::Renew,
        () if rotates => Renewal::Rotate,
        () if !refresh_tokens.is_empty() => Renewal::Keep,
        () => Renewal::None,
    }
}

impl Renewal {
    /// The table `[refresh]`.
    fn table(self) -> &'static str {
        match self {
            Self::None => "[refresh]\nhow = \"none\"                             # sign in again\n",
            Self::Keep => {
                "[refresh]\nhow = \"keep\"                             # guessed: the same refresh token again and again\nend = { after = \"30d\" }                  # guessed: how long it is good\n"
            }
            Self::Rotate => {
                "[refresh]\nhow    = \"rotate\"                        # the samples show two refresh tokens\nwithin = \"30d\"                           # guessed: how long a refresh token is good\n"
            }
            Self::Renew => {
                "[refresh]\nhow    = \"renew\"\nwithin = \"7d\"                            # guessed: how long after its issue a token can be renewed\n"
            }
        }
    }
}

/// `[[show]]` from a call: the places of the token, and of what the caller gives beside it.
fn show(credentials: &Credentials<'_>, declared: &mut Declared) -> Option<String> {
    let mut of_call = Declared::default();
    let text = credentials.write(Asks::Call, &mut of_call);
    let mut lines = text.lines();
    let start = lines.next()?;
    let query = start.split_once('?').map_or("", |(_, query)| query).split('&').map(|pair| format!("?{pair}"));
    let headers = lines.take_while(|line| !line.is_empty()).map(str::to_owned);
    let (tokens, beside): (Vec<String>, Vec<String>) =
        query.chain(headers).filter(|place| place.contains("{{")).partition(|place| place.contains("{{access_token}}"));
    let token = tokens.first()?;
    let mut out = format!("[[show]]\ntoken = {}\n", serde_json::Value::from(token.as_str()));
    if !beside.is_empty() {
        let beside: Vec<String> =
            beside.iter().map(|place| serde_json::Value::from(place.as_str()).to_string()).collect();
        out.push_str(&format!("also  = [{}]\n", beside.join(", ")));
        let used = of_call.fields.into_iter().filter(|(name, _)| out.contains(&format!("{{{{{name}}}}}")));
        let new: Vec<_> = used.filter(|field| !declared.fields.contains(field)).collect();
        declared.fields.extend(new);
    }
    Some(out)
}

/// A name from a host: `api.meadow.example` is `meadow`, and so is `meadow.example.com`.
fn named(host: &str) -> String {
    let host = host.rsplit('@').next().unwrap_or(host).split(':').next().unwrap_or(host);
    let mut labels: Vec<&str> = host.split('.').collect();
    labels.pop();
    let label = labels.pop().filter(|label| *label != "example").or(labels.pop()).unwrap_or_default();
    let name: String =
        label.to_ascii_lowercase().chars().filter(|char| char.is_ascii_alphanumeric() || *char == '-').collect();
    match name.starts_with(|first: char| first.is_ascii_alphabetic()) {
        true => name,
        false => "api".to_owned(),
    }
}
