package vectors

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
)

const witnessName = "witness.example/w1"

// A trunk is a log in the making with a proof of one of its anchors (SPEC.md
// 10.4). Tree, notes and proofs are made without the library.
type trunk struct {
	b       *builder
	account *account
	size    int
	index   int
	claimed int // index as the proof says it
	origin  string
	signed  string // the name under which the log signs
	signer  *keys.Signer
	at      time.Time
	cosigns []*keys.Signer // witnesses, all under witnessName with a number
	cosigAt time.Time
	lines   func([]string) []string // of the checkpoint's signatures
	body    func(string) string     // of the checkpoint, before it is signed
	behind  func(string) string     // of the checkpoint, behind the signatures
	hashes  func([]string) []string
	proof   func(string) string
	keys    list
	witness list
	quorum  int
	chain   string
	channel string
	denial  func(d *denial)
}

// A denial is the log's word that it has no anchor.
type denial struct {
	origin, key string
	size        int
	at          time.Time
	signer      *keys.Signer
	text        func(string) string
}

func (b *builder) trunk(changes ...func(*trunk)) *trunk {
	s := b.signer("did:act:"+chainName+"#log", keys.Anchor, keys.EdDSA)
	t := &trunk{
		b: b, account: b.account(keys.EdDSA), size: 5, index: 2, claimed: -1, origin: chainName + "/" + retail, signed: chainName + "/" + retail,
		signer: s, at: chainTime, cosigAt: chainTime.Add(time.Second), keys: list{jwk(s)}, chain: chainName, channel: retail, witness: list{},
	}
	for _, change := range changes {
		change(t)
	}
	if t.claimed < 0 {
		t.claimed = t.index
	}
	return t
}

// witnessSigner is the key of a witness, by its number.
func (b *builder) witnessSigner(n int) *keys.Signer {
	return b.signer("did:act:witness.example/w"+strconv.Itoa(n)+"#k", keys.Anchor, keys.EdDSA)
}

// witnessed asks for witnesses, of which some have signed.
func witnessed(wanted int, signed ...int) func(*trunk) {
	return func(t *trunk) {
		for n := range wanted {
			t.witness = append(t.witness, obj{"name": "witness.example/w" + strconv.Itoa(n+1), "jwk": jwk(t.b.witnessSigner(n + 1))})
		}
		for _, n := range signed {
			t.cosigns = append(t.cosigns, t.b.witnessSigner(n))
		}
	}
}

// leaf, node, root and path are those of RFC 6962, 2.1.
func leaf(entry []byte) []byte {
	inner := sha256.Sum256(entry)
	sum := sha256.Sum256(append([]byte{0}, inner[:]...))
	return sum[:]
}

func root(leaves [][]byte) []byte {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	sum := sha256.Sum256(slices.Concat([]byte{1}, root(leaves[:k]), root(leaves[k:])))
	return sum[:]
}

func path(leaves [][]byte, i int) [][]byte {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if i < k {
		return append(path(leaves[:k], i), root(leaves[k:]))
	}
	return append(path(leaves[k:], i-k), root(leaves[:k]))
}

// split is the largest power of two below n.
func split(n int) int {
	k := 1
	for 2*k < n {
		k *= 2
	}
	return k
}

// line is a signature line of a signed note (C2SP signed-note); a time makes it
// a cosignature (C2SP tlog-cosignature).
func (b *builder) line(name string, s *keys.Signer, text string, at *time.Time) string {
	public, ok := s.Public().Crypto().(ed25519.PublicKey)
	if !ok {
		b.fail(name, "not an Ed25519 key")
	}
	kind, blob := byte(1), []byte(nil)
	if at != nil {
		kind, blob = 4, binary.BigEndian.AppendUint64(nil, uint64(at.Unix()))
		text = "cosignature/v1\ntime " + strconv.FormatInt(at.Unix(), 10) + "\n" + text
	}
	id := sha256.Sum256(slices.Concat([]byte(name+"\n"), []byte{kind}, public))
	blob = slices.Concat(id[:4], blob, b.coreSign(s, text))
	return "— " + name + " " + base64.StdEncoding.EncodeToString(blob) + "\n"
}

