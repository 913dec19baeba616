package server_test

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"strings"
	"testing"
	"time"

	"github.com/actprotocol/act-go/examples/internal/browser"
	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/keys"
	"github.com/actprotocol/act-go/protocol/payment"
	"github.com/actprotocol/act-go/provider"
)

// shots is where pictures of all pages are written, in every language, size and
// colour, for a person to look at.
var shots = flag.String("shots", "", "write screenshots of the pages into this folder")

var (
	phone   = browser.Look{Width: 390, Height: 844, Language: "en-GB,en;q=0.9"}
	desktop = browser.Look{Width: 1280, Height: 800, Language: "zh-CN,zh;q=0.9,en;q=0.5"}
)

// A visit is a world with a browser in it.
type visit struct {
	*world
	t       *testing.T
	browser *browser.Browser
}

func newVisit(t *testing.T) *visit {
	t.Helper()
	w := newWorld(t)
	conn, err := tls.Dial("tcp", w.server.ID().Host(), &tls.Config{RootCAs: w.ca.Pool()})
	w.must(err)
	leaf := conn.ConnectionState().PeerCertificates[0]
	w.must(conn.Close())
	w.must(w.server.NameMerchant(context.Background(), w.Shop.DID(), "Harbour Coffee 海港咖啡"))
	return &visit{w, t, browser.Start(t, leaf)}
}

// look checks a page in both languages, on a phone and on a desk, in light and
// dark, and takes pictures when it was asked to.
func (v *visit) look(name, url, english, chinese string) {
	v.t.Helper()
	dark := phone
	dark.Language, dark.Dark = desktop.Language, true
	narrow := phone
	narrow.Width, narrow.Height = 320, 568
	wide := desktop
	wide.Language = phone.Language
	for variant, l := range map[string]struct {
		browser.Look
		words string
	}{
		"phone-en": {phone, english}, "phone-zh-dark": {dark, chinese}, "narrow-en": {narrow, english},
		"desktop-zh": {desktop, chinese}, "desktop-en": {wide, english},
	} {
		if *shots == "" && (variant == "narrow-en" || variant == "desktop-en") {
			continue
		}
		tab := v.browser.Open(v.t, l.Look)
		tab.Go(url)
		tab.Shows(l.words)
		v.tidy(tab, name+" "+variant)
		tab.Picture(*shots, name+"-"+variant)
	}
}

// tidy checks what can be checked of a page without an eye: nothing sticks out,
// it has one heading and a language, every field a label, and no text of ours
// was blocked by its own policy.
func (v *visit) tidy(tab *browser.Tab, name string) {
	v.t.Helper()
	if out := tab.Overflow(); out != "" {
		v.t.Errorf("%s: %s", name, out)
	}
	for what, expression := range map[string]string{
		"one heading":              `document.querySelectorAll("h1").length === 1`,
		"a language":               `["en", "zh-Hans"].includes(document.documentElement.lang)`,
		"the style":                `getComputedStyle(document.querySelector(".card")).borderTopLeftRadius === "16px"`,
		"a label for every field":  `[...document.querySelectorAll("input:not([type=hidden])")].every(e => e.labels.length > 0)`,
		"a name for every button":  `[...document.querySelectorAll("button, a.button")].every(e => e.innerText.trim() !== "")`,
		"buttons that can be hit":  `[...document.querySelectorAll("button, a.button, .tongues a")].filter(e => e.getClientRects().length).every(e => e.getBoundingClientRect().height >= 44)`,
		"hidden what is hidden":    `[...document.querySelectorAll("[hidden]")].every(e => !e.getClientRects().length)`,
		"amounts in one line":      `[...document.querySelectorAll(".amount")].every(e => { const r = document.createRange(); r.selectNodeContents(e.firstChild); return r.getClientRects().length === 1; })`,
		"the one that is selected": `document.querySelectorAll(".tongues [aria-current]").length === 1`,
	} {
		if got := tab.Eval(expression); got != "true" {
			v.t.Errorf("%s: not %s: %s", name, what, got)
		}
	}
}

