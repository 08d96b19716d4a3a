//! What a server of the name system answers: hostile bytes like any others. It must be an answer to the number and the
//! question that were sent, and little is taken of it.
//!
//! This file is also part of `fuzz/`, which cannot depend on a program.

use simple_dns::rdata::RData;
use simple_dns::{CLASS, Packet, PacketFlag, Question, RCODE, TYPE};

/// The most records of an answer that are looked at.
const MOST_RECORDS: usize = 64;

/// Takes what an answer holds, when it is one to this question.
pub(crate) fn accept(
    bytes: &[u8],
    query: &Packet<'_>,
    kind: TYPE,
    take: &mut dyn FnMut(&RData<'_>),
) -> Result<(), String> {
    let answer = Packet::parse(bytes).map_err(|error| format!("no answer: {error}"))?;
    let same = |a: &Question<'_>, b: &Question<'_>| {
        a.qtype == b.qtype && a.qname.to_string().eq_ignore_ascii_case(&b.qname.to_string())
    };
    let asked = match (answer.questions.as_slice(), query.questions.as_slice()) {
        ([a], [b]) => same(a, b),
        _ => false,
    };
    if answer.id() != query.id() || !answer.has_flags(PacketFlag::RESPONSE) || !asked {
        return Err(String::from("something that was not asked"));
    }
    match answer.rcode() {
        RCODE::NoError => (),
        RCODE::NameError => return Err(String::from("there is no such name")),
        other => return Err(format!("{other:?}")),
    }
    for record in answer.answers.iter().take(MOST_RECORDS) {
        if record.class == CLASS::IN && record.rdata.type_code() == kind {
            take(&record.rdata);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use simple_dns::{Name, QCLASS, QTYPE};

    use super::*;

    fn query() -> Packet<'static> {
        let mut packet = Packet::new_query(7);
        let name = Name::new("a.example").unwrap();
        packet.questions.push(Question::new(name, QTYPE::TYPE(TYPE::TXT), QCLASS::CLASS(CLASS::IN), false));
        packet
    }

    fn answer(number: u16, name: &str) -> Vec<u8> {
        let mut packet = Packet::new_reply(number);
        let name = Name::new(name).unwrap();
        packet.questions.push(Question::new(
            name.clone(),
            QTYPE::TYPE(TYPE::TXT),
            QCLASS::CLASS(CLASS::IN),
            false,
        ));
        let text = simple_dns::rdata::TXT::new().with_string("1:2:3").unwrap();
        packet.answers.push(simple_dns::ResourceRecord::new(name, CLASS::IN, 60, RData::TXT(text)));
        packet.build_bytes_vec().unwrap()
    }

    fn taken(bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut texts = Vec::new();
        accept(bytes, &query(), TYPE::TXT, &mut |data| {
            if let RData::TXT(text) = data {
                texts.push(String::try_from(text.clone()).unwrap_or_default());
            }
        })?;
        Ok(texts)
    }

    #[test]
    fn only_the_answer_to_the_question_counts() {
        assert_eq!(taken(&answer(7, "A.example")), Ok(vec![String::from("1:2:3")]));
        for bytes in [answer(8, "a.example"), answer(7, "b.example"), query().build_bytes_vec().unwrap()] {
            assert_eq!(taken(&bytes), Err(String::from("something that was not asked")));
        }
    }

    #[test]
    fn damaged_answers_are_no_answers() {
        let whole = answer(7, "a.example");
        for length in 0..whole.len() {
            assert!(taken(&whole[..length]).is_err(), "{length}");
        }
        for place in 0..whole.len() {
            for change in [1, 0x80, 0xff] {
                let mut bytes = whole.clone();
                bytes[place] ^= change;
                // It may still be one; it must not end the program.
                drop(taken(&bytes));
            }
        }
    }
}
