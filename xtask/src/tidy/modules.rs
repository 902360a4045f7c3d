//! Every file is compiled: it is the root of a program or library, or a module of another file.

use super::Project;
use crate::finding::Finding;

/// Files that Cargo compiles by their name, in the folder of a package.
const ROOTS: [&str; 6] =
    ["build.rs", "it/main.rs", "src/lib.rs", "src/main.rs", "tests/it/main.rs", "tests/main.rs"];
/// Folders each of whose files is compiled by itself: by Cargo, or by a test that expects it not to
/// compile (`tests/ui`).
const ROOT_FOLDERS: [&str; 4] = ["benches/", "examples/", "src/bin/", "tests/ui/"];

pub(super) fn declared(project: &Project<'_>) -> Vec<Finding> {
    let stray = project.rust.iter().filter(|file| {
        !is_root(file.path()) && !parents(file.path()).any(|p| declares(&p, project))
    });
    let message = "no file declares this one with `mod`, so it is not compiled and nothing in it \
                   is checked; declare it, or remove it";
    stray.map(|file| Finding::new(file.path(), 1, "", message)).collect()
}

/// A file that may declare a module, and the module's name.
struct Parent {
    path: String,
    module: String,
}

/// The files that may declare the one at `path`.
fn parents(path: &str) -> impl Iterator<Item = Parent> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = name.trim_end_matches(".rs");
    let (folder, module) = match (stem, folder.rsplit_once('/')) {
        ("mod", Some((above, module))) => (above, module),
        _ => (folder, stem),
    };
    let inside = ["mod.rs", "lib.rs", "main.rs"].map(|parent| format!("{folder}/{parent}"));
    let beside = format!("{folder}.rs");
    let module = module.to_owned();
    let candidates = inside.into_iter().chain([beside]);
    candidates.map(move |path| Parent { path, module: module.clone() })
}

fn declares(parent: &Parent, project: &Project<'_>) -> bool {
    let file = project.rust.iter().find(|file| file.path() == parent.path);
    let pattern = format!("mod {} ;", parent.module);
    file.is_some_and(|file| file.code.find(&pattern).next().is_some())
}

/// Whether Cargo compiles the file at `path` without being told by another.
fn is_root(path: &str) -> bool {
    let in_package = match path.strip_prefix("crates/") {
        Some(path) => path.split_once('/'),
        None => path.split_once('/'),
    };
    in_package.is_some_and(|(_, inside)| {
        ROOTS.contains(&inside) || ROOT_FOLDERS.iter().any(|folder| inside.starts_with(folder))
    })
}
