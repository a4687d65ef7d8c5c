//! Builds the console into the server: writes a list of its files, each also compressed where that pays, as Rust.

use std::{
    collections::BTreeMap,
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
    let copies = out.join("console");
    if copies.exists() {
        fs::remove_dir_all(&copies)?;
    }
    let mut files = BTreeMap::new();
    copy(Path::new(DIST), &copies, "", &mut files)?;
    // Sorted by name, to be searched.
    let rows: String = files.iter().map(|(name, path)| format!("({name:?}, include_bytes!({path:?})),\n")).collect();
    fs::write(out.join("console.rs"), format!("&[\n{rows}]\n"))
}

/// Copies a directory, and says under which name each copy is served: copies, because the console may be built again
/// while the compiler reads.
fn copy(from: &Path, to: &Path, prefix: &str, files: &mut BTreeMap<String, PathBuf>) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        // The build tool's own notes.
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(&name), &format!("{prefix}{name}/"), files)?;
            continue;
        }
        let mut keep = |name: String, content: &[u8]| {
            let path = to.join(&name);
            fs::write(&path, content)?;
            files.insert(format!("{prefix}{name}"), path);
            io::Result::Ok(())
        };
        let plain = fs::read(entry.path())?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&plain)?;
        let packed = encoder.finish()?;
        if packed.len() < plain.len() / 10 * 9 {
            keep(format!("{name}.gz"), &packed)?;
        }
        keep(name, &plain)?;
    }
    Ok(())
}