// text returns the proof, and the size of the log.
func (t *trunk) text() string {
	token := t.account.anchorToken()
	var leaves [][]byte
	for i := range t.size {
		entry := []byte("another anchor " + strconv.Itoa(i))
		if i == t.index {
			entry = []byte(token)
		}
		leaves = append(leaves, leaf(entry))
	}
	body := t.origin + "\n" + strconv.Itoa(t.size) + "\n" + base64.StdEncoding.EncodeToString(root(leaves)) + "\n"
	if t.body != nil {
		body = t.body(body)
	}
	lines := []string{t.b.line(t.signed, t.signer, body, nil), t.b.line(t.signed, t.signer, body, &t.at)}
	for _, w := range t.cosigns {
		name := strings.TrimPrefix(w.DID(), "did:act:")
		lines = append(lines, t.b.line(name, w, body, &t.cosigAt))
	}
	if t.lines != nil {
		lines = t.lines(lines)
	}
	note := body + "\n" + strings.Join(lines, "")
	if t.behind != nil {
		note = t.behind(note)
	}
	var hashes []string
	for _, h := range path(leaves, t.index) {
		hashes = append(hashes, base64.StdEncoding.EncodeToString(h))
	}
	if t.hashes != nil {
		hashes = t.hashes(hashes)
	}
	proof := "c2sp.org/tlog-proof@v1\nextra " + base64.StdEncoding.EncodeToString([]byte(token)) + "\nindex " + strconv.Itoa(t.claimed) + "\n"
	for _, h := range hashes {
		proof += h + "\n"
	}
	proof += "\n" + note
	if t.proof != nil {
		proof = t.proof(proof)
	}
	return proof
}

// input is that of attestation.log.verify, and of attestation.log.contradict
// when there is a denial.
func (t *trunk) input() obj {
	in := obj{"chain": t.chain, "channel": t.channel, "keys": t.keys, "witnesses": t.witness, "quorum": t.quorum, "proof": t.text()}
	if t.denial == nil {
		return in
	}
	d := &denial{origin: t.origin, key: digestOf(deliveryID), size: 5, at: now, signer: t.signer}
	t.denial(d)
	text := "act-go/1 trust-chain-absence\n" + d.origin + "\n" + strconv.Itoa(d.size) + "\n" + d.key + "\n" + strconv.FormatInt(d.at.Unix(), 10) + "\n"
	if d.text != nil {
		text = d.text(text)
	}
	in["denial"] = text + "\n" + t.b.line(t.signed, d.signer, text, nil)
	return in
}

func (t *trunk) output(at time.Time) obj {
	return obj{"index": t.index, "size": t.size, "time": utc(at), "record_id": t.account.record["record_id"]}
}

// groupLog: proofs and denials, offline (SPEC.md 10.4).
func groupLog(b *builder) {
	rule := ids("TSD-ATT-OCA-04", "TSD-ATT-SVF-01")
	good := func(id, title string, at time.Time, changes ...func(*trunk)) spec {
		t := b.trunk(changes...)
		return b.valid(spec{id: "log/proof/" + id, title: title, requirements: rule, operation: "attestation.log.verify", input: t.input(), output: t.output(at)})
	}
	place := func(size, index int) func(*trunk) { return func(t *trunk) { t.size, t.index = size, index } }
	ok := good("001", "An anchor is in the tree that the log has signed.", chainTime)
	good("002", "The only anchor of a log needs no hash.", chainTime, place(1, 0))
	good("003", "The last anchor of a tree that is not full has a shorter way.", chainTime, place(5, 4))
	good("004", "The first of a large log.", chainTime, place(300, 0))
	good("005", "Each of two witnesses has signed, and the last signature is the time.", chainTime.Add(time.Second), witnessed(2, 1, 2))
	good("006", "As many witnesses as are wanted have signed.", chainTime.Add(time.Second), witnessed(2, 2), func(t *trunk) { t.quorum = 1 })
	good("007", "A signature by somebody who is not known is passed over, and its time counts for nothing.", chainTime, func(t *trunk) { t.cosigns = list2(b.witnessSigner(9)) })
	good("008", "A key that the log has retired verifies what it signed.", chainTime, func(t *trunk) {
		t.keys = list{jwk(b.signer("did:act:"+chainName+"#log2", keys.Anchor, keys.EdDSA)), t.keys[0]}
	})
	bad := func(id, title string, code protocol.Code, changes ...func(*trunk)) {
		b.invalid(ok, spec{id: "log/refused/" + id, title: title, code: code}, func(in obj) {
			clear(in)
			maps.Copy(in, b.trunk(changes...).input())
		})
	}
	logTree(bad)
	logCheckpoint(b, bad)
	logDenial(b)
}

