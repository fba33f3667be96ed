//! Signing keys in memory: made at first need, sealed in the store, used for every signature.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::key::{KeyState, SealedKey, SigningKey};
use jeton_core::domain::policy::Alg;
use jeton_core::time::Timestamp;
use jeton_core::token::jwk::{Jwk, VerifyingKey};
use jeton_store::Store;
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::keyring::Keyring;

/// A key pair that signs with one algorithm.
pub struct Signer {
    /// The `kid` of its tokens.
    pub kid: String,
    /// The longest that anything it signed has to verify, as far as its row says.
    pub(crate) token_life: Duration,
    pair: Pair,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(RsaKeyPair, &'static dyn signature::RsaEncoding),
}

impl Signer {
    /// The signature of `message`, as RFC 7518 §3 and RFC 8037 §3.1 have it.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let failed = |_| Fault::new("a signing key could not sign");
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, message).map_err(failed)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::Rsa(pair, padding) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(*padding, &random, message, &mut out).map_err(failed)?;
                Ok(out)
            }
        }
    }

    fn open(key: SigningKey, pkcs8: &[u8]) -> Result<Self, Fault> {
        let rejected = |_| Fault::new("a signing key in the store is damaged");
        let pair = match key.alg {
            Alg::ES256 => {
                Pair::Ecdsa(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(rejected)?)
            }
            Alg::EdDSA => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(rejected)?),
            Alg::RS256 => Pair::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?, &signature::RSA_PKCS1_SHA256),
            Alg::PS256 => Pair::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?, &signature::RSA_PSS_SHA256),
        };
        Ok(Self { kid: key.kid, token_life: key.token_life, pair })
    }
}

/// A new key pair: its public part, and its private part as PKCS#8.
pub fn generate(alg: Alg) -> Result<(Jwk, Zeroizing<Vec<u8>>), Fault> {
    let failed = |_| Fault::new("no signing key could be made");
    let random = SystemRandom::new();
    match alg {
        Alg::ES256 => {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(failed)?;
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref());
            let pair = pair.map_err(|_| Fault::new("no signing key could be made"))?;
            let jwk = Jwk::from_p256(pair.public_key().as_ref()).ok_or(Fault::new("no signing key could be made"))?;
            Ok((jwk, Zeroizing::new(pkcs8.as_ref().to_vec())))
        }
        Alg::EdDSA => {
            let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).map_err(failed)?;
            let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref());
            let pair = pair.map_err(|_| Fault::new("no signing key could be made"))?;
            Ok((Jwk::from_ed25519(pair.public_key().as_ref()), Zeroizing::new(pkcs8.as_ref().to_vec())))
        }
        Alg::RS256 | Alg::PS256 => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
            let pkcs8 = AsDer::<Pkcs8V1Der<'static>>::as_der(&pair).map_err(failed)?;
            let public = pair.public_key();
            let modulus = public.modulus().big_endian_without_leading_zero();
            let exponent = public.exponent().big_endian_without_leading_zero();
            Ok((Jwk::from_rsa(modulus, exponent, alg), Zeroizing::new(pkcs8.as_ref().to_vec())))
        }
    }
}

/// What a sealed private key is bound to, so that no row's key can be put in another's place.
pub fn seal_context(realm_id: Id, kid: &str) -> String {
    format!("signing_key/{realm_id}/{kid}")
}

/// One realm's keys.
pub struct RealmKeys {
    signers: Vec<Signs>,
    published: Vec<(Jwk, VerifyingKey)>,
}

/// A key that signs, or did once.
struct Signs {
    alg: Alg,
    from: Timestamp,
    until: Option<Timestamp>,
    signer: Arc<Signer>,
}

impl RealmKeys {
    /// The key of this id that still verifies.
    pub fn verifying(&self, kid: &str) -> Option<VerifyingKey> {
        self.published.iter().find(|(jwk, _)| jwk.kid == kid).map(|(_, key)| key.clone())
    }

    /// The public keys, as the members of a JWK set (RFC 7517 §5).
    pub fn jwks(&self) -> impl Iterator<Item = &Jwk> {
        self.published.iter().map(|(jwk, _)| jwk)
    }

