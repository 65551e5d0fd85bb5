//! What is made of the command line itself: completions, manual pages, the version; and that nobody has to read all of it.

use std::{collections::BTreeSet, fs, io::Read as _, process::Stdio};

use serde_json::Value;

use crate::scene::Scene;

#[test]
fn every_shell_gets_a_script_that_knows_the_commands() {
    let scene = Scene::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = scene.done(&["completions", shell]);
        for word in ["holdfast", "reset-password", "doctor", "yes-beside-existing-data"] {
            assert!(script.contains(word), "{shell} does not know {word}");
        }
    }
    assert_eq!(scene.run(&["completions", "tcsh"]).code, Some(2));
}

#[test]
fn bash_takes_its_script_and_completes_a_command() {
    let scene = Scene::new();
    fs::write(scene.path().join("completions"), scene.done(&["completions", "bash"])).unwrap();
    let asked = "source ./completions; COMP_WORDS=(holdfast user set-r); COMP_CWORD=2; \
                 _holdfast holdfast set-r user; echo \"${COMPREPLY[@]}\"";
    let mut bash = std::process::Command::new("bash");
    let answer = bash.args(["--norc", "-c", asked]).current_dir(scene.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&answer.stdout).trim(), "set-role", "{answer:?}");
}

#[test]
fn every_command_gets_a_manual_page_and_the_same_one_each_time() {
    let scene = Scene::new();
    assert!(scene.done(&["man"]).contains(".SH SUBCOMMANDS"));
    for folder in ["one", "two"] {
        scene.done(&["man", "--out", folder]);
    }
    let pages = |folder: &str| -> BTreeSet<(String, String)> {
        let files = fs::read_dir(scene.path().join(folder)).unwrap().map(|file| file.unwrap());
        files
            .map(|file| (file.file_name().into_string().unwrap(), fs::read_to_string(file.path()).unwrap()))
            .collect()
    };
    let one = pages("one");
    assert_eq!(one, pages("two"));
    let names: BTreeSet<&str> = one.iter().map(|(name, _)| name.as_str()).collect();
    for name in ["holdfast.1", "holdfast-user.1", "holdfast-user-reset-password.1", "holdfast-migrate-up.1"] {
        assert!(names.contains(name), "{name} is not among {names:?}");
    }
    for (name, page) in &one {
        assert!(page.contains(".SH NAME") && page.contains("Examples:"), "{name}: {page}");
    }
}

#[test]
fn the_version_tells_what_was_built_and_neither_when_nor_where() {
    let scene = Scene::new();
    let build: Value = scene.run(&["version", "--json"]).json();
    assert_eq!(build["version"], env!("CARGO_PKG_VERSION"));
    assert!(build["rustc"].as_str().unwrap().starts_with("rustc 1."), "{build}");
    assert!(build["target"].as_str().unwrap().contains('-'), "{build}");
    assert!(build["schema"].as_str().unwrap().starts_with("m2026"), "{build}");
    assert!(["debug", "release"].contains(&build["profile"].as_str().unwrap()), "{build}");
    if let Some(commit) = build["commit"].as_str() {
        assert!(commit.len() >= 7 && commit.chars().all(|c| c.is_ascii_hexdigit()), "{build}");
    }
    let names: BTreeSet<&String> = build.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 7, "{names:?}");
    let text = scene.done(&["version"]);
    assert!(
        text.starts_with(concat!("holdfast ", env!("CARGO_PKG_VERSION"))) && !text.contains('/'),
        "{text}"
    );
}

#[test]
fn nobody_has_to_read_to_the_end() {
    let scene = Scene::new();
    scene.done(&["seed", "--users", "200", "--tasks", "0"]);
    for arguments in [
        vec!["user", "list"],
        vec!["user", "list", "--json"],
        vec!["openapi"],
        vec!["completions", "zsh"],
        vec!["man"],
        vec!["migrate", "status"],
        vec!["check-config"],
        vec!["--help"],
    ] {
        let mut command = scene.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let code = child.wait().unwrap().code();
        assert!(code == Some(0) && !said.contains("panicked"), "{arguments:?}: {code:?} {said}");
    }
}

#[test]
fn nothing_is_coloured_where_nobody_looks() {
    let scene = Scene::new();
    for arguments in [vec!["--help"], vec!["user", "--help"], vec!["doctor"], vec!["nonsense"]] {
        let answer = scene.run(&arguments);
        assert!(
            !format!("{}{}", answer.stdout, answer.stderr).contains('\u{1b}'),
            "{arguments:?}: {answer:?}"
        );
    }
    assert_eq!(scene.run(&["nonsense"]).code, Some(2));
}
