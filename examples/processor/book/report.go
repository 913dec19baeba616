package book

// A Report is what an audit found.
type Report struct {
	Currencies  []CurrencyReport
	Accounts    int64
	Transfers   int64
	Entries     int64
	Trades      int64
	Mandates    int64
	SubAccounts int64
	Waiting     int64              // instant payments without an end, those included whose time is over
	Unreported  map[Consumer]int64 // events that a consumer has not acknowledged
	Problems    []string           // empty when the book is sound; names rows by number, no person
}

// CurrencyReport is the money of one currency.
type CurrencyReport struct {
	Currency  string
	Sum       int64 // of all entries; zero in a sound book
	Deposited int64 // what came from outside, minor units
}

// Sound reports whether nothing was found.
func (r *Report) Sound() bool { return len(r.Problems) == 0 }
