//! A connection that begins in the open and turns to TLS (STARTTLS): until it does, not an octet is read beyond the line
//! that is asked for.
//!
//! The SMTP client reads ahead, and would take what it has read ahead for answers of the relay that came under TLS. What
//! somebody on the way sends behind the relay's "go ahead" stays in the socket here, where TLS stumbles over it.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll, ready},
};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// What a record of a TLS handshake begins with, and no command of SMTP.
const HANDSHAKE: u8 = 0x16;
/// The most of a line that is looked at at once, in octets; a longer one comes in pieces.
const PIECE: usize = 512;

/// A connection read by the line until the first record of TLS is written to it.
#[derive(Debug)]
pub(super) struct ByLine {
    stream: TcpStream,
    is_tls: bool,
}

impl ByLine {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, is_tls: false }
    }
}

impl AsyncRead for ByLine {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.is_tls {
            return Pin::new(&mut this.stream).poll_read(cx, buf);
        }
        let mut octets = [0; PIECE];
        let most = buf.remaining().min(PIECE);
        let mut ahead = ReadBuf::new(&mut octets[..most]);
        ready!(this.stream.poll_peek(cx, &mut ahead))?;
        let ahead = ahead.filled();
        let end = ahead.iter().position(|octet| *octet == b'\n').map_or(ahead.len(), |at| at + 1);
        let mut line = ReadBuf::new(&mut octets[..end]);
        ready!(Pin::new(&mut this.stream).poll_read(cx, &mut line))?;
        buf.put_slice(line.filled());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for ByLine {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.is_tls |= buf.first() == Some(&HANDSHAKE);
        Pin::new(&mut this.stream).poll_write(cx, buf)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(cx)
    }
}

impl AsyncTokioStream for ByLine {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.stream.peer_addr()
    }
}
