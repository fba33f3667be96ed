//! What a process has cost, from `/proc` (proc(5)).

use std::fs;
use std::time::Duration;

use anyhow::Context;

/// Ticks a second in which `/proc/PID/stat` counts: the same on every Linux since 2.6.
const TICKS: u64 = 100;

/// The CPU time of a process, user and system, all threads, to 10 ms.
///
/// # Errors
/// There is no such process.
pub(crate) fn cpu_time(pid: u32) -> anyhow::Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("no process {pid}"))?;
    let ticks = ticks(&stat).with_context(|| format!("/proc/{pid}/stat was not understood"))?;
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

/// Fields 14 and 15, counted from 1; field 2 is the program's name in parentheses, which may have spaces in it.
fn ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace().skip(11);
    Some(fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_system_time_are_added() {
        assert_eq!(ticks("7 (a b) c) S 1 7 7 0 -1 4194560 1 0 0 0 120 34 0 0 20 0 3 0 9 1 2"), Some(154));
        assert_eq!(ticks("7"), None);
    }

    #[test]
    fn this_process_has_cost_little() {
        assert!(cpu_time(std::process::id()).unwrap() < Duration::from_secs(3600));
    }
}
