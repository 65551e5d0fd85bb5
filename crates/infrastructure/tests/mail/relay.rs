//! A relay on this machine that takes down what it hears and answers as it is told.

use std::{
    mem,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

/// What the relay answers to a line, where it is not the usual.
pub(crate) type Unusual = fn(&str) -> Option<&'static str>;

/// Everything that was said to it, line by line, over all connections.
#[derive(Clone, Default)]
pub(crate) struct Transcript(Arc<Mutex<Vec<String>>>);

impl Transcript {
    /// What was said since the last time.
    pub(crate) fn take(&self) -> Vec<String> {
        mem::take(&mut self.0.lock().unwrap())
    }

    fn note(&self, line: &str) {
        self.0.lock().unwrap().push(line.to_owned());
    }
}

/// A relay in clear text on a free port.
pub(crate) async fn start(unusual: Unusual) -> (u16, Transcript) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, transcript) = (listener.local_addr().unwrap().port(), Transcript::default());
    let heard = transcript.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that goes away in mid-sentence ends its conversation and no other.
            converse(stream, &heard, unusual).await.ok();
        }
    });
    (port, transcript)
}

async fn converse(stream: TcpStream, heard: &Transcript, unusual: Unusual) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    stream.write_all(b"220 relay.example ESMTP\r\n").await?;
    let mut in_data = false;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let line = line.trim_end_matches(['\r', '\n']);
        heard.note(line);
        if in_data && line != "." {
            continue;
        }
        let answer = unusual(line).unwrap_or_else(|| usual(line));
        stream.write_all(format!("{answer}\r\n").as_bytes()).await?;
        in_data = answer.starts_with("354");
    }
}

fn usual(line: &str) -> &'static str {
    match line.get(..4) {
        Some("EHLO") => "250-relay.example\r\n250-8BITMIME\r\n250 AUTH PLAIN",
        Some("AUTH") => "235 2.7.0 welcome",
        Some("DATA") => "354 go on",
        Some("QUIT") => "221 bye",
        _ => "250 2.0.0 fine",
    }
}

/// Somebody who takes one connection, notes the first byte and goes away.
pub(crate) async fn first_byte() -> (u16, tokio::task::JoinHandle<u8>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heard = tokio::spawn(async move { listener.accept().await.unwrap().0.read_u8().await.unwrap() });
    (port, heard)
}