func list2(s ...*keys.Signer) []*keys.Signer { return s }

// logTree: inclusion, and the text of a proof.
func logTree(bad func(id, title string, code protocol.Code, changes ...func(*trunk))) {
	conflict, malformed := protocol.CodeClaimsConflict, protocol.CodeMalformed
	claims := func(i int) func(*trunk) { return func(t *trunk) { t.claimed = i } }
	hashes := func(f func([]string) []string) func(*trunk) { return func(t *trunk) { t.hashes = f } }
	proof := func(f func(string) string) func(*trunk) { return func(t *trunk) { t.proof = f } }
	replace := func(old, new string) func(*trunk) {
		return proof(func(s string) string { return strings.Replace(s, old, new, 1) })
	}
	bad("001", "The anchor is not at the place that the proof says.", conflict, claims(1))
	bad("002", "A place behind the tree is none.", conflict, claims(5))
	bad("003", "A hash too few leads elsewhere.", conflict, hashes(func(h []string) []string { return h[1:] }))
	bad("004", "A hash too many is not passed over.", conflict, hashes(func(h []string) []string { return append(h, h[0]) }))
	bad("005", "Hashes in another order lead elsewhere.", conflict, hashes(func(h []string) []string { slices.Reverse(h); return h }))
	bad("006", "Another anchor than the tree has.", conflict, func(t *trunk) {
		other := base64.StdEncoding.EncodeToString([]byte(t.b.account(keys.EdDSA, anchoredAs("iat", numericDate(anchorTime)+1)).anchorToken()))
		own := base64.StdEncoding.EncodeToString([]byte(t.account.anchorToken()))
		t.proof = func(s string) string { return strings.Replace(s, own, other, 1) }
	})
	bad("007", "An anchor of another channel was put into this log.", conflict, func(t *trunk) { t.account = t.b.account(keys.EdDSA, anchoredAs("channel", "wholesale")) })
	bad("008", "What the tree has is no anchor.", malformed, func(t *trunk) {
		t.account = t.b.account(keys.EdDSA, func(a *account) { a.token = func(string) string { return "hello" } })
	})
	bad("009", "Sixty-four hashes are more than a log can need.", protocol.CodeTooLarge, hashes(func(h []string) []string { return slices.Repeat(h[:1], 64) }))
	bad("010", "A proof has its first line.", malformed, replace("tlog-proof@v1", "tlog-proof@v2"))
	bad("011", "A proof says the place.", malformed, replace("index 2\n", ""))
	bad("012", "A number has no leading zero.", malformed, replace("index 2", "index 02"))
	bad("013", "A number is not negative.", malformed, replace("index 2", "index -2"))
	bad("014", "Lines end in a line feed alone.", malformed, replace("index 2\n", "index 2\r\n"))
	bad("015", "A hash has 32 bytes.", malformed, hashes(func(h []string) []string { h[0] = "AAAA"; return h }))
	bad("016", "A hash is padded base64.", malformed, hashes(func(h []string) []string { h[0] = strings.TrimRight(h[0], "="); return h }))
	bad("017", "A proof has its checkpoint.", malformed, proof(func(s string) string { return s[:strings.Index(s, "\n\n")+1] }))
	bad("018", "A proof has at most 24 KiB.", protocol.CodeTooLarge, proof(func(s string) string { return s + strings.Repeat("x", 24<<10) }))
}

