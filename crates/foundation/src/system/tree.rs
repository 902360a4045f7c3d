//! The whole tree of a system as data.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::Shared;
use crate::actor::{ActorState, ActorStatus, ChildKind, Peer, Pid};
use crate::deadline::{Limit, Within};
use crate::supervisor::{ChildState, Line, children_of};

/// How long a supervisor may take to name its children. It runs nobody else's code, so it takes
/// longer only where all threads are held.
const DEADLINE: Duration = Duration::from_secs(1);

/// How many levels are looked at. What is done with a tree calls itself for each of them.
const DEEPEST: usize = 256;

/// A system and everything in it, as it was found. Printed, it is a tree of lines. Made by
/// [`System::tree`](super::System::tree).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Tree {
    /// The name of the system.
    pub system: Arc<str>,
    /// What was started in the system itself, in the order of the start.
    pub children: Vec<TreeNode>,
}

/// An actor in a [`Tree`].
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct TreeNode {
    /// The name it was started under.
    pub name: Arc<str>,
    /// Its incarnation, if there is one.
    pub pid: Option<Pid>,
    /// Whether it is a supervisor.
    pub kind: ChildKind,
    /// Where it is, as its supervisor sees it.
    pub state: ChildState,
    /// Whether it is suspended.
    pub suspended: bool,
    /// How many incarnations there were before the last one, or attempts to start it.
    pub restarts: u32,
    /// How many messages it has accepted and not begun.
    pub mailbox_len: usize,
    /// How long ago its incarnation began; none where there is none.
    pub uptime: Option<Duration>,
    /// Its children, in the order of their start; of a dynamic supervisor, of their first start.
    pub children: Vec<TreeNode>,
    /// Whether all its children are known. They are not if it is a static supervisor that is
    /// suspended, has not answered in a second, has ended meanwhile, or lies deeper than 256
    /// levels.
    pub complete: bool,
}

/// A tree that is being looked at, level by level. Children come after their parents.
struct Walk {
    nodes: Vec<(TreeNode, Option<usize>)>,
    /// Actors whose children are not known yet.
    to_ask: VecDeque<(usize, Peer)>,
}

/// Looks at everything in a system.
pub(super) async fn tree(shared: &Shared) -> Tree {
    let mut walk = Walk { nodes: Vec::new(), to_ask: VecDeque::new() };
    for peer in shared.root.children() {
        walk.add(TreeNode::of_root(&peer), Some(peer), None);
    }
    for _ in 0..DEEPEST {
        // One level at a time, all of it at once: who does not answer holds up nobody else.
        let mut level: Vec<_> =
            walk.to_ask.drain(..).map(|(index, peer)| (index, children_of(&peer))).collect();
        if level.is_empty() {
            break;
        }
        let answers = async {
            for (_, listing) in &mut level {
                listing.answered().await;
            }
        };
        // Whoever has not answered by then is not waited for.
        let _ = Within::new(Limit::new(&shared.deadlines, 0, Some(DEADLINE)), answers).await;
        for (index, listing) in level {
            walk.answered(index, listing.known());
        }
    }
    for (index, _) in std::mem::take(&mut walk.to_ask) {
        walk.answered(index, None);
    }
    Tree { system: shared.name.as_ref().into(), children: walk.into_trees() }
}

impl Walk {
    fn add(&mut self, node: TreeNode, peer: Option<Peer>, parent: Option<usize>) {
        if let Some(peer) =
            peer.filter(|_| node.kind == ChildKind::Supervisor && node.pid.is_some())
        {
            self.to_ask.push_back((self.nodes.len(), peer));
        }
        self.nodes.push((node, parent));
    }

    fn answered(&mut self, index: usize, lines: Option<Vec<Line>>) {
        let Some(lines) = lines else {
            if let Some((node, _)) = self.nodes.get_mut(index) {
                node.complete = false;
            }
            return;
        };
        for line in lines {
            self.add(TreeNode::of_child(&line), line.peer, Some(index));
        }
    }

    /// Puts every node where it belongs.
    fn into_trees(mut self) -> Vec<TreeNode> {
        let mut roots = Vec::new();
        while let Some((mut node, parent)) = self.nodes.pop() {
            // They were put there from the last to the first.
            node.children.reverse();
            match parent.and_then(|parent| self.nodes.get_mut(parent)) {
                Some((parent, _)) => parent.children.push(node),
                None => roots.push(node),
            }
        }
        roots.reverse();
        roots
    }
}

// === impl TreeNode ===

impl TreeNode {
    /// A child of the system itself, of which nobody knows more than is seen.
    fn of_root(peer: &Peer) -> Self {
        let status = peer.status();
        let state = match status.state {
            ActorState::Starting => ChildState::Starting,
            ActorState::Stopping => ChildState::Stopping,
            ActorState::Ended => ChildState::Stopped,
            ActorState::Running | ActorState::Suspended => ChildState::Running,
        };
        Self::new(peer.name(), status.kind, state, Some(&status))
    }

