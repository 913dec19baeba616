package guard

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
)

// The numbers below are made up, except for their check digits.
func TestMask(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"card", "pay with 4111111111111111 now", "pay with [account] now"},
		{"card in groups", "4111 1111 1111 1111", "[account]"},
		{"card with hyphens", "card-4111-1111-1111-1111.", "card-[account]."},
		{"card of fifteen", "3782 822463 10005", "[account]"},
		{"UnionPay, six and thirteen", "622202 1234567890128", "[account]"},
		{"after a letter", "card4111111111111111", "card[account]"},
		{"in JSON", `{"pan":"4111111111111111","n":4111111111111111}`, `{"pan":"[account]","n":[account]}`},
		{"full width", "４１１１１１１１１１１１１１１１", "[account]"},
		{"Arabic-Indic", "٤١١١١١١١١١١١١١١١", "[account]"},
		{"no-break spaces and an en dash", "4111\u00a01111\u20131111\u00a01111", "[account]"},
		{"zero-width spaces", "4111\u200b1111\u200b1111\u00ad1111", "[account]"},
		{"another number before it", "item 17 4111 1111 1111 1111", "item 17 [account]"},
		{"twelve digits", "500000000009", "[account]"},
		{"wrong Luhn digit", "4111111111111112", "4111111111111112"},
		{"twenty digits", "41111111111111111111", "41111111111111111111"},
		{"zeros", "000000000000", "000000000000"},
		{"decimals", "0.4111111111111111", "0.4111111111111111"},
		{"two with a dot", "4111111111111111.4111111111111111", "[account].[account]"},
		{"over two lines", "4111111\n111111111", "4111111\n111111111"},

		{"resident", "id 11010519491231002X", "id [resident-id]"},
		{"resident, small x", "11010519491231002x.", "[resident-id]."},
		{"resident, digits", "440524188001010014", "[resident-id]"},
		{"resident in groups", "110105 19491231 002X", "[resident-id]"},
		{"resident, full width", "１１０１０５１９４９１２３１００２Ｘ", "[resident-id]"},
		{"resident, wrong check", "110105194912310029", "110105194912310029"},
		{"resident, no such day", "11010619490231002X", "11010619490231002X"},

		{"mobile", "call 13800138000!", "call [phone]!"},
		{"mobile in groups", "138-0013-8000", "[phone]"},
		{"mobile with country", "+86 138 0013 8000", "[phone]"},
		{"mobile, 0086", "008613800138000", "[phone]"},
		{"mobile, Chinese before it", "手机13800138000", "手机[phone]"},
		{"E.164", "tel:+14155552671", "tel:[phone]"},
		{"E.164 with brackets", "+1 (415) 555-2671", "[phone]"},
		{"E.164 with dots", "+44.20.7946.0958", "[phone]"},
		{"full-width plus", "＋442079460958", "[phone]"},
		{"bracket before the plus", "(+442079460958)", "([phone])"},
		{"mobile, country and groups", "0086-138-00138000", "[phone]"},
		{"a time with decimals", "00:25:19.000001009", "00:25:19.000001009"},
		{"decimals like a mobile number", "0.13800138000", "0.13800138000"},
		{"groups unlike a mobile number", "138 001 38000", "138 001 38000"},
		{"not a mobile number", "12800138000", "12800138000"},
		{"an offset", "2026-09-01T09:00:00+08:00", "2026-09-01T09:00:00+08:00"},
		{"an exponent", "1e+10000000", "1e+10000000"},

		{"e-mail", "to alice.b+shop@mail.example.com.", "to [email]."},
		{"e-mail in brackets", "<a@b.io>", "<[email]>"},
		{"e-mail in a URL", "https://x.example/?to=a%40b.io&x=1", "https://x.example/?to=[email]&x=1"},
		{"e-mail, full-width at", "alice＠example.com", "[email]"},
		{"e-mail, letters of other scripts", "用户@例子.中国", "[email]"},
		{"e-mail of digits", "13800138000@example.com", "[email]"},
		{"no domain", "a@localhost", "a@localhost"},
		{"no local part", `"@method" "@path"`, `"@method" "@path"`},

		{"token", "Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl~WyJzIl0~", "Bearer [token]"},
		{"proof", "ZXlKaGJHY2lPaUpGWkVSVFFTSjkuZXlKemRXSWlPaUo0SW4wLg", "[token]"},
		{"not a token", "eyJ.a.b", "eyJ.a.b"},

		{"several", "13800138000, a@b.io; 4111111111111111", "[phone], [email]; [account]"},
		{"nothing", "order 7 of 3 items, 18.00 CNY", "order 7 of 3 items, 18.00 CNY"},
		{"empty", "", ""},
		{"not UTF-8", "\xff4111111111111111\xfe", "\xff[account]\xfe"},
	} {
		t.Run("PRV-04 "+tc.name, func(t *testing.T) {
			if got := Mask(tc.text); got != tc.want {
				t.Errorf("%q became %q, want %q", tc.text, got, tc.want)
			}
			err := Check(tc.text)
			if (err != nil) != (tc.text != tc.want) {
				t.Error(err)
			}
			if err != nil && protocol.CodeOf(err) != protocol.CodeFieldInvalid {
				t.Error(err)
			}
		})
	}
}

