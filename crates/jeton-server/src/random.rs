//! The one place where the server takes randomness: the operating system's, by aws-lc-rs.

use std::convert::Infallible;

use rand_core::{TryCryptoRng, TryRng};

/// A source for the rules, which have none of their own. Draws 64 bytes at a time: more than most requests need.
pub struct SystemRng {
    buffer: [u8; 64],
    used: usize,
}

impl SystemRng {
    /// A source that has drawn nothing yet.
    pub fn new() -> Self {
        Self { buffer: [0; 64], used: 64 }
    }
}

impl Default for SystemRng {
    fn default() -> Self {
        Self::new()
    }
}

impl TryRng for SystemRng {
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
            if self.used == self.buffer.len() {
                // Without randomness nothing may be issued, and there is nothing sensible to answer.
                #[expect(clippy::expect_used, reason = "the operating system's source does not fail once it is open")]
                aws_lc_rs::rand::fill(&mut self.buffer).expect("the operating system gives random bytes");
                self.used = 0;
            }
            *byte = std::mem::take(&mut self.buffer[self.used]);
            self.used += 1;
        }
        Ok(())
    }
}

impl TryCryptoRng for SystemRng {}
