//! Every command in the README and the guides is run as a reader would, in the order of the document.
//!
//! What is marked `sh` is run; of what is marked `console`, the lines after `$ `. A block that starts a server starts it
//! for the rest of the document; a document without one finds a server running, an administrator's token in `$TOKEN`, a
//! phone enrolled for each of its JSON examples of detections, and these in `detections.ndjson`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Stdio,
};

use common::{Client, PATIENCE, Place, fleet::Phone};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// Where blocks begin that are not run, and why.
const NOT_RUN: &[(&str, &str, &str)] = &[
    ("README.md", "make demo", "runs for ever, and `make test` runs this; the demo has a test of its own"),
    ("README.md", "cargo build --release", "the program is built already"),
];

/// Where the documents say the server listens. Here it takes any port.
const ADDRESS: &str = "127.0.0.1:8080";

struct Block {
    line: usize,
    language: String,
    text: String,
}

/// The fenced blocks of a document.
fn blocks(text: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut inside = false;
    for (number, line) in text.lines().enumerate() {
        match (line.trim_start().strip_prefix("```"), inside) {
            (Some(language), false) => {
                blocks.push(Block { line: number + 1, language: language.trim().to_owned(), text: String::new() });
                inside = true;
            }
            (Some(_), true) => inside = false,
            (None, true) => {
                let block = blocks.last_mut().expect("it was begun");
                block.text.extend([line, "\n"]);
            }
            (None, false) => {}
        }
    }
    assert!(!inside, "a block has no end");
    blocks
}

/// What there is to run in a block.
fn commands(block: &Block) -> Option<String> {
    match block.language.as_str() {
        "sh" => Some(block.text.clone()),
        "console" => Some(block.text.lines().filter_map(|line| line.strip_prefix("$ ")).collect::<Vec<_>>().join("\n")),
        _ => None,
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The README and the guides, by their names from the root.
fn documents() -> Vec<String> {
    let guides =
        fs::read_dir(root().join("docs")).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> =
        guides.filter(|name| name.ends_with(".md")).map(|name| format!("docs/{name}")).collect();
    names.push("README.md".to_owned());
    names.sort();
    names
}

#[tokio::test]
async fn every_command_in_the_documents_works() {
    let mut run = 0;
    let mut left_out = Vec::new();
    for name in documents() {
        let blocks = blocks(&fs::read_to_string(root().join(&name)).unwrap());
        let mut reader = Reader::new();
        if !blocks.iter().filter_map(commands).any(|text| is_server(&text)) {
            reader.prepare(&blocks).await;
        }
        for block in &blocks {
            let Some(text) = commands(block) else { continue };
            let is_left_out =
                |(document, begins, _): &&(&str, &str, &str)| name == *document && text.starts_with(begins);
            if let Some(known) = NOT_RUN.iter().find(is_left_out) {
                left_out.push(known);
                continue;
            }
            reader.follow(&text, &format!("{name}, line {}", block.line)).await;
            run += 1;
        }
    }
    assert_eq!(left_out.len(), NOT_RUN.len(), "some of them are not there any more: {left_out:?}");
    assert!(run >= 8, "{run}");
}

fn is_server(text: &str) -> bool {
    let mut words = text.split_whitespace();
    words.next().is_some_and(|program| program.ends_with("allclear")) && words.next() == Some("serve")
}

/// Somebody who does what a document says, in an empty directory.
struct Reader {
    place: Place,
    server: Option<Child>,
    url: String,
    token: String,
}

impl Reader {
    fn new() -> Reader {
        let place = Place::sqlite();
        for program in ["bin/allclear", "target/release/allclear"] {
            let program = place.file(program);
            fs::create_dir_all(program.parent().unwrap()).unwrap();
            symlink(env!("CARGO_BIN_EXE_allclear"), program).unwrap();
        }
        Reader { place, server: None, url: String::new(), token: String::new() }
    }

    /// A shell that has the program.
    fn shell(&self, text: &str) -> Command {
        let mut command = self.place.shell(text);
        let path = std::env::var("PATH").unwrap();
        command.env("PATH", format!("{}:{path}", self.place.file("bin").display()));
        if !self.token.is_empty() {
            command.env("TOKEN", &self.token);
        }
        command
    }

    /// What a document takes for granted that does not start a server itself.
    async fn prepare(&mut self, blocks: &[Block]) {
        self.follow(&format!("allclear serve --data-dir ./allclear-data --listen {ADDRESS}"), "before").await;
        let token = "allclear token create --data-dir ./allclear-data --role administrator --name reader";
        self.token = self.follow(token, "before").await.lines().last().expect("a token").to_owned();
        let admin = Client::new(&self.url, &self.token);
        let user = admin.post("/api/v1/users", json!({ "user_name": "ada" })).await.expect(201);
        let mut lines = String::new();
        for block in blocks.iter().filter(|block| block.language == "json") {
            let example: Value = serde_json::from_str(&block.text).expect("examples are JSON");
            if let Some(serial) = example["device"]["serial_number"].as_str() {
                Phone::enroll_for(&admin, &user["id"], "android", serial).await;
                lines.push_str(&format!("{example}\n"));
            }
        }
        fs::write(self.place.file("detections.ndjson"), lines).unwrap();
    }

    /// Runs commands to their end, or starts a server. Returns what was printed.
    async fn follow(&mut self, text: &str, place: &str) -> String {
        let starts_server = is_server(text);
        let text = match self.url.strip_prefix("http://") {
            _ if starts_server => text.replace(ADDRESS, "127.0.0.1:0"),
            Some(address) => text.replace(ADDRESS, address),
            None => text.to_owned(),
        };
        if starts_server {
            let mut server = self.shell(&format!("exec {text}")).stdout(Stdio::piped()).spawn().unwrap();
            let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
            let line = timeout(PATIENCE, lines.next_line()).await.expect("the server starts").unwrap().unwrap();
            self.url = line.strip_prefix("listening on ").expect("an address").to_owned();
            self.server = Some(server);
            return line;
        }
        let output = timeout(PATIENCE * 2, self.shell(&text).output()).await.expect("it ends").unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{place}: {}\n{text}\n{printed}{errors}", output.status);
        printed
    }
}
