//! Standard error, written in blocks by a thread of its own: nothing else waits for the disk or the pipe behind it.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line waits for others.
const PATIENCE: Duration = Duration::from_millis(20);

/// How many bytes wait at most. What finds no room is lost, and that is told once there is room again: a service that stands still
/// because nobody reads its log would be worse.
const WAITING_AT_MOST: usize = 1024 * 1024;

/// How long the end waits for a reader.
const LAST_PATIENCE: Duration = Duration::from_secs(1);

/// A writer of whole lines whose clones are one. Lines keep their order; a warning or an error lets no line wait for others. What
/// comes after [`Written`] is dropped is written on the spot.
#[derive(Clone)]
pub(crate) struct LineBuffer(Arc<Shared>);

#[derive(Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// A line came, or the end.
    arrived: Condvar,
    /// Everything is written for good.
    ended: Condvar,
}

#[derive(Default)]
struct Waiting {
    lines: Vec<u8>,
    urgent: bool,
    lost: u64,
    closed: bool,
    /// Who writes, once the thread has ended.
    writer: Option<Box<dyn Write + Send>>,
}

/// Waits a second at most until everything is written when it is dropped.
#[must_use]
pub(crate) struct Written(LineBuffer);

impl LineBuffer {
    /// Lines for `writer`.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub(crate) fn new(writer: impl Write + Send + 'static) -> io::Result<(Self, Written)> {
        let (buffer, writer) = (Self(Arc::default()), Box::new(writer));
        let blocks = buffer.clone();
        thread::Builder::new().name("log lines".to_owned()).spawn(move || blocks.write_blocks(writer))?;
        Ok((buffer.clone(), Written(buffer)))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, line: &[u8], urgent: bool) {
        let mut waiting = self.waiting();
        if let Some(writer) = &mut waiting.writer {
            write_whole(writer, line);
            return;
        }
        let first = waiting.lines.is_empty();
        if !first && waiting.lines.len() + line.len() > WAITING_AT_MOST {
            waiting.lost += 1;
            return;
        }
        waiting.lines.extend_from_slice(line);
        waiting.urgent |= urgent;
        drop(waiting);
        if first || urgent {
            self.0.arrived.notify_one();
        }
    }

    /// Sleeps until a line comes, lets more come, and writes them; until the end.
    fn write_blocks(&self, mut writer: Box<dyn Write + Send>) {
        let mut block = Vec::new();
        loop {
            let (lost, over) = self.next_block(&mut block);
            write_whole(&mut writer, &block);
            block.clear();
            if lost > 0 {
                // It is the next line.
                tracing::warn!(target: "holdfast::logs", lost, "log lines were lost: nobody read them in time");
            } else if over {
                self.waiting().writer = Some(writer);
                self.0.ended.notify_all();
                return;
            }
        }
    }

    /// The lines that wait, how many were lost behind them, and whether it is the end.
    fn next_block(&self, block: &mut Vec<u8>) -> (u64, bool) {
        let arrived = &self.0.arrived;
        let idle = |waiting: &mut Waiting| waiting.lines.is_empty() && !waiting.closed;
        let waiting = arrived.wait_while(self.waiting(), idle).unwrap_or_else(PoisonError::into_inner);
        let patient = |waiting: &mut Waiting| !waiting.urgent && !waiting.closed;
        let waited = arrived.wait_timeout_while(waiting, PATIENCE, patient);
        let (mut waiting, _) = waited.unwrap_or_else(PoisonError::into_inner);
        mem::swap(block, &mut waiting.lines);
        waiting.urgent = false;
        (mem::take(&mut waiting.lost), waiting.closed)
    }
}

/// A reader that is slow makes this one wait, also where whoever shares standard error with us wants to be told instead. There is
/// nowhere to say that it is gone.
fn write_whole(writer: &mut impl Write, mut block: &[u8]) {
    while !block.is_empty() {
        match writer.write(block) {
            Ok(written) if written > 0 => block = block.get(written..).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(_) | Err(_) => return,
        }
    }
    let _ = writer.flush();
}

impl Drop for Written {
    fn drop(&mut self) {
        let Shared { arrived, ended, .. } = &*self.0.0;
        let mut waiting = self.0.waiting();
        waiting.closed = true;
        arrived.notify_one();
        drop(ended.wait_timeout_while(waiting, LAST_PATIENCE, |waiting| waiting.writer.is_none()));
    }
}