// person opens a tab with an authenticator, and enrols a passkey for a
// principal.
func (v *visit) person(principal string, l browser.Look) (tab *browser.Tab, authenticator string) {
	v.t.Helper()
	tab = v.browser.Open(v.t, l)
	authenticator = tab.Authenticator(true)
	link, _, err := v.server.InvitePasskey(context.Background(), principal)
	v.must(err)
	tab.Go(link)
	tab.Click("button.main")
	tab.Shows("Your passkey is ready")
	return tab, authenticator
}

// method is how an instant payment was confirmed, by the book.
func (v *visit) method(tradeNo string) string {
	v.t.Helper()
	trade, err := v.server.Ledger().Trade(context.Background(), tradeNo)
	v.must(err)
	return trade.Confirmation.Method
}

func TestEnrolInBrowser(t *testing.T) {
	v := newVisit(t)
	link, expires, err := v.server.InvitePasskey(context.Background(), v.Owner)
	v.must(err)
	v.look("enrol", link, "Create your passkey", "创建您的通行密钥")
	tab := v.browser.Open(t, phone)
	authenticator := tab.Authenticator(false)
	tab.Go(link)
	tab.Click("button.main")
	tab.Shows("The passkey was not used") // the device did not recognise its owner
	v.tidy(tab, "enrol failed")
	tab.Picture(*shots, "enrol-failed-phone-en")
	tab.Verifies(authenticator, true)
	tab.Click("button.main")
	tab.Shows("Your passkey is ready")
	v.look("enrolled", link, "Your passkey is ready", "通行密钥已就绪")
	list, err := v.server.Ledger().Passkeys(context.Background())
	v.must(err)
	if len(list) != 1 || list[0].Principal != v.Owner || !list[0].BackupEligible || list[0].Removed {
		t.Errorf("PSD-PMT-BND-02: %+v", list)
	}
	late, _, err := v.server.InvitePasskey(context.Background(), v.Owner)
	v.must(err)
	v.add(expires.Sub(v.Now()) + time.Second)
	v.look("enrol-over", late, "This link is over", "此链接已失效")
	v.look("enrol-unknown", late+"x", "There is no such page here", "此处没有该页面")
	if strings.Contains(v.log.String(), late[strings.LastIndexByte(late, '/')+1:]) {
		t.Error("the log holds a link")
	}
	v.sound()
}

