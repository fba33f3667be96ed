//! The dialect engine, and the dialects in the tree.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod assertions;
mod bad_input;
mod broken;
mod chains;
mod claims;
mod describe;
mod goldens;
mod language;
mod made_up;
mod mistakes;
mod reference;
mod round_trip;
mod wire;
