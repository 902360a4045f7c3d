//! What the operating system knows of this process and of those that it has started. Other tests may
//! run beside each, so what is looked for has a mark of its own.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use testkit::eventually;

/// A number of seconds, longer than any test, that no other process of this machine sleeps for.
pub(super) fn mark(number: u32) -> String {
    format!("{number}.{}", std::process::id())
}

/// How many processes run with this text in their command line; a process that has ended has none.
#[expect(
    clippy::disallowed_methods,
    reason = "ban: std::fs, the kernel tells of processes in files"
)]
pub(super) fn running(text: &str) -> usize {
    let processes = fs::read_dir("/proc").unwrap().filter_map(Result::ok);
    let lines = processes.filter_map(|process| fs::read(process.path().join("cmdline")).ok());
    lines.filter(|line| String::from_utf8_lossy(line).contains(text)).count()
}

/// Whether there is a process of that number, be it one that has ended and was not collected.
#[expect(
    clippy::disallowed_methods,
    reason = "ban: std::fs, the kernel tells of processes in files"
)]
pub(super) fn is_there(process: &str) -> bool {
    Path::new("/proc").join(process).exists()
}

/// How many pipes are open.
#[expect(
    clippy::disallowed_methods,
    reason = "ban: std::fs, the kernel tells of open files in files"
)]
pub(super) fn open_pipes() -> usize {
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let open = open.filter_map(|file| fs::read_link(file.path()).ok());
    open.filter(|file| file.to_string_lossy().starts_with("pipe:")).count()
}

/// Waits until none runs with this text.
pub(super) async fn nothing_is_left(text: &str) {
    eventually(|| match running(text) {
        0 => Ok(()),
        some => Err(format!("{some} run")),
    })
    .await;
}

/// A folder for one test, empty.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, programs leave their traces in files")]
pub(super) fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("commands").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Writes a file that may be executed.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, programs leave their traces in files")]
pub(super) fn program(path: &Path, text: &str, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// What is in a file.
#[expect(clippy::disallowed_methods, reason = "ban: std::fs, programs leave their traces in files")]
pub(super) fn content(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// A path as an argument.
pub(super) fn argument(path: &Path) -> OsString {
    path.as_os_str().to_owned()
}
