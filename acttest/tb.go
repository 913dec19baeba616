package acttest

import (
	"fmt"
	"slices"
)

// TB is what is needed of a *testing.T or *testing.B. It stands for them so
// that examples can use a World too, see Run.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
	Cleanup(func())
}

// Run gives f a TB outside of a test: for examples and demonstrations. A
// failure is a panic. What was to be cleaned up is cleaned up when f returns.
func Run(f func(t TB)) {
	r := new(runner)
	defer r.end()
	f(r)
}

type runner struct{ cleanups []func() }

func (r *runner) Helper()                           {}
func (r *runner) Errorf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (r *runner) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }
func (r *runner) Cleanup(f func())                  { r.cleanups = append(r.cleanups, f) }

func (r *runner) end() {
	for _, f := range slices.Backward(r.cleanups) {
		f()
	}
}
