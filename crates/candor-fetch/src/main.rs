//! The only program of Candor that opens connections: bytes from configured mirrors into a spool.

fn main() -> anyhow::Result<()> {
    anyhow::bail!("nothing to fetch")
}
