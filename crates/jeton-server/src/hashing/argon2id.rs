//! Argon2id, and the form in which hashes are kept.

use std::fmt::Write;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jeton_core::secret::Secret;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use super::Salt;

/// Whether a hash was made otherwise than [`Pool::hash`](super::Pool::hash) makes it today: replace it at the next success.
pub fn needs_rehash(phc: &str) -> bool {
    Phc::parse(phc).is_none_or(|phc| {
        let params = &phc.params;
        (params.m_cost(), params.t_cost(), params.p_cost()) != (MEMORY, PASSES, LANES)
            || phc.salt.len() != size_of::<Salt>()
            || phc.tag.len() != TAG
    })
}

/// A thread's working memory, in blocks of 1 KiB: allocated at the first hash, then used again, since fresh
/// pages cost up to as much as the hash.
pub(super) type Memory = Vec<Block>;

// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
const MEMORY: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const TAG: usize = 32;

/// See `Pool::verify`.
pub(super) fn verify(password: &Secret<String>, hash: Option<&str>, memory: &mut Memory) -> bool {
    let password = normalised(password);
    if let Some(phc) = hash.and_then(Phc::parse) {
        let mut tag = Zeroizing::new(vec![0; phc.tag.len()]);
        compute(&phc.params, &password, &phc.salt, &mut tag, memory) && verify_slices_are_equal(&tag, &phc.tag).is_ok()
    } else {
        let mut tag = Zeroizing::new(vec![0; TAG]);
        compute(&default_params(), &password, &Salt::default(), &mut tag, memory);
        false
    }
}

/// See `Pool::hash`.
pub(super) fn hash(password: &Secret<String>, salt: &Salt, memory: &mut Memory) -> String {
    let mut tag = [0; TAG];
    compute(&default_params(), &normalised(password), salt, &mut tag, memory);
    let mut phc = format!("$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}");
    for part in [salt.as_slice(), &tag] {
        // A String takes everything that is written to it.
        let _ = write!(phc, "${}", STANDARD_NO_PAD.encode(part));
    }
    phc
}

/// The one form in which a password is hashed, however the device at hand composes its letters (NFKC).
fn normalised(password: &Secret<String>) -> Zeroizing<String> {
    /// No character grows more in UTF-8 (U+FDFA does by this much).
    const LONGEST: usize = 11;
    let password = password.expose();
    if password.is_ascii() {
        return Zeroizing::new(password.clone());
    }
    // Enough room from the start: a string that grows leaves copies of itself behind.
    let mut normalised = Zeroizing::new(String::with_capacity(password.len() * LONGEST));
    normalised.extend(password.nfkc());
    normalised
}

fn default_params() -> Params {
    Params::new(MEMORY, PASSES, LANES, Some(TAG)).unwrap_or(Params::DEFAULT)
}

/// Fills `tag`; says whether that was possible.
fn compute(params: &Params, password: &str, salt: &[u8], tag: &mut [u8], memory: &mut Memory) -> bool {
    memory.resize(params.block_count(), Block::new());
    let done = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone())
        .hash_password_into_with_memory(password.as_bytes(), salt, tag, memory.as_mut_slice())
        .is_ok();
    // A costlier hash from elsewhere does not make this thread large for ever.
    memory.truncate(MEMORY as usize);
    memory.shrink_to(MEMORY as usize);
    done
}

/// A hash in PHC form, within what we are willing to spend on it.
struct Phc {
    params: Params,
    salt: Vec<u8>,
    tag: Vec<u8>,
}

impl Phc {
    /// `$argon2id$v=19$m=M,t=T,p=P$SALT$TAG` with M at most 64 MiB, T at most 10 and P at most 4.
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (costs, salt, tag) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let mut costs = costs.split(',');
        let memory = cost(costs.next()?, "m=", 65_536)?;
        let passes = cost(costs.next()?, "t=", 10)?;
        let lanes = cost(costs.next()?, "p=", 4)?;
        if costs.next().is_some() {
            return None;
        }
        let salt = STANDARD_NO_PAD.decode(salt).ok().filter(|salt| (8..=64).contains(&salt.len()))?;
        let tag = STANDARD_NO_PAD.decode(tag).ok().filter(|tag| (16..=64).contains(&tag.len()))?;
        let params = Params::new(memory, passes, lanes, Some(tag.len())).ok()?;
        Some(Self { params, salt, tag })
    }
}

