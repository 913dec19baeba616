package main

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
)

// A frame is the function whose statements are walked through.
type frame struct {
	results   *ast.FieldList
	parameter string // the first, when it is one of the kinds of asked
	before    map[ast.Stmt]ast.Stmt
	followed  map[ast.Stmt]bool // by another statement of its block
	refusing  map[ast.Stmt]bool // statements of a body whose condition is a check already
}

// body finds the checks of a function, and of the functions in it.
func (w *walker) body(t *ast.FuncType, b *ast.BlockStmt) {
	f := &frame{results: t.Results, before: map[ast.Stmt]ast.Stmt{}, followed: map[ast.Stmt]bool{}, refusing: map[ast.Stmt]bool{}}
	if p := t.Params.List; len(p) > 0 && len(p[0].Names) == 1 && (isIdent(p[0].Type, "bool") || isIdent(p[0].Type, "error")) {
		f.parameter = p[0].Names[0].Name
	}
	ast.Inspect(b, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			w.body(n.Type, n.Body)
			return false
		case *ast.BlockStmt:
			f.order(n.List)
		case *ast.CaseClause:
			f.order(n.Body)
		case *ast.IfStmt:
			w.ifStatement(f, n)
		case *ast.SwitchStmt:
			w.switchStatement(f, n)
		case *ast.ExprStmt:
			w.statement(f, n)
		case *ast.CallExpr:
			w.call(f, n)
		case *ast.CompositeLit:
			w.table(n)
		}
		return true
	})
}

func (f *frame) order(list []ast.Stmt) {
	for i := 1; i < len(list); i++ {
		f.before[list[i]], f.followed[list[i-1]] = list[i-1], true
	}
}

// ifStatement: each operand of "a || b" is a check.
func (w *walker) ifStatement(f *frame, n *ast.IfStmt) {
	if !w.refuses(f, n.Cond, n.Body.List) {
		return
	}
	prefix := ""
	if n.Init != nil {
		prefix = w.text(n.Init) + "; "
	} else if a, ok := f.before[n].(*ast.AssignStmt); ok && mentions(n.Cond, "err") {
		prefix = w.text(a) + "; "
	}
	w.condition(f, n.Cond, prefix)
}

func (w *walker) condition(f *frame, cond ast.Expr, prefix string) {
	for _, e := range operands(cond, token.LOR) {
		if w.judgedElsewhere(f, e) {
			continue
		}
		w.add(e, prefix+w.text(e), "@.Refuses(#, ", ")")
	}
}

// switchStatement: the cases of a switch without a tag are conditions; a case of
// one with a tag, and a default, is a check when a statement follows the switch,
// with which the function goes on.
func (w *walker) switchStatement(f *frame, n *ast.SwitchStmt) {
	for _, s := range n.Body.List {
		c := s.(*ast.CaseClause)
		var cond ast.Expr
		if len(c.List) > 0 {
			cond = c.List[0]
		}
		if !w.refuses(f, cond, c.Body) {
			continue
		}
		if n.Tag == nil && c.List != nil {
			for _, e := range c.List {
				w.condition(f, e, "case ")
			}
			continue
		}
		if !f.followed[n] {
			continue
		}
		text := "default"
		if c.List != nil {
			text = "case " + w.text(c.List[0])
		}
		if n.Tag != nil {
			text = "switch " + w.text(n.Tag) + ": " + text
		}
		w.add(span{c.Body[0].Pos(), c.Body[len(c.Body)-1].End()}, text, "if @.Refuses(#, true) { ", " }")
	}
}

// span is a node of several statements.
type span struct{ from, to token.Pos }

func (s span) Pos() token.Pos { return s.from }
func (s span) End() token.Pos { return s.to }

// readers are the methods of wire.Reader that refuse by themselves.
var readers = []string{"Require", "Equal", "ID", "DID", "Nonce", "Text", "Category", "WebURL", "PaymentMethod", "Fail"}

// statement: a call that refuses by itself, and says so to nobody.
func (w *walker) statement(f *frame, n *ast.ExprStmt) {
	c, ok := n.X.(*ast.CallExpr)
	if !ok || f.refusing[n] {
		return
	}
	if method, isReader := strings.CutPrefix(name(c.Fun), "r."); isReader && slices.Contains(readers, method) && len(c.Args) < 5 {
		w.add(n, w.text(c), "if @.Made(#) { ", " }")
	}
}

// call: what is handed to a function that refuses by it.
func (w *walker) call(f *frame, n *ast.CallExpr) {
	i := w.asks(n)
	if i < 0 || isIdent(n.Args[i], f.parameter) {
		return
	}
	called := method(n)
	prefix := strings.TrimPrefix(called, ".") + " "
	if called == ".Record" || w.know.asked[called] == byError {
		w.add(n.Args[i], prefix+w.text(n.Args[i]), "@.Err(#, ", ")")
		return
	}
	for _, e := range operands(n.Args[i], token.LAND) {
		w.add(e, prefix+w.text(e), "!@.Refuses(#, !(", "))")
	}
}

