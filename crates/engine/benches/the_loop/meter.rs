//! Time, processor time, bytes written and memory of this process.

use std::{
    path::Path,
    time::{Duration, Instant},
};

/// What a run cost.
pub struct Sample {
    count: usize,
    wall: Duration,
    cpu: Duration,
    /// With the log written back; none where another process writes.
    bytes: Option<u64>,
    times: Vec<Duration>,
}

/// A run under way.
pub struct Meter {
    started: Instant,
    cpu: Duration,
    bytes: u64,
}

impl Meter {
    pub fn start() -> Self {
        Self { started: Instant::now(), cpu: processor(), bytes: written() }
    }

    /// Ends the run. What is still in the log of `file` is written into the file and counted, but not timed.
    pub fn stop(self, count: usize, times: Vec<Duration>, file: Option<&Path>) -> Sample {
        let (wall, cpu) = (self.started.elapsed(), processor() - self.cpu);
        let bytes = file.map(|file| {
            checkpoint(file);
            written() - self.bytes
        });
        Sample { count, wall, cpu, bytes, times }
    }
}

impl Sample {
    /// How many a second.
    pub fn rate(&self) -> f64 {
        self.count as f64 / self.wall.as_secs_f64()
    }

    /// The time, in milliseconds, within which this share of the calls was answered.
    pub fn percentile(&self, share: f64) -> f64 {
        percentile(&self.times, share)
    }

    pub fn head() -> String {
        format!(
            "{:44} {:>9} {:>9} {:>9} {:>9} {:>9} {:>7}",
            "detections", "per s", "p50 ms", "p99 ms", "kB each", "µs CPU", "ratio"
        )
    }

    pub fn row(&self, name: &str, ratio: Option<f64>) -> String {
        let each = |total: f64| total / self.count as f64;
        format!(
            "{name:44} {:>9.0} {:>9.2} {:>9.2} {:>9} {:>9.0} {:>7}",
            self.rate(),
            self.percentile(0.5),
            self.percentile(0.99),
            self.bytes.map_or("-".into(), |bytes| format!("{:.1}", each(bytes as f64) / 1e3)),
            each(self.cpu.as_secs_f64() * 1e6),
            ratio.map_or(String::new(), |ratio| format!("{ratio:.2}")),
        )
    }
}

/// The time, in milliseconds, within which this share was done.
pub fn percentile(times: &[Duration], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let place = ((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(0.0, |time| time.as_secs_f64() * 1e3)
}

/// Writes the whole log back into the database file.
pub fn checkpoint(file: &Path) {
    let connection = rusqlite::Connection::open(file).unwrap();
    connection.busy_timeout(Duration::from_secs(30)).unwrap();
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
}

/// Processor time of all threads so far.
pub fn processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let after_name = stat.rsplit_once(')').unwrap().1;
    let ticks: u64 = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap()).sum();
    Duration::from_millis(ticks * 10)
}

fn field(file: &str, name: &str) -> u64 {
    let text = std::fs::read_to_string(file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Bytes this process sent to the disk so far.
fn written() -> u64 {
    field("/proc/self/io", "write_bytes:")
}

/// Megabytes resident now, and at the most.
pub fn memory() -> (f64, f64) {
    let megabytes = |name| field("/proc/self/status", name) as f64 / 1e3;
    (megabytes("VmRSS:"), megabytes("VmHWM:"))
}

/// Counts the peak from now on.
pub fn forget_peak() {
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
}
