//! A device's request to act for a person (RFC 8628): asked for by a client, decided on by the person, elsewhere.

use super::id::{Digest, Id};
use super::session::Bounds;
use crate::time::Timestamp;

/// A device authorization, as the store keeps it until it is used or over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceAuthorization {
    /// Keyed hash of the device code, which the client has.
    pub device_code: Digest,
    /// Keyed hash of the user code, which the person types.
    pub user_code: Digest,
    /// The realm it belongs to.
    pub realm_id: Id,
    /// The client that asks.
    pub client_id: Id,
    /// Scope words that are asked for, all of which the client may have.
    pub scope: String,
    /// What else the session will be limited to.
    pub bounds: Bounds,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// From this instant on neither code is good.
    pub expires_at: Timestamp,
    /// When the client asked last whether it is decided.
    pub polled_at: Option<Timestamp>,
    /// How long the client has to wait between two such questions, in seconds.
    pub interval_secs: i64,
    /// What the person said.
    pub verdict: Option<Verdict>,
}

/// What a person said to a device's request. Said once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes: the device acts for this person.
    Approved {
        /// The person.
        principal_id: Id,
        /// The person's version then: a person who was changed since has to say it again.
        version: i64,
    },
    /// No.
    Denied,
}

/// Twenty letters without vowels, so that no code is a word; none is taken for another (RFC 8628 §6.1).
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// Letters of a user code: 20⁸ is more than 2³⁴ (security.md D10 asks for 20 bits).
const LENGTH: usize = 8;

/// A new user code as it is shown: two groups of four letters and a dash between them.
pub fn new_user_code(rng: &mut dyn rand_core::CryptoRng) -> String {
    let mut code = String::with_capacity(LENGTH + 1);
    let mut buffer = [0; 16];
    while code.len() <= LENGTH {
        rng.fill_bytes(&mut buffer);
        // 240 = 12 · 20: bytes above would favour the first letters.
        for byte in buffer.into_iter().filter(|byte| *byte < 240) {
            if code.len() == LENGTH / 2 {
                code.push('-');
            }
            if code.len() <= LENGTH {
                code.push(char::from(LETTERS[usize::from(byte % 20)]));
            }
        }
    }
    code
}

/// A user code as it is hashed: letters alone, whatever was typed between them and however they were written.
pub fn canonical_user_code(typed: &str) -> String {
    let letters = typed.bytes().map(|byte| byte.to_ascii_uppercase()).filter(|byte| LETTERS.contains(byte));
    // More than a code's letters are no code: one letter too many is enough to tell.
    letters.take(LENGTH + 1).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn d10_a_user_code_is_eight_letters_of_twenty_all_of_which_occur() {
        let mut rng = ChaCha20Rng::seed_from_u64(8);
        let mut seen = [0_u32; 20];
        for _ in 0..500 {
            let code = new_user_code(&mut rng);
            let (left, right) = code.split_once('-').unwrap();
            assert_eq!((left.len(), right.len()), (4, 4), "{code}");
            for letter in code.bytes().filter(|byte| *byte != b'-') {
                seen[LETTERS.iter().position(|known| *known == letter).unwrap()] += 1;
            }
        }
        // 4,000 letters, 200 of each on average.
        assert!(seen.iter().all(|count| (130..270).contains(count)), "{seen:?}");
    }

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        for (typed, read) in [
            ("WDJB-MJHT", "WDJBMJHT"),
            ("wdjb mjht", "WDJBMJHT"),
            (" w-d.j_b\tmjht\n", "WDJBMJHT"),
            ("WDJB-MJH", "WDJBMJH"),
            ("WDJB-MJHTTTTTT", "WDJBMJHTT"),
            ("", ""),
            ("\u{fc}0123456789AEIOUY", ""),
        ] {
            assert_eq!(canonical_user_code(typed), read, "{typed:?}");
        }
    }
}