func TestPayInBrowser(t *testing.T) {
	v := newVisit(t)
	ctx := context.Background()
	ben, err := secondPerson(v)
	v.must(err)
	tab, authenticator := v.person(v.Owner, phone)
	stranger, _ := v.person(ben, phone)

	pending := v.waits(v.Instant(v.token, "18.00"))
	v.look("pay", pending.CashierURL, "Confirm this payment", "确认付款")
	for _, part := range []string{"18.00 CNY", v.Shop.DID(), "Harbour Coffee 海港咖啡", pending.MerchantOrderID, "urn:act:payment:balance", v.Agent.DID(), v.Owner} {
		tab.Go(pending.CashierURL)
		if !strings.Contains(strings.ReplaceAll(tab.Text(), "\n", " "), part) {
			t.Errorf("PSD-PAY-INS-02: the page does not show %q", part)
		}
	}
	t.Run("PSD-PAY-INS-03 another principal's passkey", func(t *testing.T) {
		stranger.Go(pending.CashierURL)
		stranger.Click("button.main")
		stranger.Shows("This passkey belongs to another person. Nothing was paid.")
		if focus := stranger.Eval(`document.activeElement.getAttribute("role")`); focus != "alert" {
			t.Errorf("the focus is on %s", focus)
		}
		v.tidy(stranger, "another's passkey")
		stranger.Picture(*shots, "pay-anothers-passkey-phone-en")
		if v.balance(v.Owner) != 100_00 {
			t.Error("money moved")
		}
	})
	t.Run("PSD-PAY-INS-03 the owner is not recognised", func(t *testing.T) {
		tab.Verifies(authenticator, false)
		tab.Go(pending.CashierURL)
		tab.Click("button.main")
		tab.Shows("The passkey was not used")
		tab.Picture(*shots, "pay-not-recognised-phone-en")
		tab.Verifies(authenticator, true)
		if v.balance(v.Owner) != 100_00 {
			t.Error("money moved")
		}
	})
	t.Run("PSD-PAY-INS-03 the principal confirms this one payment", func(t *testing.T) {
		tab.Click("button.main")
		tab.Shows("You confirmed this payment with your passkey")
		if v.balance(v.Owner) != 82_00 || !strings.HasPrefix(v.method(pending.TradeNo), "passkey:") {
			t.Errorf("%d, %q", v.balance(v.Owner), v.method(pending.TradeNo))
		}
		v.look("paid", pending.CashierURL, "Paid", "已支付")
	})
	t.Run("PSD-PAY-INS-04 too late", func(t *testing.T) {
		late := v.waits(v.Instant(v.token, "5.00"))
		tab.Go(late.CashierURL)
		v.add(provider.DefaultTimeToConfirm)
		tab.Click("button.main")
		tab.Shows("not confirmed in time")
		v.look("late", late.CashierURL, "Not paid", "未支付")
		if v.balance(v.Owner) != 82_00 {
			t.Error("money moved")
		}
	})
	t.Run("PSD-PAY-INS-04 not enough money", func(t *testing.T) {
		rich := v.waits(v.Instant(v.token, "99999999999.99"))
		v.look("pay-much", rich.CashierURL, "99999999999.99", "99999999999.99")
		tab.Go(rich.CashierURL)
		tab.Click("button.main")
		tab.Shows("There is not enough money in the account.")
		v.look("pay-no-money", rich.CashierURL, "There is not enough money", "账户余额不足")
	})
	t.Run("PSD-PAY-INS-04 a passkey that was removed", func(t *testing.T) {
		p := v.waits(v.Instant(v.token, "1.00"))
		list, err := v.server.Ledger().Passkeys(ctx)
		v.must(err)
		v.must(v.server.RemovePasskey(ctx, list[0].ID))
		tab.Go(p.CashierURL)
		tab.Click("button.main")
		tab.Shows("This passkey is not known here, or was removed. Nothing was paid.")
	})
	v.look("pay-unknown", "https://"+v.server.ID().Host()+"/cashier/none", "There is no such payment here", "此处没有这笔付款")
	v.sound()
}

// secondPerson opens the account of a second principal.
func secondPerson(v *visit) (string, error) {
	ben := "did:act:home.example/ben"
	return ben, v.server.OpenPrincipal(context.Background(), ben, v.CNY("0").Currency())
}

// TestWithoutScript: everything is shown, and can be declined.
func TestWithoutScript(t *testing.T) {
	v := newVisit(t)
	plain := phone
	plain.NoScript = true
	tab := v.browser.Open(t, plain)
	pending := v.waits(v.Instant(v.token, "18.00"))
	tab.Go(pending.CashierURL)
	tab.Shows("A passkey needs JavaScript")
	if text := tab.Text(); !strings.Contains(strings.ReplaceAll(text, "\n", " "), "18.00 CNY") || !strings.Contains(text, "UTC") || strings.Contains(text, "Pay 18.00") {
		t.Errorf("PSD-PAY-INS-02: %s", text)
	}
	v.tidy(tab, "no script")
	tab.Picture(*shots, "pay-noscript-phone-en")
	tab.Click("button.quiet")
	tab.Shows("This payment was cancelled. Nothing was moved.")
	tab.Picture(*shots, "cancelled-noscript-phone-en")
	v.look("cancelled", pending.CashierURL, "Cancelled", "已取消")
	v.wantQuery(pending, protocol.CodeConfirmationFailed)
	tab.Go(pending.CashierURL)
	tab.Click(`.tongues a[hreflang="zh-Hans"]`)
	tab.Shows("已取消")
	buyer, _ := v.clients()
	_, err := buyer.Bind(context.Background(), v.wish(), nil)
	page := v.pageOf(err)
	tab.Go(page)
	tab.Click("a.button")
	tab.Shows("Lower the limits")
	tab.Picture(*shots, "limits-noscript-phone-en")
	tab.Click("button.main")
	tab.Shows("May this agent pay for you?")
	tab.Click("form[action$=decline] button")
	tab.Shows("Not allowed")
	v.sound()
}

