//! What a program is given, and what comes of it.

use std::time::Duration;

use foundation::{Command, CommandOptions, Commands, System, TaskSupervisor};
use testkit::Telemetry;

use super::machine::{argument, content, folder, mark, nothing_is_left, program};
use super::{MINUTE, Stage, script, shell};
use crate::fixture::strike;

#[tokio::test]
async fn a_program_gives_its_output_and_its_exit_code() {
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let said = commands.run(script("echo out; echo err >&2")).await.unwrap();
    assert_eq!((said.stdout(), said.stderr()), (&b"out\n"[..], &b"err\n"[..]));
    assert_eq!((said.exit_code(), said.signal(), &*said.text()), (Some(0), None, "out\n"));
    assert!(said.took() < MINUTE);

    let error = commands.run(script("echo broken >&2; exit 3")).await.unwrap_err();
    assert_eq!((error.code(), error.is_retryable()), ("command_failed", false));
    let details = error.details();
    assert_eq!((&details["exit_code"], &details["stderr"]), (&3.into(), &"broken".into()));
    assert_eq!(details["program"], "sh");

    let error = commands.run(script("kill -SEGV $$")).await.unwrap_err();
    assert_eq!((error.code(), &error.details()["signal"]), ("command_failed", &11.into()));
    assert_eq!(commands.stats().pool.failed, 2);
    strike(system).await;
}

#[tokio::test]
async fn whoever_asks_says_which_exit_codes_are_no_failure() {
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let differs = commands.run(script("exit 1").accept([0, 1])).await.unwrap();
    assert_eq!(differs.exit_code(), Some(1));
    assert!(commands.run(script("exit 2").accept([0, 1])).await.is_err());
    assert!(commands.run(script("exit 0").accept([1])).await.is_err());
    let killed = commands.run(script("kill -KILL $$").accept_all()).await.unwrap();
    assert_eq!((killed.exit_code(), killed.signal()), (None, Some(9)));
    strike(system).await;
}

// CMD-1
#[tokio::test]
async fn only_what_is_allowed_is_run_and_only_as_it_is_spelt() {
    let options = CommandOptions::default().allow("echo").allow("/bin/cat");
    let Stage { system, commands, .. } = Stage::set(options).await;
    commands.run(Command::new("echo")).await.unwrap();
    commands.run(Command::new("/bin/cat")).await.unwrap();
    for refused in ["sh", "/bin/echo", "cat", "/usr/bin/cat", "/bin/../bin/cat", "ECHO", "echo "] {
        let error = commands.run(Command::new(refused)).await.unwrap_err();
        assert_eq!(
            (error.code(), &error.details()["program"]),
            ("command_not_allowed", &refused.into())
        );
    }
    assert_eq!((commands.stats().not_allowed, commands.stats().pool.submitted), (7, 2));

    commands.allow("true").unwrap();
    commands.run(Command::new("true")).await.unwrap();
    commands.forbid("true").unwrap();
    assert_eq!(commands.forbid("true").unwrap_err().code(), "command_not_allowed");
    assert_eq!(commands.run(Command::new("true")).await.unwrap_err().code(), "command_not_allowed");
    let allowed = commands.allowed();
    assert_eq!(allowed.iter().map(|program| &**program).collect::<Vec<_>>(), ["/bin/cat", "echo"]);
    strike(system).await;
}

#[tokio::test]
async fn an_argument_is_what_it_is_because_there_is_no_shell() {
    let Stage { system, commands, .. } = Stage::set(CommandOptions::default().allow("echo")).await;
    let text = "$(id) `id` $HOME; ls | cat > /dev/null && * ~ \"'\\";
    let said = commands.run(Command::new("echo").args(["-n", text])).await.unwrap();
    assert_eq!(said.text(), text);
    strike(system).await;
}

#[tokio::test]
async fn a_program_without_an_interpreter_is_not_given_to_a_shell() {
    let folder = folder("no interpreter");
    let (file, trace) = (folder.join("script"), folder.join("trace"));
    program(&file, &format!("echo ran > {}\n", trace.display()), 0o755);
    let path = file.to_str().unwrap();
    let Stage { system, commands, .. } = Stage::set(CommandOptions::default().allow(path)).await;
    let error = commands.run(Command::new(path)).await.unwrap_err();
    assert_eq!((error.code(), content(&trace).as_str()), ("process_error", ""));
    strike(system).await;
}

