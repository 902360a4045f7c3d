//! Pressure: nobody appends without a permit.

use super::ask::{
    answer, append, at_once, attempt, event, fails, ok, outcome, queue, refuses, try_queue,
    version, within,
};
use super::store::Store;
use super::{Harness, Setup};
use crate::append::{Append, Limits};
use crate::codes;
use crate::permit::{Pressure, Share};

async fn with(harness: &dyn Harness, pressure: Pressure) -> Store<'_> {
    let limits = Limits { payload: 1024, append: 4096, ..Limits::default() };
    Store::with(harness, Setup { limits, pressure, ..Setup::default() }).await
}

pub(super) async fn appends_of_a_writer_wait_for_a_permit(harness: &dyn Harness) {
    let mut store = with(harness, Pressure { writer_appends: 2, ..Pressure::default() }).await;
    let (stream, other) = (store.stream(0, 0), store.stream(0, 1));
    let (mut writer, bystander) = (store.writer(&stream).await, store.writer(&other).await);
    let first = ok(within("it comes", writer.permit(Share::New, 10)).await, "a permit is given");
    let second = ok(within("it comes", writer.permit(Share::New, 10)).await, "a permit is given");
    let third = at_once(writer.permit(Share::New, 10)).await;
    assert!(third.is_none(), "without a permit left, who wants to append waits");
    let reserved = within("it comes", writer.permit(Share::Reserved, 10)).await;
    drop(ok(reserved, "completions do not wait for new work"));
    let others = within("it comes", bystander.permit(Share::New, 10)).await;
    drop(ok(others, "another writer has permits of its own"));
    let ticket = ok(writer.append(first, event("first")), "an append is queued");
    let third = ok(within("it comes", writer.permit(Share::New, 10)).await, "a permit is given");
    ok(outcome(ticket).await, "a permit is free when the ticket before is answered");
    let fourth = at_once(writer.permit(Share::New, 10)).await;
    assert!(fourth.is_none(), "a permit that is free is given once");
    drop(second);
    let fourth = at_once(writer.permit(Share::New, 10)).await;
    assert!(fourth.is_some(), "a permit that is dropped is given back");
    drop((third, fourth, writer, bystander));
    store.end().await;
}

pub(super) async fn appends_of_a_journal_wait_for_a_permit(harness: &dyn Harness) {
    let mut store = with(harness, Pressure { appends: 2, ..Pressure::default() }).await;
    let (stream, other) = (store.stream(0, 0), store.stream(1, 0));
    let (mut writer, bystander) = (store.writer(&stream).await, store.writer(&other).await);
    let first = ok(within("it comes", writer.permit(Share::New, 10)).await, "a permit is given");
    let second = ok(within("it comes", bystander.permit(Share::New, 10)).await, "it is given");
    let third = at_once(bystander.permit(Share::New, 10)).await;
    assert!(third.is_none(), "writers of a journal share its permits");
    let reserved = within("it comes", bystander.permit(Share::Reserved, 10)).await;
    drop(ok(reserved, "completions do not wait for new work"));
    let ticket = ok(writer.append(first, event("first")), "an append is queued");
    let third = within("it comes", bystander.permit(Share::New, 10)).await;
    drop(ok(third, "a permit is given"));
    ok(outcome(ticket).await, "a permit is free when the ticket before is answered");
    drop((second, writer, bystander));
    store.end().await;
}

pub(super) async fn bytes_wait_for_a_permit(harness: &dyn Harness) {
    let pressure = Pressure { writer_bytes: 8192, bytes: 16_384, ..Pressure::default() };
    let mut store = with(harness, pressure).await;
    let stream = store.stream(0, 0);
    let writer = store.writer(&stream).await;
    let all = within("it comes", writer.permit(Share::New, 8192)).await;
    let all = ok(all, "as much as is ever allowed is given");
    assert_eq!(all.bytes(), 8192, "a permit is for as much as was asked for");
    let more = at_once(writer.permit(Share::New, 1)).await;
    assert!(more.is_none(), "without bytes left, who wants to append waits");
    let over = within("it is told", writer.permit(Share::New, 8193)).await;
    fails(over, codes::TOO_LARGE, "more than is ever allowed is refused at once");
    let over = within("it is told", writer.permit(Share::New, usize::MAX)).await;
    fails(over, codes::TOO_LARGE, "more than is ever allowed is refused at once");
    drop(all);
    let more = at_once(writer.permit(Share::New, 8192)).await;
    assert!(more.is_some(), "bytes of a permit that is dropped are given back");
    drop((more, writer));
    store.end().await;
}

pub(super) async fn refused_appends_give_their_permits_back(harness: &dyn Harness) {
    let mut store =
        with(harness, Pressure { writer_appends: 1, appends: 1, ..Pressure::default() }).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    let answered = Append::new().answer(answer("key", 1, store.time(3600)));
    append(&mut writer, answered.clone()).await;
    for _ in 0..3 {
        let refused = try_queue(&mut writer, event("refused").expecting(version(9))).await;
        refuses(refused, codes::VERSION_CONFLICT, "the stream is not at 9");
        let refused = try_queue(&mut writer, Append::new().delete("")).await;
        refuses(refused, codes::INVALID_RECORD, "a key is not empty");
    }
    for _ in 0..3 {
        let refused = attempt(&mut writer, answered.clone()).await;
        refuses(refused, codes::KEY_ANSWERED, "a key is answered once");
        let refused = try_queue(&mut writer, event("refused")).await;
        refuses(refused, codes::WRITER_FENCED, "nothing follows what was refused");
        writer = store.writer(&stream).await;
    }
    let committed = append(&mut writer, event("goes on")).await;
    assert_eq!(committed.version, version(2), "every permit was given back");
    drop(writer);
    store.end().await;
}

pub(super) async fn a_permit_need_not_be_as_large_as_its_append(harness: &dyn Harness) {
    let pressure = Pressure { writer_bytes: 4096, bytes: 4096, ..Pressure::default() };
    let mut store = with(harness, pressure).await;
    let stream = store.stream(0, 0);
    let mut writer = store.writer(&stream).await;
    // More than all permits together: what was taken too much is missing later, and then paid back.
    let large = || event(&"x".repeat(1000)).event(super::ask::text(&"y".repeat(1000)));
    for _ in 0..20 {
        let first = queue(&mut writer, large()).await;
        let second = queue(&mut writer, large()).await;
        let third = queue(&mut writer, large()).await;
        for ticket in [first, second, third] {
            ok(outcome(ticket).await, "an append larger than its permit is made all the same");
        }
    }
    let all = within("it comes", writer.permit(Share::New, 4096)).await;
    drop(ok(all, "every byte was given back"));
    drop(writer);
    store.end().await;
}
