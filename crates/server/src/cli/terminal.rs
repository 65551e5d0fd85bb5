//! What goes to the terminal and comes from it: output that nobody may be reading any more, and passwords that nobody sees.

use std::{
    fmt,
    io::{self, BufRead as _, IsTerminal as _, Write},
    process::ExitCode,
};

use anyhow::{Context as _, bail};
use holdfast_application::domain::users::Password;
use serde::Serialize;

/// As shells tell it of a program that Ctrl-C ended (128 + SIGINT).
pub(super) const INTERRUPTED: u8 = 130;

/// Somebody pressed Ctrl-C at a question.
#[derive(Debug, thiserror::Error)]
#[error("interrupted")]
pub(super) struct Interrupted;

/// Standard output. Whoever reads it may stop when they have seen enough (`| head`): that is no failure.
pub(super) struct Output {
    stdout: io::Stdout,
    closed: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        Self { stdout: io::stdout(), closed: false }
    }

    /// Whether nobody reads any more, so that the rest is not worth its work.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// One line of JSON.
    pub(super) fn json(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        Ok(writeln!(self, "{}", serde_json::to_string(value)?)?)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        match self.stdout.write(bytes) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(bytes.len())
            }
            other => other,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.stdout.flush() {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

/// Prints a text and a line break.
pub(super) fn print(text: &str) -> ExitCode {
    let mut output = Output::new();
    match writeln!(output, "{text}").and_then(|()| output.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Prints to standard error.
pub(super) fn complain(text: fmt::Arguments<'_>) {
    // There is nobody left to tell when stderr is closed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// A text of a stranger's, on one line and without anything that a terminal obeys.
pub(super) fn readable(text: &str) -> String {
    let mut readable = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { readable.extend(c.escape_default()) } else { readable.push(c) }
    }
    readable
}

/// A new password: one line of standard input, or asked for twice on a terminal without being shown.
pub(super) async fn new_password(question: &'static str) -> anyhow::Result<Password> {
    if io::stdin().is_terminal() {
        return ask_twice(question).await;
    }
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).context("no password on standard input")?;
    let password =
        line.strip_suffix('\n').map_or(line.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    Ok(Password::new(password.to_owned()))
}

/// While a password is typed, the terminal shows nothing. Ctrl-C must not end the program before that is taken back, and is
/// therefore caught from here on.
async fn ask_twice(question: &'static str) -> anyhow::Result<Password> {
    let mut interrupted = Interrupts::listen()?;
    let typed = tokio::task::spawn_blocking(move || {
        let password = rpassword::prompt_password(format!("{question}: "))?;
        let same = password == rpassword::prompt_password("Once more: ")?;
        Ok::<_, io::Error>(same.then_some(password))
    })
    .await?;
    let password = match typed {
        Err(error) if error.kind() == io::ErrorKind::Interrupted => bail!(Interrupted),
        other => other.context("no password from the terminal")?,
    };
    tokio::spawn(async move {
        interrupted.next().await;
        std::process::exit(INTERRUPTED.into());
    });
    Ok(Password::new(password.context("the two passwords differ")?))
}

/// Ctrl-C, as the program sees it once it listens.
struct Interrupts(#[cfg(unix)] tokio::signal::unix::Signal, #[cfg(windows)] tokio::signal::windows::CtrlC);

impl Interrupts {
    fn listen() -> io::Result<Self> {
        #[cfg(unix)]
        let listening = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        #[cfg(windows)]
        let listening = tokio::signal::windows::ctrl_c();
        listening.map(Self)
    }

    async fn next(&mut self) {
        self.0.recv().await;
    }
}

#[cfg(test)]
mod tests {
    use super::readable;

    #[test]
    fn what_a_terminal_would_obey_is_spelled_out() {
        assert_eq!(readable("Ada Ἀδα"), "Ada Ἀδα");
        assert_eq!(readable("a\u{1b}[31m\r\nb\0"), "a\\u{1b}[31m\\r\\nb\\u{0}");
    }
}
