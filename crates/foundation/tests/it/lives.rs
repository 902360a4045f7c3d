//! The shipped table of who hears of an end, compiled against the locks of `crate::sync` in this
//! program, with stand-ins for the two types that it takes from its neighbours.

#[path = "../../src/actor/life.rs"]
mod life;

pub(crate) use life::{HeldAs, Holding, Life, Side, Watch, Watcher, link};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Pid {
    pub(crate) slot: u64,
    pub(crate) generation: u32,
}

mod watch {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) struct MonitorRef(pub(crate) u64);
}

pub(crate) use watch::MonitorRef;
