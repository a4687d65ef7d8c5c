//! The files of the server's folder.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::SystemTime,
};

use super::LARGEST;

/// What the names of files end with that hold sets.
const ENDINGS: [&str; 5] = ["json", "stix", "stix2", "yaml", "yml"];
/// The longest name of a set, in characters.
const NAME: usize = 100;
/// The most files that are looked at.
const MOST: usize = 100;

/// A file as the folder lists it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Listed {
    pub(super) path: PathBuf,
    size: u64,
    changed: Option<SystemTime>,
}

/// The files with sets, by name. Files begun with a dot are left out: they may still be written.
pub(super) fn list(folder: &Path) -> std::io::Result<BTreeMap<String, Listed>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()).map(str::to_owned) else { continue };
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let meant = ENDINGS.iter().any(|known| ending.eq_ignore_ascii_case(known)) && !name.starts_with('.');
        // Gone again, or a link that leads nowhere.
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        let named = name.chars().count() <= NAME && !name.chars().any(char::is_control);
        if meant && named && metadata.is_file() && found.len() < MOST {
            found.insert(name, Listed { path, size: metadata.len(), changed: metadata.modified().ok() });
        }
    }
    Ok(found)
}

/// The content of a file, or why it cannot be had.
pub(super) fn content(file: &Listed) -> Result<Vec<u8>, String> {
    if file.size > LARGEST as u64 {
        return Err(format!("is larger than {LARGEST} bytes"));
    }
    std::fs::read(&file.path).map_err(|error| format!("cannot be read: {error}"))
}