    /// The current key for this algorithm, if there is one.
    pub(crate) fn signer(&self, alg: Alg) -> Option<Arc<Signer>> {
        let current = self.signers.iter().find(|signs| signs.alg == alg && signs.until.is_none());
        current.map(|signs| Arc::clone(&signs.signer))
    }

    /// The key for this algorithm that was current at that moment, if it is still there.
    pub(crate) fn signer_of(&self, alg: Alg, at: Timestamp) -> Option<Arc<Signer>> {
        let then = |signs: &&Signs| signs.alg == alg && signs.from <= at && signs.until.is_none_or(|until| at < until);
        self.signers.iter().find(then).map(|signs| Arc::clone(&signs.signer))
    }
}

/// All keys in memory, by realm, each set with the version of the configuration it was read at.
#[derive(Default)]
pub struct Keys(RwLock<HashMap<Id, (i64, Arc<RealmKeys>)>>);

impl Keys {
    /// A realm's keys as of configuration `version`.
    pub async fn of(
        &self,
        store: &Store,
        master: &Keyring,
        realm_id: Id,
        version: i64,
    ) -> Result<Arc<RealmKeys>, Fault> {
        let cached = self.0.read().unwrap_or_else(PoisonError::into_inner).get(&realm_id).cloned();
        if let Some((at, keys)) = cached
            && at == version
        {
            return Ok(keys);
        }
        let mut keys = RealmKeys { signers: Vec::new(), published: Vec::new() };
        for SealedKey { key, public_jwk, sealed } in store.sealed_keys(realm_id).await? {
            let damaged = || Fault::new("a signing key in the store is damaged");
            let jwk: Jwk = serde_json::from_str(&public_jwk).map_err(|_| damaged())?;
            keys.published.push((jwk.clone(), jwk.verifying_key().ok_or_else(damaged)?));
            if key.state != KeyState::Next {
                let pkcs8 = master.open(&seal_context(realm_id, &key.kid), &sealed)?;
                // A current key may have been asked to end, and signs until it does.
                let until = key.signs_until.filter(|_| key.state == KeyState::Retired);
                let (alg, from) = (key.alg, key.signs_from);
                keys.signers.push(Signs { alg, from, until, signer: Arc::new(Signer::open(key, pkcs8.expose())?) });
            }
        }
        let keys = Arc::new(keys);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(realm_id, (version, Arc::clone(&keys)));
        Ok(keys)
    }
}

/// A new key of a realm, sealed: not stored yet. It takes a while (about 0.2 s for RSA), on a thread of its own.
pub async fn make(
    master: &Keyring,
    realm_id: Id,
    alg: Alg,
    state: KeyState,
    (now, signs_from): (Timestamp, Timestamp),
    token_life: Duration,
) -> Result<SealedKey, Fault> {
    let made = tokio::task::spawn_blocking(move || generate(alg)).await;
    let (jwk, pkcs8) = made.map_err(|_| Fault::new("no signing key could be made"))??;
    let kid = jwk.kid.clone();
    let sealed = master.seal(&seal_context(realm_id, &kid), &pkcs8)?;
    let public_jwk = serde_json::to_string(&jwk).map_err(|_| Fault::new("a key could not be written"))?;
    let key = SigningKey { kid, realm_id, alg, state, created_at: now, signs_from, signs_until: None, token_life };
    Ok(SealedKey { key, public_jwk, sealed })
}

/// Makes and stores the realm's first key for `alg`, if it has none. It signs at once: nobody has kept a set of keys
/// without it. What it signs has to verify for `token_life`, as far as is known.
pub async fn create(
    store: &Store,
    master: &Keyring,
    realm_id: Id,
    alg: Alg,
    token_life: Duration,
    now: Timestamp,
) -> Result<(), Fault> {
    let made = make(master, realm_id, alg, KeyState::Current, (now, now), token_life).await?;
    let record = Audit {
        at: now,
        realm_id: Some(realm_id),
        event: "signing_key.made",
        principal_id: None,
        session_id: None,
        source: "local".to_owned(),
        detail: made.key.kid.clone(),
    };
    store.put_key_if_none_current(&made, record).await?;
    Ok(())
}
