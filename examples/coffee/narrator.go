package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
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

// checks prints a decision, one check a line.
func (n *narrator) checks(checks []protocol.Check) {
	for _, c := range checks {
		mark, why := "✓", ""
		switch c.Outcome {
		case protocol.Denied:
			mark, why = "✗", " — "+string(c.Code)
		case protocol.Undetermined:
			mark, why = "?", " — "+string(c.Code)
		}
		n.line("%25s %s%s (%s)", mark, c.Name, why, c.Requirement)
	}
}

// message prints what crossed the wire, when verbose: JSON indented, tokens
// and A402 headers decoded. Nothing of it is secret but the payment token and
// the proof, which are shortened.
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
		return "header  " + readable(decode(parts[0])) + "\npayload " + readable(decode(parts[1]))
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
		if r := []rune(line); len(r) > 120 {
			line = string(r[:100]) + fmt.Sprintf("… (%d more characters)", len(r)-100)
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

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
