package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
)

// A narrator tells the story: who says what to whom, which checks were made,
// and, when verbose, the messages themselves. A quiet one says nothing.
type narrator struct {
	out     io.Writer
	verbose bool
}

func (n *narrator) line(format string, args ...any) { fmt.Fprintf(n.out, format+"\n", args...) }

func (n *narrator) chapter(title string) {
	n.line("\n%s\n%s", title, strings.Repeat("─", len([]rune(title))))
}

// says prints one step between two parties.
func (n *narrator) says(from, to, format string, args ...any) {
	n.line("%10s → %-10s %s", from, to, fmt.Sprintf(format, args...))
}

// notes prints what a party does by itself.
func (n *narrator) notes(who, format string, args ...any) {
	n.line("%10s   %-10s %s", who, "", fmt.Sprintf(format, args...))
}

// checks prints a decision: what was met, by requirement, and every check that
// was not on a line of its own.
func (n *narrator) checks(checks []protocol.Check) {
	var order []string
	met := map[string][]string{}
	for _, c := range checks {
		if c.Outcome != protocol.Allowed {
			n.line("%26s %-17s %s: %s", mark(c.Outcome), c.Requirement, c.Name, c.Code)
			continue
		}
		if met[c.Requirement] == nil {
			order = append(order, c.Requirement)
		}
		met[c.Requirement] = append(met[c.Requirement], c.Name)
	}
	for _, requirement := range order {
		lines := wrap(met[requirement], 64)
		n.line("%26s %-17s %s", mark(protocol.Allowed), requirement, lines[0])
		for _, rest := range lines[1:] {
			n.line("%44s %s", "", rest)
		}
	}
}

// wrap joins names to lines of about this width; there is at least one.
func wrap(names []string, width int) []string {
	lines := []string{names[0]}
	for _, name := range names[1:] {
		last := &lines[len(lines)-1]
		*last += "; "
		if len(*last)+len(name) > width {
			lines = append(lines, name)
		} else {
			*last += name
		}
	}
	return lines
}

func mark(o protocol.Outcome) string {
	switch o {
	case protocol.Allowed:
		return "✓"
	case protocol.Undetermined:
		return "?"
	default:
		return "✗"
	}
}

// message prints what crossed the wire, when verbose: JSON indented, tokens
// and A402 headers decoded. What could be spent by whoever reads along, payment
// tokens and proofs, is left out.
func (n *narrator) message(label string, data []byte) {
	if !n.verbose || len(data) == 0 {
		return
	}
	n.line("%12s %s", "", label)
	for line := range strings.Lines(readable(data)) {
		n.line("%14s %s", "", strings.TrimRight(line, "\n"))
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
		} else if r := []rune(line); len(r) > 120 {
			line = string(r[:100]) + fmt.Sprintf("… (%d more characters)", len(r)-100)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

var secret = regexp.MustCompile(`^(\s*"payment_(?:token|proof)": )".*?"`)

func decode(data []byte) []byte {
	out, err := base64.RawURLEncoding.DecodeString(string(data))
	if err != nil {
		return nil
	}
	return out
}

// A table aligns rows under a head; the last column is aligned to the right.
func (n *narrator) table(head []string, rows [][]string) {
	width := make([]int, len(head))
	for _, row := range append([][]string{head}, rows...) {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for i, row := range append([][]string{head}, rows...) {
		var b strings.Builder
		for j, cell := range row {
			pad := strings.Repeat(" ", width[j]-len([]rune(cell)))
			if j == len(row)-1 {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad + "  ")
			}
		}
		n.line("  %s", b.String())
		if i == 0 {
			n.line("  %s", strings.Repeat("─", len([]rune(b.String()))))
		}
	}
}
