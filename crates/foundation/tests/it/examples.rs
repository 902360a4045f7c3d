//! What the examples print is what their golden files say.

#[path = "../../examples/crash_and_recover.rs"]
#[expect(dead_code, reason = "its `main` prints what is compared here")]
mod crash_and_recover;

#[tokio::test(start_paused = true)]
async fn crash_and_recover_tells_the_story_of_its_golden_file() {
    let mut told = String::new();
    let mut say = |line: String| {
        told.push_str(&line);
        told.push('\n');
    };
    crash_and_recover::story(&mut say).await.unwrap();
    assert_eq!(told, include_str!("../../examples/crash_and_recover.out"));
}
