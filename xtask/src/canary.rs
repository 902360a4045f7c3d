//! The proof that every ban of `.clippy.toml` fires.
//!
//! Nothing here is ever called. Each line names a ban and does what it bans, under an expectation
//! that clippy will object; where clippy stays silent, the expectation is unfulfilled and the lint
//! gate fails. `cargo xtask tidy` compares these names with the ban list, both ways.
//!
//! The closures are never called either: they keep the types of the calls out of the way.

#![expect(dead_code, reason = "a canary is read by clippy, not called")]

use std::path::Path;

/// One line per ban: the path as `.clippy.toml` has it, and a use of it.
macro_rules! canary {
    ($($path:literal => $use:expr;)*) => {
        $(
            #[expect(clippy::disallowed_methods, reason = $path)]
            let _ = || $use;
        )*
    };
}

async fn nothing() {}

fn spawn_with_std(scope: &'static std::thread::Scope<'static, 'static>) {
    canary! {
        "std::thread::spawn" => std::thread::spawn(|| ());
        "std::thread::scope" => std::thread::scope(|_| ());
        "std::thread::Builder::spawn" =>
            std::thread::Builder::spawn(std::thread::Builder::new(), || ());
        "std::thread::Builder::spawn_scoped" =>
            std::thread::Builder::spawn_scoped(std::thread::Builder::new(), scope, || ());
        "std::thread::Scope::spawn" => std::thread::Scope::spawn(scope, || ());
    }
}

fn spawn_with_tokio(handle: &tokio::runtime::Handle, runtime: &tokio::runtime::Runtime) {
    canary! {
        "tokio::spawn" => tokio::spawn(nothing());
        "tokio::task::spawn_blocking" => tokio::task::spawn_blocking(|| ());
        "tokio::task::spawn_local" => tokio::task::spawn_local(nothing());
        "tokio::runtime::Handle::spawn" => tokio::runtime::Handle::spawn(handle, nothing());
        "tokio::runtime::Handle::spawn_blocking" =>
            tokio::runtime::Handle::spawn_blocking(handle, || ());
        "tokio::runtime::Runtime::spawn" => tokio::runtime::Runtime::spawn(runtime, nothing());
        "tokio::runtime::Runtime::spawn_blocking" =>
            tokio::runtime::Runtime::spawn_blocking(runtime, || ());
        "tokio::net::lookup_host" => tokio::net::lookup_host("localhost:0");
        "tokio::io::stdin" => tokio::io::stdin();
        "tokio::io::stdout" => tokio::io::stdout();
        "tokio::io::stderr" => tokio::io::stderr();
    }
}

fn spawn_with_task_sets(handle: &tokio::runtime::Handle, local: &tokio::task::LocalSet) {
    let set = || tokio::task::JoinSet::<()>::new();
    canary! {
        "tokio::task::JoinSet::spawn" => tokio::task::JoinSet::spawn(&mut set(), nothing());
        "tokio::task::JoinSet::spawn_on" =>
            tokio::task::JoinSet::spawn_on(&mut set(), nothing(), handle);
        "tokio::task::JoinSet::spawn_local" =>
            tokio::task::JoinSet::spawn_local(&mut set(), nothing());
        "tokio::task::JoinSet::spawn_local_on" =>
            tokio::task::JoinSet::spawn_local_on(&mut set(), nothing(), local);
        "tokio::task::JoinSet::spawn_blocking" =>
            tokio::task::JoinSet::spawn_blocking(&mut set(), || ());
        "tokio::task::JoinSet::spawn_blocking_on" =>
            tokio::task::JoinSet::spawn_blocking_on(&mut set(), || (), handle);
        "tokio::task::LocalSet::spawn_local" =>
            tokio::task::LocalSet::spawn_local(local, nothing());
    }
}

fn spawn_with_a_tracker(
    handle: &tokio::runtime::Handle,
    local: &tokio::task::LocalSet,
    tracker: &tokio_util::task::TaskTracker,
) {
    canary! {
        "tokio_util::task::TaskTracker::spawn" =>
            tokio_util::task::TaskTracker::spawn(tracker, nothing());
        "tokio_util::task::TaskTracker::spawn_on" =>
            tokio_util::task::TaskTracker::spawn_on(tracker, nothing(), handle);
        "tokio_util::task::TaskTracker::spawn_local" =>
            tokio_util::task::TaskTracker::spawn_local(tracker, nothing());
        "tokio_util::task::TaskTracker::spawn_local_on" =>
            tokio_util::task::TaskTracker::spawn_local_on(tracker, nothing(), local);
        "tokio_util::task::TaskTracker::spawn_blocking" =>
            tokio_util::task::TaskTracker::spawn_blocking(tracker, || ());
        "tokio_util::task::TaskTracker::spawn_blocking_on" =>
            tokio_util::task::TaskTracker::spawn_blocking_on(tracker, || (), handle);
    }
}

