//! Every check beside the tests that must hold before a change lands, cheap ones first, with a table of times
//! at the end. The only list of them: `.ci/run` installs what they need and runs the tests.

mod steps;

use std::time::{Duration, Instant};

use anyhow::bail;
use clap::Args;

use steps::STEPS;

#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Run only this step; may be given several times.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
    /// Cases of the comparison with ClamAV.
    #[arg(long, default_value_t = 1_000)]
    oracle_cases: usize,
    /// Seconds for each fuzz target.
    #[arg(long, default_value_t = 3)]
    fuzz_seconds: u32,
}

/// One check.
struct Step {
    name: &'static str,
    /// Says in a few words what it found to be so.
    run: fn(&Arguments) -> anyhow::Result<String>,
}

/// Runs the steps in order; the first that fails ends it.
///
/// # Errors
/// A step failed, or there is no such step.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(unknown) = arguments.only.iter().find(|name| !STEPS.iter().any(|step| step.name == **name)) {
        let known: Vec<_> = STEPS.iter().map(|step| step.name).collect();
        bail!("no step {unknown}; there are {}", known.join(", "));
    }
    let mut times = Vec::new();
    let mut failure = None;
    for step in &STEPS {
        if !arguments.only.is_empty() && !arguments.only.iter().any(|name| name == step.name) {
            continue;
        }
        println!("\n== {}", step.name);
        let begin = Instant::now();
        let outcome = (step.run)(arguments);
        let said = outcome.as_ref().map_or_else(|_| "FAILED".to_owned(), Clone::clone);
        times.push((step.name, begin.elapsed(), said));
        if let Err(error) = outcome {
            failure = Some(error.context(format!("step {}", step.name)));
            break;
        }
    }
    table(&times);
    failure.map_or(Ok(()), Err)
}

fn table(times: &[(&str, Duration, String)]) {
    println!("\n{:<10} {:>8}", "step", "seconds");
    for (name, time, said) in times {
        println!("{name:<10} {:>8.1}  {said}", time.as_secs_f64());
    }
    let all: Duration = times.iter().map(|(_, time, _)| *time).sum();
    println!("{:<10} {:>8.1}", "all", all.as_secs_f64());
}
