//! All chains of up to five versions, each start; random chains against one composed function.

use foundation::{Error, Result};
use proptest::prelude::*;

use super::{Upcasts, UpcastsBuilder};
use crate::append::Payload;
use crate::codes;

/// Steps from each of `oldest..newest`, each of which writes down that it ran.
fn chain(oldest: u16, newest: u16) -> UpcastsBuilder {
    (oldest..newest).fold(Upcasts::builder("balance", newest), |builder, from| {
        builder.step(from, move |mut bytes| {
            bytes.push(u8::try_from(from).unwrap());
            Ok(bytes)
        })
    })
}

fn refused(builder: UpcastsBuilder, field: &str, message: &str) {
    let error = builder.build().unwrap_err();
    assert_eq!(error.code(), "invalid_options");
    assert_eq!(error.details().get("field").and_then(|field| field.as_str()), Some(field));
    assert_eq!(error.message(), message);
}

#[test]
fn every_version_of_every_chain_is_read_through_its_own_steps_in_order() {
    for newest in 0..=4_u16 {
        for oldest in 0..=newest {
            let upcasts = chain(oldest, newest).build().unwrap();
            assert_eq!((upcasts.oldest(), upcasts.newest()), (oldest, newest));
            for schema in 0..=6 {
                let case = format!("schema {schema} of a chain from {oldest} to {newest}");
                let done = upcasts.upcast(Payload::new(schema, *b"\xff"));
                if schema > newest {
                    let error = done.unwrap_err();
                    assert_eq!(error.code(), codes::SCHEMA_NEWER.name, "{case}");
                    assert_eq!(error.details()["known"], newest, "{case}");
                    assert_eq!(error.details()["schema"], schema, "{case}");
                } else if schema < oldest {
                    let error = done.unwrap_err();
                    assert_eq!(error.code(), codes::SCHEMA_UNKNOWN.name, "{case}");
                    assert_eq!(error.details()["oldest"], oldest, "{case}");
                    assert_eq!(error.details()["payload"], "balance", "{case}");
                } else {
                    let steps = (schema..newest).map(|from| u8::try_from(from).unwrap());
                    let expected: Vec<u8> = [0xff].into_iter().chain(steps).collect();
                    assert_eq!(done.unwrap(), Payload::new(newest, expected), "{case}");
                }
            }
        }
    }
}

#[test]
fn the_first_and_the_last_number_of_a_schema_can_be_used() {
    let upcasts = chain(0, 1).build().unwrap();
    assert_eq!(upcasts.upcast(Payload::new(0, [])).unwrap(), Payload::new(1, [0]));
    let step = |bytes| Ok(bytes);
    let upcasts = Upcasts::builder("balance", u16::MAX).step(u16::MAX - 1, step).build().unwrap();
    let old = Payload::new(u16::MAX - 1, *b"10");
    assert_eq!(upcasts.upcast(old).unwrap(), Payload::new(u16::MAX, *b"10"));
    refused(
        Upcasts::builder("balance", u16::MAX).step(u16::MAX, step),
        "steps",
        "the upcasts of balance: a step from 65535, and 65535 is the newest",
    );
}

#[test]
fn each_chain_with_a_step_missing_or_twice_is_refused() {
    let step = |bytes| Ok(bytes);
    for newest in 2..=5_u16 {
        for left_out in 1..newest {
            let steps = (0..newest).filter(|from| *from != left_out);
            let builder = steps.fold(Upcasts::builder("balance", newest), |b, at| b.step(at, step));
            let message = format!("the upcasts of balance: no step from {left_out}");
            refused(builder, "steps", &message);
        }
    }
    for twice in 0..4 {
        let message = format!("the upcasts of balance: two steps from {twice}");
        refused(chain(0, 4).step(twice, step), "steps", &message);
    }
    for late in 4..6 {
        let message = format!("the upcasts of balance: a step from {late}, and 4 is the newest");
        refused(chain(0, 4).step(late, step), "steps", &message);
    }
}

#[test]
fn steps_may_be_given_in_any_order() {
    let step = |number: u8| {
        move |mut bytes: Vec<u8>| {
            bytes.push(number);
            Ok(bytes)
        }
    };
    let builder = Upcasts::builder("balance", 4);
    let upcasts = builder.step(3, step(3)).step(1, step(1)).step(2, step(2)).build().unwrap();
    assert_eq!(upcasts.upcast(Payload::new(1, [])).unwrap(), Payload::new(4, [1, 2, 3]));
}

#[test]
fn only_a_version_that_is_read_can_be_written() {
    assert_eq!(chain(2, 4).build().unwrap().writes(), 4, "the newest, when nothing is said");
    for schema in 0..=6 {
        if (2..=4).contains(&schema) {
            assert_eq!(chain(2, 4).writes(schema).build().unwrap().writes(), schema);
        } else {
            let message = format!("the upcasts of balance: {schema} is not from 2 to 4");
            refused(chain(2, 4).writes(schema), "writes", &message);
        }
    }
}

