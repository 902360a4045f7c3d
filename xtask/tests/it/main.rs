//! The real `cargo xtask` on small real workspaces that have one thing wrong.

mod commands;
mod fixture;
mod violations;
