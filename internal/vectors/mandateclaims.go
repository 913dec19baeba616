package vectors

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// groupMandateClaims: the claims of a VC-JWT (SPEC.md 4.2).
func groupMandateClaims(b *builder) {
	f := b.family("mandate/claim/001", "All claims of the closed set are there.", keys.EdDSA, ids("ADD-IAC-ISS-14"), nil, claim("vc.control_proof_ref", "https://evidence.example/1"))
	for i, name := range []string{"iss", "sub", "aud", "jti", "iat", "nbf", "exp", "cnf", "vc.type", "vc.credentialSubject"} {
		f.not("mandate/claim/01"+string(rune('0'+i)), "A mandate without "+name+" says too little.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-14", "ADD-IAC-ISS-10"), claim(name, nil))
	}
	invalid := func(id, title string, changes ...change) {
		f.not("mandate/claim/"+id, title, protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-14"), changes...)
	}
	invalid("020", "A time as a string is no NumericDate.", claim("exp", "1793656800"))
	invalid("021", "A time that is true is no NumericDate.", claim("iat", true))
	invalid("022", "A time with a fraction is no whole second.", claim("iat", raw("1793523540.5")))
	invalid("023", "A negative time is refused.", claim("iat", -1))
	invalid("024", "A time beyond the year 9999 is refused.", claim("iat", raw("253402300800")))
	invalid("025", "A mandate is issued before it ends.", claim("iat", numericDate(grantEnd)))
	invalid("026", "A null is no value.", claim("vc.control_proof_ref", raw("null")))
	invalid("027", "A sub that is no identifier is refused.", claim("sub", "the buyer"))
	invalid("028", "A number is no string.", claim("jti", 7))
	invalid("029", "Evidence of control is not an empty text.", claim("vc.control_proof_ref", ""))
	invalid("030", "Evidence of control has at most 1024 bytes.", claim("vc.control_proof_ref", strings.Repeat("a", 1025)))
	holder(f)
	reference(f)
	unknown(f)
}

// holder: the key of cnf (SPEC.md 2.1).
func holder(f *family) {
	f.not("mandate/holder/001", "The agent's key is a public one: a private member refuses it.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-10"), claim("cnf.jwk.d", canon.EncodeBase64(bytesOf("d", 32))))
	f.not("mandate/holder/002", "An Ed25519 point of small order is no key.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-10"), claim("cnf.jwk.x", canon.EncodeBase64(make([]byte, 32))))
	f.not("mandate/holder/003", "A point that is not on P-256 is no key.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-10"),
		claim("cnf.jwk", obj{"kty": "EC", "crv": "P-256", "x": canon.EncodeBase64(append(make([]byte, 31), 1)), "y": canon.EncodeBase64(append(make([]byte, 31), 1))}))
	f.not("mandate/holder/004", "A coordinate has 32 bytes.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-10"), claim("cnf.jwk.x", canon.EncodeBase64(bytesOf("x", 31))))
	f.not("mandate/holder/005", "A key of another kind is refused.", protocol.CodeAlgorithmRefused, ids("ADD-IAC-ISS-10"),
		claim("cnf.jwk", obj{"kty": "RSA", "n": canon.EncodeBase64(bytesOf("n", 256)), "e": "AQAB"}))
	f.not("mandate/holder/006", "A key that is for encryption signs no requests.", protocol.CodeKeyPurpose, ids("ADD-IAC-ISS-12"), claim("cnf.jwk.use", "enc"))
	f.not("mandate/holder/007", "A key that names another algorithm is refused.", protocol.CodeAlgorithmRefused, ids("ADD-IAC-ISS-10"), claim("cnf.jwk.alg", "ES256"))
	f.with("mandate/holder/008", "Members of a key that are not known are ignored, and those that allow verifying are right.", ids("ADD-IAC-ISS-10"), nil,
		claim("cnf.jwk.use", "sig"), claim("cnf.jwk.key_ops", list{"verify"}), claim("cnf.jwk.alg", "EdDSA"), claim("cnf.jwk.kid", "k1"), claim("cnf.jwk.x5u", "https://agents.example"))
	f.not("mandate/holder/012", "A key is an object.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-10"), claim("cnf.jwk", "a key"))
	f.not("mandate/holder/013", "A key without kty is none.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-10"), claim("cnf.jwk.kty", nil))
	f.not("mandate/holder/014", "An Ed25519 key has no y.", protocol.CodeFieldInvalid, ids("ADD-IAC-ISS-10"), claim("cnf.jwk.y", canon.EncodeBase64(bytesOf("y", 32))))
	f.not("mandate/holder/015", "A key that may be used for other things than verifying is refused.", protocol.CodeKeyPurpose, ids("ADD-IAC-ISS-12"), claim("cnf.jwk.key_ops", list{"sign", "deriveKey"}))
	f.not("mandate/holder/009", "A confirmation has a key and nothing else.", protocol.CodeFieldUnknown, ids("ADD-IAC-ISS-10"), claim("cnf.jkt", "AAAA"))
	f.not("mandate/holder/010", "A confirmation without key confirms nobody.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-10"), claim("cnf.jwk", nil))
	f.not("mandate/holder/011", "A key without coordinate is none.", protocol.CodeFieldMissing, ids("ADD-IAC-ISS-10"), claim("cnf.jwk.x", nil))
}

