package delegation

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/actprotocol/act-go/protocol"
	"github.com/actprotocol/act-go/protocol/canon"
	"github.com/actprotocol/act-go/protocol/identity"
	"github.com/actprotocol/act-go/protocol/money"
)

// A Mode says how far the choice is the agent's.
type Mode string

// The two modes (ADD-INT-ICS-07).
const (
	Specified Mode = "SPECIFIED" // what to buy, or where, is settled
	Bounded   Mode = "BOUNDED"   // the agent chooses inside the boundaries
)

// DefaultCurrency is the currency of an authorization that names none
// (ADD-IAC-ISS-05).
const DefaultCurrency = "CNY"

// terms are the members that ISR and authorization share, with one set of
// rules. Every rule judges what is present; what must be present is each
// type's own matter.
type terms struct {
	mode        Mode
	start, end  time.Time
	total       Number
	currency    string
	methods     []string
	agent       string
	confirmedBy string
	confirmedAt time.Time
	ext         *Ext
}

func (t terms) check() error {
	if t.mode != "" && t.mode != Specified && t.mode != Bounded {
		return invalid("delegation_mode", "ADD-INT-ICS-07", "SPECIFIED or BOUNDED")
	}
	if err := t.checkTimes(); err != nil {
		return err
	}
	currency, err := money.ParseCurrency(t.currencyCode())
	if err != nil {
		return inMember(err, "currency")
	}
	if t.total != "" {
		if _, err := t.total.Amount(currency); err != nil {
			return inMember(err, "max_total_amount")
		}
	}
	if err := checkList(t.methods, "allowed_payment_methods", canon.CheckID); err != nil {
		return err
	}
	if t.agent != "" {
		if _, err := identity.ParseDID(t.agent); err != nil {
			return inMember(err, "agent_id")
		}
	}
	return t.ext.check(t.total, currency)
}

func (t terms) currencyCode() string {
	if t.currency == "" {
		return DefaultCurrency
	}
	return t.currency
}

func (t terms) checkTimes() error {
	for _, m := range []struct {
		name string
		time time.Time
	}{
		{"validity_start_time", t.start},
		{"validity_end_time", t.end},
		{"user_confirmation_timestamp", t.confirmedAt},
	} {
		if !m.time.IsZero() && !wholeSecond(m.time) {
			return invalid(m.name, requirementOf(m.name), "whole seconds of the years 1970 to 9999")
		}
	}
	if !t.start.IsZero() && !t.end.IsZero() && !t.end.After(t.start) {
		return invalid("validity_end_time", "ADD-INT-ICS-08", "must be later than the start")
	}
	if t.confirmedBy != "" && t.confirmedAt.IsZero() {
		return missing("user_confirmation_timestamp", "ADD-INT-ICS-12")
	}
	return nil
}

// lastSecond is the end of the year 9999, the last that RFC 3339 can write.
const lastSecond = 253402300799

func wholeSecond(t time.Time) bool {
	return t.Nanosecond() == 0 && 0 <= t.Unix() && t.Unix() <= lastSecond
}

// check applies ADD-INT-ICS-13 to -17.
func (e *Ext) check(total Number, currency money.Currency) error {
	if e == nil {
		return nil
	}
	if v := e.VendorPrivate; v != nil {
		if jsontext.Value(v).Kind() != '{' || !jsontext.Value(v).IsValid() {
			return invalid("ext.vendor_private", "ADD-INT-ICS-17", "must be an object")
		}
	}
	if c := e.Commerce; c != nil {
		if err := c.check(total, currency); err != nil {
			return protocol.In(err, "ext.commerce")
		}
	}
	if b := e.AgentBehavior; b != nil {
		if err := b.check(); err != nil {
			return protocol.In(err, "ext.agent_behavior")
		}
	}
	if f := e.Fulfillment; f != nil {
		if err := f.check(); err != nil {
			return protocol.In(err, "ext.fulfillment")
		}
	}
	return nil
}

func (c *Commerce) check(total Number, currency money.Currency) error {
	if err := notAbove("max_single_amount", c.MaxSingleAmount, total, currency); err != nil {
		return err
	}
	if err := notAbove("min_single_amount", c.MinSingleAmount, c.MaxSingleAmount, currency); err != nil {
		return err
	}
	for _, l := range []struct {
		name  string
		list  []string
		entry func(string) error
	}{
		{"allowed_categories", c.AllowedCategories, CheckCategory},
		{"forbidden_categories", c.ForbiddenCategories, CheckCategory},
		{"allowed_merchants", c.AllowedMerchants, CheckMerchant},
		{"forbidden_merchants", c.ForbiddenMerchants, CheckMerchant},
	} {
		if err := checkList(l.list, l.name, l.entry); err != nil {
			return err
		}
	}
	return nil
}

// notAbove checks an amount that may be absent against a limit that may be.
func notAbove(name string, n, limit Number, currency money.Currency) error {
	if n == "" {
		return nil
	}
	amount, err := n.Amount(currency)
	if err != nil {
		return invalid(name, "ADD-INT-ICS-13", protocol.AsError(err).Detail)
	}
	if limit == "" {
		return nil
	}
	// A limit that is no amount itself is below everything.
	most, _ := limit.Amount(currency)
	if order, err := amount.Cmp(most); err != nil || order > 0 {
		return invalid(name, "ADD-INT-ICS-13", "above the limit it belongs under")
	}
	return nil
}

