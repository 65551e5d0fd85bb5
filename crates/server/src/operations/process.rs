//! What the operating system knows of this process. Where it has no `/proc`, nothing is told.

use super::page::Page;

impl Page<'_> {
    /// The families that Prometheus' own clients tell of a process, by the names that they use.
    pub(super) fn process(&mut self) -> std::fmt::Result {
        let Some(Process { cpu_seconds, resident_bytes, open_files, most_files }) = Process::read() else {
            return Ok(());
        };
        self.seconds("process_cpu_seconds", "Processor time that the process has used.", cpu_seconds)?;
        self.level("process_resident_memory_bytes", "Memory of the process that is in use.", resident_bytes)?;
        self.level("process_open_fds", "Files and sockets that are open.", open_files)?;
        self.level("process_max_fds", "Files and sockets that may be open.", most_files)
    }
}

struct Process {
    cpu_seconds: f64,
    resident_bytes: u64,
    open_files: u64,
    most_files: u64,
}

#[cfg(target_os = "linux")]
impl Process {
    /// See proc(5).
    fn read() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program may hold anything, blanks and parentheses too.
        let mut behind_name = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        let user: u64 = behind_name.nth(11)?.parse().ok()?;
        let system: u64 = behind_name.next()?.parse().ok()?;
        #[expect(clippy::cast_precision_loss, reason = "2^53 ticks are millions of years")]
        let cpu_seconds = (user + system) as f64 / rustix::param::clock_ticks_per_second() as f64;
        let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
        let pages: u64 = statm.split_ascii_whitespace().nth(1)?.parse().ok()?;
        let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
        let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
        Some(Self {
            cpu_seconds,
            resident_bytes: pages * rustix::param::page_size() as u64,
            open_files: std::fs::read_dir("/proc/self/fd").ok()?.count() as u64,
            most_files: files.split_ascii_whitespace().next()?.parse().unwrap_or(u64::MAX),
        })
    }
}

#[cfg(not(target_os = "linux"))]
impl Process {
    fn read() -> Option<Self> {
        None
    }
}
