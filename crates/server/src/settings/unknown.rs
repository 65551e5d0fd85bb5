//! Warns of names that have no effect: the FastAPI backend's unused ones, and misspellings.

use std::collections::BTreeMap;

use super::fault::Warning;
use super::variables::{self, WITHOUT_EFFECT};

/// In the process environment, which belongs to every program, only these beginnings are ours.
const OUR_PREFIXES: [&str; 11] = [
    "JWT_",
    "DATABASE_",
    "HASH_",
    "PASSWORD_",
    "LEGACY_",
    "LOG_",
    "RATE_",
    "ACCESS_TOKEN_",
    "REFRESH_",
    "REDIS_",
    "SMTP_",
];

/// How the variables of OpenTelemetry begin. The standard has many more than have an effect here, and a platform may set any.
const STANDARD: &str = "OTEL_";

/// How many letters a name may differ in and still be taken for a misspelling.
const NEAR: usize = 3;

pub(super) fn warn_of_process(environment: &BTreeMap<String, String>, warnings: &mut Vec<Warning>) {
    let set = environment.iter().filter(|(_, value)| !value.trim().is_empty());
    for name in set.map(|(name, _)| name).filter(|name| !is_ours(name)) {
        if WITHOUT_EFFECT.contains(&name.as_str()) {
            warnings.push(without_effect(name));
        } else if name.starts_with(STANDARD) {
            warnings.push(of_the_standard(name, ""));
        } else if OUR_PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
            warnings.push(unknown(name, ""));
        }
    }
}

/// Warns when the name on that line is not one of ours; answers whether it is.
///
/// The name is shown only where it looks like one: a secret broken over two lines may end in `=`,
/// and would be read as a name.
pub(super) fn warn_of_file(file: &str, line: usize, name: &str, warnings: &mut Vec<Warning>) -> bool {
    if is_ours(name) {
        return true;
    }
    if WITHOUT_EFFECT.contains(&name) {
        warnings.push(without_effect(name));
    } else if name.starts_with(STANDARD) && looks_like_a_name(name) {
        warnings.push(of_the_standard(name, &format!(" ({file} line {line})")));
    } else if looks_like_a_name(name) || nearest(name).1 <= NEAR {
        warnings.push(unknown(name, &format!(" ({file} line {line})")));
    } else {
        let message = format!("line {line} sets a name that is not a variable of this server");
        warnings.push(Warning { variable: file.to_owned(), message });
    }
    false
}

fn is_ours(name: &str) -> bool {
    variables::find(name).or_else(|| variables::of_file(name)).is_some()
}

fn without_effect(name: &str) -> Warning {
    let message = "is a variable of the FastAPI backend that has no effect here".to_owned();
    Warning { variable: name.to_owned(), message }
}

fn unknown(name: &str, place: &str) -> Warning {
    let (known, _) = nearest(name);
    let message =
        format!("is not a variable of this server and has no effect{place}; the nearest is {known}");
    Warning { variable: name.to_owned(), message }
}

/// A misspelling is more likely than another variable of almost the same name.
fn of_the_standard(name: &str, place: &str) -> Warning {
    if nearest(name).1 <= NEAR {
        return unknown(name, place);
    }
    let message = format!("belongs to the OpenTelemetry standard and has no effect here{place}");
    Warning { variable: name.to_owned(), message }
}

fn looks_like_a_name(name: &str) -> bool {
    name.len() <= 40
        && name.contains('_')
        && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_' || byte.is_ascii_digit())
}

fn nearest(name: &str) -> (&'static str, usize) {
    let upper = name.to_uppercase();
    variables::ALL
        .iter()
        .map(|variable| (variable.name, strsim::damerau_levenshtein(variable.name, &upper)))
        .min_by_key(|&(_, distance)| distance)
        .unwrap_or_default()
}
