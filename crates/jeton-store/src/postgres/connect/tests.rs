use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

fn postgres(url: &str) -> Result<Postgres, String> {
    let url = url.parse::<Url>()?;
    Postgres::new(url, None, 4).map_err(|error| error.to_string())
}

/// `TLS` or `plain` for each host, as the driver will do it.
fn encryption(url: &str) -> Result<String, String> {
    let postgres = postgres(url)?;
    let shown = postgres.servers.configs.iter().map(|config| match config.get_ssl_mode() {
        Encryption::Disable => "plain",
        Encryption::Require => "TLS",
        _ => "maybe",
    });
    Ok(shown.collect::<Vec<_>>().join(" "))
}

#[test]
fn n7_off_this_machine_there_is_verified_tls_or_nothing() {
    const REFUSED: &str = "always verified";
    for (url, expected) in [
        ("postgres://localhost", Ok("plain")),
        ("postgres://127.0.0.1,[::1]", Ok("plain plain")),
        ("postgres://?host=/run/postgresql", Ok("plain")),
        ("postgres://localhost?sslmode=disable", Ok("plain")),
        ("postgres://localhost?sslmode=allow", Ok("plain")),
        ("postgres://localhost?sslmode=prefer", Ok("plain")),
        ("postgres://localhost?sslmode=require", Ok("TLS")),
        ("postgres://localhost?sslmode=verify-ca", Ok("TLS")),
        ("postgres://localhost?sslmode=verify-full", Ok("TLS")),
        ("postgres://?host=/run/postgresql,localhost&sslmode=verify-full", Ok("plain TLS")),
        ("postgres://localhost?sslrootcert=/ca.pem", Err("add sslmode=verify-full")),
        ("postgres://db.example.org", Ok("TLS")),
        ("postgres://10.0.0.1", Ok("TLS")),
        ("postgres://localhost,db.example.org", Ok("TLS TLS")),
        ("postgres://db.example.org?sslmode=verify-full", Ok("TLS")),
        ("postgres://db.example.org?sslmode=disable", Err(REFUSED)),
        ("postgres://db.example.org?sslmode=allow", Err(REFUSED)),
        ("postgres://db.example.org?sslmode=prefer", Err(REFUSED)),
        ("postgres://db.example.org?sslmode=require", Err(REFUSED)),
        ("postgres://db.example.org?sslmode=verify-ca", Err(REFUSED)),
        ("postgres://localhost,db.example.org?sslmode=disable", Err(REFUSED)),
        ("postgres://db.example.org?sslrootcert=/not/there.pem", Err("/not/there.pem cannot be read")),
        ("postgres://db-.example.org?sslmode=verify-full", Err("not a name that a certificate can have")),
    ] {
        match (encryption(url), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{url}"),
            (Err(error), Err(expected)) => assert!(error.contains(expected), "{url}: {error}"),
            (found, expected) => panic!("{url}: {found:?} instead of {expected:?}"),
        }
    }
}

