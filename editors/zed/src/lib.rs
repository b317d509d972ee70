//! Starts `prodlint server`: the command of the settings, else the one that the project's environment has on its PATH.
use zed_extension_api::{self as zed, settings::LspSettings, LanguageServerId, Result};

struct Prodlint;

impl zed::Extension for Prodlint {
    fn new() -> Self {
        Prodlint
    }

    fn language_server_command(&mut self, id: &LanguageServerId, worktree: &zed::Worktree) -> Result<zed::Command> {
        let binary = LspSettings::for_worktree(id.as_ref(), worktree).ok().and_then(|settings| settings.binary);
        let command = binary
            .as_ref()
            .and_then(|given| given.path.clone())
            .or_else(|| worktree.which("prodlint"))
            .ok_or("prodlint is not on the PATH: `pip install 'prodlint[lsp]'`, or set `lsp.prodlint.binary.path`")?;
        let args = binary.and_then(|given| given.arguments).unwrap_or_else(|| vec!["server".into()]);
        Ok(zed::Command { command, args, env: worktree.shell_env() })
    }

    fn language_server_initialization_options(&mut self, id: &LanguageServerId, worktree: &zed::Worktree) -> Result<Option<zed::serde_json::Value>> {
        Ok(LspSettings::for_worktree(id.as_ref(), worktree)?.initialization_options)
    }
}

zed::register_extension!(Prodlint);
