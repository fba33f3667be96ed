//! Requests to register a client: what is registered is within its bounds and is read as it was told; what is not is refused
//! with an answer that is JSON and no 5xx.
#![no_main]

use fuzz_tests::{Message, NOW};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use jeton_core::domain::certificate::MutualTls;
use jeton_core::domain::client::Client;
use jeton_core::domain::grant::GrantType;
use jeton_core::domain::id::Id;
use jeton_core::domain::principal::{Kind, PersonProfile, Principal};
use jeton_core::domain::realm::{Realm, Settings};
use jeton_core::domain::registration::{REGISTRABLE, RegistrationBounds};
use jeton_core::rules::registration::{MetadataError, Registered, register};
use jeton_core::time::Timestamp;
use jeton_core::token::pepper::Pepper;
use jeton_core::wire::registration::{information, read, refusal_answer};
use libfuzzer_sys::fuzz_target;
use rand_core::{TryCryptoRng, TryRng};

fuzz_target!(|input: &[u8]| {
    let message = Message::request(input);
    let realm = realm();
    let bounds = bounds();
    match read(&message.headers, message.body) {
        Ok(asked) => {
            if let Ok(made) = registered(&realm, asked) {
                assert!(made.settings.grants.iter().all(|grant| bounds.grants.contains(grant)));
                assert!(made.settings.scopes.iter().all(|scope| bounds.scopes.contains(scope)));
                assert!(made.settings.audiences.iter().all(|audience| bounds.audiences.contains(audience)));
                assert!(!made.settings.resource_server && made.settings.trusts.is_empty());
                let settings = made.settings.clone();
                let told = information(201, (&realm, "https://auth.example"), &client(&made), &made.token, None);
                let again = read(&json(), told.body().as_bytes()).expect("what was told is read");
                assert_eq!(registered(&realm, again).expect("and registered").settings, settings);
            }
        }
        Err(refused) => {
            let answer = refusal_answer(&refused, &realm);
            assert!(answer.status().is_client_error(), "{}", answer.status());
            let body: serde_json::Value = serde_json::from_str(answer.body()).expect("a refusal is JSON");
            assert!(body["error"].is_string());
        }
    }
});

fn registered(
    realm: &Realm,
    asked: jeton_core::rules::registration::ClientMetadata,
) -> Result<Registered, MetadataError> {
    register(realm, MutualTls::Off, &bounds(), asked, &Pepper::new(&[7; 32]), NOW, &mut Counter(0))
}

/// No chance at all: a run is repeated exactly.
struct Counter(u64);

impl TryRng for Counter {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|number| number as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        for byte in bytes {
            *byte = (self.try_next_u64()? >> 56) as u8;
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

fn bounds() -> RegistrationBounds {
    RegistrationBounds {
        grants: REGISTRABLE.to_vec(),
        scopes: vec!["read".to_owned(), "write".to_owned()],
        audiences: vec!["https://a.example".to_owned()],
    }
}

fn realm() -> Realm {
    Realm {
        id: id(),
        name: "shop".to_owned(),
        enabled: true,
        not_before: Timestamp::EPOCH,
        created_at: NOW,
        settings: Settings { grants: GrantType::ALL.to_vec(), ..Settings::default() },
    }
}

fn client(made: &Registered) -> Client {
    let service = Principal {
        id: id(),
        realm_id: id(),
        kind: Kind::Service,
        number: 1,
        username: "service".to_owned(),
        enabled: true,
        not_before: Timestamp::EPOCH,
        created_at: NOW,
        profile: PersonProfile::default(),
        version: 1,
    };
    Client {
        id: id(),
        client_id: made.client_id.clone(),
        enabled: true,
        not_before: Timestamp::EPOCH,
        created_at: NOW,
        settings: made.settings.clone(),
        service,
        secrets: Vec::new(),
        registration: Some(made.registration.clone()),
    }
}

fn id() -> Id {
    Id::derived([1; 16])
}

fn json() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
    headers
}
