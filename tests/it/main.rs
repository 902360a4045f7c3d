//! The whole system as somebody meets it who has just cloned it.

mod readme;