// asks is the index of the argument by which a call refuses, or -1.
func (w *walker) asks(n *ast.CallExpr) int {
	called := method(n)
	switch {
	case called == ".Require" && len(n.Args) == 6:
		return 0
	case called == ".Record" && len(n.Args) == 3:
		return 2
	case w.know.asked[called] != 0 && len(n.Args) > 0:
		return 0
	}
	return -1
}

// method is the name of what is called: of a method with a point before, of a
// function without.
func method(n *ast.CallExpr) string {
	called := name(n.Fun)
	if i := strings.LastIndexByte(called, '.'); i >= 0 {
		return called[i:]
	}
	return called
}

// table: a row with a field ok is a check, which a loop makes.
func (w *walker) table(n *ast.CompositeLit) {
	if i, ok := w.know.rows[name(n.Type)]; ok && n.Type != nil {
		w.row(n, i)
	}
	a, ok := n.Type.(*ast.ArrayType)
	if !ok {
		return
	}
	i, known := w.know.rows[name(a.Elt)]
	if s, ok := a.Elt.(*ast.StructType); ok {
		i = okField(s)
		known = i >= 0
	}
	for _, e := range n.Elts {
		if row, ok := e.(*ast.CompositeLit); ok && known && row.Type == nil {
			w.row(row, i)
		}
	}
}

func (w *walker) row(n *ast.CompositeLit, i int) {
	if i >= len(n.Elts) {
		return
	}
	e := n.Elts[i]
	if _, keyed := e.(*ast.KeyValueExpr); keyed {
		return
	}
	w.add(e, "row "+w.text(n), "!@.Refuses(#, !(", "))")
}

// judgedElsewhere reports whether a condition repeats what a check of its own
// says already: a call that asks, a row, a parameter.
func (w *walker) judgedElsewhere(f *frame, e ast.Expr) bool {
	found := false
	inspectOwn(e, func(n ast.Node) {
		if c, ok := n.(*ast.CallExpr); ok && w.asks(c) >= 0 {
			found = true
		}
	})
	if not, ok := e.(*ast.UnaryExpr); ok && not.Op == token.NOT {
		sel, isField := not.X.(*ast.SelectorExpr)
		found = found || isField && sel.Sel.Name == "ok" || f.parameter == "ok" && isIdent(not.X, "ok")
	}
	return found
}

// failing are methods that refuse without a result.
var failing = []string{"Fail", "fail", "Invalid", "outside"}

// refuses reports whether a body refuses: it returns an error, false or a reason
// to refuse, or records one. It notes its statements.
func (w *walker) refuses(f *frame, cond ast.Expr, body []ast.Stmt) bool {
	found := false
	for _, s := range body {
		switch s := s.(type) {
		case *ast.ReturnStmt:
			found = found || w.refusal(f, cond, s)
		case *ast.ExprStmt:
			if c, ok := s.X.(*ast.CallExpr); ok {
				found = found || slices.Contains(failing, strings.TrimPrefix(method(c), "."))
			}
		case *ast.AssignStmt:
			found = found || len(s.Rhs) == 1 && mentions(s.Lhs[0], "err") && w.know.isRefusal(s.Rhs[0])
		}
	}
	for _, s := range body {
		f.refusing[s] = found
	}
	return found
}

func (w *walker) refusal(f *frame, cond ast.Expr, r *ast.ReturnStmt) bool {
	if f.results == nil || len(r.Results) == 0 {
		return false
	}
	for _, e := range r.Results {
		if n := name(e); strings.HasPrefix(n, "Reason") && n != "ReasonVerified" {
			return true
		}
	}
	result := r.Results[len(r.Results)-1]
	switch kind := last(f.results).Type; {
	case isError(kind):
		failed := cond != nil && strings.HasSuffix(w.text(cond), "err != nil")
		return w.know.isRefusal(result) || failed && !isIdent(result, "nil")
	case isIdent(kind, "bool"):
		return isIdent(result, "false")
	}
	return false
}

// operands are the parts of a chain of one operator.
func operands(e ast.Expr, op token.Token) []ast.Expr {
	switch x := e.(type) {
	case *ast.ParenExpr:
		if parts := operands(x.X, op); len(parts) > 1 {
			return parts
		}
	case *ast.BinaryExpr:
		if x.Op == op {
			return append(operands(x.X, op), operands(x.Y, op)...)
		}
	}
	return []ast.Expr{e}
}

// mentions reports whether the name of a variable stands in e.
func mentions(e ast.Node, name string) bool {
	found := false
	ast.Inspect(e, func(n ast.Node) bool {
		id, ok := n.(*ast.Ident)
		found = found || ok && id.Name == name
		return true
	})
	return found
}