#[test]
fn a_file_of_cas_must_hold_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("ca.pem");
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (text, expected) in [("", "holds no certificate"), (broken, "cannot be used")] {
        std::fs::write(&file, text).unwrap();
        let error = postgres(&format!("postgres://db.example.org?sslrootcert={}", file.display())).unwrap_err();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn sessions_are_bounded_whatever_the_url_says() {
    let options = |url: &str| postgres(url).unwrap().servers.configs[0].get_options().unwrap().to_owned();
    let ours = "-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000";
    assert_eq!(options("postgres://localhost"), ours);
    let mine = "-c%20search_path%3Dj%20-c%20statement_timeout%3D0";
    let both = format!("-c search_path=j -c statement_timeout=0 {ours}");
    assert_eq!(options(&format!("postgres://localhost?options={mine}")), both);
}

#[test]
fn a_connection_is_for_writing_and_found_dead_in_time() {
    let config = |url: &str| postgres(url).unwrap().servers.configs[0].clone();
    let usual = config("postgres://localhost,127.0.0.1/j");
    assert_eq!(usual.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
    assert_eq!(usual.get_application_name(), Some("jeton"));
    assert_eq!(usual.get_tcp_user_timeout(), Some(&Duration::from_secs(3)));
    assert_eq!(usual.get_keepalives_idle() + PROBE * usual.get_keepalives_retries().unwrap(), Duration::from_secs(3));
    let own = config("postgres://localhost?target_session_attrs=any&application_name=n1&channel_binding=require");
    assert_eq!(own.get_target_session_attrs(), TargetSessionAttrs::Any);
    assert_eq!(own.get_application_name(), Some("n1"));
    assert_eq!(own.get_channel_binding(), ChannelBinding::Require);
}

#[test]
fn the_password_from_elsewhere_goes_first_and_none_is_shown() {
    let postgres = |password: Option<&str>| {
        let url: Url = "postgres://ada:in-url@localhost,[::1]:6432/j".parse().unwrap();
        Postgres::new(url, password.map(Secret::from), 4).unwrap()
    };
    let given = |postgres: &Postgres| postgres.servers.configs[1].get_password().map(<[u8]>::to_vec);
    assert_eq!(given(&postgres(None)), Some(b"in-url".to_vec()));
    assert_eq!(given(&postgres(Some("from-file"))), Some(b"from-file".to_vec()));
    let shown = format!("{} {0:?}", postgres(Some("from-file")));
    assert_eq!(
        shown,
        "postgres://ada@localhost:5432,[::1]:6432/j postgres://ada@localhost:5432,[::1]:6432/j (4 connections)"
    );
}

#[test]
fn the_number_of_connections_is_bounded() {
    for (connections, right) in [(0, false), (1, false), (2, true), (256, true), (257, false)] {
        let url: Url = "postgres://localhost".parse().unwrap();
        assert_eq!(Postgres::new(url, None, connections).is_ok(), right, "{connections}");
    }
}

/// What a stand-in does with a connection.
#[derive(Clone, Copy)]
enum Stand {
    /// Accepts it and says nothing more, like a machine whose disk hangs.
    Frozen,
    /// Lets anybody in and has one answer: it can be written to, or not.
    Server { read_only: bool },
}

async fn stand_in(stand: Stand) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let Stand::Server { read_only } = stand else {
                open.push(stream);
                continue;
            };
            tokio::spawn(async move {
                let mut buffer = [0; 1024];
                assert!(stream.read(&mut buffer).await.unwrap() > 0);
                // AuthenticationOk, ReadyForQuery.
                stream.write_all(b"R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I").await.unwrap();
                assert!(stream.read(&mut buffer).await.unwrap() > 0);
                // RowDescription of one text column, DataRow, CommandComplete, ReadyForQuery.
                let mut answer = b"T\0\0\0\x1a\0\x01r\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0".to_vec();
                let value: &[u8] = if read_only { b"on" } else { b"off" };
                answer.extend([b'D', 0, 0, 0, 10 + value.len() as u8, 0, 1, 0, 0, 0, value.len() as u8]);
                answer.extend(value);
                answer.extend(b"C\0\0\0\x09SHOW\0Z\0\0\0\x05I");
                stream.write_all(&answer).await.unwrap();
                // Until the client goes.
                while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    address
}

async fn postgres_of(stands: &[Stand]) -> Postgres {
    let mut hosts = Vec::new();
    for stand in stands {
        hosts.push(stand_in(*stand).await.to_string());
    }
    postgres(&format!("postgres://ada@{}/j?connect_timeout=1", hosts.join(","))).unwrap()
}

#[tokio::test]
async fn the_first_host_that_answers_and_can_be_written_to_is_used() {
    let standby = Stand::Server { read_only: true };
    let primary = Stand::Server { read_only: false };
    for (stands, expected) in [
        (vec![primary], Ok(0)),
        (vec![standby, primary], Ok(1)),
        (vec![Stand::Frozen, standby, primary], Ok(2)),
        (vec![standby], Err("name every host of the cluster")),
        (vec![Stand::Frozen, Stand::Frozen], Err("no answer within 1 s a host")),
    ] {
        let postgres = postgres_of(&stands).await;
        match (postgres.connect().await, expected) {
            (Ok(_), Ok(at)) => assert_eq!(postgres.servers.last.load(Ordering::Relaxed), at),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
            (Ok(_), Err(expected)) => panic!("connected, instead of {expected}"),
            (Err(error), Ok(at)) => panic!("{error}, instead of host {at}"),
        }
    }
}

#[tokio::test]
async fn a_frozen_host_is_waited_for_once() {
    let postgres = postgres_of(&[Stand::Frozen, Stand::Server { read_only: false }]).await;
    let pool = postgres.pool().unwrap();
    let first = pool.get().await.unwrap();
    let start = Instant::now();
    let second = pool.get().await.unwrap();
    assert!(start.elapsed() < Duration::from_millis(900), "the second connection waited for the frozen host too");
    drop((first, second));
}

#[tokio::test]
async fn a_server_without_tls_gets_no_password() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut sent = vec![0; 8];
        stream.read_exact(&mut sent).await.unwrap();
        stream.write_all(b"N").await.unwrap();
        stream.read_to_end(&mut sent).await.unwrap();
        sent
    });
    let error = postgres(&format!("postgres://ada:secret@{address}/j?sslmode=verify-full")).unwrap();
    let error = error.connect().await.map(|_| ()).unwrap_err().to_string();
    assert!(error.contains("does not support TLS") && error.contains("ssl = on"), "{error}");
    // SSLRequest, and nothing after the no.
    assert_eq!(sent.await.unwrap(), [0, 0, 0, 8, 4, 210, 22, 47]);
}
