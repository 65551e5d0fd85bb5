//! `holdfast keys …`: the key pairs that sign tokens, and their rotation. What each step does to the files is the
//! infrastructure crate's; `docs/keys.md` tells the order of the steps.

use std::{fmt::Write as _, path::PathBuf};

use anyhow::Context;
use clap::{Args, Subcommand};
use holdfast_application::{domain::Timestamp, ports::Clock as _};
use holdfast_infrastructure::{
    clock::SystemClock,
    tokens::{Change, KeyChangeError, KeyDirectory, KeyState, PairAlgorithm, Retirement, StoredKey},
};
use serde::Serialize;

use super::print;
use crate::settings::{KeyCommandSettings, Sources};

const EXAMPLES: &str = "\
Examples:
  holdfast keys generate --directory /etc/holdfast/keys   the first key of an algorithm signs at once
  holdfast keys generate                                  a further one is published, and does not sign yet
  holdfast keys list
  holdfast keys rotate                                    the published key signs from now on
  holdfast keys retire gO0bpr3hYZ…                        a previous key goes when its tokens are over

A server reads the directory when it starts and at each SIGHUP: reload every instance after each step, one after the other.
docs/keys.md has the whole rotation.";

/// Make, rotate and retire the key pairs that sign tokens
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct KeysArgs {
    #[command(subcommand)]
    command: KeysCommand,
    /// The directory of the keys, where it is not `JWT_KEY_DIRECTORY`
    #[arg(long, global = true, value_name = "DIRECTORY")]
    directory: Option<PathBuf>,
}

#[derive(Subcommand)]
enum KeysCommand {
    /// Make a key; the first of its algorithm signs at once, any other when it is told to
    #[command(after_help = "Examples:\n  holdfast keys generate\n  holdfast keys generate --algorithm RS256")]
    Generate {
        /// `EdDSA` (Ed25519), or RS256 (RSA, 3072 bits) for clients that know nothing newer
        #[arg(long, default_value_t = PairAlgorithm::EdDsa)]
        algorithm: PairAlgorithm,
    },
    /// Show every key and what it is for; never anything secret
    #[command(after_help = "Examples:\n  holdfast keys list\n  holdfast keys list --json")]
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Let another key sign: the published one, or the one that is named
    #[command(after_help = "Examples:\n  holdfast keys rotate\n  holdfast keys rotate gO0bpr3hYZ…")]
    Rotate {
        /// Its kid; not needed where one key is published
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        id: Option<String>,
    },
    /// Let a key go for good; refused while it signs, and while there may be tokens under it
    #[command(after_help = "Examples:\n  holdfast keys retire gO0bpr3hYZ…\n  \
        holdfast keys retire gO0bpr3hYZ… --verify-only   nobody can sign with it any more; its tokens still count\n  \
        holdfast keys retire gO0bpr3hYZ… --now           it has leaked: whoever has a token under it signs in anew")]
    Retire {
        /// Its kid
        #[arg(value_name = "KID", allow_hyphen_values = true)]
        id: String,
        /// Destroy its private half alone
        #[arg(long)]
        verify_only: bool,
        /// Do not wait until the tokens under it are over
        #[arg(long)]
        now: bool,
    },
}

/// Runs one command on the directory. The settings as a whole are not judged: before there is a key, they cannot be right.
pub(super) fn run(arguments: KeysArgs, sources: &Sources) -> anyhow::Result<()> {
    let KeysArgs { command, directory } = arguments;
    let settings = KeyCommandSettings::load(sources);
    let path = directory.or_else(|| settings.directory.clone());
    let path = path.context("which directory? Set JWT_KEY_DIRECTORY or give --directory")?;
    let now = SystemClock.now();
    let open =
        || KeyDirectory::read(&path).map_err(|faults| KeyChangeError::Faults { path: path.clone(), faults });
    match command {
        KeysCommand::Generate { algorithm } => told(&KeyDirectory::generate(&path, algorithm, now)?),
        KeysCommand::List { json } => list(&open()?, json)?,
        KeysCommand::Rotate { id } => told(&open()?.rotate(id.as_deref(), now)?),
        KeysCommand::Retire { id, verify_only, now: at_once } => {
            let wait = if verify_only { settings.reuse } else { settings.longest_token };
            let how = Retirement {
                keep_public: verify_only,
                signs: settings.algorithm,
                wait: (!at_once).then_some(wait),
            };
            told(&open()?.retire(&id, how, now)?);
        }
    }
    Ok(())
}

/// What was done, and what comes next.
fn told(change: &Change) {
    let Change { id, algorithm, file, state } = change;
    let next = match state {
        Some(KeyState::Signing { .. }) => {
            format!("signs where JWT_ALGORITHM={algorithm}. Restart every instance")
        }
        Some(KeyState::Published) => {
            "is published. Restart every instance, wait five minutes, then: holdfast keys rotate".to_owned()
        }
        Some(KeyState::Previous { .. } | KeyState::VerifyOnly { .. }) => {
            "verifies and signs nothing any more. Restart every instance".to_owned()
        }
        None => "is gone: restart every instance, and its tokens are refused".to_owned(),
    };
    print(&format!("{algorithm} {id} ({}) {next}", file.display()));
}

/// A key as it is shown.
#[derive(Serialize)]
struct Row<'a> {
    kid: &'a str,
    algorithm: &'static str,
    state: &'static str,
    signs_since: Option<String>,
    signed_until: Option<String>,
    file: &'a str,
}

impl<'a> From<&'a StoredKey> for Row<'a> {
    fn from(StoredKey { key, algorithm, file, state }: &'a StoredKey) -> Self {
        let (since, until) = match *state {
            KeyState::Signing { since } => (since, None),
            KeyState::Published => (None, None),
            KeyState::Previous { until } | KeyState::VerifyOnly { until } => (None, until),
        };
        Self {
            kid: key.id(),
            algorithm: algorithm.name(),
            state: state.name(),
            signs_since: since.as_ref().map(Timestamp::to_string),
            signed_until: until.as_ref().map(Timestamp::to_string),
            file,
        }
    }
}

fn list(directory: &KeyDirectory, json: bool) -> anyhow::Result<()> {
    let rows: Vec<Row<'_>> = directory.keys().iter().map(Row::from).collect();
    if json {
        print(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let mut text = String::new();
    for Row { kid, algorithm, state, signs_since, signed_until, file } in &rows {
        let times = match (signs_since, signed_until) {
            (Some(since), _) => format!("since {since}"),
            (None, Some(until)) => format!("until {until}"),
            (None, None) => "-".to_owned(),
        };
        writeln!(text, "{kid}  {algorithm:5}  {state:11}  {times:26}  {file}")?;
    }
    print(text.trim_end());
    Ok(())
}
