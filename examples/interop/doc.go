// Package interop holds tests that compare the library with independent
// implementations of the same standards. Nothing imports it; what it imports
// is no dependency of the library.
package interop