fn spawn_with_a_map(
    handle: &tokio::runtime::Handle,
    local: &tokio::task::LocalSet,
    pool: &tokio_util::task::LocalPoolHandle,
) {
    let map = || tokio_util::task::JoinMap::<u8, ()>::new();
    canary! {
        "tokio_util::task::JoinMap::spawn" =>
            tokio_util::task::JoinMap::spawn(&mut map(), 0, nothing());
        "tokio_util::task::JoinMap::spawn_on" =>
            tokio_util::task::JoinMap::spawn_on(&mut map(), 0, nothing(), handle);
        "tokio_util::task::JoinMap::spawn_local" =>
            tokio_util::task::JoinMap::spawn_local(&mut map(), 0, nothing());
        "tokio_util::task::JoinMap::spawn_local_on" =>
            tokio_util::task::JoinMap::spawn_local_on(&mut map(), 0, nothing(), local);
        "tokio_util::task::JoinMap::spawn_blocking" =>
            tokio_util::task::JoinMap::spawn_blocking(&mut map(), 0, || ());
        "tokio_util::task::JoinMap::spawn_blocking_on" =>
            tokio_util::task::JoinMap::spawn_blocking_on(&mut map(), 0, || (), handle);
        "tokio_util::task::LocalPoolHandle::spawn_pinned" =>
            tokio_util::task::LocalPoolHandle::spawn_pinned(pool, nothing);
        "tokio_util::task::LocalPoolHandle::spawn_pinned_by_idx" =>
            tokio_util::task::LocalPoolHandle::spawn_pinned_by_idx(pool, nothing, 0);
    }
}

fn files_with_tokio(permissions: &std::fs::Permissions, file: fn() -> std::fs::File) {
    canary! {
        "tokio::fs::canonicalize" => tokio::fs::canonicalize("");
        "tokio::fs::copy" => tokio::fs::copy("", "");
        "tokio::fs::create_dir" => tokio::fs::create_dir("");
        "tokio::fs::create_dir_all" => tokio::fs::create_dir_all("");
        "tokio::fs::hard_link" => tokio::fs::hard_link("", "");
        "tokio::fs::metadata" => tokio::fs::metadata("");
        "tokio::fs::read" => tokio::fs::read("");
        "tokio::fs::read_dir" => tokio::fs::read_dir("");
        "tokio::fs::read_link" => tokio::fs::read_link("");
        "tokio::fs::read_to_string" => tokio::fs::read_to_string("");
        "tokio::fs::remove_dir" => tokio::fs::remove_dir("");
        "tokio::fs::remove_dir_all" => tokio::fs::remove_dir_all("");
        "tokio::fs::remove_file" => tokio::fs::remove_file("");
        "tokio::fs::rename" => tokio::fs::rename("", "");
        "tokio::fs::set_permissions" => tokio::fs::set_permissions("", permissions.clone());
        "tokio::fs::symlink_metadata" => tokio::fs::symlink_metadata("");
        "tokio::fs::try_exists" => tokio::fs::try_exists("");
        "tokio::fs::write" => tokio::fs::write("", "");
        "tokio::fs::DirBuilder::create" => drop(tokio::fs::DirBuilder::create(&<_>::default(), ""));
        "tokio::fs::File::create" => tokio::fs::File::create("");
        "tokio::fs::File::create_new" => tokio::fs::File::create_new("");
        "tokio::fs::File::from_std" => tokio::fs::File::from_std(file());
        "tokio::fs::File::open" => tokio::fs::File::open("");
        "tokio::fs::OpenOptions::open" => drop(tokio::fs::OpenOptions::open(&<_>::default(), ""));
    }
}

fn waits_queues_clocks_and_ids(instant: std::time::Instant, time: std::time::SystemTime) {
    const SHORT: std::time::Duration = std::time::Duration::from_millis(1);
    let now = tokio::time::Instant::now();
    canary! {
        "std::thread::sleep" => std::thread::sleep(SHORT);
        "tokio::time::sleep" => tokio::time::sleep(SHORT);
        "tokio::time::sleep_until" => tokio::time::sleep_until(now);
        "tokio::time::interval" => tokio::time::interval(SHORT);
        "tokio::time::interval_at" => tokio::time::interval_at(now, SHORT);
        "std::sync::mpsc::channel" => std::sync::mpsc::channel::<()>();
        "tokio::sync::mpsc::unbounded_channel" => tokio::sync::mpsc::unbounded_channel::<()>();
        "std::time::Instant::now" => std::time::Instant::now();
        "std::time::Instant::elapsed" => std::time::Instant::elapsed(&instant);
        "std::time::SystemTime::now" => std::time::SystemTime::now();
        "std::time::SystemTime::elapsed" => std::time::SystemTime::elapsed(&time);
        "jiff::Timestamp::now" => jiff::Timestamp::now();
        "jiff::ZonedDateTime::now" => jiff::ZonedDateTime::now();
        "uuid::Uuid::new_v4" => uuid::Uuid::new_v4();
        "uuid::Uuid::now_v7" => uuid::Uuid::now_v7();
    }
}

