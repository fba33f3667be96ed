//! `jeton refresh` and `jeton logout`

use jeton_client::Ended;

use super::{Folder, block_on, valid};
use crate::local::print::say;

/// Refresh the token if it is time to
#[derive(clap::Args)]
pub(crate) struct RefreshArgs {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
    /// Get a new token although the old one is good
    #[arg(long)]
    force: bool,
}

/// End the token, at the API where that has a sign-out
///
/// The profile and its secrets stay: the next call signs in again. `jeton profile remove` removes them.
#[derive(clap::Args)]
pub(crate) struct LogoutArgs {
    #[command(flatten)]
    folder: Folder,
    /// The profile
    name: String,
}

pub(super) fn refresh(args: &RefreshArgs) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    let token = block_on(async {
        match args.force {
            true => Ok(source.refresh().await?),
            false => valid(&source).await,
        }
    })?;
    let until =
        token.expires_at.map_or("its end is not known".to_owned(), |end| format!("good until {}", end.whole_secs()));
    say(&format!("the token of `{}`: {until}", args.name));
    Ok(())
}

pub(super) fn logout(args: &LogoutArgs) -> anyhow::Result<()> {
    let source = args.folder.source(&args.name)?;
    let name = &args.name;
    say(&match block_on(async { Ok(source.end().await?) })? {
        Ended::AtTheApi => format!("the token of `{name}` has ended"),
        Ended::Here => {
            format!("the token of `{name}` is forgotten here; the API has no sign-out, so it ends by its time")
        }
        Ended::Nothing => format!("`{name}` has no token"),
    });
    Ok(())
}
