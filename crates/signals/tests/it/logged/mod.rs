//! A bus with a log: durable before delivered, delivered only from the tail, in one order.

mod between;
mod costs;
mod failing;
mod hanging;
mod publishing;
mod restarts;
