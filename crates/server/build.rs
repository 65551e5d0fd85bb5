//! Facts about the build for `holdfast version`. None of them changes from one build of the same source to the next: no time, no
//! path, no name of a machine.
//!
//! The commit is `HOLDFAST_COMMIT` where that is set, as it is for builds outside of a checkout, or what `.git` says. Git itself is not
//! asked: it need not be there.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=HOLDFAST_COMMIT");
    for (name, value) in [
        ("RUSTC", rustc()),
        ("TARGET", variable("TARGET")),
        ("PROFILE", variable("PROFILE")),
        ("FEATURES", variable("CARGO_CFG_FEATURE")),
        ("COMMIT", commit()),
    ] {
        match value {
            Some(value) => println!("cargo::rustc-env=HOLDFAST_BUILD_{name}={value}"),
            None if name == "COMMIT" => {}
            None => println!("cargo::rustc-env=HOLDFAST_BUILD_{name}="),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is how cargo speaks to a build script")]
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

fn rustc() -> Option<String> {
    let output = Command::new(variable("RUSTC")?).arg("--version").output().ok()?;
    String::from_utf8(output.stdout).ok().map(|text| text.trim().to_owned())
}

fn commit() -> Option<String> {
    let commit = variable("HOLDFAST_COMMIT").or_else(|| checked_out(&git_folder()?))?;
    let is_one = (7..=64).contains(&commit.len()) && commit.chars().all(|c| c.is_ascii_hexdigit());
    is_one.then_some(commit)
}

/// The `.git` of the workspace, where it is a folder.
fn git_folder() -> Option<PathBuf> {
    let folder = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../../.git");
    folder.is_dir().then_some(folder)
}

fn checked_out(git: &Path) -> Option<String> {
    let head = read(&git.join("HEAD"))?;
    let Some(reference) = head.strip_prefix("ref: ") else { return Some(head) };
    let loose = git.join(reference);
    if loose.exists() {
        return read(&loose);
    }
    let packed = read(&git.join("packed-refs"))?;
    let line = packed.lines().find(|line| line.ends_with(&format!(" {reference}")))?;
    line.split(' ').next().map(ToOwned::to_owned)
}

/// The build script runs again when a file changes that it has read.
fn read(file: &Path) -> Option<String> {
    println!("cargo::rerun-if-changed={}", file.display());
    fs::read_to_string(file).ok().map(|text| text.trim().to_owned())
}
