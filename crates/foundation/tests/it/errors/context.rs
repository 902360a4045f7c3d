//! The context of an error: nested, restored on every way out, and never mixed up.

use foundation::{Error, ErrorContext, Result, System};
use testkit::panics;

async fn context() -> (System, ErrorContext) {
    let system = System::builder().name("shop").seed(7).start().await.unwrap();
    let context = system.error_context("checkout").with_correlation_id("r-1").with("order", 7);
    (system, context)
}

fn shown(context: &ErrorContext) -> String {
    format!("{} {:?} {:?}", context.operation(), context.correlation_id(), context.metadata())
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_left_as_it_was_entered_on_ok_error_and_panic() {
    // ERR-3
    let (system, mut context) = context().await;
    let before = shown(&context);
    let inside = |context: &mut ErrorContext| {
        context.insert("order", 8);
        context.insert("bank", "north");
        assert_eq!(context.operation(), "checkout/charge");
    };
    context
        .scope("charge", |context| {
            inside(context);
            Ok(())
        })
        .unwrap();
    assert_eq!(shown(&context), before);
    let failed: Result<()> = context.scope("charge", |context| {
        inside(context);
        Err(Error::business("no"))
    });
    assert_eq!(failed.unwrap_err().code(), "no");
    assert_eq!(shown(&context), before);
    let said = panics(|| {
        context.scope("charge", |context| -> Result<()> {
            inside(context);
            panic!("oops")
        })
    });
    assert_eq!((said.as_str(), shown(&context)), ("oops", before.clone()));
    {
        let waiting = context.scope_async("charge", async |context| {
            inside(context);
            std::future::pending::<Result<()>>().await
        });
        let mut waiting = std::pin::pin!(waiting);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
    }
    assert_eq!(shown(&context), before, "the future was dropped");
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_error_is_stamped_where_it_happened_and_keeps_that_stamp() {
    // ERR-5
    let (system, mut context) = context().await;
    let result: Result<()> = context
        .scope_async("charge", async |context| {
            context.insert("step", 3);
            context.breadcrumb("asking the bank");
            context.scope_async("connect", async |_| Err(Error::infrastructure("refused"))).await
        })
        .await;
    let error = result.unwrap_err();
    let origin = error.origin().unwrap();
    assert_eq!(origin.operation, "checkout/charge/connect");
    assert_eq!(origin.correlation_id.as_deref(), Some("r-1"));
    assert_eq!((&origin.metadata["order"], &origin.metadata["step"]), (&7.into(), &3.into()));
    assert_eq!(origin.breadcrumbs[0].operation, "checkout/charge");
    let stamped = (error.id(), error.at(), error.origin().cloned());
    let passed_on: Result<()> = context.scope("report", |_| Err(error));
    let error = passed_on.unwrap_err();
    assert_eq!((error.id(), error.at(), error.origin().cloned()), stamped);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_task_inherits_the_context_and_goes_its_own_way() {
    // ERR-5
    let (system, mut context) = context().await;
    context.breadcrumb("before");
    let mut inherited = context.inherit("mail");
    inherited.insert("order", 9);
    inherited.breadcrumb("in the task");
    let error = inherited.stamp(Error::infrastructure("smtp_down"));
    let origin = error.origin().unwrap();
    assert_eq!((&*origin.operation, &origin.metadata["order"]), ("checkout/mail", &9.into()));
    assert_eq!(origin.correlation_id.as_deref(), Some("r-1"));
    let messages: Vec<_> = origin.breadcrumbs.iter().map(|crumb| &*crumb.message).collect();
    assert_eq!(messages, ["before", "in the task"]);
    assert_eq!(context.metadata()["order"], 7);
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn contexts_of_parallel_tasks_do_not_mix() {
    // ERR-3: 10 tasks, 50 operations each, taking turns at every step.
    let system = System::builder().name("shop").start().await.unwrap();
    let log = testkit::Log::default();
    let executor = system.executor("tasks");
    for task in 0..10 {
        let mut context = system.error_context("task").with("task", task);
        let log = log.clone();
        executor.execute(async move {
            for operation in 0..50 {
                let result: Result<()> = context
                    .scope_async("operation", async |context| {
                        context.insert("operation", operation);
                        tokio::task::yield_now().await;
                        Err(Error::business("no"))
                    })
                    .await;
                let error = result.unwrap_err();
                let metadata = &error.origin().unwrap().metadata;
                assert_eq!(metadata["task"], task);
                assert_eq!(metadata["operation"], operation);
                assert_eq!(context.metadata().len(), 1);
            }
            log.push("done");
        });
    }
    testkit::eventually(|| match log.count("done") {
        10 => Ok(()),
        done => Err(format!("{done} are done")),
    })
    .await;
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_the_last_breadcrumbs_are_kept() {
    let (system, mut context) = context().await;
    for n in 0..100 {
        context.breadcrumb(n.to_string());
    }
    let error = context.stamp(Error::business("no"));
    let breadcrumbs = &error.origin().unwrap().breadcrumbs;
    assert_eq!((breadcrumbs.len(), &*breadcrumbs[0].message), (32, "68"));
    system.stop().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_stamped_error_survives_its_json_form() {
    let (system, mut context) = context().await;
    context.breadcrumb("before");
    let error = context.stamp(Error::business("no"));
    let json = serde_json::to_string(&error).unwrap();
    assert_eq!(serde_json::from_str::<Error>(&json).unwrap(), error);
    system.stop().await.unwrap();
}
