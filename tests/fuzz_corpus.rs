//! The fuzz targets over their committed corpus, with stable Rust: what was found once stays found.
//!
//! A seed's name says what becomes of it: `good-…` is taken, `bad-…` is not, and anything else
//! (what a fuzzer found) only has to do no harm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on fails"
)]

use std::{
    fs,
    path::{Path, PathBuf},
};

#[allow(
    missing_docs,
    dead_code,
    unreachable_pub,
    reason = "it is a crate of its own, too"
)]
#[path = "../fuzz/src/lib.rs"]
mod targets;

#[path = "fuzz_corpus/recipe.rs"]
mod recipe;

fn corpus() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus")
}

fn names(directory: &Path) -> Vec<String> {
    let files =
        fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut names: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn every_seed_does_what_its_name_says() {
    for (target, run) in targets::TARGETS {
        let directory = corpus().join(target);
        let seeds = names(&directory);
        for start in ["good-", "bad-"] {
            assert!(
                seeds.iter().any(|seed| seed.starts_with(start)),
                "`{target}` has no seed `{start}…`"
            );
        }
        for seed in seeds {
            let taken = run(&fs::read(directory.join(&seed)).unwrap());
            let (good, bad) = (seed.starts_with("good-"), seed.starts_with("bad-"));
            assert!(
                taken && !bad || !taken && !good,
                "`{target}/{seed}`: taken is {taken}"
            );
        }
    }
}

#[test]
fn every_target_is_built_and_has_its_seeds() {
    let known: Vec<_> = targets::TARGETS
        .iter()
        .map(|(target, _)| (*target).to_owned())
        .collect();
    assert_eq!(names(&corpus()), known);
    let files: Vec<_> = known.iter().map(|target| format!("{target}.rs")).collect();
    assert_eq!(names(&corpus().with_file_name("fuzz_targets")), files);
    let manifest = fs::read_to_string(corpus().with_file_name("Cargo.toml")).unwrap();
    for target in known {
        assert!(
            manifest.contains(&format!("name = \"{target}\"")),
            "{target}"
        );
    }
}

#[test]
#[ignore = "writes the corpus"]
fn write_corpus() {
    for (path, seed) in recipe::seeds() {
        let path = corpus().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, seed).unwrap();
    }
}
