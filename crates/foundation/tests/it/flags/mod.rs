//! Feature flags: who is in, who is told, and what is left when the server or the store fails.

mod changing;
mod reading;
mod storing;
