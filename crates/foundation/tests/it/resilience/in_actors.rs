//! All of it inside of an actor, whose handler is a future that crosses threads: what it guards
//! borrows from the actor.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use foundation::{
    Actor, BreakerOptions, Bulkhead, BulkheadOptions, Cache, CacheOptions, ChildSpec,
    CircuitBreaker, CircuitBreakers, Context, Error, Flow, Init, RateLimit, RateLimiter, Reply,
    Result, Retry, RetryPolicy, with_compensation, with_fallback,
};

use crate::fixture::{after, system};

const SECOND: Duration = Duration::from_secs(1);

/// Asks a bank for prices, which fails once in three times.
struct Shop {
    retry: Retry,
    circuit: CircuitBreaker,
    bulkhead: Bulkhead,
    limiter: RateLimiter,
    prices: Cache<String, u32>,
    bank: Bank,
}

struct Bank {
    asked: AtomicU32,
}

impl Bank {
    async fn price(&self, of: &str) -> Result<u32> {
        after(Duration::from_millis(1)).await;
        let asked = self.asked.fetch_add(1, Ordering::Relaxed);
        if asked.is_multiple_of(3) {
            return Err(Error::infrastructure("bank_unreachable"));
        }
        Ok(u32::try_from(of.len())?)
    }
}

impl Shop {
    async fn price(&mut self, of: &str) -> Result<u32> {
        let Self { retry, circuit, bulkhead, limiter, prices, bank } = self;
        let guarded = retry.run(|_| async {
            limiter.wait(SECOND).await?;
            bulkhead.call(SECOND, circuit.call(bank.price(of))).await
        });
        let key = of.to_owned();
        let cached = prices.get_or_load(&key, async || guarded.await);
        let safe = with_fallback(cached, async |_| Ok(u32::MAX));
        with_compensation(safe, async |_| Ok(())).await
    }
}

impl Actor for Shop {
    type Args = ();
    type Message = (String, Reply<Result<u32>>);

    async fn init((): (), cx: &mut Context<Self>) -> Result<Init<Self>> {
        Ok(Init::Ready(Self {
            retry: Retry::new(cx, RetryPolicy::exponential())?,
            circuit: CircuitBreakers::new(cx, BreakerOptions::default())?.circuit("bank")?,
            bulkhead: Bulkhead::new(cx, "bank", BulkheadOptions::new(2))?,
            limiter: RateLimiter::new(cx, "bank", RateLimit::tokens(10, SECOND))?,
            prices: Cache::new(cx, "prices", CacheOptions::default())?,
            bank: Bank { asked: AtomicU32::new(0) },
        }))
    }

    async fn handle(&mut self, (of, reply): Self::Message, cx: &mut Context<Self>) -> Result<Flow> {
        // Dealt with here, so nobody else would count it.
        cx.errors().track(&Error::business("asked"));
        reply.send(self.price(&of).await);
        Ok(Flow::Continue)
    }
}

#[tokio::test(start_paused = true)]
async fn an_actor_guards_what_it_owns() {
    let system = system().await;
    let shop = system.start(ChildSpec::<Shop>::actor("shop", ())).await.unwrap();
    for _ in 0..2 {
        for of in ["tea", "bread", "salt"] {
            let price = shop.ask(|reply| (of.to_owned(), reply)).await.unwrap();
            assert_eq!(price.unwrap() as usize, of.len());
        }
    }
    assert_eq!(system.errors().counts()[0].total, 6);
    system.stop().await.unwrap();
}
