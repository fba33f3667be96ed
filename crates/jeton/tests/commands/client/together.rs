//! Many processes that want the same token.

use std::process::{Child, Stdio};
use std::time::Duration;

use super::machine::{Api, Machine};

const COUNT: usize = 50;

fn start(machine: &Machine) -> Child {
    machine.command(&["token", "meadow"]).stdout(Stdio::piped()).spawn().unwrap()
}

fn tokens(children: Vec<Child>) -> Vec<String> {
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    outputs.map(|output| String::from_utf8(output.stdout).unwrap()).collect()
}

#[test]
fn fifty_make_one_request() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    api.take_its_time(Duration::from_millis(300));
    let given = tokens((0..COUNT).map(|_| start(&machine)).collect());
    assert_eq!(given, vec!["t1\n"; COUNT]);
    assert_eq!(api.sign_ins(), 1);
}

#[test]
fn with_one_killed_while_it_asks_there_are_two() {
    let (machine, api) = (Machine::new(), Api::start());
    machine.add("meadow", &api, &[]);
    api.take_its_time(Duration::from_secs(2));
    let mut first = start(&machine);
    while api.sign_ins() == 0 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let others: Vec<Child> = (1..COUNT).map(|_| start(&machine)).collect();
    first.kill().unwrap();
    first.wait().unwrap();
    assert_eq!(tokens(others), vec!["t2\n"; COUNT - 1]);
    assert_eq!(api.sign_ins(), 2);
}