impl<'a> MakeWriter<'a> for LineBuffer {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { buffer: self, urgent: false }
    }

    fn make_writer_for(&'a self, about: &Metadata<'_>) -> Line<'a> {
        Line { buffer: self, urgent: *about.level() <= Level::WARN }
    }
}

/// Takes one line, whole.
pub(crate) struct Line<'a> {
    buffer: &'a LineBuffer,
    urgent: bool,
}

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.buffer.take(line, self.urgent);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    struct Pipe(Sender<String>);

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // Nobody reads any more.
            self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn buffer() -> (LineBuffer, Written, Receiver<String>) {
        let (pipe, blocks) = channel();
        let (buffer, written) = LineBuffer::new(Pipe(pipe)).unwrap();
        (buffer, written, blocks)
    }

    #[test]
    fn a_line_is_written_although_no_other_comes() {
        let (buffer, _written, blocks) = buffer();
        for line in ["one\n", "another\n"] {
            buffer.take(line.as_bytes(), false);
            assert_eq!(blocks.recv().unwrap(), line);
        }
    }

    #[test]
    fn nothing_is_lost_or_changes_places_when_many_write() {
        let (buffer, written, blocks) = buffer();
        thread::scope(|scope| {
            for writer in 0..4 {
                let buffer = &buffer;
                scope.spawn(move || {
                    for line in 0..2_000 {
                        buffer.take(format!("{writer} {line}\n").as_bytes(), line % 97 == 0);
                    }
                });
            }
        });
        drop(written);
        let text: String = blocks.try_iter().collect();
        for writer in 0..4 {
            let numbers = text.lines().filter_map(|line| line.strip_prefix(&format!("{writer} ")));
            assert!(numbers.eq((0..2_000).map(|number| number.to_string())), "of writer {writer}");
        }
    }

    #[test]
    fn what_waits_is_written_at_the_end_and_what_comes_later_at_once() {
        let (buffer, written, blocks) = buffer();
        buffer.take(b"last\n", false);
        drop(written);
        buffer.take(b"later\n", false);
        assert_eq!(blocks.try_iter().collect::<String>(), "last\nlater\n");
    }

    /// A reader that reads nothing until it is told to.
    struct Blocked(Receiver<()>, Pipe);

    impl Write for Blocked {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            // From the first word on it reads everything.
            let _ = self.0.recv();
            self.1.write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn nobody_waits_for_a_reader_that_reads_nothing_and_what_finds_no_room_is_counted() {
        let ((pipe, blocks), (go, wait)) = (channel(), channel());
        let (buffer, written) = LineBuffer::new(Blocked(wait, Pipe(pipe))).unwrap();
        let line = [b"x".repeat(1023), b"\n".to_vec()].concat();
        for _ in 0..3 * WAITING_AT_MOST / line.len() {
            buffer.take(&line, true);
        }
        let lost = buffer.waiting().lost;
        assert!(lost > 0);
        drop(go);
        drop(written);
        let read: usize = blocks.try_iter().map(|block| block.len()).sum();
        assert_eq!(read / line.len() + usize::try_from(lost).unwrap(), 3 * WAITING_AT_MOST / line.len());
    }

    #[test]
    fn the_end_does_not_wait_for_ever() {
        let ((pipe, _blocks), (_go, wait)) = (channel(), channel::<()>());
        let (buffer, written) = LineBuffer::new(Blocked(wait, Pipe(pipe))).unwrap();
        buffer.take(b"unread\n", false);
        drop(written);
    }

    /// Takes a byte at a time, and every other time none.
    struct Narrow(Pipe, bool);

    impl Write for Narrow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.1 = !self.1;
            if self.1 { Err(io::ErrorKind::WouldBlock.into()) } else { self.0.write(&bytes[..1]) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_narrow_way_takes_longer_and_loses_nothing() {
        let (pipe, blocks) = channel();
        let (buffer, written) = LineBuffer::new(Narrow(Pipe(pipe), false)).unwrap();
        buffer.take(b"whole\n", false);
        drop(written);
        assert_eq!(blocks.try_iter().collect::<String>(), "whole\n");
    }

    #[test]
    fn a_reader_that_is_gone_stops_nobody() {
        let (buffer, written, blocks) = buffer();
        drop(blocks);
        buffer.take(b"unheard\n", true);
        drop(written);
    }
}
