//! Examples of each rule.
