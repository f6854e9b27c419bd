//! `strongroom man`: one manual page with every command in it.

use std::io::{self, Write};

use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::Cli;

/// Writes the page in roff.
pub fn render(out: &mut dyn Write) -> io::Result<()> {
    let mut program = Cli::command();
    program.build();
    let page = Man::new(program.clone());
    page.render_title(out)?;
    page.render_name_section(out)?;
    page.render_synopsis_section(out)?;
    page.render_options_section(out)?;
    writeln!(out, ".SH COMMANDS")?;
    commands(&program, out)?;
    page.render_extra_section(out)?;
    page.render_version_section(out)
}

/// The commands that do something, each under its whole name.
fn commands(of: &Command, out: &mut dyn Write) -> io::Result<()> {
    for command in of
        .get_subcommands()
        .filter(|command| command.get_name() != "help")
    {
        if command.has_subcommands() {
            commands(command, out)?;
        } else {
            section(command, out)?;
        }
    }
    Ok(())
}

fn section(command: &Command, out: &mut dyn Write) -> io::Result<()> {
    let name = command.get_bin_name().unwrap_or_else(|| command.get_name());
    // What every command takes is said once, at the top.
    let own = command.clone().mut_args(|argument| {
        let everywhere = argument.is_global_set() || argument.get_id() == "help";
        argument.hide(everywhere)
    });
    let has_options = own.get_arguments().any(|argument| !argument.is_hide_set());
    let section = Man::new(own);
    let mut text = Vec::new();
    section.render_synopsis_section(&mut text)?;
    section.render_description_section(&mut text)?;
    if has_options {
        section.render_options_section(&mut text)?;
    }
    // The headings are those of a page of its own; here the name is heading enough.
    writeln!(out, ".SS \"{name}\"")?;
    for line in String::from_utf8_lossy(&text).lines() {
        match line {
            ".SH SYNOPSIS" | ".SH OPTIONS" => {}
            ".SH DESCRIPTION" => writeln!(out, ".PP")?,
            line => writeln!(out, "{line}")?,
        }
    }
    Ok(())
}
