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
pub fn new_token(text: &TokenText, kind: TokenKind, rng: &mut dyn CryptoRng) -> Secret<String> {
    match text {
        TokenText::Random { prefix, length } => Secret::new(format!("{prefix}{}", base62(usize::from(*length), rng))),
        TokenText::Checked => checked(
            match kind {
                TokenKind::Access => "jta_",
                TokenKind::Refresh => "jtr_",
            },
            rng,
        ),
    }
}

/// Whether a text could be an access token of this make-up.
pub fn is_made_as(text: &TokenText, token: &str) -> bool {
    match text {
        TokenText::Checked => token.starts_with("jta_") && !is_damaged(token),
        TokenText::Random { prefix, length } => token.strip_prefix(prefix.as_str()).is_some_and(|random| {
            random.len() == usize::from(*length) && random.bytes().all(|byte| byte.is_ascii_alphanumeric())
        }),
    }
}

/// Whether a text is made as a refresh token of Jeton's own.
pub fn is_refresh_token(text: &str) -> bool {
    text.starts_with("jtr_") && !is_damaged(text)
}

/// A new client or API key secret: `jts_`, 256 bits, a checksum. No character of it needs encoding anywhere.
pub fn new_secret(rng: &mut dyn CryptoRng) -> Secret<String> {
    checked("jts_", rng)
}

/// A new device code: `jtd_`, 256 bits, a checksum.
pub fn new_device_code(rng: &mut dyn CryptoRng) -> Secret<String> {
    checked("jtd_", rng)
}

/// A new initial access token: `jti_`, 256 bits, a checksum.
pub fn new_initial_access_token(rng: &mut dyn CryptoRng) -> Secret<String> {
    checked("jti_", rng)
}

/// A new registration access token: `jtc_`, 256 bits, a checksum.
pub fn new_registration_token(rng: &mut dyn CryptoRng) -> Secret<String> {
    checked("jtc_", rng)
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

/// What Jeton's own texts begin with: access tokens, refresh tokens, secrets, device codes, initial access tokens,
/// registration access tokens.
pub const PREFIXES: [&str; 6] = ["jta_", "jtr_", "jts_", "jtd_", "jti_", "jtc_"];

/// Whether a text with one of Jeton's prefixes has the right length and checksum. A scanner can ask this
/// without the store; a text without such a prefix is not judged.
pub fn is_damaged(text: &str) -> bool {
    let Some(prefix) = PREFIXES.into_iter().find(|prefix| text.starts_with(prefix)) else {
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
        let token = new_token(&TokenText::Checked, TokenKind::Access, &mut rng);
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
        let made = |prefix: &str| TokenText::Random { prefix: prefix.to_owned(), length: 60 };
        let token = new_token(&made(""), TokenKind::Access, &mut rng);
        assert_eq!(token.expose().len(), 60);
        assert!(token.expose().bytes().all(|b| b.is_ascii_alphanumeric()));
        let token = new_token(&made("sk_"), TokenKind::Access, &mut rng);
        assert!(token.expose().starts_with("sk_") && token.expose().len() == 63);
        for (text, expected) in [
            (token.expose().clone(), true),
            (token.expose()[..62].to_owned(), false),
            (format!("{}0", token.expose()), false),
            (token.expose().replacen("sk_", "pk_", 1), false),
            (format!("sk_{}", "_".repeat(60)), false),
        ] {
            assert_eq!(is_made_as(&made("sk_"), &text), expected, "{text}");
        }
        let own = new_token(&TokenText::Checked, TokenKind::Access, &mut rng);
        assert!(is_made_as(&TokenText::Checked, own.expose()) && !is_made_as(&TokenText::Checked, "jta_x"));
    }
}
