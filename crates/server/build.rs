//! Prepares the built console for embedding: its files, and each compressed beside it where that pays.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};

/// Where `npm run build` leaves the console.
const DIST: &str = "../../console/dist";

fn main() -> io::Result<()> {
    // Cargo can only watch what is there; the server is complete without it.
    fs::create_dir_all(DIST)?;
    println!("cargo::rerun-if-changed={DIST}");
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("Cargo sets OUT_DIR"))?);
    let out = out.join("console");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    copy(Path::new(DIST), &out)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        // The build tool's own notes.
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(&name))?;
            continue;
        }
        let plain = fs::read(entry.path())?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain)?;
        let packed = encoder.finish()?;
        if packed.len() < plain.len() / 10 * 9 {
            let mut name = name.clone();
            name.push(".gz");
            fs::write(to.join(name), packed)?;
        }
        fs::write(to.join(&name), plain)?;
    }
    Ok(())
}
