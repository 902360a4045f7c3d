//! Policies with names, for configuration.

use std::collections::BTreeMap;

use super::policy::RetryPolicy;
use crate::error::{Error, Result, codes};

/// Policies by name: those that are always there, `exponential`, `linear`, `fixed` and `immediate`,
/// and those of the program.
///
/// ```
/// use foundation::{RetryPolicies, RetryPolicy};
///
/// let policies = RetryPolicies::new().with("payments", RetryPolicy::fixed().max_attempts(5))?;
/// policies.get("payments")?;
/// assert_eq!(policies.get("paymets").unwrap_err().code(), "invalid_policy");
/// # foundation::Result::Ok(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct RetryPolicies {
    policies: BTreeMap<String, RetryPolicy>,
}

impl RetryPolicies {
    /// Those that are always there.
    pub fn new() -> Self {
        let policies = [
            ("exponential", RetryPolicy::exponential()),
            ("linear", RetryPolicy::linear()),
            ("fixed", RetryPolicy::fixed()),
            ("immediate", RetryPolicy::immediate()),
        ];
        Self { policies: policies.map(|(name, policy)| (name.to_owned(), policy)).into() }
    }

    /// Adds a policy, or replaces the one of that name.
    ///
    /// # Errors
    ///
    /// `invalid_options` when the policy cannot be, or the name is empty.
    pub fn with(mut self, name: impl Into<String>, policy: RetryPolicy) -> Result<Self> {
        let name = name.into();
        if name.is_empty() {
            return Err(crate::actor::refused("name", "a policy has a name"));
        }
        policy.validate()?;
        self.policies.insert(name, policy);
        Ok(self)
    }

    /// The policy of that name.
    ///
    /// # Errors
    ///
    /// `invalid_policy` when there is none.
    pub fn get(&self, name: &str) -> Result<RetryPolicy> {
        let found = self.policies.get(name).cloned();
        found.ok_or_else(|| {
            let known: Vec<_> = self.names().collect();
            Error::from(codes::INVALID_POLICY).with_detail("name", name).with_detail("known", known)
        })
    }

    /// The names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.policies.keys().map(String::as_str)
    }
}

impl Default for RetryPolicies {
    fn default() -> Self {
        Self::new()
    }
}
