//! Rust source as a flat run of tokens, so that a text rule never mistakes a comment or a string
//! for code, and sees inside macros.
//!
//! Doc comments appear as the `doc` attributes they are. Patterns are written with spaces between
//! tokens: `"# [ ignore"`; `::` is one word there and two tokens in the source.

use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// One token: a word, a literal as written, or one character of punctuation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) text: String,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// The tokens of one file.
#[derive(Debug, Default)]
pub(crate) struct Code {
    tokens: Vec<Token>,
}

/// Why a file has no tokens: it is not Rust.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotRust {
    pub(crate) line: usize,
    pub(crate) message: String,
}

impl Code {
    /// Splits `text` into tokens.
    ///
    /// # Errors
    ///
    /// Where a literal or a bracket does not close.
    pub(crate) fn parse(text: &str) -> Result<Self, NotRust> {
        let stream = text.parse::<TokenStream>().map_err(|error| NotRust {
            line: error.span().start().line.max(1),
            message: error.to_string(),
        })?;
        let mut code = Self::default();
        code.flatten(stream);
        Ok(code)
    }

    /// Where `pattern` begins: the indices of its first tokens.
    pub(crate) fn find(&self, pattern: &str) -> impl Iterator<Item = usize> {
        let pattern = words(pattern);
        let last = (self.tokens.len() + 1).saturating_sub(pattern.len());
        (0..last).filter(move |start| {
            let here = self.tokens[*start..].iter().map(|token| token.text.as_str());
            pattern.iter().copied().eq(here.take(pattern.len()))
        })
    }

    /// Whether `pattern` stands at `index`.
    pub(crate) fn starts_with(&self, index: usize, pattern: &str) -> bool {
        let here = self.tokens.get(index..).unwrap_or_default().iter();
        let pattern = words(pattern);
        pattern.iter().copied().eq(here.take(pattern.len()).map(|token| token.text.as_str()))
    }

    /// The line of the token at `index`.
    pub(crate) fn line(&self, index: usize) -> usize {
        self.tokens.get(index).map_or(1, |token| token.line)
    }

    /// The tokens at `range`, as far as there are any.
    pub(crate) fn slice(&self, range: Range<usize>) -> &[Token] {
        let end = range.end.min(self.tokens.len());
        self.tokens.get(range.start..end).unwrap_or_default()
    }

    /// The tokens between the bracket at `open` and the one that closes it.
    pub(crate) fn inside(&self, open: usize) -> Range<usize> {
        let mut depth = 0_usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            match token.text.as_str() {
                "(" | "[" | "{" => depth += 1,
                ")" | "]" | "}" => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth == 0 {
                return open + 1..index;
            }
        }
        open + 1..self.tokens.len()
    }

    fn flatten(&mut self, stream: TokenStream) {
        for tree in stream {
            let line = tree.span().start().line;
            match tree {
                TokenTree::Group(group) => {
                    let (open, close) = brackets(group.delimiter());
                    self.push(open, line);
                    self.flatten(group.stream());
                    self.push(close, group.span_close().start().line);
                }
                TokenTree::Ident(word) => self.push(&word.to_string(), line),
                TokenTree::Punct(mark) => self.push(&mark.as_char().to_string(), line),
                TokenTree::Literal(literal) => self.push(&literal.to_string(), line),
            }
        }
    }

    fn push(&mut self, text: &str, line: usize) {
        if !text.is_empty() {
            self.tokens.push(Token { text: text.to_owned(), line });
        }
    }
}

const fn brackets(delimiter: Delimiter) -> (&'static str, &'static str) {
    match delimiter {
        Delimiter::Parenthesis => ("(", ")"),
        Delimiter::Brace => ("{", "}"),
        Delimiter::Bracket => ("[", "]"),
        Delimiter::None => ("", ""),
    }
}

fn words(pattern: &str) -> Vec<&str> {
    let split = |word| {
        if word == "::" { vec![":", ":"] } else { vec![word] }
    };
    pattern.split_whitespace().flat_map(split).collect()
}

/// The text of a string literal without its quotes; anything else has none.
pub(crate) fn string(literal: &str) -> Option<&str> {
    literal.strip_prefix('"')?.strip_suffix('"')
}

#[cfg(test)]
mod tests;
