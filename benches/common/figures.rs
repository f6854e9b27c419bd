//! The figures of a round, and what counts of several.

use std::time::Duration;

/// How fast a round was.
pub struct Pace {
    pub per_second: f64,
    /// Seconds from sending a request to having its answer.
    pub p50: f64,
    pub p99: f64,
}

impl Pace {
    /// Of a round that took so long, with this for each request.
    pub fn of(mut times: Vec<Duration>, seconds: f64) -> Self {
        times.sort();
        Self {
            per_second: times.len() as f64 / seconds,
            p50: times[times.len() / 2].as_secs_f64(),
            p99: times[times.len() * 99 / 100].as_secs_f64(),
        }
    }
}

/// The middle one of a figure of several rounds.
pub fn median<Round>(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
    let mut figures: Vec<f64> = rounds.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// What stands after an option on the command line.
pub fn option(name: &str) -> Option<String> {
    std::env::args()
        .skip_while(|argument| argument != name)
        .nth(1)
}

/// So many under `cargo bench`; a few under `cargo test --benches`, which only wants to know that
/// it runs; and as many as `--requests` says.
pub fn requests(many: usize, few: usize) -> usize {
    let default = match std::env::args().any(|argument| argument == "--bench") {
        true => many,
        false => few,
    };
    option("--requests").map_or(default, |number| number.parse().unwrap())
}