func (b *AgentBehavior) check() error {
	if p := b.PriceDeviationTolerance; p != "" {
		if err := p.checkPercent(); err != nil {
			return inMember(err, "price_deviation_tolerance")
		}
	}
	switch b.PriceDeviationAction {
	case "", PauseAndNotify, AutoCancel:
	default:
		return invalid("price_deviation_action", "ADD-INT-ICS-15", "PAUSE_AND_NOTIFY or AUTO_CANCEL")
	}
	switch b.OnPaymentFailure {
	case "", AutoRetry, Cancel:
	default:
		return invalid("on_payment_failure", "ADD-INT-ICS-15", "AUTO_RETRY or CANCEL")
	}
	if n := b.MaxRetryCount; n != nil && (*n < 0 || *n > maxRetries) {
		return invalid("max_retry_count", "ADD-INT-ICS-15", "a whole number of at least 0")
	}
	return nil
}

// check: an address is parseable when it is plain text in one or several
// lines. Whether it exists is for whoever delivers (ADD-INT-ICS-16).
func (f *Fulfillment) check() error {
	if len(f.DeliveryTimeRequirement) > 256 || !printable(f.DeliveryTimeRequirement) {
		return invalid("delivery_time_requirement", "ADD-INT-ICS-16", "at most 256 bytes of plain text")
	}
	if len(f.DeliveryAddress) > 2048 || !printable(strings.ReplaceAll(f.DeliveryAddress, "\n", "")) {
		return invalid("delivery_address", "ADD-INT-ICS-16", "at most 2048 bytes of plain text")
	}
	return nil
}

// checkList refuses a list that is present and empty, and entries that break
// their own rule.
func checkList(list []string, name string, entry func(string) error) error {
	if list != nil && len(list) == 0 {
		return invalid(name, requirementOf(name), "at least one entry")
	}
	for _, s := range list {
		if err := entry(s); err != nil {
			return inMember(err, name)
		}
	}
	return nil
}

// CheckMerchant reports whether s is a recognisable merchant identifier
// (ADD-INT-ICS-14; profile): an absolute URI such as a DID or a URN, 1 to 256
// visible ASCII characters. Merchants are compared byte by byte.
func CheckMerchant(s string) error {
	scheme, rest, ok := strings.Cut(s, ":")
	if canon.CheckID(s) != nil || !ok || scheme == "" || rest == "" || !isScheme(scheme) {
		return protocol.New(protocol.CodeFieldInvalid, "", "ADD-INT-ICS-14", "a merchant is named by a DID or another absolute URI")
	}
	return nil
}

func isScheme(s string) bool {
	for i, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z'
		if !letter && (i == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return false
		}
	}
	return true
}

// CheckCategory reports whether s is a category (profile): 1 to 256 bytes of
// printable text in segments divided by "/", none of them empty.
func CheckCategory(s string) error {
	if s == "" || len(s) > 256 || !printable(s) || s[0] == '/' || s[len(s)-1] == '/' || strings.Contains(s, "//") {
		return protocol.New(protocol.CodeFieldInvalid, "", "ADD-INT-ICS-14", "a category is text in segments divided by single slashes")
	}
	return nil
}

// printable reports whether s is UTF-8 without control characters.
func printable(s string) bool {
	for i, c := range s {
		if c < ' ' || 0x7f <= c && c < 0xa0 {
			return false
		}
		if c == utf8.RuneError && !utf8.ValidString(s[i:]) {
			return false
		}
	}
	return true
}

func invalid(field, requirement, detail string) error {
	return protocol.New(protocol.CodeFieldInvalid, field, requirement, detail)
}

func missing(field, requirement string) error {
	return protocol.New(protocol.CodeFieldMissing, field, requirement, "")
}

// requirementOf names the requirement that gives a member its form.
func requirementOf(name string) string {
	switch name {
	case "user_intent_raw", "conversation_history", "role", "content", "create_time":
		return "ADD-INT-ICS-01"
	case "user_intent_raw_digest", "context_ref":
		return "ADD-INT-ICS-02"
	case "input_mode":
		return "ADD-INT-ICS-03"
	case "intent_id":
		return "ADD-INT-ICS-06"
	case "delegation_mode":
		return "ADD-INT-ICS-07"
	case "validity_start_time", "validity_end_time":
		return "ADD-INT-ICS-08"
	case "max_total_amount":
		return "ADD-INT-ICS-09"
	case "currency":
		return "ADD-INT-ICS-10"
	case "allowed_payment_methods":
		return "ADD-INT-ICS-11"
	case "user_confirmation_method", "user_confirmation_timestamp":
		return "ADD-INT-ICS-12"
	case "max_single_amount", "min_single_amount":
		return "ADD-INT-ICS-13"
	case "allowed_categories", "forbidden_categories", "allowed_merchants", "forbidden_merchants":
		return "ADD-INT-ICS-14"
	case "agent_behavior", "price_deviation_tolerance", "price_deviation_action", "on_payment_failure", "max_retry_count":
		return "ADD-INT-ICS-15"
	case "fulfillment", "delivery_time_requirement", "delivery_address":
		return "ADD-INT-ICS-16"
	case "vendor_private":
		return "ADD-INT-ICS-17"
	case "delegation_id", "delegator_identity", "agent_id":
		return "ADD-IAC-ISS-04"
	case "ext", "commerce":
		return "ADD-IAC-ISS-07"
	case "source_isr_digest":
		return "ADD-IAC-ISS-13"
	default:
		return ""
	}
}
