//! Keys for AWS. A bearer token signs no request there: its Security Token Service takes the token of an OIDC issuer that
//! a role trusts, and gives keys for that role.

use anyhow::{Context, anyhow, bail};
use jeton_client::flow::{FlowError, Request};
use jeton_client::transport::Transport;
use jeton_client::{Error, Token, check_address};
use jeton_core::dialect::{AnswerParts, Dialect, ReadError, Values};
use jeton_core::secret::Secret;
use serde_json::json;

#[derive(clap::Args)]
pub(super) struct Role {
    /// With --format aws: the role, such as arn:aws:iam::123456789012:role/reader, that trusts the token's issuer
    #[arg(long, value_name = "ARN")]
    aws_role: Option<String>,
    /// With --format aws: the Security Token Service that exchanges the token
    #[arg(long, value_name = "URL", default_value = "https://sts.amazonaws.com")]
    aws_sts: String,
}

/// What a `credential_process` prints:
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html>
pub(super) async fn credentials(args: &Role, name: &str, token: &Token) -> anyhow::Result<Secret<String>> {
    let role = args.aws_role.as_deref().context("AWS gives keys for a role; say which with --aws-role ARN")?;
    check_address(&args.aws_sts)?;
    let dialect = Dialect::parse(include_str!("sts.toml")).map_err(|mistakes| anyhow!("sts.toml: {mistakes:?}"))?;
    let asked = Values::new()
        .with("role", role)
        // Who asks, in the logs of AWS: two to 64 characters.
        .with("client_id", format!("jeton-{name}").chars().take(64).collect::<String>())
        .with("client_secret", token.access.clone());
    let written = dialect.write_request(0, &asked, &Values::new())?;
    let url = format!("{}{}", args.aws_sts.trim_end_matches('/'), written.target);
    let (headers, body) = (written.headers, Secret::new(written.body));
    let request = Request { method: written.method, url, headers, body, asked };
    let answer = Transport::new(None).map_err(Error::from)?.send(request).await.map_err(Error::from)?;
    let parts = AnswerParts {
        status: answer.status,
        reason_phrase: answer.reason_phrase.as_deref(),
        headers: &answer.headers,
        body: answer.body.expose(),
    };
    let values = match dialect.read_answer(0, &parts) {
        Ok(values) => values,
        Err(ReadError::Refused(refusal)) => {
            let refused = Error::Flow(FlowError::Refused(refusal));
            return Err(anyhow!(refused).context("AWS exchanges no token for the role"));
        }
        Err(ReadError::Shape(why)) => {
            bail!("the answer of {} (status {}) cannot be read: {why}", args.aws_sts, answer.status)
        }
    };
    let keys = (values.text("access_key"), values.secret("secret_key"), values.secret("access_token"));
    let ((Some(id), Some(key), Some(session)), Some(end)) = (keys, values.time("expires_at")) else {
        bail!("the answer of {} has no keys", args.aws_sts)
    };
    let object = json!({
        "Version": 1,
        "AccessKeyId": id,
        "SecretAccessKey": key.expose(),
        "SessionToken": session.expose(),
        "Expiration": end.whole_secs().to_string(),
    });
    Ok(Secret::new(object.to_string()))
}
