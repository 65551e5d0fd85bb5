//! Reads the text of a `.env` file, for the migration command and for the server alike. Which files are read, and which
//! one wins, is decided by each of them.
//!
//! The syntax is the one the FastAPI backend's files are written in (python-dotenv): `export` is
//! skipped, values may be bare, in single or in double quotes, quoted ones may span lines, and ` #`
//! begins a comment. The usual Rust reader is not used: it replaces `$word` in values by variables
//! of the process, which mangles passwords, refuses bare values with blanks, and quotes the line,
//! secret included, in its errors.

/// One assignment.
#[derive(PartialEq, Eq)]
pub struct Assignment {
    /// The line that it begins on, from 1.
    pub line: usize,
    /// The variable.
    pub name: String,
    /// Its value, without quotes and with escapes resolved. It may be a secret.
    pub value: String,
}

/// A line that is no assignment: its number from 1, and why. Never its text, which may be a secret.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed {
    /// From 1.
    pub line: usize,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Every assignment of the text in its order, and every line that is none.
pub fn parse(text: &str) -> (Vec<Assignment>, Vec<Malformed>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let (mut assignments, mut malformed) = (Vec::new(), Vec::new());
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let (outcome, after) = assignment(rest, line);
        match outcome {
            Ok(Some(found)) => assignments.push(found),
            Ok(None) => {}
            Err(problem) => malformed.push(Malformed { line, problem }),
        }
        line += rest[..rest.len() - after.len()].matches('\n').count();
        rest = after;
    }
    (assignments, malformed)
}

type Outcome = Result<Option<Assignment>, &'static str>;

/// What stands on the first line, and the text after it.
fn assignment(text: &str, line: usize) -> (Outcome, &str) {
    let (current, next_line) = first_line(text);
    let start = current.trim_start();
    if start.is_empty() || start.starts_with('#') {
        return (Ok(None), next_line);
    }
    let Some((left, _)) = start.split_once('=') else {
        return (Err("is not of the form NAME=value"), next_line);
    };
    let name = left.trim();
    let name = match name.split_once(char::is_whitespace) {
        Some(("export", exported)) => exported.trim_start(),
        _ => name,
    };
    if !is_name(name) {
        return (Err("has no valid name before the ="), next_line);
    }
    let after_sign = current.len() - start.len() + left.len() + 1;
    match value(&text[after_sign..]) {
        Ok((value, after)) => (Ok(Some(Assignment { line, name: name.to_owned(), value })), after),
        Err(problem) => (Err(problem), next_line),
    }
}

fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// The value after the `=`, and the text after its line.
fn value(text: &str) -> Result<(String, &str), &'static str> {
    let text = text.trim_start_matches([' ', '\t']);
    let Some(quote @ ('"' | '\'')) = text.chars().next() else {
        let (line, after) = first_line(text);
        return Ok((bare(line).to_owned(), after));
    };
    let (value, after) = quoted(&text[1..], quote)?;
    let (tail, after) = first_line(after);
    match tail.trim_start().chars().next() {
        None | Some('#') => Ok((value, after)),
        Some(_) => Err("has text after the closing quote"),
    }
}

fn is_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '.' | '-'))
}

/// The text up to the closing quote with its escapes resolved, and what follows the quote.
fn quoted(text: &str, quote: char) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        if character == quote {
            return Ok((value, &text[index + 1..]));
        }
        if character != '\\' {
            value.push(character);
            continue;
        }
        let escaped = characters.next().map(|(_, escaped)| escaped);
        match (quote, escaped) {
            (_, None) => break,
            (_, Some(literal @ ('\\' | '\''))) => value.push(literal),
            ('"', Some('"')) => value.push('"'),
            ('"', Some('n')) => value.push('\n'),
            ('"', Some('r')) => value.push('\r'),
            ('"', Some('t')) => value.push('\t'),
            (_, Some(other)) => value.extend(['\\', other]),
        }
    }
    Err("opens a quote that is never closed")
}

/// A bare value: up to a comment that stands after white space, or is all there is.
fn bare(value: &str) -> &str {
    let comment = value
        .char_indices()
        .find(|&(index, character)| {
            character == '#' && (index == 0 || value[..index].ends_with(char::is_whitespace))
        })
        .map_or(value.len(), |(index, _)| index);
    value[..comment].trim()
}

#[cfg(test)]
mod tests {
    use super::{Malformed, parse};

    fn pairs(text: &str) -> Vec<(String, String)> {
        let (assignments, malformed) = parse(text);
        assert_eq!(malformed, []);
        assignments.into_iter().map(|assignment| (assignment.name, assignment.value)).collect()
    }

    #[test]
    fn values_are_read_as_python_dotenv_reads_them() {
        for (line, value) in [
            ("A=b", "b"),
            ("  export A = b ", "b"),
            ("A=", ""),
            ("A= # nothing", ""),
            ("A=b # comment", "b"),
            ("A=b#c", "b#c"),
            ("A=two words", "two words"),
            ("A='b # c' # d", "b # c"),
            (r#"A="b\n\"c\" \d""#, "b\n\"c\" \\d"),
            (r"A='it\'s \n'", r"it's \n"),
            ("A=pa$$word$HOME", "pa$$word$HOME"),
            ("A=postgres://u:p=q@h/d?x=y", "postgres://u:p=q@h/d?x=y"),
            ("A='one\ntwo'\n# c", "one\ntwo"),
            ("\u{feff}A=b\r\n\r\n", "b"),
        ] {
            assert_eq!(pairs(line), [("A".to_owned(), value.to_owned())], "{line}");
        }
    }

    #[test]
    fn a_malformed_line_is_told_by_its_number_and_the_rest_is_still_read() {
        let (assignments, malformed) = parse("A='x\ny'\nnonsense\n=v\nB=\"open\nC='c' d\nD=d");
        assert_eq!(malformed.iter().map(|Malformed { line, .. }| *line).collect::<Vec<_>>(), [3, 4, 5, 6]);
        let names: Vec<_> = assignments.iter().map(|found| (found.line, found.name.as_str())).collect();
        assert_eq!(names, [(1, "A"), (7, "D")]);
    }
}
