//! The flag server: the one actor that changes flags, and keeps them.

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::rule::Edit;
use super::store::AnyStore;
use super::table::{Link, Table};
use crate::actor::{Actor, Context, Flow, Init, Reply};
use crate::deadline::Within;
use crate::error::{Error, Result};
use crate::sync::Ordering;
use crate::system::Home;

/// How long the store may take: less than a request waits for its answer, so that whoever asked
/// hears of it.
const DEADLINE: Duration = Duration::from_secs(4);
/// How long the server waits until it tries again to read what is stored.
const PAUSE: Duration = Duration::from_secs(1);

/// The actor that changes flags. It is started with [`Flags::builder`](super::Flags::builder), and
/// asked through [`Flags`](super::Flags).
pub struct FlagServer {
    args: FlagServerArgs,
    /// Why it is not known what is stored, if that is so: then nothing is changed.
    unknown: Option<Error>,
}

/// What the flag server is made from.
#[derive(Clone)]
pub struct FlagServerArgs {
    pub(super) table: Arc<Table>,
    /// Weak, because whoever has the link has the server, and the server has this.
    pub(super) link: Weak<Link>,
    pub(super) store: Arc<dyn AnyStore>,
}

/// What the flag server is told.
pub struct FlagMessage(Told);

enum Told {
    Change {
        flag: Arc<str>,
        edit: Edit,
        reply: Reply<Result<()>>,
    },
    /// To read again what is stored.
    Load,
}

impl FlagMessage {
    pub(super) const fn change(flag: Arc<str>, edit: Edit, reply: Reply<Result<()>>) -> Self {
        Self(Told::Change { flag, edit, reply })
    }
}

impl Actor for FlagServer {
    type Args = FlagServerArgs;
    type Message = FlagMessage;

    async fn init(args: FlagServerArgs, cx: &mut Context<Self>) -> Result<Init<Self>> {
        let mut server = Self { args, unknown: None };
        if let Err(error) = server.load().await {
            // The first time the program is told. Later on reading goes on, and so does trying.
            if !server.args.table.loaded.load(Ordering::Acquire) {
                return Err(error);
            }
            server.load_later(cx, &error);
        }
        Link::connect(&server.args.link, cx.me());
        Ok(Init::Ready(server))
    }

    async fn handle(&mut self, message: FlagMessage, cx: &mut Context<Self>) -> Result<Flow> {
        match message.0 {
            Told::Load => {
                if let Err(error) = self.load().await {
                    self.load_later(cx, &error);
                }
            }
            Told::Change { flag, edit, reply } => {
                let was_known = self.unknown.is_none();
                let answer = self.change(&flag, edit).await;
                if was_known && let Some(error) = self.unknown.clone() {
                    self.load_later(cx, &error);
                }
                reply.send(answer);
            }
        }
        Ok(Flow::Continue)
    }
}

impl FlagServer {
    /// Stores a change and lets all see it.
    async fn change(&mut self, flag: &str, edit: Edit) -> Result<()> {
        if let Some(error) = &self.unknown {
            return Err(error.clone());
        }
        let Self { args: FlagServerArgs { table, store, .. }, .. } = self;
        let cell = Arc::clone(table.cell(flag)?);
        let is_reset = edit == Edit::Reset;
        let rule = cell.rule().edited(edit, &cell.default)?;
        let stored = if is_reset {
            within(&table.home, store.remove_boxed(flag)).await
        } else {
            // Also when it is the same: then it is certain that it is stored.
            within(&table.home, store.save_boxed(flag, &rule)).await
        };
        self.unknown = stored.as_ref().err().cloned();
        stored?;
        self.args.table.publish(&cell, rule);
        Ok(())
    }

    /// Reads what is stored, and lets all see it.
    async fn load(&mut self) -> Result<()> {
        let Self { args: FlagServerArgs { table, store, .. }, .. } = self;
        let mut stored = within(&table.home, store.load_boxed()).await?;
        for cell in table.cells.values() {
            // What is stored is what is; nothing stored is what it was defined with.
            let rule = stored.remove(&*cell.name).unwrap_or_else(|| cell.default.clone());
            table.publish(cell, rule);
        }
        for flag in stored.keys() {
            tracing::warn!(flag, "flag.unknown_stored");
        }
        table.loaded.store(true, Ordering::Release);
        self.unknown = None;
        Ok(())
    }

    /// It is not known what is stored: tries again soon to read it. Called when that was known
    /// until now, or has just been tried, so there is one timer at a time.
    fn load_later(&mut self, cx: &mut Context<Self>, error: &Error) {
        self.unknown = Some(error.clone());
        tracing::error!(%error, "flag.store_failed");
        cx.send_after(PAUSE, FlagMessage(Told::Load));
    }
}

/// What the store comes to, but not for ever.
async fn within<T>(home: &Home, call: impl Future<Output = Result<T>>) -> Result<T> {
    match Within::new(home.limit(Some(DEADLINE)), call).await {
        Ok(result) => result,
        Err(_passed) => {
            let error = home.deadlines.passed(Some(DEADLINE));
            Err(error.with_message("the store of the flags did not answer"))
        }
    }
}

impl fmt::Debug for FlagServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagServer").finish_non_exhaustive()
    }
}

impl fmt::Debug for FlagServerArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FlagServerArgs").finish_non_exhaustive()
    }
}

impl fmt::Debug for FlagMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Told::Change { flag, edit, .. } => {
                let mut shown = f.debug_struct("Change");
                shown.field("flag", flag).field("edit", edit).finish_non_exhaustive()
            }
            Told::Load => f.write_str("Load"),
        }
    }
}
