//! Errors: their context, codes, conversions, boundaries and counts.

mod boundaries;
mod code_table;
mod context;
mod conversions;
mod tracker;
