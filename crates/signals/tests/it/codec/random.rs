//! Random signals are the same in every form; random bytes, and signals that were damaged, are
//! refused or read, and never more than that.

use std::num::NonZeroU32;

use bytes::Bytes;
use fastrand::Rng;
use http::{HeaderName, HeaderValue};
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use signals::Signal;
use signals::codec::Codec;
use testkit::for_each_seed;

use super::assert_same_in_every_form;
use super::strategy::{signal, value};

const FORMS: [&str; 4] = [
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/json",
    "text/plain",
];

/// A source of random signals that a seed determines.
fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config { cases: 20, failure_persistence: None, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

fn one<S: Strategy>(strategy: &S, runner: &mut TestRunner) -> S::Value {
    strategy.new_tree(runner).unwrap().current()
}

fn cases(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

#[test]
fn a_random_signal_is_the_same_in_every_form() {
    for_each_seed(cases(15), |seed| {
        let done = runner(seed).run(&signal(), |signal| {
            assert_same_in_every_form(&signal);
            Ok(())
        });
        if let Err(wrong) = done {
            panic!("{wrong}");
        }
    });
}

#[test]
fn random_json_is_read_as_the_parser_alone_reads_it() {
    for_each_seed(cases(20), |seed| {
        let mut runner = runner(seed);
        for _ in 0..20 {
            let value = one(&value(), &mut runner);
            let signal = Signal::new("a", "/").id("1").json(value.clone()).build().unwrap();
            let json = Codec::default().encode_json(&signal).unwrap();
            let parsed: serde_json::Value = serde_json::from_slice(&json).unwrap();
            assert_eq!(parsed["data"], value);
            let read = Codec::default().decode_json(&json).unwrap();
            assert_eq!(read.data().as_json(), Some(&value));
        }
    });
}

#[test]
fn what_was_damaged_is_refused_or_is_a_signal() {
    for_each_seed(cases(15), |seed| {
        let (mut runner, mut random) = (runner(seed), Rng::with_seed(seed));
        for _ in 0..20 {
            let signals = [one(&signal(), &mut runner), one(&signal(), &mut runner)];
            let codec = Codec::default();
            let mut json = codec.encode_json(&signals[0]).unwrap().to_vec();
            damage(&mut json, &mut random);
            if let Ok(read) = codec.decode_json(&json) {
                assert_written_again(&read);
            }
            let mut batch = codec.encode_json_batch(&signals).unwrap().to_vec();
            damage(&mut batch, &mut random);
            if let Ok(read) = codec.decode_json_batch(&batch) {
                read.iter().for_each(assert_written_again);
            }
        }
    });
}

#[test]
fn a_message_that_was_damaged_is_refused_or_is_a_signal() {
    for_each_seed(cases(15), |seed| {
        let (mut runner, mut random) = (runner(seed), Rng::with_seed(seed));
        for _ in 0..20 {
            let codec = Codec::default();
            let (mut headers, body) = codec.encode_binary(&one(&signal(), &mut runner)).unwrap();
            let mut body = body.to_vec();
            damage(&mut body, &mut random);
            let names: Vec<HeaderName> = headers.keys().cloned().collect();
            let mut value = headers[&names[random.usize(..names.len())]].as_bytes().to_vec();
            damage(&mut value, &mut random);
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.insert(&names[random.usize(..names.len())], value);
            }
            if let Ok(read) = codec.decode(&headers, body.into()) {
                read.into_signals().iter().for_each(assert_written_again);
            }
        }
    });
}

#[test]
fn random_bytes_are_refused_in_every_form() {
    for_each_seed(cases(200), |seed| {
        let mut random = Rng::with_seed(seed);
        let length = random.usize(..200);
        let letters = b"{}[]\",:0123456789.eE+-\\ \nutrfalsn\xff\xc3\xa9datidsourcetype";
        let is_any = random.bool();
        let mut byte =
            || if is_any { random.u8(..) } else { letters[random.usize(..letters.len())] };
        let bytes: Bytes = (0..length).map(|_| byte()).collect();
        for form in FORMS {
            let headers = super::headers(&[("content-type", form)]);
            let read = Codec::default().decode(&headers, bytes.clone());
            assert!(read.is_err() || bytes.trim_ascii() == b"[]", "{form} {bytes:?}");
        }
    });
}

/// Changes, takes out, repeats or puts in something.
fn damage(bytes: &mut Vec<u8>, random: &mut Rng) {
    for _ in 0..random.usize(1..4) {
        if bytes.is_empty() {
            return;
        }
        let place = random.usize(..bytes.len());
        let end = (place + random.usize(..8)).min(bytes.len());
        match random.u8(..6) {
            0 => bytes[place] = random.u8(..),
            1 => bytes[place] = *b"{}[]\",:019-.e\\u \n".get(random.usize(..17)).unwrap(),
            2 => drop(bytes.drain(place..end)),
            3 => bytes.truncate(place),
            4 => bytes.insert(place, random.u8(..)),
            _ => {
                let part = bytes[place..end].to_vec();
                bytes.splice(place..place, part);
            }
        }
    }
}

/// That what was read is written and read again.
fn assert_written_again(signal: &Signal) {
    let codec = Codec::default();
    let json = codec.encode_json(signal).unwrap();
    assert_eq!(codec.decode_json(&json).unwrap(), *signal);
    // Binary mode cannot say everything, but what it says is the same.
    if let Ok((headers, body)) = codec.encode_binary(signal) {
        assert_eq!(
            codec.decode(&headers, body).unwrap().into_signals(),
            std::slice::from_ref(signal)
        );
    }
}
