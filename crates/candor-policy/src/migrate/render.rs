//! Proposals for people: on a terminal, and in Markdown.

use super::proposal::{Import, Proposal};
use super::settings::Kind;

/// Proposals on a terminal, those that cost most first.
#[must_use]
pub fn text(import: &Import) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    for read in &import.files {
        let what = read.outcome.format.map_or("nothing that is read here", super::settings::Format::title);
        line(&format!("{}: {what}, {} settings", read.name, read.outcome.settings));
        if let Some(trouble) = &read.outcome.trouble {
            line(&format!("  not all of it was read: {trouble}"));
        }
    }
    for proposal in sorted(import) {
        line("");
        line(&format!("{} [risk {}] {}", proposal.id, proposal.risk.word(), about(proposal)));
        line(&format!(
            "  read from  {}, {}: {}",
            proposal.file, proposal.setting.place, proposal.setting.key
        ));
        match (&proposal.becomes, &proposal.nothing) {
            (Some(becomes), _) => {
                for (at, text) in becomes.text.lines().enumerate() {
                    let label = if at == 0 { "becomes  " } else { "         " };
                    line(&format!("  {label}  {text}    ({})", becomes.target.file()));
                }
                if let Some(option) = &becomes.option {
                    line(&format!("  or         {option}"));
                }
            }
            (None, why) => line(&format!("  becomes    nothing: {}", why.as_deref().unwrap_or_default())),
        }
        proposal.notes.iter().for_each(|note| line(&format!("  note       {note}")));
    }
    line("");
    import.remarks.iter().for_each(|remark| line(remark));
    out.pop();
    out
}

/// The same as a table of Markdown.
#[must_use]
pub fn markdown(import: &Import) -> String {
    let cell =
        |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace('\n', "; ").replace('`', "'");
    let mut out = String::from("# Settings of the product that goes\n\n");
    for read in &import.files {
        let what = read.outcome.format.map_or("nothing that is read here", super::settings::Format::title);
        let trouble = read.outcome.trouble.as_deref().map(|why| format!("; not all of it was read: {why}"));
        out.push_str(&format!(
            "* `{}`: {what}, {} settings, SHA-256 `{}`{}\n",
            cell(&read.name),
            read.outcome.settings,
            read.sha256,
            cell(&trouble.unwrap_or_default())
        ));
    }
    out.push_str("\n| id | risk | setting | read from | becomes | notes |\n|---|---|---|---|---|---|\n");
    for proposal in sorted(import) {
        let becomes = match &proposal.becomes {
            Some(becomes) => format!("{}: {}", becomes.target.file(), becomes.text),
            None => format!("nothing: {}", proposal.nothing.as_deref().unwrap_or_default()),
        };
        out.push_str(&format!(
            "| `{}` | {} | {} | {}, {}: {} | {} | {} |\n",
            proposal.id,
            proposal.risk.word(),
            cell(&about(proposal)),
            cell(&proposal.file),
            cell(&proposal.setting.place),
            cell(&proposal.setting.key),
            cell(&becomes),
            cell(&proposal.notes.join("; "))
        ));
    }
    out.push('\n');
    import.remarks.iter().for_each(|remark| out.push_str(&format!("{remark}\n")));
    out
}

fn sorted(import: &Import) -> Vec<&Proposal> {
    let mut proposals: Vec<&Proposal> = import.proposals.iter().collect();
    proposals.sort_by_key(|proposal| std::cmp::Reverse(proposal.risk));
    proposals
}

fn about(proposal: &Proposal) -> String {
    let setting = &proposal.setting;
    let what = match setting.kind {
        Kind::ExcludePath => "path that is not looked at",
        Kind::ExcludeName => "names that are not looked at",
        Kind::ExcludeExtension => "extension that is not looked at",
        Kind::ExcludeHash => "file that is not looked at, by its digest",
        Kind::ExcludeProcess => "program whose files are not looked at",
        Kind::ExcludeThreat => "threat that is not told",
        Kind::ScanScope => "path that is scanned",
        Kind::MaxSize => "largest file, in bytes",
        Kind::MaxTime => "longest time for a file, in seconds",
        Kind::ScanContent => "kind of file that is looked into",
        Kind::Schedule => "when it scans",
        Kind::OnAccess => "files that are opened",
        Kind::Quarantine => "what happens with what is found",
        Kind::UpdateSource => "source of updates",
        Kind::Proxy => "proxy",
        Kind::Notification => "who is told",
        Kind::Telemetry => "what is sent to the maker",
        Kind::ClamdKey => "key",
        Kind::Other => "setting",
    };
    // A key says more than that it is one.
    if setting.kind == Kind::ClamdKey {
        return format!("{} {}", setting.key, setting.value);
    }
    let with = setting.with.as_ref().map(|with| format!(" ({with})")).unwrap_or_default();
    format!("{what}: {}{with}", setting.value)
}
