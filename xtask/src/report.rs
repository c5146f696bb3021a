use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// How many checks of one step held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
}

impl Tally {
    /// A step that is one check.
    pub(crate) fn of(passed: bool) -> Self {
        Self { passed: usize::from(passed), failed: usize::from(!passed) }
    }
}

struct Step {
    name: String,
    tally: Tally,
    took: Duration,
    note: Option<String>,
}

/// What a run of several steps came to. A step that fails does not stop the others, so that one run tells everything.
pub(crate) struct Report {
    started: Instant,
    steps: Vec<Step>,
}

impl Report {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), steps: Vec::new() }
    }

    /// Runs one step and keeps what came of it.
    pub(crate) fn step(&mut self, name: &str, run: impl FnOnce() -> Result<Tally, String>) {
        println!("\n── {name}");
        let start = Instant::now();
        let (tally, note) = match run() {
            Ok(tally) => (tally, None),
            Err(error) => {
                println!("{name}: {error}");
                (Tally::of(false), Some(error))
            }
        };
        // A step that ran nothing has shown nothing.
        let (tally, note) =
            if tally == Tally::default() { (Tally::of(false), Some("nothing was run".into())) } else { (tally, note) };
        self.steps.push(Step { name: name.to_owned(), tally, took: start.elapsed(), note });
    }

    /// Whether every check so far held.
    pub(crate) fn passed(&self) -> bool {
        self.steps.iter().all(|step| step.tally.failed == 0)
    }

    /// Prints the table, and `N passed, N failed` as the last line; true when nothing failed.
    pub(crate) fn finish(&self) -> bool {
        print!("\n{}", self.table());
        self.passed() && !self.steps.is_empty()
    }

    fn table(&self) -> String {
        let mut text = String::new();
        let width = self.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
        for step in &self.steps {
            let mark = if step.tally.failed == 0 { "ok    " } else { "FAILED" };
            let _ =
                write!(text, "{mark} {:width$} {:>6.1} s  {}", step.name, step.took.as_secs_f64(), counts(step.tally));
            if let Some(note) = &step.note {
                let _ = write!(text, "  {note}");
            }
            text.push('\n');
        }
        let _ = writeln!(text, "in {:.1} minutes", self.started.elapsed().as_secs_f64() / 60.0);
        let all = self.steps.iter().fold(Tally::default(), |all, step| Tally {
            passed: all.passed + step.tally.passed,
            failed: all.failed + step.tally.failed,
        });
        text.push_str(&counts(all));
        text.push('\n');
        text
    }
}

fn counts(tally: Tally) -> String {
    format!("{} passed, {} failed", tally.passed, tally.failed)
}

/// Adds up the closing lines of `cargo nextest` and of `cargo test`. A run that failed counts at least one failure, even
/// where it died before it could count.
pub(crate) fn count_tests(printed: &str, success: bool) -> Tally {
    let mut tally = Tally::default();
    for line in printed.lines() {
        let line = line.trim();
        let counts = if line.starts_with("Summary [") {
            line.split_once(" run: ").map(|(_, counts)| counts)
        } else {
            line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")).map(|(_, counts)| counts)
        };
        for count in counts.unwrap_or_default().split([',', ';']) {
            let mut words = count.split_whitespace();
            let (Some(Ok(number)), Some(what)) = (words.next().map(str::parse::<usize>), words.next()) else {
                continue;
            };
            match what {
                "passed" => tally.passed += number,
                "failed" | "timed" | "exec" => tally.failed += number,
                _ => {}
            }
        }
    }
    if !success {
        tally.failed = tally.failed.max(1);
    }
    tally
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_what_the_test_runners_say() {
        let nextest = "     Summary [   3.071s] 14 tests run: 11 passed (1 slow), 2 failed, 1 timed out, 3 skipped\n";
        assert_eq!(count_tests(nextest, false), Tally { passed: 11, failed: 3 });
        let cargo = "test result: ok. 7 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.00s\n\
                     test result: FAILED. 1 passed; 2 failed; 0 ignored\n";
        assert_eq!(count_tests(cargo, false), Tally { passed: 8, failed: 2 });
    }

    #[test]
    fn a_run_that_died_has_failed() {
        assert_eq!(count_tests("error: could not compile", false), Tally { passed: 0, failed: 1 });
    }

    #[test]
    fn a_step_that_ran_nothing_has_failed() {
        let mut report = Report::new();
        report.step("empty", || Ok(Tally::default()));
        assert!(!report.passed());
    }

    #[test]
    fn one_failure_fails_the_whole_and_the_last_line_counts() {
        let mut report = Report::new();
        report.step("good", || Ok(Tally { passed: 3, failed: 0 }));
        assert!(report.passed());
        report.step("bad", || Err("why".into()));
        assert!(!report.finish());
        assert_eq!(report.table().lines().last(), Some("3 passed, 1 failed"));
    }
}
