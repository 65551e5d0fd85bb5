//! `holdfast completions`: what a shell needs to complete commands and options.

use std::process::ExitCode;

use clap::Args;
use clap_complete::{Shell, generate};

use super::terminal::print;

const EXAMPLES: &str = "\
Examples:
  holdfast completions bash > /etc/bash_completion.d/holdfast
  holdfast completions zsh > \"${fpath[1]}/_holdfast\"
  holdfast completions fish > ~/.config/fish/completions/holdfast.fish";

/// Print a script with which a shell completes commands and options
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

pub(super) fn run(CompletionsArgs { shell }: CompletionsArgs) -> ExitCode {
    let mut script = Vec::new();
    generate(shell, &mut super::command(), "holdfast", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}
