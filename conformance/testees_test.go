package conformance_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/conformance"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// The testees of these tests are this test program itself, started again with
// this variable set to the name of a testee.
const testeeVariable = "ACT_CONFORMANCE_TESTEE"

func TestMain(m *testing.M) {
	if name := os.Getenv(testeeVariable); name != "" {
		serve(name)
		return
	}
	os.Exit(m.Run())
}

// A request as a testee sees it.
type request struct {
	Type      string
	Seq       int64
	Operation string
	Clock     time.Time
	Input     jsontext.Value
}

// oracle answers as expected, by looking the input up among the cases: it is
// what a testee without faults would say, and the broken ones differ from it in
// one thing each.
type oracle struct {
	byInput map[string]conformance.Expect // by operation, clock and input
	noClock map[string]conformance.Expect // by operation and input: the valid answer where there is one
}

func newOracle() *oracle {
	o := &oracle{map[string]conformance.Expect{}, map[string]conformance.Expect{}}
	for _, c := range testCases() {
		key := c.Operation + "\n" + canonical(c.Input)
		o.byInput[c.Clock.UTC().String()+"\n"+key] = c.Expect
		if _, found := o.noClock[key]; !found || c.Expect.Outcome == conformance.Valid {
			o.noClock[key] = c.Expect
		}
	}
	return o
}

func canonical(v jsontext.Value) string {
	data, err := canon.Limits{MaxBytes: conformance.MaxLine, MaxDepth: 64}.Canonicalize(v)
	if err != nil {
		panic(err)
	}
	return string(data)
}

func (o *oracle) answer(r *request) conformance.Answer {
	return answer(o.byInput[r.Clock.UTC().String()+"\n"+r.Operation+"\n"+canonical(r.Input)])
}

func answer(e conformance.Expect) conformance.Answer {
	return conformance.Answer{Outcome: e.Outcome, Code: e.Code, Output: e.Output}
}

// testCases are made for these tests: valid and invalid, two features, cases
// that differ by their clock alone.
func testCases() []conformance.Case {
	var cases []conformance.Case
	at := time.Date(2026, 11, 1, 10, 0, 0, 0, time.UTC)
	for i := range 10 {
		ok := conformance.Case{
			ID: fmt.Sprintf("test/double/%03d", i), Title: "Twice a number.", Level: conformance.Must, Operation: "number.double", Clock: at,
			Requirements: []string{"ADD-INT-ICS-09"}, Input: jsontext.Value(fmt.Sprintf(`{"n":%d}`, i)),
			Expect: conformance.Expect{Outcome: conformance.Valid, Output: jsontext.Value(fmt.Sprintf(`{"n":%d}`, 2*i))},
		}
		bad := ok
		bad.ID, bad.Sibling = fmt.Sprintf("test/word/%03d", i), ok.ID
		bad.Input = jsontext.Value(fmt.Sprintf(`{"n":"%d"}`, i))
		bad.Expect = conformance.Expect{Outcome: conformance.Invalid, Code: protocol.CodeFieldInvalid}
		late := ok
		late.ID, late.Sibling, late.Clock = fmt.Sprintf("test/late/%03d", i), ok.ID, at.Add(time.Hour)
		late.Expect = conformance.Expect{Outcome: conformance.Invalid, Code: protocol.CodeRequestExpired}
		late.Requirements = []string{"ADD-IAC-LCM-05", "PSD-PAY-DEL-06"}
		cases = append(cases, ok, bad, late)
	}
	return cases
}

// serve is the main function of a testee.
func serve(name string) {
	o := newOracle()
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, conformance.MaxLine+1)
	if name == "banner" {
		fmt.Println("Welcome to my testee!")
	}
	var before *request
	for in.Scan() {
		var r request
		if err := json.Unmarshal(in.Bytes(), &r, json.MatchCaseInsensitiveNames(true), json.RejectUnknownMembers(false)); err != nil {
			panic(err)
		}
		switch r.Type {
		case "hello":
			if name == "silent" {
				time.Sleep(time.Hour)
			}
			operations := `"number.double"`
			if name == "lacking" {
				operations = `"number.half"`
			}
			fmt.Printf(`{"type":"hello","name":"%s","version":"1","operations":[%s],"features":[]}`+"\n", name, operations)
		case "run":
			broken(name, o, &r, before, in.Text())
			before = &r
		case "bye":
			if name == "stubborn" {
				time.Sleep(time.Hour)
			}
			return
		}
	}
}

// broken answers one request in the way of a testee.
func broken(name string, o *oracle, r, before *request, line string) {
	right := o.answer(r)
	third := strings.HasSuffix(canonical(r.Input), "3}") // some of the cases
	switch name {
	case "always-valid":
		right = conformance.Answer{Outcome: conformance.Valid, Output: jsontext.Value(`{"n":6}`)}
	case "always-invalid":
		right = conformance.Answer{Outcome: conformance.Invalid, Code: protocol.CodeFieldInvalid}
	case "wrong-code":
		if right.Outcome == conformance.Invalid {
			right.Code = protocol.CodeMalformed
		}
	case "no-clock":
		right = answer(o.noClock[r.Operation+"\n"+canonical(r.Input)])
	case "crashing":
		if third {
			fmt.Fprintln(os.Stderr, "panic: out of cheese")
			os.Exit(3)
		}
	case "hanging":
		if third {
			time.Sleep(time.Hour)
		}
	case "closing":
		if third {
			os.Stdout.Close()
			time.Sleep(time.Hour)
		}
	case "echoing":
		fmt.Println(line)
		return
	case "previous":
		if before != nil {
			right = o.answer(before)
		}
	case "previous-seq":
		r = &request{Seq: r.Seq - 1}
	case "twice":
		defer send(r.Seq, right)
	case "endless":
		if third {
			fmt.Println(strings.Repeat("x", 2*conformance.MaxLine))
			return
		}
	case "empty":
		fmt.Println()
		return
	case "faulty":
		right = conformance.Answer{Outcome: conformance.Error, Message: "not today"}
	case "refusing":
		if third {
			right = conformance.Answer{Outcome: conformance.Skipped, Reason: "no threes"}
		}
	}
	send(r.Seq, right)
}

func send(seq int64, a conformance.Answer) {
	line, err := json.Marshal(struct {
		Type string `json:"type"`
		Seq  int64  `json:"seq"`
		conformance.Answer
	}{"result", seq, a})
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}