func TestScan(t *testing.T) {
	text := "a 13800138000 b 4111111111111111"
	got := Scan(text)
	if len(got) != 2 || got[0] != (Finding{Phone, 2, 13}) || got[1] != (Finding{Account, 16, 32}) {
		t.Errorf("PRV-04 %+v", got)
	}
}

// withCheck completes a number by its Luhn digit.
func withCheck(s string) string {
	for d := range 10 {
		if c := s + strconv.Itoa(d); luhn(c) {
			return c
		}
	}
	return s
}

// Every account number of every length is found, whatever stands around it.
func TestEveryAccountIsFound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(11, 18).Draw(t, "length")
		pan := withCheck(strconv.Itoa(rapid.IntRange(1, 9).Draw(t, "first")) + rapid.StringOfN(rapid.RuneFrom([]rune("0123456789")), n-1, n-1, -1).Draw(t, "digits"))
		before := rapid.SampledFrom([]string{"", " ", "pan=", `"`, "卡号", "x", "-", "\n", "(", "#", ","}).Draw(t, "before")
		after := rapid.SampledFrom([]string{"", " ", ".", `"`, "号", ",", "-", "\n", ")", "x", ";"}).Draw(t, "after")
		if got := Mask(before + pan + after); strings.Contains(got, pan) {
			t.Fatalf("PRV-04 %q was not found: %q", before+pan+after, got)
		}
	})
}

// What this library makes is never masked: five thousand of each kind of
// identifier, in the text of a message.
func TestOwnIdentifiersAreLeft(t *testing.T) {
	var b strings.Builder
	for i := range 5_000 {
		var random [32]byte
		rand.Read(random[:])
		at := time.Unix(1_700_000_000+int64(i)*7919, int64(i)*1009)
		fields := []string{
			canon.UUID(), canon.Nonce(), string(canon.Sum(random[:])), canon.FormatTime(at), at.UTC().Format(time.RFC3339Nano),
			strconv.FormatInt(at.Unix(), 10), hex.EncodeToString(random[:]), hex.EncodeToString(random[:8]), hex.EncodeToString(random[:16]),
			canon.Nonce() + "." + canon.EncodeBase64(random[:16]), canon.EncodeBase64(random[:]) + canon.EncodeBase64(random[:]),
			"did:act:shop.example%3A8443/coffee#k1", "urn:act:payment:example-wallet", "18.00", "127.0.0.1:52011",
		}
		b.Reset()
		for j, f := range fields {
			if hexOfDigits(f) {
				continue // a hash without a single letter: one in ten million, and no guard could tell
			}
			b.WriteString(`,"` + strconv.Itoa(j) + `":"` + f + `"`)
		}
		if text := b.String(); Mask(text) != text {
			t.Fatalf("PRV-04 %s became %s", text, Mask(text))
		}
	}
}

func hexOfDigits(s string) bool { return len(s) >= 16 && strings.Trim(s, "0123456789") == "" }

// pieces of texts in which findings meet, overlap and almost are.
var pieces = []string{
	"4111", "1111", "4111111111111111", "138", "0013", "8000", "13800138000", "+", "86", "11010519491231002", "X", "x", " ", "-", ".",
	"(", ")", "@", "%40", "a", "b.io", "example.com", "eyJ", ".", "eyJhbGciOiJFZERTQSJ9.e30.", "ZXlK", "\u200b", "\u00a0", "１", "٤", "\n", "[", "]",
	"0", "7", "f81d4fae-7dec-41d0-a765-00a0c91e6bf6", "\xff",
}

// What was masked holds nothing more and stays as it is; findings are in order
// and do not overlap.
func TestMaskIsFinal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 25).Draw(t, "pieces"), "")
		checkScan(t, text)
	})
}

func checkScan(t interface{ Fatalf(string, ...any) }, text string) {
	end := 0
	for _, f := range Scan(text) {
		if f.Start < end || f.End <= f.Start || f.End > len(text) {
			t.Fatalf("PRV-04 %q: %+v", text, f)
		}
		end = f.End
	}
	masked := Mask(text)
	if again := Mask(masked); again != masked {
		t.Fatalf("PRV-04 %q became %q, and that %q", text, masked, again)
	}
}

func FuzzScan(f *testing.F) {
	f.Add("card 4111 1111 1111 1111, 13800138000, a@b.io")
	f.Fuzz(func(t *testing.T, text string) { checkScan(t, text) })
}

// Time grows with length, not with its square, for the texts that would make
// a careless scanner slow.
func TestLongTexts(t *testing.T) {
	for _, piece := range []string{"1 ", "%40", "a@", "%40a.bb", "a@b.cc", "4111111111111111.", "4111 1111 1111 1111.", "a@b.cc1.4111111111111111", "(", "1(", "+", "x", "1\u200b", "1-2-", "a.", "eyJ.", "\u200b"} {
		measure := func(n int) time.Duration {
			text := strings.Repeat(piece, n/len(piece))
			begin := time.Now()
			Mask(text)
			return time.Since(begin)
		}
		measure(1 << 12)
		if long := measure(1 << 17); long > 2*time.Second {
			t.Errorf("PRV-04 128 KiB of %q takes %v", piece, long)
		}
	}
}
