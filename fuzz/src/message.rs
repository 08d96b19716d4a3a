//! What broker and worker say to each other, whatever bytes it is made of.

use candor_sandbox::message::{Answer, Order, Packer, Word};

/// Reads bytes as a packet in both directions. What can be read is written back as the same bytes, so
/// nothing is read that nobody would say; an answer that goes through a packer comes out as it went in.
pub(crate) fn message(bytes: &[u8]) {
    if let Ok(order) = Order::decode(bytes) {
        assert_eq!(order.encode(), bytes);
    }
    match Word::decode(bytes) {
        Ok(Word::LastWords(text)) => assert!(text.len() <= 1024),
        Ok(word) => assert_eq!(word.encode(), bytes),
        Err(_) => (),
    }
    let Ok(answer) = Answer::decode(bytes) else { return };
    let mut packer = Packer::default();
    let mut packets = Vec::new();
    let mut send = |packet: &[u8]| {
        packets.push(packet.to_vec());
        Ok::<(), std::convert::Infallible>(())
    };
    let Ok(()) = packer.push(&answer, &mut send);
    let Ok(()) = packer.flush(&mut send);
    let mut parts = Vec::new();
    let mut got = Vec::new();
    for packet in packets {
        match Word::decode(&packet).expect("what a worker says can be read") {
            Word::Answers(answers) => got.extend(answers),
            Word::Part { bytes, last } => {
                parts.extend(bytes);
                if last {
                    got.push(Answer::decode(&parts).expect("what was taken apart fits together"));
                }
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(got, [answer]);
}

/// A packet of every kind.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    use candor_model::{FileType, LayerId, LayerSummary};
    use candor_sandbox::message::{Diagnostic, Given, Summary, Sums};
    let layer = LayerSummary {
        id: LayerId(1),
        parent: Some(LayerId(0)),
        name: String::from("a.txt"),
        file_type: FileType::TextAscii,
        length: 3,
        md5: Some([7; 16]),
    };
    let given = || vec![Given { name: String::from("a"), length: 7, careful: false }];
    let diagnostic = Diagnostic {
        error: true,
        source: String::from("a.ndb"),
        line: 1,
        column: 2,
        message: String::from("odd number of digits"),
    };
    vec![
        Order::Files(given()).encode(),
        Order::Sources { sources: given(), last: true }.encode(),
        Order::Attempt(7).encode(),
        Order::Unpack { file: given().remove(0), contents: true }.encode(),
        Word::Jailed(5).encode(),
        Word::Ready.encode(),
        Word::Answers(vec![Answer::TooLarge(Some(7)), Answer::Unreadable(String::from("no"))]).encode(),
        Word::Diagnostic(diagnostic).encode(),
        Word::Compiled(Ok(Sums::default())).encode(),
        Word::Compiled(Err(String::from("no signature"))).encode(),
        Word::Summary(Summary { source: String::from("a.ndb"), numbers: [1, 2, 3, 4, 5] }).encode(),
        Word::Layer(layer).encode(),
        Word::Facts { layer: 1, facts: vec![(String::from("signer"), String::from("nobody"))] }.encode(),
        Word::Content { layer: 1, bytes: vec![1, 2, 3] }.encode(),
        Word::Part { bytes: vec![0, 1], last: true }.encode(),
        Word::Attempted(Ok(-7)).encode(),
        Word::Attempted(Err(13)).encode(),
        Word::LastWords(String::from("memory allocation of 7 bytes failed")).encode(),
        // A clean file, as an answer by itself.
        [&[0; 9][..], &[0, 0, 4], &[0; 8], &[0; 13]].concat(),
    ]
}
