package agent

import "time"

// Within shortens what Negotiate and Ask wait for each of their calls.
func (s *Shop) Within(d time.Duration) *Shop {
	s.within = d
	return s
}