/// Two releases, the second with the schema 2, before and after it is allowed to write it.
#[test]
fn a_release_reads_what_the_next_one_writes_until_that_is_raised() {
    let before = Upcasts::builder("balance", 1).build().unwrap();
    let written_by = |upcasts: &Upcasts| Payload::new(upcasts.writes(), *b"10");

    let unraised = chain(1, 2).writes(1).build().unwrap();
    assert!(before.upcast(written_by(&unraised)).is_ok(), "taken back, nothing is lost");
    let raised = chain(1, 2).build().unwrap();
    let error = before.upcast(written_by(&raised)).unwrap_err();
    assert_eq!(error.code(), codes::SCHEMA_NEWER.name, "not taken for something else");
    for upcasts in [&unraised, &raised] {
        for writer in [&before, &unraised, &raised] {
            assert_eq!(upcasts.upcast(written_by(writer)).unwrap().schema(), 2);
        }
    }
}

#[test]
fn a_step_that_fails_says_where_and_why_and_ends_the_chain() {
    let builder = Upcasts::builder("balance", 3)
        .step(1, Ok)
        .step(2, |_| Err(Error::validation("no_currency").with_message("there is no currency")));
    let upcasts = builder.build().unwrap();
    for schema in [1, 2] {
        let error = upcasts.upcast(Payload::new(schema, *b"10")).unwrap_err();
        assert_eq!(error.code(), codes::UPCAST_FAILED.name);
        assert_eq!(error.message(), "a balance was not upcast from 2 to 3");
        let detail = |key: &str| error.details()[key].as_u64();
        assert_eq!(detail("schema"), Some(u64::from(schema)), "what it was written in");
        assert_eq!((detail("from"), detail("to")), (Some(2), Some(3)));
        let source = std::error::Error::source(&error).unwrap().to_string();
        assert!(source.contains("there is no currency"), "{source}");
    }
    assert!(upcasts.upcast(Payload::new(3, *b"10")).is_ok(), "no step is taken");
}

#[test]
fn what_is_printed_names_the_versions() {
    let builder = chain(1, 3).writes(2);
    let expected =
        "UpcastsBuilder { name: \"balance\", newest: 3, writes: Some(2), steps: [1, 2] }";
    assert_eq!(format!("{builder:?}"), expected);
    let expected = "Upcasts { name: \"balance\", oldest: 1, newest: 3, writes: 2, .. }";
    assert_eq!(format!("{:?}", builder.build().unwrap()), expected);
}

/// What a random step does.
#[derive(Debug, Clone)]
enum Does {
    Add(u8),
    Reverse,
    Drop,
    Refuse(u8),
}

impl Does {
    fn run(&self, mut bytes: Vec<u8>) -> Result<Vec<u8>> {
        match self {
            Self::Add(byte) => bytes.push(*byte),
            Self::Reverse => bytes.reverse(),
            Self::Drop => drop(bytes.pop()),
            Self::Refuse(byte) if bytes.last() == Some(byte) => {
                return Err(Error::validation("refused_byte"));
            }
            Self::Refuse(_) => {}
        }
        Ok(bytes)
    }
}

fn any_step() -> impl Strategy<Value = Does> {
    prop_oneof![
        any::<u8>().prop_map(Does::Add),
        Just(Does::Reverse),
        Just(Does::Drop),
        (0..4_u8).prop_map(Does::Refuse),
    ]
}

proptest! {
    #[test]
    fn a_chain_is_the_composition_of_its_steps(
        oldest in 0_u16..5,
        steps in prop::collection::vec(any_step(), 0..8),
        start in 0_usize..8,
        bytes in prop::collection::vec(0..4_u8, 0..6),
    ) {
        let newest = oldest + u16::try_from(steps.len()).unwrap();
        let start = start.min(steps.len());
        let builder = (oldest..).zip(steps.clone()).fold(
            Upcasts::builder("balance", newest),
            |builder, (from, step)| builder.step(from, move |bytes| step.run(bytes)),
        );
        let upcasts = builder.build().unwrap();
        let schema = oldest + u16::try_from(start).unwrap();
        let done = upcasts.upcast(Payload::new(schema, bytes.clone()));

        // One function for the rest of the chain, which stops at the first refusal.
        let composed = steps[start..].iter().try_fold(bytes, |bytes, step| step.run(bytes));
        match (done, composed) {
            (Ok(done), Ok(expected)) => prop_assert_eq!(done, Payload::new(newest, expected)),
            (Err(error), Err(_)) => prop_assert_eq!(error.code(), codes::UPCAST_FAILED.name),
            (done, composed) => prop_assert!(false, "{:?} in place of {:?}", done, composed),
        }
    }
}
