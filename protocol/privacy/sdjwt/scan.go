package sdjwt

import "bytes"

// A scanner walks a text that canon.Check has accepted: strict JSON, with
// balanced brackets and complete strings. It only finds where values begin and
// end, which needs no more than that; nothing is decided about form here.
type scanner struct {
	data []byte
	at   int
}

// peek skips white space and returns the next character, 0 at the end.
func (s *scanner) peek() byte {
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case ' ', '\t', '\n', '\r':
			s.at++
		default:
			return c
		}
	}
	return 0
}

// next is peek and moves past it.
func (s *scanner) next() byte {
	c := s.peek()
	if c != 0 {
		s.at++
	}
	return c
}

// element is asked inside of an object or array before each member or element:
// it moves past the comma, or past the closing bracket and returns false.
func (s *scanner) element() bool {
	switch s.peek() {
	case '}', ']', 0:
		s.next()
		return false
	case ',':
		s.at++
	}
	return s.peek() != 0
}

// value returns the text of the next value and moves past it.
func (s *scanner) value() []byte {
	start, depth := s.at, 0
	if s.peek() != 0 {
		start = s.at
	}
	for s.at < len(s.data) {
		switch c := s.data[s.at]; c {
		case '"':
			s.skipString()
			if depth == 0 {
				return s.data[start:s.at:s.at]
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // the end of what surrounds a number or a literal name
				return s.data[start:s.at:s.at]
			}
			if depth--; depth == 0 {
				s.at++
				return s.data[start:s.at:s.at]
			}
		case ',', ' ', '\t', '\n', '\r', ':':
			if depth == 0 {
				return s.data[start:s.at:s.at]
			}
		}
		s.at++
	}
	return s.data[start:s.at:s.at]
}

// skipString moves past a string whose quote is next.
func (s *scanner) skipString() {
	s.at++
	if i := bytes.IndexByte(s.data[s.at:], '"'); i >= 0 && bytes.IndexByte(s.data[s.at:s.at+i], '\\') < 0 {
		s.at += i + 1 // nearly always
		return
	}
	for ; s.at < len(s.data); s.at++ {
		switch s.data[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return
		}
	}
	s.at = len(s.data)
}

// name returns the quoted name of the next member and moves past its colon.
func (s *scanner) name() []byte {
	name := s.value()
	s.next()
	return name
}
