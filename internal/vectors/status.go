package vectors

import (
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

// draftList is the list of the draft's own example of two bits an entry
// (draft-ietf-oauth-status-list, 4.1): 1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3.
const draftList = "eNo76fITAAPfAgc"

// A listing is a status list and a question in the making.
type listing struct {
	b         *builder
	signer    *keys.Signer
	header    obj
	claims    obj
	payload   func(string) string
	finish    func(string) string
	documents obj
	providers obj
	issuer    string
	uri       string
	index     int
	status    obj // instead of the token at uri
	earlier   list
	grace     int
}

// listing is that of a question for entry 6, which is 0, of a good list.
func (b *builder) listing(changes ...func(*listing)) *listing {
	s := b.signer(bankDID+"#status", keys.Status, keys.EdDSA)
	l := &listing{
		b: b, signer: s, header: headerOf(s, keys.TypeStatusList), documents: documents(s), issuer: bankDID, uri: bankList, index: 6,
		claims: obj{
			"iss": bankDID, "sub": bankList, "iat": numericDate(now.Add(-10 * time.Second)), "exp": numericDate(now.Add(10 * time.Minute)), "ttl": 30,
			"status_list": obj{"bits": 2, "lst": draftList},
		},
	}
	for _, c := range changes {
		c(l)
	}
	return l
}

func (l *listing) token() string {
	payload := l.b.textOf("list", l.claims)
	if l.payload != nil {
		payload = l.payload(payload)
	}
	token := l.b.token(l.signer, l.b.textOf("header", l.header), payload)
	if l.finish != nil {
		token = l.finish(token)
	}
	return token
}

func (l *listing) input() obj {
	in := obj{"documents": l.documents, "issuer": l.issuer, "uri": l.uri, "idx": l.index}
	if l.status == nil {
		l.status = obj{l.uri: l.token()}
	}
	in["status"] = l.status
	if l.providers != nil {
		in["status_providers"] = l.providers
	}
	if l.earlier != nil {
		in["earlier"] = l.earlier
	}
	if l.grace > 0 {
		in["grace_seconds"] = l.grace
	}
	return in
}

func listed(path string, value any) func(*listing) {
	return func(l *listing) { set(l.claims, path, value) }
}

// entries makes the list of entries of two bits.
func entries(e map[int]byte) func(*listing) {
	return listed("status_list.lst", canon.EncodeBase64(stored(packed(listSize, e))))
}

// before lets the client read a list some seconds ago, and asks it now for what
// is then.
func before(seconds int, status obj) func(*listing) {
	return func(l *listing) {
		l.earlier = append(l.earlier, obj{"at": utc(now.Add(-time.Duration(seconds) * time.Second)), "status": status})
	}
}

// groupStatus: status lists (SPEC.md 4.3). A list tells, or the state is not
// known.
func groupStatus(b *builder) {
	rule := ids("ADD-IAC-LCM-10", "ADD-IAC-LCM-06")
	good := func(id, title, state string, clock time.Time, changes ...func(*listing)) spec {
		requirements, features := graceful(rule, b.listing(changes...))
		return b.valid(spec{id: "status/" + id, title: title, requirements: requirements, features: features, operation: "status.read", clock: clock,
			input: b.listing(changes...).input(), output: obj{"status": state}})
	}
	ok := good("entry/001", "An entry of 0 is Active, in the list of the draft's own example.", "Active", now)
	bad := func(id, title string, changes ...func(*listing)) {
		requirements, features := graceful(rule, b.listing(changes...))
		b.invalid(ok, spec{id: "status/" + id, title: title, requirements: requirements, features: features, code: protocol.CodeStatusUnavailable}, func(in obj) {
			clear(in)
			for name, value := range b.listing(changes...).input() {
				in[name] = value
			}
		})
	}
	at := func(i int) func(*listing) { return func(l *listing) { l.index = i } }
	good("entry/002", "An entry of 1 is Revoked: entry 0 is in the lowest bits of the first byte.", "Revoked", now, at(0))
	good("entry/003", "An entry of 2 is Suspended.", "Suspended", now, at(1))
	good("entry/004", "The first entry of a byte is in its lowest bits.", "Active", now, at(4))
	good("entry/005", "The last entries of a list are read.", "Suspended", now, at(9))
	good("entry/006", "A list that is not compressed is a zlib stream as well.", "Revoked", now, entries(map[int]byte{6: 1}))
	good("entry/007", "A list of 4194304 entries is read, to the last.", "Active", now, listed("status_list.lst", b.deflated("status-list-full", 1<<20)), at(1<<22-1))
	statusEdges(bad)
	bad("entry/010", "An entry of 3 has no meaning here.", at(3))
	bad("entry/011", "An index behind the list has no entry.", at(12))
	bad("entry/012", "A list of more entries is not unpacked, however small it arrives.", listed("status_list.lst", b.deflated("status-list-bomb", 16<<20)))
	bad("entry/013", "One entry more than is read is too many.", listed("status_list.lst", b.deflated("status-list-over", 1<<20+1)))
	statusForm(b, bad)
	statusSigner(b, good, bad)
	statusTime(b, good, bad)
}

// graceful adds to a rule, and to what a testee needs, where an answer is kept for
// when there is none: that may be left out (ADD-IAC-LCM-08).
func graceful(rule []string, l *listing) (requirements, features []string) {
	if l.grace == 0 {
		return rule, nil
	}
	return append(rule[:len(rule):len(rule)], "ADD-IAC-LCM-08"), []string{"status-grace"}
}

// statusForm: what is no list (SPEC.md 2.2, 4.3).
func statusForm(b *builder, bad func(id, title string, changes ...func(*listing))) {
	for i, name := range []string{"iss", "sub", "iat", "exp", "ttl", "status_list", "status_list.bits", "status_list.lst"} {
		bad("form/00"+string(rune('1'+i)), "A list without "+name+" is none.", listed(name, nil))
	}
	bad("form/010", "Lists of one bit have no Suspended.", listed("status_list.bits", 1))
	bad("form/011", "An unknown claim is refused: a list is closed.", listed("aggregation_uri", "https://bank.example/all"))
	bad("form/012", "An unknown member of the list is refused.", listed("status_list.note", "x"))
	bad("form/013", "Bytes after the zlib stream are refused.", listed("status_list.lst", canon.EncodeBase64(append(stored(packed(listSize, nil)), 0))))
	bad("form/014", "A zlib stream whose checksum is wrong is none.", listed("status_list.lst", canon.EncodeBase64(flipLast(stored(packed(listSize, nil))))))
	bad("form/015", "A gzip stream is no zlib stream.", listed("status_list.lst", canon.EncodeBase64([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0})))
	bad("form/016", "A list of no entries is none.", listed("status_list.lst", canon.EncodeBase64(stored(nil))))
	bad("form/017", "A list is base64url without padding.", listed("status_list.lst", draftList+"="))
	bad("form/018", "A token of another kind is no list.", func(l *listing) { set(l.header, "typ", "JWT") })
	bad("form/019", "A list in CBOR is not read.", func(l *listing) { set(l.header, "typ", "statuslist+cwt") })
	bad("form/020", "A line feed after the token is refused.", func(l *listing) { l.finish = func(t string) string { return t + "\n" } })
	bad("form/021", "A claim that stands twice has no one meaning.", func(l *listing) {
		l.payload = func(p string) string { return strings.Replace(p, `"ttl":30`, `"ttl":30,"ttl":31`, 1) }
	})
	bad("form/022", "A ttl is at least a second.", listed("ttl", 0))
	bad("form/023", "A list ends after it was issued.", listed("exp", numericDate(now.Add(-10*time.Second))))
	bad("form/024", "An extension that must be understood is not.", func(l *listing) { set(l.header, "crit", list{"ttl"}) })
}

func flipLast(data []byte) []byte {
	data[len(data)-1] ^= 1
	return data
}

// statusSigner: whose list it is.
func statusSigner(b *builder, good func(id, title, state string, clock time.Time, changes ...func(*listing)) spec, bad func(id, title string, changes ...func(*listing))) {
	by := func(did string, purpose keys.Purpose) func(*listing) {
		return func(l *listing) {
			l.signer = b.signer(did+"#status", purpose, keys.EdDSA)
			l.header = headerOf(l.signer, keys.TypeStatusList)
			l.documents = documents(l.signer)
			set(l.claims, "iss", did)
		}
	}
	const provider = "did:act:status.example/lists"
	named := func(l *listing) { l.providers = obj{bankDID: provider} }
	good("signer/001", "A status provider that the verifier names for the issuer signs in its place.", "Active", now, by(provider, keys.Status), named)
	good("signer/002", "A status provider that is named for another issuer changes nothing for this one.", "Active", now, func(l *listing) { l.providers = obj{annDID: provider} })
	bad("signer/003", "A list by anybody else is worth nothing.", by(provider, keys.Status))
	bad("signer/004", "Where a provider is named, the issuer's own list is worth nothing.", named)
	bad("signer/005", "A key that issues authorizations signs no lists.", by(bankDID, keys.IssueAuthorization))
	bad("signer/006", "The issuer of a list is the one whose key signed it.", listed("iss", annDID))
	bad("signer/007", "A list under a key of another's, which names the issuer as its own, is refused.", by(provider, keys.Status), listed("iss", bankDID))
	bad("signer/008", "A list that was changed after signing is refused.", func(l *listing) {
		l.finish = part(1, func(p string) string { return strings.Replace(p, `"ttl":30`, `"ttl":31`, 1) })
	})
	bad("signer/009", "A list of another address is not this one, though the issuer signed it.", listed("sub", "https://bank.example/status/2"))
	bad("signer/010", "An address is compared as a text.", listed("sub", "https://BANK.example/status/1"))
	bad("signer/011", "A list whose signer's document cannot be had is not believed.", func(l *listing) { l.documents = obj{} })
	bad("signer/012", "A key that was retired signs no list that arrives now.", func(l *listing) {
		methods := l.documents[bankDID].(obj)["verificationMethod"].(list)
		set(methods[0].(obj), "actValidUntil", utc(now.Add(-time.Second)))
	})
	bad("signer/013", "A service that cannot be reached tells nothing.", func(l *listing) { l.status = obj{} })
}

// statusTime: how old an answer may be (SPEC.md 4.3, ADD-IAC-LCM-08).
func statusTime(b *builder, good func(id, title, state string, clock time.Time, changes ...func(*listing)) spec, bad func(id, title string, changes ...func(*listing))) {
	bad("time/001", "A list is not used from its end on.", listed("exp", numericDate(now)))
	good("time/002", "A list is used until its end.", "Active", now, listed("exp", numericDate(now)+1))
	good("time/003", "A list may be issued a minute ahead.", "Active", now, listed("iat", numericDate(now)+60))
	bad("time/004", "A list of more than a minute ahead is not current.", listed("iat", numericDate(now)+61))
	issued := func(seconds int, state byte, changes ...func(*listing)) obj {
		changes = append([]func(*listing){listed("iat", ago(time.Duration(seconds)*time.Second)), entries(map[int]byte{6: state})}, changes...)
		return obj{bankList: b.listing(changes...).token()}
	}
	serves := func(status obj) func(*listing) { return func(l *listing) { l.status = status } }
	bad("time/010", "A list that is older than one that was seen is no answer: it may be from before a revocation.", before(120, issued(130, 0)), serves(issued(140, 0)))
	good("time/011", "A list as old as the one that was seen is an answer.", "Active", now, before(120, issued(130, 0)), serves(issued(130, 0)))
	good("time/012", "An answer of before and one of now that say the same are one state, whichever is used.", "Active", now, before(20, issued(30, 0)), serves(issued(10, 0)))
	good("time/013", "After its ttl an answer is fetched anew.", "Revoked", now, before(30, issued(40, 0)), serves(issued(10, 1)))
	good("time/014", "An answer is used for 60 seconds at most, whatever its ttl says.", "Revoked", now, before(60, issued(70, 0, listed("ttl", 3600))), serves(issued(10, 1)))
	bad("time/015", "The last answer is not used when the service cannot be reached, unless that was configured.", before(61, issued(70, 0)), serves(obj{}))
	grace := func(l *listing) { l.grace = 300 }
	good("time/016", "The last answer is used for the configured time when the service cannot be reached.", "Suspended", now, before(299, issued(300, 2)), serves(obj{}), grace)
	bad("time/017", "The configured time ends.", before(300, issued(310, 0)), serves(obj{}), grace)
	bad("time/018", "A last answer that has ended is no answer.", before(120, issued(130, 0, listed("exp", numericDate(now)))), serves(obj{}), grace)
	bad("time/019", "An answer that is wrong is not one that is missing: the last one does not help.", before(120, issued(130, 0)), serves(obj{bankList: "x"}), grace)
}
