//! The data directory: made when missing, readable by its owner only; and the key in it.
//!
//! Must not know what is sealed with the key.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use allclear_engine::source::Source;
use anyhow::{Context, Result, bail};

/// The SQLite database's file name.
pub const DATABASE: &str = "allclear.db";
/// The key's file name.
pub const KEY: &str = "secret.key";

/// Makes the data directory if it is missing.
pub fn prepare(directory: &Path) -> Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(directory).with_context(|| format!("cannot make the data directory {}", directory.display()))
}

/// Where the key is.
pub fn key_path(directory: &Path) -> PathBuf {
    directory.join(KEY)
}

/// The key of a server, made at its first start. `known` says whether the database was there before: its secrets
/// need the key they were sealed with, so then a missing one is not replaced.
pub fn key(directory: &Path, known: bool, source: &dyn Source) -> Result<[u8; 32]> {
    let path = key_path(directory);
    match read_key(&path)? {
        Some(key) => Ok(key),
        None if known => bail!(
            "{} is missing, but the database is there: put back the key that belongs to it. If it is lost, \
             `allclear admin new-key` makes another; passwords in profiles and keys of integrations must then be \
             entered again",
            path.display()
        ),
        None => new_key(&path, source),
    }
}

/// The key in a file; nothing if there is no file.
pub fn read_key(path: &Path) -> Result<Option<[u8; 32]>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
    };
    let length = bytes.len();
    match bytes.try_into() {
        Ok(key) => Ok(Some(key)),
        Err(_) => bail!("{} must hold 32 bytes, not {length}", path.display()),
    }
}

/// Makes a key; refuses to replace one. Of two processes that do it at the same time, both get the same one.
pub fn new_key(path: &Path, source: &dyn Source) -> Result<[u8; 32]> {
    let failed = || format!("cannot write {}", path.display());
    let key = source.secret();
    // Complete before it has its name, so that nobody ever reads half of one.
    let partial = path.with_extension(format!("{}.partial", source.id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&partial).with_context(failed)?;
    file.write_all(&key).and_then(|()| file.sync_all()).with_context(failed)?;
    let linked = fs::hard_link(&partial, path);
    // What matters is whether the key has its name.
    let _ = fs::remove_file(&partial);
    match linked {
        Ok(()) => Ok(key),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => match read_key(path)? {
            Some(key) => Ok(key),
            None => bail!("{} came and went", path.display()),
        },
        Err(error) => Err(error).with_context(failed),
    }
}

/// Who else may read a file or directory: its permission bits beyond the owner's. 0 where there are none.
pub fn others(path: &Path) -> io::Result<u32> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        Ok(fs::metadata(path)?.permissions().mode() & 0o077)
    }
    #[cfg(not(unix))]
    {
        fs::metadata(path).map(|_| 0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that panics has failed")]
    use allclear_engine::source::SystemSource;

    use super::*;

    #[test]
    fn an_empty_place_is_made_private_and_its_key_stays() {
        let directory = tempfile::tempdir().unwrap();
        let home = directory.path().join("a/b");
        prepare(&home).unwrap();
        let key_there = key(&home, false, &SystemSource).unwrap();
        assert_eq!(key(&home, true, &SystemSource).unwrap(), key_there);
        assert_eq!(others(&home).unwrap(), 0);
        assert_eq!(others(&key_path(&home)).unwrap(), 0);
        assert_eq!(new_key(&key_path(&home), &SystemSource).unwrap(), key_there, "never replaced");
        assert_eq!(fs::read_dir(&home).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_lost_key_is_not_quietly_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let error = key(directory.path(), true, &SystemSource).unwrap_err().to_string();
        assert!(error.contains("secret.key is missing"), "{error}");
        fs::write(key_path(directory.path()), b"short").unwrap();
        let error = key(directory.path(), false, &SystemSource).unwrap_err().to_string();
        assert!(error.contains("32 bytes, not 5"), "{error}");
    }

    #[test]
    fn all_who_start_at_once_have_one_key() {
        let directory = tempfile::tempdir().unwrap();
        let path = key_path(directory.path());
        let keys: Vec<[u8; 32]> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| new_key(&path, &SystemSource).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(keys.iter().all(|key| *key == keys[0]));
    }
}
