//! Marks what is found in each line of the standard input: `TYPE‹value›`.
//!
//! `cargo run -p gatewright-masking --example mark < FILE`

#![allow(clippy::print_stdout, reason = "it is a program that prints")]

use gatewright_masking::Detectors;

fn main() {
    let detectors = Detectors::builtin();
    for line in std::io::stdin().lines().map_while(Result::ok) {
        let mut at = 0;
        for finding in detectors.find(&line) {
            let name = &detectors.info_types()[finding.info_type.place()];
            print!("{}{name}‹{}›", &line[at..finding.start], &line[finding.start..finding.end]);
            at = finding.end;
        }
        println!("{}", &line[at..]);
    }
}
