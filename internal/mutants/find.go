package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A check is one place of the source that can refuse, and can be switched off.
type check struct {
	Package  string // its directory, from the root
	File     string // from the root
	Line     int
	Function string // its name, a method's after its type
	Text     string // what is asked, in Go
	Number   int    // 1, 2, … among the checks of this function with this text
	function int    // its index among the functions
	call     bool   // a call, of which only the callee knows whether it refuses
}

// Key is what the check is called in equivalent.tsv: it stays the same while
// lines move.
func (c *check) Key() string { return c.File + "\t" + c.Function + "\t" + c.name() }

// name is the text, with a number where the function asks it again.
func (c *check) name() string {
	if c.Number == 1 {
		return c.Text
	}
	return fmt.Sprintf("%s #%d", c.Text, c.Number)
}

// function is one function with checks.
type function struct {
	Package, File, Name string
	Line                int
}

// An edit is text that is put in at an offset of a file.
type edit struct {
	at    int
	text  string
	close bool // ends what another began
}

// source is a set of files with what was found in them.
type source struct {
	root      string
	checks    []check
	functions []function
	edits     map[string][]edit // by file, from the root
}

// read finds the checks of the files of one package, in the order of the
// source.
func (s *source) read(pkg string, files []string) error {
	fset := token.NewFileSet()
	var parsed []*ast.File
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join(s.root, name))
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(fset, name, data, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		parsed = append(parsed, f)
	}
	know := learn(parsed)
	for i, f := range parsed {
		w := walker{source: s, know: know, fset: fset, pkg: pkg, file: filepath.ToSlash(files[i])}
		for _, d := range f.Decls {
			if d, ok := d.(*ast.FuncDecl); ok && d.Body != nil {
				w.function(d)
			}
		}
		if len(w.edits) > 0 {
			// On the line of the package clause, so that lines stay where they are.
			w.edits = append(w.edits, edit{at: w.offset(f.Name.End()), text: "; import " + probeName + " \"" + probePath + "\""})
			s.edits[w.file] = w.edits
		}
	}
	return nil
}

// The package of the probe and the name that it gets in the files.
const (
	probePath = "github.com/actprotocol/act-go/internal/mutants/probe"
	probeName = "mutantprobe"
)

// A walker goes through the functions of one file.
type walker struct {
	*source
	know  knowledge
	fset  *token.FileSet
	pkg   string
	file  string
	name  string         // of the function
	texts map[string]int // of the function's checks, how many of each
	edits []edit
}

func (w *walker) offset(p token.Pos) int { return w.fset.Position(p).Offset }

func (w *walker) function(d *ast.FuncDecl) {
	w.name, w.texts = d.Name.Name, map[string]int{}
	if d.Recv != nil && len(d.Recv.List) == 1 {
		w.name = strings.TrimPrefix(w.text(d.Recv.List[0].Type), "*") + "." + w.name
	}
	before := len(w.checks)
	w.functions = append(w.functions, function{w.pkg, w.file, w.name, w.fset.Position(d.Pos()).Line})
	w.body(d.Type, d.Body)
	if len(w.checks) == before {
		w.functions = w.functions[:len(w.functions)-1]
		return
	}
	w.edits = append(w.edits, edit{at: w.offset(d.Body.Lbrace) + 1, text: fmt.Sprintf(" %s.Enter(%d);", probeName, len(w.functions)-1)})
}

// add notes a check: the node n, around which before and after are put. A # in
// before is the number of the check, an @ the package of the probe.
func (w *walker) add(n ast.Node, text, before, after string) {
	w.texts[text]++
	number := strconv.Itoa(len(w.checks))
	w.checks = append(w.checks, check{
		Package: w.pkg, File: w.file, Line: w.fset.Position(n.Pos()).Line,
		Function: w.name, Text: text, Number: w.texts[text], function: len(w.functions) - 1, call: strings.Contains(before, ".Made("),
	})
	w.edits = append(w.edits,
		edit{at: w.offset(n.Pos()), text: strings.NewReplacer("#", number, "@", probeName).Replace(before)},
		edit{at: w.offset(n.End()), text: after, close: true})
}

// text is a node in Go, in one line of at most 160 bytes.
func (w *walker) text(n ast.Node) string {
	var out bytes.Buffer
	if err := printer.Fprint(&out, w.fset, n); err != nil {
		return err.Error()
	}
	text := strings.Join(strings.Fields(out.String()), " ")
	if len(text) > 160 {
		text = strings.ToValidUTF8(text[:160], "") + "…"
	}
	return text
}
