//! A link between client and server on which answers get lost, requests break off, and requests arrive twice. What a
//! client makes of it is the tests' matter.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

/// What becomes of one exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing special.
    Passes,
    /// The server has answered, and the client never hears of it.
    AnswerLost,
    /// Both ends lose the connection while the server is at work.
    BreaksOff,
    /// The request arrives twice at the same moment, and one answer comes back.
    Doubled,
}

/// Of ten exchanges in a row one loses its answer, one breaks off, and one is doubled.
const FATES: [Fate; 10] = [
    Fate::Passes,
    Fate::Passes,
    Fate::AnswerLost,
    Fate::Passes,
    Fate::Passes,
    Fate::BreaksOff,
    Fate::Passes,
    Fate::Passes,
    Fate::Doubled,
    Fate::Passes,
];

/// The link. It carries one exchange per connection: clients must send `Connection: close`.
pub(crate) struct UnreliableLink {
    /// Where clients find it.
    pub(crate) base: String,
    exchanges: Arc<AtomicUsize>,
}

impl UnreliableLink {
    /// A link to the server at `base`.
    pub(crate) async fn to(base: &str) -> Self {
        let server = base.strip_prefix("http://").unwrap().to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let exchanges = Arc::new(AtomicUsize::new(0));
        let counted = exchanges.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let fate = FATES[counted.fetch_add(1, Ordering::SeqCst) % FATES.len()];
                tokio::spawn(carry(client, server.clone(), fate));
            }
        });
        Self { base, exchanges }
    }

    /// How many exchanges met `fate` so far.
    pub(crate) fn met(&self, fate: Fate) -> usize {
        (0..self.exchanges.load(Ordering::SeqCst)).filter(|n| FATES[n % FATES.len()] == fate).count()
    }
}

async fn carry(mut client: TcpStream, server: String, fate: Fate) {
    let Some(request) = whole_request(&mut client).await else { return };
    let answer = match fate {
        Fate::Passes => exchange(&server, &request).await,
        Fate::AnswerLost => {
            exchange(&server, &request).await;
            None
        }
        Fate::BreaksOff => {
            let mut half = TcpStream::connect(&server).await.unwrap();
            half.write_all(&request).await.unwrap();
            None
        }
        Fate::Doubled => tokio::join!(exchange(&server, &request), exchange(&server, &request)).1,
    };
    if let Some(answer) = answer {
        // A client that has gone away meanwhile misses nothing.
        let _ = client.write_all(&answer).await;
        let _ = client.shutdown().await;
    }
}

/// Everything that the server answers before it closes the connection.
async fn exchange(server: &str, request: &[u8]) -> Option<Vec<u8>> {
    let mut server = TcpStream::connect(server).await.ok()?;
    server.write_all(request).await.ok()?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await.ok()?;
    Some(answer)
}

/// The head and as much of a body as it announces; nothing when the client goes away before.
async fn whole_request(client: &mut TcpStream) -> Option<Vec<u8>> {
    let mut request = Vec::new();
    loop {
        if let Some(end) = request.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&request[..end]).to_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if request.len() >= end + 4 + length {
                return Some(request);
            }
        }
        if client.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
    }
}
