//! Buckets in a real Redis: they decide as those of an instance do, hold for everybody who draws, and leave nothing behind. Says
//! so and passes where there is no `redis-server`, unless `REQUIRE_REDIS=1`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{num::NonZeroU32, time::Duration};

use futures_util::future::join_all;
use governor::{
    Quota, RateLimiter,
    clock::{Clock as _, FakeRelativeClock},
    middleware::StateInformationMiddleware,
};
use holdfast_application::ports::{BucketSize, BucketsUnreachable, Drawing, SharedBuckets as _};
use holdfast_infrastructure::shared_buckets::{OwnerKey, RedisBuckets, RedisUrl, examine};
use holdfast_testkit::RedisServer;
use redis::{Script, aio::MultiplexedConnection};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
    time::{Instant, sleep},
};

const DRAW: &str = include_str!("../src/shared_buckets/draw.lua");
const CLIENT: &str = "203.0.113.7/32";
const SIGN_IN: BucketSize = BucketSize { burst: 20, interval: Duration::from_mins(1) };

fn size(burst: u32, per_minute: u32) -> BucketSize {
    BucketSize { burst, interval: Duration::from_mins(1) / per_minute }
}

/// The script with a clock that the test sets, and without an end of a key that the true clock would bring.
fn with_a_clock_of_the_test() -> Script {
    let changes = [("redis.call('TIME')", "{ARGV[3], ARGV[4]}"), ("math.ceil(missing / 1000000)", "3600000")];
    Script::new(&changes.iter().fold(DRAW.to_owned(), |text, (before, after)| {
        assert_eq!(text.matches(before).count(), 1, "{before}");
        text.replace(before, after)
    }))
}

/// Draws from one bucket of an instance and one in Redis at the same moments, and compares what they say.
struct Both {
    script: Script,
    connection: MultiplexedConnection,
    size: BucketSize,
    /// Since 1970.
    now: Duration,
}

impl Both {
    async fn draw_after(&mut self, pauses: impl IntoIterator<Item = Duration>) {
        let Self { script, connection, size: BucketSize { burst, interval }, now } = self;
        let clock = FakeRelativeClock::default();
        let quota = Quota::with_period(*interval).unwrap().allow_burst(NonZeroU32::new(*burst).unwrap());
        let own = RateLimiter::direct_with_clock(quota, clock.clone());
        let own = own.with_middleware::<StateInformationMiddleware>();
        let key = format!("{burst} {interval:?}");
        for (n, pause) in pauses.into_iter().enumerate() {
            clock.advance(pause);
            *now += pause;
            let mut question = script.key(&key);
            question.arg(interval.as_nanos().to_string()).arg(*burst);
            question.arg(now.as_secs()).arg(now.subsec_micros());
            let (left, wait): (i64, u64) = question.invoke_async(connection).await.unwrap();
            let wait = Duration::from_nanos(wait);
            match own.check() {
                Ok(state) => {
                    let expected = (i64::from(state.remaining_burst_capacity()), Duration::ZERO);
                    assert_eq!((left, wait), expected, "{key}: {n}");
                }
                Err(refusal) => {
                    assert_eq!((left, wait), (-1, refusal.wait_time_from(clock.now())), "{key}: {n}");
                }
            }
        }
    }
}

/// Pauses of every length up to `longest`, in an order without sense: each is as long as the last is not.
fn pauses(longest: Duration) -> impl Iterator<Item = Duration> {
    let mut state: u64 = 0x2545_F491_4F6C_DD1D;
    let longest = u64::try_from(longest.as_micros()).unwrap();
    std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some(Duration::from_micros(state % longest))
    })
}

