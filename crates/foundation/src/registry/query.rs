//! What has to hold of the metadata of an actor for a query to find it. Pure.
//!
//! A criterion is about one attribute, which is found by its path. All criteria of a query have to
//! hold. **An attribute that is missing satisfies no criterion**, whatever that asks: an actor that
//! does not say how much memory it has does not have enough of it, and not too little either.

use std::cmp::Ordering;

use serde_json::{Number, Value};

use crate::error::{Error, Result, codes};

/// How many keys a path may have. Metadata nested deeper than this is no metadata.
const DEEPEST: usize = 16;
/// How many criteria a query may have: each is looked at for every actor.
const MOST_CRITERIA: usize = 64;

/// A question about the metadata of registered actors. All its criteria have to hold; without any
/// it finds everybody.
///
/// | criterion | holds when the attribute |
/// |---|---|
/// | [`eq`](Self::eq) | is the value; of a list: is the same list, or has the value in it |
/// | [`neq`](Self::neq) | is there, and `eq` does not hold |
/// | [`gt`](Self::gt), [`lt`](Self::lt), [`gte`](Self::gte), [`lte`](Self::lte) | is a number as the value is, or a text as the value is, and compares so |
/// | [`is_in`](Self::is_in) | is one of the values; of a list: has one of them in it |
/// | [`not_in`](Self::not_in) | is there, and `is_in` does not hold |
///
/// An attribute that is missing satisfies none of them. Numbers are compared as numbers: `1` is
/// `1.0`. Texts are compared by their characters.
///
/// ```
/// use foundation::Query;
/// use serde_json::json;
///
/// let able = Query::new().eq("capability", "render").gte("resources.memory", 512);
/// assert!(able.matches(&json!({ "capability": ["render", "sum"], "resources": { "memory": 600 }
/// }))); assert!(!able.matches(&json!({ "capability": "render" })));
/// ```
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct Query {
    criteria: Vec<Criterion>,
    skip: usize,
    limit: Option<usize>,
}

#[derive(Debug, Clone, PartialEq)]
struct Criterion {
    path: AttributePath,
    operator: Operator,
    value: Value,
}

/// How a criterion compares an attribute with its value. What each means: [`Query`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "the language of queries has these and no others")]
pub enum Operator {
    /// `eq`.
    Eq,
    /// `neq`.
    Neq,
    /// `gt`.
    Gt,
    /// `lt`.
    Lt,
    /// `gte`.
    Gte,
    /// `lte`.
    Lte,
    /// `in`.
    In,
    /// `not_in`.
    NotIn,
}

/// Where an attribute is: the keys that lead to it from outside in, through objects and not into
/// lists. Made from a text in which dots separate them, or from the keys themselves where one has a
/// dot in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributePath(Vec<Box<str>>);

// === impl Query ===

impl Query {
    /// A query without criteria, which finds everybody.
    pub fn new() -> Self {
        Self::default()
    }

    /// A query from its JSON form: a list of criteria, each with `path` (a text with dots, or a
    /// list of keys), `op` and `value`.
    ///
    /// ```
    /// # use foundation::Query;
    /// # use serde_json::json;
    /// let query = Query::from_json(&json!([
    ///     { "path": ["health"], "op": "in", "value": ["healthy", "degraded"] },
    ///     { "path": "resources.memory", "op": "gt", "value": 0.5 },
    /// ]))?;
    /// assert_eq!(query, Query::new().is_in("health", ["healthy", "degraded"]).gt("resources.memory", 0.5));
    /// # Ok::<_, foundation::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// `invalid_query` when it is something else, names an operator that there is not, or cannot
    /// hold of anything.
    pub fn from_json(json: &Value) -> Result<Self> {
        let list = json.as_array();
        let list = list.ok_or_else(|| invalid(None, "a query is a list of criteria"))?;
        let criteria = list.iter().enumerate();
        let criteria: Result<Vec<_>> =
            criteria.map(|(index, json)| Criterion::from_json(index, json)).collect();
        let query = Self { criteria: criteria?, ..Self::default() };
        query.validate()?;
        Ok(query)
    }

    /// Adds a criterion.
    pub fn and(
        mut self,
        path: impl Into<AttributePath>,
        operator: Operator,
        value: impl Into<Value>,
    ) -> Self {
        self.criteria.push(Criterion { path: path.into(), operator, value: value.into() });
        self
    }

