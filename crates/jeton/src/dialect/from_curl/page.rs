//! Cuts what was pasted into curl commands and the sample answers below each of them.

use std::iter::Peekable;
use std::str::Lines;

use anyhow::bail;

/// A curl command with the answers printed below it.
pub(super) struct Sample {
    /// The words of the command, `curl` itself left out.
    pub(super) words: Vec<String>,
    /// Sample answers, each with or without its head.
    pub(super) answers: Vec<String>,
}

/// Every curl command of a text. Prose, prompts and code fences around them are passed over.
///
/// # Errors
/// A command has a quote that is never closed.
pub(super) fn samples(text: &str) -> anyhow::Result<Vec<Sample>> {
    let mut samples: Vec<Sample> = Vec::new();
    let mut below = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(first) = command_line(line) else {
            below.push_str(line);
            below.push('\n');
            continue;
        };
        if let Some(before) = samples.last_mut() {
            before.answers = answers(&below);
        }
        below.clear();
        samples.push(Sample { words: words(first, &mut lines)?, answers: Vec::new() });
    }
    if let Some(last) = samples.last_mut() {
        last.answers = answers(&below);
    }
    Ok(samples)
}

/// The line from its `curl` on, if it is one.
fn command_line(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("$ ").unwrap_or(line).trim_start();
    (line == "curl" || line.starts_with("curl ")).then_some(line)
}

/// The words of a command that goes on while a quote is open, a backslash ends its line, or options follow.
/// (Many pages leave backslashes out.)
fn words(first: &str, lines: &mut Peekable<Lines<'_>>) -> anyhow::Result<Vec<String>> {
    let mut command = first.to_owned();
    loop {
        let goes_on = |next: &str| {
            let option = next.trim_start().trim_start_matches('-');
            next.trim_start().starts_with('-') && option.starts_with(|first: char| first.is_ascii_alphabetic())
        };
        let open = command.trim_end().ends_with('\\') || shlex::split(&continued(&command)).is_none();
        match lines.peek() {
            Some(next) if open || goes_on(next) => {
                command.push_str(if open { "\n" } else { " " });
                command.push_str(next);
                lines.next();
            }
            _ => break,
        }
    }
    let Some(words) = shlex::split(&continued(&command)) else {
        bail!("this command has a quote that is never closed:\n{}", command.lines().next().unwrap_or_default());
    };
    let ends = |word: &String| matches!(word.as_str(), "|" | ";" | "&&" | ">");
    Ok(words.into_iter().skip(1).take_while(|word| !ends(word)).collect())
}

/// The command with its continued lines joined. (A space behind the backslash is a slip that copying makes.)
fn continued(command: &str) -> String {
    let mut joined = String::new();
    for line in command.split('\n') {
        match line.trim_end().strip_suffix('\\') {
            Some(line) => {
                joined.push_str(line);
                joined.push(' ');
            }
            None => {
                joined.push_str(line);
                joined.push('\n');
            }
        }
    }
    joined.trim_end().to_owned()
}

/// The sample answers in a text: each begins with a line that begins as JSON, XML or an HTTP head does. A text
/// without any such line is one answer, if it is a single line (a bare token).
pub(super) fn answers(text: &str) -> Vec<String> {
    let mut answers: Vec<String> = Vec::new();
    let mut open: Option<String> = None;
    for line in text.lines().filter(|line| !line.trim_start().starts_with("```")) {
        let begins = line.trim_start();
        let head = begins.starts_with("HTTP/");
        let body = begins.starts_with(['{', '[', '<', '"']) || (begins.starts_with("ey") && begins.contains('.'));
        match &mut open {
            Some(answer) if !head => {
                answer.push_str(line);
                answer.push('\n');
            }
            _ if head || body => {
                answers.extend(open.take());
                open = Some(format!("{line}\n"));
            }
            _ => {}
        }
        if open.as_deref().is_some_and(is_whole) {
            answers.extend(open.take());
        }
    }
    answers.extend(open);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("```"));
    if let (true, Some(only), None) = (answers.is_empty(), lines.next(), lines.next())
        && !only.contains(' ')
    {
        answers.push(only.to_owned());
    }
    answers
}

/// Whether an answer that begins with a brace has its last one.
fn is_whole(answer: &str) -> bool {
    let body = match answer.starts_with("HTTP/") {
        true => answer.split_once("\n\n").map_or("", |(_, body)| body),
        false => answer,
    };
    if !body.trim_start().starts_with(['{', '[']) {
        return false;
    }
    let (mut depth, mut quoted, mut escaped) = (0_i64, false, false);
    for char in body.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '{' | '[' if !quoted => depth += 1,
            '}' | ']' if !quoted => depth -= 1,
            _ => {}
        }
    }
    depth <= 0
}