// logCheckpoint: who has signed what, and when.
func logCheckpoint(b *builder, bad func(id, title string, code protocol.Code, changes ...func(*trunk))) {
	signature := protocol.CodeSignatureInvalid
	body := func(f func(string) string) func(*trunk) { return func(t *trunk) { t.body = f } }
	lines := func(f func([]string) []string) func(*trunk) { return func(t *trunk) { t.lines = f } }
	bad("030", "A checkpoint that another key has signed is not this log's.", signature, func(t *trunk) { t.signer = b.signer("did:act:"+chainName+"#log2", keys.Anchor, keys.EdDSA) })
	bad("031", "A checkpoint that was changed behind its signatures is refused.", signature, func(t *trunk) { t.behind = func(s string) string { return strings.Replace(s, "\n5\n", "\n6\n", 1) } })
	bad("032", "A checkpoint without the log's signature is refused, whoever else has signed.", signature, witnessed(1, 1), lines(func(l []string) []string { return l[2:] }))
	bad("033", "A witness that is wanted and has not signed is missing.", signature, witnessed(1))
	bad("034", "One of two witnesses is not two.", signature, witnessed(2, 1))
	bad("035", "A witness that signs twice is one witness.", signature, witnessed(2, 1), lines(func(l []string) []string { return append(l, l[2]) }))
	bad("036", "A wrong signature by a known key refuses the checkpoint.", signature, witnessed(1, 1), func(t *trunk) {
		t.lines = func(l []string) []string {
			at := t.cosigAt
			return append(l[:2], b.line(witnessName, b.witnessSigner(1), "something else\n", &at))
		}
	})
	bad("037", "A checkpoint without a time is not believed.", protocol.CodeFieldMissing, lines(func(l []string) []string { return l[:1] }))
	bad("038", "A time of more than a minute ahead is of the future.", protocol.CodeRequestExpired, func(t *trunk) { t.at = now.Add(61 * time.Second) })
	bad("039", "A checkpoint of another log of the chain, by the same key, is not this log's.", signature, func(t *trunk) {
		t.origin, t.signed = chainName+"/wholesale", chainName+"/wholesale"
	})
	bad("040", "A checkpoint that names another log than it is signed for is refused.", protocol.CodeClaimsConflict, func(t *trunk) { t.origin = chainName + "/wholesale" })
	bad("041", "A checkpoint has three lines.", protocol.CodeMalformed, body(func(s string) string { return s + "extension\n" }))
	bad("042", "The chain has another name.", signature, func(t *trunk) { t.chain = "chain.example/other" })
	bad("043", "A denial is no checkpoint, though the same key has signed it.", protocol.CodeMalformed, body(func(s string) string {
		return "act-go/1 trust-chain-absence\n" + chainName + "/" + retail + "\n5\n" + digestOf("x") + "\n" + strconv.FormatInt(now.Unix(), 10) + "\n"
	}))
}

