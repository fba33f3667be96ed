//! `docs/tutorial.md` does what it says: its files are written, its edits made, its commands run, and what it prints
//! below a command is what the command prints.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const TUTORIAL: &str = include_str!("../../../docs/tutorial.md");

/// A fenced block: what stands behind its fence, and its text.
struct Block {
    language: String,
    file: Option<String>,
    text: String,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        let info = line.trim_start_matches('`');
        let fence = &line[..line.len() - info.len()];
        if fence.len() < 3 {
            continue;
        }
        let text: String = lines.by_ref().take_while(|line| *line != fence).map(|line| format!("{line}\n")).collect();
        let (language, file) = info.split_once(' ').map_or((info, None), |(language, file)| (language, Some(file)));
        blocks.push(Block { language: language.to_owned(), file: file.map(str::to_owned), text });
    }
    blocks
}

/// The server that the tutorial starts in a terminal of its own. Ends with this.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to end, and not killed: `timeout` then ends what it watches too.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

fn shell(folder: &Path, text: &str) -> Command {
    let jeton = Path::new(env!("CARGO_BIN_EXE_jeton")).parent().unwrap();
    let path = format!("{}:{}", jeton.display(), std::env::var_os("PATH").unwrap().to_string_lossy());
    let mut command = Command::new("bash");
    command.args(["-euo", "pipefail", "-c", text]).current_dir(folder).stdin(Stdio::null());
    command.env("PATH", path).env("HOME", folder).env("XDG_CONFIG_HOME", folder.join(".config")).env("no_proxy", "*");
    command
}

/// Starts the server and waits until it says where it listens.
fn serve(folder: &Path, text: &str) -> Server {
    let mut child = shell(folder, &format!("exec timeout 120 {text}")).stderr(Stdio::piped()).spawn().unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap());
    let server = Server(child);
    let mut line = String::new();
    while !line.contains("listen=") {
        line.clear();
        assert!(log.read_line(&mut line).unwrap() > 0, "the server ended before it listened");
    }
    // What it writes later must not fill the pipe.
    std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
    server
}

fn run(folder: &Path, text: &str) -> String {
    let done = shell(folder, text).output().unwrap();
    assert!(
        done.status.success(),
        "{text}\n{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).unwrap()
}

/// Each `-` line, which stands once in the file, gives way to the `+` line below it.
fn edit(path: &Path, diff: &str) {
    let mut text = std::fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = diff.lines().collect();
    for pair in lines.chunks(2) {
        let (old, new) = (pair[0].strip_prefix('-').unwrap(), pair[1].strip_prefix('+').unwrap());
        assert_eq!(text.matches(old).count(), 1, "{old} stands once in\n{text}");
        text = text.replacen(old, new, 1);
    }
    std::fs::write(path, text).unwrap();
}

/// Whether the printed text is what the page shows; `…` stands for anything.
fn shows(printed: &str, expected: &str) -> bool {
    let mut rest = printed;
    let mut pieces = expected.trim().split('…').map(|piece| piece.trim_matches('\n'));
    let first = pieces.next().unwrap_or_default();
    let Some(found) = rest.strip_prefix(first) else { return false };
    rest = found;
    pieces.all(|piece| match rest.find(piece) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn the_tutorial_does_what_it_says() {
    let folder = tempfile::tempdir().unwrap();
    let (port, admin) = (free_port(), free_port());
    let here = |text: &str| text.replace("127.0.0.1:8080", &format!("127.0.0.1:{port}"));
    let mut printed = String::new();
    let mut server = None;
    let mut commands = 0;
    for block in blocks(TUTORIAL) {
        let text = here(&block.text);
        let path = block.file.map(|file| folder.path().join(file));
        match (block.language.as_str(), path) {
            ("diff", Some(path)) => edit(&path, &text),
            (_, Some(path)) => std::fs::write(path, text).unwrap(),
            ("sh", None) if text.starts_with("jeton serve") => {
                // The installation listens where the page says; here, where nobody else does.
                let config = folder.path().join("meadow/jeton.toml");
                let written = here(&std::fs::read_to_string(&config).unwrap());
                std::fs::write(config, written.replace("127.0.0.1:8081", &format!("127.0.0.1:{admin}"))).unwrap();
                server = Some(serve(folder.path(), &text));
            }
            ("sh", None) => {
                printed = run(folder.path(), &text);
                commands += 1;
            }
            ("text", None) => {
                assert!(shows(&printed, &text), "the page shows\n{text}\nand the command printed\n{printed}")
            }
            (other, None) => panic!("a block of {other} has no file name and is no command"),
        }
    }
    assert!(commands > 5 && server.is_some(), "{commands} commands ran");
}
