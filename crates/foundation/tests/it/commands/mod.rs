//! External commands, with real programs: those of every system, through `sh` where a program has
//! to misbehave.

mod caching;
mod ending;
mod limits;
mod machine;
mod running;
mod stopping;

use std::time::Duration;

use foundation::{ActorRef, Command, CommandOptions, Commands, Supervisor, System, TaskSupervisor};

use crate::fixture::system;

const MOMENT: Duration = Duration::from_millis(100);
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

/// Commands in a system of their own, whose supervisor is started again when it is killed.
struct Stage {
    system: System,
    tasks: ActorRef<TaskSupervisor>,
    commands: Commands,
}

impl Stage {
    async fn set(options: CommandOptions) -> Self {
        let system = system().await;
        let top = Supervisor::one_for_one().child(TaskSupervisor::builder().name("commands"));
        let top = top.start(&system).await.unwrap();
        let tasks = top.child::<TaskSupervisor>("commands").await.unwrap();
        let commands = Commands::new(&tasks, options).unwrap();
        Self { system, tasks, commands }
    }
}

/// `sh` is allowed, and nothing else.
fn shell() -> CommandOptions {
    CommandOptions::default().allow("sh")
}

fn script(text: impl AsRef<str>) -> Command {
    Command::new("sh").arg("-c").arg(text.as_ref())
}
