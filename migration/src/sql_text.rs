//! What a statement says, apart from how it is written: for comparing texts, and for showing somebody else's.
//!
//! Only as much of SQL is read as tells quotes from comments; what it means is not known here.

/// One piece of a statement.
enum Piece<'a> {
    Code(&'a str),
    /// A string, with its quotes.
    Literal(&'a str),
    /// A quoted name, with its quotes.
    Name(&'a str),
    Comment,
}

/// The statement without comments, and with one space wherever there were any. What stands in quotes stays as it is.
pub(crate) fn normalised(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len());
    for piece in pieces(sql) {
        match piece {
            Piece::Literal(quoted) | Piece::Name(quoted) => text.push_str(quoted),
            Piece::Code(code) => {
                for letter in code.chars() {
                    push_code(&mut text, letter);
                }
            }
            Piece::Comment => push_code(&mut text, ' '),
        }
    }
    text.trim().to_owned()
}

/// The first `limit` characters of the statement, normalised, with each string replaced: it may be somebody's data.
pub(crate) fn masked(sql: &str, limit: usize) -> String {
    let mut text = String::new();
    for piece in pieces(sql) {
        match piece {
            Piece::Literal(_) => text.push_str("'…'"),
            Piece::Name(name) => text.push_str(name),
            Piece::Code(code) => code.chars().for_each(|letter| push_code(&mut text, letter)),
            Piece::Comment => push_code(&mut text, ' '),
        }
    }
    let text = text.trim();
    match text.char_indices().nth(limit) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

fn push_code(text: &mut String, letter: char) {
    if !letter.is_whitespace() {
        text.push(letter);
    } else if !text.is_empty() && !text.ends_with(' ') {
        text.push(' ');
    }
}

fn pieces(sql: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = sql;
    while !rest.is_empty() {
        let quote = rest.find(['\'', '"', '-', '/', '$']).unwrap_or(rest.len());
        if quote > 0 {
            pieces.push(Piece::Code(&rest[..quote]));
            rest = &rest[quote..];
            continue;
        }
        let (piece, length) = special(rest);
        pieces.push(piece);
        rest = &rest[length..];
    }
    pieces
}

/// What begins with a character that may begin a quote or a comment, and its length in bytes, which is never 0.
fn special(rest: &str) -> (Piece<'_>, usize) {
    let until = |end: Option<usize>, closing: usize| end.map_or(rest.len(), |end| end + closing);
    if rest.starts_with("--") {
        return (Piece::Comment, until(rest.find('\n'), 0));
    }
    if rest.starts_with("/*") {
        return (Piece::Comment, comment_length(rest));
    }
    let first = rest.chars().next().unwrap_or_default();
    match first {
        // A doubled quote inside is the end of one piece and the beginning of the next.
        '\'' => {
            let length = until(rest[1..].find('\''), 2);
            (Piece::Literal(&rest[..length]), length)
        }
        '"' => {
            let length = until(rest[1..].find('"'), 2);
            (Piece::Name(&rest[..length]), length)
        }
        '$' => match dollar_tag(rest) {
            Some(tag) => {
                let length = until(rest[tag.len()..].find(tag), 2 * tag.len());
                (Piece::Literal(&rest[..length]), length)
            }
            None => (Piece::Code(&rest[..1]), 1),
        },
        other => (Piece::Code(&rest[..other.len_utf8()]), other.len_utf8()),
    }
}

/// PostgreSQL's comments nest.
fn comment_length(rest: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// `$$` or `$tag$`; a parameter such as `$1` is none.
fn dollar_tag(rest: &str) -> Option<&str> {
    let end = rest[1..].find('$')? + 1;
    let tag = &rest[1..end];
    let named = tag.chars().all(|letter| letter.is_alphanumeric() || letter == '_');
    (named && !tag.starts_with(|first: char| first.is_ascii_digit())).then(|| &rest[..=end])
}

#[cfg(test)]
mod tests {
    use super::{masked, normalised};

    #[test]
    fn comments_and_spacing_do_not_matter_and_quoted_text_does() {
        let same = "CREATE TABLE t ( a text DEFAULT ' -- no  comment', \"b  c\" int )";
        for sql in [
            "CREATE TABLE t ( a text DEFAULT ' -- no  comment', \"b  c\" int )",
            "CREATE   TABLE t\n(\n a text DEFAULT ' -- no  comment',\t\"b  c\" int ) -- end",
            "/* a /* nested */ one */ CREATE TABLE t (-- why\n a text DEFAULT ' -- no  comment', \"b  c\" int )",
        ] {
            assert_eq!(normalised(sql), same);
        }
        for (one, other) in [
            ("SELECT 'a  b'", "SELECT 'a b'"),
            ("SELECT 'it''s  -- x'", "SELECT 'it''s  '"),
            ("SELECT $$a -- b$$", "SELECT $$a $$"),
            ("SELECT $q$a  b$q$", "SELECT $q$a b$q$"),
            ("SELECT 1 - 2 / 3", "SELECT 1 2 3"),
        ] {
            assert_ne!(normalised(one), normalised(other));
        }
        assert_eq!(normalised("-- nothing but a comment"), "");
        assert_eq!(normalised("SELECT 'open  end"), "SELECT 'open  end");
        assert_eq!(normalised("SELECT $1, $2  /* open"), "SELECT $1, $2");
    }

    #[test]
    fn nobody_s_data_is_shown() {
        let sql = "UPDATE users\n SET name = 'it''s Ann', x = $$secret$$ WHERE \"id\" = $1 -- Ann";
        let shown = masked(sql, 200);
        assert_eq!(shown, "UPDATE users SET name = '…''…', x = '…' WHERE \"id\" = $1");
        assert_eq!(masked("SELECT äöü", 9), "SELECT äö…");
    }
}
