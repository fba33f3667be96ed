//! Signing keys in memory: made at first need, sealed in the store, used for every signature.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair};
use jeton_core::change::Audit;
use jeton_core::domain::id::Id;
use jeton_core::domain::key::{KeyState, SigningKey};
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

    fn open(kid: String, alg: Alg, pkcs8: &[u8]) -> Result<Self, Fault> {
        let rejected = |_| Fault::new("a signing key in the store is damaged");
        let pair = match alg {
            Alg::ES256 => {
                Pair::Ecdsa(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8).map_err(rejected)?)
            }
            Alg::EdDSA => Pair::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(rejected)?),
            Alg::RS256 => Pair::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?, &signature::RSA_PKCS1_SHA256),
            Alg::PS256 => Pair::Rsa(RsaKeyPair::from_pkcs8(pkcs8).map_err(rejected)?, &signature::RSA_PSS_SHA256),
        };
        Ok(Self { kid, pair })
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
    signers: Vec<(Alg, Arc<Signer>)>,
    published: Vec<(Jwk, VerifyingKey)>,
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
        self.signers.iter().find(|(known, _)| *known == alg).map(|(_, signer)| Arc::clone(signer))
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
        for row in store.keys(realm_id).await? {
            let damaged = || Fault::new("a signing key in the store is damaged");
            let jwk: Jwk = serde_json::from_str(&row.public_jwk).map_err(|_| damaged())?;
            let verifying = jwk.verifying_key().ok_or_else(damaged)?;
            if row.state == KeyState::Current {
                let pkcs8 = master.open(&seal_context(realm_id, &row.kid), &row.sealed)?;
                keys.signers.push((row.alg, Arc::new(Signer::open(row.kid, row.alg, pkcs8.expose())?)));
            }
            keys.published.push((jwk, verifying));
        }
        let keys = Arc::new(keys);
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(realm_id, (version, Arc::clone(&keys)));
        Ok(keys)
    }
}

/// Makes and stores the realm's first key for `alg`, if it has none.
pub async fn create(store: &Store, master: &Keyring, realm_id: Id, alg: Alg, now: Timestamp) -> Result<(), Fault> {
    let (jwk, pkcs8) = generate(alg)?;
    let row = SigningKey {
        sealed: master.seal(&seal_context(realm_id, &jwk.kid), &pkcs8)?,
        kid: jwk.kid.clone(),
        realm_id,
        alg,
        state: KeyState::Current,
        public_jwk: serde_json::to_string(&jwk).map_err(|_| Fault::new("a key could not be written"))?,
        created_at: now,
    };
    let record = Audit {
        at: now,
        realm_id: Some(realm_id),
        event: "signing_key.made",
        principal_id: None,
        session_id: None,
        source: "local".to_owned(),
        detail: row.kid.clone(),
    };
    store.put_key_if_none_current(&row, record).await?;
    Ok(())
}
