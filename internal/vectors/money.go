package vectors

import "github.com/actprotocol/act-go/protocol"

// groupMoney: amounts in messages and in intents (SPEC.md 1.5).
func groupMoney(b *builder) {
	ok := b.valid(spec{
		id: "money/decimal/001", title: "An amount of a message with the decimals of its currency.",
		operation: "money.parse", input: obj{"amount": "18.00", "currency": "CNY"}, output: obj{"amount": "18.00", "minor": "1800"},
	})
	for _, c := range []struct{ id, title, amount, currency, want, minor string }{
		{"money/decimal/002", "Decimals may be left out.", "18", "CNY", "18.00", "1800"},
		{"money/decimal/003", "One decimal of two.", "18.5", "CNY", "18.50", "1850"},
		{"money/decimal/004", "Yen have no decimals.", "1800", "JPY", "1800", "1800"},
		{"money/decimal/005", "Dinars of Bahrain have three decimals.", "1.234", "BHD", "1.234", "1234"},
		{"money/decimal/006", "Nothing is an amount.", "0", "CNY", "0.00", "0"},
		{"money/decimal/007", "The largest amount is 2^63-1 minor units, which no double holds.", "92233720368547758.07", "CNY", "92233720368547758.07", "9223372036854775807"},
		{"money/decimal/008", "A cent is not lost in a large amount.", "90071992547409.93", "CNY", "90071992547409.93", "9007199254740993"},
	} {
		b.also(ok, spec{id: c.id, title: c.title, output: obj{"amount": c.want, "minor": c.minor}}, func(in obj) {
			in["amount"], in["currency"] = c.amount, c.currency
		})
	}
	for _, c := range []struct{ id, title, amount, currency string }{
		{"money/decimal/009", "A third decimal of CNY would be precision that only one side sees.", "18.001", "CNY"},
		{"money/decimal/010", "A zero as third decimal is one too many as well.", "18.000", "CNY"},
		{"money/decimal/011", "Yen with a decimal.", "18.0", "JPY"},
		{"money/decimal/012", "A negative amount.", "-18.00", "CNY"},
		{"money/decimal/013", "A sign is not part of an amount.", "+18.00", "CNY"},
		{"money/decimal/014", "A leading zero.", "018.00", "CNY"},
		{"money/decimal/015", "An exponent.", "1.8e1", "CNY"},
		{"money/decimal/016", "A point needs digits behind it.", "18.", "CNY"},
		{"money/decimal/017", "A point needs digits before it.", ".50", "CNY"},
		{"money/decimal/018", "A comma is no point.", "18,00", "CNY"},
		{"money/decimal/019", "Digits are not grouped.", "1 800.00", "CNY"},
		{"money/decimal/020", "Digits of another script are no digits.", "\u0661\u0668.00", "CNY"},
		{"money/decimal/021", "One minor unit above the largest amount.", "92233720368547758.08", "CNY"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeFieldInvalid}, func(in obj) {
			in["amount"], in["currency"] = c.amount, c.currency
		})
	}
	b.invalid(ok, spec{id: "money/decimal/022", title: "An empty string is no amount.", code: protocol.CodeFieldInvalid}, put("amount", ""))
	moneyEdges(b, ok)
	moneyCurrencies(b, ok)
	moneyNumbers(b)
}

func moneyCurrencies(b *builder, ok spec) {
	iso := []string{"ADD-INT-ICS-10"}
	b.also(ok, spec{id: "money/currency/001", title: "A currency of ISO 4217.", requirements: iso, output: obj{"amount": "18.00", "minor": "1800"}}, put("currency", "EUR"))
	for _, c := range []struct{ id, title, currency string }{
		{"money/currency/002", "A code that ISO 4217 does not have.", "XYZ"},
		{"money/currency/003", "Codes are in capitals.", "cny"},
		{"money/currency/004", "The usual abbreviation is not the code.", "RMB"},
		{"money/currency/005", "A currency that has been withdrawn.", "DEM"},
		{"money/currency/090", "A fund has a code and nobody pays with it.", "CLF"},
		{"money/currency/091", "The lev was withdrawn when Bulgaria took the euro.", "BGN"},
		{"money/currency/006", "Gold has a code and no minor unit.", "XAU"},
		{"money/currency/007", "The number of a currency is not its code.", "156"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, requirements: iso, code: protocol.CodeFieldInvalid}, put("currency", c.currency))
	}
	b.invalid(ok, spec{id: "money/currency/008", title: "An empty string is no currency.", requirements: iso, code: protocol.CodeFieldInvalid}, put("currency", ""))
}

