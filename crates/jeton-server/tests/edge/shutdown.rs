//! How a listener ends.

use std::time::{Duration, Instant};

use jeton_server::listen::Limits;
use tokio::net::TcpStream;

use crate::support::{Server, get_request};

#[tokio::test]
async fn requests_in_flight_finish_and_idle_connections_do_not_delay() {
    let mut server = Server::plain(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.send(get_request("/")).await;
    idle.until("hello").await;
    let mut working = server.connect().await;
    working.send(get_request("/slow")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;

    let begun = Instant::now();
    server.begin_stop();
    let answer = working.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("slow"), "{answer}");
    assert!(answer.contains("connection: close\r\n"), "{answer}");
    assert_eq!(idle.rest().await, "");
    let address = server.address;
    server.stopped().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server() {
    let drain = Duration::from_millis(300);
    let mut server = Server::plain(Limits { drain, ..Limits::default() }).await;
    let mut stuck = server.connect().await;
    stuck.send(get_request("/never")).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    let begun = Instant::now();
    server.begin_stop();
    server.stopped().await;
    let took = begun.elapsed();
    assert!(took >= drain && took < Duration::from_secs(5), "{took:?}");
    assert_eq!(stuck.rest().await, "");
}
