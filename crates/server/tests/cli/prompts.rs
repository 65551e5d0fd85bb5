//! Questions on a terminal.

use std::{
    fs,
    io::{BufReader, Read as _, Write as _},
    process::{Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use crate::scene::Scene;

/// Only to end a test whose program never ends.
const DEADLINE: Duration = Duration::from_mins(2);

/// What the shell does around the program. Ctrl-C comes again and again, as nobody at a terminal knows either whether the question
/// was ready to hear it; the shell goes on, and so asks the terminal until it is not interrupted.
const SHELL: &str = "trap : INT; \"$PROGRAM\" user create-admin --email ada@example.com 2> said; echo $? > code; \
                     until stty -a > terminal; do :; done; : > end";

/// `script` gives the shell a terminal of its own.
#[test]
fn ctrl_c_at_a_password_leaves_the_terminal_as_it_was() {
    let scene = Scene::new();
    let mut command = Command::new("script");
    command.args(["--quiet", "--command", SHELL, "/dev/null"]).current_dir(scene.path());
    command.env("SHELL", "/bin/sh").env("PROGRAM", env!("CARGO_BIN_EXE_holdfast"));
    command.env("JWT_SECRET", "process-tests-only-0123456789-abcdefghijklmnop");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keyboard, screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let (sender, shown) = mpsc::channel();
    thread::spawn(move || {
        let mut said = Vec::new();
        for byte in BufReader::new(screen).bytes() {
            said.extend(byte);
            if said.ends_with(b"Password of the new account") {
                // Whoever waits may have given up.
                let _ = sender.send(());
            }
        }
    });
    shown.recv_timeout(DEADLINE).unwrap();
    let file = |name: &str| fs::read_to_string(scene.path().join(name)).unwrap_or_default();
    for tries in 0.. {
        if scene.path().join("end").exists() {
            break;
        }
        if file("code").is_empty() {
            // It may have ended in between.
            let _ = keyboard.write_all(b"\x03").and_then(|()| keyboard.flush());
        }
        assert!(tries < 1_200, "it did not end: {}", file("said"));
        thread::sleep(Duration::from_millis(100));
    }
    drop(keyboard);
    child.wait().unwrap();
    let terminal = file("terminal");
    let flags: Vec<&str> = terminal.split_whitespace().collect();
    for flag in ["echo", "isig", "icanon"] {
        assert!(flags.contains(&flag), "the terminal is not what it was: no {flag} in {terminal}");
    }
    assert_eq!(file("code").trim(), "130", "{}", file("said"));
    assert!(!file("said").contains("error:"), "{}", file("said"));
}
