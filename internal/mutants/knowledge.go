package main

import (
	"go/ast"
	"go/token"
	"regexp"
	"strings"
)

// knowledge is what has to be known of a package to tell a refusal from an
// answer. There are no types here, so it goes by names, which a package of ours
// does not use twice for different things.
type knowledge struct {
	makers map[string]bool // functions whose result is always an error
	asked  map[string]int  // functions that take an "ok bool" or "err error" as argument 0, and refuse by it; methods with a point before
	rows   map[string]int  // struct types with a field "ok bool", and its index
}

// The kinds of asked.
const (
	byBool = iota + 1
	byError
)

// learn reads a package.
func learn(files []*ast.File) knowledge {
	k := knowledge{
		makers: map[string]bool{"protocol.New": true, "protocol.Wrap": true, "errors.New": true, "fmt.Errorf": true},
		asked:  map[string]int{}, rows: map[string]int{},
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				if n.Recv != nil {
					k.parameter("."+n.Name.Name, n.Type)
				} else {
					k.parameter(n.Name.Name, n.Type)
				}
			case *ast.AssignStmt:
				if len(n.Lhs) == 1 && len(n.Rhs) == 1 {
					if lit, ok := n.Rhs[0].(*ast.FuncLit); ok {
						k.parameter(name(n.Lhs[0]), lit.Type)
					}
				}
			case *ast.TypeSpec:
				if s, ok := n.Type.(*ast.StructType); ok {
					if i := okField(s); i >= 0 {
						k.rows[n.Name.Name] = i
					}
				}
			}
			return true
		})
	}
	for more := true; more; {
		more = k.learnMakers(files)
	}
	return k
}

// parameter notes a function that is told whether all is well.
func (k knowledge) parameter(name string, t *ast.FuncType) {
	if len(t.Params.List) == 0 || len(t.Params.List[0].Names) != 1 {
		return
	}
	p := t.Params.List[0]
	switch {
	case p.Names[0].Name == "ok" && isIdent(p.Type, "bool"):
		k.asked[name] = byBool
	case p.Names[0].Name == "err" && isIdent(p.Type, "error") && name == ".learned":
		k.asked[name] = byError
	}
}

func okField(s *ast.StructType) int {
	i := 0
	for _, f := range s.Fields.List {
		for _, n := range f.Names {
			if n.Name == "ok" && isIdent(f.Type, "bool") {
				return i
			}
			i++
		}
	}
	return -1
}

// learnMakers notes functions all of whose results are errors, and reports
// whether it found a new one.
func (k knowledge) learnMakers(files []*ast.File) bool {
	found := false
	try := func(name string, t *ast.FuncType, body *ast.BlockStmt) {
		if body == nil || k.makers[name] || t.Results == nil || !isError(last(t.Results).Type) {
			return
		}
		returns, always := 0, true
		inspectOwn(body, func(n ast.Node) {
			if r, ok := n.(*ast.ReturnStmt); ok {
				returns++
				always = always && len(r.Results) > 0 && k.isRefusal(r.Results[len(r.Results)-1])
			}
		})
		if returns > 0 && always {
			k.makers[name], found = true, true
		}
	}
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.FuncDecl:
				try(n.Name.Name, n.Type, n.Body)
			case *ast.AssignStmt:
				if len(n.Rhs) == 1 && len(n.Lhs) == 1 {
					if lit, ok := n.Rhs[0].(*ast.FuncLit); ok {
						try(name(n.Lhs[0]), lit.Type, lit.Body)
					}
				}
			}
			return true
		})
	}
	return found
}

// errorName is what variables that hold errors are called.
var errorName = regexp.MustCompile(`^(err|[eE]rr[A-Z].*|[a-z]+Err(or)?|cause)$`)

// isRefusal reports whether e is an error that is not nil, as far as names say.
func (k knowledge) isRefusal(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return errorName.MatchString(e.Name)
	case *ast.SelectorExpr:
		return errorName.MatchString(e.Sel.Name)
	case *ast.UnaryExpr:
		lit, ok := e.X.(*ast.CompositeLit)
		return ok && e.Op == token.AND && strings.HasSuffix(name(lit.Type), "Error")
	case *ast.CompositeLit:
		return strings.HasSuffix(name(e.Type), "Error")
	case *ast.CallExpr:
		called := name(e.Fun)
		if k.makers[called] || k.makers[called[strings.LastIndexByte(called, '.')+1:]] && !strings.Contains(called, "protocol.") || strings.HasSuffix(called, ".Err") {
			return true
		}
		for _, a := range e.Args {
			if k.isRefusal(a) {
				return true
			}
		}
	}
	return false
}

// name is the name of a simple expression: x, x.y, x.y.z, or the name of a
// generic function; otherwise empty.
func name(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return name(e.X) + "." + e.Sel.Name
	case *ast.IndexExpr:
		return name(e.X)
	}
	return ""
}

func isIdent(e ast.Expr, name string) bool {
	id, ok := e.(*ast.Ident)
	return ok && id.Name == name
}

func isError(e ast.Expr) bool {
	if star, ok := e.(*ast.StarExpr); ok {
		return strings.HasSuffix(name(star.X), "Error")
	}
	return isIdent(e, "error")
}

func last(l *ast.FieldList) *ast.Field { return l.List[len(l.List)-1] }

// inspectOwn visits what belongs to a function itself, not to functions in it.
func inspectOwn(body ast.Node, visit func(ast.Node)) {
	ast.Inspect(body, func(n ast.Node) bool {
		if _, ok := n.(*ast.FuncLit); ok {
			return false
		}
		if n != nil {
			visit(n)
		}
		return true
	})
}
