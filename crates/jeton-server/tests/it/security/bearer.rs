//! How a call shows its token, where no dialect says otherwise (G12).

use crate::harness::Server;

#[tokio::test]
async fn g12_one_scheme_one_space_one_token() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    let rows: [(&str, Vec<String>, u16); 20] = [
        ("as it should be", vec![format!("Bearer {token}")], 200),
        ("lower case", vec![format!("bearer {token}")], 200),
        ("any case", vec![format!("bEaReR {token}")], 200),
        ("nothing", vec![], 401),
        ("no scheme", vec![token.clone()], 401),
        ("another scheme", vec![format!("Token {token}")], 401),
        ("Basic", vec![format!("Basic {token}")], 401),
        ("no space", vec![format!("Bearer{token}")], 401),
        ("two spaces", vec![format!("Bearer  {token}")], 400),
        ("a tab", vec![format!("Bearer\t{token}")], 400),
        ("no token", vec!["Bearer".to_owned()], 400),
        ("a colon", vec![format!("Bearer: {token}")], 400),
        ("quotes", vec![format!("Bearer \"{token}\"")], 400),
        ("a comma", vec![format!("Bearer {token}, Bearer x")], 400),
        ("two words", vec![format!("Bearer {token} x")], 400),
        ("a parameter", vec![format!("Bearer {token};x=1")], 400),
        ("not ASCII", vec!["Bearer \u{fc}".to_owned()], 400),
        ("twice the same", vec![format!("Bearer {token}"); 2], 400),
        ("two schemes", vec![format!("Bearer {token}"), "Basic eDp4".to_owned()], 400),
        ("another before it", vec!["Bearer x".to_owned(), format!("Bearer {token}")], 400),
    ];
    for (what, headers, status) in rows {
        let call = headers.iter().fold(server.get("/plain/x"), |call, value| call.header("Authorization", value));
        let answer = call.await;
        assert_eq!(answer.status, status, "{what}: {answer:?}");
        assert_eq!(answer.header("www-authenticate").is_some(), status != 200, "{what}");
    }
}

#[tokio::test]
async fn g12_a_token_in_the_url_is_refused_even_beside_a_good_one() {
    let server = Server::start().await;
    let token = server.client_token("plain", &server.plain).await;
    for query in [format!("access_token={token}"), "access_token=x".to_owned(), "a=1&access%5Ftoken=x".to_owned()] {
        let target = format!("/plain/x?{query}");
        assert_eq!(server.get(&target).await.status, 400, "{query}");
        assert_eq!(server.get(&target).bearer(&token).await.status, 400, "{query}");
    }
    let form = server.post("/plain/x").form(&[("access_token", &token)]).await;
    assert_eq!(form.status, 401, "nor is one read from a body");
}
