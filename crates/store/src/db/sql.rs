//! Tells the code in a piece of SQL from its literals, quoted names and comments, for the two rewrites the facade
//! makes. Understands the portable subset only: `'…'`, `"…"`, `--…` and `/*…*/`.

/// A stretch of SQL.
#[derive(Debug, PartialEq)]
pub(super) enum Span<'a> {
    /// Outside literals and comments.
    Code(&'a str),
    /// A literal, a quoted name or a comment, with its delimiters.
    Other(&'a str),
}

/// Cuts `sql` into spans; put together they are `sql` again.
pub(super) fn spans(mut sql: &str) -> impl Iterator<Item = Span<'_>> {
    std::iter::from_fn(move || {
        if sql.is_empty() {
            return None;
        }
        let start = [sql.find('\''), sql.find('"'), sql.find("--"), sql.find("/*")].into_iter().flatten().min();
        let (span, rest) = match start {
            Some(0) => {
                let (open, close) = match sql.as_bytes()[0] {
                    b'\'' => (1, "'"),
                    b'"' => (1, "\""),
                    b'-' => (2, "\n"),
                    _ => (2, "*/"),
                };
                let end = sql[open..].find(close).map_or(sql.len(), |at| open + at + close.len());
                let (other, rest) = sql.split_at(end);
                (Span::Other(other), rest)
            }
            start => {
                let (code, rest) = sql.split_at(start.unwrap_or(sql.len()));
                (Span::Code(code), rest)
            }
        };
        sql = rest;
        Some(span)
    })
}

/// Turns `$N` into `?N`: SQLite takes `$N` for a name and numbers it by first appearance.
pub(super) fn number_for_sqlite(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for span in spans(sql) {
        match span {
            Span::Other(text) => out.push_str(text),
            Span::Code(code) => {
                let mut chars = code.chars().peekable();
                while let Some(c) = chars.next() {
                    let is_parameter = c == '$' && chars.peek().is_some_and(char::is_ascii_digit);
                    out.push(if is_parameter { '?' } else { c });
                }
            }
        }
    }
    out
}

/// Translates a migration for PostgreSQL: text sorts by byte as it does in SQLite, and `WITHOUT ROWID` is dropped.
pub(super) fn schema_for_postgres(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for span in spans(sql) {
        match span {
            Span::Other(text) => out.push_str(text),
            Span::Code(code) => translate_words(code, &mut out),
        }
    }
    out
}

fn translate_words(code: &str, out: &mut String) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut previous = "";
    let mut without_at = 0;
    let mut rest = code;
    while !rest.is_empty() {
        let gap = rest.find(is_word).unwrap_or(rest.len());
        out.push_str(&rest[..gap]);
        rest = &rest[gap..];
        let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        rest = after;
        if word.eq_ignore_ascii_case("ROWID") && previous.eq_ignore_ascii_case("WITHOUT") {
            out.truncate(without_at);
        } else {
            without_at = out.len();
            out.push_str(word);
            // In a cast the type stands alone.
            if word.eq_ignore_ascii_case("TEXT") && !previous.eq_ignore_ascii_case("AS") {
                out.push_str(" COLLATE \"C\"");
            }
        }
        previous = word;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_renumbered_outside_literals() {
        assert_eq!(
            number_for_sqlite("SELECT $2, '$1 ''$3''', \"$4\" -- $5\n, $1 /* $6 */ || $12, a$, $"),
            "SELECT ?2, '$1 ''$3''', \"$4\" -- $5\n, ?1 /* $6 */ || ?12, a$, $"
        );
        assert_eq!(number_for_sqlite("SELECT 'unclosed $1"), "SELECT 'unclosed $1");
    }

    #[test]
    fn schema_words_are_translated() {
        assert_eq!(
            schema_for_postgres(
                "CREATE TABLE t (a TEXT NOT NULL, context BIGINT, b text DEFAULT 'TEXT', -- TEXT\nPRIMARY KEY (a)) \
                 without rowid; SELECT CAST(a AS TEXT) FROM text_table; CREATE TABLE u (a UUID) WITHOUT\n ROWID"
            ),
            "CREATE TABLE t (a TEXT COLLATE \"C\" NOT NULL, context BIGINT, b text COLLATE \"C\" DEFAULT 'TEXT', \
             -- TEXT\nPRIMARY KEY (a)) ; SELECT CAST(a AS TEXT) FROM text_table; CREATE TABLE u (a UUID) "
        );
    }

    proptest::proptest! {
        #[test]
        fn spans_lose_nothing(sql in "[-a$1'\"/* \nä]{0,40}") {
            let again: String = spans(&sql).map(|s| match s { Span::Code(s) | Span::Other(s) => s }).collect();
            proptest::prop_assert_eq!(&again, &sql);
            proptest::prop_assert_eq!(number_for_sqlite(&sql).len(), sql.len());
        }
    }
}
