use super::*;

fn read(url: &str) -> Url {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

#[test]
fn hosts_are_read_in_every_form() {
    for (url, expected) in [
        ("postgres://h", "h:5432"),
        ("postgresql://h:6432/jeton", "h:6432"),
        ("postgres://ada@h1:5432,h2:5433,h3/jeton", "h1:5432 h2:5433 h3:5432"),
        ("postgres://[2001:db8::1]:6432,[::1]", "[2001:db8::1]:6432 [::1]:5432"),
        ("postgres://%2Frun%2Fpostgresql/jeton", "%2Frun%2Fpostgresql:5432"),
        ("postgres:///jeton?host=/run/postgresql&port=6432", "%2Frun%2Fpostgresql:6432"),
        ("postgres://ada@/jeton?host=h1,h2&port=1,2", "h1:1 h2:2"),
        ("postgres://?host=h1,h2", "h1:5432 h2:5432"),
    ] {
        let hosts: Vec<_> = read(url).hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        assert_eq!(hosts.join(" "), expected, "{url}");
    }
}

#[test]
fn user_password_and_name_are_decoded() {
    for (url, user, password, name) in [
        ("postgres://h", None, None, None),
        ("postgres://h/", None, None, None),
        ("postgres://ada@h/jeton", Some("ada"), None, Some("jeton")),
        ("postgres://ada:@h/jeton", Some("ada"), None, Some("jeton")),
        ("postgres://a%40b:p%2F%3A%25:w@h/j%20n", Some("a@b"), Some("p/:%:w"), Some("j n")),
        ("postgres://h?user=ada&dbname=jeton&password=p%26w", Some("ada"), Some("p&w"), Some("jeton")),
    ] {
        let read = read(url);
        assert_eq!(read.user.as_deref(), user, "{url}");
        assert_eq!(read.password.as_ref().map(|password| password.expose().as_str()), password, "{url}");
        assert_eq!(read.name.as_deref(), name, "{url}");
    }
}

#[test]
fn parameters_are_read() {
    let url = read(
        "postgres://h/j?sslmode=verify-full&sslrootcert=/etc/ca.pem&target_session_attrs=any&connect_timeout=7&\
         channel_binding=require&application_name=node%201&options=-c%20search_path%3Djeton",
    );
    assert_eq!(url.ssl_mode, Some(SslMode::VerifyFull));
    assert_eq!(url.ssl_root_cert, Some(PathBuf::from("/etc/ca.pem")));
    assert_eq!(url.target_session_attrs, Some(TargetSessionAttrs::Any));
    assert_eq!(url.connect_timeout, Some(Duration::from_secs(7)));
    assert_eq!(url.channel_binding, Some(ChannelBinding::Require));
    assert_eq!(url.application_name.as_deref(), Some("node 1"));
    assert_eq!(url.options.as_deref(), Some("-c search_path=jeton"));
    assert_eq!(
        read("postgres://h?target_session_attrs=primary").target_session_attrs,
        Some(TargetSessionAttrs::ReadWrite)
    );
}

#[test]
fn mistakes_are_named() {
    for (url, expected) in [
        ("", "postgres://USER@HOST"),
        ("mysql://h/j", "postgres://USER@HOST"),
        ("host=h user=ada", "postgres://USER@HOST"),
        ("postgres://", "names no host"),
        ("postgres:///jeton", "names no host"),
        ("postgres://h1,,h2/j", "has no name"),
        ("postgres://h 1/j", "a space"),
        ("postgres://h\u{e9}/j", "neither a name nor an address"),
        ("postgres://h%00/j", "not UTF-8"),
        ("postgres://h%FF/j", "not UTF-8"),
        ("postgres://h:0/j", "port"),
        ("postgres://h:65536/j", "port"),
        ("postgres://::1/j", "brackets"),
        ("postgres://[::1/j", "ends with ]"),
        ("postgres://[::1]x/j", "postgres://USER@HOST"),
        ("postgres://[name:]/j", "neither a name nor an address"),
        ("postgres://h?host=g", "hosts twice"),
        ("postgres://h?port=1", "hosts twice"),
        ("postgres://?host=a,b&port=1,2,3", "one for each"),
        ("postgres://ada@h?user=bob", "says user twice"),
        ("postgres://h/j?sslmode=disable&sslmode=disable", "sslmode twice"),
        ("postgres://h/j?sslmode", "NAME=VALUE"),
        ("postgres://h/j?sslmode=on", "disable, allow, prefer, require, verify-ca, verify-full"),
        ("postgres://h/j?sslrootcert=ca.pem", "from the root on"),
        ("postgres://h/j?sslcert=/c.pem", "unknown parameter `sslcert`"),
        ("postgres://h/j?hostaddr=10.0.0.1", "unknown parameter `hostaddr`"),
        ("postgres://h/j?connect_timeout=0", "from 1 to 60"),
        ("postgres://h/j?connect_timeout=-1", "from 1 to 60"),
        ("postgres://h/j?target_session_attrs=standby", "cannot be written to"),
        ("postgres://h/j?channel_binding=maybe", "disable, prefer, require"),
    ] {
        let error = url.parse::<Url>().expect_err(url);
        assert!(error.contains(expected), "{url}: {error}\nshould contain {expected}");
    }
}

#[test]
fn passwords_that_are_not_encoded_are_refused_and_not_repeated() {
    for password in ["se/cret", "se?cret", "se#cret", "se@cret", "12/cret", "se?cret=1", "se cret", "se?cret=1&cret"] {
        let url = format!("postgres://ada:{password}@db.example.org:5432/jeton");
        let error = url.parse::<Url>().expect_err(&url);
        assert!(error.contains("%40") && !error.contains("cret"), "{url}: {error}");
        assert!(holds_password(&url), "{url}");
    }
}

#[test]
fn whether_a_url_holds_a_password() {
    for (url, expected) in [
        ("postgres://ada:secret@h/j", true),
        ("ada:secret@h", true),
        ("postgres://h/j?password=secret", true),
        ("postgres://h/j?user=ada&pass%77ord=secret", true),
        ("postgres://ada@h:5432/j", false),
        ("postgres://h1:1,h2:2/j?sslmode=disable", false),
        ("postgres:///j?host=/run", false),
    ] {
        assert_eq!(holds_password(url), expected, "{url}");
    }
}

#[test]
fn what_is_on_this_machine() {
    for (host, local) in [
        (Host::Unix("/run/postgresql".into()), true),
        (Host::Tcp("localhost".to_owned()), true),
        (Host::Tcp("LocalHost".to_owned()), true),
        (Host::Tcp("127.0.0.1".to_owned()), true),
        (Host::Tcp("127.8.9.1".to_owned()), true),
        (Host::Tcp("::1".to_owned()), true),
        (Host::Tcp("::ffff:127.0.0.1".to_owned()), true),
        (Host::Tcp("localhost.example.org".to_owned()), false),
        (Host::Tcp("127.1".to_owned()), false),
        (Host::Tcp("0.0.0.0".to_owned()), false),
        (Host::Tcp("::".to_owned()), false),
        (Host::Tcp("128.0.0.1".to_owned()), false),
        (Host::Tcp("10.0.0.1".to_owned()), false),
        (Host::Tcp("db.example.org".to_owned()), false),
    ] {
        assert_eq!(host.is_local(), local, "{host}");
    }
}
