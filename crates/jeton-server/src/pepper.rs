//! The key of the store's digests: made once, kept sealed.

use jeton_core::change::Audit;
use jeton_core::time::Timestamp;
use jeton_core::token::pepper::Pepper;
use jeton_store::Store;
use zeroize::Zeroizing;

use crate::fault::Fault;
use crate::keyring::Keyring;

/// The row's name, and what the sealed value is bound to.
pub const NAME: &str = "pepper";

/// The store's pepper; made and stored if there is none. A master key that does not open it stops the start.
pub async fn load_or_make(store: &Store, master: &Keyring, now: Timestamp) -> Result<Pepper, Fault> {
    let sealed = match store.meta(NAME).await? {
        Some(sealed) => sealed,
        None => {
            let mut key = Zeroizing::new([0; 32]);
            aws_lc_rs::rand::fill(&mut *key).map_err(|_| Fault::new("the operating system gives no random bytes"))?;
            let record = Audit {
                at: now,
                realm_id: None,
                event: "pepper.made",
                principal_id: None,
                session_id: None,
                source: "local".to_owned(),
                detail: String::new(),
            };
            store.put_meta_if_absent(NAME, &master.seal(NAME, &*key)?, record).await?
        }
    };
    let key = master.open(NAME, &sealed)?;
    let key: &[u8; 32] =
        key.expose().as_slice().try_into().map_err(|_| Fault::new("the sealed pepper in the store is damaged"))?;
    Ok(Pepper::new(key))
}
