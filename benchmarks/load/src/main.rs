//! Keeps servers busy, checks every answer, and reads from the system what the work cost them.

mod compare;
mod connection;
mod expect;
mod jwks;
mod process;
mod request;
mod start;

use clap::Parser;

/// The measuring half of ./bench; see docs/performance.md.
#[derive(Parser)]
enum Command {
    /// Give two servers the same work in turn and compare the CPU time it takes them
    Compare(compare::Args),
    /// Time a server from its start to its first answer
    Start(start::Args),
}

fn main() -> anyhow::Result<()> {
    // One thread: the load must not take more from the servers than it has to.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match Command::parse() {
        Command::Compare(args) => runtime.block_on(compare::run(args)),
        Command::Start(args) => start::run(&args),
    }
}

/// The middle of some figures; of an even number, the mean of the two in the middle.
fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match (figures.get(middle), middle.checked_sub(1).and_then(|before| figures.get(before))) {
        (Some(upper), Some(lower)) if figures.len().is_multiple_of(2) => f64::midpoint(*lower, *upper),
        (Some(one), _) => *one,
        (None, _) => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        for (figures, expected) in [(vec![3.0], 3.0), (vec![9.0, 1.0], 5.0), (vec![5.0, 1.0, 2.0], 2.0)] {
            assert_eq!(median(figures.clone()), expected, "{figures:?}");
        }
        assert!(median(Vec::new()).is_nan());
    }
}
