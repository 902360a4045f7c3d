//! Tests of `journal` through its public items.

mod bad_files;
mod child;
mod code_table;
mod conformance;
mod embedded;
mod faults;
mod faults_on_files;
mod flips;
mod golden;
mod kills;
mod memory;
mod model;
mod orders;
mod power_cuts;
mod room;
mod server;
mod state_machine;
mod threads;
