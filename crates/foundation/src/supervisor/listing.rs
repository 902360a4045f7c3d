//! The children of whatever kind of supervisor, for whoever lists a whole tree.

use std::any::Any;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::ChildInfo;
use super::dynamic::Members;
use super::run::{self, Said};
use crate::actor::{ChildKind, Peer, SUSPENDED, Slot};

/// One child, and the incarnation of it that was started last.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) info: ChildInfo,
    pub(crate) peer: Option<Peer>,
}

/// The children of an actor.
#[derive(Debug)]
pub(crate) enum Listing {
    /// It has these.
    Now(Vec<Line>),
    /// It was asked.
    Asked(oneshot::Receiver<Vec<Line>>),
    /// It would not answer: it is suspended, has ended, or too many have asked already.
    Unknown,
}

/// The children of an actor, in the order in which they were started. One that is no supervisor has
/// none. A static supervisor is asked through its control lane, so that it answers at any time.
pub(crate) fn children_of(peer: &Peer) -> Listing {
    if peer.process.core().kind != ChildKind::Supervisor {
        return Listing::Now(Vec::new());
    }
    if let Some(members) = peer.process.core().life.shared().and_then(|it| it.downcast().ok()) {
        let members: Arc<Members> = members;
        return Listing::Now(members.lines());
    }
    let place: Arc<dyn Any + Send + Sync> = Arc::clone(&peer.process).into_any();
    let Ok(slot) = place.downcast::<Slot<run::Message>>() else {
        // A dynamic one that has not begun, or has ended.
        return Listing::Now(Vec::new());
    };
    if slot.word() & SUSPENDED != 0 {
        return Listing::Unknown;
    }
    if !slot.core().inquiries.begin() {
        return Listing::Unknown;
    }
    let (reply, lines) = oneshot::channel();
    if !slot.say(peer.generation, run::Message(Said::List(reply))) {
        slot.core().inquiries.end();
        return Listing::Unknown;
    }
    Listing::Asked(lines)
}

impl Listing {
    /// Waits for the answer of one that was asked.
    pub(crate) async fn answered(&mut self) {
        if let Self::Asked(answer) = self {
            // One that has ended meanwhile may have another incarnation, with other children.
            *self = answer.await.map_or(Self::Unknown, Self::Now);
        }
    }

    /// The children, if they are known by now.
    pub(crate) fn known(self) -> Option<Vec<Line>> {
        match self {
            Self::Now(lines) => Some(lines),
            Self::Asked(mut answer) => answer.try_recv().ok(),
            Self::Unknown => None,
        }
    }
}
