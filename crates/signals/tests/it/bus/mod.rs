//! A bus without a log: who gets what, who is told what, and what is left afterwards.

mod fixture;

mod batches;
mod conditions;
mod contained;
mod ends;
mod full;
mod handlers;
mod incarnations;
mod middleware;
mod order;
mod rates;
mod reports;
mod running;
mod schedules;
mod subscribing;
mod threads;
mod waiting;
mod world;
