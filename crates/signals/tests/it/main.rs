//! Tests of `signals` through its public items.

mod bus;
mod causality;
mod causes;
mod clerk;
mod code_table;
mod codec;
mod coordination;
mod dispatch;
mod documented;
mod durable;
mod faulty_log;
mod log_conformance;
mod log_faults_are_seen;
mod logged;
mod memory_log;
mod polled;
mod recorder;
mod replay;
mod router;
mod shop;
mod typed;
