//! Histories by hand: those of a service that keeps its word, and one for each way of breaking it.

use super::*;

const SECOND: u64 = 1_000_000;

/// One act, a second after the one before: its letters are the act, the token and the answer.
///
/// `i` issue, `n` replay of the nonce, `r` refresh, `x` revoke, `?` introspect; then the token that is shown; then `+`
/// active or done, `-` inactive, `!` refused, `~` unavailable, `.` nothing, `*` status 500, or the token that came back.
fn record(at: usize, text: &str) -> Record {
    let letters: Vec<char> = text.chars().collect();
    let [act, shown, answer] = letters[..] else { panic!("{text}") };
    let act = match act {
        'i' => Act::Issue,
        'n' => Act::Replay,
        'r' => Act::Refresh,
        'x' => Act::Revoke,
        '?' => Act::Introspect,
        _ => panic!("{text}"),
    };
    let answer = match (answer, act) {
        ('+', Act::Introspect) => Answer::Active,
        ('+', _) => Answer::Done,
        ('-', _) => Answer::Inactive,
        ('!', _) => Answer::Refused(401),
        ('~', _) => Answer::Unavailable,
        ('.', _) => Answer::Nothing,
        ('*', _) => Answer::Wrong(500),
        (token, _) => Answer::Token(token.to_string()),
    };
    let begun = at as u64 * SECOND;
    Record { begun, ended: begun + SECOND / 2, node: 0, family: 1, act, shown: shown.to_string(), answer }
}

/// Acts a second apart; a number in the line is so many seconds without any.
fn run(line: &str) -> History {
    let mut history = History::default();
    let mut at = 0;
    for word in line.split(' ') {
        match word.parse::<usize>() {
            Ok(pause) => at += pause,
            Err(_) => {
                history.note(&record(at, word));
                at += 1;
            }
        }
    }
    history
}

#[test]
fn a_service_that_keeps_its_word_is_not_accused() {
    for line in [
        "inA ?A+ rAB ?A- ?B+ rBC ?C+ ?A- xC+ ?C- rC! ?B-",
        // Asked again inside the window, whether by one or by many.
        "inA rAB rAB rAB ?B+",
        // No answer: done or not done, and then it stays so.
        "inA rA. ?A+ ?A+ rAB ?B+",
        "inA rA. ?A- rAB ?B+ ?A-",
        "inA rA. rAB ?B+",
        "inA rA~ rA. rAB ?B+",
        "inA xA. ?A+ rAB",
        "inA xA. ?A- rA! ?A-",
        "inA xA. xA+ ?A-",
        "inA rA. xA. ?A- rA! ?A-",
        // The lost answer was asked for too late: taken for theft.
        "inA rA. 12 ?A- rA! ?A-",
        "inA rA. 12 rA. ?A- rA! ?A-",
        // Reuse ends the family.
        "inA rAB 12 rA! ?B- rB!",
        // A nonce is good once, and an issue without an answer says nothing.
        "inA nn! ?A+",
        "in.",
    ] {
        assert_eq!(run(line).violations(), [], "{line}");
    }
}

#[test]
fn every_broken_word_is_found() {
    use Kind::*;
    for (line, kind) in [
        // I1: an acknowledged token is not known any more.
        ("inA ?A-", Lost),
        ("inA rAB ?B-", Lost),
        ("inA rA!", Lost),
        ("inA xA!", Lost),
        ("inA rA. ?A+ rA. rA!", Lost),
        // An answer that was lost is owed again inside the window.
        ("inA rA. ?A- rA!", Lost),
        // I2: what was ended or used is good again.
        ("inA xA+ ?A+", Revived),
        ("inA xA+ rAB", Revived),
        ("inA rAB xB+ ?A+", Revived),
        ("inA xA. ?A- ?A+", Revived),
        ("inA rA. ?A- ?A+", Revived),
        ("inA rAB 12 rA! ?B+", Revived),
        // I3: two successors.
        ("inA rAB ?A+", Forked),
        ("inA rAB rAC", Forked),
        ("inA rAB rBA", Forked),
        ("inA inB", Forked),
        // I4: what is good once.
        ("inA nnB", Reused),
        ("inA rAB 12 rAB", Reused),
        // I7
        ("inA rA*", Wrong),
        ("in*", Wrong),
        ("in!", Wrong),
        ("inA ?B+", Wrong),
    ] {
        let history = run(line);
        let kinds: Vec<Kind> = history.violations().iter().map(|violation| violation.kind).collect();
        assert_eq!(kinds, [kind], "{line}: {:?}", history.violations());
    }
}

#[test]
fn acts_that_overlap_are_not_accused() {
    let overlapping = |text: &str, begun: f64| Record { begun: (begun * SECOND as f64) as u64, ..record(9, text) };
    for (before, late, later) in [
        // The introspection began before the end, or the successor, was acknowledged.
        ("inA xA+", "?A+", "?A+"),
        ("inA rAB", "?A+", "?A+"),
        // The refresh was done first and told last.
        ("inA xA+", "rAB", "?B+"),
    ] {
        let mut history = run(before);
        assert_eq!(history.note(&overlapping(late, 1.2)), None, "{before} {late}");
        assert!(history.note(&overlapping(later, 8.0)).is_some(), "{before} {late}");
    }
}

#[test]
fn only_certain_families_are_live() {
    for (line, live) in [
        ("inA", Some("A")),
        ("inA rAB", Some("B")),
        ("inA rA.", None),
        ("inA rA. ?A+", Some("A")),
        ("inA xA.", None),
        ("inA xA+", None),
        ("inA rAB ?A+", None),
    ] {
        let history = run(line);
        let of_history: Vec<&str> = history.live().map(|(_, token)| token).collect();
        assert_eq!(of_history, Vec::from_iter(live), "{line}");
    }
}

#[test]
fn answers_are_counted() {
    let counts = run("inA rA. ?A- rAB 20 xB+ ?B~ xB! ?B-").counts();
    let expected =
        Counts { acknowledged: 5, refused: 1, unavailable: 1, unanswered: 1, recovered: 1, longest_pause: 3 * SECOND };
    assert_eq!(counts, expected);
}
