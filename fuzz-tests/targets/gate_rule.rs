//! A gate's rules: what is read is written and read the same.
#![no_main]

use jeton_gate::Rule;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(rule) = text.parse::<Rule>() else { return };
    let written = rule.to_string();
    assert_eq!(written.parse::<Rule>().as_ref(), Ok(&rule), "{written}");
    assert!(!rule.anonymous || rule.scopes.is_empty() && rule.query.is_none() && rule.target.is_none());
});
