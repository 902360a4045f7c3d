//! Something else, or undoing.

use foundation::{Error, Result, with_compensation, with_fallback};

#[tokio::test(start_paused = true)]
async fn falls_back_on_errors_of_infrastructure_only() {
    // DEG-1
    let with = async |result: Result<u32>| with_fallback(async { result }, async |_| Ok(7)).await;
    assert_eq!(with(Ok(1)).await.unwrap(), 1);
    assert_eq!(with(Err(Error::infrastructure("down"))).await.unwrap(), 7);
    for error in [Error::validation("a"), Error::business("a"), Error::system("a")] {
        assert_eq!(with(Err(error.clone())).await.unwrap_err(), error);
    }
}

#[tokio::test(start_paused = true)]
async fn a_fallback_sees_the_error_and_may_fail_too() {
    let down = async { Err::<u32, _>(Error::infrastructure("down")) };
    let result = with_fallback(down, async |error| {
        assert_eq!(error.code(), "down");
        Err(Error::business("sold_out"))
    });
    assert_eq!(result.await.unwrap_err().code(), "sold_out");
}

#[tokio::test(start_paused = true)]
async fn a_compensation_undoes_and_leaves_the_error_as_it_was() {
    // RET-4
    let mut undone = Vec::new();
    for error in [Error::infrastructure("down"), Error::business("no"), Error::system("broken")] {
        let failing = async { Err::<u32, _>(error.clone()) };
        let result = with_compensation(failing, |error| {
            undone.push(error.code().to_owned());
            std::future::ready(Ok(()))
        });
        assert_eq!(result.await.unwrap_err(), error);
    }
    assert_eq!(undone, ["down", "no", "broken"]);
    let fine = with_compensation(async { Ok(1) }, async |_| panic!("nothing to undo"));
    assert_eq!(fine.await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_undone_either_names_both_errors() {
    let failing = async { Err::<u32, _>(Error::business("no").with_message("sold out")) };
    let result = with_compensation(failing, async |_| Err(Error::infrastructure("down"))).await;
    let error = result.unwrap_err();
    assert_eq!(error.code(), "compensation_failed");
    assert_eq!(error.details()["error"], "no: sold out");
    assert_eq!(error.report().to_string(), "compensation_failed\n  caused by: down");
}
