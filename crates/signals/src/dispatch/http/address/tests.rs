//! Every kind of address, at both ends of its range.

use super::{Allowed, Class, class};

#[test]
fn every_special_range_is_known_from_its_first_address_to_its_last() {
    use Class::{LinkLocal, Loopback, Never, Private, Public};
    for (address, expected) in [
        ("0.0.0.0", Never),
        ("0.255.255.255", Never),
        ("1.0.0.0", Public),
        ("9.255.255.255", Public),
        ("10.0.0.0", Private),
        ("10.255.255.255", Private),
        ("11.0.0.0", Public),
        ("100.63.255.255", Public),
        ("100.64.0.0", Private),
        ("100.127.255.255", Private),
        ("100.128.0.0", Public),
        ("126.255.255.255", Public),
        ("127.0.0.0", Loopback),
        ("127.0.0.1", Loopback),
        ("127.255.255.255", Loopback),
        ("128.0.0.0", Public),
        ("169.253.255.255", Public),
        ("169.254.0.0", LinkLocal),
        ("169.254.169.254", LinkLocal),
        ("169.254.255.255", LinkLocal),
        ("169.255.0.0", Public),
        ("172.15.255.255", Public),
        ("172.16.0.0", Private),
        ("172.31.255.255", Private),
        ("172.32.0.0", Public),
        ("192.0.0.0", Never),
        ("192.0.0.255", Never),
        ("192.0.1.0", Public),
        ("192.0.2.0", Never),
        ("192.0.2.255", Never),
        ("192.0.3.0", Public),
        ("192.88.99.1", Never),
        ("192.167.255.255", Public),
        ("192.168.0.0", Private),
        ("192.168.255.255", Private),
        ("192.169.0.0", Public),
        ("198.17.255.255", Public),
        ("198.18.0.0", Never),
        ("198.19.255.255", Never),
        ("198.20.0.0", Public),
        ("198.51.100.1", Never),
        ("203.0.113.255", Never),
        ("203.0.114.0", Public),
        ("223.255.255.255", Public),
        ("224.0.0.0", Never),
        ("239.255.255.255", Never),
        ("240.0.0.0", Never),
        ("255.255.255.255", Never),
        ("8.8.8.8", Public),
    ] {
        assert_eq!(class(address.parse().unwrap()), expected, "{address}");
    }
}

#[test]
fn every_special_range_of_version_6_is_known() {
    use Class::{LinkLocal, Loopback, Never, Private, Public};
    for (address, expected) in [
        ("::", Never),
        ("::1", Loopback),
        ("::2", Never),
        ("1fff:ffff::", Never),
        ("2000::1", Public),
        ("2001::1", Never),
        ("2001:1ff:ffff::", Never),
        ("2001:200::", Public),
        ("2001:db7::", Public),
        ("2001:db8::1", Never),
        ("2001:db9::", Public),
        ("2606:4700::1111", Public),
        ("3ffe::", Public),
        ("3fff::1", Never),
        ("3fff:fff:ffff::", Never),
        ("3fff:1000::", Public),
        ("4000::", Never),
        ("100::1", Never),
        ("5f00::1", Never),
        ("fbff::", Never),
        ("fc00::", Private),
        ("fdff:ffff::1", Private),
        ("fe00::", Never),
        ("fe7f::", Never),
        ("fe80::", LinkLocal),
        ("fe80::1", LinkLocal),
        ("febf::1", LinkLocal),
        ("fec0::1", Private),
        ("feff::1", Private),
        ("ff00::", Never),
        ("ff02::1", Never),
    ] {
        assert_eq!(class(address.parse().unwrap()), expected, "{address}");
    }
}

#[test]
fn an_address_inside_of_another_is_judged_by_itself() {
    use Class::{LinkLocal, Loopback, Never, Private, Public};
    for (inner, as_segments, expected) in [
        ("127.0.0.1", "7f00:1", Loopback),
        ("10.1.2.3", "a01:203", Private),
        ("100.64.0.1", "6440:1", Private),
        ("169.254.169.254", "a9fe:a9fe", LinkLocal),
        ("224.0.0.1", "e000:1", Never),
        ("8.8.8.8", "808:808", Public),
    ] {
        for address in [
            format!("::ffff:{inner}"),
            format!("::ffff:0:{inner}"),
            format!("64:ff9b::{inner}"),
            format!("64:ff9b:1::{inner}"),
            format!("64:ff9b:1:a:b:c:{as_segments}"),
            format!("2002:{as_segments}::1"),
        ] {
            assert_eq!(class(address.parse().unwrap()), expected, "{address}");
        }
    }
    assert_eq!(class("::10.0.0.1".parse().unwrap()), Private, "compatible, which is obsolete");
}

#[test]
fn only_what_is_allowed_is_allowed_and_some_never_is() {
    use Class::{LinkLocal, Loopback, Never, Private, Public};
    let nothing = Allowed::default();
    let everything = Allowed { loopback: true, private: true, link_local: true };
    for (allowed, expected) in [
        (nothing, [true, false, false, false, false]),
        (Allowed { loopback: true, ..nothing }, [true, true, false, false, false]),
        (Allowed { private: true, ..nothing }, [true, false, true, false, false]),
        (Allowed { link_local: true, ..nothing }, [true, false, false, true, false]),
        (everything, [true, true, true, true, false]),
    ] {
        let all = [Public, Loopback, Private, LinkLocal, Never];
        assert_eq!(all.map(|class| allowed.allows(class)), expected, "{allowed:?}");
    }
}
