//! Parts of documents that are rendered from data, between two marks, and compared with it.

use anyhow::{Result, bail};

use crate::finding::{Finding, Verdict};
use crate::tree::Tree;

/// A part of a document.
#[derive(Debug)]
pub(crate) struct Part {
    /// The document's path.
    pub(crate) document: &'static str,
    /// What it shows, and from which file: in the mark that begins it.
    pub(crate) shows: &'static str,
    /// The command that renders it.
    pub(crate) command: &'static str,
    pub(crate) text: String,
}

impl Part {
    /// A finding where the document is not what the data says.
    ///
    /// # Errors
    ///
    /// When the document is missing or lacks the marks.
    pub(crate) fn check(&self, tree: &Tree, rule: &'static str) -> Result<Option<Finding>> {
        let is = &tree.source(self.document)?.text;
        let wanted = self.insert(is)?;
        if *is == wanted {
            return Ok(None);
        }
        let same = is.lines().zip(wanted.lines()).take_while(|(is, wanted)| is == wanted).count();
        let message = format!("not what its source says; run `{}`", self.command);
        Ok(Some(Finding::new(self.document, same + 1, rule, message)))
    }

    /// Renders the part into its document.
    ///
    /// # Errors
    ///
    /// When the document is missing, lacks the marks or cannot be written.
    pub(crate) fn write(&self, tree: &Tree) -> Result<Verdict> {
        let text = self.insert(&tree.source(self.document)?.text)?;
        tree.write(self.document, &text)?;
        Ok(Verdict::Clean)
    }

    /// `document` with the part between its marks.
    fn insert(&self, document: &str) -> Result<String> {
        let begin = format!("<!-- {}; rendered by `{}` -->", self.shows, self.command);
        let end = "<!-- end of what is rendered -->";
        let parts = document.split_once(&begin);
        let parts = parts.and_then(|(head, rest)| Some((head, rest.split_once(end)?.1)));
        let Some((head, tail)) = parts else {
            bail!("{}: needs a line `{begin}` and a later line `{end}`", self.document);
        };
        Ok(format!("{head}{begin}\n\n{}\n\n{end}{tail}", self.text.trim_end()))
    }
}

#[cfg(test)]
mod tests;
