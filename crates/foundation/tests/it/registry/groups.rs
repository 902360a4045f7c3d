//! Process groups.

use foundation::{ExitReason, Groups, Query, RegistryChange, RegistryEvent};
use serde_json::json;

use super::{end, idle, puppet};
use crate::fixture::{Idle, strike, system};
use testkit::{Probe, Puppet};

#[tokio::test(start_paused = true)]
async fn members_are_found_in_the_order_in_which_they_joined_as_often_as_they_did() {
    let system = system().await;
    let actors = idle(&system, 3).await;
    let [a, b, c] = [0, 1, 2].map(|n| actors[n].clone());
    let groups = system.groups();
    for member in [&b, &a, &b] {
        groups.join("guests", member).unwrap();
    }
    groups.join("staff", &c).unwrap();
    assert_eq!(groups.members::<Idle>("guests"), Ok(vec![b.clone(), a.clone(), b.clone()]));
    assert_eq!(groups.members::<Idle>("nobody"), Ok(Vec::new()));
    assert_eq!((groups.groups(), groups.len()), (vec!["guests".into(), "staff".into()], 4));

    groups.leave("guests", &b).unwrap();
    assert_eq!(groups.members::<Idle>("guests"), Ok(vec![a.clone()]));
    for (group, member) in [("guests", &b), ("nobody", &a)] {
        assert_eq!(groups.leave(group, member).unwrap_err().code(), "not_registered");
    }
    end(&a).await;
    assert_eq!(groups.groups(), ["staff".into()]);
    assert_eq!(groups.join("guests", &a).unwrap_err().code(), "no_process");
    assert_eq!(groups.join("", &c).unwrap_err().code(), "invalid_options");
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_group_may_have_members_of_several_types() {
    let system = system().await;
    let (actor, puppet) = (idle(&system, 1).await.remove(0), puppet(&system, "puppet").await);
    let groups = Groups::new(&system, "rooms");
    groups.join_with("lobby", &actor, json!({ "seat": 1 })).unwrap();
    groups.join_with("lobby", &puppet, json!({ "seat": 2 })).unwrap();
    groups.join_with("attic", &puppet, json!({ "seat": 2 })).unwrap();
    assert_eq!(groups.members::<Idle>("lobby").unwrap_err().code(), "wrong_type");
    let entries = groups.entries("lobby");
    assert_eq!(entries[0].actor_ref::<Idle>(), Ok(actor));
    assert_eq!(entries[1].actor_ref::<Puppet>(), Ok(puppet.clone()));
    let found = groups.select(&Query::new().eq("seat", 2)).unwrap();
    assert_eq!(found.iter().map(|it| &*it.key).collect::<Vec<_>>(), ["lobby", "attic"]);
    assert_eq!(puppet.status().registrations, 2);
    groups.set_metadata("attic", &puppet, json!({ "seat": 3 })).unwrap();
    assert_eq!(groups.entries("attic")[0].metadata, json!({ "seat": 3 }));
    assert_eq!(groups.set_metadata("cellar", &puppet, 1).unwrap_err().code(), "not_registered");
    Puppet::exit(&puppet, ExitReason::Normal).await;
    assert_eq!((groups.len(), groups.entries("lobby").len()), (1, 1));
    // The groups of the system are others.
    assert!(system.groups().is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn a_listener_hears_who_joins_and_who_leaves() {
    // OTP I34, of groups
    let system = system().await;
    let probe = Probe::default();
    let listener = system.start(probe.spec("listener")).await.unwrap();
    let actor = idle(&system, 1).await.remove(0);
    let groups = system.groups();
    groups.listen(&listener, |event| event).unwrap();
    groups.join("a", &actor).unwrap();
    groups.join("a", &actor).unwrap();
    groups.join("b", &actor).unwrap();
    groups.leave("a", &actor).unwrap();
    end(&actor).await;
    let heard = probe.next_of(6).await;
    let heard: Vec<_> = heard.iter().map(|it: &RegistryEvent| (it.change, &*it.key)).collect();
    let (joins, leaves) = (RegistryChange::Registered, RegistryChange::Unregistered);
    let expected =
        [(joins, "a"), (joins, "a"), (joins, "b"), (leaves, "a"), (leaves, "a"), (leaves, "b")];
    assert_eq!(heard, expected);
    groups.unlisten(&listener).unwrap();
    groups.join("c", &listener).unwrap();
    assert!(listener.inspect().await.is_ok() && probe.take().is_empty());
    strike(system).await;
}

#[tokio::test(start_paused = true)]
async fn large_groups_lose_their_members_one_by_one_and_all_at_once() {
    let system = system().await;
    let actors = idle(&system, 300).await;
    for actor in &actors {
        system.groups().join("all", actor).unwrap();
    }
    for (ended, actor) in actors.iter().step_by(2).enumerate() {
        end(actor).await;
        assert_eq!(system.groups().len(), 299 - ended);
    }
    let left: Vec<_> = actors.iter().skip(1).step_by(2).cloned().collect();
    assert_eq!(system.groups().members::<Idle>("all"), Ok(left));
    let groups = system.groups().clone();
    strike(system).await;
    assert!(groups.is_empty());
}