// logDenial: a log that denies what it has.
func logDenial(b *builder) {
	rule := ids("TSD-ATT-OCA-04", "TSD-ATT-SVF-02")
	denied := func(f func(d *denial)) func(*trunk) { return func(t *trunk) { t.denial = f } }
	as := func(id, title string, lie bool, change func(d *denial)) spec {
		return b.valid(spec{id: "log/denial/" + id, title: title, requirements: rule, operation: "attestation.log.contradict",
			input: b.trunk(denied(change)).input(), output: obj{"contradicts": lie}})
	}
	ok := as("001", "A denial by a tree that has the anchor is a lie, and is proved by it.", true, func(*denial) {})
	as("002", "A denial by the smallest tree that has the anchor is a lie.", true, func(d *denial) { d.size = 3 })
	as("003", "A denial by a tree from before the anchor is none.", false, func(d *denial) { d.size = 2 })
	bad := func(id, title string, code protocol.Code, change func(d *denial)) {
		b.invalid(ok, spec{id: "log/denial/" + id, title: title, code: code}, func(in obj) {
			clear(in)
			maps.Copy(in, b.trunk(denied(change)).input())
		})
	}
	bad("010", "A denial by somebody else convicts nobody.", protocol.CodeSignatureInvalid, func(d *denial) { d.signer = b.signer("did:act:"+chainName+"#log2", keys.Anchor, keys.EdDSA) })
	bad("011", "A denial of another record contradicts nothing.", protocol.CodeClaimsConflict, func(d *denial) { d.key = digestOf("another record") })
	bad("012", "A denial for another log contradicts nothing.", protocol.CodeClaimsConflict, func(d *denial) { d.origin = chainName + "/wholesale" })
	bad("013", "A denial has its five lines.", protocol.CodeMalformed, func(d *denial) { d.text = func(s string) string { return s + "more\n" } })
	bad("014", "A checkpoint is no denial.", protocol.CodeMalformed, func(d *denial) {
		d.text = func(string) string {
			return chainName + "/" + retail + "\n5\n" + base64.StdEncoding.EncodeToString(bytesOf("root", 32)) + "\n"
		}
	})
}

// groupAnchor: anchors by themselves, and drafts (SPEC.md 10.1, 10.2).
func groupAnchor(b *builder) {
	rule := ids("TSD-ATT-OCA-01", "TSD-ATT-OCA-02")
	input := func(changes ...func(*account)) obj {
		a := b.account(keys.EdDSA, changes...)
		return obj{"anchor": a.anchorToken(), "documents": a.documents}
	}
	output := obj{"submitter": shopDID, "record_id": deliveryID, "channel": retail, "issued_at": utc(anchorTime)}
	ok := b.valid(spec{id: "anchor/read/001", title: "An anchor says what its record is, and nothing of what it says.", requirements: rule, operation: "attestation.anchor.verify", input: input(), output: output})
	again := func(id, title string, changes ...func(*account)) {
		b.also(ok, spec{id: "anchor/read/" + id, title: title}, func(in obj) { clear(in); maps.Copy(in, input(changes...)) })
	}
	again("002", "A link that the record does not have is not in the anchor.", recorded("links.delegation_id", nil))
	again("003", "A key that was retired since verifies what it signed in its time.", keyEntry(shopAnchor, "actValidUntil", utc(anchorTime.Add(time.Second))))
	bad := func(id, title string, code protocol.Code, requirement string, changes ...func(*account)) {
		b.invalid(ok, spec{id: "anchor/refused/" + id, title: title, code: code, requirements: ids(requirement)}, func(in obj) { clear(in); maps.Copy(in, input(changes...)) })
	}
	for i, name := range []string{"iss", "iat", "record_id", "record_version", "event_type", "event_time", "intent_id", "payload_hash", "hash_algorithm", "channel"} {
		bad("0"+digits2(i+1), "An anchor without "+name+" lacks a part.", protocol.CodeFieldMissing, "TSD-ATT-OCA-02", anchoredAs(name, nil))
	}
	for i, name := range []string{"event_body", "participants", "upstream", "amount", "salt"} {
		bad("01"+string(rune('1'+i)), "An anchor tells nothing of the content: "+name+" is refused.", protocol.CodeFieldUnknown, "TSD-ATT-OCA-02", anchoredAs(name, "x"))
	}
	bad("020", "An anchor of an event after the trade has the trade.", protocol.CodeFieldMissing, "TSD-ATT-OCA-02", anchoredAs("trade_no", nil))
	bad("021", "Only the initiator of a record submits its anchor.", protocol.CodeClaimsConflict, "TSD-ATT-OCA-02", anchoredAs("iss", buyerDID))
	bad("022", "The key is one of the submitter's.", protocol.CodeClaimsConflict, "TSD-ATT-OCA-06", func(a *account) { set(a.header, "kid", buyerDID+"#anchor") })
	bad("023", "A channel is named in small letters, digits and hyphens.", protocol.CodeFieldInvalid, "TSD-ATT-OCA-02", anchoredAs("channel", "Retail"))
	bad("024", "A channel has a name of 64 characters at most.", protocol.CodeFieldInvalid, "TSD-ATT-OCA-02", anchoredAs("channel", strings.Repeat("r", 65)))
	bad("025", "An event type that is not one of the ten is refused.", protocol.CodeFieldInvalid, "TSD-ATT-EVT-01", anchoredAs("event_type", "act:commerce:paid"))
	bad("026", "A token of another kind is no anchor.", protocol.CodeTypeMismatch, "TSD-ATT-OCA-01", func(a *account) { set(a.header, "typ", "act-order+jwt") })
	bad("027", "The header names the algorithm of the key.", protocol.CodeAlgorithmRefused, "TSD-ATT-OCA-06", func(a *account) { set(a.header, "alg", "ES256") })
	bad("028", "An anchor that nobody signed is none.", protocol.CodeAlgorithmRefused, "TSD-ATT-OCA-06", func(a *account) { set(a.header, "alg", "none") })
	bad("029", "The header names the key.", protocol.CodeFieldMissing, "TSD-ATT-OCA-06", func(a *account) { set(a.header, "kid", nil) })
	bad("030", "A key for records signs no anchors.", protocol.CodeKeyPurpose, "TSD-ATT-OCA-06", keyEntry(shopAnchor, "actPurpose", "attestation"))
	bad("031", "An anchor that was changed behind its signature is refused.", protocol.CodeSignatureInvalid, "TSD-ATT-OCA-06", func(a *account) {
		a.token = part(1, func(s string) string { return strings.Replace(s, retail, "wholes", 1) })
	})
	bad("032", "An anchor has 4 KiB at most.", protocol.CodeTooLarge, "TSD-ATT-OCA-02", func(a *account) { a.token = func(s string) string { return s + strings.Repeat("A", 4<<10) } })
	bad("033", "A key that was retired before it signed is refused.", protocol.CodeKeyNotValid, "TSD-ATT-OCA-06", keyEntry(shopAnchor, "actValidUntil", utc(anchorTime)))
	anchorSign(b)
	drafts(b)
}

