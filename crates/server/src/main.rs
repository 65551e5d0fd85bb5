//! The `holdfast` command. Exit codes: 0 done, 1 failed, 2 wrong arguments, 78 configuration fault.

use std::process::ExitCode;

/// Sign-ins take and give back 19 MiB at a time from many threads; this allocator returns them to the system. Huge pages
/// (`no_thp`) would keep a third more memory than is used.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    holdfast_server::cli::main()
}
