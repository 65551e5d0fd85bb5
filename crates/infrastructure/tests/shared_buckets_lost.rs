//! Redis is lost in every way that it can be, and found again: nobody waits for it, an operator hears of it once, and no restart
//! is needed. One test, because it listens to the log of its process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use holdfast_application::ports::{BucketSize, BucketsUnreachable, SharedBuckets as _};
use holdfast_infrastructure::shared_buckets::{BucketFigures, OwnerKey, RedisBuckets, RedisUrl};
use holdfast_testkit::RedisServer;
use tokio::{
    io::AsyncWriteExt as _,
    net::TcpListener,
    time::{Instant, sleep},
};

/// Only to end a test whose condition never comes.
const DEADLINE: Duration = Duration::from_mins(2);
const SIZE: BucketSize = BucketSize { burst: 1_000_000, interval: Duration::from_secs(1) };

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<u8>>>);

impl Write for Ear {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Ear {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// How often Redis was lost, and how often found again.
    fn heard(&self) -> (usize, usize) {
        let text = self.text();
        (text.matches("Redis is of no use").count(), text.matches("Redis is back").count())
    }
}

/// A name, what begins it, what ends it, and what is told of it.
type Outage = (&'static str, fn(&RedisServer), fn(&RedisServer), &'static str);

fn outages() -> Vec<Outage> {
    fn nothing(_: &RedisServer) {}
    vec![
        ("killed", RedisServer::kill, RedisServer::start_again, ""),
        ("hangs", RedisServer::pause, RedisServer::resume, "no answer within"),
        (
            "out of memory",
            |server| drop(server.ask("CONFIG SET maxmemory 1")),
            |server| drop(server.ask("CONFIG SET maxmemory 0")),
            "OOM",
        ),
        (
            "a replica",
            |server| drop(server.ask("REPLICAOF 127.0.0.1 1")),
            |server| drop(server.ask("REPLICAOF NO ONE")),
            "read only replica",
        ),
        (
            "another password",
            |server| drop(server.ask("CONFIG SET requirepass hunter2\nCLIENT KILL TYPE normal")),
            |server| drop(server.ask("AUTH hunter2\nCONFIG SET requirepass \"\"")),
            "",
        ),
        (
            "no permission",
            |server| drop(server.ask("ACL SETUSER default -@scripting")),
            |server| drop(server.ask("ACL SETUSER default +@scripting")),
            "permission",
        ),
        ("disconnected", |server| drop(server.ask("CLIENT KILL TYPE normal")), nothing, ""),
    ]
}

/// A Redis that never stops loading is tried again and again, and told once.
async fn tried_thrice_and_told_once(ear: &Ear) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}", listener.local_addr().unwrap());
    let buckets = RedisBuckets::connect(&RedisUrl::parse(&url).unwrap(), OwnerKey::derive(b"secret"));
    for _ in 0..3 {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.write_all(b"-LOADING Redis is loading the dataset in memory\r\n").await.unwrap();
    }
    // The fourth comes when the third has failed.
    listener.accept().await.unwrap();
    assert_eq!(ear.heard(), (1, 0), "{}", ear.text());
    assert!(!buckets.figures().reachable);
    ear.0.lock().unwrap().clear();
}

async fn until(buckets: &RedisBuckets, decided: bool) {
    let begun = Instant::now();
    while buckets.draw("sign-in", "client", SIZE).await.is_ok() != decided {
        assert!(begun.elapsed() < DEADLINE, "decided: {}, not {decided}", !decided);
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn redis_lost_costs_nobody_anything_is_told_once_and_it_is_found_without_a_restart() {
    let Some(server) = RedisServer::start("shared buckets: lost", &[]) else { return };
    let ear = Ear::default();
    let writer = ear.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    tried_thrice_and_told_once(&ear).await;
    let buckets =
        RedisBuckets::connect(&RedisUrl::parse(&server.url()).unwrap(), OwnerKey::derive(b"secret"));
    for (name, begin, end, told) in outages() {
        until(&buckets, true).await;
        let before = ear.heard();
        begin(&server);
        until(&buckets, false).await;
        if name != "disconnected" {
            let BucketFigures { reachable, drawn, missed } = buckets.figures();
            assert!(!reachable, "{name}");
            let begun = Instant::now();
            for n in 0..2_000 {
                let drawing = buckets.draw("sign-in", &n.to_string(), SIZE).await;
                assert_eq!(drawing, Err(BucketsUnreachable), "{name}");
            }
            // With a wait of 100 ms for each it would be more than three minutes.
            assert!(begun.elapsed() < DEADLINE, "{name}");
            assert_eq!(buckets.figures(), BucketFigures { reachable: false, drawn, missed: missed + 2_000 });
        }
        end(&server);
        until(&buckets, true).await;
        assert!(buckets.figures().reachable, "{name}");
        let after = ear.heard();
        // A slow machine may lose it once more; each time it is told once, and its end as well.
        assert!(after.0 > before.0, "{name}: {}", ear.text());
        assert_eq!((after.0, before.0), (after.1, before.1), "{name}: {}", ear.text());
        assert!(ear.text().contains(told), "{name}: {}", ear.text());
    }
    assert!(!ear.text().contains("hunter2"), "{}", ear.text());
}
