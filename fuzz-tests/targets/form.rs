//! Form bodies: what is read is what the URL standard's own reader reads, or it is refused.
#![no_main]

use jeton_core::wire::form::Form;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(form) = Form::parse(body) else { return };
    let pairs: Vec<_> = form_urlencoded::parse(body).collect();
    for (at, (name, _)) in pairs.iter().enumerate() {
        let first = pairs.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_ref());
        assert_eq!(form.field(name), first.filter(|value| !value.is_empty()), "{name}, the {at}th");
    }
    let twice = |at: &usize| pairs[..*at].iter().any(|(name, _)| *name == pairs[*at].0);
    assert_eq!(form.has_repeated(&[]), (0..pairs.len()).any(|at| twice(&at)));
    let lists = ["resource"];
    assert_eq!(form.has_repeated(&lists), (0..pairs.len()).any(|at| pairs[at].0 != "resource" && twice(&at)));
    let each = pairs.iter().filter(|(name, value)| name == "resource" && !value.is_empty());
    assert!(form.fields("resource").eq(each.map(|(_, value)| value.as_ref())));
});
