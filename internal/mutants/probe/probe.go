// Package probe is what the command mutants puts into the checks of a program
// under mutation: it notes which checks a run reaches, and switches one of them
// off. No program of this module imports it; only the overlay of a build for
// mutation does.
//
// The program is told by its first argument, which it need not know about:
//
//	trace=FILE   append what is reached to FILE, each thing once
//	without=17   carry on as if check 17 did not exist
//
// With any other argument, or with none, the checks work as written. The state
// of the package is global because the code it is put into cannot hand it on.
package probe

import (
	"os"
	"strconv"
	"strings"
	"sync"
)

// The marks of a trace: a line is one of them, a space and a number.
const (
	Entered   = "f" // the function was called
	Evaluated = "e" // the check was made
	Decisive  = "d" // the check refused, or may have
)

var (
	without = number("without=")
	seen    = tracer{path: value("trace="), lines: map[string]bool{}}
)

func value(name string) string {
	if len(os.Args) < 2 {
		return ""
	}
	text, _ := strings.CutPrefix(os.Args[1], name)
	if text == os.Args[1] {
		return ""
	}
	return text
}

// number is -1 when the argument does not stand there.
func number(name string) int {
	n, err := strconv.Atoi(value(name))
	if err != nil {
		return -1
	}
	return n
}

// Enter notes that function i was called.
func Enter(i int) { seen.mark(Entered, i) }

// Refuses is cond, the condition under which check i refuses; when the check is
// switched off, never.
func Refuses(i int, cond bool) bool {
	seen.mark(Evaluated, i)
	if !cond {
		return false
	}
	seen.mark(Decisive, i)
	return i != without
}

// Err is err, with which check i refuses; when the check is switched off, nil.
func Err(i int, err error) error {
	if Refuses(i, err != nil) {
		return err
	}
	return nil
}

// Made reports whether check i, which is a call, is to be made. Whether it
// refuses is known only to the callee.
func Made(i int) bool { return Refuses(i, true) }

// A tracer appends lines to a file, each once, at once: the program under
// mutation may end in any way.
type tracer struct {
	path  string
	mu    sync.Mutex
	file  *os.File
	lines map[string]bool
}

func (t *tracer) mark(mark string, i int) {
	if t.path == "" {
		return
	}
	line := mark + " " + strconv.Itoa(i) + "\n"
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.lines[line] {
		return
	}
	t.lines[line] = true
	if t.file == nil {
		var err error
		if t.file, err = os.OpenFile(t.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
			panic(err) // a trace that is not written would pass as one that is empty
		}
	}
	if _, err := t.file.WriteString(line); err != nil {
		panic(err)
	}
}