    /// The attribute is `value`, or is a list that has it.
    pub fn eq(self, path: impl Into<AttributePath>, value: impl Into<Value>) -> Self {
        self.and(path, Operator::Eq, value)
    }

    /// The attribute is there, and [`Self::eq`] does not hold.
    pub fn neq(self, path: impl Into<AttributePath>, value: impl Into<Value>) -> Self {
        self.and(path, Operator::Neq, value)
    }

    /// The attribute is more than `value`.
    pub fn gt(self, path: impl Into<AttributePath>, value: impl Into<Value>) -> Self {
        self.and(path, Operator::Gt, value)
    }

    /// The attribute is less than `value`.
    pub fn lt(self, path: impl Into<AttributePath>, value: impl Into<Value>) -> Self {
        self.and(path, Operator::Lt, value)
    }

    /// The attribute is `value` or more.
    pub fn gte(self, path: impl Into<AttributePath>, value: impl Into<Value>) -> Self {
        self.and(path, Operator::Gte, value)
    }

    /// The attribute is `value` or less.
    pub fn lte(self, path: impl Into<AttributePath>, value: impl Into<Value>) -> Self {
        self.and(path, Operator::Lte, value)
    }

    /// The attribute is one of `values`, or is a list that has one of them.
    pub fn is_in<V: Into<Value>>(
        self,
        path: impl Into<AttributePath>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and(path, Operator::In, values.into_iter().map(Into::into).collect::<Vec<Value>>())
    }

    /// The attribute is there, and [`Self::is_in`] does not hold.
    pub fn not_in<V: Into<Value>>(
        self,
        path: impl Into<AttributePath>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.and(path, Operator::NotIn, values.into_iter().map(Into::into).collect::<Vec<Value>>())
    }

    /// Leaves out so many of the first that it finds.
    pub fn skip(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// Finds so many at most.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether all criteria hold of `metadata`. One that is invalid holds of nothing.
    #[must_use]
    pub fn matches(&self, metadata: &Value) -> bool {
        self.criteria.iter().all(|criterion| criterion.holds(metadata))
    }

    /// Refuses criteria that can hold of nothing.
    pub(super) fn validate(&self) -> Result<()> {
        if self.criteria.len() > MOST_CRITERIA {
            return Err(invalid(None, "a query has at most 64 criteria"));
        }
        let mut criteria = self.criteria.iter().enumerate();
        criteria.try_for_each(|(index, criterion)| {
            criterion.validate().map_err(|why| invalid(Some(index), why))
        })
    }

    /// Of what was found, in its order, what is wanted.
    pub(super) fn cut<T>(&self, mut found: Vec<T>) -> Vec<T> {
        found.drain(..self.skip.min(found.len()));
        found.truncate(self.limit.unwrap_or(usize::MAX));
        found
    }
}

// === impl Criterion ===

impl Criterion {
    fn from_json(index: usize, json: &Value) -> Result<Self> {
        let invalid = |why| invalid(Some(index), why);
        let object = json.as_object();
        let object = object.ok_or_else(|| invalid("a criterion is an object"))?;
        if object.keys().any(|key| !["path", "op", "value"].contains(&&**key)) {
            return Err(invalid("a criterion has `path`, `op` and `value`, and nothing else"));
        }
        let path = match object.get("path") {
            Some(Value::String(path)) => Some(AttributePath::from(&**path)),
            Some(Value::Array(keys)) => {
                let keys = keys.iter().map(|key| key.as_str().map(Box::from));
                keys.collect::<Option<_>>().map(AttributePath)
            }
            _ => None,
        };
        let path = path.ok_or_else(|| invalid("`path` is a text or a list of texts"))?;
        let operator = object.get("op").and_then(Value::as_str).and_then(Operator::named);
        let operator = operator
            .ok_or_else(|| invalid("`op` is one of eq, neq, gt, lt, gte, lte, in, not_in"))?;
        let value = object.get("value").ok_or_else(|| invalid("`value` is missing"))?;
        Ok(Self { path, operator, value: value.clone() })
    }