// reference: where the state is published.
func reference(f *family) {
	f.not("mandate/reference/001", "A long mandate without a status reference can never be revoked.", protocol.CodeStatusUnavailable, ids("ADD-IAC-LCM-10"), claim("status", nil))
	short := func(seconds int) change {
		return func(g *grant) { set(g.claims, "status", nil); shorten(g, seconds) }
	}
	f.with("mandate/reference/002", "A mandate of fifteen minutes needs no status reference.", ids("ADD-IAC-LCM-10"), nil, short(900))
	f.not("mandate/reference/003", "A mandate of a second more needs one.", protocol.CodeStatusUnavailable, ids("ADD-IAC-LCM-10"), short(901))
	f.not("mandate/reference/004", "A life begins when the mandate is issued, and not with its window: until then it could not be revoked.", protocol.CodeStatusUnavailable, ids("ADD-IAC-LCM-10"),
		short(900), func(g *grant) { set(g.claims, "iat", numericDate(now.Add(-2*time.Minute))) })
	f.not("mandate/reference/005", "A life begins with the window when the mandate was issued within it.", protocol.CodeStatusUnavailable, ids("ADD-IAC-LCM-10"),
		short(901), func(g *grant) { set(g.claims, "iat", numericDate(now.Add(-30*time.Second))) })
	f.not("mandate/reference/006", "A reference without index is none.", protocol.CodeFieldMissing, ids("ADD-IAC-LCM-10"), claim("status.status_list.idx", nil))
	f.not("mandate/reference/007", "A reference without address is none.", protocol.CodeFieldMissing, ids("ADD-IAC-LCM-10"), claim("status.status_list.uri", nil))
	f.not("mandate/reference/008", "A status without list refers to nothing.", protocol.CodeFieldMissing, ids("ADD-IAC-LCM-10"), claim("status", obj{}))
	for i, uri := range []string{"http://bank.example/status/1", "/status/1", "https://ann@bank.example/status/1", "https://bank.example/status/1#3", "https:bank.example"} {
		f.not("mandate/reference/01"+string(rune('0'+i)), "The address of a list is absolute and https, without user and fragment: not "+uri+".", protocol.CodeFieldInvalid, ids("ADD-IAC-LCM-10"),
			claim("status.status_list.uri", uri))
	}
	f.not("mandate/reference/020", "An index is not negative.", protocol.CodeFieldInvalid, ids("ADD-IAC-LCM-10"), claim("status.status_list.idx", -1))
	f.not("mandate/reference/021", "An index that no list can have is none.", protocol.CodeFieldInvalid, ids("ADD-IAC-LCM-10"), claim("status.status_list.idx", 1<<22))
	f.not("mandate/reference/022", "An index is no string.", protocol.CodeFieldInvalid, ids("ADD-IAC-LCM-10"), claim("status.status_list.idx", "3"))
	f.not("mandate/reference/023", "A reference has an index and an address and nothing else.", protocol.CodeFieldUnknown, ids("ADD-IAC-LCM-10"), claim("status.status_list.bits", 2))
}

// unknown: what is not understood may be a constraint, and is not ignored.
func unknown(f *family) {
	for i, m := range []struct{ path, what string }{
		{"budget", "A claim"}, {"vc.evidence", "A member of the credential"}, {"status.other_list", "A member of the status"},
		{"vc.credentialSubject.max_daily_amount", "A member of the payload"}, {"vc.credentialSubject.ext.insurance", "A namespace of ext"},
		{"vc.credentialSubject.ext.commerce.allowed_regions", "A member of ext.commerce"},
		{"vc.credentialSubject.ext.agent_behavior.tone", "A member of ext.agent_behavior"},
		{"vc.credentialSubject.ext.fulfillment.carrier", "A member of ext.fulfillment"},
	} {
		f.not("mandate/unknown/00"+string(rune('1'+i)), m.what+" that is not known may be a constraint: the outcome is undetermined.", protocol.CodeConstraintUnknown,
			ids("ADD-IAC-ISS-07"), claim(m.path, "x"))
	}
	f.not("mandate/unknown/010", "An unknown member stays unknown when it is null.", protocol.CodeConstraintUnknown, ids("ADD-IAC-ISS-07"), subject("max_daily_amount", raw("null")))
	f.not("mandate/unknown/011", "A name in another style is another name: fields are signed as they are.", protocol.CodeConstraintUnknown, ids("ADD-IAC-ISS-08", "ADD-IAC-ISS-07"), subject("maxTotalAmount", 200))
	f.not("mandate/unknown/012", "A limit outside of its namespace is not the limit.", protocol.CodeConstraintUnknown, ids("ADD-IAC-ISS-07"), subject("max_single_amount", 50))
	f.not("mandate/unknown/013", "A conversation is closed: what it might mean is nobody's limit.", protocol.CodeFieldUnknown, ids("ADD-IAC-ISS-06"),
		subject("conversation_history", obj{"user_intent_raw": "coffee", "mood": "good"}))
}