func moneyNumbers(b *builder) {
	ok := b.valid(spec{
		id: "money/number/001", title: "An amount of an intent is a JSON number.", requirements: []string{"ADD-INT-ICS-09"},
		operation: "money.number", input: obj{"number": "18.5", "currency": "CNY"}, output: obj{"amount": "18.50", "minor": "1850"},
	})
	for _, c := range []struct{ id, title, number, currency, want, minor string }{
		{"money/number/002", "The value counts and not the spelling: an exponent.", "185e-1", "CNY", "18.50", "1850"},
		{"money/number/003", "The value counts and not the spelling: zeros.", "18.5000", "CNY", "18.50", "1850"},
		{"money/number/004", "A number that binary floats do not have is read exactly.", "0.07", "CNY", "0.07", "7"},
		{"money/number/005", "A number where a float would lose a cent.", "1.15", "CNY", "1.15", "115"},
		{"money/number/006", "Yen as a number.", "100.0", "JPY", "100", "100"},
		{"money/number/007", "Two decimals of a currency that has three.", "1.23", "BHD", "1.230", "1230"},
	} {
		b.also(ok, spec{id: c.id, title: c.title, output: obj{"amount": c.want, "minor": c.minor}}, func(in obj) {
			in["number"], in["currency"] = c.number, c.currency
		})
	}
	for _, c := range []struct{ id, title, number, currency string }{
		{"money/number/008", "Three decimals.", "18.511", "CNY"},
		{"money/number/009", "Three decimals hidden in an exponent.", "18511e-3", "CNY"},
		{"money/number/010", "A negative number.", "-0.01", "CNY"},
		{"money/number/011", "Half a yen.", "0.5", "JPY"},
		{"money/number/012", "Three decimals are too many in an intent, also where the currency has them.", "1.234", "BHD"},
		{"money/number/013", "A number beyond the largest amount.", "1e20", "CNY"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeFieldInvalid}, func(in obj) {
			in["number"], in["currency"] = c.number, c.currency
		})
	}
}

// groupTime: times of messages and of intents (SPEC.md 1.6).
func groupTime(b *builder) {
	ok := b.valid(spec{
		id: "time/offset/001", title: "A time in UTC.", operation: "time.parse",
		input: obj{"time": "2026-11-01T10:00:00Z", "form": "offset"}, output: obj{"time": "2026-11-01T10:00:00Z", "nanos": 0},
	})
	for _, c := range []struct {
		id, title, time, want string
		nanos                 int
	}{
		{"time/offset/002", "A time with an offset is the same moment in UTC.", "2026-11-01T18:00:00+08:00", "2026-11-01T10:00:00Z", 0},
		{"time/offset/003", "An offset may lead into another day.", "2026-11-01T00:30:00+05:45", "2026-10-31T18:45:00Z", 0},
		{"time/offset/004", "Decimals of a second are part of the moment.", "2026-11-01T10:00:00.25Z", "2026-11-01T10:00:00Z", 250000000},
		{"time/offset/005", "Nine decimals are the most.", "2026-11-01T10:00:00.123456789Z", "2026-11-01T10:00:00Z", 123456789},
		{"time/offset/006", "The last day of February in a leap year.", "2028-02-29T23:59:59Z", "2028-02-29T23:59:59Z", 0},
	} {
		b.also(ok, spec{id: c.id, title: c.title, output: obj{"time": c.want, "nanos": c.nanos}}, put("time", c.time))
	}
	for _, c := range []struct{ id, title, time string }{
		{"time/offset/007", "A small t between date and time.", "2026-11-01t10:00:00Z"},
		{"time/offset/008", "A small z.", "2026-11-01T10:00:00z"},
		{"time/offset/009", "A space in place of T.", "2026-11-01 10:00:00Z"},
		{"time/offset/010", "No offset: nobody knows whose clock it is.", "2026-11-01T10:00:00"},
		{"time/offset/011", "Ten decimals.", "2026-11-01T10:00:00.1234567890Z"},
		{"time/offset/012", "A comma before the decimals.", "2026-11-01T10:00:00,25Z"},
		{"time/offset/013", "A leap second.", "2016-12-31T23:59:60Z"},
		{"time/offset/014", "The 30th of February.", "2026-02-30T10:00:00Z"},
		{"time/offset/015", "The 25th hour.", "2026-11-01T24:00:00Z"},
		{"time/offset/016", "A date alone.", "2026-11-01"},
		{"time/offset/017", "A year of two digits.", "26-11-01T10:00:00Z"},
		{"time/offset/018", "Seconds left out.", "2026-11-01T10:00Z"},
		{"time/offset/019", "An offset without a colon.", "2026-11-01T18:00:00+0800"},
		{"time/offset/020", "Space around a time.", " 2026-11-01T10:00:00Z"},
	} {
		b.invalid(ok, spec{id: c.id, title: c.title, code: protocol.CodeFieldInvalid}, put("time", c.time))
	}
	timeEdges(b, ok)
	utc := b.also(ok, spec{id: "time/utc/001", title: "A time of an intent's window ends in Z and has whole seconds.", requirements: []string{"ADD-INT-ICS-08"}}, put("form", "utc"))
	for _, c := range []struct{ id, title, time string }{
		{"time/utc/002", "A window's time with an offset.", "2026-11-01T18:00:00+08:00"},
		{"time/utc/003", "UTC written as an offset of zero.", "2026-11-01T10:00:00+00:00"},
		{"time/utc/004", "A window's time with decimals.", "2026-11-01T10:00:00.5Z"},
		{"time/utc/005", "A window's time without an offset.", "2026-11-01T10:00:00"},
	} {
		b.invalid(utc, spec{id: c.id, title: c.title, code: protocol.CodeFieldInvalid}, put("time", c.time))
	}
}
