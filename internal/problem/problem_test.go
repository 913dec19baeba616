package problem_test

import (
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/actprotocol/act-go/internal/problem"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/payment"
)

func TestEveryCodeSurvives(t *testing.T) {
	for _, code := range protocol.Codes() {
		var d protocol.Decision
		d.Pass("PSD-PAY-DEL-05", "signature")
		d.Fail(code, "PSD-PAY-DEL-06", "total limit", "max_total_amount", "too much")
		rec := httptest.NewRecorder()
		problem.Write(rec, d.Err(), 7)
		if err := canon.Check(rec.Body.Bytes()); err != nil {
			t.Fatalf("%s: %v", code, err)
		}
		if rec.Code != payment.HTTPStatus(code) || (rec.Code == 503 || rec.Code == 429) != (rec.Header().Get("Retry-After") == "7") {
			t.Fatalf("%s: status %d, Retry-After %q", code, rec.Code, rec.Header().Get("Retry-After"))
		}
		var e *protocol.Error
		err := problem.Decode(rec.Code, rec.Body.Bytes(), "somebody", "/there")
		if !errors.As(err, &e) || e.Code != code || e.Field != "max_total_amount" || e.Requirement != "PSD-PAY-DEL-06" || e.Detail != code.Text()+", says somebody" || len(e.Checks) != 2 {
			t.Fatalf("%s became %v with %d checks", code, err, len(e.Checks))
		}
	}
}

// TestStoredRefusals: the request id goes there and back exactly for the stored
// answer to a payment, and only who asked about that payment believes it.
func TestStoredRefusals(t *testing.T) {
	reason := protocol.New(protocol.CodeMandateRevoked, "iac", "PSD-PAY-DEL-05", "")
	rec := httptest.NewRecorder()
	problem.Write(rec, &payment.Refusal{RequestID: "r-1", Reason: reason}, 1)
	body := rec.Body.Bytes()
	var refusal *payment.Refusal
	if err := problem.DecodePayment(rec.Code, body, "somebody", "/there", "r-1"); !errors.As(err, &refusal) || refusal.RequestID != "r-1" || refusal.Reason.Code != reason.Code {
		t.Fatalf("PSD-PAY-A402-23: %v from %s", err, body)
	}
	if err := problem.DecodePayment(rec.Code, body, "somebody", "/there", "r-2"); errors.As(err, &refusal) || !errors.Is(err, protocol.ErrUndetermined) {
		t.Fatalf("the answer to another payment: %v", err)
	}
	for _, err := range []error{problem.DecodePayment(rec.Code, body, "somebody", "/there", ""), problem.Decode(rec.Code, body, "somebody", "/there")} {
		if errors.As(err, &refusal) || protocol.CodeOf(err) != reason.Code {
			t.Fatalf("who asks about no payment: %v", err)
		}
	}
	if plain := string(problem.Encode(reason)); strings.Contains(plain, "payment_request_id") || !strings.Contains(plain, reason.Code.Text()) {
		t.Fatalf("a refusal that is not stored: %s", plain)
	}
}

func TestForeignErrorsAreNotRepeated(t *testing.T) {
	if out := string(problem.Encode(errors.New("password=hunter2"))); strings.Contains(out, "hunter2") || !strings.Contains(out, "service_unavailable") {
		t.Fatal(out)
	}
}

func TestAnswersThatAreNotOurs(t *testing.T) {
	seen := map[string]bool{}
	for _, status := range []int{200, 302, 403, 404, 429, 502} {
		err := protocol.AsError(problem.Decode(status, []byte("<html>secret"), "somebody", "/carts"))
		if err.Code != protocol.CodeServiceUnavailable || err.Field != "/carts" || seen[err.Detail] || strings.Contains(err.Error(), "secret") {
			t.Errorf("%d: %v", status, err)
		}
		seen[err.Detail] = true
	}
}

