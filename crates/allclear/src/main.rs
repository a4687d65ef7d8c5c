//! The binary. See the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    allclear::main()
}
