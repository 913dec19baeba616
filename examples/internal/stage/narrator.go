package stage

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
)

// A Narrator tells the story: who says what to whom, which checks were made,
// and, when verbose, the messages themselves. Several parties may speak at the
// same time: what one call prints stays together.
type Narrator struct {
	Out     io.Writer
	Verbose bool

	// Evidence is the file that a World writes when it is closed (World.Evidence);
	// when empty, none is kept.
	Evidence string

	mu      sync.Mutex
	untold  int
	pending []string // lines of messages, shown below the sentence that tells of them
}

const width = 100 // columns

// print prints lines, and below a sentence the messages that it tells of.
func (n *Narrator) print(sentence bool, lines ...string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if sentence {
		lines = append(lines, n.pending...)
		n.pending = nil
	}
	if n.untold > 0 && !n.Verbose {
		return
	}
	for _, l := range lines {
		fmt.Fprintln(n.Out, strings.TrimRight(l, " "))
	}
}

// Line prints a line as it is.
func (n *Narrator) Line(format string, args ...any) { n.print(false, fmt.Sprintf(format, args...)) }

// Chapter prints a heading.
func (n *Narrator) Chapter(title string) {
	n.print(false, "", title, strings.Repeat("─", columns(title)))
}

// Untold runs what the reader has seen before, such as one more mandate, and
// tells of it only when verbose. What others say at the same time is not told
// either.
func (n *Narrator) Untold(run func() error) error {
	n.mu.Lock()
	n.untold++
	n.mu.Unlock()
	defer func() {
		n.mu.Lock()
		n.untold--
		n.mu.Unlock()
	}()
	return run()
}

// Says prints one step between two parties.
func (n *Narrator) Says(from, to, format string, args ...any) {
	n.step(fmt.Sprintf("%10s → %-10s", from, to), fmt.Sprintf(format, args...))
}

// Notes prints what a party does by itself.
func (n *Narrator) Notes(who, format string, args ...any) {
	n.step(fmt.Sprintf("%10s   %-10s", who, ""), fmt.Sprintf(format, args...))
}

// Quote prints a text that a party shows, line by line.
func (n *Narrator) Quote(text string) {
	var lines []string
	for line := range strings.Lines(text) {
		lines = append(lines, fmt.Sprintf("%26s %s", "│", strings.TrimRight(line, "\n")))
	}
	n.print(false, lines...)
}

func (n *Narrator) step(who, what string) {
	var lines []string
	for i, part := range wrap(strings.Fields(what), " ", width-24) {
		if i > 0 {
			who = ""
		}
		lines = append(lines, fmt.Sprintf("%-23s %s", who, part))
	}
	n.print(true, lines...)
}

// columns is how wide a text is on a terminal: Chinese, Japanese and Korean
// characters and full-width forms take two columns.
func columns(s string) (n int) {
	for _, r := range s {
		if r >= 0x1100 && r <= 0x115f || r >= 0x2e80 && r <= 0xa4cf || r >= 0xac00 && r <= 0xd7a3 ||
			r >= 0xf900 && r <= 0xfaff || r >= 0xfe30 && r <= 0xfe6f || r >= 0xff00 && r <= 0xff60 || r >= 0xffe0 && r <= 0xffe6 {
			n++
		}
		n++
	}
	return n
}

// protecting are the checks of a payment that a reader should see even when
// the others are only counted.
var protecting = []string{
	"signature", "issuer trusted for the delegator", "holder's key signed the request", "audience", "state is Active",
	"time window", "single limit", "cumulative limit", "total limit", "merchant", "category", "order unpaid",
	"payment token of this principal", "balance",
	"authorized this transmission", "authorized by the sub-account's key", "sub-account of this principal", "sub-account available",
}