// wantQuery fails unless the agent is told that its payment was refused.
func (v *visit) wantQuery(p payment.Pending, code protocol.Code) {
	v.t.Helper()
	_, err := v.server.Ledger().Query(context.Background(), p.BuyerAgentID, p.RequestID)
	if protocol.CodeOf(err) != code {
		v.t.Errorf("PSD-PAY-INS-04: %v", err)
	}
}

// wish asks for a token of 40 yuan for ten days at two shops.
func (v *visit) wish() payment.BindingRequest {
	return payment.BindingRequest{RequestID: canon.UUID(), PrincipalID: v.Owner, Terms: payment.BindingTerms{
		Instrument: payment.BindPaymentToken, Currency: v.CNY("0").Currency(), ValidUntil: v.Now().Add(240 * time.Hour).Truncate(time.Second),
		Ceiling: v.CNY("40.00"), Merchants: []string{v.Shop.DID(), v.Tea.DID()},
	}}
}

func (v *visit) pageOf(err error) string {
	v.t.Helper()
	var waits *payment.AwaitsBinding
	if !errors.As(err, &waits) {
		v.t.Fatalf("PSD-PMT-BND-02: %v", err)
	}
	return waits.Pending.BindingURL
}

func TestBindInBrowser(t *testing.T) {
	v := newVisit(t)
	ctx := context.Background()
	buyer, _ := v.clients()
	ben, err := secondPerson(v)
	v.must(err)
	tab, _ := v.person(v.Owner, phone)
	stranger, _ := v.person(ben, phone)
	q := v.wish()
	_, err = buyer.Bind(ctx, q, nil)
	page := v.pageOf(err)
	t.Run("PSD-PMT-BND-02 agent and limits are shown", func(t *testing.T) {
		v.look("bind", page, "May this agent pay for you?", "允许此智能体为您付款吗")
		tab.Go(page)
		text := strings.ReplaceAll(tab.Text(), "\n", " ")
		for _, part := range []string{v.Agent.DID(), v.Owner, "40.00 CNY", v.Shop.DID(), "Harbour Coffee 海港咖啡", v.Tea.DID(), "as soon as you allow it"} {
			if !strings.Contains(text, part) {
				t.Errorf("the page does not show %q: %s", part, text)
			}
		}
	})
	t.Run("PSD-PMT-BND-02 somebody else", func(t *testing.T) {
		stranger.Go(page)
		stranger.Click("button.main")
		stranger.Shows("This passkey belongs to another person. The agent got nothing.")
		stranger.Picture(*shots, "bind-anothers-passkey-phone-en")
		_, err := buyer.Bind(ctx, q, nil)
		v.pageOf(err)
	})
	t.Run("PSD-PMT-BND-02 lowered, never raised", func(t *testing.T) {
		v.look("limits", page+"/limits", "Lower the limits", "降低限额")
		tab.Go(page)
		tab.Click("a.button")
		tab.Shows("You can allow less")
		tab.Fill("#ceiling", "40.01")
		tab.Click(`input[value="` + v.Tea.DID() + `"]`)
		tab.Click(`input[value="` + v.Shop.DID() + `"]`)
		tab.Click("button.main")
		tab.Shows("More than was asked for. At most: 40.00 CNY")
		tab.Shows("Please leave at least one.")
		v.tidy(tab, "limits with faults")
		tab.Picture(*shots, "limits-faults-phone-en")
		tab.Fill("#ceiling", "25")
		tab.Click(`input[value="` + v.Shop.DID() + `"]`)
		tab.Click(`input[value="7d"]`)
		tab.Click("button.main")
		tab.Shows("You have lowered what the agent asked for.")
		v.tidy(tab, "lowered")
		tab.Picture(*shots, "bind-lowered-phone-en")
	})
	t.Run("PSD-PMT-BND-03 bound within what was agreed", func(t *testing.T) {
		tab.Click("button.main")
		tab.Shows("The agent can now pay from your account within these limits.")
		bound, err := buyer.Bind(ctx, q, nil)
		v.must(err)
		if bound.Terms.Ceiling != v.CNY("25.00") || len(bound.Terms.Merchants) != 1 || bound.Terms.Merchants[0] != v.Shop.DID() || !bound.Terms.ValidUntil.Before(q.Terms.ValidUntil.Add(-48*time.Hour)) {
			t.Errorf("%+v", bound.Terms)
		}
		if html := tab.Eval("document.documentElement.outerHTML"); strings.Contains(html, bound.PaymentToken) || strings.Contains(v.log.String(), bound.PaymentToken) {
			t.Error("PSD-PMT-BND-01: the token is on the page, or in the log")
		}
		v.look("bound", page, "Allowed", "已允许")
		pay := v.Instant(bound.PaymentToken, "25.00")
		pending := v.waits(pay)
		tab.Go(pending.CashierURL)
		tab.Click("button.main")
		tab.Shows("You confirmed this payment with your passkey")
		list, err := v.server.Ledger().ListBindings(ctx, 1)
		v.must(err)
		if !strings.HasPrefix(list[0].Confirmation.Method, "passkey:") {
			t.Errorf("PSD-PMT-BND-02: %+v", list[0].Confirmation)
		}
	})
	t.Run("PSD-PMT-BND-05 declined", func(t *testing.T) {
		q := v.wish()
		_, err := buyer.Bind(ctx, q, nil)
		page := v.pageOf(err)
		tab.Go(page)
		tab.Click("form[action$=decline] button")
		tab.Shows("Not allowed")
		v.look("bind-declined", page, "Not allowed", "未允许")
		_, err = buyer.Bind(ctx, q, nil)
		var refused *payment.BindingRefusal
		if !errors.As(err, &refused) || refused.Reason.Code != protocol.CodeConfirmationFailed {
			t.Errorf("%v", err)
		}
	})
	t.Run("PSD-AGT-SUB-01 a sub-account and its key", func(t *testing.T) { v.bindSubAccount(tab) })
	v.look("bind-unknown", "https://"+v.server.ID().Host()+"/binding/none", "There is no such page here", "此处没有该页面")
	v.sound()
}

