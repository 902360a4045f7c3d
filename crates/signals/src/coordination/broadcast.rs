//! One message to several receivers: to whoever can take it, to all or none, to one or more.

use std::collections::BTreeSet;
use std::sync::Arc;

use foundation::{Error, Result, codes as system_codes};
use serde_json::{Map, Value};

use super::delegate::PostedTo;
use super::handle::Coordination;
use super::lane::Mode;
use super::report::{Reach, Sent};
use super::send::{Found, Parcel, Place};
use super::shared::Shared;
use crate::bus::IntoSignal;
use crate::codes;
use crate::signal::Signal;

impl Coordination {
    /// Sends a signal from one agent to several at the same time, and waits until each of them has
    /// handled it, or the deadline has passed. An id that is named twice gets it once.
    ///
    /// # Errors
    ///
    /// With [`Reach::AllOrNothing`] `broadcast_refused`, when one of them cannot take it now, and
    /// then nobody gets it; with [`Reach::AtLeastOne`] `nobody_acknowledged`. Both have in the
    /// details, for each of the `receivers`, what was the matter. `invalid_signal` and
    /// `coordination_not_running`. What became of it with each of them is in the report, in the
    /// order in which they were given.
    pub async fn broadcast<R: Into<Arc<str>>>(
        &self,
        from: impl Into<Arc<str>>,
        receivers: impl IntoIterator<Item = R>,
        signal: impl IntoSignal,
        reach: Reach,
    ) -> Result<Vec<Sent>> {
        tokio::task::coop::consume_budget().await;
        let shared = &self.shared;
        shared.check_runs()?;
        let signal = signal.into_signal(&shared.home)?;
        let from = from.into();
        let mut seen = BTreeSet::new();
        let all = receivers.into_iter().map(Into::into);
        let all: Vec<Arc<str>> = all.filter(|id| seen.insert(Arc::clone(id))).collect();
        let posted = match reach {
            Reach::AllOrNothing => shared.post_to_all(&from, &all, &signal)?,
            Reach::BestEffort | Reach::AtLeastOne => shared.post_to_each(&from, all, &signal),
        };
        let sent = shared.outcomes(posted).await;
        let is_enough = reach != Reach::AtLeastOne || sent.iter().any(Sent::is_acknowledged);
        if is_enough {
            return Ok(sent);
        }
        let why = |one: &Sent| {
            let problem = one.problem().unwrap_or("in_progress");
            (one.receiver.to_string(), Value::from(problem))
        };
        let why: Map<_, _> = sent.iter().map(why).collect();
        Err(Error::from(codes::NOBODY_ACKNOWLEDGED).with_detail("receivers", why))
    }
}

impl Shared {
    fn post_to_each(
        self: &Arc<Self>,
        from: &Arc<str>,
        all: Vec<Arc<str>>,
        signal: &Signal,
    ) -> Vec<PostedTo> {
        let post = |receiver: Arc<str>| {
            let posted = self.post(&receiver, Parcel::new(from, signal), Mode::Keep);
            PostedTo { receiver, signal: signal.clone(), posted }
        };
        all.into_iter().map(post).collect()
    }

    /// Sends it to all, if all of them can take it now.
    fn post_to_all(
        self: &Arc<Self>,
        from: &Arc<str>,
        all: &[Arc<str>],
        signal: &Signal,
    ) -> Result<Vec<PostedTo>> {
        let mut problems = Map::new();
        let mut refuse = |id: &Arc<str>, error: &Error| {
            problems.insert(id.to_string(), error.code().into());
        };
        let mut found: Vec<Found> = Vec::with_capacity(all.len());
        for id in all {
            match self.find_willing(from, id) {
                Ok(willing) => found.push(willing),
                Err(error) => refuse(id, &error),
            }
        }
        let mut places: Vec<(&Found, Place<'_>)> = Vec::with_capacity(all.len());
        for one in &found {
            match one.reserve() {
                Ok(place) => places.push((one, place)),
                Err(error) => refuse(&one.cell.id, &error),
            }
        }
        if !problems.is_empty() {
            let error = Error::from(codes::BROADCAST_REFUSED);
            return Err(error.with_detail("receivers", problems));
        }
        let post = |(one, place): (&Found, _)| {
            let parcel = Parcel::new(from, signal);
            // One whose circuit has opened in this moment keeps it.
            let posted = self.post_into(one, place, parcel, Mode::Keep);
            PostedTo { receiver: Arc::clone(&one.cell.id), signal: signal.clone(), posted }
        };
        Ok(places.into_iter().map(post).collect())
    }

    /// A receiver that is offered what is sent to it at once.
    fn find_willing(&self, from: &str, id: &str) -> Result<Found> {
        if id == from {
            return Err(system_codes::CALLING_SELF.into());
        }
        let found = self.find(id)?;
        if found.is_offered() { Ok(found) } else { Err(system_codes::CIRCUIT_OPEN.into()) }
    }
}