// anchorSign: the anchor of a record, byte by byte.
func anchorSign(b *builder) {
	input := func(changes ...func(*account)) (obj, obj) {
		a := b.account(keys.EdDSA, changes...)
		set(a.anchor, "iat", numericDate(now))
		in := obj{"record": a.textOfRecord(), "channel": retail, "key_id": shopAnchor, "purpose": "anchor", "key": b.privateJWK(shopAnchor, keys.EdDSA)}
		header := string(b.value("header", a.header))
		return in, obj{"anchor": b.token(a.anchorer, header, string(b.value("anchor", a.anchorClaims())))}
	}
	in, out := input()
	ok := b.valid(spec{id: "anchor/sign/001", title: "The anchor of a record repeats what it must and adds submitter, time and channel.", requirements: ids("TSD-ATT-OCA-01", "TSD-ATT-OCA-02", "TSD-ATT-OCA-03", "TSD-ATT-OCA-06"),
		operation: "attestation.anchor.sign", input: in, output: out})
	in, out = input(recorded("links.upstream", list{shopDID + "#rec-cart"}), recorded("links.delegation_id", nil), recorded("ext", obj{"note": "x"}))
	b.also(ok, spec{id: "anchor/sign/002", title: "What is upstream is not anchored, nor anything of the content.", output: out}, func(to obj) { clear(to); maps.Copy(to, in) })
	bad := func(id, title string, code protocol.Code, requirement string, change func(in obj)) {
		b.invalid(ok, spec{id: "anchor/sign/" + id, title: title, code: code, requirements: ids(requirement)}, change)
	}
	bad("010", "A channel has a name.", protocol.CodeFieldMissing, "TSD-ATT-OCA-02", put("channel", ""))
	bad("011", "A key for another purpose signs no anchor.", protocol.CodeKeyPurpose, "TSD-ATT-OCA-06", put("purpose", "attestation"))
	bad("012", "Another than the initiator anchors no record.", protocol.CodeClaimsConflict, "TSD-ATT-OCA-02", put("key_id", buyerDID+"#anchor"))
	for i, c := range []struct{ what, order string }{{"An account number", madeCard}, {"A telephone number", "+8613800138000"}, {"An address of mail", "ann@mail.example"}} {
		in, _ := input(recorded("links.merchant_order_id", c.order))
		bad("02"+string(rune('0'+i)), c.what+" in an id is not anchored, where it could not be taken back.", protocol.CodeFieldInvalid, "TSD-ATT-OCA-02", func(to obj) { clear(to); maps.Copy(to, in) })
		b.cases[len(b.cases)-1].Requirements = append(b.cases[len(b.cases)-1].Requirements, "PRV-04")
	}
}

