//! Black-box tests of the whole program; everything lives in the test targets.
