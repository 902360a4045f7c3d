//! The log in memory keeps what the port promises when several threads use it.

use super::memory::Memory;

signals::log_conformance! {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    Memory
}
