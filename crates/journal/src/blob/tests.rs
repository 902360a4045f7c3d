//! How ids are written and read.

use super::*;

#[test]
fn an_id_is_read_as_it_was_written_and_in_no_other_way() {
    for id in [
        BlobId::new(Shard::new(0), 0),
        BlobId::new(Shard::new(u16::MAX), u128::MAX),
        BlobId::new(Shard::new(7), 0x0a),
    ] {
        assert_eq!(id.to_string().parse::<BlobId>().unwrap(), id);
    }
    let digits = "0000000000000000000000000000000a";
    assert!(format!("7.{digits}").parse::<BlobId>().is_ok());
    for wrong in [
        String::new(),
        digits.to_owned(),
        format!(".{digits}"),
        format!("07.{digits}"),
        format!("+7.{digits}"),
        format!("65536.{digits}"),
        format!("7.{}", digits.to_uppercase()),
        "7.a".to_owned(),
        format!("7.0{digits}"),
        format!("7.{digits} "),
        "7.".to_owned(),
    ] {
        let error = wrong.parse::<BlobId>().unwrap_err();
        assert_eq!(error.code(), codes::INVALID_RECORD.name, "{wrong:?}");
    }
}