// TestEveryCheckNameSurvives looks at every place of this repository where a
// decision gets a check: no name or field of ours is lost on the way.
func TestEveryCheckNameSurvives(t *testing.T) {
	texts := checkTexts(t, filepath.Join("..", ".."))
	if len(texts) < 200 {
		t.Fatalf("found only %d texts", len(texts))
	}
	for text, at := range texts {
		e := &protocol.Error{Code: protocol.CodeMalformed, Field: text, Requirement: text,
			Checks: []protocol.Check{{Requirement: text, Name: text, Code: protocol.CodeMalformed, Field: text}}}
		got := protocol.AsError(problem.Decode(403, problem.Encode(e), "somebody", ""))
		if got.Field != text || len(got.Checks) != 1 || got.Checks[0] != e.Checks[0] {
			t.Errorf("%s: %q does not survive", at, text)
		}
	}
}

// A recorder is a method that records a check: how many arguments it has, and
// which of them are sent as they are.
type recorder struct {
	arguments int
	sent      []int
}

var recorders = map[string]recorder{
	"Pass": {2, []int{0, 1}}, "Record": {3, []int{0, 1}}, "Require": {6, []int{2, 3, 4}},
	"Fail": {5, []int{1, 2, 3}}, "fail": {5, []int{1, 2, 3}},
}

// checkTexts returns the texts, and where they are, that checks are recorded
// with. Where one is not written there, all texts of the function are returned.
func checkTexts(t *testing.T, root string) map[string]token.Position {
	texts, files := map[string]token.Position{}, token.NewFileSet()
	add := func(n ast.Node) bool {
		lit, ok := n.(*ast.BasicLit)
		if ok && lit.Kind == token.STRING {
			text, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			texts[text] = files.Position(lit.Pos())
		}
		return true
	}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			ast.Inspect(d, func(n ast.Node) bool {
				call, ok := n.(*ast.CallExpr)
				if !ok {
					return true
				}
				method, ok := call.Fun.(*ast.SelectorExpr)
				if !ok {
					return true
				}
				r, ok := recorders[method.Sel.Name]
				if !ok || len(call.Args) != r.arguments {
					return true
				}
				for _, i := range r.sent {
					if _, written := call.Args[i].(*ast.BasicLit); written {
						ast.Inspect(call.Args[i], add)
					} else {
						ast.Inspect(d, add)
					}
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func FuzzDecode(f *testing.F) {
	f.Add(403, []byte(`{"error":{"code":"total_limit_exceeded","field":"max_total_amount","outcome":"denied","checks":[{"requirement":"PSD-PAY-DEL-06","name":"total","outcome":"denied","code":"total_limit_exceeded"}]}}`))
	f.Add(503, []byte(`{"error":{"code":"total_limit_exceeded"}}`))
	f.Add(400, []byte(`{"error":{"code":"malformed","field":"<script>","detail":"secret"}}`))
	f.Add(403, []byte(`{"error":{"code":"mandate_revoked","payment_request_id":"r-1"}}`))
	f.Add(503, []byte(`{"error":{"code":"status_unavailable","payment_request_id":"r-1"}}`))
	f.Fuzz(func(t *testing.T, status int, data []byte) {
		var refusal *payment.Refusal
		if err := problem.DecodePayment(status, data, "somebody", "/there", "r-1"); errors.As(err, &refusal) &&
			(refusal.RequestID != "r-1" || refusal.Reason.Code.Outcome() != protocol.Denied || status >= 500) {
			t.Fatalf("not a refusal: %v", err)
		}
		err := problem.Decode(status, data, "somebody", "/there")
		var e *protocol.Error
		if !errors.As(err, &e) || !e.Code.Known() {
			t.Fatalf("not one of our errors: %v", err)
		}
		if status >= 500 && e.Code.Outcome() == protocol.Denied {
			t.Fatal("a broken server denies")
		}
		if strings.ContainsAny(err.Error(), "<>\"\\\n\x00") || len(err.Error()) > 400 {
			t.Fatalf("input is printed: %q", err)
		}
	})
}
