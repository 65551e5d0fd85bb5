//! The blows, and how a scene takes them: what its health says meanwhile, and how long the way back is.

use std::time::Duration;

use holdfast_testkit::NetworkFault;
use reqwest::Client;
use sqlx::{Connection as _, Executor as _};
use tokio::{
    task::block_in_place,
    time::{Instant, sleep, timeout},
};

use crate::{
    DEADLINE,
    chance::Chance,
    scene::{Postgres, Scene, Storage},
    tally::{Cause, Tally},
};

/// One blow.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Strike {
    /// `kill -9` of every process of PostgreSQL, and a start once the server has noticed.
    KillDatabase,
    /// The same with PgBouncer.
    KillPooler,
    /// `kill -9` of the server.
    KillServer,
    /// The network between the server and its database fails for a while.
    Network(NetworkFault, Duration),
    /// Another process holds the write lock of the file for a while.
    BusyFile(Duration),
}

impl Strike {
    fn cause(self) -> Cause {
        match self {
            Self::KillDatabase | Self::KillPooler => Cause::Database,
            Self::Network(..) | Self::BusyFile(_) => Cause::Network,
            Self::KillServer => Cause::Server,
        }
    }
}

const NETWORK: [NetworkFault; 8] = [
    NetworkFault::Refuse,
    NetworkFault::ResetBefore,
    NetworkFault::ResetDuring,
    NetworkFault::CutAfter { bytes: 1 },
    NetworkFault::CutAfter { bytes: 20 },
    NetworkFault::Swallow,
    NetworkFault::Delay(Duration::from_millis(100)),
    NetworkFault::Delay(Duration::from_secs(3)),
];

impl Scene {
    /// A blow by chance. One in four kills something; the others come and go.
    pub(crate) fn draw(&self, chance: &mut Chance) -> Strike {
        let kills = chance.below(4) == 0;
        match &self.storage {
            Storage::Sqlite { .. } if kills => Strike::KillServer,
            Storage::Sqlite { .. } => Strike::BusyFile(chance.pause()),
            Storage::Postgres(_) if !kills => Strike::Network(chance.of(&NETWORK), chance.pause()),
            Storage::Postgres(postgres) => match (chance.below(3), &postgres.pooler) {
                (0, _) => Strike::KillServer,
                (1, Some(_)) => Strike::KillPooler,
                _ => Strike::KillDatabase,
            },
        }
    }

    /// Takes the blow, and waits until the server is ready again.
    pub(crate) async fn suffer(&self, strike: Strike, tally: &Tally) {
        let over = match (strike, &self.storage) {
            (Strike::KillServer, _) => {
                self.server.kill_and_start();
                Instant::now()
            }
            (Strike::KillDatabase, Storage::Postgres(postgres)) => self.kill_database(postgres, tally).await,
            (Strike::KillPooler, Storage::Postgres(postgres)) => self.kill_pooler(postgres, tally).await,
            (Strike::Network(fault, lasts), Storage::Postgres(postgres)) => {
                postgres.network.fail(fault);
                self.alive_for(lasts, tally).await;
                postgres.network.heal().unwrap();
                Instant::now()
            }
            (Strike::BusyFile(lasts), Storage::Sqlite { url }) => {
                let mut other = sqlx::SqliteConnection::connect(url).await.unwrap();
                other.execute("PRAGMA busy_timeout = 60000").await.unwrap();
                other.execute("BEGIN IMMEDIATE").await.unwrap();
                self.alive_for(lasts, tally).await;
                other.execute("ROLLBACK").await.unwrap();
                Instant::now()
            }
            (strike, Storage::Postgres(_) | Storage::Sqlite { .. }) => {
                panic!("{strike:?} strikes nothing here")
            }
        };
        self.until_ready(200).await;
        tally.suffered(strike.cause(), over.elapsed());
    }

    async fn kill_database(&self, postgres: &Postgres, tally: &Tally) -> Instant {
        block_in_place(|| postgres.cluster.kill()).unwrap();
        self.notices(tally).await;
        block_in_place(|| postgres.cluster.start()).unwrap();
        Instant::now()
    }

    async fn kill_pooler(&self, postgres: &Postgres, tally: &Tally) -> Instant {
        let pooler = postgres.pooler.as_ref().unwrap();
        block_in_place(|| pooler.kill()).unwrap();
        self.notices(tally).await;
        block_in_place(|| pooler.start()).unwrap();
        Instant::now()
    }

    /// Ready turns 503, and the process lives.
    async fn notices(&self, tally: &Tally) {
        self.until_ready(503).await;
        self.is_alive(tally).await;
    }

    async fn alive_for(&self, lasts: Duration, tally: &Tally) {
        let end = Instant::now() + lasts;
        while Instant::now() < end {
            self.is_alive(tally).await;
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn is_alive(&self, tally: &Tally) {
        let status = self.status("/health/live").await;
        if status != Some(200) {
            tally.wrong(format!("/health/live answers {status:?}"));
        }
    }

    async fn until_ready(&self, wanted: u16) {
        let turned = async {
            while self.status("/health/ready").await != Some(wanted) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let turned = timeout(DEADLINE, turned).await;
        turned.unwrap_or_else(|_| panic!("on {} /health/ready never answers {wanted}", self.name()));
    }

    async fn status(&self, path: &str) -> Option<u16> {
        let url = format!("{}{path}", *self.server.base().borrow());
        let client = Client::builder().no_proxy().build().unwrap();
        client.get(url).send().await.ok().map(|answer| answer.status().as_u16())
    }
}
