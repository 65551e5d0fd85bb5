//! A network that can be told how to fail: a proxy on loopback in front of a real server. It knows bytes and
//! connections, and nothing of what they mean.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

/// What the network does to everything that passes from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkFault {
    /// Nothing listens any more, and all connections are reset.
    Refuse,
    /// The connection is reset as soon as the client sends anything; the server never hears of it.
    ResetBefore,
    /// The server hears what the client sends and does it; the connection is reset before the answer passes.
    ResetDuring,
    /// The answer passes as far as its first `bytes`, then the connection is reset.
    CutAfter {
        /// How much of each answer passes.
        bytes: usize,
    },
    /// Connections stay open and nothing passes in either direction. One on which something was lost stays silent for
    /// ever.
    Swallow,
    /// What the client sends arrives this much later.
    Delay(Duration),
    /// New connections pass after this long, as from a database that wakes up.
    Asleep(Duration),
    /// New connections pass once the network works again, as from a database that wakes up when the test wants it.
    Held,
}

/// A proxy in front of one server. It ends with this value, and so do its connections.
pub struct ChaosProxy {
    address: SocketAddr,
    shared: Arc<Shared>,
    /// Keeps the port ours while nothing listens on it.
    _reserved: TcpSocket,
    listening: Mutex<Option<JoinHandle<()>>>,
}

struct Shared {
    upstream: SocketAddr,
    fault: watch::Sender<Option<NetworkFault>>,
    /// Grows with every call that resets what is open.
    resets: watch::Sender<u64>,
    accepted: AtomicU64,
    round_trips: AtomicU64,
}

impl ChaosProxy {
    /// Listens on a free loopback port and passes everything on to `upstream`. To be called within a tokio runtime.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn new(upstream: SocketAddr) -> io::Result<Self> {
        let reserved = reusable(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?;
        let shared = Shared {
            upstream,
            fault: watch::Sender::new(None),
            resets: watch::Sender::new(0),
            accepted: AtomicU64::new(0),
            round_trips: AtomicU64::new(0),
        };
        let proxy = Self {
            address: reserved.local_addr()?,
            shared: Arc::new(shared),
            _reserved: reserved,
            listening: Mutex::default(),
        };
        proxy.listen()?;
        Ok(proxy)
    }

    /// A network in front of the server that a database URL on 127.0.0.1 names, and the URL that leads through it.
    ///
    /// # Errors
    /// When the URL names no such server, or no port can be had.
    pub fn before(database_url: &str) -> io::Result<(Self, String)> {
        let mut url: url::Url = database_url.parse().map_err(io::Error::other)?;
        let port = url.port().ok_or_else(|| io::Error::other("a database URL without a port"))?;
        let proxy = Self::new(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        let renamed = url.set_port(Some(proxy.address.port()));
        renamed.map_err(|()| io::Error::other("a database URL without a host"))?;
        Ok((proxy, url.to_string()))
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// How many connections clients have opened.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// How often a client has sent something and then heard an answer to it, over all connections: what is sent before
    /// the answer comes is one round trip.
    pub fn round_trips(&self) -> u64 {
        self.shared.round_trips.load(Ordering::Relaxed)
    }

    /// From now on the network fails in this way.
    pub fn fail(&self, fault: NetworkFault) {
        self.shared.fault.send_replace(Some(fault));
        if fault == NetworkFault::Refuse {
            if let Some(listening) = self.listening().take() {
                listening.abort();
            }
            self.reset();
        }
    }

    /// From now on the network works again.
    ///
    /// # Errors
    /// When the port cannot be listened on.
    pub fn heal(&self) -> io::Result<()> {
        let was = self.shared.fault.send_replace(None);
        if was == Some(NetworkFault::Refuse) {
            self.listen()?;
        }
        Ok(())
    }

    /// Resets every open connection.
    pub fn reset(&self) {
        self.shared.resets.send_modify(|resets| *resets += 1);
    }

    fn listen(&self) -> io::Result<()> {
        let listener = reusable(self.address)?.listen(1_024)?;
        *self.listening() = Some(tokio::spawn(accept(listener, Arc::downgrade(&self.shared))));
        Ok(())
    }

    fn listening(&self) -> std::sync::MutexGuard<'_, Option<JoinHandle<()>>> {
        self.listening.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for ChaosProxy {
    fn drop(&mut self) {
        if let Some(listening) = self.listening().take() {
            listening.abort();
        }
        self.reset();
    }
}

fn reusable(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseport(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn accept(listener: TcpListener, shared: std::sync::Weak<Shared>) {
    while let Ok((client, _)) = listener.accept().await {
        let Some(shared) = shared.upgrade() else { return };
        shared.accepted.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(connection(client, shared));
    }
}

/// Both directions of one connection, until either side ends it or the network does.
async fn connection(client: TcpStream, shared: Arc<Shared>) {
    let mut resets = shared.resets.subscribe();
    resets.mark_unchanged();
    let asleep = *shared.fault.borrow();
    if let Some(NetworkFault::Asleep(pause)) = asleep {
        tokio::time::sleep(pause).await;
    }
    let mut fault = shared.fault.subscribe();
    if fault.wait_for(|fault| *fault != Some(NetworkFault::Held)).await.is_err() {
        return;
    }
    let Ok(server) = TcpStream::connect(shared.upstream).await else { return };
    // Whatever ends the connection, the other side sees a reset, never a polite end.
    let lingers = client.set_zero_linger().and_then(|()| client.set_nodelay(true));
    if lingers.and_then(|()| server.set_nodelay(true)).is_err() {
        return;
    }
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let asked = AtomicBool::new(false);
    tokio::select! {
        () = requests(from_client, to_server, &shared, &asked) => {}
        () = answers(from_server, to_client, &shared, &asked) => {}
        _ = resets.changed() => {}
    }
}

async fn requests(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, asked: &AtomicBool) {
    let mut buffer = vec![0; 16 * 1_024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        asked.store(true, Ordering::Relaxed);
        let fault = *shared.fault.borrow();
        match fault {
            Some(NetworkFault::ResetBefore | NetworkFault::Refuse) => return,
            Some(NetworkFault::Swallow) => std::future::pending().await,
            Some(NetworkFault::Delay(pause)) => tokio::time::sleep(pause).await,
            Some(
                NetworkFault::ResetDuring
                | NetworkFault::CutAfter { .. }
                | NetworkFault::Asleep(_)
                | NetworkFault::Held,
            )
            | None => {}
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}

async fn answers(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, shared: &Shared, asked: &AtomicBool) {
    let mut buffer = vec![0; 16 * 1_024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if asked.swap(false, Ordering::Relaxed) {
            shared.round_trips.fetch_add(1, Ordering::Relaxed);
        }
        let fault = *shared.fault.borrow();
        let (passes, ends) = match fault {
            Some(NetworkFault::ResetDuring | NetworkFault::Refuse) => (0, true),
            Some(NetworkFault::CutAfter { bytes }) => (bytes.min(read), true),
            Some(NetworkFault::Swallow) => std::future::pending().await,
            Some(
                NetworkFault::ResetBefore
                | NetworkFault::Delay(_)
                | NetworkFault::Asleep(_)
                | NetworkFault::Held,
            )
            | None => (read, false),
        };
        if to.write_all(&buffer[..passes]).await.is_err() || ends {
            return;
        }
    }
}
