//! Changes: told in order, and one of those that were made is the last.

use foundation::{FlagChange, FlagRule, Flags, Percentage};

use crate::fixture::{Said, heard, listener, system};

fn percent(percent: f64) -> Percentage {
    Percentage::new(percent).unwrap()
}

#[tokio::test(start_paused = true)]
async fn three_changes_are_three_events_and_no_change_is_none() {
    // FLAG-1
    let system = system().await;
    let flags = Flags::builder().flag("canary").start(&system).await.unwrap();
    let listener = listener::<FlagChange>(&system).await;
    flags.listen(&listener, Said::Event).unwrap();
    flags.enable("canary").await.unwrap();
    flags.enable("canary").await.unwrap();
    flags.set_percentage("canary", 12.5).await.unwrap();
    flags.reset("canary").await.unwrap();
    flags.reset("canary").await.unwrap();
    let changes = heard(&listener).await;
    assert!(changes.iter().all(|change| &*change.flag == "canary" && change.missed == 0));
    let changes: Vec<_> = changes.iter().map(|it| (it.from.percentage, it.to.percentage)).collect();
    let (none, some, all) = (Percentage::NONE, percent(12.5), Percentage::ALL);
    assert_eq!(changes, [(none, all), (all, some), (some, none)]);
    flags.unlisten(&listener).unwrap();
    flags.enable("canary").await.unwrap();
    assert_eq!(heard(&listener).await, []);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_flag_goes_back_to_what_it_was_defined_with() {
    let system = system().await;
    let rule = FlagRule::percentage(percent(10.0));
    let flags = Flags::builder().flag_with("canary", rule.clone()).start(&system).await.unwrap();
    flags.enable("canary").await.unwrap();
    flags.disable_for("canary", "agent-1").await.unwrap();
    flags.reset("canary").await.unwrap();
    assert_eq!(flags.rule("canary").unwrap(), rule);
    system.stop().await.unwrap();
}
