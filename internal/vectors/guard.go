package vectors

import (
	"github.com/actprotocol/act-go/protocol"
)

// The numbers here are made up, except for their check digits.
const (
	madeCard     = "4111111111111111"
	madeResident = "11010519491231002X"
	madeMobile   = "13800138000"
)

// groupGuard: what must not be logged, anchored or put in an error (SPEC.md 8.5).
func groupGuard(b *builder) {
	rule := ids("PRV-04")
	clean := b.valid(spec{id: "guard/clean/001", title: "Identifiers and amounts pass.", requirements: rule, operation: "guard.check",
		input: obj{"text": "order 7 of 3 items, 18.00 CNY, " + shopDID + "#k1"}})
	kept := b.valid(spec{id: "guard/mask/001", title: "What holds nothing is not changed.", requirements: rule, operation: "guard.mask",
		input: obj{"text": "order 7 of 3 items, 18.00 CNY"}, output: obj{"text": "order 7 of 3 items, 18.00 CNY"}})
	passes := func(n int, title, text string) {
		b.also(clean, spec{id: "guard/clean/0" + digits2(n), title: title}, put("text", text))
	}
	found := func(n int, title, text string) {
		b.invalid(clean, spec{id: "guard/found/0" + digits2(n), title: title, code: protocol.CodeFieldInvalid}, put("text", text))
	}
	masked := func(n int, title, text, masked string) {
		b.also(kept, spec{id: "guard/mask/0" + digits2(n), title: title, output: obj{"text": masked}}, put("text", text))
	}
	for i, c := range []struct{ title, text string }{
		{"A UUID passes, whatever its digits.", "urn:uuid:41111111-1111-4111-8111-111111111111"},
		{"A digest in hexadecimal passes.", "a411111111111111111111111111111111111111111111111111111111111111"},
		{"A wrong Luhn digit is no account.", "4111111111111112"},
		{"Twenty digits are no account.", "41111111111111111111"},
		{"Zeros are no account.", "000000000000"},
		{"The decimals of a fraction are no account.", "0.4111111111111111"},
		{"A wrong check character is no resident identity number.", "110105194912310029"},
		{"A day that does not exist is in no resident identity number.", "11010619490231002X"},
		{"A time with an offset is no telephone number.", "2026-09-01T09:00:00+08:00"},
		{"An exponent is no telephone number.", "1e+10000000"},
		{"Other groups are no telephone number.", "138 001 38000"},
		{"A name of a host alone is no address.", "a@localhost"},
		{"Derived components of a signature are no address.", `"@method" "@path"`},
		{"A word that is too short is no token.", "eyJ.a.b"},
		{"Digits over two lines are two numbers.", "4111111\n111111111"},
	} {
		passes(i+10, c.title, c.text)
	}
	for i, c := range []struct{ title, text, masked string }{
		{"An account number.", "pay with " + madeCard + " now", "pay with [account] now"},
		{"An account number in groups.", "4111 1111 1111 1111", "[account]"},
		{"An account number with hyphens.", "card-4111-1111-1111-1111.", "card-[account]."},
		{"An account number of fifteen digits.", "3782 822463 10005", "[account]"},
		{"An account number in groups of six and thirteen.", "622202 1234567890128", "[account]"},
		{"An account number behind a letter.", "card" + madeCard, "card[account]"},
		{"Account numbers in JSON, as a string and as a number.", `{"pan":"` + madeCard + `","n":` + madeCard + `}`, `{"pan":"[account]","n":[account]}`},
		{"An account number in full width.", "４１１１１１１１１１１１１１１１", "[account]"},
		{"An account number in digits of another script.", "٤١١١١١١١١١١١١١١١", "[account]"},
		{"An account number with invisible characters.", "4111\u200b1111\u200b1111\u00ad1111", "[account]"},
		{"An account number with other spaces and hyphens.", "4111\u00a01111\u20131111\u00a01111", "[account]"},
		{"A number before an account number hides nothing.", "item 17 4111 1111 1111 1111", "item 17 [account]"},
		{"A resident identity number.", "id " + madeResident, "id [resident-id]"},
		{"A resident identity number with a small letter.", "11010519491231002x.", "[resident-id]."},
		{"A resident identity number in groups.", "110105 19491231 002X", "[resident-id]"},
		{"A resident identity number in full width.", "１１０１０５１９４９１２３１００２Ｘ", "[resident-id]"},
		{"A mobile number.", "call " + madeMobile + "!", "call [phone]!"},
		{"A mobile number in groups.", "138-0013-8000", "[phone]"},
		{"A mobile number with its country.", "+86 138 0013 8000", "[phone]"},
		{"A mobile number behind 0086.", "0086" + madeMobile, "[phone]"},
		{"A telephone number of another country.", "tel:+14155552671", "tel:[phone]"},
		{"A telephone number with brackets.", "+1 (415) 555-2671", "[phone]"},
		{"An address of mail.", "to alice.b+shop@mail.example.com.", "to [email]."},
		{"An address of mail in an address of the web.", "https://x.example/?to=a%40b.io&x=1", "https://x.example/?to=[email]&x=1"},
		{"An address of mail with a full-width sign.", "alice＠example.com", "[email]"},
		{"An address of mail in another script.", "用户@例子.中国", "[email]"},
		{"Where two kinds overlap the first of the table covers both.", madeMobile + "@example.com", "[email]"},
		{"A token with what belongs to it.", "Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl~WyJzIl0~", "Bearer [token]"},
		{"A payment proof, which is a token in base64url once more.", "ZXlKaGJHY2lPaUpGWkVSVFFTSjkuZXlKemRXSWlPaUo0SW4wLg", "[token]"},
		{"Several at once.", "13800138000, a@b.io; 4111111111111111", "[phone], [email]; [account]"},
	} {
		found(i+1, c.title, c.text)
		masked(i+10, c.title, c.text, c.masked)
	}
	guardEdges(passes, found, masked)
}

// digits2 is a number of two digits.
func digits2(n int) string { return string(rune('0'+n/10)) + string(rune('0'+n%10)) }