#[tokio::test]
async fn what_cannot_be_started_is_said_with_its_cause() {
    let folder = folder("cannot be started");
    let file = folder.join("not executable");
    program(&file, "#!/bin/sh\n", 0o644);
    let file = file.to_str().unwrap();
    let options = shell().allow("no such program").allow(file).allow("/").allow("/etc/passwd/x");
    let Stage { system, commands, .. } = Stage::set(options).await;
    for missing in ["no such program", file, "/", "/etc/passwd/x"] {
        let error = commands.run(Command::new(missing)).await.unwrap_err();
        assert_eq!(error.code(), "program_not_found", "{missing}");
        assert_eq!(error.details()["program"], missing);
        assert!(std::error::Error::source(&error).is_some());
    }
    let long = format!("/tmp/{}", "x".repeat(300));
    let error = commands.run(script("pwd").current_dir(long)).await.unwrap_err();
    assert_eq!(error.code(), "program_not_found");
    let error = commands.run(script("pwd").current_dir("/no/such/folder")).await.unwrap_err();
    assert_eq!(error.code(), "program_not_found");
    assert_eq!(error.details()["current_dir"], "/no/such/folder");
    strike(system).await;
}

#[tokio::test]
async fn a_name_is_looked_for_in_the_search_path_in_its_order() {
    let folder = folder("search path");
    let (first, second) = (folder.join("first"), folder.join("second"));
    for (place, mode) in [(&first, 0o644), (&second, 0o755)] {
        let tool = place.with_extension("d");
        let tool = tool.join("tool");
        super::machine::folder(&format!(
            "search path/{}.d",
            place.file_name().unwrap().to_str().unwrap()
        ));
        program(&tool, "#!/bin/sh\necho \"$0 $PATH\"\n", mode);
    }
    let places = [first.with_extension("d"), second.with_extension("d")];
    let path = format!("{}:{}", places[0].display(), places[1].display());
    let options = CommandOptions::default().allow("tool").search_path(places.clone());
    let Stage { system, commands, .. } = Stage::set(options).await;
    // As a shell does, it passes over one that may not be executed.
    let said = commands.run(Command::new("tool")).await.unwrap();
    assert_eq!(said.text(), format!("{} {path}\n", places[1].join("tool").display()));
    strike(system).await;
}

#[tokio::test]
async fn a_program_has_the_environment_that_it_is_given_and_no_other() {
    let options = CommandOptions::default().allow("env");
    let Stage { system, commands, .. } = Stage::set(options.clone()).await;
    let said = commands.run(Command::new("env").env("A", "1").env("A", "2")).await.unwrap();
    let path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    let mut lines: Vec<_> = said.text().lines().map(str::to_owned).collect();
    lines.sort();
    assert_eq!(lines, ["A=2", path]);
    strike(system).await;

    let Stage { system, commands, .. } = Stage::set(options.inherit_environment(true)).await;
    let said = commands.run(Command::new("env")).await.unwrap();
    assert!(said.text().contains("CARGO_MANIFEST_DIR="));
    assert!(said.text().lines().any(|line| line == path));
    strike(system).await;
}

#[tokio::test]
async fn a_program_is_run_in_the_folder_that_it_is_given() {
    let Stage { system, commands, .. } = Stage::set(CommandOptions::default().allow("pwd")).await;
    let folder = folder("where it runs");
    let said = commands.run(Command::new("pwd").current_dir(&folder)).await.unwrap();
    assert!(said.text().trim_end().ends_with("commands/where it runs"), "{}", said.text());
    strike(system).await;
}

#[tokio::test]
async fn a_program_reads_what_it_is_given_and_writes_meanwhile() {
    let options = shell().allow("cat").max_output(1 << 24);
    let Stage { system, commands, .. } = Stage::set(options).await;
    // More than the pipes hold in both directions.
    let bytes: Vec<u8> = (0..1 << 22).map(|n: u32| n.to_le_bytes()[n as usize % 3]).collect();
    let said = commands.run(Command::new("cat").stdin(bytes.clone())).await.unwrap();
    assert!(said.stdout() == bytes);
    // It need not read it.
    let said = commands.run(script("echo done").stdin(bytes)).await.unwrap();
    assert_eq!(said.text(), "done\n");
    // And without it there is nothing to read.
    assert_eq!(commands.run(Command::new("cat")).await.unwrap().stdout(), b"");
    strike(system).await;
}