func (v *visit) bindSubAccount(tab *browser.Tab) {
	v.t.Helper()
	ctx := context.Background()
	buyer, _ := v.clients()
	key, err := keys.Generate(keys.ES256)
	v.must(err)
	sub, err := keys.NewSigner(v.Agent.DID()+"#purse", keys.SubAccount, key)
	v.must(err)
	q := v.wish()
	q.Terms = payment.BindingTerms{Instrument: payment.BindSubAccount, Currency: q.Terms.Currency, Single: v.CNY("20.00"), Within: v.CNY("60.00"), Period: 24 * time.Hour}
	_, err = buyer.Bind(ctx, q, sub)
	page := v.pageOf(err)
	v.look("bind-sub", page, "asks for a sub-account", "请求开立您名下的子账户")
	v.look("limits-sub", page+"/limits", "Lower the limits", "降低限额")
	tab.Go(page + "/limits")
	tab.Fill("#total_limit", "300.00")
	tab.Fill("#balance_limit", "100.00")
	tab.Click("button.main")
	tab.Shows("You have lowered")
	tab.Click("button.main")
	tab.Shows("The sub-account is open.")
	v.look("bound-sub", page, "The sub-account is open.", "子账户已开立")
	bound, err := buyer.Bind(ctx, q, sub)
	v.must(err)
	accounts, err := v.server.Ledger().SubAccounts(ctx)
	v.must(err)
	if len(accounts) != 1 || accounts[0].ID != bound.SubAccountID || !accounts[0].Key.Equal(sub.Public()) || accounts[0].Limits.Total != 300_00 || accounts[0].BalanceLimit != 100_00 ||
		accounts[0].Limits.Single != 20_00 || accounts[0].Agent != v.Agent.DID() || accounts[0].Principal != v.Owner {
		v.t.Errorf("PSD-AGT-SUB-01: %+v", accounts)
	}
}
