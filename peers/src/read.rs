//! A feed as `tough` reads it: metadata first, then every archive that it names.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use futures::StreamExt as _;
use tough::{FilesystemTransport, RepositoryLoader};
use url::Url;

/// The version of the targets that are let in, all archives of which are as they should be.
pub(crate) async fn read(root: &Path, datastore: &Path, feed: &Path) -> anyhow::Result<u64> {
    let root = std::fs::read(root)?;
    let url = |path: &Path| Url::from_directory_path(path).map_err(|()| anyhow!("no absolute path"));
    let repository = RepositoryLoader::new(&root, url(feed)?, url(&feed.join("targets"))?)
        .transport(FilesystemTransport)
        .datastore(datastore)
        .load()
        .await?;
    let names: Vec<_> = repository.all_targets().map(|(name, _)| name.clone()).collect();
    for name in names {
        let mut stream = repository.read_target(&name).await?.context("a target that is not there")?;
        while let Some(piece) = stream.next().await {
            piece.with_context(|| format!("target {}", name.raw()))?;
        }
    }
    Ok(repository.targets().signed.version.get())
}
