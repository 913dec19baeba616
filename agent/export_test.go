package agent

import "time"

// Within shortens what Negotiate waits for each of its calls.
func (s *Shop) Within(d time.Duration) *Shop {
	s.within = d
	return s
}