fn files_with_std(permissions: &std::fs::Permissions) {
    canary! {
        "std::fs::canonicalize" => std::fs::canonicalize("");
        "std::fs::copy" => std::fs::copy("", "");
        "std::fs::create_dir" => std::fs::create_dir("");
        "std::fs::create_dir_all" => std::fs::create_dir_all("");
        "std::fs::exists" => std::fs::exists("");
        "std::fs::hard_link" => std::fs::hard_link("", "");
        "std::fs::metadata" => std::fs::metadata("");
        "std::fs::read" => std::fs::read("");
        "std::fs::read_dir" => std::fs::read_dir("");
        "std::fs::read_link" => std::fs::read_link("");
        "std::fs::read_to_string" => std::fs::read_to_string("");
        "std::fs::remove_dir" => std::fs::remove_dir("");
        "std::fs::remove_dir_all" => std::fs::remove_dir_all("");
        "std::fs::remove_file" => std::fs::remove_file("");
        "std::fs::rename" => std::fs::rename("", "");
        "std::fs::set_permissions" => std::fs::set_permissions("", permissions.clone());
        "std::fs::symlink_metadata" => std::fs::symlink_metadata("");
        "std::fs::write" => std::fs::write("", "");
        "std::fs::DirBuilder::create" =>
            std::fs::DirBuilder::create(&std::fs::DirBuilder::new(), "");
        "std::fs::File::create" => std::fs::File::create("");
        "std::fs::File::create_new" => std::fs::File::create_new("");
        "std::fs::File::open" => std::fs::File::open("");
        "std::fs::File::options" => std::fs::File::options();
        "std::fs::OpenOptions::open" =>
            std::fs::OpenOptions::open(&std::fs::OpenOptions::new(), "");
    }
}

fn files_through_paths(path: &Path) {
    canary! {
        "std::path::Path::canonicalize" => std::path::Path::canonicalize(path);
        "std::path::Path::exists" => std::path::Path::exists(path);
        "std::path::Path::is_dir" => std::path::Path::is_dir(path);
        "std::path::Path::is_file" => std::path::Path::is_file(path);
        "std::path::Path::is_symlink" => std::path::Path::is_symlink(path);
        "std::path::Path::metadata" => std::path::Path::metadata(path);
        "std::path::Path::read_dir" => std::path::Path::read_dir(path);
        "std::path::Path::read_link" => std::path::Path::read_link(path);
        "std::path::Path::symlink_metadata" => std::path::Path::symlink_metadata(path);
        "std::path::Path::try_exists" => std::path::Path::try_exists(path);
    }
}

fn process_wide_things() {
    canary! {
        "std::env::args" => std::env::args();
        "std::env::args_os" => std::env::args_os();
        "std::env::current_dir" => std::env::current_dir();
        "std::env::current_exe" => std::env::current_exe();
        "std::env::home_dir" => std::env::home_dir();
        "std::env::set_current_dir" => std::env::set_current_dir("");
        "std::env::temp_dir" => std::env::temp_dir();
        "std::env::var" => std::env::var("");
        "std::env::var_os" => std::env::var_os("");
        "std::env::vars" => std::env::vars();
        "std::env::vars_os" => std::env::vars_os();
        "std::process::abort" => std::process::abort();
        "std::process::exit" => std::process::exit(0);
        "std::panic::catch_unwind" => std::panic::catch_unwind(|| ());
        "std::panic::set_hook" => std::panic::set_hook(Box::new(|_| ()));
        "std::panic::take_hook" => std::panic::take_hook();
    }
}

/// The same for the guards that must not be held while waiting.
macro_rules! held_across_an_await {
    ($($path:literal => $guard:ident: $type:ty;)*) => {
        $(
            #[expect(clippy::await_holding_invalid_type, reason = $path)]
            async fn $guard(guard: $type) {
                nothing().await;
                drop(guard);
            }
        )*
    };
}

mod guards {
    //! One function per guard: a guard is held from its binding to the end of its function.

    use super::nothing;

    held_across_an_await! {
        "dashmap::mapref::one::Ref" => one: dashmap::mapref::one::Ref<'_, u8, u8>;
        "dashmap::mapref::one::RefMut" => one_mut: dashmap::mapref::one::RefMut<'_, u8, u8>;
        "dashmap::mapref::multiple::RefMulti" =>
            multiple: dashmap::mapref::multiple::RefMulti<'_, u8, u8>;
        "dashmap::mapref::multiple::RefMutMulti" =>
            multiple_mut: dashmap::mapref::multiple::RefMutMulti<'_, u8, u8>;
        "dashmap::mapref::entry::Entry" => entry: dashmap::mapref::entry::Entry<'_, u8, u8>;
    }
}