    fn validate(&self) -> std::result::Result<(), &'static str> {
        if !(1..=DEEPEST).contains(&self.path.0.len()) {
            return Err("a path has 1 to 16 keys");
        }
        if self.path.0.iter().any(|key| key.is_empty()) {
            return Err("a key in a path is not empty");
        }
        match self.operator {
            Operator::Eq | Operator::Neq => Ok(()),
            Operator::In | Operator::NotIn if self.value.is_array() => Ok(()),
            Operator::In | Operator::NotIn => Err("the value is a list"),
            _ if self.value.is_number() || self.value.is_string() => Ok(()),
            _ => Err("the value is a number or a text: nothing else has an order"),
        }
    }

    fn holds(&self, metadata: &Value) -> bool {
        let mut path = self.path.0.iter();
        let found = path.try_fold(metadata, |value, key| value.as_object()?.get(&**key));
        let (Some(found), Ok(())) = (found, self.validate()) else { return false };
        let ordering = || order(found, &self.value);
        match self.operator {
            Operator::Eq => is_or_has(found, &self.value),
            Operator::Neq => !is_or_has(found, &self.value),
            Operator::Gt => ordering() == Some(Ordering::Greater),
            Operator::Lt => ordering() == Some(Ordering::Less),
            Operator::Gte => matches!(ordering(), Some(Ordering::Greater | Ordering::Equal)),
            Operator::Lte => matches!(ordering(), Some(Ordering::Less | Ordering::Equal)),
            Operator::In => is_among(found, &self.value),
            Operator::NotIn => !is_among(found, &self.value),
        }
    }
}

impl Operator {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "eq" => Self::Eq,
            "neq" => Self::Neq,
            "gt" => Self::Gt,
            "lt" => Self::Lt,
            "gte" => Self::Gte,
            "lte" => Self::Lte,
            "in" => Self::In,
            "not_in" => Self::NotIn,
            _ => return None,
        })
    }
}

impl From<&str> for AttributePath {
    fn from(path: &str) -> Self {
        Self(path.split('.').map(Box::from).collect())
    }
}

impl From<String> for AttributePath {
    fn from(path: String) -> Self {
        Self::from(&*path)
    }
}

impl From<Vec<String>> for AttributePath {
    fn from(keys: Vec<String>) -> Self {
        Self(keys.into_iter().map(Box::from).collect())
    }
}

impl From<&[&str]> for AttributePath {
    fn from(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Box::from(*key)).collect())
    }
}

impl<const N: usize> From<[&str; N]> for AttributePath {
    fn from(keys: [&str; N]) -> Self {
        Self::from(keys.as_slice())
    }
}

/// The error about a query, or one criterion of it.
fn invalid(criterion: Option<usize>, why: &str) -> Error {
    let error = Error::from(codes::INVALID_QUERY);
    match criterion {
        Some(index) => {
            error.with_message(format!("criterion {index}: {why}")).with_detail("criterion", index)
        }
        None => error.with_message(why),
    }
}

fn is_or_has(found: &Value, value: &Value) -> bool {
    let has = || found.as_array().is_some_and(|list| list.iter().any(|item| same(item, value)));
    same(found, value) || has()
}

fn is_among(found: &Value, values: &Value) -> bool {
    values.as_array().is_some_and(|values| values.iter().any(|value| is_or_has(found, value)))
}

/// Whether two values are the same, numbers being compared as numbers.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => order_of_numbers(a, b) == Some(Ordering::Equal),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            let same_in_b = |(key, a): (&String, &Value)| b.get(key).is_some_and(|b| same(a, b));
            a.len() == b.len() && a.iter().all(same_in_b)
        }
        (a, b) => a == b,
    }
}

fn order(a: &Value, b: &Value) -> Option<Ordering> {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => order_of_numbers(a, b),
        (Value::String(a), Value::String(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

/// Whole numbers exactly; as soon as one is a fraction, as floating-point numbers.
fn order_of_numbers(a: &Number, b: &Number) -> Option<Ordering> {
    let whole = |number: &Number| {
        number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from))
    };
    match (whole(a), whole(b)) {
        (Some(a), Some(b)) => Some(a.cmp(&b)),
        _ => a.as_f64()?.partial_cmp(&b.as_f64()?),
    }
}

#[cfg(test)]
mod tests;