// Checks prints a decision: every check that was not met on a line of its own,
// and what was met by requirement; all of it when verbose, otherwise what
// protects the money.
func (n *Narrator) Checks(checks []protocol.Check) {
	var lines, order []string
	met, more := map[string][]string{}, 0
	for _, c := range checks {
		switch {
		case c.Outcome != protocol.Allowed:
			lines = append(lines, fmt.Sprintf("%26s %-17s %s: %s", Mark(c.Outcome), c.Requirement, c.Name, c.Code))
		case !n.Verbose && !slices.Contains(protecting, c.Name):
			more++
		default:
			if met[c.Requirement] == nil {
				order = append(order, c.Requirement)
			}
			if !slices.Contains(met[c.Requirement], c.Name) {
				met[c.Requirement] = append(met[c.Requirement], c.Name)
			}
		}
	}
	for _, requirement := range order {
		for i, names := range wrap(met[requirement], "; ", width-45) {
			if i == 0 {
				lines = append(lines, fmt.Sprintf("%26s %-17s %s", Mark(protocol.Allowed), requirement, names))
			} else {
				lines = append(lines, fmt.Sprintf("%44s %s", "", names))
			}
		}
	}
	if more > 0 {
		lines = append(lines, fmt.Sprintf("%26s and %d more; -v shows all", "", more))
	}
	n.print(false, lines...)
}

// wrap joins words to lines of at most this width, as far as words allow.
func wrap(words []string, separator string, width int) []string {
	var lines []string
	for _, word := range words {
		if last := len(lines) - 1; last >= 0 && columns(lines[last]+separator+word) <= width {
			lines[last] += separator + word
		} else {
			lines = append(lines, word)
		}
	}
	return lines
}

// Mark is the sign of an outcome.
func Mark(o protocol.Outcome) string {
	switch o {
	case protocol.Allowed:
		return "✓"
	case protocol.Undetermined:
		return "?"
	default:
		return "✗"
	}
}

// Message prints what crossed the wire, when verbose: JSON indented, tokens
// and A402 headers decoded. What could be spent by whoever reads along, payment
// tokens and proofs, is left out.
func (n *Narrator) Message(label string, data []byte) {
	if !n.Verbose || label == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pending = append(n.pending, fmt.Sprintf("%12s %s", "", label))
	for line := range strings.Lines(readable(data)) {
		n.pending = append(n.pending, fmt.Sprintf("%14s %s", "", strings.TrimRight(line, "\n")))
	}
}

func readable(data []byte) string {
	data = bytes.TrimSpace(data)
	if parts := bytes.Split(data, []byte(".")); len(parts) == 3 && !bytes.ContainsAny(data, " {") {
		return "header  " + readable(decode(parts[0])) + "payload " + readable(decode(parts[1]))
	}
	if decoded := decode(data); len(decoded) > 0 && decoded[0] == '{' {
		data = decoded
	}
	v := jsontext.Value(bytes.Clone(data))
	if v.Indent(jsontext.WithIndent("  ")) != nil {
		return string(data)
	}
	var b strings.Builder
	for line := range strings.Lines(string(v)) {
		line = strings.TrimRight(line, "\n")
		if secret.MatchString(line) {
			line = secret.ReplaceAllString(line, `$1"(not shown)"`)
		} else if r := []rune(line); len(r) > width-16 {
			line = string(r[:width-40]) + fmt.Sprintf("… (%d more characters)", len(r)-(width-40))
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

var secret = regexp.MustCompile(`^(\s*"(?:payment_token|payment_proof|subaccount_authorization)": )".*?"`)

func decode(data []byte) []byte {
	out, err := base64.RawURLEncoding.DecodeString(string(data))
	if err != nil {
		return nil
	}
	return out
}

// Table aligns rows under a head; the last column is aligned to the right.
func (n *Narrator) Table(head []string, rows [][]string) {
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			width[i] = max(width[i], columns(cell))
		}
	}
	var lines []string
	for i, row := range append([][]string{head}, rows...) {
		var b strings.Builder
		for j, cell := range row {
			pad := strings.Repeat(" ", width[j]-columns(cell))
			if j == len(row)-1 {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad + "  ")
			}
		}
		lines = append(lines, "  "+b.String())
		if i == 0 {
			lines = append(lines, "  "+strings.Repeat("─", columns(b.String())))
		}
	}
	n.print(false, lines...)
}