#[tokio::test]
async fn whatever_comes_when_redis_decides_as_an_instance_does_by_itself() {
    let Some(server) = RedisServer::start("shared buckets", &[]) else { return };
    let client = redis::Client::open(server.url()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.unwrap();
    let now = Duration::new(1_800_000_000, 999_999_000);
    for (burst, per_minute) in [(20, 10), (60, 60), (1, 1), (1, 60), (5, 7), (1000, 3600), (3, 13)] {
        let size = size(burst, per_minute);
        let mut both = Both { script: with_a_clock_of_the_test(), connection: connection.clone(), size, now };
        let all_at_once = vec![Duration::ZERO; burst as usize + 5];
        // The clock of Redis has microseconds.
        let microseconds = u64::try_from(size.interval.as_nanos().div_ceil(1_000)).unwrap();
        let (interval, least) = (Duration::from_micros(microseconds), Duration::from_micros(1));
        let one_by_one =
            [Duration::ZERO, interval.checked_sub(2 * least).unwrap(), least, least, Duration::ZERO];
        let steady = pauses(2 * interval).take(200);
        let hasty = pauses(interval / 3).take(200);
        let rested = [interval * (burst + 5), Duration::ZERO, Duration::from_hours(1000), Duration::ZERO];
        let course = all_at_once.into_iter().chain(one_by_one).chain(steady).chain(hasty).chain(rested);
        both.draw_after(course).await;
    }
}

#[tokio::test]
async fn a_clock_that_goes_back_by_a_day_makes_nobody_wait_longer_than_an_empty_bucket_does() {
    let Some(server) = RedisServer::start("shared buckets", &[]) else { return };
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let script = with_a_clock_of_the_test();
    let mut draw = async |seconds: u64| -> (i64, u64) {
        let mut question = script.key("bucket");
        question
            .arg(6_000_000_000_u64)
            .arg(20)
            .arg(seconds)
            .arg(0)
            .invoke_async(&mut connection)
            .await
            .unwrap()
    };
    for left in (0..20).rev() {
        assert_eq!(draw(1_800_086_400).await, (left, 0));
    }
    assert_eq!(draw(1_800_000_000).await, (-1, 6_000_000_000));
    assert_eq!(draw(1_800_000_006).await, (-1, 6_000_000_000), "a refusal is not written");
    assert_eq!(draw(1_800_086_406).await, (0, 0));
}

/// What the test draws from, once Redis decides.
async fn connected(server: &RedisServer, secret: &[u8]) -> RedisBuckets {
    let url = RedisUrl::parse(&server.url()).unwrap();
    let buckets = RedisBuckets::connect(&url, OwnerKey::derive(secret));
    while !buckets.figures().reachable {
        sleep(Duration::from_millis(5)).await;
    }
    buckets
}

/// On a slow machine Redis may be late. What a round shows holds only where it never was: nothing else.
async fn in_time<T>(mut round: impl AsyncFnMut(u32) -> Result<T, BucketsUnreachable>) -> T {
    for n in 0..200 {
        match round(n).await {
            Ok(shown) => return shown,
            Err(BucketsUnreachable) => sleep(Duration::from_millis(100)).await,
        }
    }
    panic!("Redis was late in every round")
}

#[tokio::test]
async fn of_forty_at_once_from_two_instances_twenty_get_through() {
    let Some(server) = RedisServer::start("shared buckets", &[]) else { return };
    let instances = [connected(&server, b"one secret").await, connected(&server, b"one secret").await];
    let drawings = in_time(async |n| {
        let client = format!("client {n}");
        let drawings = (0..40).map(|n| instances[n % 2].draw("sign-in", &client, SIGN_IN));
        join_all(drawings).await.into_iter().collect::<Result<Vec<_>, _>>()
    })
    .await;
    let mut left = Vec::new();
    for drawing in drawings {
        match drawing {
            Drawing::Left(more) => left.push(more),
            Drawing::Empty(wait) => assert!(wait <= SIGN_IN.interval && !wait.is_zero(), "{wait:?}"),
        }
    }
    left.sort_unstable();
    assert_eq!(left, (0..20).collect::<Vec<_>>());
}

#[tokio::test]
async fn buckets_of_another_name_client_size_or_secret_are_others() {
    let Some(server) = RedisServer::start("shared buckets", &[]) else { return };
    let (ours, theirs) = (connected(&server, b"ours").await, connected(&server, b"theirs").await);
    in_time(async |n| {
        server.ask("FLUSHALL");
        let smaller = BucketSize { burst: 19, ..SIGN_IN };
        let faster = BucketSize { interval: Duration::from_secs(6), ..SIGN_IN };
        for left in (15..20).rev() {
            assert_eq!(ours.draw("sign-in", CLIENT, SIGN_IN).await?, Drawing::Left(left), "{n}");
        }
        for (name, owner, size) in [
            ("refresh", CLIENT, SIGN_IN),
            ("sign-in", "203.0.113.8/32", SIGN_IN),
            ("sign-in", CLIENT, smaller),
            ("sign-in", CLIENT, faster),
        ] {
            assert_eq!(ours.draw(name, owner, size).await?, Drawing::Left(size.burst - 1));
        }
        assert_eq!(theirs.draw("sign-in", CLIENT, SIGN_IN).await?, Drawing::Left(19));
        assert_eq!(ours.draw("sign-in", CLIENT, SIGN_IN).await?, Drawing::Left(14));
        Ok(())
    })
    .await;
    let keys = server.ask("KEYS *");
    assert!(!keys.contains("203.0.113"), "{keys}");
    assert_eq!(keys.matches("holdfast:bucket:").count(), 6, "{keys}");
}

#[tokio::test]
async fn a_bucket_is_kept_until_it_is_full_again_and_no_longer() {
    let Some(server) = RedisServer::start("shared buckets", &[]) else { return };
    let buckets = connected(&server, b"secret").await;
    in_time(async |_| {
        server.ask("FLUSHALL");
        buckets.draw("sign-in", CLIENT, SIGN_IN).await?;
        buckets.draw("sign-in", CLIENT, SIGN_IN).await
    })
    .await;
    let keys = server.ask("KEYS holdfast:bucket:sign-in*");
    let key = keys.lines().find(|line| line.starts_with("holdfast:")).unwrap();
    let expires = server.ask(&format!("PTTL {key}"));
    let expires: u64 = expires.lines().next().unwrap().trim_start_matches(':').trim().parse().unwrap();
    assert!((1..=120_000).contains(&expires), "it is kept for {expires} ms");
    let brief = BucketSize { burst: 2, interval: Duration::from_millis(1) };
    in_time(async |_| buckets.draw("brief", CLIENT, brief).await).await;
    while server.ask("KEYS holdfast:bucket:brief*").contains("holdfast:bucket:brief") {
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn a_server_that_forgot_the_script_is_told_it_again() {
    let Some(server) = RedisServer::start("shared buckets", &[]) else { return };
    let buckets = connected(&server, b"secret").await;
    in_time(async |n| {
        server.ask("SCRIPT FLUSH");
        let client = n.to_string();
        assert_eq!(buckets.draw("sign-in", &client, SIGN_IN).await?, Drawing::Left(19));
        Ok(())
    })
    .await;
}

#[tokio::test]
async fn nobody_has_to_ask_for_an_outage_to_be_known() {
    let Some(server) = RedisServer::start("shared buckets", &[]) else { return };
    let buckets =
        RedisBuckets::connect(&RedisUrl::parse(&server.url()).unwrap(), OwnerKey::derive(b"secret"));
    for expected in [true, false, true] {
        let begun = Instant::now();
        while buckets.figures().reachable != expected {
            assert!(begun.elapsed() < Duration::from_mins(2), "reachable: {}", !expected);
            sleep(Duration::from_millis(5)).await;
        }
        if expected { server.pause() } else { server.resume() }
    }
    server.resume();
}

#[tokio::test]
async fn a_user_who_may_do_what_the_documentation_says_and_nothing_else_is_enough() {
    let documentation = include_str!("../../../docs/deployment.md");
    let (_, command) = documentation.split_once("`ACL SETUSER holdfast ").unwrap();
    let (rights, _) = command.split_once('`').unwrap();
    let Some(server) = RedisServer::start("shared buckets", &[]) else { return };
    assert!(server.ask(&format!("ACL SETUSER holdfast {rights}\nACL SETUSER default off")).contains("+OK"));
    for database in ["", "/0", "/3"] {
        let url =
            RedisUrl::parse(&format!("redis://holdfast:password@{}{database}", server.address())).unwrap();
        let begun = Instant::now();
        // On a slow machine it may be late.
        while let Err(fault) = examine(&url).await {
            assert!(fault.to_string().contains("no answer"), "{fault}");
            assert!(begun.elapsed() < Duration::from_mins(2), "{fault}");
        }
        let buckets = RedisBuckets::connect(&url, OwnerKey::derive(b"secret"));
        in_time(async |_| buckets.draw("sign-in", CLIENT, SIGN_IN).await).await;
    }
    let url = RedisUrl::parse(&server.url()).unwrap();
    assert!(examine(&url).await.is_err(), "nobody else gets in");
}

/// Answers every command with one line.
async fn fake(answer: &'static str) -> RedisUrl {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = [0; 4096];
                while let Ok(bytes @ 1..) = stream.read(&mut heard).await {
                    // Each begins with the number of its words.
                    let lines = heard[..bytes].split(|byte| *byte == b'\n');
                    let commands = lines.filter(|line| line.starts_with(b"*")).count();
                    stream.write_all(answer.repeat(commands).as_bytes()).await.unwrap_or_default();
                }
            });
        }
    });
    RedisUrl::parse(&format!("redis://{address}")).unwrap()
}

#[tokio::test]
async fn what_is_no_use_says_why_and_decides_nothing() {
    for (answer, told) in [
        ("-LOADING Redis is loading the dataset in memory\r\n", "loading the dataset"),
        ("-MASTERDOWN Link with MASTER is down\r\n", "MASTER is down"),
        ("HTTP/1.1 400 Bad Request\r\n\r\n", ""),
        ("+OK\r\n", ""),
        ("", "no answer within 1s"),
    ] {
        let url = fake(answer).await;
        let fault = examine(&url).await.unwrap_err().to_string();
        assert!(fault.contains(told), "{answer:?}: {fault}");
        let buckets = RedisBuckets::connect(&url, OwnerKey::derive(b"secret"));
        assert_eq!(buckets.draw("sign-in", CLIENT, SIGN_IN).await, Err(BucketsUnreachable));
        assert!(!buckets.figures().reachable);
    }
}