fn cost(field: &str, name: &str, most: u32) -> Option<u32> {
    let digits = field.strip_prefix(name)?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|cost| plain && (1..=most).contains(cost))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the test vectors of the reference implementation.
    const KNOWN: &str = "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

    fn check(password: &str, hash: &str) -> bool {
        verify(&password.into(), Some(hash), &mut Memory::new())
    }

    #[test]
    fn what_is_hashed_verifies() {
        let phc = hash(&"correct horse".into(), &[7; 16], &mut Memory::new());
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{phc}");
        assert!(check("correct horse", &phc));
        assert!(!check("correct horsf", &phc));
        assert!(!check("", &phc));
        assert!(!needs_rehash(&phc));
    }

    #[test]
    fn passwords_are_compared_in_one_form() {
        for (set, tried, same) in [
            ("caf\u{e9}", "cafe\u{301}", true),
            ("\u{fb01}sh", "fish", true),
            ("\u{ff21}bc", "Abc", true),
            ("\u{fdfa}", "\u{fdfa}", true),
            ("cafe", "caf\u{e9}", false),
            ("Fish", "fish", false),
        ] {
            let phc = hash(&set.into(), &[1; 16], &mut Memory::new());
            assert_eq!(check(tried, &phc), same, "{set} {tried}");
        }
    }

    #[test]
    fn a_hash_that_is_malformed_or_too_costly_is_no_hash() {
        let good = hash(&"x".into(), &[1; 16], &mut Memory::new());
        assert!(Phc::parse(&good).is_some());
        for (from, to) in [
            ("argon2id", "argon2i"),
            ("v=19", "v=16"),
            ("m=19456", "m=65537"),
            ("m=19456", "m=4294967296"),
            ("m=19456", "m=+9456"),
            ("m=19456", "m=7"),
            ("t=2", "t=11"),
            ("t=2", "t=0"),
            ("p=1", "p=5"),
            ("p=1", "p=1,data=AAAA"),
            ("p=1", "p="),
            ("p=1", "p=1$AAAA"),
            ("$AQEBAQEBAQEBAQEBAQEBAQ$", "$AQEB$"),
            ("$AQEBAQEBAQEBAQEBAQEBAQ$", "$AQEBAQEBAQEBAQEBAQEBA*$"),
            ("$AQEBAQEBAQEBAQEBAQEBAQ$", "$"),
            (&good, ""),
            (&good, "$argon2id$v=19$"),
            (&good, "plain"),
            (&good, "$argon2id$v=19$m=19456,t=2,p=1$AQEBAQEBAQEBAQEBAQEBAQ$"),
        ] {
            let bad = good.replace(from, to);
            assert_ne!(bad, good, "{from}");
            assert!(Phc::parse(&bad).is_none(), "{bad}");
            assert!(needs_rehash(&bad), "{bad}");
        }
    }

    #[test]
    fn hashes_of_other_programs_verify_and_are_to_be_replaced() {
        assert!(check("password", KNOWN));
        assert!(!check("passwore", KNOWN));
        assert!(needs_rehash(KNOWN));
    }

    #[test]
    fn a_costly_hash_leaves_no_large_memory() {
        let mut memory = Memory::new();
        let costly = KNOWN.replace("m=256,t=2", "m=65536,t=1");
        assert!(!verify(&"password".into(), Some(&costly), &mut memory));
        assert_eq!(memory.capacity(), MEMORY as usize);
    }

    #[test]
    fn no_hash_costs_as_much_as_one() {
        let pages = |hash: Option<&str>| {
            let mut memory = Memory::new();
            assert!(!verify(&"x".into(), hash, &mut memory));
            memory.len()
        };
        let wrong = hash(&"y".into(), &[1; 16], &mut Memory::new());
        let full = pages(Some(&wrong));
        assert_eq!(full, MEMORY as usize);
        assert_eq!(pages(None), full);
        assert_eq!(pages(Some("broken")), full);
    }
}
