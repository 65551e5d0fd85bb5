//! A TCP proxy whose link can be slow, cut or silent.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::sleep,
};

/// What happens to the bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// They pass.
    Good,
    /// New connections pass after this long, as from a database that wakes up.
    Slow(Duration),
    /// Nothing passes, and nobody is told.
    Silent,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    link: Arc<watch::Sender<Link>>,
}

impl Proxy {
    pub(crate) async fn to(port: u16, link: Link) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let link = Arc::new(watch::Sender::new(link));
        let state = link.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(forward(client, port, state.subscribe()));
            }
        });
        Self { address, link }
    }

    pub(crate) fn set(&self, link: Link) {
        self.link.send_replace(link);
    }
}

async fn forward(mut client: TcpStream, port: u16, mut link: watch::Receiver<Link>) {
    let now = *link.borrow();
    if let Link::Slow(delay) = now {
        sleep(delay).await;
    }
    until(&mut link, |link| link != Link::Silent).await;
    let mut server = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => {}
        () = until(&mut link, |link| link == Link::Silent) => {
            // Holds both ends open, as a network that swallows everything would.
            sleep(Duration::from_mins(1)).await;
        }
    }
}

async fn until(link: &mut watch::Receiver<Link>, is: impl Fn(Link) -> bool) {
    // The sender lives as long as the test; after it, nothing matters.
    let _ = link.wait_for(|link| is(*link)).await;
}