#[tokio::test]
async fn output_is_complete_though_somebody_else_keeps_the_input() {
    let telemetry = Telemetry::listen();
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let (mark, left) = (mark(86440), folder("keeps the input").join("left"));
    // It leaves the group with the input, of which there is more than a pipe holds.
    let text = format!(
        "exec 3<&0; setsid sh -c ': > \"$0\"; exec sleep {mark}' \"$0\" <&3 >/dev/null 2>&1 & \
         echo $!; until test -e \"$0\"; do sleep 0.01; done"
    );
    let command = script(text).arg(argument(&left)).stdin(vec![0; 1 << 20]);
    let said = commands.run(command).await.unwrap();
    assert!(said.is_complete());
    assert_eq!(telemetry.about("command.escaped").len(), 0);
    commands.run(script(format!("kill {}", said.text()))).await.unwrap();
    nothing_is_left(&mark).await;
    strike(system).await;
}

#[tokio::test]
async fn commands_that_cannot_be_are_refused_with_their_field() {
    let Stage { system, commands, .. } = Stage::set(shell()).await;
    let sh = || Command::new("sh");
    let table = [
        (Command::new(""), "program"),
        (Command::new("./sh"), "program"),
        (Command::new("s\0h"), "program"),
        (sh().arg("a\0b"), "args"),
        (sh().args(["-c", "true"]).arg("x".repeat(3 << 20)), "args"),
        (sh().env("", "1"), "env"),
        (sh().env("A=B", "1"), "env"),
        (sh().env("LD_PRELOAD", "/tmp/evil.so"), "env"),
        (sh().env("A", "a\0b"), "env"),
        (sh().current_dir("a\0b"), "current_dir"),
        (sh().deadline(Duration::ZERO), "deadline"),
        (sh().deadline(Duration::MAX), "deadline"),
    ];
    for (command, field) in table {
        let error = commands.run(command).await.unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    assert_eq!(commands.allow("a/b").unwrap_err().code(), "invalid_options");
    strike(system).await;
}

#[tokio::test]
async fn options_that_cannot_be_are_refused_with_their_field() {
    let Stage { system, tasks, .. } = Stage::set(shell()).await;
    let options = CommandOptions::default;
    let table = [
        (options().allow(""), "allow"),
        (options().allow("bin/sh"), "allow"),
        (options().max_concurrent(0), "max_concurrent"),
        (options().max_queue(usize::MAX), "max_queue"),
        (options().deadline(Duration::ZERO), "deadline"),
        (options().kill_after(Duration::MAX), "kill_after"),
        (options().drain(Duration::MAX), "drain"),
        (options().max_output(usize::MAX), "max_output"),
        (options().cache_ttl(Duration::ZERO), "ttl"),
        (options().max_cached(0), "max_entries"),
        (options().search_path(["bin"]), "search_path"),
        (options().search_path(["/a:/b"]), "search_path"),
        (options().search_path([] as [&str; 0]), "search_path"),
    ];
    for (options, field) in table {
        let error = Commands::new(&tasks, options).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &field.into()));
    }
    strike(system).await;
}

#[test]
fn a_runtime_without_input_and_output_runs_no_commands() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let system = System::builder().name("test").start().await.unwrap();
        let tasks = TaskSupervisor::builder().start(&system).await.unwrap();
        let commands = Commands::new(&tasks, shell()).unwrap();
        let error = commands.run(script("true")).await.unwrap_err();
        assert_eq!(error.code(), "no_runtime");
        assert!(format!("{error}").contains("enable_all"), "{error}");
        strike(system).await;
    });
}

#[test]
fn what_is_secret_is_in_no_debug_form() {
    let command = Command::new("curl").arg("token").env("KEY", "token").stdin(*b"token");
    assert!(!format!("{command:?}").contains("token"));
    assert_eq!(argument(std::path::Path::new("a")), "a");
}
