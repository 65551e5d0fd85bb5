//! The `holdfast` command. Exit codes: 0 done, 1 failed, 2 wrong arguments, 78 configuration fault.

use std::process::ExitCode;

fn main() -> ExitCode {
    holdfast_server::cli::main()
}
