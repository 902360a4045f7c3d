//! A journal in memory: it does all that a journal does, and nothing of it survives the process.
//!
//! - **It is the reference.** What other engines come to is compared with it, so it is written to
//!   be obviously right: plain maps under one lock, and no shorter way for anything.
//! - **Appending is committing.** A ticket is answered before `append` returns it.
//! - **The codec is asked all the same**, outside the lock, so that its errors are seen here too.

mod coded;
mod engine;
mod options;
mod state;

pub use options::MemoryOptions;