// groupMandateTime: when a mandate is good (SPEC.md 1.6, 4.2).
func groupMandateTime(b *builder) {
	f := b.family("mandate/time/001", "A mandate is good inside its window.", keys.EdDSA, ids("ADD-IAC-LCM-01", "ADD-IAC-LCM-06"), nil, claim("status", obj{"status_list": obj{"idx": 5, "uri": bankList}}),
		func(g *grant) {
			// A list that is current at all times of these cases.
			g.status = obj{bankList: b.statusList(g.listSigner, nil, func(c obj) {
				set(c, "iat", numericDate(grantIssued.Add(-time.Hour)))
				set(c, "exp", numericDate(grantEnd.Add(time.Hour)))
			})}
		})
	f.at("mandate/time/002", "A window begins with its first second.", grantStart, ids("ADD-IAC-LCM-01"))
	f.at("mandate/time/003", "The last second before the end is inside.", grantEnd.Add(-time.Second), ids("ADD-IAC-LCM-01"))
	f.late("mandate/time/004", "A second before its window a mandate is pending, and no skew helps.", protocol.CodeMandateNotYetValid, grantStart.Add(-time.Second), ids("ADD-IAC-LCM-06"))
	f.late("mandate/time/005", "At the end of its window a mandate is expired by itself, though the list says Active.", protocol.CodeMandateExpired, grantEnd, ids("ADD-IAC-LCM-05", "ADD-IAC-LCM-07"))
	f.late("mandate/time/006", "There is no skew for ends.", protocol.CodeMandateExpired, grantEnd.Add(30*time.Second), ids("ADD-IAC-LCM-05"))
	f.with("mandate/time/007", "An issuer's clock may be a minute ahead.", ids("ADD-IAC-LCM-06"), nil, claim("iat", numericDate(now.Add(time.Minute))))
	f.not("mandate/time/008", "A mandate that was issued more than a minute ahead is not yet one.", protocol.CodeMandateNotYetValid, ids("ADD-IAC-LCM-06"), claim("iat", numericDate(now.Add(61*time.Second))))
}

// groupMandateState: the state as the issuer publishes it (SPEC.md 4.3). How a
// list itself is judged is in the group status.
func groupMandateState(b *builder) {
	f := b.family("mandate/state/001", "A mandate whose entry is 0 is Active, whatever the entries around it say.", keys.EdDSA, ids("ADD-IAC-LCM-06", "ADD-IAC-LCM-10"), nil,
		statusOf(map[int]byte{0: 1, 1: 2, 2: 3, 4: 1, 7: 2}))
	state := func(id, title string, code protocol.Code, requirement string, changes ...change) {
		f.not("mandate/state/"+id, title, code, ids(requirement), changes...)
	}
	state("002", "A revoked mandate is refused.", protocol.CodeMandateRevoked, "ADD-IAC-LCM-07", statusOf(map[int]byte{3: 1}))
	state("003", "A suspended mandate is refused.", protocol.CodeMandateSuspended, "ADD-IAC-LCM-07", statusOf(map[int]byte{3: 2}))
	state("004", "An entry without a meaning is not Active.", protocol.CodeStatusUnavailable, "ADD-IAC-LCM-06", statusOf(map[int]byte{3: 3}))
	state("005", "A list that cannot be fetched decides nothing.", protocol.CodeStatusUnavailable, "ADD-IAC-LCM-10", func(g *grant) { g.status = obj{} })
	state("006", "An index outside of the list decides nothing.", protocol.CodeStatusUnavailable, "ADD-IAC-LCM-10", claim("status.status_list.idx", listSize))
	state("007", "A list that another signed decides nothing.", protocol.CodeStatusUnavailable, "ADD-IAC-LCM-10", func(g *grant) {
		other := b.signer(annDID+"#status", keys.Status, keys.EdDSA)
		addEntry(annDID, entry(other))(g)
		g.status = obj{bankList: b.statusList(other, nil)}
	})
	state("008", "A list that has ended decides nothing.", protocol.CodeStatusUnavailable, "ADD-IAC-LCM-10", statusOf(nil, func(c obj) { set(c, "exp", numericDate(now)) }))
	f.with("mandate/state/009", "A status provider that the verifier names for the issuer signs in its place.", ids("ADD-IAC-LCM-10"), nil, func(g *grant) {
		other := b.signer("did:act:status.example/lists#status", keys.Status, keys.EdDSA)
		addEntry("did:act:status.example/lists", entry(other))(g)
		g.providers = obj{bankDID: "did:act:status.example/lists"}
		g.status = obj{bankList: b.statusList(other, nil)}
	})
	state("010", "Where a status provider is named, the issuer's own list is no answer.", protocol.CodeStatusUnavailable, "ADD-IAC-LCM-10", func(g *grant) {
		g.providers = obj{bankDID: "did:act:status.example/lists"}
	})
}
