package main

import (
	"encoding/binary"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/stage"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/delegation"
)

var (
	noon   = time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", 8*60*60))
	spoken = voice{zone: noon.Location(), now: func() time.Time { return noon }, names: map[string]phrase{
		"did:act:shop.example/tea": {"the tea house", "茶馆"}, "did:act:shop.example/cake": {"the bakery", "面包店"}, stage.Method: {"your wallet", "您的钱包"},
	}}
)

func draft() *delegation.ISR {
	return &delegation.ISR{
		ValidityEnd: noon.Add(150 * time.Minute).UTC(), MaxTotalAmount: "100.05", Currency: "CNY", AllowedPaymentMethods: []string{stage.Method},
		Ext: &delegation.Ext{Commerce: &delegation.Commerce{
			AllowedMerchants: []string{"did:act:shop.example/tea", "did:act:shop.example/cake"}, MaxSingleAmount: "30",
		}},
	}
}

// aloud is what somebody can be read without stumbling.
var aloud = regexp.MustCompile(`^[\p{Han}A-Za-z0-9 ,.:?，。：？]+$`)

func TestSpeech(t *testing.T) {
	for l, want := range map[delegation.Language]string{
		delegation.English: "I heard: tea. Only from the tea house or the bakery, and by your wallet. " +
			"At most 30 yuan each time and 100 yuan and 5 fen in all, until 2:30 pm today. You confirm each payment on your phone. Is that right?",
		delegation.Chinese: "我听到的是：茶。 只在茶馆或面包店买，用您的钱包支付。 每次最多30元，总共最多100元零5分，今天下午2点30分之前有效。 每一笔都由您在手机上确认。对吗？",
	} {
		sentences, err := spoken.intent(draft(), phrase{"tea", "茶"}, l)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(sentences, " ")
		if got != want {
			t.Errorf("ADD-INT-ICS-05 %s:\n got %s\nwant %s", l, got, want)
		}
		if !aloud.MatchString(got) {
			t.Errorf("%s: not fit to be read aloud: %s", l, got)
		}
	}
}

// TestUnsaid: what a voice cannot say, it does not leave out.
func TestUnsaid(t *testing.T) {
	for name, change := range map[string]func(*delegation.ISR){
		"another currency":      func(i *delegation.ISR) { i.Currency = "USD" },
		"no limits":             func(i *delegation.ISR) { i.Ext = nil },
		"no limit per payment":  func(i *delegation.ISR) { i.Ext.Commerce.MaxSingleAmount = "" },
		"no total":              func(i *delegation.ISR) { i.MaxTotalAmount = "" },
		"any merchant":          func(i *delegation.ISR) { i.Ext.Commerce.AllowedMerchants = nil },
		"a merchant by its DID": func(i *delegation.ISR) { i.Ext.Commerce.AllowedMerchants[1] = "did:act:shop.example/other" },
		"any method":            func(i *delegation.ISR) { i.AllowedPaymentMethods = nil },
		"categories":            func(i *delegation.ISR) { i.Ext.Commerce.AllowedCategories = []string{"food"} },
		"a lower limit":         func(i *delegation.ISR) { i.Ext.Commerce.MinSingleAmount = "1" },
		"behaviour":             func(i *delegation.ISR) { i.Ext.AgentBehavior = &delegation.AgentBehavior{} },
		"an address":            func(i *delegation.ISR) { i.Ext.Fulfillment = &delegation.Fulfillment{DeliveryAddress: "here"} },
		"private data":          func(i *delegation.ISR) { i.Ext.VendorPrivate = []byte(`{}`) },
	} {
		i := draft()
		change(i)
		if s, err := spoken.intent(i, phrase{}, delegation.English); s != nil || protocol.CodeOf(err) == "" {
			t.Errorf("ADD-INT-ICS-05 %s: %q, %v", name, s, err)
		}
	}
}

func TestYuan(t *testing.T) {
	for amount, want := range map[string]phrase{
		"30.00": {"30 yuan", "30元"}, "26.50": {"26 yuan and 50 fen", "26元5角"}, "26.05": {"26 yuan and 5 fen", "26元零5分"},
		"26.55": {"26 yuan and 55 fen", "26元5角5分"}, "0.01": {"0 yuan and 1 fen", "0元零1分"},
	} {
		a := stage.Yuan(amount)
		if got := (phrase{yuan(a, delegation.English), yuan(a, delegation.Chinese)}); got != want {
			t.Errorf("%s: %q", amount, got)
		}
	}
}

func TestClock(t *testing.T) {
	for after, want := range map[time.Duration]phrase{
		0:                            {"12 pm today", "今天中午12点"},
		-7 * time.Hour:               {"5 am today", "今天凌晨5点"},
		-3 * time.Hour:               {"9 am today", "今天上午9点"},
		7*time.Hour + 30:             {"7 pm today", "今天晚上7点"},
		12 * time.Hour:               {"12 am tomorrow", "明天凌晨0点"},
		48*time.Hour + 5*time.Minute: {"12:05 pm on 25 November", "11月25日中午12点5分"},
	} {
		at := noon.Add(after).UTC()
		if got := (phrase{spoken.clock(at, delegation.English), spoken.clock(at, delegation.Chinese)}); got != want {
			t.Errorf("%s: %q, want %q", at, got, want)
		}
	}
}

// TestRecorder: the file is a WAV file, and going on makes it another.
func TestRecorder(t *testing.T) {
	r := newRecorder()
	r.listen(1)
	before := r.history()
	r.listen(1)
	f, after := r.file(), r.history()
	if string(f[:4]) != "RIFF" || string(f[8:12]) != "WAVE" || int(binary.LittleEndian.Uint32(f[4:]))+8 != len(f) ||
		int(binary.LittleEndian.Uint32(f[40:]))+44 != len(f) || len(f) != 44+4*sampleRate {
		t.Errorf("header %x of %d bytes", f[:44], len(f))
	}
	if err := after.Validate(); err != nil {
		t.Error(err)
	}
	if err := after.Matches(f); err != nil || before.Matches(f) == nil || after.ContextRef != before.ContextRef {
		t.Errorf("ADD-INT-ICS-02: %v", err)
	}
}
