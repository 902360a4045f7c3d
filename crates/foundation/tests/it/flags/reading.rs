//! For whom flags are on.

use foundation::{FlagRule, Flags, FlagsBuilder, Percentage, flag_bucket};

use crate::fixture::system;

const NAMES: [&str; 3] = ["use_v2", "canary", "enforce"];

#[tokio::test(start_paused = true)]
async fn all_are_off_until_they_are_switched_on() {
    // FLAG-1
    let system = system().await;
    let flags = NAMES.into_iter().fold(Flags::builder(), FlagsBuilder::flag);
    let flags = flags.start(&system).await.unwrap();
    for name in NAMES {
        assert!(!flags.is_enabled(name).unwrap() && !flags.flag(name).unwrap().is_enabled());
        assert!(!flags.is_enabled_for(name, "agent-1").unwrap());
        flags.enable(name).await.unwrap();
        assert!(flags.is_enabled(name).unwrap() && flags.is_enabled_for(name, "a").unwrap());
        flags.disable(name).await.unwrap();
        assert!(!flags.is_enabled(name).unwrap());
        flags.set(name, true).await.unwrap();
        assert!(flags.flag(name).unwrap().is_enabled());
    }
    flags.reset_all().await.unwrap();
    assert!(flags.rules().values().all(|rule| *rule == FlagRule::off()));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_not_defined_is_refused_everywhere() {
    // FLAG-1
    let system = system().await;
    let flags = Flags::builder().flag("use_v2").start(&system).await.unwrap();
    let errors = [
        flags.flag("use_v3").unwrap_err(),
        flags.is_enabled("use_v3").unwrap_err(),
        flags.is_enabled_for("use_v3", "a").unwrap_err(),
        flags.rule("use_v3").unwrap_err(),
        flags.enable("use_v3").await.unwrap_err(),
        flags.set_percentage("use_v3", 5.0).await.unwrap_err(),
        flags.enable_for("use_v3", "a").await.unwrap_err(),
        flags.reset("use_v3").await.unwrap_err(),
    ];
    for error in errors {
        assert_eq!((error.code(), &error.details()["flag"]), ("unknown_flag", &"use_v3".into()));
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn half_of_a_thousand_ids_are_in_and_stay_in() {
    // FLAG-2
    let mut runs = Vec::new();
    for _ in 0..2 {
        let system = system().await;
        let flags = Flags::builder().flag("canary").start(&system).await.unwrap();
        flags.set_percentage("canary", 50.0).await.unwrap();
        let canary = flags.flag("canary").unwrap();
        let is_in = |n: &u32| canary.is_enabled_for(&format!("id-{n}"));
        let ids: Vec<_> = (0..1000).filter(is_in).collect();
        assert!((400..=600).contains(&ids.len()), "{}", ids.len());
        assert_eq!((0..1000).filter(is_in).collect::<Vec<_>>(), ids);
        assert!(!canary.is_enabled());
        runs.push(ids);
        system.stop().await.unwrap();
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn a_greater_percentage_takes_more_in_and_nobody_out() {
    // FLAG-3
    let system = system().await;
    for name in NAMES {
        let flags = Flags::builder().flag(name).start(&system).await.unwrap();
        let mut before = Vec::new();
        for percent in [0, 25, 50, 75, 100] {
            flags.set_percentage(name, percent.into()).await.unwrap();
            let is_in = |id: &String| flags.is_enabled_for(name, id).unwrap();
            let ids: Vec<_> = (0..100).map(|n| format!("id-{n}")).filter(is_in).collect();
            let count = i32::try_from(ids.len()).unwrap();
            assert!((count - percent).abs() <= 10, "{count} at {percent} %");
            assert!(before.iter().all(|id| ids.contains(id)), "{name} at {percent} %");
            before = ids;
        }
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_nobody_and_all_is_everybody() {
    // FLAG-4
    let system = system().await;
    let flags = Flags::builder().flag("canary").start(&system).await.unwrap();
    let canary = flags.flag("canary").unwrap();
    let ids: Vec<_> = (0..20_000).map(|n| n.to_string()).collect();
    for (percent, all, everybody) in [(0.0, 0, false), (100.0, ids.len(), true)] {
        flags.set_percentage("canary", percent).await.unwrap();
        assert_eq!(ids.iter().filter(|id| canary.is_enabled_for(id)).count(), all);
        assert_eq!(canary.is_enabled(), everybody);
    }
    flags.set_percentage("canary", 99.99).await.unwrap();
    assert!(!flags.is_enabled("canary").unwrap());
    let out = ids.iter().filter(|id| !canary.is_enabled_for(id));
    assert!(out.map(|id| flag_bucket("canary", id)).all(|place| place == 9999));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_is_named_is_in_or_out_whatever_the_percentage() {
    let system = system().await;
    let flags = Flags::builder().flag("canary").start(&system).await.unwrap();
    flags.enable_for("canary", "agent-1").await.unwrap();
    let canary = flags.flag("canary").unwrap();
    assert!(canary.is_enabled_for("agent-1") && !canary.is_enabled_for("agent-2"));
    assert!(!canary.is_enabled());
    flags.enable("canary").await.unwrap();
    flags.disable_for("canary", "agent-1").await.unwrap();
    assert!(!canary.is_enabled_for("agent-1") && canary.is_enabled_for("agent-2"));
    // For everybody who is not named.
    assert!(canary.is_enabled());
    flags.untarget("canary", "agent-1").await.unwrap();
    assert!(canary.is_enabled_for("agent-1"));
    for id in ["", &"i".repeat(256)] {
        assert_eq!(flags.enable_for("canary", id).await.unwrap_err().details()["field"], "id");
    }
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn flags_that_cannot_be_are_refused() {
    let system = system().await;
    let long = "f".repeat(256);
    let builders = [
        Flags::builder().flag(""),
        Flags::builder().flag(long.as_str()),
        Flags::builder().flag("twice").flag("twice"),
        (0..10_001).fold(Flags::builder(), |flags, n| flags.flag(n.to_string())),
    ];
    for builder in builders {
        let error = builder.build(&system).unwrap_err();
        assert_eq!((error.code(), &error.details()["field"]), ("invalid_options", &"flag".into()));
    }
    let flags = Flags::builder().flag("canary").start(&system).await.unwrap();
    for percent in [-1.0, 101.0, f64::NAN, f64::INFINITY] {
        let error = flags.set_percentage("canary", percent).await.unwrap_err();
        assert_eq!(error.details()["field"], "percentage");
    }
    assert_eq!(flags.rule("canary").unwrap().percentage, Percentage::NONE);
    system.stop().await.unwrap();
}
