package delegation

// Len returns the number of entries of the list, which is four for each byte
// of memory that it takes.
func (l *UnverifiedStatusList) Len() int { return l.list.Len() }