    fn of_child(Line { info, peer }: &Line) -> Self {
        let status = peer.as_ref().map(Peer::status);
        let node = Self::new(Arc::clone(&info.name), info.kind, info.state, status.as_ref());
        // Its place may be another one than at first, and may have another incarnation by now.
        let restarts = node.restarts.max(info.starts.saturating_sub(1));
        let uptime = node.uptime.filter(|_| info.pid.is_some() && node.pid == info.pid);
        Self { pid: info.pid, uptime, restarts, ..node }
    }

    fn new(name: Arc<str>, kind: ChildKind, state: ChildState, seen: Option<&ActorStatus>) -> Self {
        Self {
            name,
            pid: seen.filter(|seen| seen.state != ActorState::Ended).map(|seen| seen.pid),
            kind,
            state,
            suspended: seen.is_some_and(|seen| seen.state == ActorState::Suspended),
            restarts: seen.map_or(0, |seen| seen.restarts),
            mailbox_len: seen.map_or(0, |seen| seen.mailbox_len),
            uptime: seen.and_then(|seen| seen.uptime),
            children: Vec::new(),
            complete: true,
        }
    }

    fn to_json(&self) -> Value {
        let mut json = json!({
            "name": &*self.name,
            "pid": self.pid.map(|pid| pid.to_string()),
            "kind": match self.kind {
                ChildKind::Worker => "worker",
                ChildKind::Supervisor => "supervisor",
            },
            "state": self.state.as_str(),
            "suspended": self.suspended,
            "restarts": self.restarts,
            "mailbox_len": self.mailbox_len,
            "uptime_seconds": self.uptime.map(|uptime| uptime.as_secs_f64()),
        });
        if let (ChildKind::Supervisor, Some(object)) = (self.kind, json.as_object_mut()) {
            object.insert("complete".into(), self.complete.into());
            object.insert("children".into(), to_json(&self.children));
        }
        json
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, before: &str, is_last: bool) -> fmt::Result {
        let (branch, beneath) = if is_last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        write!(f, "\n{before}{branch}{}", self.name)?;
        if let Some(pid) = self.pid {
            write!(f, " {pid}")?;
        }
        if self.kind == ChildKind::Supervisor {
            f.write_str(" supervisor")?;
        }
        write!(f, " {}", self.state.as_str())?;
        if self.suspended {
            f.write_str(", suspended")?;
        }
        match self.restarts {
            0 => {}
            1 => f.write_str(", 1 restart")?,
            restarts => write!(f, ", {restarts} restarts")?,
        }
        if self.mailbox_len > 0 {
            write!(f, ", {} waiting", self.mailbox_len)?;
        }
        if let Some(uptime) = self.uptime {
            write!(f, ", up {} s", uptime.as_secs())?;
        }
        if !self.complete {
            f.write_str(", children unknown")?;
        }
        write_all(&self.children, f, &format!("{before}{beneath}"))
    }
}

// === impl Tree ===

impl Tree {
    /// The tree as JSON: an object with `system` and `children`. Each of these has `name`, `pid`
    /// (as text, or null), `kind` (`worker` or `supervisor`), `state`, `suspended`, `restarts`,
    /// `mailbox_len` and `uptime_seconds` (or null); a supervisor also `complete` and `children`.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({ "system": &*self.system, "children": to_json(&self.children) })
    }

    /// How many nodes it has: actors, and children that do not run.
    #[must_use]
    pub fn len(&self) -> usize {
        let mut len = 0;
        let mut left: Vec<_> = self.children.iter().collect();
        while let Some(node) = left.pop() {
            len += 1;
            left.extend(&node.children);
        }
        len
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    /// The node at the end of a path of names, such as `["shop", "stock"]`; the first one where
    /// siblings have the same name.
    #[must_use]
    pub fn find(&self, path: &[&str]) -> Option<&TreeNode> {
        let (last, before) = path.split_last()?;
        let mut level = &self.children;
        for name in before {
            level = &level.iter().find(|node| &*node.name == *name)?.children;
        }
        level.iter().find(|node| &*node.name == *last)
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.system)?;
        write_all(&self.children, f, "")
    }
}

fn to_json(nodes: &[TreeNode]) -> Value {
    nodes.iter().map(TreeNode::to_json).collect()
}

fn write_all(nodes: &[TreeNode], f: &mut fmt::Formatter<'_>, before: &str) -> fmt::Result {
    let last = nodes.len().saturating_sub(1);
    nodes.iter().enumerate().try_for_each(|(at, node)| node.write(f, before, at == last))
}
