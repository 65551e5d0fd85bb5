//! Every command and every option explains itself, and the documentation names all of them.

use clap::Command;

/// Every command with the words that lead to it, the program itself first.
fn all(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
    found.push((path.to_owned(), command.clone()));
    for inner in command.get_subcommands().filter(|inner| inner.get_name() != "help") {
        all(inner, &format!("{path} {}", inner.get_name()), found);
    }
}

fn tree() -> Vec<(String, Command)> {
    let mut command = holdfast_server::cli::command();
    command.build();
    let mut found = Vec::new();
    all(&command, "holdfast", &mut found);
    assert!(found.len() > 20, "the tree was not walked");
    found
}

#[test]
fn every_command_says_what_it_does_and_shows_examples() {
    for (path, command) in tree() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        assert!(about.len() > 10, "{path} does not say what it does: {about:?}");
        let after = command.get_after_help().or(command.get_after_long_help());
        let after = after.map(ToString::to_string).unwrap_or_default();
        assert!(after.contains("Examples:") && after.contains(&path), "{path} shows no example: {after:?}");
    }
}

#[test]
fn every_option_and_argument_says_what_it_is() {
    for (path, command) in tree() {
        for argument in command.get_arguments() {
            let help = argument.get_help().or(argument.get_long_help()).map(ToString::to_string);
            assert!(help.is_some_and(|help| help.len() > 3), "{path}: {} has no help", argument.get_id());
        }
    }
}

#[test]
fn no_option_takes_a_password() {
    for (path, command) in tree() {
        for argument in command.get_arguments() {
            let takes_value = argument.get_action().takes_values();
            let name = argument.get_id().as_str();
            assert!(!(takes_value && name.contains("password")), "{path} takes {name} as an argument");
        }
    }
}

#[test]
fn the_documentation_names_every_command_and_every_exit_code() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md")).unwrap();
    for (path, _) in tree() {
        assert!(page.contains(&format!("`{path}")), "docs/cli.md does not name `{path}`");
    }
    for code in ["`0`", "`1`", "`2`", "`78`", "`130`"] {
        assert!(page.contains(code), "docs/cli.md does not tell what {code} means");
    }
}
