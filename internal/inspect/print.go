package inspect

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol/canon"
)

// secrets are members whose value is worth something to whoever reads it:
// proofs and instruments to spend, keys, and signatures, which make a copy of
// what they sign.
var secrets = map[string]bool{
	"signature": true, "signature_content": true, "payment_proof": true, "payment_token": true, "iac": true,
	"subaccount_authorization": true, "cashier_url": true, "order": true, "bill": true,
	"private": true, "ciphertext": true, "d": true, "p": true, "q": true, "dp": true, "dq": true, "qi": true, "k": true, "oth": true,
}

const (
	maxLines = 400
	maxValue = 300 // bytes of one value
)

// show appends the members of a JSON text that has been checked, one a line,
// as path and value.
func (r *Report) show(data []byte) {
	dec := jsontext.NewDecoder(bytes.NewBuffer(data), jsontext.AllowDuplicateNames(true))
	var path []string // names, or indices of arrays
	var counts []int  // next index; -1 in an object
	name := ""
	for {
		tok, err := dec.ReadToken()
		if err != nil {
			return
		}
		if len(r.Lines) >= maxLines {
			r.Lines = append(r.Lines, "…")
			return
		}
		kind := tok.Kind()
		if kind == '}' || kind == ']' {
			path, counts = path[:len(path)-1], counts[:len(counts)-1]
			name = ""
			continue
		}
		if n := len(counts); n > 0 && counts[n-1] < 0 && name == "" {
			name = tok.String()
			if name == "" {
				name = "\"\""
			}
			continue
		}
		here := name
		if n := len(counts); n > 0 && counts[n-1] >= 0 {
			here = "[" + strconv.Itoa(counts[n-1]) + "]"
			counts[n-1]++
		}
		switch kind {
		case '{', '[':
			path = append(path, here)
			counts = append(counts, map[bool]int{true: -1, false: 0}[kind == '{'])
			name = ""
			continue
		}
		name = ""
		if slices.Contains(path, "signature_covered_fields") { // all of them, or the form is wrong
			continue
		}
		r.Lines = append(r.Lines, label(path, here)+": "+value(tok, path, here))
	}
}

// label writes a path; the first element is the whole value.
func label(path []string, name string) string {
	var b strings.Builder
	for _, p := range append(path[min(1, len(path)):len(path):len(path)], name) {
		if b.Len() > 0 && !strings.HasPrefix(p, "[") {
			b.WriteByte('.')
		}
		b.WriteString(plain(p))
	}
	return b.String()
}

// value writes a scalar, and of a secret only length and digest. A string in
// the form of a token is one wherever it stands.
func value(tok jsontext.Token, path []string, name string) string {
	if tok.Kind() != '"' {
		if hidden(path, name) {
			return "(hidden)"
		}
		return plain(tok.String()) + moment(tok.String(), name)
	}
	s := tok.String()
	if hidden(path, name) || looksLikeToken(s) {
		return redact(s)
	}
	if len(s) > maxValue {
		return plain(s[:maxValue]) + "… (" + strconv.Itoa(len(s)) + " bytes)"
	}
	return plain(s)
}

func hidden(path []string, name string) bool {
	if secrets[name] {
		return true
	}
	for _, p := range path {
		if secrets[p] {
			return true
		}
	}
	return false
}

// looksLikeToken reports whether s is a JWS or SD-JWT, or the base64url of
// one, or of a header that may hold one.
func looksLikeToken(s string) bool {
	return len(s) > 100 && (strings.HasPrefix(s, "ey") || strings.HasPrefix(s, "ZXlK"))
}

// redact says of a secret how long it is, and of a long one its digest, so that
// two can be compared.
func redact(s string) string {
	if len(s) < 64 { // short enough that a digest might be guessed from
		return "(" + strconv.Itoa(len(s)) + " bytes, hidden)"
	}
	digest := string(canon.Sum([]byte(s)))
	return "(" + strconv.Itoa(len(s)) + " bytes, " + digest[:len("sha-256:")+8] + "…)"
}

// moment writes a NumericDate for people, too.
func moment(number, name string) string {
	if name != "iat" && name != "nbf" && name != "exp" {
		return ""
	}
	seconds, err := strconv.ParseInt(number, 10, 64)
	if err != nil || seconds < 0 || seconds > 253402300799 {
		return ""
	}
	return " (" + canon.FormatTime(time.Unix(seconds, 0)) + ")"
}

// plain makes text safe for a terminal: what is not printable, control
// characters and those that turn the direction of text included, is escaped.
func plain(s string) string {
	quoted := strconv.Quote(s)
	return strings.ReplaceAll(quoted[1:len(quoted)-1], `\"`, `"`)
}
