//! The rules of the house, checked: which crate may reach which, what each may never name, and how files are kept.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The longest a production file may be, unit tests not counted.
const LONGEST_FILE: usize = 500;
const OURS: [&str; 8] = [
    "holdfast-domain",
    "holdfast-application",
    "holdfast-infrastructure",
    "holdfast-web",
    "holdfast-server",
    "holdfast-testkit",
    "migration",
    "acceptance",
];

/// Per crate: which of our crates it may depend on directly, outside of tests.
const ARROWS: [(&str, &[&str]); 7] = [
    ("holdfast-domain", &[]),
    ("holdfast-application", &["holdfast-domain"]),
    ("holdfast-infrastructure", &["holdfast-application"]),
    ("holdfast-web", &["holdfast-application"]),
    ("holdfast-testkit", &["holdfast-application"]),
    ("migration", &[]),
    ("holdfast-server", &["holdfast-application", "holdfast-infrastructure", "holdfast-web", "migration"]),
];

/// Per crate: what it may never depend on directly.
const NEVER: [(&str, &[&str]); 4] = [
    ("holdfast-domain", &["tokio", "serde", "async-trait", "sea-orm", "actix-web"]),
    ("holdfast-application", &["sea-orm", "sqlx", "actix-web", "argon2", "jsonwebtoken"]),
    ("holdfast-infrastructure", &["actix-web"]),
    ("holdfast-web", &["sea-orm", "sqlx", "argon2", "jsonwebtoken"]),
];

/// Crates below `web` stay free of the GPL.
const PERMISSIVE: [&str; 5] =
    ["holdfast-domain", "holdfast-application", "holdfast-infrastructure", "holdfast-testkit", "migration"];

const BANNED_WORDS: [&str; 8] = ["manager", "helper", "util", "utils", "impl", "dto", "base", "core"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

fn packages() -> BTreeMap<String, Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages.iter().map(|package| (package["name"].as_str().unwrap().to_owned(), package.clone())).collect()
}

/// What `package` depends on outside of its tests.
fn dependencies(package: &Value) -> BTreeSet<String> {
    let all = package["dependencies"].as_array().unwrap().iter();
    all.filter(|dependency| dependency["kind"].as_str() != Some("dev"))
        .map(|dependency| dependency["name"].as_str().unwrap().to_owned())
        .collect()
}

/// All Rust files that are part of the program: not tests, not benches.
fn production_files() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("src"))
        .chain([root().join("migration/src")])
        .collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    assert!(found.len() > 50, "the walk found only {} files", found.len());
    found
}

/// The file without its unit tests, which stand last.
fn production_part(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned()
}

#[test]
fn every_crate_is_known_to_these_rules() {
    let packages = packages();
    assert_eq!(packages.keys().map(String::as_str).collect::<BTreeSet<_>>(), BTreeSet::from(OURS));
}

#[test]
fn the_arrows_between_crates_point_inwards() {
    let packages = packages();
    for (name, allowed) in ARROWS {
        let ours = dependencies(&packages[name]);
        let ours: BTreeSet<&str> =
            ours.iter().map(String::as_str).filter(|name| OURS.contains(name)).collect();
        let unexpected: Vec<_> = ours.difference(&allowed.iter().copied().collect()).copied().collect();
        assert!(unexpected.is_empty(), "{name} may not depend on {unexpected:?}");
    }
}

#[test]
fn no_crate_names_what_its_layer_must_not_know() {
    let packages = packages();
    for (name, never) in NEVER {
        let dependencies = dependencies(&packages[name]);
        for banned in never {
            assert!(!dependencies.contains(*banned), "{name} must not depend on {banned}");
        }
    }
}

#[test]
fn the_testkit_is_a_dependency_of_tests_alone() {
    for (name, package) in packages() {
        assert!(!dependencies(&package).contains("holdfast-testkit"), "{name} ships the testkit");
    }
}

#[test]
fn crates_below_web_are_permissively_licensed_and_link_no_gpl() {
    let packages = packages();
    for (name, package) in &packages {
        let permissive = PERMISSIVE.contains(&name.as_str());
        let expected = if permissive { "MIT OR Apache-2.0" } else { "GPL-3.0-or-later" };
        assert_eq!(package["license"].as_str(), Some(expected), "licence of {name}");
        let links = dependencies(package).contains("actix-governor");
        assert_eq!(links, name == "holdfast-web", "{name} and actix-governor");
    }
}

#[test]
fn every_module_says_what_lives_in_it() {
    for path in production_files() {
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not begin with a `//!` line", path.display());
    }
}

#[test]
fn no_file_has_grown_beyond_what_one_can_hold_in_mind() {
    for path in production_files() {
        let lines = production_part(&path).lines().count();
        assert!(lines <= LONGEST_FILE, "{} has {lines} lines; split it", path.display());
    }
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = ["todo!", "unimplemented!", "FIXME", "TODO", "XXX", "for now"];
    let shipped =
        production_files().into_iter().filter(|path| !path.starts_with(root().join("crates/testkit")));
    for path in shipped {
        let text = production_part(&path);
        for mark in marks {
            assert!(!text.contains(mark), "{} contains {mark:?}", path.display());
        }
    }
}

#[test]
fn no_name_of_a_file_or_type_hides_what_it_does() {
    for path in production_files() {
        let stem = path.file_stem().unwrap().to_str().unwrap().to_lowercase();
        assert!(!BANNED_WORDS.contains(&stem.as_str()), "{} says nothing", path.display());
        for line in production_part(&path).lines() {
            let mut words =
                line.split_whitespace().skip_while(|word| !["struct", "enum", "trait"].contains(word));
            let Some(name) = words.nth(1).filter(|_| !line.trim_start().starts_with("//")) else { continue };
            let name = name.trim_end_matches(|c: char| !c.is_alphanumeric());
            for ending in ["Manager", "Helper", "Util", "Utils", "Impl", "Dto", "Base", "Core"] {
                assert!(!name.ends_with(ending), "{}: {name} says nothing", path.display());
            }
        }
    }
}

#[test]
fn the_frozen_surface_stands_in_one_folder_and_one_line() {
    let web = root().join("crates/web/src");
    for path in production_files().into_iter().filter(|path| path.starts_with(&web)) {
        let inside = path.starts_with(web.join("legacy"));
        if inside || path.ends_with("routes.rs") || path == web.join("lib.rs") {
            continue;
        }
        let text = production_part(&path);
        assert!(!text.contains("legacy::"), "{} reaches into legacy/", path.display());
    }
}
