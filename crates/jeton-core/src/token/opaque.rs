//! Random text that means nothing without the store.

use rand_core::CryptoRng;

use crate::domain::policy::TokenText;
use crate::domain::session::TokenKind;
use crate::secret::Secret;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Base62 characters for 256 bits: 62^43 > 2^256.
const STRONG: usize = 43;

/// CRC-32 in base62.
const CHECKSUM: usize = 6;

/// A new opaque token.
pub fn new_token(text: TokenText, kind: TokenKind, rng: &mut dyn CryptoRng) -> Secret<String> {
    match text {
        TokenText::Random(length) => Secret::new(base62(usize::from(length), rng)),
        TokenText::Checked => checked(
            match kind {
                TokenKind::Access => "jta_",
                TokenKind::Refresh => "jtr_",
            },
            rng,
        ),
    }
}

/// A new client or API key secret: `jts_`, 256 bits, a checksum. No character of it needs encoding anywhere.
pub fn new_secret(rng: &mut dyn CryptoRng) -> Secret<String> {
    checked("jts_", rng)
}

/// Random base62 characters without modulo bias.
pub fn base62(length: usize, rng: &mut dyn CryptoRng) -> String {
    let mut text = String::with_capacity(length);
    let mut buffer = [0; 64];
    while text.len() < length {
        rng.fill_bytes(&mut buffer);
        for byte in buffer {
            // 248 = 4 · 62: bytes above would favour the first characters.
            if byte < 248 && text.len() < length {
                text.push(char::from(BASE62[usize::from(byte % 62)]));
            }
        }
    }
    text
}

/// Whether a text with one of Jeton's prefixes has the right length and checksum. A scanner can ask this
/// without the store; a text without such a prefix is not judged.
pub fn is_damaged(text: &str) -> bool {
    let Some(prefix) = ["jta_", "jtr_", "jts_"].into_iter().find(|prefix| text.starts_with(prefix)) else {
        return false;
    };
    let end = prefix.len() + STRONG;
    text.len() != end + CHECKSUM || !text.is_ascii() || checksum(&text[..end]) != text[end..]
}

fn checked(prefix: &str, rng: &mut dyn CryptoRng) -> Secret<String> {
    let mut text = format!("{prefix}{}", base62(STRONG, rng));
    text.push_str(&checksum(&text));
    Secret::new(text)
}

fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[(rest % 62) as usize];
        rest /= 62;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    use super::*;

    #[test]
    fn e13_every_truncation_extension_and_change_is_damage() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let token = new_token(TokenText::Checked, TokenKind::Access, &mut rng);
        let token = token.expose();
        assert!(!is_damaged(token));
        assert_eq!(token.len(), 53);
        for end in 4..token.len() {
            assert!(is_damaged(&token[..end]), "{end}");
        }
        assert!(is_damaged(&format!("{token}0")));
        for at in 4..token.len() {
            let mut bytes = token.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            assert!(is_damaged(std::str::from_utf8(&bytes).unwrap()), "{at}");
        }
    }

    #[test]
    fn a_dialects_token_has_its_length_and_alphabet() {
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let token = new_token(TokenText::Random(60), TokenKind::Access, &mut rng);
        assert_eq!(token.expose().len(), 60);
        assert!(token.expose().bytes().all(|b| b.is_ascii_alphanumeric()));
    }
}
