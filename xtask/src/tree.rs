//! The source tree as the gates see it: read once, then only looked at.
//!
//! This is the only file of xtask that touches files. It reads the folder itself, not the index of
//! version control, so that a file is checked before it is ever committed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

/// Folders, or links to them, that hold no source: build output, and version control's own files.
const NOT_SOURCE: [&str; 2] = ["target", ".git"];
/// Endings of the files whose text a gate reads. Of all others only the path is known.
const TEXT: [&str; 3] = [".rs", ".toml", ".md"];
/// Files without an ending that a gate reads all the same.
const ALSO_TEXT: [&str; 1] = [".ci/run"];
/// What marks the root of the project, whatever folder the command was started in.
const MARK: &str = "xtask/policy/layers.toml";

/// One text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    /// Path from the root of the workspace, with `/` between its parts.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// Whether the path ends in `.` and `extension`.
    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        self.name().rsplit_once('.').is_some_and(|(_, end)| end == extension)
    }

    /// The last part of the path.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// The files below the root of the workspace, in the order of their paths.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    /// Every file and folder, and the text where a gate may read it.
    entries: BTreeMap<String, Option<Source>>,
}

impl Tree {
    /// Reads the tree that `start` is in.
    ///
    /// # Errors
    ///
    /// When no folder above is the root, or when a file cannot be read as UTF-8.
    pub(crate) fn read(start: &Path) -> Result<Self> {
        let root = find_root(start)?;
        let mut tree = Self { root: root.clone(), entries: BTreeMap::new() };
        tree.read_folder(&root, "")?;
        Ok(tree)
    }

    /// A tree that exists only in memory, for the tests of the gates.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let mut tree = Self::default();
        for (path, text) in files {
            let source = Source { path: (*path).to_owned(), text: (*text).to_owned() };
            tree.entries.insert((*path).to_owned(), Some(source));
            for (end, _) in path.match_indices('/') {
                tree.entries.insert(path[..end].to_owned(), None);
            }
        }
        tree
    }

    /// The text files, in the order of their paths.
    pub(crate) fn sources(&self) -> impl Iterator<Item = &Source> {
        self.entries.values().flatten()
    }

    /// The text file at `path`.
    ///
    /// # Errors
    ///
    /// When there is none.
    pub(crate) fn source(&self, path: &str) -> Result<&Source> {
        let source = self.entries.get(path).and_then(Option::as_ref);
        source.with_context(|| format!("{path}: no such file; the project needs it"))
    }

    /// Whether a file or folder is at `path`.
    pub(crate) fn contains(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// The paths of every file and folder.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Replaces the text of the file at `path`.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    #[expect(clippy::disallowed_methods, reason = "ban: std::fs, the gates render parts of docs/")]
    pub(crate) fn write(&self, path: &str, text: &str) -> Result<()> {
        std::fs::write(self.root.join(path), text).with_context(|| format!("{path}: cannot write"))
    }

    #[expect(clippy::disallowed_methods, reason = "ban: std::fs, the gates read the source tree")]
    fn read_folder(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        let unreadable = || format!("{}: cannot read", folder.display());
        for entry in std::fs::read_dir(folder).with_context(unreadable)? {
            let entry = entry.with_context(unreadable)?;
            let Ok(name) = entry.file_name().into_string() else {
                bail!("{}: a file's name is not UTF-8; rename it", folder.display());
            };
            if NOT_SOURCE.contains(&name.as_str()) {
                continue;
            }
            let path = format!("{prefix}{name}");
            if entry.file_type().with_context(unreadable)?.is_dir() {
                self.read_folder(&entry.path(), &format!("{path}/"))?;
                self.entries.insert(path, None);
            } else if is_text(&path) {
                let text = std::fs::read_to_string(entry.path())
                    .with_context(|| format!("{path}: cannot read as UTF-8"))?;
                self.entries.insert(path.clone(), Some(Source { path, text }));
            } else {
                self.entries.insert(path, None);
            }
        }
        Ok(())
    }
}

fn is_text(path: &str) -> bool {
    TEXT.iter().any(|ending| path.ends_with(ending)) || ALSO_TEXT.contains(&path)
}

/// The nearest folder at or above `start` that is the root of the project.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, looks for the root of the project")]
fn find_root(start: &Path) -> Result<PathBuf> {
    let root = start.ancestors().find(|folder| folder.join(MARK).is_file());
    root.map(Path::to_path_buf).with_context(|| {
        format!("{}: not inside the project ({MARK} is nowhere above); go there", start.display())
    })
}
