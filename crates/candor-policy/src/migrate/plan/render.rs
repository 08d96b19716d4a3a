//! A plan for people: on a terminal, and in Markdown.

use super::{Plan, Step, Subject};

/// A plan on a terminal.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = Lines::default();
    plan.principles.iter().for_each(|principle| out.line(&format!("* {principle}")));
    for subject in &plan.subjects {
        out.line("");
        out.line(&subject.name);
        if subject.steps.is_empty() {
            out.line("  nothing was found that would have to be removed");
        }
        for (phase, steps) in Plan::phases(subject) {
            out.line("");
            out.line(&format!("  {}", phase.title()));
            steps.into_iter().for_each(|step| text_step(step, &mut out));
        }
        rest(subject, &mut out, "  ", "    ");
    }
    out.line("");
    out.line(&made(plan));
    out.text.pop();
    out.text
}

fn text_step(step: &Step, out: &mut Lines) {
    let versions =
        if step.versions.is_empty() { String::new() } else { format!(" {}", step.versions.join(", ")) };
    out.line(&format!("  {:>3}. {}{versions}", step.number, step.title));
    step.before.iter().for_each(|text| out.line(&format!("       before   {text}")));
    for command in &step.commands {
        out.line(&format!("       run      {}", command.text));
        out.line(&format!("                source: {}", command.source));
    }
    for lost in &step.lost {
        out.line(&format!("       lost     {}", lost.what));
        out.line(&format!("       instead  {}", lost.instead));
    }
    step.after.iter().for_each(|text| out.line(&format!("       after    {text}")));
    if step.reboot {
        out.line("       after    start the machine again");
    }
    step.seen.iter().for_each(|place| out.line(&format!("       seen     {place}")));
}

/// A plan in Markdown, to be filed and ticked off.
#[must_use]
pub fn markdown(plan: &Plan) -> String {
    let mut out = Lines::default();
    out.line("# Plan to move");
    out.line("");
    plan.principles.iter().for_each(|principle| out.line(&format!("* {}", plain(principle))));
    for subject in &plan.subjects {
        out.line("");
        out.line(&format!("## {}", plain(&subject.name)));
        if subject.steps.is_empty() {
            out.line("");
            out.line("Nothing was found that would have to be removed.");
        }
        for (phase, steps) in Plan::phases(subject) {
            out.line("");
            out.line(&format!("### {}", phase.title()));
            out.line("");
            steps.into_iter().for_each(|step| markdown_step(step, &mut out));
        }
        rest(subject, &mut out, "### ", "* ");
    }
    out.line("");
    out.line(&made(plan));
    out.text
}

fn markdown_step(step: &Step, out: &mut Lines) {
    let versions =
        if step.versions.is_empty() { String::new() } else { format!(" {}", step.versions.join(", ")) };
    out.line(&format!("{}. [ ] **{}**{}", step.number, plain(&step.title), plain(&versions)));
    step.before.iter().for_each(|text| out.line(&format!("   * before: {}", plain(text))));
    for command in &step.commands {
        out.line(&format!("   * run: `{}` ({})", command.text.replace('`', "'"), plain(&command.source)));
    }
    for lost in &step.lost {
        out.line(&format!("   * lost: {}; instead: {}", plain(&lost.what), plain(&lost.instead)));
    }
    step.after.iter().for_each(|text| out.line(&format!("   * after: {}", plain(text))));
    if step.reboot {
        out.line("   * after: start the machine again");
    }
    step.seen.iter().for_each(|place| out.line(&format!("   * seen: `{}`", place.replace('`', "'"))));
}

fn rest(subject: &Subject, out: &mut Lines, head: &str, item: &str) {
    let mut list = |title: &str, lines: Vec<String>| {
        if lines.is_empty() {
            return;
        }
        out.line("");
        out.line(&format!("{head}{title}"));
        // Markdown wants a line between.
        if head.starts_with('#') {
            out.line("");
        }
        lines.iter().for_each(|line| out.line(&format!("{item}{line}")));
    };
    list(
        "Not to be touched",
        subject.untouched.iter().map(|one| format!("{}, {}: {}", one.what, one.place, one.why)).collect(),
    );
    list(
        "To be looked at first",
        subject
            .leads
            .iter()
            .map(|lead| format!("{} ({}): {}", lead.what, lead.vendor, lead.places.join(", ")))
            .collect(),
    );
    list("Not seen, so perhaps more", subject.unseen.clone());
}

fn made(plan: &Plan) -> String {
    format!("Made {} by candor {}, policy {}", plan.generated, plan.version, plan.policy.built_in)
}

/// Text that Markdown takes as it is.
fn plain(text: &str) -> String {
    text.replace('\\', "\\\\").replace('*', "\\*").replace('_', "\\_").replace('<', "&lt;").replace('`', "'")
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn line(&mut self, line: &str) {
        self.text.push_str(line.trim_end());
        self.text.push('\n');
    }
}