// drafts: what does not become a record (TSD-ATT-OFF-07).
func drafts(b *builder) {
	a := b.account(keys.EdDSA)
	in := obj{"initiator": shopDID}
	for _, name := range []string{"event_type", "event_time", "links", "participants", "event_body"} {
		in[name] = a.record[name]
	}
	ok := b.valid(spec{id: "draft/check/001", title: "What may become a record.", requirements: ids("TSD-ATT-OFF-07", "PRV-04"), operation: "attestation.draft.check", input: in})
	body := func(name string, value any) func(in obj) {
		return func(in obj) { set(in, "event_body."+name, value) }
	}
	b.also(ok, spec{id: "draft/check/002", title: "What must stay hidden stands as its digest."}, body("account_hash", sha256Digest(madeCard)))
	for i, c := range []struct {
		title  string
		change func(in obj)
	}{
		{"A raw account number in the event body.", body("pan", madeCard)},
		{"A raw account number as a JSON number.", body("pan", 4111111111111111)},
		{"A raw account number in groups.", body("note", "card 4111 1111 1111 1111")},
		{"A resident identity number.", body("buyer", obj{"id": madeResident})},
		{"A telephone number in a list.", body("contacts", list{"x", madeMobile})},
		{"An address of mail as the name of a member.", func(in obj) { in["event_body"].(obj)["ann@mail.example"] = "x" }},
		{"A token.", body("proof", "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl")},
		{"An account number in the extension.", put("ext", obj{"x": madeCard})},
		{"A telephone number as the party that is represented.", func(in obj) { set(in["participants"].(list)[1].(obj), "represents", "+8613800138000") }},
		{"An address of mail as the order's number.", func(in obj) { set(in, "links.merchant_order_id", "ann@mail.example") }},
	} {
		b.invalid(ok, spec{id: "draft/refused/0" + digits2(i+1), title: c.title, code: protocol.CodeFieldInvalid}, c.change)
	}
	bad := func(id, title string, code protocol.Code, requirement string, change func(in obj)) {
		b.invalid(ok, spec{id: "draft/refused/" + id, title: title, code: code, requirements: ids(requirement)}, change)
	}
	bad("020", "Who makes a record took part.", protocol.CodeClaimsConflict, "TSD-ATT-OFF-06", put("initiator", pspDID))
	bad("021", "An event type is one of the ten.", protocol.CodeFieldInvalid, "TSD-ATT-EVT-01", put("event_type", "act:commerce:paid"))
	bad("022", "A record has the links that its event needs.", protocol.CodeFieldMissing, "TSD-ATT-OFF-03", func(in obj) { set(in, "links.trade_no", nil) })
	bad("023", "A record has participants.", protocol.CodeFieldMissing, "TSD-ATT-OFF-06", put("participants", list{}))
	bad("024", "A record has an event body.", protocol.CodeFieldMissing, "TSD-ATT-OFF-01", func(in obj) { delete(in, "event_body") })
}

// sm3Bytes are the bytes of an SM3 digest.
func sm3Bytes(d canon.Digest) []byte {
	b, err := canon.DecodeBase64(strings.TrimPrefix(string(d), "sm3:"))
	if err != nil {
		return nil
	}
	return b
}
