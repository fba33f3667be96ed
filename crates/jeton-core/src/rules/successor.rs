//! The one successor of a renewed token, derived and not drawn: asked for twice, it is the same, on whatever node.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

use crate::domain::id::{Digest, Id};
use crate::token::pepper::{Pepper, Purpose};

/// What a successor has in place of chance: blocks of HMAC-SHA-256 under the store's key over the old token's
/// digest, the new generation and the block's number (the expansion of RFC 5869 §2.3, by a counter alone).
///
/// Whoever has the rows has the digest and the generation, but not the key, so nothing stored yields a token.
pub(super) struct Successor<'a> {
    pepper: &'a Pepper,
    of: Digest,
    generation: i64,
    block: [u8; 32],
    /// Bytes that were taken, of this block and those before.
    taken: u64,
}

impl<'a> Successor<'a> {
    /// Of the token with the digest `of`, in the generation that its renewal begins.
    pub(super) fn new(pepper: &'a Pepper, of: Digest, generation: i64) -> Self {
        Self { pepper, of, generation, block: [0; 32], taken: 0 }
    }

    /// The id of a successor that has one.
    pub(super) fn id(&self) -> Id {
        let bytes = self.pepper.digest(Purpose::Successor, &[&self.of.0, &self.generation.to_be_bytes()]).0;
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[..16]);
        Id::derived(id)
    }
}

impl TryRng for Successor<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, out: &mut [u8]) -> Result<(), Infallible> {
        for byte in out {
            let (number, at) = (self.taken / 32, (self.taken % 32) as usize);
            if at == 0 {
                let parts = [self.of.0.as_slice(), &self.generation.to_be_bytes(), &number.to_be_bytes()];
                self.block = self.pepper.digest(Purpose::Successor, &parts).0;
            }
            *byte = self.block[at];
            self.taken += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for Successor<'_> {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::policy::TokenText;
    use crate::domain::session::TokenKind;
    use crate::token::opaque;

    fn text(key: u8, of: u8, generation: i64) -> String {
        let pepper = Pepper::new(&[key; 32]);
        let mut successor = Successor::new(&pepper, Digest([of; 32]), generation);
        opaque::new_token(&TokenText::Random { prefix: String::new(), length: 60 }, TokenKind::Access, &mut successor)
            .expose()
            .clone()
    }

    #[test]
    fn the_same_for_the_same_token_and_generation_alone() {
        let one = text(1, 2, 3);
        assert_eq!(text(1, 2, 3), one);
        for other in [text(2, 2, 3), text(1, 3, 3), text(1, 2, 4)] {
            assert_ne!(other, one);
        }
    }

    #[test]
    fn its_bytes_do_not_depend_on_how_they_are_taken_and_do_not_repeat() {
        let pepper = Pepper::new(&[1; 32]);
        let new = || Successor::new(&pepper, Digest([2; 32]), 3);
        let mut whole = [0; 96];
        let Ok(()) = new().try_fill_bytes(&mut whole);
        let (mut parts, mut successor) = ([0; 96], new());
        for part in parts.chunks_mut(7) {
            let Ok(()) = successor.try_fill_bytes(part);
        }
        assert_eq!(parts, whole);
        assert!(whole[..32] != whole[32..64] && whole[32..64] != whole[64..]);
    }
}
