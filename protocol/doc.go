// Package protocol holds the nouns that every part of act-go shares: the
// closed list of error codes, the error that carries one, and the three-valued
// decision with its list of checks.
//
// It imports nothing of ours, so that canon, keys, delegation and all others
// can return the same error type. What crosses the wire lives in the packages
// below this one.
package protocol
