//! Which test ports which of OTP's scenarios, and that none is missing.

/// The files with the tests. A test names the scenarios it ports in a comment `// OTP A05, A06`.
const FILES: [(&str, &str); 27] = [
    ("actor ask", include_str!("../ask.rs")),
    ("actor stopping", include_str!("../stopping.rs")),
    ("administration", include_str!("administration.rs")),
    ("auto_shutdown", include_str!("auto_shutdown.rs")),
    ("budget", include_str!("budget.rs")),
    ("dynamic administration", include_str!("../dynamic/administration.rs")),
    ("dynamic restarts", include_str!("../dynamic/restarts.rs")),
    ("dynamic scale", include_str!("../dynamic/scale.rs")),
    ("dynamic shutdown", include_str!("../dynamic/shutdown.rs")),
    ("dynamic unresponsive", include_str!("../dynamic/unresponsive.rs")),
    ("partitions", include_str!("partitions.rs")),
    ("listeners of a registry", include_str!("../registry/listeners.rs")),
    ("locks of a registry", include_str!("../registry/locks.rs")),
    ("names in a registry", include_str!("../registry/names.rs")),
    ("names of specifications", include_str!("../registry/specified_names.rs")),
    ("restarts", include_str!("restarts.rs")),
    ("routes of partitions", include_str!("../../../src/supervisor/partition/route.rs")),
    ("scale", include_str!("scale.rs")),
    ("shutdown", include_str!("shutdown.rs")),
    ("starting", include_str!("starting.rs")),
    ("strategies", include_str!("strategies.rs")),
    ("tasks and owners", include_str!("../tasks/owners.rs")),
    ("tasks and results", include_str!("../tasks/results.rs")),
    ("several tasks", include_str!("../tasks/several.rs")),
    ("streams of tasks", include_str!("../tasks/streams.rs")),
    ("telemetry", include_str!("telemetry.rs")),
    ("watching", include_str!("../watching.rs")),
];

/// The scenarios that are ported.
const PORTED: &str = "\
    A01 A02 A04 A05 A06 A08 A09 A10 A12 A13 A14 A16 A17 A18 A20 A21 A22 A24 A25 A26 A28 A29 A30 \
    B01 B02 B04 B05 B06 B08 B09 B10 B12 B13 B14 B16 B17 B18 \
    C01 C02 C04 C05 C06 C08 C09 C10 C12 C13 C14 C16 C17 C18 C21 C22 \
    D01 D02 D04 D05 D06 D08 D09 D10 D12 D13 D14 D16 D17 D18 D20 D21 D22 \
    E01 E02 E04 E05 E06 E08 E09 E10 E12 E13 E14 E16 E17 E18 E20 E21 E22 E24 E25 E26 \
    F01 F02 F04 F05 F06 F08 F09 F10 F12 F13 F14 F16 F17 F18 F20 F21 F22 F24 F25 \
    G01 G02 G04 G05 G06 G08 G09 G10 \
    H01 H02 H04 H05 H06 H08 H09 H10 H12 H13 H14 H16 H17 H18 H20 H21 H22 H24 H25 H26 H28 H29 H30 \
    I01 I02 I04 I05 I06 I08 I09 I10 I12 I13 I14 I16 I17 I18 I20 I21 I22 I24 I25 I26 \
    I28 I29 I30 I32 I33 I34 \
    J01 J02 J04 J05 J06 J08 J09 J10";

/// Those that are not ported, with the reason.
const LEFT_OUT: [(&str, &str); 2] = [
    ("C20 G12 G13 G14", "nothing changes the options of a supervisor that runs"),
    ("K", "not from OTP; the tests that show them name them"),
];

/// The scenario that each comment names, and where.
fn named() -> Vec<(String, &'static str)> {
    let mut named = Vec::new();
    for (file, text) in FILES {
        for line in text.lines().filter_map(|line| line.trim().strip_prefix("// ")) {
            let words = line.split(|c: char| !c.is_ascii_alphanumeric());
            if line.contains("OTP") {
                named
                    .extend(words.filter(|word| is_scenario(word)).map(|it| (it.to_owned(), file)));
            }
        }
    }
    named
}

fn is_scenario(word: &str) -> bool {
    let mut letters = word.chars();
    word.len() == 3
        && letters.next().is_some_and(|letter| ('A'..='K').contains(&letter))
        && letters.all(|digit| digit.is_ascii_digit())
}

#[test]
fn every_scenario_is_ported_or_left_out_for_a_reason() {
    let named = named();
    for scenario in PORTED.split_whitespace() {
        assert!(named.iter().any(|(name, _)| name == scenario), "{scenario} is ported nowhere");
        let out = LEFT_OUT.iter().find(|(all, _)| all.split_whitespace().any(|it| it == scenario));
        assert_eq!(out, None);
    }
    for (name, file) in named.iter().filter(|(name, _)| !name.starts_with('K')) {
        let listed = PORTED.split_whitespace().any(|scenario| scenario == name);
        assert!(listed, "{file} ports {name}, which is not in the table");
    }
}
